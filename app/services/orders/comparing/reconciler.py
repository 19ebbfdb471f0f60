"""Compares an account with its exchange on demand, without waiting for the next round."""

from collections.abc import Mapping

from app.domain.access.audit import AuditSubject
from app.domain.orders.reconciliations import Reconciliation
from app.services.access.audit import acting, covers
from app.services.orders.comparing.sync import OrderSync


class Reconciler:
    """Starts a comparison of any account; accounts do not wait for each other."""

    def __init__(self, syncs: Mapping[str, OrderSync]) -> None:
        self._syncs = syncs

    async def reconcile(self, account: str) -> Reconciliation:
        """Ask the exchange now: about orders in doubt first, then about all open orders."""
        covers(AuditSubject.account(account))
        # Changes that the exchange reports are not the caller's: keep them out of the audit entry.
        with acting(None):
            return await self._syncs[account].reconcile()
