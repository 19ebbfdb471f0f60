"""Keeps an account's orders in step with its exchange: its stream, and comparisons."""

import asyncio
from collections.abc import Awaitable
from datetime import datetime, timedelta

import structlog

from app.bus import Bus
from app.domain.accounts import Connectivity
from app.domain.orders.changes import is_amended
from app.domain.orders.imports import is_importable
from app.domain.orders.order import Order
from app.domain.orders.reconciliations import Reconciliation, missing, unanswered
from app.domain.orders.reports import OrderReport
from app.errors import ExchangeError, OrderdeckError
from app.ports import Clock
from app.primitives.backoff import Backoff
from app.primitives.priorities import Priority, asking_at
from app.primitives.recent_dict import RecentDict
from app.services.accounts import AccountEntry, AccountService
from app.services.metrics import Metrics
from app.services.orders.amendments import AmendmentService
from app.services.orders.comparing.guessed_fills import GuessedFills
from app.services.orders.comparing.settling import FIRST_PAUSE_SECONDS, OrderSettling, SyncTimes
from app.services.orders.comparing.unexplained_markets import UnexplainedMarkets
from app.services.orders.in_flight import OrdersInFlight
from app.services.orders.ledger import OrderLedger, UnknownOrder
from app.services.orders.service import OrderService
from app.storage.database import Database

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
_UNREADABLE_KEPT = 1000
_CUT_OFF = {Connectivity.CONNECTING, Connectivity.DISCONNECTED}
_UNANSWERED = (ExchangeError, TimeoutError)

_logger = structlog.get_logger(__name__)


class OrderSync:
    """Follows one account: its news, and what a comparison with its exchange shows."""

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
        self._ledger = ledger
        self._clock = clock
        self._metrics = metrics or Metrics()
        self._interval_seconds = times.interval_seconds
        self._news = account.gateway.news()
        self._comparing = asyncio.Lock()
        # Up to when all markets were noted to be listed, and up to when orders were compared.
        self._noted_until: datetime | None = None
        # The same for all markets that were ever traded here.
        self._listed_until: datetime | None = None
        self._compared_until: datetime | None = None
        self._has_gap = True
        self._unexplained = UnexplainedMarkets()
        # Orders of others that cannot be read, so that each is logged once.
        self._unreadable: RecentDict[tuple[str, str], None] = RecentDict(_UNREADABLE_KEPT)
        self._guesses = GuessedFills(account.name, database, orders, clock)
        self.settling = OrderSettling(
            account,
            times=times,
            database=database,
            bus=bus,
            orders=orders,
            amendments=amendments,
            ledger=ledger,
            in_flight=in_flight,
            clock=clock,
        )

    async def recover(self, *, is_alone: bool) -> None:
        """At start: put interrupted orders in doubt, then compare all that changed meanwhile.

        If another process lives, it may be sending them still: they have their time.
        """
        if is_alone:
            await self.settling.doubt_interrupted()
        if not self._is_cut_off():
            await self.settling.settle()
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

    async def run_comparing(self) -> None:
        """Compare on a timer, at once after each gap, and again soon after a failure."""
        retries = Backoff(first=FIRST_PAUSE_SECONDS, longest=self._interval_seconds)
        is_in_step = self._accounts.is_in_step(self._account.name)
        pause = self._interval_seconds if is_in_step else retries.seconds
        while True:
            if await self._is_gap(pause):
                await self.settling.settle()
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
                await self.settling.settle()
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
        await self.settling.settle()
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

        All of them at the start and from time to time, after a gap those that were busy, and
        otherwise those of orders or of balances that nobody here can explain.
        """
        name, gateway = self._account.name, self._account.gateway
        async with self._database.snapshot() as view:
            outside = await view.equity.outside(name)
        self._unexplained.note_outside(outside, (await gateway.markets()).values(), since)
        for report in self._unexplained.take_strangers():
            if await self._ledger.find(name, report) is None:
                self._unexplained.note([report.symbol], since)
        is_due = self._listed_until is None or now - self._listed_until >= LIST_ALL_AFTER
        is_heard = gateway.capabilities.streaming_orders
        if is_whole or is_due:
            await self._note_all(now)
        elif self._has_gap or not is_heard:
            await self._note_changed(now)

    async def _note_all(self, now: datetime) -> None:
        """Note every market that was ever traded here."""
        name, until = self._account.name, self._listed_until
        begin = now - FIRST_LOOK_BACK if until is None else until - LOOK_BACK
        async with self._database.snapshot() as view:
            recent = await view.orders.symbols(name, changed_since=now - FIRST_LOOK_BACK)
            traded = await view.positions.all(frozenset({name}))
        self._unexplained.note([*recent, *(one.key.symbol for one in traded)], begin)
        self._has_gap, self._noted_until, self._listed_until = False, now, now

    async def _note_changed(self, now: datetime) -> None:
        """Note the markets with open orders or changes since they were noted last."""
        begin = (self._noted_until or now) - LOOK_BACK
        async with self._database.snapshot() as view:
            symbols = await view.orders.symbols(self._account.name, changed_since=begin)
        self._unexplained.note(symbols, begin)
        self._has_gap, self._noted_until = False, now

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
        elif report.name not in self._unreadable:
            self._unreadable[report.name] = None
            _logger.warning("order.unknown", account=name, order=report.exchange_order_id)

    def _compared_since(self, now: datetime) -> datetime:
        """A little before the last comparison; the first time a day ago."""
        if self._compared_until is None:
            return now - FIRST_LOOK_BACK
        return self._compared_until - LOOK_BACK


def _differs(order: Order, report: OrderReport) -> bool:
    has_other_terms = report.terms is not None and is_amended(order, report.terms)
    return has_other_terms or (report.status, report.filled) != (order.status, order.filled)
