"""PaperExchange: the ExchangeGateway of one paper account, with the loop that fills its orders."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from dataclasses import replace
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
from app.domain.traffic import Traffic
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
    """A simulated exchange that is always solvent; prices are simulated or a real exchange's.

    Any number of processes may run the same account on the same ledger.
    """

    def __init__(
        self, store: LedgerStore, clock: Clock, terms: PaperTerms, faults: Faults | None = None,
        *, prices: PublicMarketData | None = None,
    ) -> None:  # fmt: skip
        self._faults = Faults() if faults is None else faults
        self._clock = clock
        self._price_source = _price_source(terms, clock, prices)
        self._connection = FaultyConnection(self._faults, clock)
        self._news = FaultyNews(self._faults)
        self._bookkeeper = Bookkeeper(
            store,
            LedgerContext(
                price_source=self._price_source, clock=clock, faults=self._faults, news=self._news
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
        # The orders stay here, so a pause of requests for prices does not concern them.
        return replace(self._price_source.connection, is_pausing=False)

    @property
    def traffic(self) -> Traffic:
        return self._price_source.traffic

    async def markets(self) -> Mapping[str, Market]:
        self._connection.require()
        return await self._price_source.markets()

    async def tickers(self, symbols: Sequence[str]) -> Mapping[str, Ticker]:
        """The tickers of those symbols that are listed."""
        self._connection.require()
        return await self._price_source.tickers(symbols)

    async def last_prices(self, symbols: Sequence[str]) -> Mapping[str, Ticker]:
        self._connection.require()
        return await self._price_source.last_prices(symbols)

    async def order_book(self, symbol: str, depth: int) -> OrderBook:
        """The current order book; at most 50 levels deep on the simulated market."""
        self._connection.require()
        return await self._price_source.order_book(symbol, depth)

    async def timeframes(self) -> Sequence[str]:
        self._connection.require()
        return await self._price_source.timeframes()

    async def candles(self, asked: CandleRequest) -> Sequence[Candle]:
        self._connection.require()
        return await self._price_source.candles(asked)

    def watch_ticker(self, symbol: str) -> AsyncGenerator[Ticker, None]:
        return self._connection.along(self._price_source.watch_ticker(symbol))

    def watch_candles(self, symbol: str, timeframe: str) -> AsyncGenerator[Candle, None]:
        return self._connection.along(self._price_source.watch_candles(symbol, timeframe))

    def watch_order_book(self, symbol: str) -> AsyncGenerator[OrderBook, None]:
        return self._connection.along(self._price_source.watch_order_book(symbol))

    async def balances(self) -> Mapping[str, Balance]:
        self._connection.require()
        return await self._bookkeeper.balances()

    async def exposures(self) -> Sequence[Exposure]:
        self._connection.require()
        return await self._bookkeeper.exposures()

    async def submit(self, intent: OrderIntent) -> OrderReport:
        await self._connection.out(Call.SUBMIT)
        return await self._answer(Call.SUBMIT, await self._bookkeeper.submit(intent))

    async def cancel(self, key: OrderKey) -> OrderReport | None:
        await self._connection.out(Call.CANCEL)
        return await self._answer(Call.CANCEL, await self._bookkeeper.cancel(key))

    async def amend(self, key: OrderKey, wanted: AmendableTerms) -> OrderReport | None:
        await self._connection.out(Call.AMEND)
        return await self._answer(Call.AMEND, await self._bookkeeper.amend(key, wanted))

    async def find(self, key: OrderKey) -> OrderReport | None:
        await self._connection.out(Call.FIND)
        report = await self._bookkeeper.find(key)
        await self._connection.back(Call.FIND)
        return report

    async def open_orders(self) -> Sequence[OrderReport]:
        self._connection.require(Call.FIND)
        return await self._bookkeeper.open_orders()

    async def closed_orders(self, since: datetime, symbols: Sequence[str]) -> Sequence[OrderReport]:
        """Only its own liquidation orders: nobody else places orders on a paper account."""
        self._connection.require(Call.FIND)
        return await self._bookkeeper.liquidations(since)

    def news(self) -> AsyncIterator[OrderReport]:
        """The reports of what this process books from now on."""
        return self._news.reader()

    async def examine(self) -> AccountCheck:
        """Nothing to check: it has no keys, and uses this machine's clock."""
        return AccountCheck()

    async def gap(self) -> None:
        """Wait for a liquidation: no connection can break, but the exchange may liquidate."""
        await self._news.gap()

    async def run(self) -> None:
        """Run the price source, and fill the open orders that its prices reach."""
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
            await self._bookkeeper.match()
        except ExchangeUnavailable:
            # The connection property reports this already.
            return False
        except Exception as error:  # noqa: BLE001 - any failure is retried at the next price
            _log.warning("paper_matching_failed", error=repr(error))
            return False
        return True

    async def _answer(self, call: Call, report: _Report) -> _Report:
        # A booked change is published even if the response to it is lost.
        try:
            await self._connection.back(call)
        finally:
            if report is not None:
                self._news.publish(report)
        return report


def _price_source(terms: PaperTerms, clock: Clock, prices: PublicMarketData | None) -> PriceSource:
    if prices is None:
        return SimulatedSource(terms, clock)
    return MirroredSource(prices, terms, clock)
