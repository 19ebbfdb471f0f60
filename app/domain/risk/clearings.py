"""Clearings: what a halt has an account's orders and positions do, kept until it is done."""

from dataclasses import dataclass, replace
from datetime import datetime


@dataclass(frozen=True, kw_only=True, slots=True)
class HaltOptions:
    """What a halt does besides denying new orders."""

    cancel_open: bool = True
    cancel_external: bool = False
    close_positions: bool = False
    # Also sell what did not come from orders of this product.
    close_external: bool = False

    def widened(self, other: "HaltOptions") -> "HaltOptions":
        return HaltOptions(
            cancel_open=self.cancel_open or other.cancel_open,
            cancel_external=self.cancel_external or other.cancel_external,
            close_positions=self.close_positions or other.close_positions,
            close_external=self.close_external or other.close_external,
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class ClearingFailure:
    """What proved impossible: an order or a market by its name, and why."""

    subject: str
    message: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Clearing:
    """The work of a halt on one account, and how far it has come."""

    id: str
    options: HaltOptions
    began_at: datetime
    ended_at: datetime | None = None
    canceled: int = 0
    closed: int = 0
    under_way: int = 0
    failures: tuple[ClearingFailure, ...] = ()

    @property
    def is_done(self) -> bool:
        return self.ended_at is not None

    def repeated(self, options: HaltOptions) -> "Clearing":
        """The same clearing, still under way, after another halt wants more."""
        return replace(self, options=self.options.widened(options))
