"""AmendmentStore: amendments whose result is not known yet."""

from sqlalchemy import delete, insert, select

from app.domain.orders.amendments import AskedAmendment
from app.domain.orders.terms import AmendableTerms
from app.storage import tables
from app.storage.engine.sql import Sql

_columns = tables.amendments.c
_orders = tables.orders.c
# A subquery, because of a join the database would read the account's many orders first.
_account_of = select(_orders.account).where(_orders.id == _columns.order_id).scalar_subquery()


class AmendmentStore:
    """One row per amendment, from before it is sent until the exchange's result is known."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    async def add(self, asked: AskedAmendment) -> None:
        row = {
            "id": asked.id,
            "order_id": asked.order_id,
            "at": asked.at,
            "amount": asked.terms.amount,
            "price": asked.terms.price,
            "trigger_price": asked.terms.trigger_price,
        }
        await self._sql.run(insert(tables.amendments), row)

    async def forget(self, asked: AskedAmendment) -> None:
        await self._sql.run(delete(tables.amendments).where(_columns.id == asked.id))

    async def waiting(self, account: str) -> list[AskedAmendment]:
        """The account's pending amendments, oldest first."""
        of_account = select(tables.amendments).where(_account_of == account)
        return [
            AskedAmendment(
                id=row["id"],
                order_id=row["order_id"],
                at=row["at"],
                terms=AmendableTerms(
                    amount=row["amount"], price=row["price"], trigger_price=row["trigger_price"]
                ),
            )
            for row in await self._sql.all(of_account.order_by(_columns.at, _columns.id))
        ]
