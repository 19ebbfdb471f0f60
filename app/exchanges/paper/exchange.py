"""The paper exchange itself: one account, and a loop that fills what waits."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from structlog import get_logger

from app.domain.account_checks import AccountCheck
from app.domain.accounts import Balance, Capabilities, Connection, Connectivity
from app.domain.markets.candles import Candle, CandleRequest
from app.domain.markets.markets import Market, Ticker
from app.domain.markets.order_books import OrderBook
from app.domain.orders.reports import OrderIntent, OrderKey, OrderReport
from app.domain.orders.terms import AmendableTerms
from app.domain.portfolio.exposures import Exposure
from app.errors import ExchangeUnavailable
from app.exchanges.paper.account.ledger import LedgerStore
from app.exchanges.paper.bookkeeping import Bookkeeper, LedgerContext
from app.exchanges.paper.faults import Call, Faults, FaultyConnection
from app.exchanges.paper.news import FaultyNews
from app.exchanges.paper.price_sources.mirrored import MirroredSource
from app.exchanges.paper.price_sources.protocols import PriceSource, PublicMarketData
from app.exchanges.paper.price_sources.simulated import SimulatedSource
from app.exchanges.paper.prices.simulated_markets import PaperTerms
from app.ports import Clock

_RETRY_SECONDS = 1.0
_Report = TypeVar("_Report", OrderReport, OrderReport | None)

_log = get_logger(__name__)


class PaperExchange:
    """An exchange that is always solvent: its markets are simulated, or those of a real exchange.

    Any number of processes may run the same account over the same books.
    """

    def __init__(
        self, store: LedgerStore, clock: Clock, terms: PaperTerms, faults: Faults | None = None,
        *, prices: PublicMarketData | None = None,
    ) -> None:  # fmt: skip
        self._faults = Faults() if faults is None else faults
        self._clock = clock
        self._price_source = _price_source(terms, clock, prices)
        self._line = FaultyConnection(self._faults, clock)
        self._desk = FaultyNews(self._faults)
        self._store = Bookkeeper(
            store,
            LedgerContext(
                price_source=self._price_source, clock=clock, faults=self._faults, desk=self._desk
            ),
        )

    @property
    def capabilities(self) -> Capabilities:
        return self._price_source.capabilities

    @property
    def market_set(self) -> str:
        return self._price_source.market_set

    @property
    def connection(self) -> Connection:
        if self._faults.is_disconnected:
            return Connection(
                connectivity=Connectivity.DISCONNECTED, detail="switched off by a test"
            )
        return self._price_source.connection

    async def markets(self) -> Mapping[str, Market]:
        self._line.require()
        return await self._price_source.markets()

    async def tickers(self, symbols: Sequence[str]) -> Mapping[str, Ticker]:
        """The prices of those symbols that are listed."""
        self._line.require()
        return await self._price_source.tickers(symbols)

    async def order_book(self, symbol: str, depth: int) -> OrderBook:
        """What others offer now; no more than 50 levels deep on the simulated market."""
        self._line.require()
        return await self._price_source.order_book(symbol, depth)

    async def timeframes(self) -> Sequence[str]:
        self._line.require()
        return await self._price_source.timeframes()

    async def candles(self, asked: CandleRequest) -> Sequence[Candle]:
        self._line.require()
        return await self._price_source.candles(asked)

    def watch_ticker(self, symbol: str) -> AsyncGenerator[Ticker, None]:
        return self._line.along(self._price_source.watch_ticker(symbol))

    def watch_candles(self, symbol: str, timeframe: str) -> AsyncGenerator[Candle, None]:
        return self._line.along(self._price_source.watch_candles(symbol, timeframe))

    def watch_order_book(self, symbol: str) -> AsyncGenerator[OrderBook, None]:
        return self._line.along(self._price_source.watch_order_book(symbol))

    async def balances(self) -> Mapping[str, Balance]:
        self._line.require()
        return await self._store.balances()

    async def exposures(self) -> Sequence[Exposure]:
        self._line.require()
        return await self._store.exposures()

    async def submit(self, intent: OrderIntent) -> OrderReport:
        await self._line.out(Call.SUBMIT)
        return await self._answer(Call.SUBMIT, await self._store.submit(intent))

    async def cancel(self, key: OrderKey) -> OrderReport | None:
        await self._line.out(Call.CANCEL)
        return await self._answer(Call.CANCEL, await self._store.cancel(key))

    async def amend(self, key: OrderKey, wanted: AmendableTerms) -> OrderReport | None:
        await self._line.out(Call.AMEND)
        return await self._answer(Call.AMEND, await self._store.amend(key, wanted))

    async def find(self, key: OrderKey) -> OrderReport | None:
        await self._line.out(Call.FIND)
        report = await self._store.find(key)
        await self._line.back(Call.FIND)
        return report

    async def open_orders(self) -> Sequence[OrderReport]:
        self._line.require(Call.FIND)
        return await self._store.waiting()

    async def closed_orders(self, since: datetime, symbols: Sequence[str]) -> Sequence[OrderReport]:
        """Its own alone, by which it liquidates: nobody else places orders here."""
        self._line.require(Call.FIND)
        return await self._store.liquidations(since)

    def news(self) -> AsyncIterator[OrderReport]:
        """What this process books from now on."""
        return self._desk.reader()

    async def examine(self) -> AccountCheck:
        """It has no keys, and the clock of this machine."""
        return AccountCheck()

    async def gap(self) -> None:
        """It has no line that could break, but may have closed positions by itself."""
        await self._desk.gap()

    async def run(self) -> None:
        """See to the prices, and fill the waiting orders through which they have gone."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._price_source.run())
            tasks.create_task(self._keep_matching())

    async def _keep_matching(self) -> None:
        while True:
            is_well = await self._match()
            pause = self._price_source.pause_seconds()
            await self._clock.sleep(pause if is_well else max(pause, _RETRY_SECONDS))

    async def _match(self) -> bool:
        try:
            await self._store.match()
        except ExchangeUnavailable:
            # The connection says so already.
            return False
        except Exception as error:  # noqa: BLE001 - whatever it was, the next price comes
            _log.warning("paper_matching_failed", error=repr(error))
            return False
        return True

    async def _answer(self, call: Call, report: _Report) -> _Report:
        # What is booked is told, even where the answer to it is lost.
        try:
            await self._line.back(call)
        finally:
            if report is not None:
                self._desk.publish(report)
        return report


def _price_source(terms: PaperTerms, clock: Clock, prices: PublicMarketData | None) -> PriceSource:
    if prices is None:
        return SimulatedSource(terms, clock)
    return MirroredSource(prices, terms, clock)
