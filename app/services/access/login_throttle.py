"""Slows down whoever tries secrets that open nothing, address by address."""

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from app.errors import RateLimited
from app.ports import Clock

MOST_WAITING = 100
MOST_ADDRESSES = 10_000
FIRST_SECONDS = 0.1
LONGEST_SECONDS = 0.5
# Long enough by then, and no number of tries makes the delay too large a number.
_MOST_DOUBLINGS = 10
FORGIVEN_AFTER = timedelta(minutes=1)
# Whoever has one address of IPv6 has all of its network.
_NETWORK_BITS = 64

_logger = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Address:
    """One address, and how often it has failed of late."""

    failed_at: datetime
    failures: int = 0
    waiting: int = 0


class LoginThrottle:
    """Lets the wrong wait, a hundred of an address at most, and sends the rest away unheard."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._callers: OrderedDict[str, _Address] = OrderedDict()

    def hear(self, address: str) -> None:
        """Refuse an address of which too many wait already: nothing is looked up for it."""
        caller = self._callers.get(_network(address))
        if caller is not None and caller.waiting >= MOST_WAITING:
            raise RateLimited(
                f"too many wrong tokens came from this address: try again in {LONGEST_SECONDS} s",
                retry_after_seconds=LONGEST_SECONDS,
            )

    async def turn_away(self, address: str) -> None:
        """Return when a wrong secret may be told that it is wrong."""
        caller = self._failed(_network(address))
        # Each line of the log stands for twice as many: whoever hammers cannot fill the disk.
        if caller.failures & (caller.failures - 1) == 0:
            _logger.warning("token.wrong", address=address, failures=caller.failures)
        doublings = min(caller.failures - 1, _MOST_DOUBLINGS)
        delay = min(FIRST_SECONDS * 2**doublings, LONGEST_SECONDS)
        caller.waiting += 1
        try:
            await self._clock.sleep(delay)
        finally:
            caller.waiting -= 1

    def _failed(self, network: str) -> _Address:
        now = self._clock.now()
        caller = self._callers.setdefault(network, _Address(now))
        if now - caller.failed_at > FORGIVEN_AFTER:
            caller.failures = 0
        caller.failures = min(caller.failures + 1, 1 << 30)
        caller.failed_at = now
        self._callers.move_to_end(network)
        if len(self._callers) > MOST_ADDRESSES:
            self._callers.popitem(last=False)
        return caller


def _network(address: str) -> str:
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if parsed.version == 4:
        return address
    return str(ipaddress.ip_network((parsed, _NETWORK_BITS), strict=False))
