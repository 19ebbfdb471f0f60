from app.exchanges.paper.faults import Faults
from app.runtime import Parts, open_runtime
from app.services import Services
from app.settings import Settings
from tests.conftest import START
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
