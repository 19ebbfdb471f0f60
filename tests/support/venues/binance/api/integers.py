"""Parses integers among the parameters of a request."""

import re
from collections.abc import Mapping

from tests.support.venues.binance.api.refusals import illegal, missing

_LEGAL = "[0-9]{1,20}"


def integer(params: Mapping[str, str], name: str, default: int | None = None) -> int:
    """The value of a parameter, or the default if it was not sent. Raises Refused."""
    value = params.get(name)
    if value is None and default is not None:
        return default
    if not value:
        raise missing(name)
    if not re.fullmatch(_LEGAL, value):
        raise illegal(name, f"^{_LEGAL}$")
    return int(value)
