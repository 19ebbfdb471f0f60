"""The rig at the local OKX."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import Any

from tests.support.clock import ManualClock
from tests.support.exchanges.venue_rigs import VenueRig, opened, trading_at
from tests.support.venues.okx.venue import Venue
from tests.support.venues.serving.requests import RequestKind

OkxRig = VenueRig[Venue]


def at_okx(clock: ManualClock, **changes: Any) -> AbstractAsyncContextManager[OkxRig]:
    """An account with money; its adapter is running, but not necessarily connected yet."""
    return opened(Venue(clock), clock, **changes)


@asynccontextmanager
async def trading(clock: ManualClock, **changes: Any) -> AsyncIterator[OkxRig]:
    """The same, connected and subscribed to its orders and its trades."""
    async with trading_at(Venue(clock), clock, **changes) as rig:
        await rig.venue.journal.until(RequestKind.SUBSCRIBE, times=2)
        yield rig
