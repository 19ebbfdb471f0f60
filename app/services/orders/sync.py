"""Keeps an account's orders in step with its exchange: stream, lookups and comparisons."""

import asyncio
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import structlog

from app.bus import Bus, Listener, Topic
from app.domain.accounts import Connectivity
from app.domain.orders import refusals
from app.domain.orders.changes import is_amended
from app.domain.orders.imports import is_importable
from app.domain.orders.order import Order
from app.domain.orders.reconciliations import Reconciliation, missing, unanswered
from app.domain.orders.reports import OrderReport
from app.errors import ExchangeError, OrderdeckError
from app.ports import Clock
from app.primitives.backoff import Backoff
from app.primitives.priorities import Priority, asking_at
from app.services.accounts import AccountEntry, AccountService
from app.services.metrics import Metrics
from app.services.orders.amendments import AmendmentService
from app.services.orders.cancels import cancel_each
from app.services.orders.guessed_fills import GuessedFills
from app.services.orders.in_flight import OrdersInFlight
from app.services.orders.ledger import OrderLedger, UnknownOrder
from app.services.orders.service import OrderService
from app.services.orders.unexplained_markets import UnexplainedMarkets
from app.storage.database import Database

FIRST_PAUSE_SECONDS = 0.5
# The deadline for all requests of one comparison; each has a shorter one of its own.
COMPARE_SECONDS = 300.0
# How far back closed orders are asked for: the first time, and before the last comparison.
FIRST_LOOK_BACK = timedelta(hours=24)
LOOK_BACK = timedelta(minutes=1)
# How far back orders with synthesized fills are looked up again for their trades.
GUESSES_LOOK_BACK = timedelta(minutes=10)
# Closed orders are asked for market by market, so many at once, with a pause between.
MARKETS_AT_ONCE = 5
SLICE_PAUSE_SECONDS = 5.0
# How often all markets with changed orders are listed, even if nothing is unexplained.
LIST_ALL_AFTER = timedelta(hours=1)
_CUT_OFF = {Connectivity.CONNECTING, Connectivity.DISCONNECTED}
_UNANSWERED = (ExchangeError, TimeoutError)

_logger = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class SyncTimes:
    """How often to compare, and when "not found" is final."""

    interval_seconds: float
    not_found_seconds: float


class OrderSync:
    """Follows one account: its news, its orders in doubt, and its cancels that are not done yet."""

    def __init__(
        self,
        account: AccountEntry,
        *,
        times: SyncTimes,
        database: Database,
        bus: Bus,
        accounts: AccountService,
        orders: OrderService,
        amendments: AmendmentService,
        ledger: OrderLedger,
        in_flight: OrdersInFlight,
        clock: Clock,
        metrics: Metrics | None = None,
    ) -> None:
        self._account = account
        self._database = database
        self._bus = bus
        self._accounts = accounts
        self._orders = orders
        self._amendments = amendments
        self._ledger = ledger
        self._in_flight = in_flight
        self._clock = clock
        self._metrics = metrics or Metrics()
        self._interval_seconds = times.interval_seconds
        self._not_found_after = timedelta(seconds=times.not_found_seconds)
        # An order of another process that is older than this is not being sent any more.
        self._answer_after = timedelta(seconds=account.answer_seconds)
        self._answer_due_after = self._not_found_after + self._answer_after
        self._news = account.gateway.news()
        self._missed_once: set[str] = set()
        # In elapsed time, when an order of another process or run was first seen being sent, and
        # when any was first seen in doubt; it has not been sent since.
        self._submitting_since: dict[str, float] = {}
        self._doubted_at: dict[str, float] = {}
        self._comparing = asyncio.Lock()
        # Up to when all markets were noted to be listed, and up to when orders were compared.
        self._noted_until: datetime | None = None
        self._compared_until: datetime | None = None
        self._has_gap = True
        self._unexplained = UnexplainedMarkets()
        self._guesses = GuessedFills(account.name, database, orders, clock)

    async def recover(self) -> None:
        """At start: put interrupted orders in doubt, then compare all that changed meanwhile."""
        await self._doubt_abandoned(await self._submitting())
        if not self._is_cut_off():
            await self.settle()
            await self.compare()

    async def run_news(self) -> None:
        """Apply the exchange's stream; a report that cannot be applied is logged and skipped."""
        async for report in self._news:
            lag = self._clock.now() - report.at
            self._metrics.heard(self._account.name, lag.total_seconds())
            try:
                await self.hear(report)
            except OrderdeckError as error:
                _logger.warning("news.failed", account=self._account.name, error=repr(error))

    async def hear(self, report: OrderReport) -> Order | None:
        """Apply a report if it says something new: most repeat the answers to our requests."""
        news = await self._ledger.news_in(self._account.name, report)
        if isinstance(news, UnknownOrder):
            self._unexplained.note_stranger(report)
            return None
        if news is None:
            return None
        return await self._orders.apply(self._account.name, report, news)

    async def run_settling(self) -> None:
        """Look up orders in doubt at once, then with growing pauses up to the interval."""
        pauses = Backoff(first=FIRST_PAUSE_SECONDS, longest=self._interval_seconds)
        with self._bus.listen(Topic.DOUBTS) as listener:
            while True:
                has_doubts = await self.settle()
                pauses.next()
                seconds = pauses.seconds if has_doubts else self._interval_seconds
                if await self._is_woken(listener, seconds):
                    pauses.reset()

    async def _is_woken(self, listener: Listener, seconds: float) -> bool:
        try:
            async with self._clock.timeout(seconds):
                await listener.wait()
        except TimeoutError:
            return False
        return True

    async def run_comparing(self) -> None:
        """Compare on a timer, at once after each gap, and again soon after a failure."""
        retries = Backoff(first=FIRST_PAUSE_SECONDS, longest=self._interval_seconds)
        is_in_step = self._accounts.is_in_step(self._account.name)
        pause = self._interval_seconds if is_in_step else retries.seconds
        while True:
            if await self._is_gap(pause):
                await self.settle()
            if self._is_cut_off():
                continue
            if (await self.compare()).problems:
                pause = retries.next()
            else:
                pause = self._interval_seconds - await self._list_the_rest()
                retries.reset()

    def _is_cut_off(self) -> bool:
        """Whether the exchange cannot be reached; a gap is reported once it is back."""
        return self._account.gateway.connection.connectivity in _CUT_OFF

    async def _is_gap(self, seconds: float) -> bool:
        try:
            async with self._clock.timeout(seconds):
                await self._account.gateway.gap()
        except TimeoutError:
            return False
        self._metrics.gap(self._account.name)
        self._has_gap = True
        return True

    async def _list_the_rest(self) -> float:
        """List the markets that are left until the next comparison; returns the seconds it took."""
        seconds = 0.0
        while len(self._unexplained) and seconds + SLICE_PAUSE_SECONDS < self._interval_seconds:
            if await self._is_gap(SLICE_PAUSE_SECONDS):
                await self.settle()
                return self._interval_seconds
            seconds += SLICE_PAUSE_SECONDS
            result = Reconciliation()
            async with self._comparing:
                if not await self._is_answered(self._list_closed(result)):
                    break
            self._log_changes(result)
        return seconds

    async def reconcile(self) -> Reconciliation:
        """Look up orders in doubt, then compare everything; returns what both have changed."""
        async with self._database.snapshot() as view:
            doubts = await view.orders.in_doubt(self._account.name)
        await self.settle()
        result = await self.compare(is_whole=True)
        async with self._database.snapshot() as view:
            for order in doubts:
                result.note(order, await view.orders.find(order.id))
        return result

    async def compare(self, *, is_whole: bool = False) -> Reconciliation:
        """Compare our orders with the exchange's answers, which outrank its stream.

        One comparison at a time; a second one over the same facts changes nothing. Closed orders
        are listed of some markets only, of which there is something unexplained; a whole comparison
        lists all of them.
        """
        result = Reconciliation()
        async with self._comparing:
            is_answered = await self._is_answered(self._compare(result, is_whole=is_whole))
        while is_whole and is_answered and len(self._unexplained):
            # The next comparison on the timer need not wait until all markets are listed.
            async with self._comparing:
                is_answered = await self._is_answered(self._list_closed(result))
        if not is_answered:
            result.problems.append(unanswered(self._account.name))
        self._log_changes(result)
        self._metrics.compared(self._account.name, is_answered=not result.problems)
        return result

    async def _is_answered(self, asking: Awaitable[None]) -> bool:
        """Ask the exchange, at the urgency of comparisons; whether it has answered all of it."""
        try:
            with asking_at(Priority.COMPARISON):
                async with self._clock.timeout(COMPARE_SECONDS):
                    await asking
        except _UNANSWERED as error:
            _logger.warning("compare.unanswered", account=self._account.name, error=repr(error))
            return False
        return True

    def _log_changes(self, result: Reconciliation) -> None:
        if result.changed or result.imported:
            _logger.info(
                "compare.done",
                account=self._account.name,
                checked=result.checked,
                changed=[order.id for order in result.changed.values()],
                imported=[order.id for order in result.imported.values()],
            )

    async def _compare(self, result: Reconciliation, *, is_whole: bool) -> None:
        name, begun_at = self._account.name, self._clock.now()
        listed = await self._account.gateway.open_orders()
        known = {report.name: report for report in listed}
        async with self._database.snapshot() as view:
            ours = await view.orders.answered_open(name)
        for order in ours:
            report = known.pop((order.symbol, order.exchange_order_id or ""), None)
            # One that changed here since the question is compared the next time.
            if report is not None or order.updated_at <= begun_at:
                await self._compare_one(order, report, result)
        for report in known.values():
            await self._apply_or_import(report, result)
        since = self._compared_since(begun_at)
        await self._note_unexplained(begun_at, since, is_whole=is_whole)
        self._compared_until = begun_at
        await self._list_closed(result)
        for after in await self._guesses.look_up(min(since, begun_at - GUESSES_LOOK_BACK)):
            result.changed[after.id] = after
        await self._accounts.set_reconciled(name)

    async def _note_unexplained(self, now: datetime, since: datetime, *, is_whole: bool) -> None:
        """Note the markets whose closed orders must be listed.

        All of them after a gap and from time to time, otherwise those of orders or of balances that
        nobody here can explain.
        """
        name, gateway = self._account.name, self._account.gateway
        async with self._database.snapshot() as view:
            outside = await view.equity.outside(name)
        self._unexplained.note_outside(outside, (await gateway.markets()).values(), since)
        for report in self._unexplained.take_strangers():
            if await self._ledger.find(name, report) is None:
                self._unexplained.note([report.symbol], since)
        noted_until, is_heard = self._noted_until, gateway.capabilities.streaming_orders
        is_due = noted_until is None or now - noted_until >= LIST_ALL_AFTER
        if is_whole or is_due or self._has_gap or not is_heard:
            self._has_gap = False
            begin = now - FIRST_LOOK_BACK if noted_until is None else noted_until - LOOK_BACK
            async with self._database.snapshot() as view:
                symbols = await view.orders.symbols(name, changed_since=begin)
            self._unexplained.note(symbols, begin)
            self._noted_until = now

    async def _list_closed(self, result: Reconciliation) -> None:
        """List the closed orders of some unexplained markets; what fails is asked for again."""
        for symbol, since in self._unexplained.due(MARKETS_AT_ONCE):
            for report in await self._account.gateway.closed_orders(since, [symbol]):
                await self._apply_or_import(report, result)
            self._unexplained.done(symbol, since)

    async def _compare_one(
        self, order: Order, report: OrderReport | None, result: Reconciliation
    ) -> None:
        if report is None:
            result.note(order, await self._look_up_missing(order, result))
        elif _differs(order, report):
            result.note(order, await self._orders.apply(self._account.name, report))
        else:
            # Its trades may be known by now: an earlier report may have had totals only.
            result.note(order, await self.hear(report) if order.filled else None)

    async def _look_up_missing(self, order: Order, result: Reconciliation) -> Order | None:
        try:
            after = await self._orders.look_up(order)
        except _UNANSWERED as error:
            _logger.info("lookup.unanswered", order=order.id, error=repr(error))
            result.problems.append(unanswered(order.client_order_id))
            return None
        if after is None:
            _logger.error("order.missing", account=order.account, order=order.id)
            result.problems.append(missing(order.client_order_id))
        return after

    async def _apply_or_import(self, report: OrderReport, result: Reconciliation) -> None:
        """Apply a report of an order that we have as closed, or import one that we do not know."""
        name = self._account.name
        before = await self._ledger.find(name, report)
        if before is not None:
            result.note(before, await self.hear(report))
        elif is_importable(report):
            result.note_imported(await self._ledger.import_order(name, report))
        else:
            _logger.warning("order.unknown", account=name, order=report.exchange_order_id)

    def _compared_since(self, now: datetime) -> datetime:
        """A little before the last comparison; the first time a day ago."""
        if self._compared_until is None:
            return now - FIRST_LOOK_BACK
        return self._compared_until - LOOK_BACK

    async def settle(self) -> bool:
        """Go once through everything unfinished; returns whether doubts remain."""
        await self._doubt_abandoned(self._overdue(await self._submitting()))
        name = self._account.name
        async with self._database.snapshot() as view:
            doubts = await view.orders.in_doubt(name)
            uncanceled = await view.orders.uncanceled(name)
            amendments = await view.amendments.waiting(name)
        overdue = [asked for asked in amendments if self._is_overdue(asked.order_id, asked.at)]
        self._note_doubts(doubts)
        settled = [await self._look_up(order) for order in doubts]
        await cancel_each(uncanceled, self._orders.send_cancel)
        settled += [await self._amendments.settle(asked) for asked in overdue]
        return not all(settled)

    def _note_doubts(self, doubts: Sequence[Order]) -> None:
        now, known = self._clock.elapsed(), {order.id for order in doubts}
        self._missed_once &= known
        self._doubted_at = {order_id: self._doubted_at.get(order_id, now) for order_id in known}

    async def _submitting(self) -> list[Order]:
        """The orders that are stored as being sent, and that this process is not sending."""
        async with self._database.snapshot() as view:
            found = await view.orders.submitting(self._account.name)
        return [order for order in found if not self._in_flight.holds(order.id)]

    def _overdue(self, orders: Sequence[Order]) -> list[Order]:
        """Those whose process has had its time: by their age, or since they were first seen."""
        now, known = self._clock.elapsed(), self._submitting_since
        self._submitting_since = {order.id: known.get(order.id, now) for order in orders}
        seconds = self._answer_due_after.total_seconds()
        return [
            order
            for order in orders
            if self._is_overdue(order.id, order.updated_at)
            or now - self._submitting_since[order.id] > seconds
        ]

    async def _doubt_abandoned(self, abandoned: Sequence[Order]) -> None:
        for order in abandoned:
            await self._ledger.doubt(order.id, "the process that was sending it ended")

    def _is_overdue(self, order_id: str, asked_at: datetime) -> bool:
        """Whether an answer should have come: by our own knowledge, or by the age of a request."""
        if self._in_flight.holds(order_id):
            return False
        ended_at = self._in_flight.ended_at(order_id)
        if ended_at is None:
            return asked_at < self._clock.now() - self._answer_due_after
        return self._clock.elapsed() - ended_at > self._answer_due_after.total_seconds()

    def _has_had_time(self, order: Order) -> bool:
        """Whether the exchange would know the order by now, had it ever arrived."""
        elapsed, seconds = self._clock.elapsed(), self._not_found_after.total_seconds()
        ended_at = self._in_flight.ended_at(order.id)
        since = self._doubted_at.get(order.id) if ended_at is None else ended_at
        if since is not None and elapsed - since >= seconds:
            return True
        given_up_at = order.created_at + self._answer_after
        return ended_at is None and self._clock.now() - given_up_at >= self._not_found_after

    async def _look_up(self, order: Order) -> bool:
        """Look up an order in doubt; returns whether it is settled. A failure proves nothing."""
        if self._in_flight.is_sending(order.id):
            return False
        has_had_time = self._has_had_time(order)
        try:
            after = await self._orders.look_up(order)
        except _UNANSWERED as error:
            _logger.info("lookup.unanswered", order=order.id, error=repr(error))
            return False
        if after is not None:
            return True
        if not has_had_time:
            return False
        if order.id not in self._missed_once:
            self._missed_once.add(order.id)
            return False
        await self._ledger.reject(order.id, refusals.never_arrived())
        return True


def _differs(order: Order, report: OrderReport) -> bool:
    has_other_terms = report.terms is not None and is_amended(order, report.terms)
    return has_other_terms or (report.status, report.filled) != (order.status, order.filled)
