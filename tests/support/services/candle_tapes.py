"""A fake exchange with deterministic candles, which a test can correct, leave out and count."""

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import cast

from app.domain.accounts import AccountMode, Connection, Connectivity
from app.domain.markets.candles import Candle, CandleRequest
from app.domain.markets.markets import Market
from app.errors import ExchangeUnavailable
from app.ports import ExchangeGateway, MarketSource
from app.services.accounts import AccountEntry
from app.services.markets.market_data import MarketDataService
from app.services.markets.stream_registry import StreamRegistry
from app.services.metrics import Metrics
from tests.support.clock import ManualClock
from tests.support.market_sources import NoMarketData, market

SYMBOLS = ("BTC/USDT", "ETH/USDT", "SOL/USDT")


class Tape(NoMarketData):
    """A gateway that has the same candles for every symbol, from `first` until now."""

    connection = Connection(connectivity=Connectivity.CONNECTED)

    def __init__(self, clock: ManualClock, first: datetime, market_set: str = "tape") -> None:
        self.market_set = market_set
        self.clock = clock
        self.first = first
        # How often each candle was corrected, and the candles that do not exist: nobody traded.
        self.corrected: Counter[datetime] = Counter()
        self.missing: set[datetime] = set()
        self.is_cut_off = False
        # Questions about these markets get no answer before `let_go`.
        self.held: set[str] = set()
        self._let_go = asyncio.Event()
        self.asked: list[CandleRequest] = []
        self.returned = 0

    async def markets(self) -> Mapping[str, Market]:
        return {symbol: market(symbol) for symbol in SYMBOLS}

    async def timeframes(self) -> Sequence[str]:
        return ("1m", "1d")

    def let_go(self) -> None:
        self._let_go.set()

    async def candles(self, asked: CandleRequest) -> Sequence[Candle]:
        if asked.symbol in self.held:
            await self._let_go.wait()
        if self.is_cut_off:
            raise ExchangeUnavailable("it is cut off")
        known = self.all(asked.span)
        if asked.since is None:
            candles = known[-asked.limit :]
        else:
            later = [candle for candle in known if candle.at >= asked.since]
            candles = later[: asked.limit]
        self.asked.append(asked)
        self.returned += len(candles)
        return candles

    def all(self, span: timedelta = timedelta(minutes=1)) -> list[Candle]:
        """All candles, from the first to the one that is not yet closed."""
        spans = (self.clock.now() - self.first) // span + 1
        moments = (self.first + number * span for number in range(spans))
        return [self._candle(at, span) for at in moments if at not in self.missing]

    def closed(self, limit: int) -> list[Candle]:
        return [candle for candle in self.all() if candle.is_closed][-limit:]

    def correct(self, depth: int) -> None:
        """Change the newest closed candles, this many of them."""
        self.corrected.update(candle.at for candle in self.closed(depth))

    def _candle(self, at: datetime, span: timedelta) -> Candle:
        price = Decimal(100 + at.minute) + Decimal(self.corrected[at]) / 100
        is_closed = at + span <= self.clock.now()
        return Candle(
            at=at,
            open=price,
            high=price + 1,
            low=price - 1,
            close=price if is_closed else price + Decimal("0.5"),
            volume=Decimal("0.10"),
            is_closed=is_closed,
        )


def account_of(tape: MarketSource) -> AccountEntry:
    return AccountEntry(
        name="tape",
        exchange="tape",
        mode=AccountMode.PAPER,
        max_open_orders=None,
        answer_seconds=10,
        gateway=cast("ExchangeGateway", tape),
    )


def data_of(tape: Tape) -> MarketDataService:
    feeds = StreamRegistry((tape,), tape.clock, Metrics())
    return MarketDataService(feeds, tape.clock)
