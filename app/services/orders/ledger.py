"""The ledger: writes each change of an order together with its events, in one transaction."""

from collections import Counter
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeVar

import structlog

from app.bus import Topic
from app.domain.access.audit import AuditSubject
from app.domain.fills import Fill
from app.domain.orders import changes, refusals
from app.domain.orders.amendments import AskedAmendment
from app.domain.orders.changes import Change
from app.domain.orders.imports import FINGERPRINT, imported_order, under_other_names
from app.domain.orders.order import Order, OrderStatus
from app.domain.orders.reports import OrderReport
from app.errors import Duplicate, Refusal, StaleRevision
from app.ports import Clock
from app.primitives.recent_dict import RecentDict
from app.services.orders import bot_bookkeeping, position_bookkeeping
from app.storage.database import Database, Snapshot, Transaction

MAX_ATTEMPTS = 20
RECENT_REPORTS = 1000

T = TypeVar("T")
OrderName = tuple[str, str]
Decide = Callable[[Order], list[Change]]

_logger = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class IdMakers:
    """Makers of ids: ours, which sort by time, and those that go on the wire."""

    new: Callable[[], str]
    new_wire: Callable[[], str]


@dataclass(frozen=True, kw_only=True, slots=True)
class News:
    """A report that says something new, worked out against one revision of its order."""

    order: Order
    # None if the report contradicts the order; the transaction must confirm that.
    steps: Sequence[Change] | None


class UnknownOrder(Enum):
    """What a report says of an order that is not known here."""

    UNKNOWN = auto()


class OrderLedger:
    """The only writer of orders that exist."""

    def __init__(self, database: Database, clock: Clock, ids: IdMakers) -> None:
        self._database = database
        self._clock = clock
        self._ids = ids
        self.forbidden_reports = 0
        # How many changes of an account's orders this process has written.
        self.changes: Counter[str] = Counter()
        # Reports applied last or being applied: the stream repeats what most answers said.
        self._recent: RecentDict[tuple[str, tuple[str, str]], OrderReport] = RecentDict(
            RECENT_REPORTS
        )

    async def apply(
        self,
        account: str,
        report: OrderReport,
        *,
        answers: AskedAmendment | None = None,
        news: News | None = None,
    ) -> Order | None:
        """Apply a report from any source; returns None if the order is not known here.

        Steps worked out earlier are written as they are, unless the order has changed since.
        """
        self._remember(account, report)
        try:
            if news is not None and news.steps is not None:
                with suppress(StaleRevision, Duplicate):
                    return await self._write(news.order, news.steps)
            return await _until_fresh(lambda: self._apply_once(account, report, answers))
        except BaseException:
            self._recent.pop((account, report.name), None)
            raise

    async def find(self, account: str, report: OrderReport) -> Order | None:
        """The order that a report is about, or None if it is not known here."""
        async with self._database.snapshot() as view:
            return await _find_reported(view, account, report)

    async def import_order(self, account: str, report: OrderReport) -> Order | None:
        """Import an external order; returns None if it is known by now."""
        self._remember(account, report)
        return await _until_fresh(lambda: self._import_once(account, report))

    async def news_in(self, account: str, report: OrderReport) -> News | UnknownOrder | None:
        """What a report says that is new; mostly None, found out without a write."""
        if self._recent.get((account, report.name)) == report:
            return None
        async with self._database.snapshot() as view:
            order = await _find_reported(view, account, report)
            if order is None:
                return UnknownOrder.UNKNOWN
            fills = await _fills_of(view, order)
        if order.status is OrderStatus.SUBMITTING and report.status is OrderStatus.OPEN:
            # The task that is sending the order is about to get the same answer.
            return None
        try:
            steps = self._steps(order, fills, report)
        except changes.TransitionForbidden:
            return News(order=order, steps=None)
        return News(order=order, steps=steps) if steps else None

    async def change(self, order_id: str, decide: Decide) -> Order:
        """Apply a decision to the latest revision; decide again if another writer came first."""
        return await _until_fresh(lambda: self._change_once(order_id, decide))

    async def doubt(self, order_id: str, reason: str) -> Order:
        """Mark an order as IN_DOUBT: nobody knows whether the exchange has it."""

        def decide(order: Order) -> list[Change]:
            if order.status is not OrderStatus.SUBMITTING:
                return []
            return [changes.doubted(order, reason, self._clock.now())]

        return await self.change(order_id, decide)

    async def reject(self, order_id: str, refusal: Refusal) -> Order:
        """Reject an order that the exchange certainly does not have."""

        def decide(order: Order) -> list[Change]:
            if order.status.is_answered:
                return []
            return [changes.rejected(order, refusal, self._clock.now())]

        return await _until_fresh(lambda: self._reject_once(order_id, decide))

    async def release(self, asked: AskedAmendment) -> None:
        """Drop an amendment that cannot take effect any more: the order counts as it is."""
        async with self._database.transaction() as tx:
            await tx.amendments.forget(asked)

    async def _apply_once(
        self,
        account: str,
        report: OrderReport,
        answers: AskedAmendment | None,
    ) -> Order | None:
        async with self._database.transaction() as tx:
            order = await _find_reported(tx, account, report)
            if order is None:
                _logger.info("report.unknown", account=account, order=report.exchange_order_id)
                return None
            fills = await _fills_of(tx, order)
            try:
                steps = self._steps(order, fills, report)
            except changes.TransitionForbidden as error:
                self.forbidden_reports += 1
                _logger.error("report.forbidden", order=order.id, error=str(error))
                return order
            if steps:
                await tx.attempted(AuditSubject.order(order.id))
            if answers is not None and answers.is_settled_by(report):
                await tx.amendments.forget(answers)
            return await self._record(tx, order, steps)

    async def _write(self, order: Order, steps: Sequence[Change]) -> Order:
        async with self._database.transaction() as tx:
            await tx.attempted(AuditSubject.order(order.id))
            return await self._record(tx, order, steps)

    async def _import_once(self, account: str, report: OrderReport) -> Order | None:
        async with self._database.transaction() as tx:
            await tx.accounts.lock(account)
            if await _find_reported(tx, account, report) is not None:
                return None
            order = imported_order(account, report, id=self._ids.new(), at=self._clock.now())
            if await tx.orders.find_by_client_id(account, order.client_order_id) is not None:
                order = under_other_names(order)
            await tx.orders.insert(order, FINGERPRINT)
            tx.events.append(changes.imported(order).event)
            return await self._record(tx, order, self._steps(order, (), report))

    async def _change_once(self, order_id: str, decide: Decide) -> Order:
        async with self._database.transaction() as tx:
            order = await _get(tx, order_id)
            steps = decide(order)
            if steps:
                await tx.attempted(AuditSubject.order(order_id))
            return await self._record(tx, order, steps)

    async def _reject_once(self, order_id: str, decide: Decide) -> Order:
        async with self._database.transaction() as tx:
            before = await _get(tx, order_id)
            order = await self._record(tx, before, decide(before))
            if order.refusal is not None:
                await tx.attempt_refused(str(order.refusal.code))
            return order

    async def _record(self, tx: Transaction, before: Order, steps: Sequence[Change]) -> Order:
        if steps:
            tx.after_commit(lambda: self._count_change(before.account))
        return await _record(tx, before, steps)

    def _count_change(self, account: str) -> None:
        self.changes[account] += 1

    def _remember(self, account: str, report: OrderReport) -> None:
        self._recent.pop((account, report.name), None)
        self._recent[account, report.name] = report

    def _steps(self, order: Order, fills: Sequence[Fill], report: OrderReport) -> list[Change]:
        return changes.received(order, fills, report, at=self._clock.now(), new_id=self._ids.new)


async def _until_fresh(attempt: Callable[[], Awaitable[T]]) -> T:
    """Retry while the change was made from a revision that is no longer the latest."""
    for _ in range(MAX_ATTEMPTS - 1):
        try:
            return await attempt()
        except (StaleRevision, Duplicate):
            continue
    return await attempt()


async def _get(tx: Snapshot, order_id: str) -> Order:
    order = await tx.orders.find(order_id)
    if order is None:
        raise refusals.not_found()
    return order


async def _find_reported(tx: Snapshot, account: str, report: OrderReport) -> Order | None:
    if report.wire_id is not None:
        order = await tx.orders.find_by_wire_id(account, report.wire_id)
        if order is not None and _may_be(order, report):
            return order
    return await tx.orders.find_by_exchange_id(account, *report.name)


def _may_be(order: Order, report: OrderReport) -> bool:
    """False if the wire id is another's order now: others may reuse it once ours is closed."""
    known = order.exchange_order_id
    return known is None or (order.symbol, known) == report.name


async def _fills_of(view: Snapshot, order: Order) -> Sequence[Fill]:
    return await view.fills.of_order(order.id) if order.filled else ()


async def _record(tx: Transaction, before: Order, steps: Sequence[Change]) -> Order:
    """Write the steps and their events; returns the order after the last one."""
    if not steps:
        return before
    after = steps[-1].event.order
    await tx.orders.update(after, from_revision=before.revision)
    if after.metadata != before.metadata:
        await tx.orders.set_metadata(after)
    for step in steps:
        for fill in step.superseded:
            await tx.fills.supersede(fill.id, at_revision=step.event.order.revision)
        if step.added:
            await tx.fills.insert(step.added)
        for fill in step.recharged:
            await tx.fills.correct_fee(fill)
        tx.events.append(step.event)
    await position_bookkeeping.book(tx, after, steps)
    await bot_bookkeeping.book(tx, after, steps)
    if after.status is OrderStatus.IN_DOUBT:
        tx.announce(Topic.DOUBTS)
    return after
