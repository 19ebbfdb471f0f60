"""Database snapshots whose fills agree with the balances at the exchange."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress

from app.errors import ExchangeError
from app.ports import Clock
from app.services.accounts import AccountEntry
from app.services.portfolio.valuation import AccountHoldings, Valuer, holdings_question
from app.services.reads import View, ViewService

# Nothing announces a deposit, and a request for balances weighs heavily in a rate limit.
BALANCES_SECONDS = 10.0
TRIES = 3


class ConsistentViews:
    """Opens a database snapshot with balances fetched while no order changed, so both agree.

    If orders change all the time, the last try has to do, and fills and balances may differ.
    """

    def __init__(self, views: ViewService, valuer: Valuer, clock: Clock) -> None:
        self._views = views
        self._valuer = valuer
        self._clock = clock
        self._holdings: dict[str, AccountHoldings] = {}
        # When each was asked for, in elapsed time.
        self._asked_at: dict[str, float] = {}
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    @asynccontextmanager
    async def open(
        self, names: frozenset[str], accounts: Collection[AccountEntry]
    ) -> AsyncIterator[View]:
        for _ in range(TRIES - 1):
            async with self._views.open(names) as view:
                if await self._add_holdings(view, accounts) or await self._is_latest(view):
                    yield view
                    return
        async with self._views.open(names) as view:
            await self._add_holdings(view, accounts)
            yield view

    async def _add_holdings(self, view: View, accounts: Collection[AccountEntry]) -> bool:
        """Add the holdings of all accounts; returns whether all were cached and still fit."""
        return all(
            await asyncio.gather(*(self._add_holdings_of(view, account) for account in accounts))
        )

    async def _add_holdings_of(self, view: View, account: AccountEntry) -> bool:
        """An exchange that does not answer raises when its answer is used, not here."""
        async with self._locks[account.name]:
            cached = self._holdings.get(account.name)
            if (
                cached is not None
                and cached.as_of == await view.as_of()
                and self._is_fresh(account.name)
            ):
                view.answers.keep(holdings_question(account.name), cached)
                return True
            asked_at = self._clock.elapsed()
            with suppress(ExchangeError):
                self._holdings[account.name] = await self._valuer.holdings(view, account)
                self._asked_at[account.name] = asked_at
            return False

    async def _is_latest(self, view: View) -> bool:
        async with self._views.open(view.accounts) as latest:
            return await latest.as_of() == await view.as_of()

    def _is_fresh(self, name: str) -> bool:
        return self._clock.elapsed() - self._asked_at[name] < BALANCES_SECONDS
