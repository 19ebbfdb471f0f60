"""Traffic: what an account has asked its exchange for, how long that waited and what it cost."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestTotal:
    """All requests of one kind and urgency since the start."""

    kind: str
    priority: str
    count: int
    waited_seconds: float
    # In the exchange's own units.
    weight: float


@dataclass(frozen=True, kw_only=True, slots=True)
class Traffic:
    """The requests of an account, and what is left of the weight of the minute."""

    totals: Sequence[RequestTotal] = ()
    # None if requests are not limited.
    weight_left: float | None = None


NO_TRAFFIC = Traffic()
