"""Parsers for numbers, times and texts from an exchange: exact, or None."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from app.domain import money

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = 253_402_300_799_999


def exact(value: object) -> Decimal | None:
    """The Decimal of a string or integer; None for anything else, or an absurd number."""
    if not isinstance(value, str | int) or isinstance(value, bool):
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() and _is_sane(number) else None


def amount(value: object) -> Decimal | None:
    """An exact number of zero or more; None otherwise."""
    number = exact(value)
    return number if number is not None and number >= money.ZERO else None


def positive(value: object) -> Decimal | None:
    number = exact(value)
    return number if number is not None and number > money.ZERO else None


def written(value: object) -> object:
    """A float as the text it was parsed from, which repr gives back; other values unchanged."""
    return repr(value) if isinstance(value, float) else value


def moment(value: object) -> datetime | None:
    """The time of a Unix timestamp in milliseconds; None if it is not one."""
    number = exact(value)
    if number is None or not 0 < number <= _LATEST:
        return None
    return _EPOCH + timedelta(milliseconds=int(number))


def milliseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(milliseconds=1)


def text(row: Mapping[str, Any], key: str) -> str | None:
    """The string under the key; None if it is missing or empty."""
    value = row.get(key)
    return value if isinstance(value, str) and value else None


def _is_sane(number: Decimal) -> bool:
    """Whether the number fits the domain's arithmetic and the database columns."""
    _, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)  # noqa: S101
    return len(digits) <= money.MAX_DIGITS and -money.MAX_DIGITS <= exponent <= money.MAX_DIGITS
