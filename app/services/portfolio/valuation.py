"""The holdings of an account and their value at current prices."""

import asyncio
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
    home_currency,
    mark_of,
)
from app.domain.problems import Problem
from app.errors import BadInput, ExchangeUnavailable, RefusalCode
from app.ports import Clock
from app.primitives.recent_dict import RecentDict
from app.services.accounts import AccountEntry
from app.services.markets.market_data import MarketDataService
from app.services.markets.price_lookup import PriceAnswers, fetch_prices
from app.services.reads import View

_NAMED = 12
# For how many accounts and currencies routes are remembered.
_KEPT = 32


@dataclass(frozen=True, kw_only=True, slots=True)
class AccountHoldings:
    """An account's markets, balances and exposures as the exchange gave them, and when."""

    markets: Mapping[str, Market]
    balances: Mapping[str, Balance]
    # None if the exchange keeps no positions.
    exposures: Sequence[Exposure] | None
    home: str
    at: datetime
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
    """The key under which a view keeps the holdings of an account."""
    return ("holdings", account)


class Valuer:
    """Asks the exchange for balances and prices, and values positions and balances by them."""

    def __init__(self, market_data: MarketDataService, clock: Clock) -> None:
        self._market_data = market_data
        self._clock = clock
        self._routes: RecentDict[tuple[str, str], _Routes] = RecentDict(_KEPT)

    async def holdings(self, view: View, account: AccountEntry) -> AccountHoldings:
        """Raises ExchangeError if the exchange does not answer: no equity without balances."""
        question = holdings_question(account.name)
        return await view.answers.get(question, lambda: self._ask(view, account))

    async def _ask(self, view: View, account: AccountEntry) -> AccountHoldings:
        as_of = await view.as_of()
        try:
            async with self._clock.timeout(account.answer_seconds):
                markets, balances, exposures = await asyncio.gather(
                    account.gateway.markets(), account.gateway.balances(), account.exposures()
                )
        except TimeoutError:
            raise ExchangeUnavailable("the exchange did not say what is held in time") from None
        home = home_currency(markets.values())
        if home is None:
            raise ExchangeUnavailable("the exchange lists no market to value anything by")
        return AccountHoldings(
            markets=markets,
            balances=balances,
            exposures=exposures,
            home=home,
            at=self._clock.now(),
            as_of=as_of,
        )

    async def value(
        self, view: View, account: AccountEntry, holdings: AccountHoldings, currency: str | None
    ) -> Valuation:
        """Value the holdings in this currency, by default in the account's home currency."""
        routes = self._routes_to(holdings.home if currency is None else currency, account, holdings)
        positions = [held for held in await view.positions() if held.key.account == account.name]
        held = reconciled(holdings, positions, account.name, self._clock.now())
        blank = _stock(holdings, held, positions, {})
        symbols = routes.symbols(blank)
        prices = await fetch_prices(self._market_data, account, symbols, view.answers)
        marks = _marks(prices)
        stock = _stock(holdings, held, positions, marks)
        by_home = Converter(currency=holdings.home, routes=routes.homewards, marks=marks)
        return Valuation(
            account=account.name,
            stock=stock,
            by=Converter(currency=routes.currency, routes=routes.wanted, marks=marks),
            by_home=by_home,
            is_complete=not has_gaps(stock, by_home, holdings.markets),
            missing=prices.missing,
            symbols=symbols,
            from_outside=[problem for problem in held.problems if problem.code == FROM_OUTSIDE],
        )

    def _routes_to(
        self, currency: str, account: AccountEntry, holdings: AccountHoldings
    ) -> "_Routes":
        """Find routes once for each list of markets: it may have thousands."""
        known = self._routes.get((account.name, currency))
        if known is None or known.markets is not holdings.markets:
            known = _Routes.of(holdings, currency)
            self._routes[account.name, currency] = known
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
            held.valued(position, marks.get(position.key.symbol)) for position in open_positions
        ],
        positions=positions,
        home=holdings.home,
    )
