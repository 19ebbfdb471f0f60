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
# As much as the table of orders has room for.
_MOST_WORDS = 64
_TRIGGERS = ("triggerPrice", "stopLossPrice", "takeProfitPrice")
_TIMES_IN_FORCE = {"GTC": TimeInForce.GTC, "IOC": TimeInForce.IOC, "FOK": TimeInForce.FOK}


def reported_terms(row: Row) -> ReportedTerms | None:
    """The order's current terms, without a version: no exchange counts amendments."""
    kind, amount = _type_of(row), positive(row.get("amount"))
    if kind is None or amount is None:
        return None
    # The price of a type that is not one of ours may be the distance of a trail.
    named = _named_type(row)
    price = positive(row.get("price")) if named is not None and named.has_price else None
    trigger = _trigger_of(row) if kind.has_trigger else None
    terms = AmendableTerms(amount=amount, price=price, trigger_price=trigger)
    return ReportedTerms(version=None, terms=terms)


def details_of(row: Row) -> OrderDetails | None:
    """Everything needed to import an order that was placed outside orderdeck."""
    kind, symbol, side = _type_of(row), text(row, "symbol"), _side_of(row)
    created_at = moment(row.get("timestamp"))
    if kind is None or symbol is None or side is None or created_at is None:
        return None
    return OrderDetails(
        client_order_id=text(row, "clientOrderId"),
        symbol=symbol,
        side=side,
        type=kind,
        time_in_force=_time_in_force(row, kind) or TimeInForce.GTC,
        exchange_type=_words_of_type(row) if kind is OrderType.OTHER else None,
        reduce_only=row.get("reduceOnly") is True,
        created_at=created_at,
    )


def _type_of(row: Row) -> OrderType | None:
    """The type by the exchange's own word, or OTHER; None if the row lacks its word or its price.

    OTHER is what has a word or a time in force that is none of ours, a trigger that follows the
    price, or a trigger beside a plain type.
    """
    kind = _named_type(row)
    if kind is None:
        return None if _own_word(row) is None else OrderType.OTHER
    if kind.has_price and positive(row.get("price")) is None:
        return None
    is_other = kind.has_trigger is (_trigger_of(row) is None) or _time_in_force(row, kind) is None
    return OrderType.OTHER if is_other else kind


def _named_type(row: Row) -> OrderType | None:
    return _TYPES.get((_own_word(row) or "").lower().replace("-", "_"))


def _own_word(row: Row) -> str | None:
    return text(row, "orderType") or text(row, "type")


def _words_of_type(row: Row) -> str:
    """The exchange's own words: its type, and how long it waits if that is the unusual part."""
    kind, word = _named_type(row), _own_word(row) or ""
    if kind is not None and _time_in_force(row, kind) is None:
        word = f"{word} {row.get('timeInForce')}"
    return word[:_MOST_WORDS]


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
