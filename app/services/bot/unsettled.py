"""Keeps a strategy from trading while an earlier order of its own may still trade."""

from app.domain.order_kinds import OrderSource
from app.domain.orders.filters import OrderFilter
from app.domain.orders.order import Order
from app.domain.portfolio.positions import Holding
from app.storage.database import Transaction


class NotSettled(Exception):
    """Nothing is placed: what the strategy holds is not certain, or not what was decided on."""


async def require_settled(tx: Transaction, placed: Order, decided_on: Holding) -> None:
    """Raise NotSettled unless the holding is still as it was, and no other order can change it.

    It is asked in the transaction that stores the order, so that nothing comes in between.
    """
    if placed.strategy is None:
        raise LookupError("an order of the bot names its strategy")
    mine = OrderFilter(
        accounts=frozenset({placed.account}),
        symbols=frozenset({placed.symbol}),
        sources=frozenset({OrderSource.BOT}),
        strategy=placed.strategy,
        open=True,
    )
    others = [order for order in await tx.orders.matching(mine) if order.id != placed.id]
    if others:
        raise NotSettled(
            f"its order {others[0].client_order_id} is {others[0].status} and may still trade"
        )
    held = await tx.bots.holding(placed.account, placed.strategy, placed.symbol)
    if (Holding() if held is None else held.holding) != decided_on:
        raise NotSettled("what it holds has changed since it decided")
