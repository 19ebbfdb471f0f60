from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from app.domain.order_kinds import OrderSide, OrderType, TimeInForce
from app.domain.orders.reports import OrderDetails
from app.domain.orders.terms import AmendableTerms
from app.exchanges.ccxt.parsing.order_reports import answered, news_of
from app.exchanges.ccxt.parsing.order_terms import details_of, reported_terms
from app.exchanges.ccxt.rows.table import QUIRKS
from tests.support.exchanges.request_recorders import recorded

NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)
LIMIT: dict[str, Any] = {
    "id": "28",
    "clientOrderId": "a00000000000000001",
    "symbol": "BTC/USDT",
    "status": "open",
    "type": "limit",
    "side": "buy",
    "timeInForce": "GTC",
    "amount": "0.30000000",
    "price": "100.00000000",
    "filled": "0",
    "timestamp": 1748779200000,
}


def terms_in(**changes: Any) -> AmendableTerms | None:
    reported = reported_terms(LIMIT | changes)
    assert reported is None or reported.version is None
    return None if reported is None else reported.terms


def terms(amount: str, price: str | None, trigger: str | None = None) -> AmendableTerms:
    return AmendableTerms(
        amount=Decimal(amount),
        price=None if price is None else Decimal(price),
        trigger_price=None if trigger is None else Decimal(trigger),
    )


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({}, terms("0.3", "100")),
        ({"orderType": "LIMIT_MAKER"}, terms("0.3", "100")),
        ({"type": "market"}, terms("0.3", None)),
        ({"orderType": "STOP_LOSS_LIMIT", "triggerPrice": "99"}, terms("0.3", "100", "99")),
        ({"orderType": "stop-loss", "stopLossPrice": "99"}, terms("0.3", None, "99")),
        ({"orderType": "take-profit", "takeProfitPrice": "101"}, terms("0.3", None, "101")),
    ],
)
def test_the_terms_are_those_that_the_type_has(
    changes: dict[str, Any], wanted: AmendableTerms
) -> None:
    assert terms_in(**changes) == wanted


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": None},
        {"amount": "0"},
        {"price": None},
        {"price": "0.00"},
        {"price": "NaN"},
        {"type": None},
    ],
)
def test_terms_that_are_not_whole_are_not_told(changes: dict[str, Any]) -> None:
    assert terms_in(**changes) is None


def test_an_order_of_somebody_else_is_told_with_all_that_it_is() -> None:
    assert details_of(LIMIT | {"postOnly": False}) == OrderDetails(
        client_order_id="a00000000000000001",
        symbol="BTC/USDT",
        side=OrderSide.BUY,
        type=OrderType.LIMIT,
        time_in_force=TimeInForce.GTC,
        reduce_only=False,
        created_at=NOW,
    )


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"timeInForce": "IOC"}, TimeInForce.IOC),
        ({"timeInForce": "PO"}, TimeInForce.POST_ONLY),
        ({"timeInForce": None, "postOnly": True}, TimeInForce.POST_ONLY),
        ({"timeInForce": None}, TimeInForce.GTC),
        ({"timeInForce": "GTD", "type": "market"}, TimeInForce.GTC),
    ],
)
def test_how_long_it_waits_is_told(changes: dict[str, Any], wanted: TimeInForce) -> None:
    details = details_of(LIMIT | changes)
    assert details is not None
    assert details.time_in_force is wanted


@pytest.mark.parametrize(
    "changes",
    [
        {"symbol": None},
        {"side": "both"},
        {"timestamp": None},
        {"type": None},
        {"price": None},
    ],
)
def test_what_an_order_is_comes_whole_or_not_at_all(changes: dict[str, Any]) -> None:
    assert details_of(LIMIT | changes) is None


@pytest.mark.parametrize(
    ("changes", "words", "price"),
    [
        # A trail has no trigger of its own, and its price may be its distance.
        ({"orderType": "trailing-stop", "price": "5"}, "trailing-stop", None),
        ({"type": "iceberg"}, "iceberg", None),
        ({"orderType": "STOP_LOSS_LIMIT"}, "STOP_LOSS_LIMIT", Decimal(100)),
        ({"orderType": "stop_loss_limit", "triggerPrice": "0"}, "stop_loss_limit", Decimal(100)),
        ({"triggerPrice": "99"}, "limit", Decimal(100)),
        ({"timeInForce": "GTD"}, "limit GTD", Decimal(100)),
    ],
)
def test_what_is_none_of_our_types_is_of_type_other_with_the_exchanges_word(
    changes: dict[str, Any], words: str, price: Decimal | None
) -> None:
    details = details_of(LIMIT | changes)
    assert details is not None
    assert (details.type, details.exchange_type) == (OrderType.OTHER, words)
    assert details.time_in_force is TimeInForce.GTC
    terms = terms_in(**changes)
    assert terms == AmendableTerms(amount=Decimal("0.3"), price=price, trigger_price=None)


def test_an_answer_bears_the_terms_and_news_never_do() -> None:
    assert answered(LIMIT, now=NOW).terms is not None
    for has_trades_beside in (True, False):
        news = news_of(LIMIT, now=NOW, has_trades_beside=has_trades_beside)
        assert (news.terms, news.details) == (None, None)


KRAKEN = {
    "status": "open",
    "opentm": 1748779200.0,
    "vol": "0.30000000",
    "vol_exec": "0.00000000",
    "cost": "0.00000",
    "fee": "0.00000",
    "price": "0.00000",
    "stopprice": "0.00000",
    "limitprice": "0.00000",
    "oflags": "fciq",
    "cl_ord_id": "a00000000000000001",
}


@pytest.mark.parametrize(
    ("kind", "price", "price2", "wanted"),
    [
        ("limit", "100.0", "0", terms("0.3", "100")),
        ("stop-loss", "99.0", "0", terms("0.3", None, "99")),
        ("stop-loss-limit", "99.0", "98.5", terms("0.3", "98.5", "99")),
        ("take-profit-limit", "101.0", "101.5", terms("0.3", "101.5", "101")),
    ],
)
async def test_what_kraken_tells_of_an_order_is_read_as_its_terms(
    kind: str, price: str, price2: str, wanted: AmendableTerms
) -> None:
    told = {"pair": "XBTUSDT", "type": "sell", "ordertype": kind, "price": price, "price2": price2}
    async with recorded("kraken", {}) as (client, _):
        row = client.parse_order(KRAKEN | {"id": "28", "descr": told})
        report = answered(QUIRKS["kraken"].named(row), now=NOW)
    assert report.terms is not None
    assert report.terms.terms == wanted
    assert report.details is not None
    assert report.details.side is OrderSide.SELL
