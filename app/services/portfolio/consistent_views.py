"""Views in which balances fit the fills."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

from app.errors import ExchangeError
from app.ports import Clock
from app.services.accounts import AccountEntry
from app.services.portfolio.valuation import AccountHoldings, Valuer, purse_question
from app.services.reads import View, ViewService

# Deposits ring no bell. Asking an exchange for balances is dear.
BALANCES_SECONDS = 10.0
TRIES = 3


class ConsistentViews:
    """Opens views that know the balances of some accounts, told while no order changed.

    Where orders never rest, the last of some tries has to do: then fills and balances may differ.
    """

    def __init__(self, views: ViewService, valuer: Valuer, clock: Clock) -> None:
        self._views = views
        self._valuer = valuer
        self._clock = clock
        self._kept: dict[str, AccountHoldings] = {}
        self._turns: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)

    @asynccontextmanager
    async def open(
        self, names: frozenset[str], accounts: Collection[AccountEntry]
    ) -> AsyncIterator[View]:
        for _ in range(TRIES - 1):
            async with self._views.open(names) as view:
                if await self._bring(view, accounts) or await self._is_latest(view):
                    yield view
                    return
        async with self._views.open(names) as view:
            await self._bring(view, accounts)
            yield view

    async def _bring(self, view: View, accounts: Collection[AccountEntry]) -> bool:
        """Whether all of them were known already."""
        return all(await asyncio.gather(*(self._bring_one(view, account) for account in accounts)))

    async def _bring_one(self, view: View, account: AccountEntry) -> bool:
        """An exchange that does not answer is told of by whoever needs its answer."""
        async with self._turns[account.name]:
            kept = self._kept.get(account.name)
            if kept is not None and kept.as_of == await view.as_of() and self._is_new(kept):
                view.answers.keep(purse_question(account.name), kept)
                return True
            with suppress(ExchangeError):
                self._kept[account.name] = await self._valuer.holdings(view, account)
            return False

    async def _is_latest(self, view: View) -> bool:
        async with self._views.open(view.accounts) as latest:
            return await latest.as_of() == await view.as_of()

    def _is_new(self, holdings: AccountHoldings) -> bool:
        return holdings.at > self._clock.now() - timedelta(seconds=BALANCES_SECONDS)
