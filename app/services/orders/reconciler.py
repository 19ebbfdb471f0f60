"""Comparing accounts with their exchanges on demand, instead of waiting for the next round."""

from collections.abc import Mapping

from app.domain.access.audit import AuditSubject
from app.domain.orders.reconciliations import Reconciliation
from app.services.access.audit import acting, covers
from app.services.orders.sync import OrderSync


class Reconciler:
    """One for all accounts; none holds up another."""

    def __init__(self, syncs: Mapping[str, OrderSync]) -> None:
        self._syncs = syncs

    async def reconcile(self, account: str) -> Reconciliation:
        """Ask the exchange now: what is in doubt first, then everything that is open."""
        covers(AuditSubject.account(account))
        # What the exchange reports about single orders is not the doing of whoever asks.
        with acting(None):
            return await self._syncs[account].reconcile()
