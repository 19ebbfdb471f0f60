"""Comparing accounts with their exchanges on demand, instead of waiting for the next round."""

from collections.abc import Mapping

from app.domain.access.audit import AuditSubject
from app.domain.orders.reconciliations import Reconciliation
from app.services.access.audit import Attempt
from app.services.orders.sync import OrderSync


class Reconciler:
    """One for all accounts; none holds up another."""

    def __init__(self, syncs: Mapping[str, OrderSync]) -> None:
        self._syncs = syncs

    async def reconcile(self, account: str, attempt: Attempt | None = None) -> Reconciliation:
        """Ask the exchange now: what is in doubt first, then everything that is open."""
        if attempt is not None:
            attempt.covers(AuditSubject.account(account))
        return await self._syncs[account].reconcile()
