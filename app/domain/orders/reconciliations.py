"""Reconciliation: the result of comparing an account with its exchange."""

from dataclasses import dataclass, field

from app.domain.orders.order import Order
from app.domain.problems import Problem
from app.errors import RefusalCode


@dataclass(kw_only=True, slots=True)
class Reconciliation:
    """One round of comparing: orders checked, changed and imported, and problems."""

    checked: int = 0
    changed: dict[str, Order] = field(default_factory=dict)
    imported: dict[str, Order] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)

    def note(self, before: Order, after: Order | None) -> None:
        self.checked += 1
        if after is not None and after.revision != before.revision:
            self.changed[after.id] = after

    def note_imported(self, order: Order | None) -> None:
        self.checked += 1
        if order is not None:
            self.imported[order.id] = order


def unanswered(subject: str) -> Problem:
    return Problem(
        subject=subject,
        code=str(RefusalCode.EXCHANGE_UNAVAILABLE),
        message="the exchange gave no answer; it is asked again in the next round",
    )


def missing(subject: str) -> Problem:
    return Problem(
        subject=subject,
        code=str(RefusalCode.NOT_FOUND),
        message="the exchange knows no such order any more; it stays as it was last known",
    )
