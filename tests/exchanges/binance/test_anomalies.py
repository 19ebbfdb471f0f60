"""An exchange that says what it should not: counted, logged now and then, and never guessed."""

import gzip
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
from structlog.testing import capture_logs

from app.domain.orders.order import OrderStatus
from app.errors import ExchangeDoubt, ExchangeRejected
from app.exchanges.ccxt.connection.anomalies import (
    LOGGED_EVERY_SECONDS,
    SAME_LOGGED_EVERY_SECONDS,
    AnomalyLog,
)
from app.exchanges.ccxt.connection.response_limits import LARGEST_ANSWER_BYTES
from tests.exchanges.conftest import START
from tests.support.clock import ManualClock
from tests.support.exchanges.at.binance import BinanceRig, trading
from tests.support.exchanges.rigs import a_limit, an_intent, key_of
from tests.support.venues.serving import faults
from tests.support.venues.serving.faults import AnyFault
from tests.support.venues.serving.requests import RequestKind

PRICE = Decimal(40_000)


@pytest.fixture
async def desk() -> AsyncIterator[BinanceRig]:
    async with trading(ManualClock(START)) as rig:
        yield rig
        rig.venue.journal.assert_nothing_was_sent_twice()


UNREADABLE = {
    "no status": faults.without("status"),
    "an unknown status": faults.with_(status="DANCING"),
    "a status that is a number": faults.with_(status=7),
    "a status that is a tree": faults.with_(status={"a": [1]}),
    "no id and no name": faults.without("orderId", "clientOrderId"),
    "the id of another": faults.with_(orderId=1, clientOrderId="another"),
    "a list": faults.spoiled(lambda page: [page]),
    "a text": faults.spoiled(str),
    "null": faults.spoiled(lambda _: None),
}


@pytest.mark.parametrize("fault", UNREADABLE.values(), ids=UNREADABLE.keys())
async def test_an_order_that_cannot_be_read_is_doubt(desk: BinanceRig, fault: AnyFault) -> None:
    intent = a_limit(PRICE)
    await desk.gateway.submit(intent)
    desk.venue.faults.on(RequestKind.FETCH_ORDER, fault)
    with pytest.raises(ExchangeDoubt):
        await desk.gateway.find(key_of(intent))
    report = await desk.gateway.find(key_of(intent))
    assert report is not None
    assert report.status is OrderStatus.OPEN


@pytest.mark.parametrize("absurd", ["1e400", "-1", "", None, [], {"a": 1}])
async def test_a_number_that_is_none_is_left_out_and_not_guessed(
    desk: BinanceRig, absurd: Any
) -> None:
    intent = a_limit(PRICE)
    await desk.gateway.submit(intent)
    desk.venue.fill(intent.wire_id, "0.001")
    spoiled = faults.with_(cummulativeQuoteQty=absurd, origQty=absurd)
    desk.venue.faults.on(RequestKind.FETCH_ORDER, spoiled)
    report = await desk.gateway.find(key_of(intent))
    assert report is not None
    assert (report.filled, report.terms) == (Decimal("0.001"), None)
    assert report.cost in {None, Decimal(0), Decimal(40)}
    assert [fill.price for fill in report.fills] == [PRICE]


@pytest.mark.parametrize("absurd", ["NaN", "0x10", "twelve"])
async def test_what_ccxt_itself_cannot_read_is_doubt_and_counted(
    desk: BinanceRig, absurd: str
) -> None:
    intent = a_limit(PRICE)
    await desk.gateway.submit(intent)
    desk.venue.faults.on(RequestKind.FETCH_ORDER, faults.with_(origQty=absurd))
    with pytest.raises(ExchangeDoubt):
        await desk.gateway.find(key_of(intent))
    assert desk.gateway.anomalies == {"answer_unparsable": 1}
    assert await desk.gateway.find(key_of(intent)) is not None


async def test_what_could_not_be_read_is_counted(desk: BinanceRig) -> None:
    intent = an_intent()
    await desk.gateway.submit(intent)
    desk.venue.faults.on(RequestKind.FETCH_ORDER, faults.with_(status="DANCING"))
    with pytest.raises(ExchangeDoubt):
        await desk.gateway.find(key_of(intent))
    desk.venue.faults.on(RequestKind.MY_TRADES, faults.BAD_GATEWAY)
    desk.venue.faults.on(
        RequestKind.MY_TRADES, faults.spoiled(lambda page: [{**page[0], "price": "NaN"}])
    )
    for _ in range(2):
        assert (await desk.gateway.find(key_of(intent))).fills == ()  # type: ignore[union-attr]
    assert desk.gateway.anomalies == {
        "order_unreadable": 1,
        "trades_unanswered": 1,
        "trade_unreadable": 1,
    }


_PACKED = faults.Answer(
    body=gzip.compress(b'"' + bytes(LARGEST_ANSWER_BYTES), compresslevel=1),
    headers={"Content-Encoding": "gzip"},
)
HUGE = {"fifty megabytes": faults.huge(), "packed small": faults.Fault(outcome=_PACKED)}


@pytest.mark.parametrize("fault", HUGE.values(), ids=HUGE.keys())
async def test_a_huge_answer_is_cut_off_and_the_order_is_found(
    desk: BinanceRig, fault: faults.Fault
) -> None:
    intent = a_limit(PRICE)
    desk.venue.faults.on(RequestKind.CREATE_ORDER, fault.after_acceptance())
    with pytest.raises(ExchangeDoubt, match=f"more than {LARGEST_ANSWER_BYTES} bytes"):
        await desk.gateway.submit(intent)
    report = await desk.gateway.find(key_of(intent))
    assert report is not None
    assert report.status is OrderStatus.OPEN
    assert desk.venue.journal.sent_orders() == [intent.wire_id]


@pytest.mark.parametrize("skew", [20, -20])
async def test_a_clock_that_is_20_seconds_off_costs_one_refusal_and_is_set_right(
    desk: BinanceRig, skew: float
) -> None:
    asked = desk.venue.journal.count(RequestKind.TIME)
    desk.venue.skew_seconds = skew
    intent = a_limit(PRICE)
    with pytest.raises(ExchangeRejected) as caught:
        await desk.gateway.submit(intent)
    assert caught.value.refusal.retryable
    assert desk.gateway.anomalies == {"clock_off": 1}
    await desk.venue.journal.until(RequestKind.TIME, asked + 1)
    await desk.clock.advance(0)
    again = a_limit(PRICE)
    assert (await desk.gateway.submit(again)).status is OrderStatus.OPEN
    assert await desk.gateway.find(key_of(intent)) is None


async def test_a_bad_exchange_fills_no_disk() -> None:
    clock = ManualClock(START)
    anomalies = AnomalyLog("binance", clock)
    with capture_logs() as logs:
        for _ in range(1000):
            anomalies.note("order_unreadable", why="no status")
        anomalies.note("trade_unreadable")
        await clock.advance(LOGGED_EVERY_SECONDS)
        anomalies.note("order_unreadable", why="no status")
        anomalies.note("order_unreadable", why="no market")
        await clock.advance(SAME_LOGGED_EVERY_SECONDS)
        anomalies.note("order_unreadable", why="no market")
    assert [(entry["event"], entry["so_far"]) for entry in logs] == [
        ("exchange.order_unreadable", 1),
        ("exchange.trade_unreadable", 1),
        ("exchange.order_unreadable", 1002),
        ("exchange.order_unreadable", 1003),
    ]
    assert anomalies.counts["order_unreadable"] == 1003


async def test_a_fee_in_two_currencies_is_counted(desk: BinanceRig) -> None:
    intent = an_intent()
    await desk.gateway.submit(intent)
    client = desk.gateway._session.client
    read = client.parse_trade
    fees = [{"currency": "BNB", "cost": "0.01"}, {"currency": "USDT", "cost": "0.2"}]
    client.parse_trade = lambda *told: read(*told) | {"fees": fees}
    report = await desk.gateway.find(key_of(intent))
    assert report is not None
    assert [fill.fee.currency for fill in report.fills if fill.fee] == ["BNB"]
    assert desk.gateway.anomalies["fee_in_several_currencies"] == 1
