"""The reconcile mutation and its payload: how an account's orders differ from its exchange's."""

import strawberry

from app.domain.orders.reconciliations import Reconciliation
from schema.context import Info
from schema.types.accounts import Account
from schema.types.orders import Order
from schema.types.problems import Problem


@strawberry.type
class ReconcilePayload:
    account: Account
    checked: int
    changed: list[Order]
    imported: list[Order]
    problems: list[Problem]

    @classmethod
    def of(cls, found: Reconciliation, account: Account) -> "ReconcilePayload":
        return cls(
            account=account,
            checked=found.checked,
            changed=[Order.of(order) for order in found.changed.values()],
            imported=[Order.of(order) for order in found.imported.values()],
            problems=[Problem.of(problem) for problem in found.problems],
        )


async def reconcile(info: Info, name: str | None) -> ReconcilePayload:
    context = info.context
    entry = context.account(name)
    found = await context.services.reconciler.reconcile(entry.name)
    return ReconcilePayload.of(found, Account.named(entry.name, context))
