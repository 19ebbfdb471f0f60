import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager

import pytest

from app.domain.account_checks import AccountCheck
from app.domain.accounts import AccountMode
from app.domain.findings import Finding, Severity
from app.domain.markets.markets import Market
from app.errors import SettingsError
from app.exchanges.paper.exchange import PaperExchange
from app.exchanges.paper.faults import Faults
from app.ports import ExchangeGateway
from app.services.operation.account_checks import ANSWER_SECONDS, AccountCandidate, examine_account
from app.storage.database import Database
from app.storage.paper import PaperLedgers
from tests.support.clock import ManualClock
from tests.support.exchanges.rigs import TERMS


class SilentExchange(PaperExchange):
    """An exchange that never answers."""

    async def markets(self) -> Mapping[str, Market]:
        await asyncio.Event().wait()
        return await super().markets()


class ScriptedExchange(PaperExchange):
    """An exchange whose answer about its keys the test sets."""

    told = AccountCheck()

    async def examine(self) -> AccountCheck:
        return self.told


def candidate(build: Callable[[], ExchangeGateway]) -> AccountCandidate:
    @asynccontextmanager
    async def opened() -> AsyncIterator[ExchangeGateway]:
        yield build()

    return AccountCandidate(
        name="main", exchange="binance", mode=AccountMode.LIVE, has_keys=True, open=opened
    )


@pytest.fixture
def books(sqlite_url: str, database: Database) -> PaperLedgers:
    assert sqlite_url
    return PaperLedgers(database, "main")


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """SQLite only: the checks of accounts do not depend on the database."""
    return sqlite_url


async def test_an_exchange_that_is_reached_is_well(clock: ManualClock, books: PaperLedgers) -> None:
    account = candidate(lambda: PaperExchange(books, clock, TERMS))
    found, keys = await examine_account(account, clock)
    assert (found.level, found.name) == (Severity.OK, "account main")
    assert found.words == "LIVE on binance, 4 markets, connected"
    assert "does not say whether they may trade" in keys.words


async def test_an_exchange_that_is_not_reached_is_a_fault(
    clock: ManualClock, books: PaperLedgers
) -> None:
    faults = Faults(is_disconnected=True)
    account = candidate(lambda: PaperExchange(books, clock, TERMS, faults))
    [found] = await examine_account(account, clock)
    assert found.level is Severity.FAULT
    assert "disconnected: switched off" in found.words


async def test_an_exchange_that_never_answers_is_a_fault_in_time(
    clock: ManualClock, books: PaperLedgers
) -> None:
    account = candidate(lambda: SilentExchange(books, clock, TERMS))
    checking = asyncio.create_task(examine_account(account, clock))
    await clock.until_asleep()
    await clock.advance(ANSWER_SECONDS)
    [found] = await checking
    assert found.level is Severity.FAULT
    assert "within 30 s" in found.words


async def test_an_account_that_cannot_be_built_is_a_fault(clock: ManualClock) -> None:
    def build() -> ExchangeGateway:
        raise SettingsError(("api_key is missing",))

    [found] = await examine_account(candidate(build), clock)
    assert found.level is Severity.FAULT
    assert "api_key is missing" in found.words


@pytest.mark.parametrize(
    ("told", "level", "words"),
    [
        (AccountCheck(can_trade=True), Severity.OK, "they may trade"),
        (AccountCheck(can_trade=False), Severity.FAULT, "they may not trade"),
        (AccountCheck(can_withdraw=True), Severity.WARNING, "they may withdraw money"),
        (AccountCheck(key_is_ip_bound=False), Severity.WARNING, "they work from every address"),
        (AccountCheck(clock_skew_seconds=0.2), Severity.OK, "is 0.2 s behind"),
        (AccountCheck(clock_skew_seconds=-3.0), Severity.WARNING, "is 3.0 s ahead of"),
        (AccountCheck(clock_skew_seconds=60.0), Severity.FAULT, "is 60.0 s behind"),
        (AccountCheck(requests_per_second=20.0), Severity.OK, "20 times a second"),
        (AccountCheck(problems=("it is silent",)), Severity.FAULT, "it is silent"),
    ],
)
async def test_what_the_exchange_says_is_told(
    clock: ManualClock, books: PaperLedgers, told: AccountCheck, level: Severity, words: str
) -> None:
    gateway = ScriptedExchange(books, clock, TERMS)
    gateway.told = told
    findings: list[Finding] = await examine_account(candidate(lambda: gateway), clock)
    [found] = [one for one in findings if words in one.words]
    assert found.level is level
    assert (found.advice is None) == (level is Severity.OK)
