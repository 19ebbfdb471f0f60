import asyncio

import pytest

from app.bus import Bus, Topic


async def test_what_is_published_before_the_wait_is_heard() -> None:
    bus = Bus()
    with bus.listen(Topic.EVENTS) as bell:
        bus.publish([Topic.EVENTS])
        async with asyncio.timeout(1):
            await bell.wait()
        assert not bell.is_rung


async def test_each_listener_hears_its_own_topic_alone() -> None:
    bus = Bus()
    with bus.listen(Topic.EVENTS) as events, bus.listen(Topic.DOUBTS) as doubts:
        bus.publish([Topic.DOUBTS])
        assert doubts.is_rung
        assert not events.is_rung


async def test_who_has_left_hears_nothing() -> None:
    bus = Bus()
    with bus.listen(Topic.EVENTS) as bell:
        pass
    bus.publish([Topic.EVENTS])
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await bell.wait()


async def test_a_wait_with_an_end_ends_also_in_silence() -> None:
    with Bus().listen(Topic.EVENTS) as bell:
        await bell.wait_at_most(0.001)
        assert not bell.is_rung
