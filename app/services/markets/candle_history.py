"""Candles for the bot: closed ones are stored, so that only the newest are asked for."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from app.domain.markets import candle_series as domain
from app.domain.markets.candle_series import CandleSeries
from app.domain.markets.candles import Candle, CandleRequest
from app.ports import Clock
from app.primitives.recent_dict import RecentDict
from app.services.accounts import AccountEntry
from app.services.markets.market_data import MarketDataService
from app.storage.database import Database

# How far back candles are kept, in spans of their timeframe: no strategy looks back further.
SPANS_KEPT = 5000
FORGET_BATCH = 500
# Series in memory; the bot looks at fewer.
MOST_SERIES = 64


@dataclass(frozen=True, kw_only=True, slots=True)
class _SeriesUpdate:
    """The closed candles of a series, and the changes to store."""

    candles: Sequence[Candle]
    changes: domain.SeriesChanges


class _Series:
    """What is in memory of one series: reading hundreds of candles each time is slow."""

    def __init__(self) -> None:
        self.lock = asyncio.Lock()
        self.candles: Sequence[Candle] = ()
        # The most candles that anybody wanted: several strategies may use the same series.
        self.longest = 0
        # How often the exchange was asked, for how many the last time, and why that failed.
        self.updates = 0
        self.covered = 0
        self.failure: Exception | None = None


class CandleHistory:
    """Asks the exchange each time, but only for the candles that follow the stored ones."""

    def __init__(self, database: Database, market_data: MarketDataService, clock: Clock) -> None:
        self._database = database
        self._market_data = market_data
        self._clock = clock
        self._known: RecentDict[CandleSeries, _Series] = RecentDict(MOST_SERIES)

    async def closed(
        self, account: AccountEntry, wanted: CandleRequest, told: Candle | None = None
    ) -> Sequence[Candle]:
        """The newest closed candles; callers that come meanwhile share the answer or error.

        A candle that has just closed, as a stream told it, saves the question if it connects.
        """
        name = series_of(account, wanted)
        series = self._series(name)
        series.longest = max(series.longest, wanted.limit)
        updates = series.updates
        async with series.lock:
            if not await self._is_told(name, series, wanted, told):
                if series.updates == updates or series.covered < wanted.limit:
                    await self._update(account, name, series, replace(wanted, limit=series.longest))
                if series.failure is not None:
                    raise series.failure
                if told is not None:
                    # By our clock, which may be behind, the answer's last candle still runs.
                    await self._continue(name, series, wanted, told)
            return series.candles[-wanted.limit :]

    def _series(self, name: CandleSeries) -> _Series:
        series = self._known.pop(name, None) or _Series()
        self._known[name] = series
        return series

    async def _is_told(
        self, name: CandleSeries, series: _Series, wanted: CandleRequest, told: Candle | None
    ) -> bool:
        """Whether the stream has told enough; once a day late corrections are asked for as well."""
        if told is None or domain.begins_a_day(series.candles, told, wanted.span):
            return False
        return await self._continue(name, series, wanted, told)

    async def _continue(
        self, name: CandleSeries, series: _Series, wanted: CandleRequest, told: Candle
    ) -> bool:
        """Add the candle that a stream told; False if the exchange must be asked."""
        candles = domain.continued(series.candles, told, wanted)
        if candles is None:
            return False
        if candles is not series.candles:
            async with self._database.transaction() as tx:
                await tx.candles.keep(name, [told])
            series.candles = candles[-(series.longest + 1) :]
        return True

    async def _update(
        self, account: AccountEntry, name: CandleSeries, series: _Series, wanted: CandleRequest
    ) -> None:
        try:
            stored = await self._stored(name, series, wanted)
            update = await self._updated(account, wanted, stored)
            await self._store(name, update.changes)
        except Exception as error:  # noqa: BLE001 - raised for everybody who waits for the answer
            series.failure = error
        else:
            series.candles, series.failure = update.candles[-_most_kept(wanted) :], None
        series.updates += 1
        series.covered = wanted.limit

    async def _stored(
        self, name: CandleSeries, series: _Series, wanted: CandleRequest
    ) -> Sequence[Candle]:
        if len(series.candles) >= wanted.limit:
            return series.candles
        async with self._database.snapshot() as view:
            return await view.candles.kept(name, _most_kept(wanted), self._clock.now())

    async def _updated(
        self, account: AccountEntry, wanted: CandleRequest, stored: Sequence[Candle]
    ) -> _SeriesUpdate:
        now = self._clock.now()
        rest = domain.rest_of(wanted, stored, now)
        if rest is not None:
            fetched = await self._market_data.candles(account, rest)
            candles = domain.joined(stored, fetched, rest, now)
            if candles is not None:
                return _SeriesUpdate(candles=candles, changes=domain.changes(stored, fetched))
        fetched = await self._market_data.candles(account, domain.all_of(wanted, now))
        return _SeriesUpdate(
            candles=domain.closed(fetched), changes=domain.changes(stored, fetched)
        )

    async def _store(self, name: CandleSeries, changes: domain.SeriesChanges) -> None:
        """Write the changes; in most cycles there are none."""
        if not changes:
            return
        async with self._database.transaction() as tx:
            await tx.candles.drop(name, changes.gone)
            if changes.doubtful_before is not None:
                await tx.candles.forget(name, changes.doubtful_before)
            await tx.candles.keep(name, changes.changed)


async def forget_old(database: Database, now: datetime) -> None:
    """Delete candles that are older than any strategy looks back."""
    async with database.snapshot() as view:
        known = await view.candles.series()
    for series in known:
        before, forgotten = now - SPANS_KEPT * series.span, FORGET_BATCH
        while forgotten == FORGET_BATCH:
            async with database.transaction() as tx:
                forgotten = await tx.candles.forget(series, before, limit=FORGET_BATCH)


def series_of(account: AccountEntry, asked: CandleRequest) -> CandleSeries:
    """The series' name in the store; hashed, because a market set may hold a proxy's password."""
    source = hashlib.sha256(account.gateway.market_set.encode()).hexdigest()[:32]
    return CandleSeries(source=source, symbol=asked.symbol, timeframe=asked.timeframe)


def _most_kept(wanted: CandleRequest) -> int:
    """One more than is wanted: that many come when all candles are fetched."""
    return wanted.limit + 1
