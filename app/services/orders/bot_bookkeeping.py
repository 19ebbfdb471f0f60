"""Books the bot's fills into its strategies' holdings, in the transaction that stores the fills."""

import asyncio
from collections.abc import Sequence

from app.domain.order_kinds import OrderSource, PositionType
from app.domain.orders.changes import Change
from app.domain.orders.order import Order
from app.domain.portfolio.positions import Position, PositionKey, booked
from app.services.orders.position_bookkeeping import SLICE
from app.storage.database import Transaction


async def book(tx: Transaction, order: Order, steps: Sequence[Change]) -> None:
    """Add the new fills to the holding; if fills were corrected, recompute it from all fills."""
    added = [fill for step in steps for fill in step.added]
    is_corrected = any(step.corrected for step in steps)
    if order.source is not OrderSource.BOT or order.strategy is None:
        return
    if not added and not is_corrected:
        return
    key = PositionKey(account=order.account, symbol=order.symbol, type=PositionType.SPOT)
    nothing = Position(key=key, updated_at=order.updated_at)
    if is_corrected:
        after = await _rebuilt(tx, order.strategy, nothing)
    else:
        before = await tx.bots.holding(order.account, order.strategy, order.symbol)
        after = booked(before or nothing, added).position
    await tx.bots.save_holding(order.strategy, after)


async def _rebuilt(tx: Transaction, strategy: str, nothing: Position) -> Position:
    """The holding from all of its fills; others run between slices."""
    position, key = nothing, nothing.key
    while fills := await tx.bots.fills(
        key.account, strategy, key.symbol, after=position.last_fill, limit=SLICE
    ):
        position = booked(position, fills).position
        await asyncio.sleep(0)
    return position
