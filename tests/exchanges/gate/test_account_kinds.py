"""Orders of a unified account at Gate are apart from those of a classic one."""

import asyncio
from decimal import Decimal

import pytest

from app.domain.orders.order import OrderStatus
from tests.exchanges.conftest import START
from tests.support.clock import ManualClock
from tests.support.exchanges.desks import while_time_passes
from tests.support.exchanges.rigs import a_limit, key_of
from tests.support.exchanges.venue_rigs import opened, trading_at
from tests.support.venues.engine.accounts import Account
from tests.support.venues.engine.digits import Number
from tests.support.venues.gate.api import faults as gate_faults
from tests.support.venues.gate.venue import Venue
from tests.support.venues.serving import faults
from tests.support.venues.serving.faults import AnyFault
from tests.support.venues.serving.requests import RequestKind


class UnifiedVenue(Venue):
    """Every account that is opened is a unified one."""

    def open_account(self, name: str, **balances: Number) -> Account:
        account = super().open_account(name, **balances)
        self.make_unified(account)
        return account


async def test_a_unified_account_places_finds_and_cancels() -> None:
    clock = ManualClock(START)
    async with trading_at(UnifiedVenue(clock), clock) as desk:
        intent = a_limit(Decimal(40_000))
        await desk.gateway.submit(intent)
        assert len(await desk.gateway.open_orders()) == 1
        assert (await desk.gateway.balances())["BTC"].free == 2
        desk.venue.fill(intent.wire_id, "0.004")
        canceled = await desk.gateway.cancel(key_of(intent))
        assert canceled is not None
        assert (canceled.status, len(canceled.fills)) == (OrderStatus.CANCELED, 1)
        assert len(await desk.gateway.closed_orders(START, ["BTC/USDT"])) == 1
        kinds = {
            entry.params.get("account") for entry in desk.venue.journal.of(RequestKind.CREATE_ORDER)
        }
        assert kinds == {"unified"}


@pytest.mark.parametrize(
    "fault", [faults.CUT, faults.BAD_GATEWAY, faults.HTML, gate_faults.UNKNOWN_OUTCOME], ids=str
)
async def test_an_account_whose_kind_is_not_told_is_not_taken_for_a_classic_one(
    fault: AnyFault,
) -> None:
    clock = ManualClock(START)
    venue = UnifiedVenue(clock)
    venue.faults.on(RequestKind.ACCOUNT_KIND, fault)
    async with opened(venue, clock) as desk:
        await while_time_passes(desk, desk.gateway.opened.wait())
        intent = a_limit(Decimal(40_000))
        assert (await desk.gateway.submit(intent)).status is OrderStatus.OPEN
        assert await desk.gateway.find(key_of(intent)) is not None


async def test_a_key_that_may_not_see_the_account_is_told_so() -> None:
    clock = ManualClock(START)
    venue = Venue(clock)
    forbidden = gate_faults.of_label("FORBIDDEN", "no permission", status=403)
    venue.faults.on(RequestKind.ACCOUNT_KIND, forbidden, times=None)
    async with opened(venue, clock) as desk:
        async with asyncio.timeout(5):
            await venue.journal.until(RequestKind.ACCOUNT_KIND)
            while desk.gateway.connection.detail is None:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
        assert not desk.gateway.opened.is_set()
        assert "key" in (desk.gateway.connection.detail or "")
