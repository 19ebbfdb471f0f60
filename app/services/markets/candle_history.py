"""Candles for the bot: closed ones are stored, so that only the newest are asked for."""

import asyncio
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from app.domain.markets import candle_series as domain
from app.domain.markets.candle_series import CandleSeries
from app.domain.markets.candles import Candle, CandleRequest
from app.ports import Clock
from app.services.accounts import AccountEntry
from app.services.markets.market_data import MarketDataService
from app.storage.database import Database

# How far back candles are kept, in spans of their timeframe: no strategy looks back further.
SPANS_KEPT = 5000
FORGET_BATCH = 500
# Candles written in one transaction; more would make orders wait for the writer.
MOST_AT_ONCE = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class _SeriesUpdate:
    """The closed candles of a series, and the changes to store."""

    candles: Sequence[Candle]
    changes: domain.SeriesChanges


class CandleHistory:
    """Asks the exchange each time, but only for the candles that follow the stored ones."""

    def __init__(self, database: Database, market_data: MarketDataService, clock: Clock) -> None:
        self._database = database
        self._market_data = market_data
        self._clock = clock
        # The series of the last call, in memory: reading hundreds of candles each time is slow.
        self._in_memory: Mapping[CandleSeries, Sequence[Candle]] = {}

    async def closed(
        self, account: AccountEntry, wanted: Sequence[CandleRequest]
    ) -> Sequence[Sequence[Candle] | BaseException]:
        """The newest closed candles for each request, or the error that prevented it."""
        longest = _longest(account, wanted)
        stored = await self._stored(longest)
        results = await asyncio.gather(
            *(self._updated(account, asked, stored[series]) for series, asked in longest.items()),
            return_exceptions=True,
        )
        updates = dict(zip(longest, results, strict=True))
        await self._store(updates)
        self._in_memory = {
            series: update.candles[-_most_kept(longest[series]) :]
            for series, update in updates.items()
            if isinstance(update, _SeriesUpdate)
        }
        return [_newest(updates[series_of(account, asked)], asked.limit) for asked in wanted]

    async def _stored(
        self, longest: Mapping[CandleSeries, CandleRequest]
    ) -> dict[CandleSeries, Sequence[Candle]]:
        in_memory: dict[CandleSeries, Sequence[Candle]] = {
            series: candles
            for series, candles in self._in_memory.items()
            if series in longest and len(candles) >= longest[series].limit
        }
        rest = {series: asked for series, asked in longest.items() if series not in in_memory}
        return in_memory | await self._read(rest)

    async def _read(
        self, wanted: Mapping[CandleSeries, CandleRequest]
    ) -> dict[CandleSeries, Sequence[Candle]]:
        if not wanted:
            return {}
        now = self._clock.now()
        async with self._database.snapshot() as view:
            return {
                series: await view.candles.kept(series, _most_kept(asked), now)
                for series, asked in wanted.items()
            }

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

    async def _store(self, updates: Mapping[CandleSeries, _SeriesUpdate | BaseException]) -> None:
        """Write the changes: several batches the first time, then one or, in most cycles, none."""
        for batch in _batches(updates):
            async with self._database.transaction() as tx:
                for series, changes in batch:
                    await tx.candles.drop(series, changes.gone)
                    if changes.doubtful_before is not None:
                        await tx.candles.forget(series, changes.doubtful_before)
                    await tx.candles.keep(series, changes.changed)


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


def _longest(
    account: AccountEntry, wanted: Sequence[CandleRequest]
) -> Mapping[CandleSeries, CandleRequest]:
    """The longest request for each series: several strategies may use the same one."""
    by_length = sorted(wanted, key=lambda asked: asked.limit)
    return {series_of(account, asked): asked for asked in by_length}


def _most_kept(wanted: CandleRequest) -> int:
    """One more than is wanted: that many come when all candles are fetched."""
    return wanted.limit + 1


def _newest(update: _SeriesUpdate | BaseException, limit: int) -> Sequence[Candle] | BaseException:
    return update if isinstance(update, BaseException) else update.candles[-limit:]


def _batches(
    updates: Mapping[CandleSeries, _SeriesUpdate | BaseException],
) -> Iterator[Sequence[tuple[CandleSeries, domain.SeriesChanges]]]:
    """The changes in batches; a series is never split."""
    batch: list[tuple[CandleSeries, domain.SeriesChanges]] = []
    for series, update in updates.items():
        if isinstance(update, _SeriesUpdate) and update.changes:
            batch.append((series, update.changes))
        if sum(len(changes.changed) for _, changes in batch) >= MOST_AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch
