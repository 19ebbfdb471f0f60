"""Writes down what accounts are worth, for curves and drawdowns."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime, timedelta

import structlog

from app.bus import Bus, Listener, Topic
from app.domain.portfolio.deposits import outside_of
from app.domain.portfolio.equity_curves import THINNINGS, EquityKey, ThinningRule, thinned
from app.domain.portfolio.positions import Position
from app.errors import ExchangeError, StorageError
from app.ports import Clock
from app.services.accounts import AccountEntry
from app.services.portfolio.equity_points import point_of
from app.services.portfolio.valuation import Valuer
from app.services.reads import View, ViewService
from app.storage.database import Database

RECORD_SECONDS = 60.0
# However much is traded, one record a second.
LEAST_SECONDS = 1.0
THIN_SECONDS = 3600.0
BATCH = 200

_logger = structlog.get_logger(__name__)


class EquityRecorder:
    """One account's: a point each minute, and one when it has traded."""

    def __init__(
        self,
        *,
        account: AccountEntry,
        database: Database,
        bus: Bus,
        views: ViewService,
        valuer: Valuer,
        clock: Clock,
    ) -> None:
        self._database = database
        self._bus = bus
        self._views = views
        self._valuer = valuer
        self._clock = clock
        self._account = account
        self._seen: Sequence[Position] | None = None
        self._looked_at: datetime | None = None
        # Up to where nothing is left to be done.
        self._thinned: dict[tuple[EquityKey, ThinningRule], datetime] = {}

    async def run(self) -> None:
        with self._bus.listen(Topic.FEED) as trigger:
            while True:
                try:
                    await self.record()
                except (ExchangeError, StorageError) as error:
                    name = self._account.name
                    _logger.info("equity.not_recorded", account=name, error=str(error))
                await self._until_due(trigger)

    async def record(self) -> None:
        """Only what is complete: a curve that falls because a price is missing tells a lie."""
        async with self._view() as view:
            self._note(await view.positions())
            holdings = await self._valuer.holdings(view, self._account)
            found = await self._valuer.appraise(view, self._account, holdings, None)
            if not found.is_complete:
                return
            point = await point_of(view, found, self._clock.now())
            before = await view.outside(self._account.name)
        key = EquityKey(account=self._account.name, currency=holdings.home)
        outside = outside_of(found.stock)
        async with self._database.transaction() as tx:
            await tx.equity.add(key, point)
            if outside != before:
                await tx.equity.set_outside(self._account.name, outside)

    async def run_thinning(self) -> None:
        """The older the records, the fewer are needed of them; the extremes stay."""
        while True:
            try:
                await self.thin()
            except StorageError as error:
                name = self._account.name
                _logger.warning("equity.not_thinned", account=name, error=str(error))
            await self._clock.sleep(THIN_SECONDS)

    async def thin(self) -> None:
        now = self._clock.now()
        async with self._view() as view:
            keys = await view.equity_keys(self._account.name)
        for key in keys:
            for thinning in THINNINGS:
                await self._thin(key, thinning, now)

    async def _thin(self, key: EquityKey, thinning: ThinningRule, now: datetime) -> None:
        since, until = self._thinned.get((key, thinning)), thinning.until(now)
        async with self._view() as view:
            points = await view.equity(key, since, until)
        kept = {point.at for point in thinned(points, thinning.width)}
        doomed = [point.at for point in points if point.at not in kept]
        for start in range(0, len(doomed), BATCH):
            async with self._database.transaction() as tx:
                await tx.equity.forget(key, doomed[start : start + BATCH])
        self._thinned[key, thinning] = until

    async def _until_due(self, trigger: Listener) -> None:
        due = self._clock.now() + timedelta(seconds=RECORD_SECONDS)
        while (rest := (due - self._clock.now()).total_seconds()) > 0:
            try:
                async with self._clock.timeout(rest):
                    await trigger.wait()
            except TimeoutError:
                return
            await self._clock.sleep(self._rest_seconds())
            if await self._has_traded():
                return

    async def _has_traded(self) -> bool:
        try:
            async with self._view() as view:
                found, before = await view.positions(), self._seen
        except StorageError:
            return False
        self._note(found)
        return found != before

    def _rest_seconds(self) -> float:
        """Until a second has gone by since the last look."""
        if self._looked_at is None:
            return 0.0
        return LEAST_SECONDS - (self._clock.now() - self._looked_at).total_seconds()

    def _note(self, positions: Sequence[Position]) -> None:
        self._seen, self._looked_at = positions, self._clock.now()

    def _view(self) -> AbstractAsyncContextManager[View]:
        return self._views.open(frozenset({self._account.name}))
