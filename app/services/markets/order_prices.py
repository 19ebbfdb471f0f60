"""OrderPrices: the prices that orders are checked by, from a stream, from memory, or asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.domain.accounts import AccountMode
from app.domain.markets.markets import Ticker
from app.primitives.priorities import Priority, priority_here
from app.services.accounts import AccountEntry
from app.services.markets.market_data import MarketDataService

# A price as old as this lets an order pass; it never refuses one.
RECENT_SECONDS = 3.0


@dataclass(frozen=True, kw_only=True, slots=True)
class KnownPrices:
    """The tickers, and whether asking the exchange again could not tell anything else."""

    tickers: Mapping[str, Ticker]
    is_latest: bool


class OrderPrices:
    """Prices of an account's markets. Never waits for an answer to a less urgent question."""

    def __init__(self, market_data: MarketDataService) -> None:
        self._market_data = market_data

    async def recent(self, account: AccountEntry, symbols: Sequence[str]) -> KnownPrices:
        """The newest prices known, and those asked for that are too old or not known."""
        if account.mode is AccountMode.PAPER:
            return KnownPrices(tickers=await self.latest(account, symbols), is_latest=True)
        known = self._market_data.heard_within(account, symbols, RECENT_SECONDS)
        missing = [symbol for symbol in symbols if symbol not in known]
        asked = await self.latest(account, missing) if missing else {}
        return KnownPrices(tickers={**known, **asked}, is_latest=not known)

    async def latest(self, account: AccountEntry, symbols: Sequence[str]) -> Mapping[str, Ticker]:
        """Prices as the exchange tells them now; prices of a paper account cost nothing."""
        if account.mode is AccountMode.PAPER:
            return await account.gateway.tickers(symbols)
        urgency = priority_here(Priority.MARKET_DATA)
        return await self._market_data.ask_tickers(account, tuple(symbols), urgency)
