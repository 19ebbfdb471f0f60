"""Exact Decimal arithmetic: sums and products are exact or raise; only quotients are rounded."""

from collections.abc import Iterable
from decimal import (
    ROUND_HALF_EVEN,
    Context,
    Decimal,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
)

MAX_DIGITS = 38
MAX_PLACES = 18
ZERO = Decimal(0)

_EXACT = Context(prec=200, traps=[Inexact, InvalidOperation, DivisionByZero, Overflow])
_ROUNDED = Context(prec=200, rounding=ROUND_HALF_EVEN, traps=[InvalidOperation, DivisionByZero])
_QUOTIENT_STEP = Decimal(1).scaleb(-MAX_PLACES)
HUNDRED = Decimal(100)
_PERCENT_STEP = Decimal("0.000001")


def add(left: Decimal, right: Decimal) -> Decimal:
    return _EXACT.add(left, right)


def subtract(left: Decimal, right: Decimal) -> Decimal:
    return _EXACT.subtract(left, right)


def multiply(left: Decimal, right: Decimal) -> Decimal:
    return _EXACT.multiply(left, right)


def total(values: Iterable[Decimal]) -> Decimal:
    result = ZERO
    for value in values:
        result = _EXACT.add(result, value)
    return result


def divide(numerator: Decimal, denominator: Decimal) -> Decimal:
    """The quotient, rounded to 18 places, half to even."""
    quotient = _ROUNDED.divide(numerator, denominator)
    return _ROUNDED.quantize(quotient, _QUOTIENT_STEP)


def percent(part: Decimal, whole: Decimal) -> Decimal:
    """The part as a percentage of the whole, rounded to 6 places, half to even."""
    quotient = _ROUNDED.divide(_EXACT.multiply(part, HUNDRED), whole)
    return _ROUNDED.quantize(quotient, _PERCENT_STEP)


def is_on_step(value: Decimal, step: Decimal) -> bool:
    return _EXACT.remainder(value, step) == ZERO


def floor_to_step(value: Decimal, step: Decimal) -> Decimal:
    """The nearest multiple of the step that is not above a positive value."""
    return _EXACT.multiply(_EXACT.divide_int(value, step), step)


def ceil_to_step(value: Decimal, step: Decimal) -> Decimal:
    """The nearest multiple of the step that is not below a positive value."""
    floor = floor_to_step(value, step)
    return floor if floor == value else _EXACT.add(floor, step)


def plain(value: Decimal) -> str:
    """Plain notation: no exponent, no trailing zeros, no minus before zero."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
