"""The scope of a halt or restriction, and setting a trading state for it."""

from collections.abc import Iterable
from dataclasses import dataclass

from app.domain.access.audit import AuditSubject
from app.domain.risk.limits import TradingStateRecord
from app.domain.risk.rules import ALL
from app.storage.database import Transaction


@dataclass(frozen=True, kw_only=True, slots=True)
class HaltScope:
    """The accounts a halt applies to: a fixed set, or all, including ones added later."""

    accounts: tuple[str, ...]
    is_all: bool

    @classmethod
    def of(cls, accounts: Iterable[str], *, is_all: bool = False) -> "HaltScope":
        return cls(accounts=tuple(sorted(accounts)), is_all=is_all)

    @property
    def keys(self) -> tuple[str, ...]:
        """The keys under which the trading state is stored."""
        return (ALL,) if self.is_all else self.accounts

    @property
    def subject(self) -> AuditSubject:
        return AuditSubject.risk(
            self.accounts[0] if len(self.accounts) == 1 and not self.is_all else None
        )


async def restrict(tx: Transaction, halt_scope: HaltScope, standing: TradingStateRecord) -> bool:
    """Set the state where it is more severe than the present one; returns whether any changed."""
    rules, changed = await tx.rules.lock(), False
    for key in halt_scope.keys:
        known = rules.standings.get(key)
        if known is None or known.state.severity < standing.state.severity:
            await tx.rules.save_standing(key, standing)
            changed = True
    return changed
