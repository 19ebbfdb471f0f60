"""Many prices at once, from a slow exchange."""

import asyncio
from collections.abc import Mapping, Sequence
from decimal import Decimal

from app.domain.accounts import AccountMode
from app.domain.markets.markets import Ticker
from app.errors import ExchangeUnavailable
from app.exchanges.paper.exchange import PaperExchange
from app.services.accounts import AccountEntry
from app.services.markets.market_data import MarketDataService
from app.services.markets.price_lookup import DEADLINE_SECONDS, PriceAnswers, fetch_prices
from app.services.markets.stream_registry import StreamRegistry
from tests.support.clock import ManualClock
from tests.support.exchanges.memory_ledger import MemoryLedger
from tests.support.exchanges.rigs import TERMS

SYMBOLS = [f"C{number}/USDT" for number in range(50)]
TAKES_SECONDS = 0.1


class SlowExchange(PaperExchange):
    """Answers each question after a while, and some never at all."""

    def __init__(self, clock: ManualClock, *, never: str = "", failing: str = "") -> None:
        super().__init__(MemoryLedger(), clock, TERMS)
        self._slow_clock = clock
        self._never = never
        self._failing = failing
        self.asked: list[str] = []

    async def tickers(self, symbols: Sequence[str]) -> Mapping[str, Ticker]:
        [symbol] = symbols
        self.asked.append(symbol)
        if symbol == self._never:
            await asyncio.Event().wait()
        await self._slow_clock.sleep(TAKES_SECONDS)
        if symbol == self._failing:
            raise ExchangeUnavailable("the exchange is being connected")
        at, price = self._slow_clock.now(), Decimal(7)
        return {
            symbol: Ticker(
                symbol=symbol, bid=price, ask=price, last=price, percentage=None,
                quote_volume=None, at=at,
            )
        }  # fmt: skip


async def fetched(exchange: SlowExchange, clock: ManualClock, *seconds: float) -> PriceAnswers:
    entry = AccountEntry(
        name="main", exchange="slow", mode=AccountMode.PAPER, max_open_orders=None,
        answer_seconds=10, gateway=exchange,
    )  # fmt: skip
    market_data = MarketDataService(StreamRegistry([], clock), clock)
    fetching = asyncio.create_task(fetch_prices(market_data, entry, SYMBOLS))
    await clock.until_asleep()
    for pause in seconds:
        assert not fetching.done()
        await clock.advance(pause)
    return await fetching


async def test_fifty_prices_take_as_long_as_one(clock: ManualClock) -> None:
    exchange = SlowExchange(clock)
    prices = await fetched(exchange, clock, TAKES_SECONDS)
    assert set(prices.tickers) == set(SYMBOLS)
    assert prices.missing == {}
    assert exchange.asked == SYMBOLS


async def test_one_that_is_never_answered_costs_the_others_nothing(clock: ManualClock) -> None:
    never = SYMBOLS[7]
    exchange = SlowExchange(clock, never=never)
    prices = await fetched(exchange, clock, TAKES_SECONDS, DEADLINE_SECONDS - TAKES_SECONDS)
    assert set(prices.tickers) == set(SYMBOLS) - {never}
    assert prices.missing == {never: "the exchange did not tell its price within 2 s"}


async def test_one_that_fails_is_told_with_its_reason(clock: ManualClock) -> None:
    failing = SYMBOLS[3]
    prices = await fetched(SlowExchange(clock, failing=failing), clock, TAKES_SECONDS)
    assert set(prices.tickers) == set(SYMBOLS) - {failing}
    assert prices.missing == {failing: "the exchange is being connected"}
