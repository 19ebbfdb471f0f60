from datetime import UTC, datetime

import pytest

from app.domain.accounts import AccountMode
from app.storage.database import Database
from app.storage.paper import PaperBooks
from tests.exchanges.rigs import PaperRig
from tests.fakes import ManualClock

START = datetime(2025, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
async def books(database: Database) -> PaperBooks:
    async with database.transaction() as tx:
        await tx.accounts.insert("desk", "paper", AccountMode.PAPER, START)
    return PaperBooks(database, "desk")


@pytest.fixture
def paper(books: PaperBooks) -> PaperRig:
    return PaperRig(books, ManualClock(START))
