"""What is particular about Binance's streams and lists, over the genuine ccxt."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from tests.exchanges.conftest import START
from tests.support.clock import ManualClock
from tests.support.exchanges.at.binance import BinanceRig, trading
from tests.support.exchanges.desks import (
    WATCHDOG_SECONDS,
    filled_unheard,
    hears_again,
    placed_and_heard,
)
from tests.support.venues.serving import faults
from tests.support.venues.serving.requests import RequestKind


@pytest.fixture
async def desk() -> AsyncIterator[BinanceRig]:
    async with trading(ManualClock(START), watchdog_seconds=WATCHDOG_SECONDS) as rig:
        yield rig
        rig.venue.journal.assert_nothing_was_sent_twice()


async def test_a_stream_that_is_ended_on_an_open_socket_is_subscribed_to_again(
    desk: BinanceRig,
) -> None:
    intent = await placed_and_heard(desk)
    (socket,) = desk.venue.user_streams.sockets.open
    desk.venue.user_streams.terminate(desk.account.name)
    assert socket in desk.venue.user_streams.sockets.open
    report = await filled_unheard(desk, intent, WATCHDOG_SECONDS)
    assert len(report.fills) == 1
    await hears_again(desk)
    assert desk.venue.journal.count(RequestKind.SUBSCRIBE) == 2


async def test_the_trades_of_all_closed_orders_are_asked_for_at_once(desk: BinanceRig) -> None:
    since = desk.clock.now()
    for _ in range(12):
        desk.venue.place_elsewhere(desk.account, "BTCUSDT", "BUY", "0.01")
    asked = desk.venue.journal.count(RequestKind.MY_TRADES)
    reports = await desk.gateway.closed_orders(since, ["BTC/USDT"])
    assert [len(report.fills) for report in reports] == [1] * 12
    assert desk.venue.journal.count(RequestKind.MY_TRADES) == asked + 1


async def test_trades_that_one_list_does_not_hold_are_asked_for_a_few_orders_alone(
    desk: BinanceRig,
) -> None:
    since = desk.clock.now()
    for _ in range(12):
        desk.venue.place_elsewhere(desk.account, "BTCUSDT", "BUY", "0.01")
    desk.venue.faults.on(RequestKind.MY_TRADES, faults.spoiled(lambda _: []))
    asked = desk.venue.journal.count(RequestKind.MY_TRADES)
    reports = await desk.gateway.closed_orders(since, ["BTC/USDT"])
    assert [len(report.fills) for report in reports] == [1] * 10 + [0] * 2
    assert {report.filled for report in reports} == {Decimal("0.01")}
    assert desk.venue.journal.count(RequestKind.MY_TRADES) == asked + 11
