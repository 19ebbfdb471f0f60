"""EntryStore: entries, the orders that add to risk, to be counted and summed."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from operator import itemgetter

from sqlalchemy import RowMapping, bindparam, case, func, insert, select

from app.domain import money
from app.domain.order_kinds import OrderSide, OrderSource, PositionType
from app.domain.orders.entries import Entry, OpenEntry, Remainder
from app.domain.orders.order import OrderStatus
from app.domain.risk.trading_windows import TradeCounts
from app.storage import tables
from app.storage.engine.sql import Sql

_entries = tables.entries.c
_orders = tables.orders.c
_asked = tables.amendments.c
_WITH_ORDERS = tables.entries.join(tables.orders, _orders.id == _entries.order_id)
_COUNTS = _orders.status != str(OrderStatus.REJECTED)
_LATEST = (
    select(_entries.at)
    .select_from(_WITH_ORDERS)
    .where(_entries.source == bindparam("source"), _COUNTS)
    .order_by(_entries.at.desc())
    .limit(1)
)
_OPEN = select(
    _entries.order_id, _entries.expected_price, _entries.rate,
    _orders.symbol, _orders.position_type, _orders.side, _orders.amount, _orders.filled,
    _orders.price, _orders.trigger_price,
    _asked.amount.label("asked_amount"), _asked.price.label("asked_price"),
    _asked.trigger_price.label("asked_trigger_price"),
).select_from(
    _WITH_ORDERS.outerjoin(tables.amendments, _asked.order_id == _orders.id)
)  # fmt: skip


class EntryStore:
    """One row per entry that passed the gate; those rejected afterwards do not count."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    async def add(self, entry: Entry) -> None:
        row = {
            "order_id": entry.order_id,
            "account": entry.account,
            "source": str(entry.source),
            "at": entry.at,
            "expected_price": entry.expected_price,
            "rate": entry.rate,
        }
        await self._sql.run(insert(tables.entries), row)

    async def trades(
        self, sources: Iterable[OrderSource], day: datetime, hour: datetime
    ) -> TradeCounts:
        """How many entries there were today and in the last hour, and when the last one was."""
        sources = tuple(sources)
        counting = (_entries.source.in_([str(source) for source in sources]), _COUNTS)
        counted = select(
            func.coalesce(func.sum(case((_entries.at >= day, 1), else_=0)), 0).label("today"),
            func.coalesce(func.sum(case((_entries.at > hour, 1), else_=0)), 0).label("this_hour"),
        )
        lately = counted.select_from(_WITH_ORDERS).where(*counting, _entries.at >= min(day, hour))
        row = await self._sql.first(lately)
        assert row is not None  # noqa: S101 - a sum has one row
        latest = [at for source in sources if (at := await self._latest(source)) is not None]
        return TradeCounts(
            today=int(row["today"]),
            this_hour=int(row["this_hour"]),
            last_at=max(latest, default=None),
        )

    async def _latest(self, source: OrderSource) -> datetime | None:
        row = await self._sql.first(_LATEST, {"source": str(source)})
        return None if row is None else row["at"]

    async def is_known(self, order_id: str) -> bool:
        found = select(_entries.order_id).where(_entries.order_id == order_id)
        return await self._sql.first(found) is not None

    async def open(self, account: str) -> Sequence[OpenEntry]:
        """Open entries, each with its pending amendments, in one statement: as of one instant."""
        rows = await self._sql.all(
            _OPEN.where(_orders.account == account, _orders.is_open.is_(True)).order_by(_orders.id)
        )
        by_order = (list(group) for _, group in groupby(rows, key=itemgetter("order_id")))
        return [_open_entry(group) for group in by_order]


def _open_entry(rows: Sequence[RowMapping]) -> OpenEntry:
    """From the order's rows: one for each pending amendment, or a single one."""
    row = rows[0]
    price = row["price"] or row["trigger_price"] or row["expected_price"]
    remainders = [Remainder(remaining=money.subtract(row["amount"], row["filled"]), price=price)]
    remainders += [_as_amended(amended) for amended in rows if amended["asked_amount"] is not None]
    return OpenEntry(
        order_id=row["order_id"],
        symbol=row["symbol"],
        position_type=PositionType(row["position_type"]),
        side=OrderSide(row["side"]),
        rate=row["rate"],
        remainders=tuple(remainders),
    )


def _as_amended(row: RowMapping) -> Remainder:
    return Remainder(
        remaining=money.subtract(row["asked_amount"], row["filled"]),
        price=row["asked_price"] or row["asked_trigger_price"] or row["expected_price"],
    )
