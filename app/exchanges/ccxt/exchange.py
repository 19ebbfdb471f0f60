"""CcxtExchange: the ExchangeGateway of one account at a real exchange, through ccxt."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from app.domain.account_checks import AccountCheck
from app.domain.accounts import AccountMode, Balance, Capabilities, Connection
from app.domain.markets.candles import Candle, CandleRequest
from app.domain.markets.markets import Market, Ticker
from app.domain.markets.order_books import OrderBook
from app.domain.orders.market_checks import MarketFacts
from app.domain.orders.reports import OrderIntent, OrderKey, OrderReport
from app.domain.orders.terms import AmendableTerms
from app.domain.portfolio.exposures import Exposure
from app.domain.traffic import Traffic
from app.errors import (
    ExchangeDoubt,
    ExchangeError,
    ExchangeRejected,
    ExchangeUnavailable,
    Refusal,
)
from app.exchanges.ccxt.connection.account_check import AccountExaminer
from app.exchanges.ccxt.connection.anomalies import AnomalyLog
from app.exchanges.ccxt.connection.calls import Call, canceling, placing
from app.exchanges.ccxt.connection.capabilities import capabilities_of
from app.exchanges.ccxt.connection.clients import CcxtTerms
from app.exchanges.ccxt.connection.sessions import CcxtSession, MarketCache
from app.exchanges.ccxt.parsing.failures import (
    failure_of_create,
    is_order_unknown,
    says_one_of,
)
from app.exchanges.ccxt.parsing.markets import balances_of
from app.exchanges.ccxt.parsing.numbers import text
from app.exchanges.ccxt.parsing.order_reports import accepted
from app.exchanges.ccxt.rest.amendments import PendingAmendment, no_amending
from app.exchanges.ccxt.rest.exposures import ExposureReader
from app.exchanges.ccxt.rest.lookups import OrderLookup
from app.exchanges.ccxt.rest.market_data import MarketData
from app.exchanges.ccxt.rest.marketable import at_a_limit, is_market_buy
from app.exchanges.ccxt.rest.prechecks import SentIds, only_prices, refuse, spends_money
from app.exchanges.ccxt.streams.account_streams import AccountStreams
from app.exchanges.ccxt.streams.market_streams import MarketStreams
from app.exchanges.news import NewsBroadcast
from app.ports import Clock
from app.primitives.priorities import Priority, asking_at


class CcxtExchange:
    """One account at a real exchange. Unreadable data is counted and logged, never guessed."""

    def __init__(self, terms: CcxtTerms, clock: Clock, market_cache: MarketCache) -> None:
        self._terms = terms
        self._clock = clock
        self._session = CcxtSession(terms, clock, market_cache)
        self._anomalies = AnomalyLog(terms.exchange, clock)
        self._lookups = OrderLookup(self._session, clock, self._anomalies)
        self._exposures = ExposureReader(self._session, self._lookups, clock, self._anomalies)
        self._data = MarketData(self._session, self._lookups, clock, self._anomalies)
        self._market_streams = MarketStreams(self._data, self._session, clock)
        self._news = NewsBroadcast()
        self._streams = AccountStreams(self, self._session, self._news, terms, clock)
        self._sent = SentIds()

    @property
    def anomalies(self) -> Counter[str]:
        """How often the exchange sent each kind of malformed response."""
        return self._anomalies.counts

    @property
    def opened(self) -> asyncio.Event:
        """Set while there is a connection."""
        return self._session.opened

    @property
    def market_set(self) -> str:
        return self._terms.market_set

    @property
    def capabilities(self) -> Capabilities:
        """What ccxt promises for this exchange; the minimum before it is connected."""
        client = self._session.client if self._session.opened.is_set() else None
        is_allowed = self._terms.has_keys and not self._exposures.are_refused
        has_positions = is_allowed and self._session.has_swaps
        return capabilities_of(client, self._session.quirks, has_positions=has_positions)

    @property
    def connection(self) -> Connection:
        return self._streams.connection

    @property
    def traffic(self) -> Traffic:
        return self._session.traffic

    async def markets(self) -> Mapping[str, Market]:
        self._session.require()
        return self._session.markets

    async def tickers(self, symbols: Sequence[str]) -> Mapping[str, Ticker]:
        return await self._data.tickers(symbols)

    async def last_prices(self, symbols: Sequence[str]) -> Mapping[str, Ticker]:
        return await self._data.last_prices(symbols)

    async def order_book(self, symbol: str, depth: int) -> OrderBook:
        return await self._data.order_book(symbol, depth)

    async def timeframes(self) -> Sequence[str]:
        return await self._data.timeframes()

    async def candles(self, asked: CandleRequest) -> Sequence[Candle]:
        return await self._data.candles(asked)

    def watch_ticker(self, symbol: str) -> AsyncGenerator[Ticker, None]:
        return self._market_streams.ticker(symbol)

    def watch_candles(self, symbol: str, timeframe: str) -> AsyncGenerator[Candle, None]:
        return self._market_streams.candles(symbol, timeframe)

    def watch_order_book(self, symbol: str) -> AsyncGenerator[OrderBook, None]:
        return self._market_streams.order_book(symbol)

    async def balances(self) -> Mapping[str, Balance]:
        return balances_of(await self._lookups.read(Priority.LOOKUP, "fetch_balance"))

    async def exposures(self) -> Sequence[Exposure]:
        """The positions; empty if the exchange keeps none or the key may not see them."""
        self._session.require()
        return await self._exposures.read() if self.capabilities.positions else ()

    async def submit(self, intent: OrderIntent) -> OrderReport:
        """Send the order once. Anything but a clear answer raises ExchangeDoubt."""
        self._session.require()
        refusal = self._precheck(intent)
        if refusal is not None:
            raise ExchangeRejected(refusal)
        if self._session.quirks.spending_buys is not None and is_market_buy(intent):
            intent = await self._at_a_limit(intent)
        self._sent.take(intent.wire_id)
        try:
            row = await self._session.ask(Priority.ORDER, placing(intent, self._session.quirks))
        except Exception as error:
            self._lookups.note(error)
            failure = failure_of_create(error, self._session.quirks.error_codes)
            if isinstance(failure, ExchangeUnavailable):
                self._sent.give_back(intent.wire_id)
            raise failure from error
        if isinstance(row, Mapping):
            row = self._session.quirks.named(row)
        report = self._lookups.readable(accepted, row, wire_id=intent.wire_id, symbol=intent.symbol)
        self._streams.note_accepted(report)
        return report

    async def cancel(self, key: OrderKey) -> OrderReport | None:
        """Cancel, then look the order up: one that is no longer open may be canceled already."""
        with asking_at(Priority.CANCEL):
            return await self._cancel(key)

    async def amend(self, key: OrderKey, wanted: AmendableTerms) -> OrderReport | None:
        """Amend, then report the order as looked up afterwards, whatever the response was."""
        if not self.capabilities.amend_order:
            raise ExchangeRejected(no_amending(self._terms.exchange))
        with asking_at(Priority.ORDER):
            return await self._amend(key, wanted)

    async def find(self, key: OrderKey) -> OrderReport | None:
        return await self._lookups.find(key)

    async def open_orders(self) -> Sequence[OrderReport]:
        reports = await self.list_open()
        self._streams.note_listing(reports)
        return reports

    async def list_open(self) -> Sequence[OrderReport]:
        """The same for the streams' own checks."""
        return await self._lookups.open_orders()

    async def closed_orders(self, since: datetime, symbols: Sequence[str]) -> Sequence[OrderReport]:
        return await self._lookups.closed_orders(since, symbols)

    async def examine(self) -> AccountCheck:
        """Check the key and the clock; places nothing."""
        examination = AccountExaminer(self._session, self._clock, has_keys=self._terms.has_keys)
        return await examination.examine()

    def news(self) -> AsyncIterator[OrderReport]:
        """The reports that this process receives from now on."""
        return self._news.reader()

    async def gap(self) -> None:
        """Wait until reports may have been lost."""
        await self._streams.gap()

    async def run(self) -> None:
        """Connect and read the streams; close everything at the end."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._session.run())
                tasks.create_task(self._streams.run())
        finally:
            await self._session.close()

    def count(self, what: str, **facts: Any) -> None:
        """Count a malformed response."""
        self._anomalies.note(what, **facts)

    async def _cancel(self, key: OrderKey) -> OrderReport | None:
        call = canceling(key, self._session.quirks)
        if call is None:
            row = await self._lookups.find_row(key)
            if row is None:
                return None
            call = Call(method="cancel_order", arguments=(text(row, "id"), key.symbol))
        try:
            await self._session.ask(Priority.CANCEL, call)
        except Exception as error:
            is_plain_no = says_one_of(error, self._session.quirks.not_canceled_words)
            if not is_plain_no and not is_order_unknown(error):
                raise self._lookups.failure(error) from error
        return await self._find_after(key)

    async def _amend(self, key: OrderKey, wanted: AmendableTerms) -> OrderReport | None:
        row = await self._lookups.find_row(key)
        if row is None:
            return None
        found = await self._lookups.whole(row, wire_id=key.wire_id)
        amending = PendingAmendment(row=row, report=found, wanted=wanted)
        if amending.is_done:
            return found
        try:
            call = amending.call(self._facts(), self._session.quirks)
            await self._session.ask(Priority.ORDER, call)
        except Exception as error:
            raise failure_of_create(error, self._session.quirks.error_codes) from error
        after = await self._find_after(key)
        return None if after is None else amending.with_wanted_terms(after)

    async def _at_a_limit(self, intent: OrderIntent) -> OrderIntent:
        """A market buy as the exchange can be told it. Raises ExchangeUnavailable."""
        try:
            with asking_at(Priority.ORDER):
                row = await self._lookups.read(Priority.ORDER, "fetch_ticker", intent.symbol)
        except ExchangeError as error:
            words = f"the price to buy at cannot be read, so nothing was sent: {error}"
            raise ExchangeUnavailable(words) from error
        return at_a_limit(intent, self._session.markets[intent.symbol], self._data.ticker_in(row))

    def _precheck(self, intent: OrderIntent) -> Refusal | None:
        if self._terms.mode is AccountMode.PAPER:
            return only_prices()
        refusal = refuse(intent, self._facts())
        if refusal is None and not self._session.buys_in_base:
            return spends_money(intent, self._session.quirks)
        return refusal

    def _facts(self) -> MarketFacts:
        """The facts for the prechecks that need no request."""
        return MarketFacts(
            capabilities=self.capabilities, markets=self._session.markets, ticker=None, balances={}
        )

    async def _find_after(self, key: OrderKey) -> OrderReport | None:
        """The order's state now. If it cannot be read, the change may still have happened."""
        try:
            return await self.find(key)
        except ExchangeUnavailable as error:
            raise ExchangeDoubt(f"done, but its result cannot be read: {error}") from error
