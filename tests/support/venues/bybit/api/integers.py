"""Parses integers among the parameters of a request."""

from collections.abc import Mapping

from tests.support.venues.bybit.api.refusals import parameter_error


def integer(params: Mapping[str, str], name: str, default: int) -> int:
    """The value of a parameter, or the default if it was not sent. Raises Refused."""
    value = params.get(name)
    if not value:
        return default
    if not value.isdecimal():
        raise parameter_error(f"params error: {name} invalid")
    return int(value)
