from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.bus import Bus
from app.domain.accounts import AccountMode
from app.storage.database import Database
from app.storage.migrations import migrate
from app.storage.paper import PaperBooks
from tests.exchanges.rigs import PaperRig
from tests.fakes import ManualClock

START = datetime(2025, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    database = Database(f"sqlite+aiosqlite:///{tmp_path / 'books.db'}", Bus())
    await migrate(database)
    yield database
    await database.close()


@pytest.fixture
async def books(database: Database) -> PaperBooks:
    async with database.transaction() as tx:
        await tx.accounts.insert("desk", "paper", AccountMode.PAPER, START)
    return PaperBooks(database, "desk")


@pytest.fixture
def paper(books: PaperBooks) -> PaperRig:
    return PaperRig(books, ManualClock(START))
