"""States that are read anew when something may have changed, and told when they have."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import TypeVar

from app.bus import Bus, Listener, Topic
from app.ports import Clock

# At most five a second.
PAUSE_SECONDS = 0.2
# Prices move without anybody ringing.
GLANCE_SECONDS = 1.0

T = TypeVar("T")


def watched(
    read: Callable[[], Awaitable[T]], bus: Bus, clock: Clock, *, key: Callable[[T], object]
) -> AsyncGenerator[T, None]:
    """First what is, then what has become of it; of many changes at once the last."""
    # Registered here, so that nothing is missed before the first is asked for.
    return _changes(read, bus.listen(Topic.FEED), clock, key)


async def _changes(
    read: Callable[[], Awaitable[T]], bell: Listener, clock: Clock, key: Callable[[T], object]
) -> AsyncGenerator[T, None]:
    told: object = None
    with bell:
        while True:
            state = await read()
            if key(state) != told:
                told = key(state)
                yield state
            await clock.sleep(PAUSE_SECONDS)
            await _rung_or_due(bell, clock)


async def _rung_or_due(bell: Listener, clock: Clock) -> None:
    try:
        async with clock.timeout(GLANCE_SECONDS - PAUSE_SECONDS):
            await bell.wait()
    except TimeoutError:
        return
