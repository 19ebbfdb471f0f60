"""Books fills into positions, in the transaction that stores the fills."""

from collections.abc import Sequence
from dataclasses import replace

from app.bus import Topic
from app.domain.orders.changes import Change
from app.domain.orders.order import Order
from app.domain.portfolio.positions import Holding, Position, PositionKey, booked
from app.storage.database import Database, Transaction


async def book(tx: Transaction, order: Order, steps: Sequence[Change]) -> None:
    """Add the new fills to the position; if fills were superseded, recompute it from all fills."""
    added = [fill for step in steps for fill in step.added]
    if not added:
        return
    key = PositionKey(account=order.account, symbol=order.symbol, type=order.position_type)
    if any(step.superseded for step in steps):
        await rebuild(tx, key)
        return
    before = await tx.positions.lock(key)
    after = booked(before or Position(key=key, updated_at=order.updated_at), added)
    await tx.positions.save(after.position)
    await tx.positions.add_rounds(key, after.ended)
    if after.position.unvalued_fees:
        tx.announce(Topic.FEES)


async def catch_up(database: Database) -> None:
    """Build positions for fills from before positions were kept; if one position exists, all do."""
    async with database.transaction() as tx:
        for key in await tx.positions.unkept():
            await rebuild(tx, key)


async def rebuild(tx: Transaction, key: PositionKey) -> None:
    """Recompute the position from its valid fills, in the order in which they were learned."""
    fills = await tx.positions.fills(key)
    if not fills:
        return
    before = await tx.positions.lock(key) or Position(key=key, updated_at=fills[0].at)
    after = booked(replace(before, holding=Holding(), unvalued_fees=0), fills)
    await tx.positions.save(after.position)
    await tx.positions.forget_rounds(key)
    await tx.positions.add_rounds(key, after.ended)
