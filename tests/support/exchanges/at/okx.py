"""The rig at the local OKX."""

from contextlib import AbstractAsyncContextManager
from typing import Any

from tests.support.clock import ManualClock
from tests.support.exchanges.venue_rigs import VenueRig, opened, trading_at
from tests.support.venues.okx.venue import Venue

OkxRig = VenueRig[Venue]


def at_okx(clock: ManualClock, **changes: Any) -> AbstractAsyncContextManager[OkxRig]:
    """An account with money; its adapter is running, but not necessarily connected yet."""
    return opened(Venue(clock), clock, **changes)


def trading(clock: ManualClock, **changes: Any) -> AbstractAsyncContextManager[OkxRig]:
    """The same, connected and subscribed to its orders and its trades."""
    return trading_at(Venue(clock), clock, **changes)
