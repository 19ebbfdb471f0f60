"""Portfolios as they change; those who watch the same one share what it costs to look."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import AbstractAsyncContextManager, suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from app.bus import Bus, Listener, Topic
from app.domain.events import LogPosition
from app.domain.reconciliations import unanswered
from app.errors import ExchangeError
from app.ports import Clock
from app.services.accounts import AccountEntry
from app.services.appraisals import Appraiser, Purse
from app.services.portfolios import Portfolio, PortfolioService
from app.services.views import View, ViewService

# Prices are looked at so often while somebody watches; orders ring besides.
POLL_SECONDS = 1.0
# At most five a second.
PAUSE_SECONDS = 0.2
# Who holds very many assets sees them less often: an exchange answers only so many questions.
PRICES_A_SECOND = 20
# What one watcher has seen is new enough for the next.
SHARED = timedelta(seconds=0.5)
# Deposits ring no bell. Asking an exchange for balances is dear.
BALANCES_KEPT = timedelta(seconds=10)
MOST_WATCHES = 32
TRIES = 3


@dataclass(kw_only=True, slots=True)
class _Watch:
    """What was seen last of one account in one currency."""

    turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    purse: Purse | None = None
    seen: Portfolio | None = None
    seen_at: datetime | None = None


class PortfolioFeed:
    """Follows portfolios for as many as want to watch."""

    def __init__(
        self, portfolios: PortfolioService, appraiser: Appraiser, views: ViewService, bus: Bus,
        clock: Clock,
    ) -> None:  # fmt: skip
        self._portfolios = portfolios
        self._appraiser = appraiser
        self._views = views
        self._bus = bus
        self._clock = clock
        self._watches: dict[tuple[str, str | None], _Watch] = {}

    async def look(self, account: AccountEntry, currency: str | None) -> Portfolio:
        """As it is now, or was a moment ago."""
        watch = self._watch(account, currency)
        async with watch.turn:
            seen, now = watch.seen, self._clock.now()
            is_new = _is_newer(watch.seen_at, now - SHARED)
            if seen is not None and is_new and seen.as_of == await self._head(account):
                return seen
            watch.purse = await self._purse(account, watch.purse)
            async with self._view(account) as view:
                seen = await self._portfolios.read_with(view, account, watch.purse, currency)
            watch.seen, watch.seen_at = seen, now
            return seen

    async def follow(
        self, account: AccountEntry, currency: str | None, first: Portfolio
    ) -> AsyncGenerator[Portfolio, None]:
        """From the first on, whenever a reader sees a difference; what was not taken is skipped."""
        with self._bus.listen(Topic.FEED) as bell:
            yield first
            known = told = first
            while True:
                await self._pause(bell, known)
                try:
                    known = newest = await self.look(account, currency)
                except ExchangeError:
                    newest = _unanswered(known)
                if newest != told:
                    yield newest
                    told = newest

    def _watch(self, account: AccountEntry, currency: str | None) -> _Watch:
        """One that is forgotten costs another look, and no more."""
        watch = self._watches.setdefault((account.name, currency), _Watch())
        if len(self._watches) > MOST_WATCHES:
            del self._watches[next(iter(self._watches))]
        return watch

    async def _purse(self, account: AccountEntry, known: Purse | None) -> Purse:
        """Told while no order changed, if that can be had: else fills and balances do not fit."""
        head = await self._head(account)
        if known is not None and known.as_of == head and self._is_kept(known):
            return known
        for _ in range(TRIES):
            async with self._view(account) as view:
                purse = await self._appraiser.purse(view, account)
            if purse.as_of == await self._head(account):
                break
        return purse

    def _is_kept(self, purse: Purse) -> bool:
        return _is_newer(purse.at, self._clock.now() - BALANCES_KEPT)

    async def _head(self, account: AccountEntry) -> LogPosition:
        async with self._view(account) as view:
            return await view.as_of()

    def _view(self, account: AccountEntry) -> AbstractAsyncContextManager[View]:
        return self._views.open(frozenset({account.name}))

    async def _pause(self, bell: Listener, known: Portfolio) -> None:
        pause = max(PAUSE_SECONDS, len(known.appraisal.by.marks) / PRICES_A_SECOND)
        await self._clock.sleep(pause)
        if pause >= POLL_SECONDS:
            return
        with suppress(TimeoutError):
            async with self._clock.timeout(POLL_SECONDS - pause):
                await bell.wait()


def _is_newer(at: datetime | None, than: datetime) -> bool:
    return at is not None and at > than


def _unanswered(known: Portfolio) -> Portfolio:
    return replace(known, problems=[*known.problems, unanswered(known.account)])
