"""The loss guard: losses that restrict an account without a request."""

from decimal import Decimal

import pytest

from app.domain.risk.limits import Losses, TradingState
from app.errors import Denied, RefusalCode
from app.runtime import Parts, open_runtime
from app.services import Services
from app.services.risk.scope import HaltScope
from app.services.risk.service import RiskState
from app.settings import Settings
from tests.support.clock import ManualClock
from tests.support.makers import make_request

PAPER = frozenset({"paper"})
ALL = HaltScope.of(PAPER, is_all=True)
PATIENCE_SECONDS = 900


async def risk(services: Services) -> RiskState:
    async with services.views.open(PAPER) as view:
        return await services.risk.read(view, "paper")


async def losses(services: Services, clock: ManualClock) -> Losses:
    """The losses that the guard watches once there is a limit."""
    await services.risk.configure({"max_drawdown_percent": Decimal(99)})
    for _ in range(20):
        await clock.advance(1)
        found = services.risk.losses("paper")
        if found is not None:
            return found
    raise AssertionError("nobody watches losses")


async def until_reducing(services: Services, clock: ManualClock) -> RiskState:
    for _ in range(PATIENCE_SECONDS):
        found = await risk(services)
        if found.standing.state is TradingState.REDUCING:
            return found
        await clock.advance(1)
    raise AssertionError("no price has moved so far")


async def until_broken(services: Services, clock: ManualClock) -> None:
    """Until a limit is reached at this very moment: the price may have recovered."""
    for _ in range(PATIENCE_SECONDS):
        if await services.risk._loss_guard.broken("paper") is not None:
            return
        await clock.advance(1)
    raise AssertionError("the prices only rise")


async def test_a_loss_that_a_price_alone_has_brought_trips_and_stays(
    settings: Settings, clock: ManualClock
) -> None:
    async with open_runtime(settings, Parts(clock=clock)) as services:
        await services.orders.place(make_request(amount=Decimal("0.1")))
        so_far = (await losses(services, clock)).daily
        orders = services.orders
        limit = max(so_far, Decimal(0)) + 1
        await services.risk.configure({"max_daily_loss": limit})
        found = await until_reducing(services, clock)
        assert found.standing.reason is not None
        assert found.standing.reason.startswith("maxDailyLoss is ")
        with pytest.raises(Denied) as denied:
            await orders.place(make_request(client_order_id="more"))
        assert denied.value.refusal.code is RefusalCode.TRADING_HALTED
        before = found.standing
    async with open_runtime(settings, Parts(clock=clock)) as services:
        assert (await risk(services)).standing == before
        await services.risk.configure({"max_daily_loss": Decimal("0.01")})
        await until_broken(services, clock)
        with pytest.raises(Denied) as denied:
            await services.risk.resume(ALL)
        assert denied.value.refusal.code is RefusalCode.RISK_LIMIT
        await services.risk.configure({"max_daily_loss": None})
        await services.risk.resume(ALL)
        assert (await risk(services)).standing.state is TradingState.ACTIVE
