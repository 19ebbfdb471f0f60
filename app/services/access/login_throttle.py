"""Login throttling: delays answers to wrong secrets, more with each failure from an address."""

import ipaddress
from collections import OrderedDict
from dataclasses import dataclass

import structlog

from app.errors import RateLimited
from app.ports import Clock

MOST_WAITING = 100
MOST_ADDRESSES = 10_000
FIRST_SECONDS = 0.1
LONGEST_SECONDS = 0.5
# The delay has its full length by then; the limit keeps 2**doublings small.
_MOST_DOUBLINGS = 10
FORGIVEN_AFTER_SECONDS = 60.0
# A client with one IPv6 address has its whole /64 network.
_NETWORK_BITS = 64

_logger = structlog.get_logger(__name__)


@dataclass(slots=True)
class _Address:
    """An address's recent failures, and how many of its requests are being delayed."""

    # In elapsed time.
    failed_at: float
    failures: int = 0
    waiting: int = 0


class LoginThrottle:
    """Delays wrong secrets, at most 100 per address at once, and refuses the rest unchecked."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._callers: OrderedDict[str, _Address] = OrderedDict()

    def check(self, address: str) -> None:
        """Raise RateLimited if too many of the address are being delayed: nothing is looked up."""
        caller = self._callers.get(_network(address))
        if caller is not None and caller.waiting >= MOST_WAITING:
            raise RateLimited(
                f"too many wrong tokens came from this address: try again in {LONGEST_SECONDS} s",
                retry_after_seconds=LONGEST_SECONDS,
            )

    async def delay(self, address: str) -> None:
        """Count a failure, and return when the client may learn that its secret is wrong."""
        caller = self._count_failure(_network(address))
        # Logged at 1, 2, 4, 8 ... failures, so that an attacker cannot fill the disk.
        if caller.failures & (caller.failures - 1) == 0:
            _logger.warning("token.wrong", address=address, failures=caller.failures)
        doublings = min(caller.failures - 1, _MOST_DOUBLINGS)
        seconds = min(FIRST_SECONDS * 2**doublings, LONGEST_SECONDS)
        caller.waiting += 1
        try:
            await self._clock.sleep(seconds)
        finally:
            caller.waiting -= 1

    def _count_failure(self, network: str) -> _Address:
        now = self._clock.elapsed()
        caller = self._callers.setdefault(network, _Address(now))
        if now - caller.failed_at > FORGIVEN_AFTER_SECONDS:
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
