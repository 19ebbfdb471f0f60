"""How urgent a request to an exchange is, and how to say so for everything asked inside a block."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from enum import IntEnum


class Priority(IntEnum):
    """The urgency of a request; the lowest value is sent first."""

    CANCEL = 0
    ORDER = 1
    # Questions about single orders, balances and positions, and the prices that value them.
    LOOKUP = 2
    # The lists that a comparison with the exchange asks for.
    COMPARISON = 3
    MARKET_DATA = 4

    @property
    def is_urgent(self) -> bool:
        """Whether a trader waits for it: background work leaves a reserve for these."""
        return self <= Priority.ORDER


_asked_for: ContextVar[Priority | None] = ContextVar("asked_for", default=None)


@contextmanager
def asking_at(priority: Priority) -> Iterator[None]:
    """Whatever is asked of an exchange inside is as urgent as this, or as what it is part of."""
    outer = _asked_for.get()
    if outer is not None and outer.is_urgent:
        priority = min(outer, priority)
    token = _asked_for.set(priority)
    try:
        yield
    finally:
        _asked_for.reset(token)


def priority_here(own: Priority) -> Priority:
    """The urgency of a request made here, which by itself has its own.

    A question is as urgent as what it is asked for. Sending an order or a cancel never loses its
    own urgency, because a comparison may send a cancel as well.
    """
    here = _asked_for.get()
    if here is None:
        return own
    return min(own, here) if own.is_urgent else here
