"""GuessedFills: looks up orders whose fills were synthesized from totals, for their trades."""

from collections.abc import Sequence
from datetime import datetime
from math import inf

import structlog

from app.domain.orders.order import Order
from app.errors import ExchangeError
from app.ports import Clock
from app.services.orders.service import OrderService
from app.storage.database import Database

# How many orders are looked up in one comparison.
AT_ONCE = 10

_logger = structlog.get_logger(__name__)


class GuessedFills:
    """Lists give totals, without trades and fees; a lookup of the order gives them."""

    def __init__(
        self, account: str, database: Database, orders: OrderService, clock: Clock
    ) -> None:
        self._account = account
        self._database = database
        self._orders = orders
        self._clock = clock
        # When each of these orders was last looked up, in elapsed time.
        self._asked_at: dict[str, float] = {}

    async def look_up(self, since: datetime) -> Sequence[Order]:
        """Look up some of the orders changed since then; returns those that it changed."""
        async with self._database.snapshot() as view:
            guessed = await view.orders.guessed(self._account, changed_since=since)
        asked_at = {order.id: self._asked_at.get(order.id, -inf) for order in guessed}
        self._asked_at = asked_at
        longest_first = sorted(guessed, key=lambda order: asked_at[order.id])
        found = []
        for order in longest_first[:AT_ONCE]:
            asked_at[order.id] = self._clock.elapsed()
            after = await self._look_up(order)
            if after is not None and after.revision != order.revision:
                found.append(after)
        return found

    async def _look_up(self, order: Order) -> Order | None:
        try:
            return await self._orders.look_up(order)
        except (ExchangeError, TimeoutError) as error:
            _logger.info("trades.unanswered", order=order.id, error=repr(error))
            return None
