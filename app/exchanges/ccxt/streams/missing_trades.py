"""MissingTrades: asks for the trades of orders that a stream reports as filled, and not by what."""

import asyncio
from collections.abc import Awaitable, Callable

import structlog

from app.domain import money
from app.domain.orders.reports import OrderKey, OrderReport
from app.errors import ExchangeError
from app.ports import Clock
from app.primitives.backoff import Backoff

FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 4.0
# How often an order is asked for whose trades are not all listed; comparing finds the rest.
_MOST_ASKED = 8

_log = structlog.get_logger(__name__)


class MissingTrades:
    """Each order is asked for until the exchange lists as much as it has filled."""

    def __init__(
        self,
        find: Callable[[OrderKey], Awaitable[OrderReport | None]],
        publish: Callable[[OrderReport], None],
        clock: Clock,
    ) -> None:
        self._find = find
        self._publish = publish
        self._clock = clock
        # How often each order was asked for since the stream last told of it.
        self._asked: dict[OrderKey, int] = {}
        self._is_new = asyncio.Event()

    def note(self, report: OrderReport) -> None:
        """A report of the stream, with its totals and without trades."""
        if report.filled:
            key = OrderKey(
                symbol=report.symbol,
                wire_id=report.wire_id or "",
                exchange_order_id=report.exchange_order_id,
            )
            self._asked[key] = 0
            self._is_new.set()

    async def run(self) -> None:
        pauses = Backoff(first=FIRST_PAUSE_SECONDS, longest=LONGEST_PAUSE_SECONDS)
        while True:
            await self._is_new.wait()
            self._is_new.clear()
            for key, asked in list(self._asked.items()):
                await self._ask(key, asked)
            if self._asked:
                await self._pause(pauses.next())
            else:
                pauses.reset()

    async def _ask(self, key: OrderKey, asked: int) -> None:
        self._asked[key] = asked + 1
        is_done = await self._is_whole(key) or asked + 1 >= _MOST_ASKED
        # The stream may have told of more meanwhile.
        if is_done and self._asked[key] == asked + 1:
            del self._asked[key]

    async def _is_whole(self, key: OrderKey) -> bool:
        """Publish the order as it is now; whether all of its trades are listed."""
        try:
            report = await self._find(key)
        except ExchangeError as error:
            _log.info("stream.trades_unanswered", error=repr(error))
            return False
        if report is None:
            return True
        self._publish(report)
        return money.total(fill.amount for fill in report.fills) == report.filled

    async def _pause(self, seconds: float) -> None:
        """Until it is worth asking again, or the stream tells of another order."""
        try:
            async with self._clock.timeout(seconds):
                await self._is_new.wait()
        except TimeoutError:
            self._is_new.set()
