"""Bookkeeper: places, matches, amends and cancels paper orders, each in one ledger transaction."""

from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from structlog import get_logger

from app.domain import money
from app.domain.accounts import Balance
from app.domain.orders.order import OrderStatus
from app.domain.orders.reports import OrderIntent, OrderKey, OrderReport
from app.domain.orders.terms import AmendableTerms
from app.domain.paper_ledger import PaperBalance, PaperOrder
from app.domain.portfolio.exposures import Exposure
from app.errors import ExchangeDoubt, ExchangeError, ExchangeRejected, Refusal
from app.exchanges.paper.account.admission import refuse
from app.exchanges.paper.account.amending import refuse_amendment
from app.exchanges.paper.account.ledger import LedgerStore, LedgerUpdate, LedgerView
from app.exchanges.paper.account.ledger_transaction import LedgerTransaction
from app.exchanges.paper.account.margin_account import MarginAccount
from app.exchanges.paper.account.margins import cut
from app.exchanges.paper.account.matching import Matching, Outcome
from app.exchanges.paper.account.reports import number_of, report_of
from app.exchanges.paper.account.resting_orders import RestingOrders
from app.exchanges.paper.faults import CrashPoint, Faults
from app.exchanges.paper.news import FaultyNews
from app.exchanges.paper.price_sources.protocols import MarketView, PendingPrices, PriceSource
from app.ports import Clock

_REFRESH_SECONDS = 1.0

_log = get_logger(__name__)


@dataclass(frozen=True, kw_only=True, slots=True)
class LedgerContext:
    """What the Bookkeeper needs besides the ledger store."""

    price_source: PriceSource
    clock: Clock
    faults: Faults
    news: FaultyNews


class Bookkeeper:
    """The only writer of an account's ledger.

    Before any operation, the open orders are matched against every missed price that is still
    known. So the ledger depends only on what was ordered when, not on who read it or how often.
    """

    def __init__(self, store: LedgerStore, context: LedgerContext) -> None:
        self._store = store
        self._price_source = context.price_source
        self._matching = Matching(rates=context.price_source.rates)
        self._clock = context.clock
        self._faults = context.faults
        self._news = context.news
        self._known_assets: frozenset[str] | None = None
        self._resting: RestingOrders | None = None
        self._refresh_at: float | None = None

    async def submit(self, intent: OrderIntent) -> OrderReport:
        """Place a new order, or raise and leave no trace of it."""
        market_view = await self._price_source.market_view(intent.symbol)
        async with self._ledger(assets=(market_view.rules.base, market_view.rules.quote)) as ledger:
            if await ledger.store.find_order_by_wire_id(intent.wire_id) is not None:
                raise ExchangeDoubt("duplicate: an order with this wire id was sent before")
            order = _new_order(intent, ledger.numbers.order + 1, ledger.now)
            order, trades = ledger.settle(await self._place(order, market_view, ledger))
            await ledger.write()
            self._faults.crash(CrashPoint.BEFORE_BOOKING)
        self._faults.crash(CrashPoint.AFTER_BOOKING)
        return report_of(order, trades)

    async def cancel(self, key: OrderKey) -> OrderReport | None:
        """Cancel an order if it is still open, and report its state."""
        async with self._ledger() as ledger:
            order = await _find(ledger.store, key)
            if order is None:
                return None
            if order.waits:
                order, _ = ledger.settle(self._matching.cancel(order, ledger.now))
                await ledger.write()
            return report_of(order, await ledger.store.trades(order.number))

    async def amend(self, key: OrderKey, wanted: AmendableTerms) -> OrderReport | None:
        """Amend an open order in place, or raise and leave it as it was."""
        market_view = await self._price_source.market_view(key.symbol)
        async with self._ledger() as ledger:
            order = await _find(ledger.store, key)
            if order is None:
                return None
            if not order.waits or wanted != order.terms.amendable:
                order, _ = ledger.settle(await self._amend(order, wanted, market_view, ledger))
                await ledger.write()
            return report_of(order, await ledger.store.trades(order.number))

    async def match(self) -> None:
        """Match the open orders against the prices that the ledger has not seen yet."""
        resting = await self._refreshed()
        for pending in await self._price_source.pending_prices(resting):
            async with self._ledger(pending) as ledger:
                await ledger.sync(self._resting)
            self._faults.crash(CrashPoint.AFTER_MATCHING)

    async def find(self, key: OrderKey) -> OrderReport | None:
        async with self._store.snapshot() as store:
            order = await _find(store, key)
            return None if order is None else report_of(order, await store.trades(order.number))

    async def balances(self) -> Mapping[str, Balance]:
        if self._known_assets is None:
            async with self._ledger() as ledger:
                return _as_balances(ledger.balances)
        async with self._store.snapshot() as store:
            return _as_balances(await store.balances())

    async def exposures(self) -> Sequence[Exposure]:
        """The open margin positions; several on one quote currency need the last prices."""
        async with self._store.snapshot() as store:
            positions = await store.positions()
            margin_account = MarginAccount.of(
                positions, await store.balances() if positions else {}
            )
        last = {} if margin_account.are_apart else await self._last_prices(margin_account.symbols)
        return margin_account.exposures(last.get)

    async def liquidations(self, since: datetime) -> Sequence[OrderReport]:
        """The liquidation orders since then, up to now."""
        async with self._ledger() as ledger:
            return [
                report_of(order, await ledger.store.trades(order.number))
                for order in await ledger.store.liquidations(since)
            ]

    async def open_orders(self) -> Sequence[OrderReport]:
        """Every open order, oldest first, with its trades."""
        async with self._store.snapshot() as store:
            return [
                report_of(order, await store.trades(order.number) if order.filled else ())
                for order in await store.open_orders()
            ]

    async def _last_prices(self, symbols: Sequence[str]) -> Mapping[str, Decimal | None]:
        try:
            tickers = await self._price_source.tickers(symbols)
        except ExchangeError:
            return {}
        return {symbol: ticker.last for symbol, ticker in tickers.items()}

    async def _place(
        self, order: PaperOrder, market_view: MarketView, ledger: LedgerTransaction
    ) -> Outcome:
        _raise_if_refused(refuse(order, market_view.rules, market_view.quote(ledger.now)))
        order = await ledger.admitted(order)
        levels = market_view.levels_against(order.side, ledger.now)
        return self._matching.place(order, cut(levels, ledger.most_of(order)))

    async def _amend(
        self,
        order: PaperOrder,
        wanted: AmendableTerms,
        market_view: MarketView,
        ledger: LedgerTransaction,
    ) -> Outcome:
        after, at = replace(order, terms=order.terms.amended(wanted)), ledger.now
        _raise_if_refused(refuse_amendment(order, after, market_view.rules, market_view.quote(at)))
        await ledger.check_reduction(after)
        levels = cut(market_view.levels_against(order.side, at), ledger.most_of(order))
        return self._matching.amend(order, wanted, levels, at)

    @asynccontextmanager
    async def _ledger(
        self, pending: PendingPrices | None = None, *, assets: Iterable[str] = ()
    ) -> AsyncIterator[LedgerTransaction]:
        """The ledger caught up to now; a refusal inside does not undo the catching up."""
        refused, pending = None, pending or self._price_source.missed
        async with self._store.transaction() as store:
            ledger = await self._open(store, frozenset(assets))
            if pending is not None:
                await pending.apply_to(ledger, self._resting)
            await ledger.sync(self._resting)
            if ledger.has_triggered:
                self._faults.crash(CrashPoint.BEFORE_TRIGGERING)
            reports = await ledger.reports()
            try:
                yield ledger
            except ExchangeRejected as error:
                refused = error
        self._known_assets = frozenset(ledger.balances)
        self._resting = ledger.update_known(self._resting)
        for report in reports:
            self._news.publish(report)
        if ledger.liquidated:
            self._report_liquidations(ledger)
        if refused is not None:
            raise refused

    async def _open(self, store: LedgerUpdate, assets: frozenset[str]) -> LedgerTransaction:
        if self._known_assets is None or not assets <= self._known_assets:
            nothing = dict.fromkeys(assets, money.ZERO)
            await store.deposit({**nothing, **self._price_source.opening_balances})
        balances, numbers = await store.lock_balances(), await store.last_numbers()
        # The time is read only now, when every order before this one is booked.
        return LedgerTransaction(store, self._matching, balances, numbers, self._clock.now())

    async def _refreshed(self) -> RestingOrders:
        """The open orders, refreshed now and then with what other processes have booked."""
        now = self._clock.elapsed()
        if self._resting is not None and self._refresh_at is not None and now < self._refresh_at:
            return self._resting
        async with self._store.snapshot() as store:
            numbers = await store.last_numbers()
            if self._resting is None:
                orders = await store.open_orders()
                self._resting = RestingOrders.of(orders, numbers, await _margin_account(store))
            elif numbers.change > (known := self._resting.change):
                changed = await store.changed_orders(known)
                margin_account = await _margin_account(store)
                self._resting.learn(changed, margin_account, since=known, numbers=numbers)
        self._refresh_at = now + _REFRESH_SECONDS
        return self._resting

    def _report_liquidations(self, ledger: LedgerTransaction) -> None:
        for order in ledger.liquidated:
            balance = ledger.balances[order.quote]
            _log.warning(
                "paper.liquidated",
                order=order.number,
                symbol=order.symbol,
                amount=money.plain(order.filled),
                written_off=money.plain(balance.written_off),
            )
        self._news.open_gap()


async def _margin_account(store: LedgerView) -> MarginAccount:
    return MarginAccount.of(await store.positions(), await store.balances())


def _as_balances(balances: Mapping[str, PaperBalance]) -> Mapping[str, Balance]:
    return {asset: balance.as_balance for asset, balance in balances.items()}


def _raise_if_refused(refusal: Refusal | None) -> None:
    if refusal is not None:
        raise ExchangeRejected(refusal)


async def _find(store: LedgerView, key: OrderKey) -> PaperOrder | None:
    number = number_of(key.exchange_order_id)
    by_number = None if number is None else await store.find_order(number)
    return by_number or await store.find_order_by_wire_id(key.wire_id)


def _new_order(intent: OrderIntent, number: int, at: datetime) -> PaperOrder:
    return PaperOrder(
        number=number,
        wire_id=intent.wire_id,
        symbol=intent.symbol,
        terms=intent.terms,
        status=OrderStatus.SUBMITTING,
        filled=money.ZERO,
        reserved=money.ZERO,
        created_at=at,
        updated_at=at,
    )
