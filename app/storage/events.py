"""EventStore: the log of order events, numbered in commit order across all processes."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import RowMapping, bindparam, delete, func, insert, literal, select, update

from app.domain.orders.events import LoggedEvent, LogPosition, OrderEvent
from app.domain.orders.order import OPEN_STATUSES, OrderStatus, OrderUpdateKind
from app.storage import event_snapshots, tables
from app.storage.engine.sql import Sql

NO_LOG = "the log has no row: the database was not migrated"
_events = tables.events.c
_log = tables.log.c
_BUMP = (
    update(tables.log)
    .values(head=_log.head + bindparam("count"))
    .returning(_log.identity, _log.head)
)
# The log table has one row, to which every event belongs.
_EVENTS = select(tables.events, _log.identity).join(tables.log, literal(True))  # noqa: FBT003


@dataclass(frozen=True, kw_only=True, slots=True)
class LogState:
    """The extent of the log: events after its horizon, up to and including its head."""

    head: LogPosition
    horizon: int


class EventStore:
    """Order events, oldest first."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql
        self._pending: list[OrderEvent] = []

    def append(self, event: OrderEvent) -> None:
        """Add an event to the log when the transaction commits."""
        self._pending.append(event)

    async def append_pending(self) -> list[LoggedEvent]:
        """Number and write the appended events, holding the log's row lock until the commit.

        The next writer waits for that lock, so numbers become visible in their order.
        """
        if not self._pending:
            return []
        events, self._pending = self._pending, []
        row = await self._sql.first(_BUMP, {"count": len(events)})
        if row is None:
            raise LookupError(NO_LOG)
        logged = [
            LoggedEvent(
                position=LogPosition(log=row["identity"], seq=seq, tag=secrets.token_hex(4)),
                event=event,
            )
            for seq, event in enumerate(events, row["head"] - len(events) + 1)
        ]
        await self._sql.run(insert(tables.events), [_row(event) for event in logged])
        return logged

    async def state(self) -> LogState:
        tag = select(_events.tag).where(_events.seq == _log.head).scalar_subquery()
        row = await self._sql.first(
            select(_log.identity, _log.head, _log.horizon, tag.label("tag"))
        )
        if row is None:
            raise LookupError(NO_LOG)
        head = LogPosition(log=row["identity"], seq=row["head"], tag=row["tag"] or "")
        return LogState(head=head, horizon=row["horizon"])

    async def tag_of(self, seq: int) -> str | None:
        tag: str | None = await self._sql.scalar(select(_events.tag).where(_events.seq == seq))
        return tag

    async def after(self, seq: int, *, limit: int) -> list[LoggedEvent]:
        found = _EVENTS.where(_events.seq > seq)
        return _logged(await self._sql.all(found.order_by(_events.seq).limit(limit)))

    async def of_order(
        self, order_id: str, *, after: int, until_revision: int, limit: int
    ) -> list[LoggedEvent]:
        found = _EVENTS.where(
            _events.order_id == order_id,
            _events.seq > after,
            _events.revision <= until_revision,
        )
        return _logged(await self._sql.all(found.order_by(_events.seq).limit(limit)))

    async def prune(self, order_ids: Sequence[str]) -> int:
        """Delete all events of these orders and move the horizon; returns how many were deleted."""
        doomed = _events.order_id.in_(order_ids)
        last = await self._sql.scalar(select(func.max(_events.seq)).where(doomed))
        if last is None:
            return 0
        await self._sql.run(update(tables.log).where(_log.horizon < last).values(horizon=last))
        return await self._sql.run(delete(tables.events).where(doomed))

    async def prunable(self, before: object, *, limit: int) -> list[str]:
        """Ids of closed orders all of whose events are older than this."""
        orders = tables.orders.c
        newest = func.max(_events.at)
        found = (
            select(_events.order_id)
            .join(tables.orders, orders.id == _events.order_id)
            .where(orders.status.not_in([str(status) for status in OPEN_STATUSES]))
            .group_by(_events.order_id)
            .having(newest < bindparam("before", before, _events.at.type))
            .limit(limit)
        )
        return [row["order_id"] for row in await self._sql.all(found)]


def _row(logged: LoggedEvent) -> dict[str, object]:
    event = logged.event
    return {
        "seq": logged.position.seq,
        "tag": logged.position.tag,
        "order_id": event.order.id,
        "revision": event.order.revision,
        "kind": str(event.kind),
        "at": event.at,
        "previous_status": None if event.previous_status is None else str(event.previous_status),
        "order": event_snapshots.dump_order(event.order),
        "fill": None if event.fill is None else event_snapshots.dump_fill(event.fill),
        "reason": event.reason,
    }


def _logged(rows: Sequence[RowMapping]) -> list[LoggedEvent]:
    return [
        LoggedEvent(
            position=LogPosition(log=row["identity"], seq=row["seq"], tag=row["tag"]),
            event=OrderEvent(
                kind=OrderUpdateKind(row["kind"]),
                at=row["at"],
                previous_status=None
                if row["previous_status"] is None
                else OrderStatus(row["previous_status"]),
                order=event_snapshots.load_order(row["order"]),
                fill=None if row["fill"] is None else event_snapshots.load_fill(row["fill"]),
                reason=row["reason"],
            ),
        )
        for row in rows
    ]
