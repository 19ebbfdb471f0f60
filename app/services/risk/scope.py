"""How far somebody's word goes who restricts trading."""

from collections.abc import Iterable
from dataclasses import dataclass

from app.domain.access.audit import AuditSubject
from app.domain.risk.limits import TradingStateRecord
from app.domain.risk.rules import ALL
from app.storage.database import Transaction


@dataclass(frozen=True, kw_only=True, slots=True)
class HaltScope:
    """Which accounts are meant: all that there will ever be, or some."""

    accounts: tuple[str, ...]
    is_all: bool

    @classmethod
    def of(cls, accounts: Iterable[str], *, is_all: bool = False) -> "HaltScope":
        return cls(accounts=tuple(sorted(accounts)), is_all=is_all)

    @property
    def keys(self) -> tuple[str, ...]:
        """Under which names a state of theirs is kept."""
        return (ALL,) if self.is_all else self.accounts

    @property
    def subject(self) -> AuditSubject:
        return AuditSubject.risk(
            self.accounts[0] if len(self.accounts) == 1 and not self.is_all else None
        )


async def restrict(tx: Transaction, halt_scope: HaltScope, standing: TradingStateRecord) -> bool:
    """Latch it wherever no state is as severe already; whether anything has changed by it."""
    rules, changed = await tx.rules.lock(), False
    for key in halt_scope.keys:
        known = rules.standings.get(key)
        if known is None or known.state.severity < standing.state.severity:
            await tx.rules.save_standing(key, standing)
            changed = True
    return changed
