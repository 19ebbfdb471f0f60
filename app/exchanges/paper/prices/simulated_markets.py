"""PaperTerms, a paper account's settings, and SimulatedMarkets, its markets and their prices."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from app.domain import money
from app.domain.markets.candles import Candle
from app.domain.markets.markets import FeeRates, Ticker
from app.domain.markets.order_books import BookLevel, OrderBook
from app.domain.order_kinds import OrderSide
from app.errors import ExchangeRejected, Refusal, RefusalCode
from app.exchanges.paper.prices.candles import CandleProcess
from app.exchanges.paper.prices.depth import LEVELS, DepthProcess
from app.exchanges.paper.prices.listings import LISTINGS, Listing
from app.exchanges.paper.prices.price_path import Quote, prices_of, tick_of


@dataclass(frozen=True, kw_only=True, slots=True)
class PaperTerms:
    """Settings of a paper account.

    The balances are deposited when the account is first used, and never again: changing them
    later adds nothing. Changed fees and seed apply from the next start.
    """

    balances: Mapping[str, Decimal]
    maker_fee: Decimal
    taker_fee: Decimal
    seed: int

    @property
    def rates(self) -> FeeRates:
        return FeeRates(maker=self.maker_fee, taker=self.taker_fee, is_in_quote=True)


class SimulatedMarkets:
    """The simulated markets of one account."""

    def __init__(self, terms: PaperTerms) -> None:
        rates = terms.rates
        self.rates = rates
        self._prices = prices_of(terms.seed)
        self._depth = DepthProcess(terms.seed, self._prices)
        self._candles = CandleProcess(terms.seed, self._prices)
        self._listings = {listing.symbol: listing for listing in LISTINGS}
        self.markets = {listing.symbol: listing.market(rates) for listing in LISTINGS}
        assets = (asset for listing in LISTINGS for asset in (listing.base, listing.quote))
        zeros = dict.fromkeys(assets, money.ZERO)
        self.opening_balances: Mapping[str, Decimal] = {**zeros, **terms.balances}

    def listing(self, symbol: str) -> Listing:
        """The symbol's listing. Raises ExchangeRejected if it is not listed."""
        listing = self._listings.get(symbol)
        if listing is None:
            words = f"the paper exchange lists {', '.join(self._listings)} and no other symbol"
            raise ExchangeRejected(
                Refusal(code=RefusalCode.UNKNOWN_SYMBOL, message=words, field=("symbol",))
            )
        return listing

    def tickers(self, symbols: Sequence[str], at: datetime) -> Mapping[str, Ticker]:
        """The tickers of those symbols that are listed."""
        tick = tick_of(at)
        known = (self._listings[symbol] for symbol in symbols if symbol in self._listings)
        return {listing.symbol: self._prices.ticker(listing, tick) for listing in known}

    def last(self, symbol: str, tick: int) -> Decimal:
        return self._prices.last(self.listing(symbol), tick)

    def quote(self, symbol: str, tick: int) -> Quote:
        return self._prices.quote(self.listing(symbol), tick)

    def book(self, symbol: str, at: datetime, depth: int = LEVELS) -> OrderBook:
        """The order book at this moment, each side best first, at most 50 levels deep."""
        return self._depth.book(self.listing(symbol), tick_of(at), depth)

    def candle(self, symbol: str, span: timedelta, start: datetime, now: datetime) -> Candle:
        """The candle that begins there, unfinished if it has not ended by now."""
        return self._candles.candle(self.listing(symbol), span, start, now)

    def grown(self, symbol: str, candle: Candle, before: int, tick: int) -> Candle:
        """An unfinished candle of all ticks up to `before`, extended up to `tick`."""
        return self._candles.grown(self.listing(symbol), candle, before, tick)

    def levels_against(self, side: OrderSide, symbol: str, tick: int) -> Iterator[BookLevel]:
        """The levels that an order of this side can take, best first."""
        other = OrderSide.SELL if side is OrderSide.BUY else OrderSide.BUY
        return self._depth.levels(self.listing(symbol), other, tick)

    def traded(self, symbol: str, tick: int) -> Decimal:
        """The volume of one tick, which the open orders share."""
        return self._depth.traded(self.listing(symbol), tick)
