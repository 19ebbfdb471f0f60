"""Books fills into positions, in the transaction that stores the fills."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from app.bus import Topic
from app.domain.fills import Fill
from app.domain.orders.changes import Change
from app.domain.orders.order import Order
from app.domain.portfolio.positions import (
    LateFee,
    Position,
    PositionKey,
    booked,
    charged,
)
from app.storage.database import Database, Transaction

# A correction replays at most this many fills from before the one that it corrects.
CHECKPOINT_FILLS = 250
CHECKPOINTS_KEPT = 8
# So few that replaying them does not hold up the event loop.
SLICE = 100


async def book(tx: Transaction, order: Order, steps: Sequence[Change]) -> None:
    """Add the new fills to the position; if fills were corrected, replay it from the first one."""
    added = [fill for step in steps for fill in step.added]
    key = PositionKey(account=order.account, symbol=order.symbol, type=order.position_type)
    corrected = [fill.id for step in steps for fill in step.corrected]
    if corrected:
        await rebuild(tx, key, since=min(corrected))
        return
    if not added:
        return
    before = await tx.positions.lock(key) or Position(key=key, updated_at=order.updated_at)
    first = min(fill.id for fill in added)
    if before.last_fill is not None and first < before.last_fill:
        # Another process booked a newer id first: a replay would book this one before it.
        await tx.positions.forget_checkpoints(key, since=first)
    after = await _book(tx, before, added)
    await tx.positions.save(after)
    if after.unvalued_fees:
        tx.announce(Topic.FEES)


async def catch_up(database: Database) -> None:
    """Build positions for fills from before positions were kept; if one position exists, all do."""
    async with database.transaction() as tx:
        for key in await tx.positions.unkept():
            await rebuild(tx, key)


async def rebuild(tx: Transaction, key: PositionKey, *, since: str = "") -> None:
    """Recompute the position from its valid fills, in the order in which they were learned.

    It starts at the last checkpoint before the fill `since`, and lets others run between slices.
    """
    before = await tx.positions.lock(key)
    position = await tx.positions.checkpoint_before(key, since)
    fills = await _fills_after(tx, key, position)
    if position is None:
        if not fills and before is None:
            return
        position = Position(
            key=key, updated_at=fills[0].at if before is None else before.updated_at
        )
    if before is not None:
        kept = max(position.updated_at, before.updated_at)
        position = replace(position, metadata=before.metadata, updated_at=kept)
    await tx.positions.forget_rounds(key, after=position.last_fill)
    await tx.positions.forget_checkpoints(key, since=since)
    while fills:
        position = await _book(tx, position, fills)
        await asyncio.sleep(0)
        fills = await _fills_after(tx, key, position)
    await tx.positions.save(position)
    if position.unvalued_fees:
        tx.announce(Topic.FEES)


async def value_fees(tx: Transaction, key: PositionKey, values: Mapping[str, Decimal]) -> None:
    """Book the values of fees in other currencies, by the ids of their fills, each once."""
    fresh = [
        fill_id for fill_id, value in values.items() if await tx.fills.value_fee(fill_id, value)
    ]
    before = await tx.positions.lock(key)
    if before is None or not fresh:
        return
    if await tx.positions.has_nameless_rounds(key):
        await rebuild(tx, key)
        return
    fees = [await _late_fee(tx, key, fill_id, values[fill_id]) for fill_id in fresh]
    await tx.positions.save(charged(before, fees))
    for checkpoint in await tx.positions.checkpoints_since(key, min(fresh)):
        await tx.positions.save_checkpoint(charged(checkpoint, fees))
    for fee in fees:
        if fee.ended_by is not None:
            await tx.positions.charge_round(key, fee.ended_by, fee.value)


async def _late_fee(tx: Transaction, key: PositionKey, fill_id: str, value: Decimal) -> LateFee:
    ended = await tx.positions.round_of(key, fill_id)
    return LateFee(fill_id=fill_id, value=value, ended_by=None if ended is None else ended.ended_by)


async def _fills_after(
    tx: Transaction, key: PositionKey, position: Position | None
) -> Sequence[Fill]:
    last = None if position is None else position.last_fill
    return await tx.positions.fills(key, after=last, limit=SLICE)


async def _book(tx: Transaction, before: Position, fills: Sequence[Fill]) -> Position:
    after = booked(before, fills)
    await tx.positions.add_rounds(before.key, after.ended)
    if after.position.fills // CHECKPOINT_FILLS > before.fills // CHECKPOINT_FILLS:
        await tx.positions.save_checkpoint(after.position)
        await tx.positions.keep_checkpoints(before.key, CHECKPOINTS_KEPT)
    return after.position
