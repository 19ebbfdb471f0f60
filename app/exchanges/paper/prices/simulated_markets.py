"""What a paper account trades on: its terms, the listed markets, and their prices."""

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

    The balances are paid in when the account is first used, and never again: changing them later
    refills nothing. Fees and seed count from the next start on.
    """

    balances: Mapping[str, Decimal]
    maker_fee: Decimal
    taker_fee: Decimal
    seed: int

    @property
    def rates(self) -> FeeRates:
        return FeeRates(maker=self.maker_fee, taker=self.taker_fee, is_in_quote=True)


class SimulatedMarkets:
    """The markets as one account meets them."""

    def __init__(self, terms: PaperTerms) -> None:
        rates = terms.rates
        self.rates = rates
        self._prices = prices_of(terms.seed)
        self._depth = DepthProcess(terms.seed, self._prices)
        self._candles = CandleProcess(terms.seed, self._prices)
        self._listings = {listing.symbol: listing for listing in LISTINGS}
        self.markets = {listing.symbol: listing.market(rates) for listing in LISTINGS}
        nothing = {asset: money.ZERO for one in LISTINGS for asset in (one.base, one.quote)}
        self.opening_balances: Mapping[str, Decimal] = {**nothing, **terms.balances}

    def listing(self, symbol: str) -> Listing:
        """The listing of a symbol; ExchangeRejected where there is none."""
        listing = self._listings.get(symbol)
        if listing is None:
            words = f"the paper exchange lists {', '.join(self._listings)} and no other symbol"
            raise ExchangeRejected(
                Refusal(code=RefusalCode.UNKNOWN_SYMBOL, message=words, field=("symbol",))
            )
        return listing

    def tickers(self, symbols: Sequence[str], at: datetime) -> Mapping[str, Ticker]:
        """Those of the symbols that are listed."""
        tick = tick_of(at)
        known = (self._listings[symbol] for symbol in symbols if symbol in self._listings)
        return {listing.symbol: self._prices.ticker(listing, tick) for listing in known}

    def last(self, symbol: str, tick: int) -> Decimal:
        return self._prices.last(self.listing(symbol), tick)

    def quote(self, symbol: str, tick: int) -> Quote:
        return self._prices.quote(self.listing(symbol), tick)

    def book(self, symbol: str, at: datetime, depth: int = LEVELS) -> OrderBook:
        """What others offer at this moment, each side best first, to a depth of 50 at most."""
        return self._depth.book(self.listing(symbol), tick_of(at), depth)

    def candle(self, symbol: str, span: timedelta, start: datetime, now: datetime) -> Candle:
        """The candle that begins there, which runs where it has not ended by now."""
        return self._candles.candle(self.listing(symbol), span, start, now)

    def grown(self, symbol: str, candle: Candle, before: int, tick: int) -> Candle:
        """A running candle that knows all ticks up to one, when it knows them up to another."""
        return self._candles.grown(self.listing(symbol), candle, before, tick)

    def levels_against(self, side: OrderSide, symbol: str, tick: int) -> Iterator[BookLevel]:
        """What an order of this side can take, best first."""
        other = OrderSide.SELL if side is OrderSide.BUY else OrderSide.BUY
        return self._depth.levels(self.listing(symbol), other, tick)

    def traded(self, symbol: str, tick: int) -> Decimal:
        """The volume of one tick, of which the waiting orders get their fills."""
        return self._depth.traded(self.listing(symbol), tick)
