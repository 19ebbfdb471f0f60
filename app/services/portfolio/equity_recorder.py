"""Records what an account is worth over time, for equity curves and drawdowns."""

import asyncio
from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from datetime import datetime

import structlog

from app.bus import Bus, Listener, Topic
from app.domain.accounts import AccountMode
from app.domain.portfolio.deposits import outside_of
from app.domain.portfolio.equity_curves import THINNINGS, EquityKey, ThinningRule, thinned
from app.domain.portfolio.positions import Position
from app.errors import ExchangeError, StorageError
from app.ports import Clock
from app.services.accounts import AccountEntry
from app.services.portfolio.consistent_views import ConsistentViews
from app.services.portfolio.equity_points import point_of
from app.services.portfolio.valuation import ValuationRequest, Valuer
from app.services.reads import View, ViewService
from app.storage.database import Database

RECORD_SECONDS = 60.0
# At most one record a second, however much is traded.
LEAST_SECONDS = 1.0
# At a real exchange each record costs requests for balances and prices.
REAL_LEAST_SECONDS = 10.0
THIN_SECONDS = 3600.0
BATCH = 200

_logger = structlog.get_logger(__name__)


class EquityRecorder:
    """Records the equity of one account each minute, and after it has traded."""

    def __init__(
        self,
        *,
        account: AccountEntry,
        database: Database,
        bus: Bus,
        views: ViewService,
        consistent_views: ConsistentViews,
        valuer: Valuer,
        clock: Clock,
    ) -> None:
        self._database = database
        self._bus = bus
        self._views = views
        self._consistent_views = consistent_views
        self._valuer = valuer
        self._clock = clock
        self._account = account
        self._positions: Sequence[Position] | None = None
        self._read_at: float | None = None
        # Up to when each curve has been thinned.
        self._thinned: dict[tuple[EquityKey, ThinningRule], datetime] = {}

    async def run(self) -> None:
        with self._bus.listen(Topic.FEED) as listener:
            while True:
                try:
                    await self.record()
                except (ExchangeError, StorageError) as error:
                    name = self._account.name
                    _logger.info("equity.not_recorded", account=name, error=str(error))
                await self._until_due(listener)

    async def record(self) -> None:
        """Record a complete valuation only: a missing price would look like a loss."""
        name, request = self._account.name, ValuationRequest(account=self._account)
        async with self._consistent_views.open(frozenset({name}), [request]) as view:
            self._remember(await view.positions())
            valuation = await self._valuer.value(view, self._account, None)
            if not valuation.is_complete:
                return
            point = await point_of(view, valuation, self._clock.now())
            before = await view.outside(name)
        key = EquityKey(account=name, currency=valuation.stock.home)
        outside = outside_of(valuation.stock)
        async with self._database.transaction() as tx:
            await tx.equity.add(key, point)
            if outside != before:
                await tx.equity.set_outside(name, outside)

    async def run_thinning(self) -> None:
        """Thin old records, the older the more; peaks and troughs stay."""
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
        kept = {point.at for point in await asyncio.to_thread(thinned, points, thinning.width)}
        doomed = [point.at for point in points if point.at not in kept]
        for start in range(0, len(doomed), BATCH):
            async with self._database.transaction() as tx:
                await tx.equity.forget(key, doomed[start : start + BATCH])
        self._thinned[key, thinning] = until

    async def _until_due(self, listener: Listener) -> None:
        due = self._clock.elapsed() + RECORD_SECONDS
        while (rest := due - self._clock.elapsed()) > 0:
            try:
                async with self._clock.timeout(rest):
                    await listener.wait()
            except TimeoutError:
                return
            await self._clock.sleep(self._rest_seconds())
            if await self._has_traded():
                return

    async def _has_traded(self) -> bool:
        try:
            async with self._view() as view:
                positions, before = await view.positions(), self._positions
        except StorageError:
            return False
        self._remember(positions)
        return positions != before

    def _rest_seconds(self) -> float:
        """How long to wait until a second has passed since positions were last read."""
        if self._read_at is None:
            return 0.0
        is_paper = self._account.mode is AccountMode.PAPER
        least = LEAST_SECONDS if is_paper else REAL_LEAST_SECONDS
        return least - (self._clock.elapsed() - self._read_at)

    def _remember(self, positions: Sequence[Position]) -> None:
        self._positions, self._read_at = positions, self._clock.elapsed()

    def _view(self) -> AbstractAsyncContextManager[View]:
        return self._views.open(frozenset({self._account.name}))
