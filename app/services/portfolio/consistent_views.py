"""Database snapshots whose fills agree with the balances at the exchange."""

from collections.abc import AsyncIterator, Collection, Hashable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from app.services.portfolio.holdings import HoldingsCache
from app.services.portfolio.valuation import ValuationRequest
from app.services.reads import Answers, View, ViewService

TRIES = 3


class ConsistentViews:
    """Opens views after the exchanges have answered what the accounts hold and what it costs.

    The view is of the very moment of the balances: if an order changed meanwhile, both are read
    again. If orders change all the time, the last try has to do, and they may differ.
    """

    def __init__(self, views: ViewService, holdings: HoldingsCache) -> None:
        self._views = views
        self._holdings = holdings

    @asynccontextmanager
    async def open(
        self,
        names: frozenset[str],
        requests: Collection[ValuationRequest],
        client: Hashable | None = None,
    ) -> AsyncIterator[View]:
        """Open a view of these accounts; for a client it waits in line."""
        for tries_left in reversed(range(TRIES)):
            gathered = await self._holdings.gather(requests)
            async with self._view(names, client, gathered.answers) as view:
                if not tries_left or await gathered.is_seen_by(view):
                    yield view
                    return
            self._holdings.forget()

    def _view(
        self, names: frozenset[str], client: Hashable | None, answers: Answers
    ) -> AbstractAsyncContextManager[View]:
        if client is None:
            return self._views.open(names, answers)
        return self._views.open_for(client, names, answers)
