"""The audit: who wanted to change what, and what came of it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.domain.portfolio.positions import PositionKey
from app.errors import Refusal

# What there is one of in an installation.
THE_ONE = "one"


class AuditOutcome(StrEnum):
    """What became of it: done, refused by a rule, or failed for a fault."""

    DONE = "DONE"
    REFUSED = "REFUSED"
    FAILED = "FAILED"


class SubjectKind(StrEnum):
    """What kind of object a change is about."""

    ACCOUNT = "ACCOUNT"
    ORDER = "ORDER"
    BOT = "BOT"
    POSITION = "POSITION"
    RISK = "RISK"
    TOKEN = "TOKEN"  # noqa: S105  a kind
    WINDOW = "WINDOW"


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditSubject:
    """The object that a change is about."""

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
        """There is one."""
        return cls(kind=SubjectKind.WINDOW, key=THE_ONE)

    @classmethod
    def bot(cls) -> "AuditSubject":
        return cls(kind=SubjectKind.BOT, key=THE_ONE)

    @classmethod
    def risk(cls, account: str | None) -> "AuditSubject":
        """Of one account, or of all."""
        return cls(kind=SubjectKind.RISK, key=account or THE_ONE)

    @classmethod
    def account(cls, name: str) -> "AuditSubject":
        return cls(kind=SubjectKind.ACCOUNT, key=name)


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditEntry:
    """One root field of a mutation, or one order of placeOrders."""

    id: str
    at: datetime
    actor: str
    # The token; None for the command line.
    actor_id: str | None
    action: str
    request_id: str
    subject: AuditSubject | None = None
    outcome: AuditOutcome = AuditOutcome.DONE
    code: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class AuditResult:
    """What became of an attempt that changed nothing."""

    outcome: AuditOutcome
    code: str
    subject: AuditSubject | None = None


def refused(refusal: Refusal, subject: AuditSubject | None = None) -> AuditResult:
    return AuditResult(outcome=AuditOutcome.REFUSED, code=str(refusal.code), subject=subject)
