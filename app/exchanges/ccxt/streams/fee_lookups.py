"""FeeLookups: asks for the trades of orders whose stream tells of them without their fees."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from app.domain.orders.reports import OrderKey, OrderReport
from app.errors import ExchangeError
from app.ports import Clock

# How often an order is asked for until its trades are listed, and the pause before the next time.
MOST_LOOKS = 6
FIRST_PAUSE_SECONDS = 0.25


@dataclass(kw_only=True, slots=True)
class _Wanted:
    key: OrderKey
    # What the stream told, by the ids of the trades.
    told: dict[str, OrderReport] = field(default_factory=dict)


class FeeLookups:
    """Publishes trades as requests tell them; gives up with what the stream told of them."""

    def __init__(
        self,
        find: Callable[[OrderKey], Awaitable[OrderReport | None]],
        publish: Callable[[OrderReport], None],
        give_up: Callable[[OrderReport], None],
        clock: Clock,
    ) -> None:
        self._find = find
        self._publish = publish
        self._give_up = give_up
        self._clock = clock
        self._wanted: dict[tuple[str, str], _Wanted] = {}
        self._arrived = asyncio.Event()

    def ask_for(self, told: OrderReport) -> None:
        """Look up what the stream told of one trade."""
        key = OrderKey(
            symbol=told.symbol,
            wire_id=told.wire_id or "",
            exchange_order_id=told.exchange_order_id,
        )
        wanted = self._wanted.setdefault(told.name, _Wanted(key=key))
        wanted.told |= {fill.trade_id: told for fill in told.fills}
        self._arrived.set()

    async def run(self) -> None:
        """Orders are looked up side by side, each with all of the trades that came meanwhile."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                await self._arrived.wait()
                self._arrived.clear()
                batch, self._wanted = self._wanted, {}
                for wanted in batch.values():
                    tasks.create_task(self._look_up(wanted))

    async def _look_up(self, wanted: _Wanted) -> None:
        pause = FIRST_PAUSE_SECONDS
        for _ in range(MOST_LOOKS):
            report = await self._found(wanted)
            if report is not None:
                self._publish(report)
                return
            await self._clock.sleep(pause)
            pause *= 2
        for told in wanted.told.values():
            self._give_up(told)

    async def _found(self, wanted: _Wanted) -> OrderReport | None:
        """The order with all of the wanted trades; None if it is not listed so yet."""
        try:
            report = await self._find(wanted.key)
        except ExchangeError:
            return None
        known = set() if report is None else {fill.trade_id for fill in report.fills}
        return report if wanted.told.keys() <= known else None
