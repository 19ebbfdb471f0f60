"""What a database that was put back is told before anybody trades on it."""

from app.domain.access.audit import AuditSubject
from app.domain.risk.limits import TradingState, TradingStateRecord
from app.ports import Clock
from app.services.access.audit import AuditService, acting
from app.services.risk.scope import HaltScope, restrict
from app.storage.database import Database

RESTORE = "restore"
_ALL_ACCOUNTS = HaltScope.of((), is_all=True)


class RestorationService:
    """Of a copy that nobody serves yet."""

    def __init__(self, database: Database, audit: AuditService, clock: Clock) -> None:
        self._database = database
        self._audit = audit
        self._clock = clock

    async def record(self) -> None:
        """Leave the entry that it was put back, and trading as it was then."""
        await self._audit.done(self._audit.command(RESTORE))

    async def halt(self, reason: str) -> None:
        """The same, and let no order in until somebody resumes trading."""
        attempt = self._audit.command(RESTORE)
        halted = TradingStateRecord(
            state=TradingState.HALTED, reason=reason, since=self._clock.now()
        )
        with acting(attempt):
            async with self._database.transaction() as tx:
                await restrict(tx, _ALL_ACCOUNTS, halted)
                await tx.attempted(AuditSubject.risk(None))
