"""What an exchange's answers prove of an order: a table that each exchange writes for itself."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.errors import ExchangeDoubt, ExchangeError, ExchangeRejected, RefusalCode
from tests.support.venues.serving.faults import AnyFault, Fault


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A fault, what the port says of it, and whether the order is there all the same."""

    fault: AnyFault
    failure: type[ExchangeError] = ExchangeDoubt
    code: RefusalCode | None = None
    is_retryable: bool = True
    is_placed: bool = False
    pause_seconds: float = 0.0


def refused(
    fault: AnyFault, code: RefusalCode, *, is_retryable: bool = True, pause_seconds: float = 0.0
) -> Seen:
    return Seen(
        fault=fault,
        failure=ExchangeRejected,
        code=code,
        is_retryable=is_retryable,
        pause_seconds=pause_seconds,
    )


def perhaps(faults: Mapping[str, Fault]) -> dict[str, Seen]:
    """Answers that prove nothing: each is met before the order is placed, and after."""
    before = {f"{name} before": Seen(fault=fault) for name, fault in faults.items()}
    after = {
        f"{name} after acceptance": Seen(fault=fault.after_acceptance(), is_placed=True)
        for name, fault in faults.items()
    }
    return before | after


@dataclass(frozen=True, kw_only=True)
class Codes:
    """An exchange's own answers to a new order and to a cancel."""

    orders: Mapping[str, Seen]
    # An answer in which the id of the placed order is missing.
    without_id: AnyFault
    # Answers to a cancel that prove nothing, and whether the order was canceled.
    cancels: Mapping[str, tuple[AnyFault, bool]]
