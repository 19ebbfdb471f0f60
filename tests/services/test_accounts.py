import asyncio
from typing import cast

from app.domain.accounts import AccountMode
from app.exchanges.paper.faults import Faults
from app.ports import ExchangeGateway
from app.runtime import Parts, open_runtime
from app.services import Services
from app.services.accounts import AccountEntry, AccountService
from app.settings import Settings
from app.storage.database import Database
from tests.conftest import START, on_each_database
from tests.support.clock import ManualClock


async def test_an_account_out_of_reach_says_when_it_was_last_compared(
    settings: Settings, clock: ManualClock
) -> None:
    async with open_runtime(settings, Parts(clock=clock)) as services:
        assert last_reconciled(services) == START
    await clock.advance(3600)
    away = Parts(clock=clock, faults={"paper": Faults(is_disconnected=True)})
    async with open_runtime(settings, away) as services:
        assert last_reconciled(services) == START


def last_reconciled(services: Services) -> object:
    accounts = services.accounts
    return accounts.describe(accounts.get("paper")).last_reconciled_at


@on_each_database
async def test_processes_that_start_at_the_same_moment_register_the_same_accounts(
    database: Database, clock: ManualClock
) -> None:
    entry = AccountEntry(
        name="paper",
        exchange="paper",
        mode=AccountMode.PAPER,
        max_open_orders=None,
        answer_seconds=10,
        gateway=cast("ExchangeGateway", None),
    )
    starting = [AccountService(database, clock, [entry]) for _ in range(8)]
    await asyncio.gather(*(accounts.register() for accounts in starting))
    async with database.snapshot() as view:
        stored = await view.accounts.find("paper")
    assert stored is not None
    assert stored["mode"] == "PAPER"
