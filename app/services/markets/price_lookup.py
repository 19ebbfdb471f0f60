"""Fetches the prices of many markets in one question, with a deadline."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from app.domain.markets.markets import Ticker
from app.services.accounts import AccountEntry
from app.services.markets.market_data import MarketDataService

DEADLINE_SECONDS = 2.0
NOT_ASKED = "it is held for a moment only, and its price was not asked for yet"


@dataclass(frozen=True, kw_only=True, slots=True)
class PriceAnswers:
    """The tickers that came in time, and for the other symbols why not."""

    tickers: Mapping[str, Ticker] = field(default_factory=dict)
    missing: Mapping[str, str] = field(default_factory=dict)

    def why_missing(self, symbol: str) -> str | None:
        """Why there is no price; None if there is one."""
        if symbol in self.tickers:
            return None
        return self.missing.get(symbol, NOT_ASKED)


async def fetch_prices(
    market_data: MarketDataService, account: AccountEntry, symbols: Iterable[str]
) -> PriceAnswers:
    """Fetch the prices all at once; those that do not come in time are missing."""
    wanted = tuple(dict.fromkeys(symbols))
    if not wanted:
        return PriceAnswers()
    prices = await market_data.prices(account, wanted, deadline_seconds=DEADLINE_SECONDS)
    return PriceAnswers(
        tickers={symbol: price for symbol, price in prices.items() if isinstance(price, Ticker)},
        missing={symbol: why for symbol, why in prices.items() if isinstance(why, str)},
    )
