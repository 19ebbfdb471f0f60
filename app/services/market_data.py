"""Markets and prices, as the exchanges tell them."""

from collections.abc import Sequence

from app.domain.markets import Market, Ticker
from app.domain.pages import Page, PageRequest
from app.errors import Denied, Refusal, RefusalCode
from app.services.accounts import AccountEntry


class MarketDataService:
    """What can be traded, and at which price."""

    async def markets(
        self, account: AccountEntry, search: str | None, request: PageRequest
    ) -> Page[Market]:
        """Those with these letters in their symbol, sorted by symbol."""
        markets = await account.gateway.markets()
        wanted = (search or "").upper()
        after = "" if request.after is None else str(request.after[0])
        found = [
            markets[symbol]
            for symbol in sorted(markets)
            if wanted in symbol.upper() and symbol > after
        ]
        items = found[: request.size]
        return Page(items=items, has_next=len(found) > request.size, has_previous=after != "")

    async def ticker(self, account: AccountEntry, symbol: str) -> Ticker:
        return (await self._tickers(account, [symbol], field="symbol"))[0]

    async def tickers(self, account: AccountEntry, symbols: Sequence[str] | None) -> list[Ticker]:
        """In the order in which they are asked for; all of them where none is named."""
        return await self._tickers(account, symbols, field="symbols")

    async def _tickers(
        self, account: AccountEntry, symbols: Sequence[str] | None, *, field: str
    ) -> list[Ticker]:
        markets = await account.gateway.markets()
        wanted = sorted(markets) if symbols is None else list(dict.fromkeys(symbols))
        if any(symbol not in markets for symbol in wanted):
            raise Denied(_unknown_symbol(sorted(markets), field))
        found = await account.gateway.tickers(wanted)
        return [found[symbol] for symbol in wanted if symbol in found]


def _unknown_symbol(symbols: Sequence[str], field: str) -> Refusal:
    return Refusal(
        code=RefusalCode.UNKNOWN_SYMBOL,
        message=f"the account has no market of this symbol; it has {', '.join(symbols[:8])}",
        field=(field,),
    )
