"""Formats amounts as Binance does, with eight decimal places, and truncates to them."""

from decimal import ROUND_DOWN, Context, Decimal, Inexact, InvalidOperation

ZERO = Decimal(0)
Number = Decimal | str | int

_PLACES = Decimal("0.00000001")
_EXACT = Context(prec=60, traps=[Inexact, InvalidOperation])
_TRUNCATING = Context(prec=60, rounding=ROUND_DOWN, traps=[InvalidOperation])


def text(value: Decimal) -> str:
    return f"{_EXACT.quantize(value, _PLACES):f}"


def truncated(value: Decimal) -> Decimal:
    return _TRUNCATING.quantize(value, _PLACES)
