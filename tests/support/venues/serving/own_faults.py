"""What every exchange can answer in words of its own."""

from collections.abc import Callable
from dataclasses import dataclass

from tests.support.venues.serving.faults import Fault


@dataclass(frozen=True, kw_only=True)
class OwnFaults:
    """An exchange's own refusals, by what they mean."""

    # For how many seconds it asks to pause.
    too_many: Callable[[int], Fault]
    banned: Callable[[int], Fault]
    # "Perhaps": the request may have been carried out.
    unknown_outcome: Fault
    # The request came too late, or with too small a number.
    late: Fault
