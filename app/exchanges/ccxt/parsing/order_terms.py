"""Parsers for an order's terms and details in a ccxt row: complete, or None."""

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
_TIMES_IN_FORCE = {"GTC": TimeInForce.GTC, "IOC": TimeInForce.IOC, "FOK": TimeInForce.FOK}


def reported_terms(row: Row) -> ReportedTerms | None:
    """The order's current terms, without a version: no exchange counts amendments."""
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
    """Everything needed to import an order that was placed outside orderdeck."""
    kind, symbol, side = _type_of(row), text(row, "symbol"), _side_of(row)
    time_in_force, created_at = _time_in_force(row, kind), moment(row.get("timestamp"))
    if (
        kind is None
        or symbol is None
        or side is None
        or time_in_force is None
        or created_at is None
    ):
        return None
    return OrderDetails(
        client_order_id=text(row, "clientOrderId"),
        symbol=symbol,
        side=side,
        type=kind,
        time_in_force=time_in_force,
        reduce_only=row.get("reduceOnly") is True,
        created_at=created_at,
    )


def _type_of(row: Row) -> OrderType | None:
    """The type by the exchange's own word; an order with a trigger is never a plain type."""
    word = str(row.get("orderType") or row.get("type")).lower().replace("-", "_")
    kind = _TYPES.get(word)
    if kind is not None and kind.has_trigger is (_trigger_of(row) is None):
        return None
    return kind


def _trigger_of(row: Row) -> Decimal | None:
    prices = (positive(row.get(name)) for name in _TRIGGERS)
    return next((price for price in prices if price is not None), None)


def _side_of(row: Row) -> OrderSide | None:
    return {"buy": OrderSide.BUY, "sell": OrderSide.SELL}.get(str(row.get("side")))


def _time_in_force(row: Row, kind: OrderType | None) -> TimeInForce | None:
    """GTC if it is missing or the order is a market order; None if a limit has an unknown one."""
    if row.get("postOnly") is True or row.get("timeInForce") == "PO":
        return TimeInForce.POST_ONLY
    word = row.get("timeInForce")
    if word is None or (kind is not None and not kind.has_price):
        return TimeInForce.GTC
    return _TIMES_IN_FORCE.get(str(word))
