"""Live portfolios, for subscriptions: one live query per account and currency."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from functools import partial

from app.domain.markets.markets import Ticker
from app.domain.orders.reconciliations import unanswered
from app.errors import ExchangeError
from app.services.accounts import AccountEntry
from app.services.live.live_queries import POLL_SECONDS, LiveQueries, LiveQuery, Observation
from app.services.markets.channels import Channel, ticker_channel
from app.services.portfolio.consistent_views import ConsistentViews
from app.services.portfolio.holdings import BALANCES_SECONDS
from app.services.portfolio.portfolios import Portfolio, PortfolioService
from app.services.portfolio.valuation import ValuationRequest
from app.services.reads import LIVE


class PortfolioFeed:
    """Follows portfolios; subscribers to the same one share each evaluation."""

    def __init__(
        self, portfolios: PortfolioService, views: ConsistentViews, live: LiveQueries
    ) -> None:
        self._portfolios = portfolios
        self._views = views
        self._live = live

    async def follow(
        self, account: AccountEntry, currency: str | None
    ) -> AsyncGenerator[Portfolio, None]:
        """Yield the portfolio now, and again whenever a visible value changes."""
        query = LiveQuery(
            key=("portfolio", account.name, currency),
            observe=partial(self._observe, account, currency),
        )
        return await self._live.follow(query)

    async def _observe(
        self, account: AccountEntry, currency: str | None, before: Portfolio | None
    ) -> Observation[Portfolio]:
        try:
            request = ValuationRequest(account=account, currency=currency)
            names = frozenset({account.name})
            async with self._views.open(names, [request], client=LIVE) as view:
                portfolio = await self._portfolios.read(view, account, currency)
                good_for = BALANCES_SECONDS
        except ExchangeError:
            if before is None:
                raise
            portfolio, good_for = _unanswered(before), POLL_SECONDS
        return Observation(
            state=portfolio, prices=_prices(account, portfolio), good_for_seconds=good_for
        )


def _prices(account: AccountEntry, portfolio: Portfolio) -> Sequence[Channel[Ticker]]:
    market_set = account.gateway.market_set
    return [ticker_channel(market_set, symbol) for symbol in portfolio.valuation.symbols]


def _unanswered(known: Portfolio) -> Portfolio:
    """The last portfolio with the problem that the exchange is silent, named once."""
    problem = unanswered(known.account)
    others = [other for other in known.problems if other != problem]
    return replace(known, problems=[*others, problem])
