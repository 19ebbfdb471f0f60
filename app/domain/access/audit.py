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
class Subject:
    """The object that a change is about."""

    kind: SubjectKind
    key: str

    @classmethod
    def order(cls, order_id: str) -> "Subject":
        return cls(kind=SubjectKind.ORDER, key=order_id)

    @classmethod
    def position(cls, key: PositionKey) -> "Subject":
        return cls(kind=SubjectKind.POSITION, key=key.name)

    @classmethod
    def token(cls, token_id: str) -> "Subject":
        return cls(kind=SubjectKind.TOKEN, key=token_id)

    @classmethod
    def window(cls) -> "Subject":
        """There is one."""
        return cls(kind=SubjectKind.WINDOW, key=THE_ONE)

    @classmethod
    def bot(cls) -> "Subject":
        return cls(kind=SubjectKind.BOT, key=THE_ONE)

    @classmethod
    def risk(cls, account: str | None) -> "Subject":
        """Of one account, or of all."""
        return cls(kind=SubjectKind.RISK, key=account or THE_ONE)

    @classmethod
    def account(cls, name: str) -> "Subject":
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
    subject: Subject | None = None
    outcome: AuditOutcome = AuditOutcome.DONE
    code: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Ending:
    """What became of an attempt that changed nothing."""

    outcome: AuditOutcome
    code: str
    subject: Subject | None = None


def refused(refusal: Refusal, subject: Subject | None = None) -> Ending:
    return Ending(outcome=AuditOutcome.REFUSED, code=str(refusal.code), subject=subject)
