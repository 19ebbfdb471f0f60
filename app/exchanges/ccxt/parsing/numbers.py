"""Numbers and times on their way over the edge: exact, or not taken at all."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from app.domain import money

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_LATEST = 253_402_300_799_999


def exact(value: object) -> Decimal | None:
    """The number behind a text or a whole number; None where it is neither, or absurd."""
    if not isinstance(value, str | int) or isinstance(value, bool):
        return None
    try:
        number = Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() and _is_sane(number) else None


def amount(value: object) -> Decimal | None:
    """A number that counts something, which is never less than nothing."""
    number = exact(value)
    return number if number is not None and number >= money.ZERO else None


def positive(value: object) -> Decimal | None:
    number = exact(value)
    return number if number is not None and number > money.ZERO else None


def written(value: object) -> object:
    """One of ccxt's floats as it was written; they print that way."""
    return repr(value) if isinstance(value, float) else value


def moment(value: object) -> datetime | None:
    """The time behind milliseconds; None where they are none."""
    number = exact(value)
    if number is None or not 0 < number <= _LATEST:
        return None
    return _EPOCH + timedelta(milliseconds=int(number))


def milliseconds(at: datetime) -> int:
    return (at - _EPOCH) // timedelta(milliseconds=1)


def text(row: Mapping[str, Any], key: str) -> str | None:
    """A name that is there and not empty."""
    value = row.get(key)
    return value if isinstance(value, str) and value else None


def _is_sane(number: Decimal) -> bool:
    """Small enough for the sums of the domain and for the columns of the storage."""
    _, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)  # noqa: S101
    return len(digits) <= money.MAX_DIGITS and -money.MAX_DIGITS <= exponent <= money.MAX_DIGITS
