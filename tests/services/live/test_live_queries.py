"""Live queries, with a clock that the test moves."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.bus import Bus, Topic
from app.errors import ExchangeUnavailable
from app.services.live.live_queries import (
    MOST_QUERIES,
    PAUSE_SECONDS,
    LiveQueries,
    LiveQuery,
    Observation,
)
from app.services.markets.stream_registry import StreamRegistry
from tests.support.clock import ManualClock
from tests.support.services.feeds import Updates, reading

GOOD_FOR_SECONDS = 10.0


class Number:
    """A query of a number that changes; counts its evaluations."""

    def __init__(self, name: str = "it") -> None:
        self.number = 0
        self.looks = 0
        self.gate: asyncio.Event | None = None
        self.is_away = False
        self.subject = LiveQuery(key=name, observe=self._observe)

    async def _observe(self, _before: int | None) -> Observation[int]:
        self.looks += 1
        if self.is_away:
            raise ExchangeUnavailable("nobody is there")
        number = self.number
        if self.gate is not None:
            await self.gate.wait()
        return Observation(state=number, good_for_seconds=GOOD_FOR_SECONDS)


@pytest.fixture
def it() -> Number:
    return Number()


@pytest.fixture
def watches(bus: Bus, clock: ManualClock) -> LiveQueries:
    return LiveQueries(bus, StreamRegistry([], clock), clock)


@pytest.fixture
async def told(watches: LiveQueries, it: Number, clock: ManualClock) -> AsyncIterator[Updates[int]]:
    async with reading(await watches.follow(it.subject)) as told:
        await clock.until_asleep()
        yield told


async def test_the_present_state_comes_first_and_once(
    told: Updates[int], clock: ManualClock
) -> None:
    await clock.advance(10 * GOOD_FOR_SECONDS)
    assert told == [0]


async def test_a_thousand_changes_in_a_second_are_five_frames_and_the_last_is_the_last(
    told: Updates[int], it: Number, bus: Bus, clock: ManualClock
) -> None:
    for number in range(1, 1001):
        it.number = number
        bus.publish([Topic.FEED])
        await clock.advance(0.001)
    assert len(told) <= 1 + 5
    await clock.advance(PAUSE_SECONDS)
    assert told[-1] == 1000
    assert told == sorted(set(told))


async def test_what_nobody_rings_for_is_seen_once_the_last_look_is_old(
    told: Updates[int], it: Number, clock: ManualClock
) -> None:
    it.number = 7
    await clock.advance(GOOD_FOR_SECONDS - 0.001)
    assert told == [0]
    await clock.advance(0.001)
    assert told == [0, 7]


async def test_a_ring_is_heard_at_once_where_nothing_was_told_lately(
    told: Updates[int], it: Number, bus: Bus, clock: ManualClock
) -> None:
    await clock.advance(PAUSE_SECONDS)
    it.number = 7
    bus.publish([Topic.FEED])
    await clock.advance(0)
    assert told == [0, 7]


async def test_what_changes_between_the_first_state_and_the_first_reading_is_told(
    watches: LiveQueries, it: Number, bus: Bus, clock: ManualClock
) -> None:
    follow = await watches.follow(it.subject)
    it.number = 7
    bus.publish([Topic.FEED])
    async with reading(follow) as told:
        await clock.until_asleep()
        await clock.advance(PAUSE_SECONDS)
        assert told == [0, 7]


async def test_a_ring_during_a_look_leads_to_another(
    told: Updates[int], it: Number, bus: Bus, clock: ManualClock
) -> None:
    it.gate = asyncio.Event()
    bus.publish([Topic.FEED])
    await clock.advance(PAUSE_SECONDS)
    it.number = 7
    bus.publish([Topic.FEED])
    it.gate.set()
    await clock.advance(PAUSE_SECONDS)
    assert told == [0, 7]


async def test_a_hundred_who_watch_the_same_cost_one_look(
    watches: LiveQueries, it: Number, bus: Bus, clock: ManualClock
) -> None:
    followed = [reading(await watches.follow(it.subject)) for _ in range(100)]
    every = [await one.__aenter__() for one in followed]
    await clock.until_asleep()
    it.number = 7
    bus.publish([Topic.FEED])
    await clock.advance(PAUSE_SECONDS)
    for _ in range(200):
        await asyncio.sleep(0)
    assert (it.looks, [list(told) for told in every]) == (2, [[0, 7]] * 100)
    for one in followed:
        await one.__aexit__(None, None, None)


async def test_whoever_goes_away_in_the_middle_of_a_look_takes_nothing_from_the_others(
    watches: LiveQueries, it: Number, bus: Bus, clock: ManualClock
) -> None:
    leaving = asyncio.create_task(Updates(await watches.follow(it.subject)).run())
    await clock.until_asleep()
    async with reading(await watches.follow(it.subject)) as staying:
        it.gate, it.number = asyncio.Event(), 7
        bus.publish([Topic.FEED])
        await clock.advance(PAUSE_SECONDS)
        leaving.cancel()
        await asyncio.wait([leaving])
        it.gate.set()
        await clock.advance(PAUSE_SECONDS)
        assert staying == [0, 7]


async def test_who_is_slow_is_told_the_newest_and_not_what_came_between(
    watches: LiveQueries, it: Number, bus: Bus, clock: ManualClock
) -> None:
    slow = await watches.follow(it.subject)
    assert await anext(slow) == 0
    async with reading(await watches.follow(it.subject)) as quick:
        await clock.until_asleep()
        for number in (1, 2, 3):
            it.number = number
            bus.publish([Topic.FEED])
            await clock.advance(PAUSE_SECONDS)
        assert quick == [0, 1, 2, 3]
        assert await anext(slow) == 3
    await slow.aclose()


async def test_who_comes_later_sees_what_has_happened_by_then(
    watches: LiveQueries, it: Number, bus: Bus, clock: ManualClock, told: Updates[int]
) -> None:
    it.number = 7
    bus.publish([Topic.FEED])
    coming = asyncio.create_task(watches.follow(it.subject))
    await clock.advance(PAUSE_SECONDS)
    follow = await coming
    assert await anext(follow) == 7
    await follow.aclose()
    assert told == [0, 7]


async def test_where_there_is_no_first_state_there_is_nothing_to_watch(
    watches: LiveQueries, it: Number
) -> None:
    it.is_away = True
    with pytest.raises(ExchangeUnavailable):
        await watches.follow(it.subject)


async def test_what_nobody_watches_any_more_is_forgotten_and_what_is_watched_is_not(
    watches: LiveQueries, it: Number, bus: Bus, clock: ManualClock, told: Updates[int]
) -> None:
    for number in range(2 * MOST_QUERIES):
        await (await watches.follow(Number(f"other {number}").subject)).aclose()
    assert len(watches) == MOST_QUERIES
    it.number = 7
    bus.publish([Topic.FEED])
    await clock.advance(PAUSE_SECONDS)
    assert told == [0, 7]
