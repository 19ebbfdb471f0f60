"""MirroredSource: paper trading at a real exchange's current prices, which are never guessed."""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from app.domain import money
from app.domain.accounts import Capabilities, Connection
from app.domain.markets.candles import Candle, CandleRequest
from app.domain.markets.markets import FeeRates, Market, Ticker
from app.domain.markets.order_books import BookLevel, OrderBook
from app.domain.order_kinds import OrderSide, PositionType
from app.domain.paper_ledger import PaperOrder, PaperPosition
from app.domain.traffic import Traffic
from app.errors import ExchangeError, ExchangeRejected, ExchangeUnavailable, Refusal, RefusalCode
from app.exchanges.paper.account.admission import CAPABILITIES
from app.exchanges.paper.account.ledger_transaction import LedgerTransaction
from app.exchanges.paper.account.liquidity import Funds
from app.exchanges.paper.account.margins import cut
from app.exchanges.paper.account.matching import Matching, Outcome, SpendingLimit
from app.exchanges.paper.account.resting_orders import RestingOrders
from app.exchanges.paper.price_sources.protocols import (
    MATCHED_PER_TRANSACTION,
    PendingPrices,
    PublicMarketData,
)
from app.exchanges.paper.prices.listings import MarketRules
from app.exchanges.paper.prices.price_path import Quote
from app.exchanges.paper.prices.simulated_markets import PaperTerms
from app.ports import Clock

DEPTH = 100
# Seldom enough to leave room for orders even if fetching all prices takes a second.
POLL_SECONDS = 2.0
# How long an order waits for its price: less than its caller waits for the order.
PATIENCE_SECONDS = 5.0
# How old a price may be when the order is booked with it.
FRESH = timedelta(seconds=5)
# How old an order book may be by the exchange's own timestamp.
OLDEST = timedelta(seconds=60)


@dataclass(frozen=True, kw_only=True, slots=True)
class MirroredMarket:
    """A MarketView of a real market as fetched a moment ago."""

    rules: MarketRules
    last: Decimal
    book: OrderBook
    seen_at: datetime

    def quote(self, at: datetime) -> Quote:
        age = at - self.seen_at
        if age > FRESH:
            words = f"the price of {self.rules.symbol} is {age.total_seconds():.0f} s old by now"
            raise ExchangeUnavailable(words)
        bid, ask = self.book.bids[0].price, self.book.asks[0].price
        return Quote(bid=bid, ask=ask, last=self.last, at=self.seen_at)

    def levels_against(self, side: OrderSide, at: datetime) -> Sequence[BookLevel]:
        return self.book.asks if side is OrderSide.BUY else self.book.bids


@dataclass(frozen=True, kw_only=True, slots=True)
class MirroredPrices:
    """The prices of one moment, for the orders that were open before they were fetched.

    A trade beyond a limit price fills that order completely, because orders at the limit price come
    first.
    """

    at: datetime
    change: int
    last: Mapping[str, Decimal]
    market_views: Mapping[str, MirroredMarket]
    matching: Matching

    def due(self, resting: RestingOrders) -> list[PaperOrder]:
        reached = resting.due(self.last.get)
        return [order for order in reached if order.change <= self.change and self._has(order)]

    def calls(self, resting: RestingOrders) -> bool:
        """Whether a margin call is due, and can be carried out at these prices."""
        margin_account = resting.margin_account
        called = [
            position
            for quote in margin_account.called(self.mark)
            for position in margin_account.open_in(quote)
        ]
        return any(position.symbol in self.market_views for position in called) and not any(
            map(self.is_older_than, called)
        )

    def match(self, order: PaperOrder, funds: Funds) -> Outcome | None:
        if not order.awaits_trigger:
            amount = order.remaining if funds.most is None else min(funds.most, order.remaining)
            return self.matching.trade_through(order, amount, self.at) if amount else None
        market_view = self.market_views[order.symbol]
        spending = SpendingLimit(free=funds.free, amount_step=market_view.rules.amount_step)
        levels = tuple(cut(market_view.levels_against(order.side, self.at), funds.most))
        return self.matching.trigger(order, levels, spending, self.at) if levels else None

    def mark(self, symbol: str) -> Decimal | None:
        return self.last.get(symbol)

    def levels(self, side: OrderSide, symbol: str) -> Sequence[BookLevel]:
        market_view = self.market_views.get(symbol)
        return () if market_view is None else market_view.levels_against(side, self.at)

    def is_older_than(self, position: PaperPosition) -> bool:
        return position.change > self.change

    async def apply_to(self, ledger: LedgerTransaction, known: RestingOrders | None) -> None:
        await ledger.match_against(self, known, most=MATCHED_PER_TRANSACTION)

    def _has(self, order: PaperOrder) -> bool:
        """Whether the prices that the order needs were fetched: a trigger needs the order book."""
        return not order.awaits_trigger or order.symbol in self.market_views


class MirroredSource:
    """A real exchange's markets, prices and order books with paper balances, fills and fees."""

    # Missed prices are not replayed: only the current price counts.
    missed = None

    def __init__(self, prices: PublicMarketData, terms: PaperTerms, clock: Clock) -> None:
        self._prices = prices
        self._clock = clock
        self._theirs: Mapping[str, Market] = {}
        self._ours: Mapping[str, Market] = {}
        self.rates = terms.rates
        self.opening_balances = terms.balances

    @property
    def market_set(self) -> str:
        return self._prices.market_set

    @property
    def capabilities(self) -> Capabilities:
        """The paper exchange's for orders, the real exchange's for prices."""
        theirs = self._prices.capabilities
        return replace(
            CAPABILITIES,
            streaming_tickers=theirs.streaming_tickers,
            streaming_candles=theirs.streaming_candles,
        )

    @property
    def connection(self) -> Connection:
        return self._prices.connection

    @property
    def traffic(self) -> Traffic:
        return self._prices.traffic

    async def markets(self) -> Mapping[str, Market]:
        """The real exchange's markets with our fees, computed once until they change."""
        theirs = await self._prices.markets()
        if theirs is not self._theirs:
            ours = {symbol: _with_fees(market, self.rates) for symbol, market in theirs.items()}
            self._theirs, self._ours = theirs, ours
        return self._ours

    async def tickers(self, symbols: Sequence[str]) -> Mapping[str, Ticker]:
        return await self._prices.tickers(symbols)

    async def last_prices(self, symbols: Sequence[str]) -> Mapping[str, Ticker]:
        return await self._prices.last_prices(symbols)

    async def order_book(self, symbol: str, depth: int) -> OrderBook:
        return await self._prices.order_book(symbol, depth)

    async def timeframes(self) -> Sequence[str]:
        return await self._prices.timeframes()

    async def candles(self, asked: CandleRequest) -> Sequence[Candle]:
        return await self._prices.candles(asked)

    def watch_ticker(self, symbol: str) -> AsyncGenerator[Ticker, None]:
        return self._prices.watch_ticker(symbol)

    def watch_candles(self, symbol: str, timeframe: str) -> AsyncGenerator[Candle, None]:
        return self._prices.watch_candles(symbol, timeframe)

    def watch_order_book(self, symbol: str) -> AsyncGenerator[OrderBook, None]:
        return self._prices.watch_order_book(symbol)

    async def market_view(self, symbol: str) -> MirroredMarket:
        """The market as it is now. Raises if any part of it is not known."""
        try:
            rules = _rules_of((await self.markets()).get(symbol), symbol)
            async with self._clock.timeout(PATIENCE_SECONDS):
                tickers, book = await asyncio.gather(
                    self.tickers([symbol]), self.order_book(symbol, DEPTH)
                )
        except ExchangeRejected:
            raise
        except (ExchangeError, TimeoutError) as error:
            # However the request failed: nothing was placed.
            why = str(error) or f"no answer within {PATIENCE_SECONDS:.0f} s"
            raise ExchangeUnavailable(f"no price of {symbol} can be had: {why}") from error
        now, last = self._clock.now(), _last_of(tickers.get(symbol))
        if last is None or not _is_whole(book, now):
            raise ExchangeUnavailable(f"the exchange tells no price of {symbol} to trade at")
        return MirroredMarket(rules=rules, last=last, book=book, seen_at=now)

    async def pending_prices(self, resting: RestingOrders) -> Iterator[PendingPrices]:
        """Fetch the prices of every market with an open order or position, once."""
        symbols = resting.symbols
        if not symbols:
            return iter(())
        return _until_matched(await self._fetch(symbols, resting), resting)

    def pause_seconds(self) -> float:
        return POLL_SECONDS

    async def run(self) -> None:
        await self._prices.run()

    async def _fetch(self, symbols: Sequence[str], resting: RestingOrders) -> MirroredPrices:
        # Orders booked while the response is on its way are newer than its prices.
        change = resting.change
        tickers = await self.tickers(symbols)
        prices = {symbol: _last_of(ticker) for symbol, ticker in tickers.items()}
        last = {symbol: price for symbol, price in prices.items() if price is not None}
        triggered = {order.symbol for order in resting.due(last.get) if order.awaits_trigger}
        margin_account = resting.margin_account
        called = [
            position
            for quote in margin_account.called(last.get)
            for position in margin_account.open_in(quote)
        ]
        views = await self._market_views(
            sorted(triggered | {position.symbol for position in called})
        )
        return MirroredPrices(
            at=self._clock.now(),
            change=change,
            last=last,
            market_views={view.rules.symbol: view for view in views},
            matching=Matching(rates=self.rates),
        )

    async def _market_views(self, symbols: Sequence[str]) -> list[MirroredMarket]:
        """The views that can be fetched now; the others are fetched again next time."""
        views = await asyncio.gather(*map(self.market_view, symbols), return_exceptions=True)
        return [view for view in views if isinstance(view, MirroredMarket)]


def _until_matched(prices: MirroredPrices, resting: RestingOrders) -> Iterator[PendingPrices]:
    """Yields the prices until no order is due any more; a margin call is carried out only once."""
    if prices.calls(resting):
        yield prices
    while prices.due(resting):
        yield prices


def _with_fees(market: Market, rates: FeeRates) -> Market:
    return replace(market, fees=rates) if market.type is PositionType.SPOT else market


def _rules_of(market: Market | None, symbol: str) -> MarketRules:
    if market is None:
        raise _refused(RefusalCode.UNKNOWN_SYMBOL, f"the exchange lists no {symbol}")
    if market.type is not PositionType.SPOT:
        words = f"paper orders trade on spot markets, and {symbol} is none"
        raise _refused(RefusalCode.UNSUPPORTED, words)
    if market.amount_step is None or market.price_step is None:
        words = f"the exchange does not tell the steps in which {symbol} is traded"
        raise _refused(RefusalCode.UNSUPPORTED, words)
    if not market.active:
        words = f"the exchange has stopped the trading of {symbol}"
        raise _refused(RefusalCode.REJECTED_BY_EXCHANGE, words, retryable=True)
    return MarketRules(
        base=market.base,
        quote=market.quote,
        amount_step=market.amount_step,
        price_step=market.price_step,
        min_amount=market.min_amount or money.ZERO,
        min_notional=market.min_notional or money.ZERO,
    )


def _refused(code: RefusalCode, words: str, *, retryable: bool = False) -> ExchangeRejected:
    refusal = Refusal(code=code, message=words, field=("symbol",), retryable=retryable)
    return ExchangeRejected(refusal)


def _last_of(ticker: Ticker | None) -> Decimal | None:
    """The last price; None if there is none or it is stale."""
    return None if ticker is None or ticker.is_stale else ticker.last


def _is_whole(book: OrderBook, now: datetime) -> bool:
    return bool(book.bids and book.asks) and now - book.at <= OLDEST
