"""The rig at the local KuCoin."""

from contextlib import AbstractAsyncContextManager
from typing import Any

from tests.support.clock import ManualClock
from tests.support.exchanges.venue_rigs import VenueRig, opened, trading_at
from tests.support.venues.kucoin.venue import Venue

KucoinRig = VenueRig[Venue]


def at_kucoin(clock: ManualClock, **changes: Any) -> AbstractAsyncContextManager[KucoinRig]:
    """An account with money; its adapter is running, but not necessarily connected yet."""
    return opened(Venue(clock), clock, **changes)


def trading(clock: ManualClock, **changes: Any) -> AbstractAsyncContextManager[KucoinRig]:
    """The same, connected and subscribed to its account's stream."""
    return trading_at(Venue(clock), clock, **changes)
