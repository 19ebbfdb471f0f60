"""What an order asks for, read from the exchange's own row: all of it, or none."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from app.domain.order_kinds import OrderSide, OrderType, TimeInForce
from app.domain.orders.reports import OrderDetails, ReportedTerms
from app.domain.orders.terms import AmendableTerms
from app.exchanges.ccxt.parsing.numbers import moment, positive, text

Row = Mapping[str, Any]

_TYPES = {
    "market": OrderType.MARKET,
    "limit": OrderType.LIMIT,
    "limit_maker": OrderType.LIMIT,
    "stop_loss": OrderType.STOP_MARKET,
    "stop_loss_limit": OrderType.STOP_LIMIT,
    "take_profit": OrderType.TAKE_PROFIT_MARKET,
    "take_profit_limit": OrderType.TAKE_PROFIT_LIMIT,
}
_TRIGGERS = ("triggerPrice", "stopLossPrice", "takeProfitPrice")
_LASTING = {"GTC": TimeInForce.GTC, "IOC": TimeInForce.IOC, "FOK": TimeInForce.FOK}


def reported_terms(row: Row) -> ReportedTerms | None:
    """As they are just now; no exchange counts how often they changed."""
    kind, amount = _type_of(row), positive(row.get("amount"))
    if kind is None or amount is None:
        return None
    price = positive(row.get("price")) if kind.has_price else None
    trigger = _trigger_of(row) if kind.has_trigger else None
    if kind.has_price is (price is None) or kind.has_trigger is (trigger is None):
        return None
    terms = AmendableTerms(amount=amount, price=price, trigger_price=trigger)
    return ReportedTerms(version=None, terms=terms)


def details_of(row: Row) -> OrderDetails | None:
    """What an order is that somebody else may have placed."""
    kind, symbol, side = _type_of(row), text(row, "symbol"), _side_of(row)
    lasting, created_at = _time_in_force(row, kind), moment(row.get("timestamp"))
    if kind is None or symbol is None or side is None or lasting is None or created_at is None:
        return None
    return OrderDetails(
        client_order_id=text(row, "clientOrderId"),
        symbol=symbol,
        side=side,
        type=kind,
        time_in_force=lasting,
        reduce_only=row.get("reduceOnly") is True,
        created_at=created_at,
    )


def _type_of(row: Row) -> OrderType | None:
    """By the exchange's own word; an order with a trigger is none of the plain ones."""
    told = str(row.get("orderType") or row.get("type")).lower().replace("-", "_")
    kind = _TYPES.get(told)
    if kind is not None and kind.has_trigger is (_trigger_of(row) is None):
        return None
    return kind


def _trigger_of(row: Row) -> Decimal | None:
    prices = (positive(row.get(name)) for name in _TRIGGERS)
    return next((price for price in prices if price is not None), None)


def _side_of(row: Row) -> OrderSide | None:
    return {"buy": OrderSide.BUY, "sell": OrderSide.SELL}.get(str(row.get("side")))


def _time_in_force(row: Row, kind: OrderType | None) -> TimeInForce | None:
    """A market order may leave it out; what a limit says must be known."""
    if row.get("postOnly") is True or row.get("timeInForce") == "PO":
        return TimeInForce.POST_ONLY
    told = row.get("timeInForce")
    if told is None or (kind is not None and not kind.has_price):
        return TimeInForce.GTC
    return _LASTING.get(str(told))
