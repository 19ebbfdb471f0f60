"""HaltReport and ClearingWork: what a halt has done on an account so far."""

import asyncio
from dataclasses import dataclass, field, replace

from app.domain.orders import refusals
from app.domain.orders.order import Order, OrderStatus
from app.domain.risk.clearings import Clearing, ClearingFailure
from app.errors import Denied, Refusal, RefusalCode


@dataclass(kw_only=True, slots=True)
class HaltReport:
    """The outcome so far: each order that was open is in one of the first three lists."""

    canceled: list[Order] = field(default_factory=list)
    closing: list[Order] = field(default_factory=list)
    failed: list[Denied] = field(default_factory=list)
    # Not done yet: canceled or closed as soon as the exchange answers.
    under_way: list[Order] = field(default_factory=list)
    is_done: bool = True

    def add(self, other: "HaltReport") -> None:
        self.canceled += other.canceled
        self.closing += other.closing
        self.failed += other.failed
        self.under_way += other.under_way
        self.is_done = self.is_done and other.is_done


class ClearingWork:
    """The clearing of one account in this process."""

    def __init__(self, clearing: Clearing) -> None:
        self.clearing = clearing
        self.canceled: dict[str, Order] = {}
        self.closing: dict[str, Order] = {}
        self.failed: dict[str, Denied] = {}
        self.under_way: dict[str, Order] = {}
        # Positions that cannot be closed, by name, and why.
        self.impossible: dict[str, Denied] = {}
        # Whether the exchange refused to close something for now: no change here ends that.
        self.is_refused = False
        self.ended = asyncio.Event()
        self._done = 0

    def note(self, order: Order) -> None:
        """Note what became of an order that was to be canceled."""
        if order.is_open:
            self.under_way[order.id] = order
            return
        self.under_way.pop(order.id, None)
        if order.status in {OrderStatus.CANCELED, OrderStatus.EXPIRED}:
            self.canceled[order.id] = order
        else:
            self.failed[order.id] = refusals.already_closed(order)

    def has_gone_on(self) -> bool:
        """Whether something was done since the last call: then the next round follows at once."""
        before = self._done
        self._done = len(self.canceled) + sum(
            order.status is OrderStatus.FILLED for order in self.closing.values()
        )
        return self._done > before

    def report(self) -> HaltReport:
        return HaltReport(
            canceled=[*self.canceled.values()],
            closing=[*self.closing.values()],
            failed=[
                *self.failed.values(),
                *(Denied(_unconfirmed(), existing_order=o) for o in self.under_way.values()),
                *self.impossible.values(),
            ],
            under_way=[*self.under_way.values()],
            is_done=self.ended.is_set(),
        )

    def progress(self, clearing: Clearing) -> Clearing:
        failures = [
            ClearingFailure(subject=_name_of(denied, key), message=denied.refusal.message)
            for key, denied in (*self.failed.items(), *self.impossible.items())
        ]
        filled = (order for order in self.closing.values() if not order.is_open)
        return replace(
            clearing,
            canceled=len(self.canceled),
            closed=sum(order.status is OrderStatus.FILLED for order in filled),
            under_way=len(self.under_way),
            failures=tuple(failures),
        )


def _name_of(denied: Denied, key: str) -> str:
    order = denied.existing_order
    return order.client_order_id if isinstance(order, Order) else key


def _unconfirmed() -> Refusal:
    return Refusal(
        code=RefusalCode.EXCHANGE_UNAVAILABLE,
        message="the exchange has not confirmed the cancellation yet: it is tried until it has",
        retryable=True,
    )
