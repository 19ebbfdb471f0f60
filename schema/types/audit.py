"""The audit log's entries, edges and connection, and the query that lists them."""

from datetime import datetime

import strawberry

from app.domain.access import audit as domain
from app.domain.access.audit import AuditOutcome, SubjectKind
from app.domain.pages import Page
from app.domain.portfolio.positions import PositionKey
from schema import ids
from schema.context import Info
from schema.scalars import Cursor
from schema.types.pages import PageArguments, PageInfo, timed_page

strawberry.enum(AuditOutcome)

_LIST = "audit"
_KINDS = {
    SubjectKind.ACCOUNT: ids.Kind.ACCOUNT,
    SubjectKind.BOT: ids.Kind.BOT,
    SubjectKind.ORDER: ids.Kind.ORDER,
    SubjectKind.RISK: ids.Kind.RISK,
    SubjectKind.TOKEN: ids.Kind.TOKEN,
    SubjectKind.WINDOW: ids.Kind.WINDOW,
}


@strawberry.type
class AuditEntry:
    id: strawberry.ID
    at: datetime
    actor: str
    actor_id: strawberry.ID | None
    action: str
    subject: str | None
    outcome: AuditOutcome
    code: str | None
    request_id: str
    count: int
    last_at: datetime

    @classmethod
    def of(cls, entry: domain.AuditEntry) -> "AuditEntry":
        subject = entry.subject
        return cls(
            id=ids.encode(ids.Kind.AUDIT_ENTRY, entry.id),
            at=entry.at,
            actor=entry.actor,
            actor_id=None if entry.actor_id is None else ids.encode(ids.Kind.TOKEN, entry.actor_id),
            action=entry.action,
            subject=None if subject is None else _id_of(subject),
            outcome=entry.outcome,
            code=entry.code,
            request_id=entry.request_id,
            count=entry.count,
            last_at=entry.at if entry.last_at is None else entry.last_at,
        )


def _id_of(subject: domain.AuditSubject) -> strawberry.ID:
    if subject.kind is SubjectKind.POSITION:
        return ids.encode_position(PositionKey.named(subject.key))
    return ids.encode(_KINDS[subject.kind], subject.key)


@strawberry.type
class AuditEdge:
    node: AuditEntry
    cursor: Cursor


@strawberry.type
class AuditConnection:
    edges: list[AuditEdge]
    nodes: list[AuditEntry]
    page_info: PageInfo

    @classmethod
    def of(cls, page: Page[domain.AuditEntry]) -> "AuditConnection":
        nodes = [AuditEntry.of(entry) for entry in page.items]
        cursors = [ids.encode_place(_LIST, (entry.at, entry.id)) for entry in page.items]
        return cls(
            edges=[
                AuditEdge(node=node, cursor=cursor)
                for node, cursor in zip(nodes, cursors, strict=True)
            ],
            nodes=nodes,
            page_info=PageInfo.of(page, cursors),
        )


async def list_audit(info: Info, asked: PageArguments) -> AuditConnection:
    request = timed_page(_LIST, asked)
    async with info.context.view(info) as view:
        return AuditConnection.of(await view.audit(request))
