"""Keeps what we know of an account's orders in step with its exchange."""

from dataclasses import dataclass
from datetime import timedelta

import structlog

from app.bus import Listener, Topic
from app.domain import order_refusals
from app.domain.order_changes import is_amended
from app.domain.order_reports import OrderReport
from app.domain.orders import Order
from app.errors import ExchangeError, OrderdeckError
from app.services.accounts import AccountEntry
from app.services.order_ledger import OrderLedger
from app.services.orders import OrderService, OrderTools

FIRST_PAUSE_SECONDS = 0.5
_UNANSWERED = (ExchangeError, TimeoutError)

_logger = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class SyncTimes:
    """How often to look, when "not found" is final, and when an answer is overdue."""

    interval_seconds: float
    not_found_seconds: float
    answer_seconds: float


class OrderSync:
    """One account: its stream of news, its orders in doubt, and the cancels not yet carried out."""

    def __init__(
        self,
        account: AccountEntry,
        orders: OrderService,
        tools: OrderTools,
        times: SyncTimes,
    ) -> None:
        self._account = account
        self._orders = orders
        self._tools = tools
        self._ledger: OrderLedger = tools.ledger
        self._clock = tools.clock
        self._interval_seconds = times.interval_seconds
        self._not_found_after = timedelta(seconds=times.not_found_seconds)
        # An order older than this is not being sent any more, whoever was sending it.
        self._answer_due_after = self._not_found_after + timedelta(seconds=times.answer_seconds)
        self._answer_seconds = times.answer_seconds
        self._news = account.gateway.news()
        self._missed_once: set[str] = set()

    async def recover(self) -> None:
        """At start: whatever was being sent is in doubt, and what is open may have moved on."""
        await self._doubt_abandoned(due_after=timedelta(seconds=-1))
        await self.settle()
        await self.compare()

    async def run_news(self) -> None:
        """Apply the exchange's stream; a report that cannot be applied holds up no other."""
        async for report in self._news:
            try:
                await self.hear(report)
            except OrderdeckError as error:
                _logger.warning("news.failed", account=self._account.name, error=repr(error))

    async def hear(self, report: OrderReport) -> None:
        """Apply what is news: most reports say what the answers to our requests said before."""
        if await self._ledger.is_news(self._account.name, report):
            await self._orders.apply(self._account.name, report)

    async def run_settling(self) -> None:
        """Look doubts up at once, then with growing pauses up to the interval."""
        pause = FIRST_PAUSE_SECONDS
        with self._tools.bus.listen(Topic.DOUBTS) as bell:
            while True:
                has_doubts = await self.settle()
                pause = min(pause * 2, self._interval_seconds)
                if await self._rings(bell, pause if has_doubts else self._interval_seconds):
                    pause = FIRST_PAUSE_SECONDS

    async def _rings(self, bell: Listener, seconds: float) -> bool:
        try:
            async with self._clock.timeout(seconds):
                await bell.wait()
        except TimeoutError:
            return False
        return True

    async def run_comparing(self) -> None:
        while True:
            await self._clock.sleep(self._interval_seconds)
            await self.compare()

    async def compare(self) -> None:
        """Hold every open order against the exchange: the stream is a hint, its answers are not."""
        name = self._account.name
        try:
            async with self._clock.timeout(self._answer_seconds):
                reports = await self._account.gateway.open_orders()
        except _UNANSWERED as error:
            _logger.warning("compare.unanswered", account=name, error=repr(error))
            return
        known = {report.wire_id: report for report in reports}
        async with self._tools.database.snapshot() as view:
            ours = await view.orders.answered_open(name)
        for order in ours:
            report = known.pop(order.wire_id, None)
            if report is None:
                await self._look_up(order)
            elif _differs(order, report):
                await self._orders.apply(name, report)
            elif order.filled:
                # Its trades may be known by now, where only totals were told before.
                await self.hear(report)
        for report in known.values():
            # Closed as far as we know, and open on the exchange: a verdict was wrong.
            await self.hear(report)
        await self._tools.accounts.set_reconciled(name)

    async def settle(self) -> bool:
        """One round over everything unfinished; says whether doubts remain."""
        await self._doubt_abandoned(due_after=self._answer_due_after)
        name = self._account.name
        async with self._tools.database.snapshot() as view:
            doubts = await view.orders.in_doubt(name)
            uncanceled = await view.orders.uncanceled(name)
        self._missed_once &= {order.id for order in doubts}
        settled = [await self._look_up(order) for order in doubts]
        for order in uncanceled:
            await self._orders.carry_out_cancel(order)
        return not all(settled)

    async def _doubt_abandoned(self, *, due_after: timedelta) -> None:
        before = self._clock.now() - due_after
        async with self._tools.database.snapshot() as view:
            found = await view.orders.submitting(self._account.name, before=before)
        for order in found:
            await self._ledger.doubt(order.id, "the process that was sending it ended")

    async def _look_up(self, order: Order) -> bool:
        """Says whether the doubt is over. A lookup that fails proves nothing."""
        asked_at = self._clock.now()
        try:
            found = await self._orders.look_up(order)
        except _UNANSWERED as error:
            _logger.info("lookup.unanswered", order=order.id, error=repr(error))
            return False
        if found is not None:
            return True
        if order.status.is_answered:
            _logger.error("order.missing", account=order.account, order=order.id)
            return True
        if asked_at - order.created_at < self._not_found_after:
            return False
        if order.id not in self._missed_once:
            self._missed_once.add(order.id)
            return False
        await self._ledger.reject(order.id, order_refusals.never_arrived())
        return True


def _differs(order: Order, report: OrderReport) -> bool:
    has_other_terms = report.terms is not None and is_amended(order, report.terms)
    return has_other_terms or (report.status, report.filled) != (order.status, order.filled)
