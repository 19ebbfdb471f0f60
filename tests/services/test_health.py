import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta

import pytest
from sqlalchemy import text

from app.domain.accounts import AccountMode
from app.domain.findings import Finding, Level
from app.domain.markets import Market
from app.errors import SettingsError
from app.exchanges.paper.exchange import PaperExchange
from app.exchanges.paper.faults import Faults
from app.ports import ExchangeGateway
from app.services.health import ANSWER_SECONDS, Candidate, HealthService
from app.storage.database import Database
from app.storage.health import HealthStore
from app.storage.inspections import inspected, place
from app.storage.paper import PaperBooks
from tests.exchanges.rigs import TERMS
from tests.fakes import ManualClock


class SilentExchange(PaperExchange):
    """Never answers."""

    async def markets(self) -> Mapping[str, Market]:
        await asyncio.Event().wait()
        return await super().markets()


def health(
    url: str, clock: ManualClock, build: Callable[[], ExchangeGateway] | None = None
) -> HealthService:
    accounts = {}
    if build is not None:
        accounts["main"] = Candidate(
            name="main", exchange="paper", mode=AccountMode.PAPER, build=build
        )
    return HealthService(
        inspect=lambda: inspected(url), place=place(url), clock=clock, accounts=accounts
    )


@pytest.fixture
def books(sqlite_url: str, database: Database) -> PaperBooks:
    assert sqlite_url
    return PaperBooks(database, "main")


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """The accounts do not depend on the kind."""
    return sqlite_url


async def test_an_exchange_that_is_reached_is_well(
    sqlite_url: str, clock: ManualClock, books: PaperBooks
) -> None:
    service = health(sqlite_url, clock, lambda: PaperExchange(books, clock, TERMS))
    found = await service.check_account("main")
    assert (found.level, found.name) == (Level.OK, "account main")


async def test_an_exchange_that_is_not_reached_is_a_fault(
    sqlite_url: str, clock: ManualClock, books: PaperBooks
) -> None:
    faults = Faults(is_disconnected=True)
    service = health(sqlite_url, clock, lambda: PaperExchange(books, clock, TERMS, faults))
    found = await service.check_account("main")
    assert found.level is Level.FAULT
    assert "cannot be reached" in found.words


async def test_an_exchange_that_never_answers_is_a_fault_in_time(
    sqlite_url: str, clock: ManualClock, books: PaperBooks
) -> None:
    service = health(sqlite_url, clock, lambda: SilentExchange(books, clock, TERMS))
    checking = asyncio.create_task(service.check_account("main"))
    await clock.until_asleep()
    await clock.advance(ANSWER_SECONDS)
    found: Finding = await checking
    assert found.level is Level.FAULT
    assert "within 10 s" in found.words


async def test_an_account_that_cannot_be_built_is_a_fault(
    sqlite_url: str, clock: ManualClock
) -> None:
    def build() -> ExchangeGateway:
        raise SettingsError(("api_key is missing",))

    found = await health(sqlite_url, clock, build).check_account("main")
    assert found.level is Level.FAULT
    assert "api_key is missing" in found.words


@pytest.mark.parametrize(
    ("seconds", "level"),
    [(0, Level.OK), (3, Level.WARNING), (-3, Level.WARNING), (60, Level.FAULT)],
)
async def test_the_clock_is_held_against_that_of_postgres(
    postgres_url: str, seconds: float, level: Level
) -> None:
    async with inspected(postgres_url) as view:
        now = await HealthStore(view.sql).server_time()
    assert now is not None
    clock = ManualClock(now + timedelta(seconds=seconds))
    findings = await health(postgres_url, clock).check_database()
    told = {finding.name: finding for finding in findings}
    assert told["clock against the database"].level is level


async def test_a_long_look_is_given_up(sqlite_url: str) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT sum(i) FROM n"
    async with asyncio.timeout(10):
        with pytest.raises(TimeoutError):
            async with inspected(sqlite_url, seconds=0.1) as view:
                await view.sql.scalar(text(endless))
