import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from app.domain.accounts import Connectivity
from app.domain.fills import Fee
from app.domain.orders.order import OrderStatus
from app.exchanges.ccxt.streams.account_streams import POLL_SECONDS
from app.exchanges.ccxt.streams.stream_reader import FIRST_PAUSE_SECONDS
from app.exchanges.ccxt.streams.watchdog import Watchdog
from app.exchanges.news import NewsBroadcast
from tests.support.clock import ManualClock
from tests.support.exchanges.ccxt import ORDER, TIME, WIRE, Rig, connected
from tests.support.exchanges.ccxt_servers import UserStream, says
from tests.support.exchanges.rigs import heard
from tests.support.makers import make_report

SILENCE = 30.0
OPEN = "/api/v3/openOrders"


async def test_every_reader_gets_every_report_and_one_who_is_gone_costs_nothing() -> None:
    stand = NewsBroadcast()
    one, two = stand.reader(), stand.reader()
    report = make_report(OrderStatus.OPEN)
    stand.publish(report)
    assert await heard(one) == await heard(two) == report
    del two
    assert len(stand._readers) == 1


class Socket:
    """As much of ccxt's socket as a watchdog looks at."""

    def __init__(self) -> None:
        self.last_message_at: int | None = None
        self.connectionStarted: int | None = 0
        self.rejections: dict[str, Exception] = {}
        self.closed = 0

    async def close(self) -> None:
        self.closed += 1


async def test_a_socket_that_says_nothing_is_closed_and_dropped_and_a_lively_one_is_not() -> None:
    clock = ManualClock(datetime(2025, 6, 1, 12, tzinfo=UTC))
    silent, lively = Socket(), Socket()
    client = SimpleNamespace(clients={"a": silent, "b": lively})
    running = asyncio.create_task(Watchdog(clock, silence_seconds=SILENCE).run(client))
    for second in range(60):
        lively.last_message_at = second
        await clock.advance(1)
        if second == SILENCE - 2:
            assert silent.closed == 0
    assert (silent.closed, lively.closed) == (1, 0)
    assert client.clients == {"b": lively}
    running.cancel()
    await asyncio.wait([running])


async def test_a_socket_that_failed_with_nobody_waiting_is_closed_at_the_next_look() -> None:
    clock = ManualClock(datetime(2025, 6, 1, 12, tzinfo=UTC))
    failed, well = Socket(), Socket()
    client = SimpleNamespace(clients={"a": failed, "b": well})
    watchdog = Watchdog(clock, silence_seconds=SILENCE)
    await watchdog.check(client)
    assert (failed.closed, well.closed) == (0, 0)
    failed.rejections["spot"] = RuntimeError("the stream has ended")
    await watchdog.check(client)
    assert (failed.closed, well.closed) == (1, 0)
    assert client.clients == {"b": well}


async def test_a_socket_that_cannot_be_closed_is_let_go() -> None:
    clock = ManualClock(datetime(2025, 6, 1, 12, tzinfo=UTC))

    async def fails() -> None:
        raise OSError("gone")

    client = SimpleNamespace(
        clients={
            "a": SimpleNamespace(
                connectionStarted=0, last_message_at=None, rejections={}, close=fails
            )
        }
    )
    watchdog = Watchdog(clock, silence_seconds=SILENCE)
    await watchdog.check(client)
    await clock.advance(SILENCE)
    await watchdog.check(client)
    assert client.clients == {}


async def test_without_a_stream_the_open_orders_are_polled() -> None:
    async with connected() as rig:
        news = rig.exchange.news()
        rig.server.on("GET", OPEN, says([ORDER]))
        await rig.clock.until_asleep()
        await rig.clock.advance(POLL_SECONDS)
        report = await heard(news)
        assert (report.exchange_order_id, report.wire_id) == ("28", WIRE)


async def test_a_poll_that_fails_is_shown_and_caught_up_with() -> None:
    async with connected() as rig:
        rig.server.on("GET", OPEN, says({"code": -1121, "msg": "Invalid symbol."}, 400))
        await rig.clock.until_asleep()
        await rig.clock.advance(POLL_SECONDS)
        assert rig.exchange.connection.connectivity is Connectivity.DEGRADED
        assert "stream of orders is interrupted" in (rig.exchange.connection.detail or "")
        rig.server.on("GET", OPEN, says([ORDER]))
        news = rig.exchange.news()
        await gap_of(rig)
        await rig.clock.advance(FIRST_PAUSE_SECONDS)
        await gap_of(rig)
        await rig.clock.advance(POLL_SECONDS)
        assert (await heard(news)).exchange_order_id == "28"


async def gap_of(rig: Rig) -> None:
    """Told already, or told now."""
    async with asyncio.timeout(5):
        await rig.exchange.gap()


def execution(**changes: Any) -> dict[str, Any]:
    event: dict[str, Any] = {
        "e": "executionReport", "E": TIME, "s": "BTCUSDT", "c": WIRE, "S": "BUY", "o": "LIMIT",
        "f": "GTC", "q": "0.30000000", "p": "100.00000000", "P": "0.00000000", "F": "0.00000000",
        "g": -1, "C": "", "x": "NEW", "X": "NEW", "r": "NONE", "i": 28, "l": "0.00000000",
        "z": "0.00000000", "L": "0.00000000", "n": "0", "N": None, "T": TIME, "t": -1, "w": True,
        "m": False, "M": False, "O": TIME, "Z": "0.00000000", "Y": "0.00000000",
    }  # fmt: skip
    return event | changes


TRADED = execution(
    x="TRADE", X="PARTIALLY_FILLED", l="0.10000000", z="0.10000000", L="99.99000000",
    n="0.00010000", N="BTC", t=7, Z="9.99900000", Y="9.99900000", m=True,
)  # fmt: skip


@asynccontextmanager
async def streaming() -> AsyncIterator[tuple[Rig, UserStream]]:
    """The genuine client with its streams on, subscribed."""
    async with connected(is_streaming=True) as rig:
        stream = rig.stream
        async with asyncio.timeout(10):
            await stream.subscribed.wait()
        yield rig, stream


async def test_the_genuine_stream_tells_orders_and_trades_apart() -> None:
    async with streaming() as (rig, stream):
        news = rig.exchange.news()
        await stream.send(execution())
        placed = await heard(news)
        await stream.send(TRADED)
        both = [await heard(news), await heard(news)]
    assert (placed.wire_id, placed.status) == (WIRE, OrderStatus.OPEN)
    (traded,) = [report for report in both if report.fills]
    (moved,) = [report for report in both if not report.fills]
    assert traded.fills[0].fee == Fee(currency="BTC", amount=Decimal("0.0001"))
    assert (traded.fills[0].trade_id, traded.exchange_order_id) == ("7", "28")
    assert traded.wire_id == WIRE
    assert (moved.status, moved.filled) == (OrderStatus.PARTIALLY_FILLED, None)


async def test_a_socket_that_drops_is_opened_again_and_the_gap_is_told() -> None:
    async with streaming() as (rig, stream):
        news = rig.exchange.news()
        await gap_of(rig)
        stream.subscribed.clear()
        await stream.sockets[-1].close()
        async with asyncio.timeout(10):
            while not rig.exchange.connection.detail:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
            await rig.clock.advance(FIRST_PAUSE_SECONDS)
            await gap_of(rig)
            await stream.subscribed.wait()
        await stream.send(TRADED)
        assert any([(await heard(news)).fills for _ in range(2)])


async def test_a_malformed_message_kills_ccxts_reader_and_the_watchdog_brings_it_back() -> None:
    async with streaming() as (rig, stream):
        news = rig.exchange.news()
        await gap_of(rig)
        await stream.sockets[-1].send_str('{"broken')
        await stream.send(execution())
        stream.subscribed.clear()
        async with asyncio.timeout(20):
            while not stream.subscribed.is_set():
                await rig.clock.advance(SILENCE / 4)
        assert len(stream.sockets) == 2
        await gap_of(rig)
        await stream.send(TRADED)
        assert any([(await heard(news)).fills for _ in range(2)])


@pytest.mark.parametrize("step", [3600.0, -3600.0])
async def test_a_socket_is_silent_by_elapsed_time_and_not_by_the_wall_clock(step: float) -> None:
    clock, silent = ManualClock(datetime(2025, 6, 1, 12, tzinfo=UTC)), Socket()
    client = SimpleNamespace(clients={"a": silent})
    watchdog = Watchdog(clock, silence_seconds=SILENCE)
    await watchdog.check(client)
    clock.step(wall=step)
    await clock.advance(SILENCE - 1)
    await watchdog.check(client)
    assert silent.closed == 0
    await clock.advance(1)
    await watchdog.check(client)
    assert silent.closed == 1
