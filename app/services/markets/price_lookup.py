"""Fetches the prices of many markets in one question, with a deadline."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial

from app.domain.markets.markets import Ticker
from app.services.accounts import AccountEntry
from app.services.markets.market_data import MarketDataService
from app.services.reads import Answers

DEADLINE_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True, slots=True)
class PriceAnswers:
    """The tickers that came in time, and for the other symbols why not."""

    tickers: Mapping[str, Ticker] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)


class _OneQuestion:
    """Asks once for all symbols that are wanted before the event loop turns."""

    def __init__(self, market_data: MarketDataService, account: AccountEntry) -> None:
        self._market_data = market_data
        self._account = account
        self._symbols: list[str] = []
        self._asking: asyncio.Task[Mapping[str, Ticker | str]] | None = None

    async def price(self, symbol: str) -> Ticker | str:
        self._symbols.append(symbol)
        if self._asking is None:
            self._asking = asyncio.create_task(self._ask())
        return (await asyncio.shield(self._asking))[symbol]

    def give_up(self) -> None:
        if self._asking is not None:
            self._asking.cancel()

    async def _ask(self) -> Mapping[str, Ticker | str]:
        symbols, account = tuple(self._symbols), self._account
        return await self._market_data.prices(account, symbols, deadline_seconds=DEADLINE_SECONDS)


async def fetch_prices(
    market_data: MarketDataService, account: AccountEntry, symbols: Iterable[str], answers: Answers
) -> PriceAnswers:
    """Fetch the prices that the view does not have yet, all at once; reuse those that it has."""
    wanted, market_set = tuple(dict.fromkeys(symbols)), account.gateway.market_set
    question = _OneQuestion(market_data, account)

    async def fetch(symbol: str) -> Ticker | str:
        return await answers.get(("price", market_set, symbol), partial(question.price, symbol))

    try:
        prices = dict(zip(wanted, await asyncio.gather(*map(fetch, wanted)), strict=True))
    finally:
        question.give_up()
    return PriceAnswers(
        tickers={symbol: price for symbol, price in prices.items() if isinstance(price, Ticker)},
        missing={symbol: why for symbol, why in prices.items() if isinstance(why, str)},
    )
