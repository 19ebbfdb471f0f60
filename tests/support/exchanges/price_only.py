"""A fake exchange that only has prices, which a test sets: for paper accounts that mirror it."""

from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from app.domain import money
from app.domain.accounts import Connection, Connectivity
from app.domain.markets.markets import Market, Ticker
from app.domain.markets.order_books import BookLevel, OrderBook
from app.domain.order_kinds import PositionType
from app.errors import ExchangeError
from app.ports import Clock
from tests.support.market_sources import NoMarketData

CENT = Decimal("0.01")
_FIRST = Decimal(50_000)


def a_market(symbol: str, kind: PositionType = PositionType.SPOT) -> Market:
    base, quote = symbol.partition(":")[0].split("/")
    return Market(
        symbol=symbol,
        base=base,
        quote=quote,
        type=kind,
        active=True,
        amount_step=Decimal("0.00001"),
        price_step=CENT,
        min_amount=Decimal("0.0002"),
        min_notional=Decimal(5),
    )


MARKETS = (
    a_market("BTC/USDT"),
    a_market("DOGE/USDT"),
    a_market("BTC/USDT:USDT", PositionType.SWAP),
    replace(a_market("OLD/USDT"), active=False),
    replace(a_market("ODD/USDT"), amount_step=None),
)


class ManualPrices(NoMarketData):
    """Prices that stay where a test sets them; bid and ask are a cent below and above the last."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._markets = {market.symbol: market for market in MARKETS}
        self.state = Connectivity.CONNECTED
        self.failure: ExchangeError | None = None
        # Listed markets without a ticker.
        self.hidden: set[str] = set()
        self.last: dict[str, Decimal] = dict.fromkeys(self._markets, _FIRST)
        self.amounts: tuple[Decimal, ...] = (Decimal(1), Decimal(2))
        self.is_stale = False
        self.book_age = timedelta()
        self.asked = Counter[str]()
        # Called while an order book, or tickers, are being fetched.
        self.on_book: Callable[[], Awaitable[object]] | None = None
        self.on_tickers: Callable[[], Awaitable[object]] | None = None

    @property
    def connection(self) -> Connection:
        return Connection(connectivity=self.state)

    def move(self, price: int | str, symbol: str = "BTC/USDT") -> None:
        self.last[symbol] = Decimal(price)

    async def markets(self) -> Mapping[str, Market]:
        self._require()
        return self._markets

    async def tickers(self, symbols: Sequence[str]) -> Mapping[str, Ticker]:
        self._require()
        self.asked["tickers"] += 1
        tickers = {symbol: self._ticker(symbol) for symbol in symbols if symbol in self._markets}
        if self.on_tickers is not None:
            await self.on_tickers()
        return {symbol: ticker for symbol, ticker in tickers.items() if symbol not in self.hidden}

    async def order_book(self, symbol: str, depth: int) -> OrderBook:
        self._require()
        self.asked["book"] += 1
        if self.on_book is not None:
            await self.on_book()
        bids, asks = (self._levels(symbol, sign) for sign in (-1, 1))
        return OrderBook(bids=bids, asks=asks, at=self._clock.now() - self.book_age)

    async def run(self) -> None:
        """Nothing to do: the test sets the prices."""

    def _require(self) -> None:
        if self.failure is not None:
            raise self.failure

    def _ticker(self, symbol: str) -> Ticker:
        last = self.last[symbol]
        return Ticker(
            symbol=symbol,
            bid=money.subtract(last, CENT),
            ask=money.add(last, CENT),
            last=last,
            percentage=None,
            quote_volume=None,
            at=self._clock.now(),
            is_stale=self.is_stale,
        )

    def _levels(self, symbol: str, sign: int) -> tuple[BookLevel, ...]:
        prices = (self.last[symbol] + sign * (n + 1) * CENT for n in range(len(self.amounts)))
        return tuple(
            BookLevel(price=price, amount=amount)
            for price, amount in zip(prices, self.amounts, strict=True)
        )
