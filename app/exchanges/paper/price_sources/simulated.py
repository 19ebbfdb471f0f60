"""SimulatedSource: paper trading on simulated markets, where every missed tick is replayed."""

from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from app.domain.accounts import Connection, Connectivity
from app.domain.markets.candles import Candle, CandleRequest
from app.domain.markets.markets import FeeRates, Market, Ticker
from app.domain.markets.order_books import BookLevel, OrderBook
from app.domain.order_kinds import OrderSide
from app.domain.traffic import NO_TRAFFIC, Traffic
from app.exchanges.paper.account.admission import CAPABILITIES
from app.exchanges.paper.account.ledger_transaction import LedgerTransaction
from app.exchanges.paper.account.resting_orders import RestingOrders, ticks_after
from app.exchanges.paper.price_sources.protocols import MATCHED_PER_TRANSACTION, PendingPrices
from app.exchanges.paper.prices.candles import TIMEFRAMES
from app.exchanges.paper.prices.listings import MarketRules
from app.exchanges.paper.prices.price_path import Quote, tick_of
from app.exchanges.paper.prices.simulated_markets import PaperTerms, SimulatedMarkets
from app.exchanges.paper.prices.ticks import TickStreams
from app.ports import Clock


@dataclass(frozen=True, kw_only=True, slots=True)
class SimulatedMarket:
    """A MarketView of a simulated market, whose price can be computed for any time."""

    simulated: SimulatedMarkets
    rules: MarketRules

    def quote(self, at: datetime) -> Quote:
        return self.simulated.quote(self.rules.symbol, tick_of(at))

    def levels_against(self, side: OrderSide, at: datetime) -> Iterator[BookLevel]:
        return self.simulated.levels_against(side, self.rules.symbol, tick_of(at))


@dataclass(frozen=True, kw_only=True, slots=True)
class TickReplay:
    """Matches the open orders against every tick that the ledger has not seen, one by one."""

    simulated: SimulatedMarkets
    most: int | None = None

    async def apply_to(self, ledger: LedgerTransaction, known: RestingOrders | None) -> None:
        await ledger.replay(self.simulated, known, most=self.most)


class SimulatedSource:
    """Simulated prices: always connected, always known."""

    capabilities = CAPABILITIES
    connection = Connection(connectivity=Connectivity.CONNECTED)

    def __init__(self, terms: PaperTerms, clock: Clock) -> None:
        self._simulated = SimulatedMarkets(terms)
        self._clock = clock
        self._ticks = TickStreams(self._simulated, clock)
        self.market_set = f"paper {terms.seed}"
        self.missed = TickReplay(simulated=self._simulated)

    @property
    def rates(self) -> FeeRates:
        return self._simulated.rates

    @property
    def opening_balances(self) -> Mapping[str, Decimal]:
        return self._simulated.opening_balances

    @property
    def traffic(self) -> Traffic:
        return NO_TRAFFIC

    async def markets(self) -> Mapping[str, Market]:
        return self._simulated.markets

    async def tickers(self, symbols: Sequence[str]) -> Mapping[str, Ticker]:
        return self._simulated.tickers(symbols, self._clock.now())

    async def last_prices(self, symbols: Sequence[str]) -> Mapping[str, Ticker]:
        return await self.tickers(symbols)

    async def order_book(self, symbol: str, depth: int) -> OrderBook:
        return self._simulated.book(symbol, self._clock.now(), depth)

    async def timeframes(self) -> Sequence[str]:
        return TIMEFRAMES

    async def candles(self, asked: CandleRequest) -> Sequence[Candle]:
        return await self._ticks.past(asked)

    def watch_ticker(self, symbol: str) -> AsyncGenerator[Ticker, None]:
        return self._ticks.ticker(symbol)

    def watch_candles(self, symbol: str, timeframe: str) -> AsyncGenerator[Candle, None]:
        return self._ticks.candles(symbol, timeframe)

    def watch_order_book(self, symbol: str) -> AsyncGenerator[OrderBook, None]:
        return self._ticks.order_book(symbol)

    async def market_view(self, symbol: str) -> SimulatedMarket:
        return SimulatedMarket(simulated=self._simulated, rules=self._simulated.listing(symbol))

    async def pending_prices(self, resting: RestingOrders) -> Iterator[PendingPrices]:
        return self._replays(resting)

    def pause_seconds(self) -> float:
        return self._ticks.pause_seconds()

    async def run(self) -> None:
        """Nothing to do: the prices are computed on demand."""

    def _replays(self, resting: RestingOrders) -> Iterator[PendingPrices]:
        while self._is_due(resting):
            yield TickReplay(simulated=self._simulated, most=MATCHED_PER_TRANSACTION)

    def _is_due(self, resting: RestingOrders) -> bool:
        now = tick_of(self._clock.now())
        ticks = ticks_after(resting.tick, now)
        if resting.next_due(ticks, self._simulated.last) is not None:
            return True
        resting.tick = max(resting.tick, now)
        return False
