"""Audit log entries: who tried to change what, and what came of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.domain.portfolio.positions import PositionKey
from app.errors import Refusal

# The key of a subject of which an installation has only one.
THE_ONE = "one"


class AuditOutcome(StrEnum):
    """The outcome of an attempt: done, refused by a rule, or failed by a fault."""

    DONE = "DONE"
    REFUSED = "REFUSED"
    FAILED = "FAILED"


class SubjectKind(StrEnum):
    """The kind of object that a change concerns."""

    ACCOUNT = "ACCOUNT"
    ORDER = "ORDER"
    BOT = "BOT"
    POSITION = "POSITION"
    RISK = "RISK"
    TOKEN = "TOKEN"  # noqa: S105  a kind
    WINDOW = "WINDOW"


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditSubject:
    """The object that a change concerns."""

    kind: SubjectKind
    key: str

    @classmethod
    def order(cls, order_id: str) -> "AuditSubject":
        return cls(kind=SubjectKind.ORDER, key=order_id)

    @classmethod
    def position(cls, key: PositionKey) -> "AuditSubject":
        return cls(kind=SubjectKind.POSITION, key=key.name)

    @classmethod
    def token(cls, token_id: str) -> "AuditSubject":
        return cls(kind=SubjectKind.TOKEN, key=token_id)

    @classmethod
    def window(cls) -> "AuditSubject":
        """The trading window, of which there is one."""
        return cls(kind=SubjectKind.WINDOW, key=THE_ONE)

    @classmethod
    def bot(cls) -> "AuditSubject":
        return cls(kind=SubjectKind.BOT, key=THE_ONE)

    @classmethod
    def risk(cls, account: str | None) -> "AuditSubject":
        """The risk settings of one account, or of all accounts."""
        return cls(kind=SubjectKind.RISK, key=account or THE_ONE)

    @classmethod
    def account(cls, name: str) -> "AuditSubject":
        return cls(kind=SubjectKind.ACCOUNT, key=name)


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditEntry:
    """One attempted change: a root field of a mutation, or one order of placeOrders."""

    id: str
    at: datetime
    actor: str
    # The token's id; None for the command line.
    actor_id: str | None
    action: str
    request_id: str
    subject: AuditSubject | None = None
    outcome: AuditOutcome = AuditOutcome.DONE
    code: str | None = None
    # Refused attempts of one token, field and code within a minute share an entry.
    count: int = 1
    # When the last of them was made; None for an entry that they do not share.
    last_at: datetime | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditResult:
    """The outcome of an attempt that changed nothing."""

    outcome: AuditOutcome
    code: str
    subject: AuditSubject | None = None


def refused(refusal: Refusal, subject: AuditSubject | None = None) -> AuditResult:
    return AuditResult(outcome=AuditOutcome.REFUSED, code=str(refusal.code), subject=subject)
