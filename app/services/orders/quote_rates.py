"""What the quotes of markets are worth in the currency that an account's money is counted in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.domain.markets.markets import Market, Ticker
from app.domain.portfolio.conversions import Converter, Route, routes_to
from app.domain.portfolio.valuations import home_currency, mark_of


@dataclass(frozen=True, kw_only=True, slots=True)
class _Ways:
    markets: Mapping[str, Market]
    home: str
    routes: Mapping[str, Route]


class QuoteRates:
    """Looks for ways once, as long as the markets of an account stay the same."""

    def __init__(self) -> None:
        self._known: dict[str, _Ways] = {}

    def symbols(self, account: str, markets: Mapping[str, Market], quote: str) -> Sequence[str]:
        """Whose prices must be known; none where the quote is that currency, or leads nowhere."""
        ways = self._ways(account, markets)
        return [] if ways is None else [hop.symbol for hop in ways.routes.get(quote, ())]

    def yardstick(
        self, account: str, markets: Mapping[str, Market], tickers: Mapping[str, Ticker]
    ) -> Converter | None:
        ways = self._ways(account, markets)
        if ways is None:
            return None
        found = ((symbol, mark_of(ticker)) for symbol, ticker in tickers.items())
        marks = {symbol: mark for symbol, mark in found if mark is not None}
        return Converter(currency=ways.home, routes=ways.routes, marks=marks)

    def _ways(self, account: str, markets: Mapping[str, Market]) -> _Ways | None:
        known = self._known.get(account)
        if known is None or known.markets is not markets:
            home = home_currency(markets.values())
            if home is None:
                return None
            routes = routes_to(home, markets.values())
            known = self._known[account] = _Ways(markets=markets, home=home, routes=routes)
        return known
