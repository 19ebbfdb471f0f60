"""Serves the local Gate on a port of its own."""

from contextlib import AbstractAsyncContextManager

from app.ports import Clock
from tests.support.venues.gate.venue import Venue
from tests.support.venues.serving.running import running


def running_venue(
    clock: Clock, *, port: int = 0, patience_seconds: float = 1.0
) -> AbstractAsyncContextManager[Venue]:
    return running(Venue(clock), port=port, patience_seconds=patience_seconds)
