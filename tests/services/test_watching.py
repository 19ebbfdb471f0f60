"""States that are told when they change, with the clock in the hands of the test."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.bus import Bus, Topic
from app.services.watching import GLANCE_SECONDS, PAUSE_SECONDS, watched
from tests.fakes import ManualClock


class Watched:
    """A number that changes, and what a listener was told of it."""

    def __init__(self, bus: Bus, clock: ManualClock) -> None:
        self.number = 0
        self.reads = 0
        self.told: list[int] = []
        self._clock = clock
        self._changes = watched(self._read, bus, clock, key=lambda number: number)
        self._listening = asyncio.create_task(self._listen())

    async def passes(self, seconds: float) -> None:
        await self._clock.advance(seconds)

    async def end(self) -> None:
        self._listening.cancel()
        await asyncio.wait([self._listening])

    async def _read(self) -> int:
        self.reads += 1
        return self.number

    async def _listen(self) -> None:
        async for number in self._changes:
            self.told.append(number)


@pytest.fixture
async def state(bus: Bus, clock: ManualClock) -> AsyncIterator[Watched]:
    watched_state = Watched(bus, clock)
    await clock.until_asleep()
    yield watched_state
    await watched_state.end()


async def test_the_present_state_comes_first_and_once(state: Watched) -> None:
    await state.passes(10 * GLANCE_SECONDS)
    assert state.told == [0]


async def test_a_thousand_changes_in_a_second_are_five_frames_and_the_last_is_the_last(
    state: Watched, bus: Bus
) -> None:
    for number in range(1, 1001):
        state.number = number
        bus.publish([Topic.FEED])
        await state.passes(0.001)
    await state.passes(PAUSE_SECONDS)
    assert state.told[-1] == 1000
    assert len(state.told) <= 1 + 6
    assert state.told == sorted(set(state.told))


async def test_what_nobody_rings_for_is_seen_within_a_glance(state: Watched) -> None:
    state.number = 7
    await state.passes(GLANCE_SECONDS)
    assert state.told == [0, 7]


async def test_a_ring_is_heard_at_once_where_nothing_was_told_lately(
    state: Watched, bus: Bus
) -> None:
    await state.passes(PAUSE_SECONDS)
    state.number = 7
    bus.publish([Topic.FEED])
    await state.passes(0)
    assert state.told == [0, 7]
