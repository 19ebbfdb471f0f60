"""The holdings of an account and their value at current prices."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from app.domain.accounts import Balance
from app.domain.markets.markets import Market
from app.domain.orders.events import LogPosition
from app.domain.portfolio.conversions import Converter, Route, by_usualness, routes_to
from app.domain.portfolio.exposures import Exposure
from app.domain.portfolio.portfolios import PortfolioFacts, has_gaps
from app.domain.portfolio.positions import Position
from app.domain.portfolio.valuations import (
    FROM_OUTSIDE,
    Mark,
    ReconciledHoldings,
    exposed,
    held_against,
    mark_of,
)
from app.domain.problems import Problem
from app.errors import BadInput, RefusalCode
from app.ports import Clock
from app.primitives.recent_dict import RecentDict
from app.services.accounts import AccountEntry
from app.services.markets.price_lookup import PriceAnswers
from app.services.reads import View

_NAMED = 12
# For how many accounts and currencies routes are remembered.
_KEPT = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class ValuationRequest:
    """An account to value, and the currency to value it in: by default its home currency."""

    account: AccountEntry
    currency: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountHoldings:
    """An account's markets, balances and exposures as the exchange gave them, and when."""

    markets: Mapping[str, Market]
    balances: Mapping[str, Balance]
    # None if the exchange keeps no positions.
    exposures: Sequence[Exposure] | None
    home: str
    as_of: LogPosition


@dataclass(frozen=True, kw_only=True, slots=True)
class Valuation:
    """The facts that a portfolio is computed from, and converters for their prices."""

    account: str
    stock: PortfolioFacts
    # Into the currency that was asked for, and into the one that equity is recorded in.
    by: Converter
    by_home: Converter
    is_complete: bool
    missing: Mapping[str, str]
    # The markets whose prices it needs, including missing ones.
    symbols: Sequence[str]
    from_outside: Sequence[Problem] = field(default_factory=tuple)


def holdings_question(account: str) -> Hashable:
    """The question under which the holdings of an account are kept."""
    return ("holdings", account)


def prices_question(account: str) -> Hashable:
    """The question under which the prices of an account's markets are kept."""
    return ("prices", account)


def holdings_in(view: View, account: str) -> AccountHoldings:
    """What the account held when the view was opened; raises ExchangeError if it is not known."""
    holdings: AccountHoldings = view.answers.to(holdings_question(account))
    return holdings


def prices_in(view: View, account: str) -> PriceAnswers:
    """The prices of what the account held when the view was opened."""
    prices: PriceAnswers = view.answers.to(prices_question(account))
    return prices


class Valuer:
    """Values positions and balances by what the exchange answered before the view was opened."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._routes: RecentDict[tuple[str, str], _Routes] = RecentDict(_KEPT)

    def symbols(
        self,
        account: str,
        holdings: AccountHoldings,
        positions: Sequence[Position],
        currency: str | None,
    ) -> Sequence[str]:
        """The markets whose prices are needed to value the account in this currency."""
        routes = self._routes_to(currency, account, holdings)
        held = reconciled(holdings, positions, account, self._clock.now())
        return routes.symbols(_stock(holdings, held, positions, {}))

    async def value(self, view: View, account: AccountEntry, currency: str | None) -> Valuation:
        """Value what is held in this currency, by default in the account's home currency.

        Raises ExchangeError if the exchange did not answer: there is no equity without balances.
        """
        holdings = holdings_in(view, account.name)
        routes = self._routes_to(currency, account.name, holdings)
        positions = [held for held in await view.positions() if held.key.account == account.name]
        held = reconciled(holdings, positions, account.name, self._clock.now())
        prices = prices_in(view, account.name)
        marks = _marks(prices)
        stock = _stock(holdings, held, positions, marks)
        symbols = routes.symbols(stock)
        by_home = Converter(currency=holdings.home, routes=routes.homewards, marks=marks)
        return Valuation(
            account=account.name,
            stock=stock,
            by=Converter(currency=routes.currency, routes=routes.wanted, marks=marks),
            by_home=by_home,
            is_complete=not has_gaps(stock, by_home, holdings.markets),
            missing={symbol: why for symbol in symbols if (why := prices.why_missing(symbol))},
            symbols=symbols,
            from_outside=[problem for problem in held.problems if problem.code == FROM_OUTSIDE],
        )

    def _routes_to(
        self, currency: str | None, account: str, holdings: AccountHoldings
    ) -> "_Routes":
        """Find routes once for each list of markets: it may have thousands."""
        currency = holdings.home if currency is None else currency
        known = self._routes.get((account, currency))
        if known is None or known.markets is not holdings.markets:
            known = _Routes.of(holdings, currency)
            self._routes[account, currency] = known
        return known


@dataclass(frozen=True, kw_only=True, slots=True)
class _Routes:
    """Routes from every asset to the currency that was asked for, and to the home currency."""

    markets: Mapping[str, Market]
    currency: str
    wanted: Mapping[str, Route]
    homewards: Mapping[str, Route]

    @classmethod
    def of(cls, holdings: AccountHoldings, currency: str) -> "_Routes":
        homewards = routes_to(holdings.home, holdings.markets.values())
        if currency not in homewards:
            raise _unreachable(homewards)
        is_home = currency == holdings.home
        wanted = homewards if is_home else routes_to(currency, holdings.markets.values())
        return cls(markets=holdings.markets, currency=currency, wanted=wanted, homewards=homewards)

    def symbols(self, stock: PortfolioFacts) -> Sequence[str]:
        """Every market whose price is needed for these assets and positions."""
        routes = [
            route.get(asset, ())
            for asset in stock.assets
            for route in (self.wanted, self.homewards)
        ]
        hops = {hop.symbol for route in routes for hop in route}
        return sorted(hops | {position.key.symbol for position in stock.valued})


def _unreachable(homewards: Mapping[str, Route]) -> BadInput:
    named = ", ".join(by_usualness(homewards)[:_NAMED])
    return BadInput(
        f"currency is none that the account's markets lead to; it may be {named}",
        field=("currency",),
        reason=RefusalCode.INVALID_INPUT,
    )


def _marks(prices: PriceAnswers) -> Mapping[str, Mark]:
    pairs = ((symbol, mark_of(ticker)) for symbol, ticker in prices.tickers.items())
    return {symbol: mark for symbol, mark in pairs if mark is not None}


def reconciled(
    holdings: AccountHoldings, positions: Sequence[Position], account: str, now: datetime
) -> ReconciledHoldings:
    held = held_against(positions, holdings.balances, holdings.markets, account, now)
    return held if holdings.exposures is None else exposed(held, holdings.exposures, account, now)


def _stock(
    holdings: AccountHoldings,
    held: ReconciledHoldings,
    positions: Sequence[Position],
    marks: Mapping[str, Mark],
) -> PortfolioFacts:
    open_positions = [position for position in held.positions if held.amount_of(position)]
    return PortfolioFacts(
        balances=holdings.balances,
        valued=[
            held.valued(
                position,
                marks.get(position.key.symbol),
                holdings.markets.get(position.key.symbol),
            )
            for position in open_positions
        ],
        positions=positions,
        home=holdings.home,
    )
