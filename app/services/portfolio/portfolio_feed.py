"""Portfolios as they change."""

from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from functools import partial

from app.domain.markets.markets import Ticker
from app.domain.orders.reconciliations import unanswered
from app.errors import ExchangeError
from app.services.accounts import AccountEntry
from app.services.live.live_queries import POLL_SECONDS, LiveQueries, LiveQuery, Observation
from app.services.markets.channels import Channel, ticker_channel
from app.services.portfolio.consistent_views import BALANCES_SECONDS, ConsistentViews
from app.services.portfolio.portfolios import Portfolio, PortfolioService


class PortfolioFeed:
    """Follows portfolios for as many as want to watch."""

    def __init__(
        self, portfolios: PortfolioService, views: ConsistentViews, live: LiveQueries
    ) -> None:
        self._portfolios = portfolios
        self._views = views
        self._live = live

    async def follow(
        self, account: AccountEntry, currency: str | None
    ) -> AsyncGenerator[Portfolio, None]:
        """As it is now, and anew whenever a reader sees a difference."""
        subject = LiveQuery(
            key=("portfolio", account.name, currency),
            look=partial(self._look, account, currency),
        )
        return await self._live.follow(subject)

    async def _look(
        self, account: AccountEntry, currency: str | None, before: Portfolio | None
    ) -> Observation[Portfolio]:
        try:
            async with self._views.open(frozenset({account.name}), [account]) as view:
                found, good_for = (
                    await self._portfolios.read(view, account, currency),
                    BALANCES_SECONDS,
                )
        except ExchangeError:
            if before is None:
                raise
            found, good_for = _unanswered(before), POLL_SECONDS
        return Observation(state=found, prices=_prices(account, found), good_for_seconds=good_for)


def _prices(account: AccountEntry, portfolio: Portfolio) -> Sequence[Channel[Ticker]]:
    market_set = account.gateway.market_set
    return [ticker_channel(market_set, symbol) for symbol in portfolio.appraisal.symbols]


def _unanswered(known: Portfolio) -> Portfolio:
    """Said once, however often it is asked in vain."""
    problem = unanswered(known.account)
    told = [one for one in known.problems if one != problem]
    return replace(known, problems=[*told, problem])
