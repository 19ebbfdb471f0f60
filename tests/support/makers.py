"""Builders of orders, requests, reports and fills with usable defaults."""

from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any, TypeVar

from app.domain.fills import Fee, Fill
from app.domain.order_kinds import OrderSide, OrderType, PositionType, TimeInForce
from app.domain.orders.order import Order, OrderStatus
from app.domain.orders.reports import FillReport, OrderReport, ReportedTerms
from app.domain.orders.requests import OrderRequest
from app.domain.orders.terms import AmendableTerms, OrderTerms

AT = datetime(2026, 1, 5, 12, tzinfo=UTC)


def counting_ids() -> Callable[[], str]:
    numbers = count(1)
    return lambda: f"{next(numbers):026d}"


T = TypeVar("T", bound=Any)
_TERMS = frozenset(field.name for field in fields(OrderTerms))


def changed(order: T, **changes: Any) -> T:
    """A copy with other fields, including fields of its terms."""
    terms = {name: changes.pop(name) for name in _TERMS & changes.keys()}
    other: T = replace(order, terms=replace(order.terms, **terms), **changes)
    return other


def flat(**values: Any) -> dict[str, Any]:
    """Collect the fields of OrderTerms among an order's arguments into `terms`."""
    terms = {name: values.pop(name) for name in _TERMS & values.keys()}
    return {**values, "terms": OrderTerms(**terms)}


def make_order(**changes: Any) -> Order:
    values: dict[str, Any] = {
        "id": "01M7YQZSSRYNK1V0VAAQ8M6GHS",
        "account": "paper",
        "client_order_id": "mine-1",
        "wire_id": "a0000000000000000b",
        "symbol": "BTC/USDT",
        "side": OrderSide.BUY,
        "type": OrderType.LIMIT,
        "time_in_force": TimeInForce.GTC,
        "status": OrderStatus.SUBMITTING,
        "amount": Decimal(1),
        "price": Decimal(100),
        "created_at": AT,
        "updated_at": AT,
    }
    return Order(**flat(**(values | changes)))


def make_report(status: OrderStatus, *fills: FillReport, **changes: Any) -> OrderReport:
    values: dict[str, Any] = {
        "symbol": "BTC/USDT",
        "wire_id": "a0000000000000000b",
        "exchange_order_id": "7",
        "status": status,
        "at": AT,
        "fills": fills,
    }
    return OrderReport(**(values | changes))


def make_terms(version: int, amount: Decimal, **changes: Any) -> ReportedTerms:
    values: dict[str, Any] = {"amount": amount, "price": Decimal(100), "trigger_price": None}
    return ReportedTerms(version=version, terms=AmendableTerms(**(values | changes)))


def make_trade(number: int, amount: str, price: str = "100") -> FillReport:
    return FillReport(
        trade_id=str(number),
        price=Decimal(price),
        amount=Decimal(amount),
        fee=Fee(currency="USDT", amount=Decimal("0.1")),
        is_maker=True,
        at=AT + timedelta(seconds=number),
    )


def make_request(**changes: Any) -> OrderRequest:
    values: dict[str, Any] = {
        "account": "paper",
        "client_order_id": "mine-1",
        "symbol": "BTC/USDT",
        "side": OrderSide.BUY,
        "type": OrderType.MARKET,
        "amount": Decimal("0.01"),
        "position_type": PositionType.SPOT,
    }
    return OrderRequest(**flat(**(values | changes)))


def make_fill(order: Order, **changes: Any) -> Fill:
    """The first fill of an order that was just accepted."""
    trade = make_trade(1, "0.4")
    values: dict[str, Any] = {
        "id": "1" * 26,
        "order_id": order.id,
        "account": order.account,
        "exchange_trade_id": trade.trade_id,
        "symbol": order.symbol,
        "side": order.side,
        "price": trade.price,
        "amount": trade.amount,
        "cost": trade.price * trade.amount,
        "fee": trade.fee,
        "is_maker": True,
        "at": trade.at,
        "revision": 2,
    }
    return Fill(**(values | changes))
