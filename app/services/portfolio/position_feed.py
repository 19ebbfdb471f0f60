"""Live lists of positions, for subscriptions: one live query per filter."""

from collections.abc import AsyncGenerator, Sequence
from functools import partial

from app.domain.markets.markets import Ticker
from app.services.accounts import AccountService
from app.services.live.live_queries import LiveQueries, LiveQuery, Observation
from app.services.markets.channels import Channel, ticker_channel
from app.services.portfolio.consistent_views import ConsistentViews
from app.services.portfolio.holdings import BALANCES_SECONDS
from app.services.portfolio.positions import PositionFilter, PositionList, PositionService
from app.services.reads import LIVE


class PositionFeed:
    """Follows positions; subscribers to the same list share each evaluation."""

    def __init__(
        self, positions: PositionService, accounts: AccountService, views: ConsistentViews,
        live: LiveQueries,
    ) -> None:  # fmt: skip
        self._positions = positions
        self._accounts = accounts
        self._views = views
        self._live = live

    async def follow(
        self, accounts: frozenset[str], wanted: PositionFilter
    ) -> AsyncGenerator[PositionList, None]:
        """Yield the list now, and again whenever a fill or a price has changed it."""
        query = LiveQuery(
            key=("positions", accounts, wanted), observe=partial(self._observe, accounts, wanted)
        )
        return await self._live.follow(query)

    async def _observe(
        self, accounts: frozenset[str], wanted: PositionFilter, _before: PositionList | None
    ) -> Observation[PositionList]:
        asked = self._positions.asked_for(accounts, wanted)
        async with self._views.open(accounts, asked, client=LIVE) as view:
            positions = await self._positions.read(view, wanted)
        return Observation(
            state=positions, prices=self._prices(positions), good_for_seconds=BALANCES_SECONDS
        )

    def _prices(self, positions: PositionList) -> Sequence[Channel[Ticker]]:
        keys = [position.key for position in positions.nodes]
        return [
            ticker_channel(self._accounts.get(key.account).gateway.market_set, key.symbol)
            for key in keys
        ]
