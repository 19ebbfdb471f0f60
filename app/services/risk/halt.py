"""Halting: no new orders, and what a halt cancels and closes."""

from app.bus import Topic
from app.domain.checks import invalid
from app.domain.reasons import REASON, is_reason
from app.domain.risk.clearings import HaltOptions
from app.domain.risk.limits import TradingState, TradingStateRecord
from app.ports import Clock
from app.services.orders.gate import OrderGate, deny
from app.services.risk.clearing import ClearingService
from app.services.risk.clearing_work import HaltReport
from app.services.risk.scope import HaltScope, restrict
from app.storage.database import Database, Transaction

# A halt is answered within this time, and goes on by itself.
ANSWER_SECONDS = 8.0


class HaltService:
    """Halts trading; halting again is safe, and does only what is not done yet."""

    def __init__(
        self, database: Database, gate: OrderGate, clearing: ClearingService, clock: Clock
    ) -> None:
        self._database = database
        self._gate = gate
        self._clearing = clearing
        self._clock = clock

    async def halt(self, halt_scope: HaltScope, reason: str, options: HaltOptions) -> HaltReport:
        """From the commit on no order passes the gate; those being sent are canceled on arrival."""
        if not is_reason(reason):
            deny(invalid("reason", REASON))
        async with self._database.transaction() as tx:
            await self.latch(tx, halt_scope, reason)
            await self._clearing.store(tx, halt_scope.accounts, options)
            await tx.attempted(halt_scope.subject)
        return await self._clearing.report(halt_scope.accounts, within_seconds=ANSWER_SECONDS)

    async def latch(self, tx: Transaction, halt_scope: HaltScope, reason: str) -> None:
        """Set HALTED in this transaction: no order passes the gate once it is committed."""
        now = self._clock.now()
        standing = TradingStateRecord(state=TradingState.HALTED, reason=reason, since=now)
        await restrict(tx, halt_scope, standing)
        tx.announce(Topic.FEED)
        tx.after_commit(self._gate.note_halt)
