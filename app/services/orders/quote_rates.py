"""Converts a market's quote currency to the account's home currency, for limits on money."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.domain.markets.markets import Market, Ticker
from app.domain.portfolio.conversions import Converter, Route, routes_to
from app.domain.portfolio.valuations import home_currency, mark_of


@dataclass(frozen=True, kw_only=True, slots=True)
class _Routes:
    markets: Mapping[str, Market]
    home: str
    by_currency: Mapping[str, Route]


class QuoteRates:
    """Finds the routes between currencies once, and again when the account's markets change."""

    def __init__(self) -> None:
        self._by_account: dict[str, _Routes] = {}

    def symbols(self, account: str, markets: Mapping[str, Market], quote: str) -> Sequence[str]:
        """The markets to price for the conversion; empty if none is needed or no route exists."""
        routes = self._routes(account, markets)
        return [] if routes is None else [hop.symbol for hop in routes.by_currency.get(quote, ())]

    def converter(
        self, account: str, markets: Mapping[str, Market], tickers: Mapping[str, Ticker]
    ) -> Converter | None:
        routes = self._routes(account, markets)
        if routes is None:
            return None
        pairs = ((symbol, mark_of(ticker)) for symbol, ticker in tickers.items())
        marks = {symbol: mark for symbol, mark in pairs if mark is not None}
        return Converter(currency=routes.home, routes=routes.by_currency, marks=marks)

    def _routes(self, account: str, markets: Mapping[str, Market]) -> _Routes | None:
        known = self._by_account.get(account)
        if known is None or known.markets is not markets:
            home = home_currency(markets.values())
            if home is None:
                return None
            by_currency = routes_to(home, markets.values())
            known = self._by_account[account] = _Routes(
                markets=markets, home=home, by_currency=by_currency
            )
        return known
