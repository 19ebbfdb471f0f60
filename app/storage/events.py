"""EventStore: the log of order events, numbered in commit order across all processes."""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    RowMapping,
    and_,
    bindparam,
    delete,
    insert,
    literal,
    select,
    update,
)

from app.domain.orders.events import LoggedEvent, LogPosition, OrderEvent
from app.domain.orders.order import OrderStatus, OrderUpdateKind
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


@dataclass(frozen=True, kw_only=True, slots=True)
class PrunableEvents:
    """Events that may be deleted, by number with their orders, and the last one looked at."""

    orders: Mapping[int, str]
    until: int


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

    async def prune(self, found: PrunableEvents, before: datetime) -> int:
        """Delete those that may still be pruned, and move the horizon; returns how many.

        Nobody changes their orders until the transaction ends.
        """
        orders = tables.orders.c
        known = select(orders.id).where(orders.id.in_(set(found.orders.values())))
        still = known.where(*_prunable(before)).order_by(orders.id).with_for_update()
        closed = {row["id"] for row in await self._sql.all(still)}
        doomed = [seq for seq, order_id in found.orders.items() if order_id in closed]
        if not doomed:
            return 0
        last = max(doomed)
        await self._sql.run(update(tables.log).where(_log.horizon < last).values(horizon=last))
        return await self._sql.run(delete(tables.events).where(_events.seq.in_(doomed)))

    async def prunable(self, after: int, before: datetime, *, limit: int) -> PrunableEvents | None:
        """What may be pruned among the next events after this number; None if all are newer."""
        orders = tables.orders.c
        is_prunable = and_(*_prunable(before)).label("is_prunable")
        found = (
            select(_events.seq, _events.order_id, _events.at, is_prunable)
            .join(tables.orders, orders.id == _events.order_id)
            .where(_events.seq > after)
        )
        rows = await self._sql.all(found.order_by(_events.seq).limit(limit))
        if not rows or rows[0]["at"] >= before:
            return None
        prunable = {row["seq"]: row["order_id"] for row in rows if row["is_prunable"]}
        return PrunableEvents(orders=prunable, until=rows[-1]["seq"])


def _prunable(before: datetime) -> tuple[ColumnElement[bool], ...]:
    """Whether an order is closed and its last event, which is its last change, is older."""
    orders = tables.orders.c
    return orders.is_open.is_(False), orders.updated_at < before


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
