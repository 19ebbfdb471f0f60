"""Candles for the bot: most of them are kept, and only the rest is asked for."""

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

# So many spans of time nobody looks back.
SPANS_KEPT = 5000
# Orders must not wait for long until so many are written.
MOST_AT_ONCE = 500


@dataclass(frozen=True, kw_only=True, slots=True)
class _SeriesUpdate:
    """What is closed of a series by now, and what is to be written of it."""

    candles: Sequence[Candle]
    changes: domain.SeriesChanges


class CandleHistory:
    """What is kept is a help, never an answer: each time the exchange tells what follows on it."""

    def __init__(self, database: Database, market_data: MarketDataService, clock: Clock) -> None:
        self._database = database
        self._market_data = market_data
        self._clock = clock
        # As they were looked at last: to read hundreds of each again and again takes its time.
        self._at_hand: Mapping[CandleSeries, Sequence[Candle]] = {}

    async def closed(
        self, account: AccountEntry, wanted: Sequence[CandleRequest]
    ) -> Sequence[Sequence[Candle] | BaseException]:
        """The newest of each that is wanted, or why they are not to be had."""
        longest = _longest(account, wanted)
        kept = await self._kept(longest)
        told = await asyncio.gather(
            *(self._page(account, one, kept[series]) for series, one in longest.items()),
            return_exceptions=True,
        )
        pages = dict(zip(longest, told, strict=True))
        await self._keep(pages)
        self._at_hand = {
            series: page.candles[-_most_kept(longest[series]) :]
            for series, page in pages.items()
            if isinstance(page, _SeriesUpdate)
        }
        return [_newest(pages[series_of(account, one)], one.limit) for one in wanted]

    async def _kept(
        self, longest: Mapping[CandleSeries, CandleRequest]
    ) -> dict[CandleSeries, Sequence[Candle]]:
        kept: dict[CandleSeries, Sequence[Candle]] = {
            series: candles
            for series, candles in self._at_hand.items()
            if series in longest and len(candles) >= longest[series].limit
        }
        rest = {series: one for series, one in longest.items() if series not in kept}
        return kept | await self._read(rest)

    async def _read(
        self, wanted: Mapping[CandleSeries, CandleRequest]
    ) -> dict[CandleSeries, Sequence[Candle]]:
        if not wanted:
            return {}
        now = self._clock.now()
        async with self._database.snapshot() as view:
            return {
                series: await view.candles.kept(series, _most_kept(one), now)
                for series, one in wanted.items()
            }

    async def _page(
        self, account: AccountEntry, wanted: CandleRequest, kept: Sequence[Candle]
    ) -> _SeriesUpdate:
        now = self._clock.now()
        rest = domain.rest_of(wanted, kept, now)
        if rest is not None:
            told = await self._market_data.candles(account, rest)
            candles = domain.joined(kept, told, rest, now)
            if candles is not None:
                return _SeriesUpdate(candles=candles, changes=domain.changes(kept, told))
        told = await self._market_data.candles(account, domain.all_of(wanted, now))
        return _SeriesUpdate(candles=domain.closed(told), changes=domain.changes(kept, told))

    async def _keep(self, pages: Mapping[CandleSeries, _SeriesUpdate | BaseException]) -> None:
        """In one transaction, but for the first time; most cycles tell nothing new."""
        for batch in _batches(pages):
            async with self._database.transaction() as tx:
                for series, changes in batch:
                    await tx.candles.drop(series, changes.gone)
                    if changes.doubtful_before is not None:
                        await tx.candles.forget(series, changes.doubtful_before)
                    await tx.candles.keep(series, changes.changed)


async def forget_old(database: Database, now: datetime) -> None:
    """What lies so far back that nobody looks at it."""
    async with database.snapshot() as view:
        known = await view.candles.series()
    async with database.transaction() as tx:
        for series in known:
            await tx.candles.forget(series, now - SPANS_KEPT * series.span)


def series_of(account: AccountEntry, asked: CandleRequest) -> CandleSeries:
    """A market set may hold what is not to be written down, as the password of a proxy."""
    source = hashlib.sha256(account.gateway.market_set.encode()).hexdigest()[:32]
    return CandleSeries(source=source, symbol=asked.symbol, timeframe=asked.timeframe)


def _longest(
    account: AccountEntry, wanted: Sequence[CandleRequest]
) -> Mapping[CandleSeries, CandleRequest]:
    """One for each series: several strategies may look at the same."""
    by_length = sorted(wanted, key=lambda one: one.limit)
    return {series_of(account, one): one for one in by_length}


def _most_kept(wanted: CandleRequest) -> int:
    """One more than is wanted: where all are asked for, so many are told."""
    return wanted.limit + 1


def _newest(page: _SeriesUpdate | BaseException, limit: int) -> Sequence[Candle] | BaseException:
    return page if isinstance(page, BaseException) else page.candles[-limit:]


def _batches(
    pages: Mapping[CandleSeries, _SeriesUpdate | BaseException],
) -> Iterator[Sequence[tuple[CandleSeries, domain.SeriesChanges]]]:
    """What has changed, each series whole."""
    batch: list[tuple[CandleSeries, domain.SeriesChanges]] = []
    for series, page in pages.items():
        if isinstance(page, _SeriesUpdate) and page.changes:
            batch.append((series, page.changes))
        if sum(len(changes.changed) for _, changes in batch) >= MOST_AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch
