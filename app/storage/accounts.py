"""AccountStore: every account this database has known, so that a name never changes its meaning."""

from datetime import datetime

from sqlalchemy import RowMapping, insert, select, update

from app.domain.accounts import AccountMode
from app.storage import tables
from app.storage.engine.sql import Sql

_columns = tables.accounts.c


class AccountStore:
    """Account names with their exchange and mode."""

    def __init__(self, sql: Sql) -> None:
        self._sql = sql

    async def insert(self, name: str, exchange: str, mode: AccountMode, at: datetime) -> None:
        row = {"name": name, "exchange": exchange, "mode": str(mode), "created_at": at}
        await self._sql.run(insert(tables.accounts), row)

    async def find(self, name: str) -> RowMapping | None:
        return await self._sql.first(select(tables.accounts).where(_columns.name == name))

    async def lock(self, name: str) -> None:
        """Keep others from placing an order on this account until the transaction ends."""
        if self._sql.dialect == "sqlite":
            return  # SQLite has a single writer anyway
        await self._sql.first(
            select(_columns.name).where(_columns.name == name).with_for_update(key_share=True)
        )

    async def set_reconciled(self, name: str, at: datetime) -> None:
        found = _columns.name == name
        await self._sql.run(update(tables.accounts).where(found).values(last_reconciled_at=at))
