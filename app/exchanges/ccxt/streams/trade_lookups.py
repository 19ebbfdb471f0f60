"""TradeLookups: asks for the trades of orders of which a stream tells less than requests do."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import structlog

from app.domain import money
from app.domain.orders.reports import OrderKey, OrderReport
from app.errors import ExchangeError
from app.ports import Clock
from app.primitives.backoff import Backoff

# How often an order is asked for until its trades are listed, and the pauses between.
MOST_LOOKS = 8
FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 4.0

_log = structlog.get_logger(__name__)


@dataclass(kw_only=True, slots=True)
class _Wanted:
    key: OrderKey
    # The trades that the stream reported, by their ids.
    trades: dict[str, OrderReport] = field(default_factory=dict)

    def is_in(self, report: OrderReport) -> bool:
        """Whether the report has these trades, and all of what was filled."""
        listed = {fill.trade_id for fill in report.fills}
        total = money.total(fill.amount for fill in report.fills)
        return self.trades.keys() <= listed and report.filled in {None, total}


class TradeLookups:
    """A stream may report trades without their fees, or totals without trades.

    Such an order is looked up until requests list all of it, with its fees, and reported then; if
    they do not, what is known is reported all the same.
    """

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

    def ask_for(self, report: OrderReport) -> None:
        """Look up the order of a trade, or of totals, that the stream reported."""
        key = OrderKey(
            symbol=report.symbol,
            wire_id=report.wire_id or "",
            exchange_order_id=report.exchange_order_id,
        )
        wanted = self._wanted.setdefault(report.name, _Wanted(key=key))
        wanted.trades |= {fill.trade_id: report for fill in report.fills}
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
        pauses = Backoff(first=FIRST_PAUSE_SECONDS, longest=LONGEST_PAUSE_SECONDS)
        latest: OrderReport | None = None
        for _ in range(MOST_LOOKS):
            latest = await self._found(wanted.key) or latest
            if latest is not None and wanted.is_in(latest):
                self._publish(latest)
                return
            await self._clock.sleep(pauses.next())
        for report in (*wanted.trades.values(), *([] if latest is None else [latest])):
            self._give_up(report)

    async def _found(self, key: OrderKey) -> OrderReport | None:
        try:
            return await self._find(key)
        except ExchangeError as error:
            _log.info("stream.trades_unanswered", error=repr(error))
            return None
