import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

from app.exchanges.ccxt.parsing.order_terms import Row
from app.exchanges.ccxt.streams.stream_reader import (
    CALM_SECONDS,
    FIRST_PAUSE_SECONDS,
    LONGEST_PAUSE_SECONDS,
    StreamReader,
    StreamSource,
)
from tests.support.clock import ManualClock


class Wire:
    """A stream in the hands of a test, as ccxt gives one."""

    def __init__(self) -> None:
        self.came: asyncio.Queue[list[dict[str, Any]] | BaseException] = asyncio.Queue()
        self.asked = 0

    async def watch(self) -> Sequence[Row]:
        self.asked += 1
        came = await self.came.get()
        if isinstance(came, BaseException):
            raise came
        return came


class Bench:
    """A pump that runs over a wire, and what it brought."""

    def __init__(self, banned_seconds: float = 0.0) -> None:
        self.clock = ManualClock(datetime(2025, 6, 1, 12, tzinfo=UTC))
        self.wire = Wire()
        self.rows: list[Row] = []
        self.gaps = 0
        source = StreamSource(
            name="orders",
            watch=self.wire.watch,
            deliver=self.rows.append,
            banned_seconds=lambda: banned_seconds,
        )
        self.pump = StreamReader(source, self._note_gap, self.clock)

    def _note_gap(self) -> None:
        self.gaps += 1

    async def brings(self, came: list[dict[str, Any]] | BaseException) -> None:
        self.wire.came.put_nowait(came)
        await self.clock.advance(0)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.pump.run())
        await self.clock.advance(0)
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])
            assert task.cancelled()


async def test_what_came_is_handed_on_and_asked_for_again_at_once() -> None:
    bench = Bench()
    async with bench.running():
        await bench.brings([{"id": "1"}, {"id": "2"}])
        await bench.brings([{"id": "3"}])
    assert [row["id"] for row in bench.rows] == ["1", "2", "3"]
    assert bench.wire.asked == 3
    assert bench.gaps == 0


async def test_rows_that_change_later_are_kept_as_they_came() -> None:
    bench = Bench()
    live: dict[str, Any] = {"id": "1", "filled": "0.1", "fee": {"cost": "1"}}
    async with bench.running():
        await bench.brings([live])
        live["filled"], live["fee"]["cost"] = "0.2", "2"
    assert bench.rows == [{"id": "1", "filled": "0.1", "fee": {"cost": "1"}}]


async def test_a_stream_that_breaks_is_asked_again_and_its_gap_is_told() -> None:
    bench = Bench()
    async with bench.running():
        await bench.brings(KeyError("spot"))
        assert bench.pump.failure == "KeyError: 'spot'"
        assert (bench.wire.asked, bench.gaps) == (1, 0)
        await bench.clock.advance(FIRST_PAUSE_SECONDS)
        assert (bench.wire.asked, bench.gaps) == (2, 1)
        await bench.brings([{"id": "1"}])
        assert bench.pump.failure is None


async def test_a_socket_closed_under_a_pump_does_not_end_it() -> None:
    bench = Bench()
    async with bench.running():
        await bench.brings(asyncio.CancelledError())
        assert bench.pump.failure == "its socket was closed"
        await bench.clock.advance(FIRST_PAUSE_SECONDS)
        await bench.brings([{"id": "1"}])
    assert [row["id"] for row in bench.rows] == ["1"]
    assert bench.gaps == 1


async def test_the_pauses_of_a_stream_that_stays_down_grow_to_a_limit() -> None:
    bench = Bench()
    for _ in range(100):
        bench.wire.came.put_nowait(ConnectionError("down"))
    async with bench.running():
        await bench.clock.advance(FIRST_PAUSE_SECONDS * 7)
        assert bench.wire.asked == 4
        await bench.clock.advance(60)
        before = bench.wire.asked
        await bench.clock.advance(LONGEST_PAUSE_SECONDS * 2)
        assert bench.wire.asked - before == 2


async def test_a_stream_that_is_quiet_after_a_break_counts_as_well_again() -> None:
    bench = Bench()
    async with bench.running():
        await bench.brings(ConnectionError("down"))
        await bench.clock.advance(FIRST_PAUSE_SECONDS + CALM_SECONDS - 1)
        assert bench.pump.failure == "ConnectionError: down"
        await bench.clock.advance(1)
        assert bench.pump.failure is None


async def test_a_stream_leaves_an_exchange_alone_that_asked_for_a_pause() -> None:
    bench = Bench(banned_seconds=40.0)
    async with bench.running():
        await bench.brings(ConnectionError("banned"))
        await bench.clock.advance(39)
        assert bench.wire.asked == 1
        await bench.clock.advance(1)
        assert bench.wire.asked == 2
