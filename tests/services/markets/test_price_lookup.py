"""Many prices at once, in one question to a slow exchange."""

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
    """Answers after a while, or never at all."""

    def __init__(self, clock: ManualClock, *, gone: str = "", failure: str = "") -> None:
        super().__init__(MemoryLedger(), clock, TERMS)
        self._slow_clock = clock
        self._gone = gone
        self._failure = failure
        self.takes_seconds = TAKES_SECONDS
        self.asked: list[Sequence[str]] = []

    async def last_prices(self, symbols: Sequence[str]) -> Mapping[str, Ticker]:
        self.asked.append(symbols)
        await self._slow_clock.sleep(self.takes_seconds)
        if self._failure:
            raise ExchangeUnavailable(self._failure)
        at, price = self._slow_clock.now(), Decimal(7)
        return {
            symbol: Ticker(
                symbol=symbol, bid=None, ask=None, last=price, percentage=None,
                quote_volume=None, at=at,
            )
            for symbol in symbols
            if symbol != self._gone
        }  # fmt: skip


class Lookup:
    """Looks prices up in one view of an account at a slow exchange."""

    def __init__(self, exchange: SlowExchange, clock: ManualClock) -> None:
        self._clock = clock
        self._market_data = MarketDataService(StreamRegistry([], clock), clock)
        self._entry = AccountEntry(
            name="main", exchange="slow", mode=AccountMode.PAPER, max_open_orders=None,
            answer_seconds=10, gateway=exchange,
        )  # fmt: skip

    async def fetched(self, symbols: Sequence[str], *seconds: float) -> PriceAnswers:
        fetching = asyncio.create_task(fetch_prices(self._market_data, self._entry, symbols))
        await self._clock.until_asleep()
        for pause in seconds:
            assert not fetching.done()
            await self._clock.advance(pause)
        return await fetching


async def test_fifty_prices_are_one_question(clock: ManualClock) -> None:
    exchange = SlowExchange(clock)
    prices = await Lookup(exchange, clock).fetched(SYMBOLS, TAKES_SECONDS)
    assert set(prices.tickers) == set(SYMBOLS)
    assert prices.missing == {}
    assert exchange.asked == [tuple(SYMBOLS)]


async def test_a_market_that_is_gone_costs_the_others_nothing(clock: ManualClock) -> None:
    gone = SYMBOLS[7]
    prices = await Lookup(SlowExchange(clock, gone=gone), clock).fetched(SYMBOLS, TAKES_SECONDS)
    assert set(prices.tickers) == set(SYMBOLS) - {gone}
    assert prices.missing == {gone: "the exchange tells no price of it"}


async def test_a_failure_is_told_with_its_reason(clock: ManualClock) -> None:
    exchange = SlowExchange(clock, failure="the exchange is being connected")
    prices = await Lookup(exchange, clock).fetched(SYMBOLS[:2], TAKES_SECONDS)
    assert prices.missing == dict.fromkeys(SYMBOLS[:2], "the exchange is being connected")


async def test_without_an_answer_in_time_the_last_known_prices_are_stale(
    clock: ManualClock,
) -> None:
    exchange = SlowExchange(clock)
    lookup = Lookup(exchange, clock)
    await lookup.fetched(SYMBOLS[:1], TAKES_SECONDS)
    exchange.takes_seconds = 60
    await clock.advance(1)
    prices = await lookup.fetched(SYMBOLS[:2], DEADLINE_SECONDS)
    assert prices.tickers[SYMBOLS[0]].is_stale
    assert prices.missing == {SYMBOLS[1]: "the exchange did not tell its price within 2 s"}
