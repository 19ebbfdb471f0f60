from datetime import UTC, datetime

import pytest

from app.domain.accounts import AccountMode
from app.storage.database import Database
from app.storage.paper import PaperBooks
from tests.exchanges.rigs import GatewayRig, PaperRig
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


# An exchange that joins the contract adds its rig here.
@pytest.fixture(params=["paper"])
def rig(request: pytest.FixtureRequest, paper: PaperRig) -> GatewayRig:
    rigs: dict[str, GatewayRig] = {"paper": paper}
    return rigs[request.param]
