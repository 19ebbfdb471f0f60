from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from app.bus import Bus
from app.domain.accounts import AccountMode
from app.storage.database import Database
from app.storage.paper import PaperLedgers
from tests.support.clock import ManualClock
from tests.support.exchanges.at.binance import BinanceRig, trading
from tests.support.exchanges.memory_ledger import MemoryLedger
from tests.support.exchanges.mirrored import MirroredRig
from tests.support.exchanges.rigs import GatewayRig, PaperRig
from tests.support.exchanges.venue_rigs import trading_at
from tests.support.venues.every_venue import VENUES

START = datetime(2025, 6, 1, 12, tzinfo=UTC)


async def opened_books(database: Database) -> PaperLedgers:
    async with database.transaction() as tx:
        await tx.accounts.insert("desk", "paper", AccountMode.PAPER, START)
    return PaperLedgers(database, "desk")


@pytest.fixture
async def books(database: Database) -> PaperLedgers:
    return await opened_books(database)


@pytest.fixture
def paper(books: PaperLedgers) -> PaperRig:
    return PaperRig(books, ManualClock(START))


# An exchange that joins the contract adds its name here. The paper exchange trades at the prices of
# others as well; its books on PostgreSQL are looked at where the database is what matters.
FOLLOWED = "followed"
PAPER = ("sqlite_url", FOLLOWED)
EXCHANGES = (*PAPER, *VENUES)
# Those of them that take orders with a trigger, and those that change orders in place.
TRIGGERING = (*PAPER, "binance", "kraken")
AMENDING = (*PAPER, "kraken")


def _place_of(request: pytest.FixtureRequest) -> str:
    """Where the books are; found before there is a loop, as databases are made."""
    is_elsewhere = request.param == FOLLOWED or request.param in VENUES
    return str(request.param if is_elsewhere else request.getfixturevalue(request.param))


@pytest.fixture(params=EXCHANGES)
def books_url(request: pytest.FixtureRequest) -> str:
    """Each exchange in turn, as the place of its books."""
    return _place_of(request)


@pytest.fixture(params=TRIGGERING)
def triggering_url(request: pytest.FixtureRequest) -> str:
    """The same for each exchange that takes orders with a trigger."""
    return _place_of(request)


@pytest.fixture(params=AMENDING)
def amending_url(request: pytest.FixtureRequest) -> str:
    """The same for each exchange that changes orders in place."""
    return _place_of(request)


@pytest.fixture
async def rig(books_url: str) -> AsyncIterator[GatewayRig]:
    async with _opened(books_url) as rig:
        yield rig


@pytest.fixture
async def triggering(triggering_url: str) -> AsyncIterator[GatewayRig]:
    async with _opened(triggering_url) as rig:
        yield rig


@pytest.fixture
async def amending(amending_url: str) -> AsyncIterator[GatewayRig]:
    async with _opened(amending_url) as rig:
        yield rig


@pytest.fixture
async def unamending() -> AsyncIterator[BinanceRig]:
    """An exchange that changes no order in place."""
    async with trading(ManualClock(START)) as rig:
        yield rig


@asynccontextmanager
async def _opened(place: str) -> AsyncIterator[GatewayRig]:
    if place in VENUES:
        clock = ManualClock(START)
        async with trading_at(VENUES[place](clock), clock) as local:
            yield local
    elif place == FOLLOWED:
        yield MirroredRig(MemoryLedger(), ManualClock(START))
    else:
        database = Database(place, Bus())
        yield PaperRig(await opened_books(database), ManualClock(START))
        await database.close()
