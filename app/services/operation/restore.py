"""What is written into a restored database before the server starts on it."""

from app.domain.access.audit import AuditSubject
from app.domain.risk.limits import TradingState, TradingStateRecord
from app.ports import Clock
from app.services.access.audit import AuditService, acting
from app.services.risk.scope import HaltScope, restrict
from app.storage.database import Database, Transaction

RESTORE = "restore"
_ALL_ACCOUNTS = HaltScope.of((), is_all=True)


class RestorationService:
    """Writes the audit entry, and a halt, into a restored copy that no server uses yet."""

    def __init__(self, database: Database, audit: AuditService, clock: Clock) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock

    async def record(self) -> None:
        """Write the audit entry of the restore; the trading state stays as in the backup."""
        await self._audit.done(self._audit.command(RESTORE))
        async with self._database.transaction() as tx:
            await _forget_clearings(tx)

    async def halt(self, reason: str) -> None:
        """Write the audit entry, and halt trading until somebody resumes it."""
        attempt = self._audit.command(RESTORE)
        halted = TradingStateRecord(
            state=TradingState.HALTED, reason=reason, since=self._clock.now()
        )
        with acting(attempt):
            async with self._database.transaction() as tx:
                await restrict(tx, _ALL_ACCOUNTS, halted)
                await _forget_clearings(tx)
                await tx.attempted(AuditSubject.risk(None))


async def _forget_clearings(tx: Transaction) -> None:
    """A halt from before the backup closes nothing any more: the world has gone on since."""
    for account in (await tx.rules.lock()).clearings:
        await tx.rules.forget_clearing(account)
