"""Trading window, limits and trading state checked for every order, over the real runtime."""

import asyncio
from collections import Counter
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app.domain.order_kinds import OrderSide, OrderSource, OrderType
from app.domain.orders.amendments import Amendment
from app.domain.orders.filters import OrderFilter
from app.domain.orders.order import OrderStatus
from app.domain.orders.requests import OrderRequest
from app.domain.risk.limits import TradingState
from app.domain.risk.trading_windows import WindowState
from app.errors import Denied, Refusal, RefusalCode
from app.exchanges.paper.faults import Faults
from app.runtime import Parts, open_runtime
from app.services import Services
from app.services.risk.scope import HaltScope
from app.settings import Settings, load_settings
from tests.conftest import START, on_each_database
from tests.support.clock import ManualClock
from tests.support.makers import make_request

PAPER = frozenset({"paper"})
ALL = HaltScope.of(PAPER, is_all=True)
AT_ONCE = 500
FEWER = 40
OPEN_HERE = OrderFilter(accounts=PAPER, open=True)


def waiting(number: int = 0, **changes: Any) -> OrderRequest:
    """A buy of 10 USDT, so far from the market that it stays open."""
    values = {"type": OrderType.LIMIT, "price": Decimal(1000), **changes}
    return make_request(client_order_id=f"mine-{number}", **values)


def selling(number: int = 0) -> OrderRequest:
    values = {"side": OrderSide.SELL, "amount": Decimal("0.001")}
    return make_request(client_order_id=f"sell-{number}", **values)


async def code_of(services: Services, request: OrderRequest) -> str:
    try:
        await services.orders.place(request)
    except Denied as denied:
        return str(denied.refusal.code)
    return "PLACED"


async def window(services: Services) -> WindowState:
    async with services.views.open(PAPER) as view:
        return await services.trading_window.read(view)


async def standing(services: Services) -> TradingState:
    async with services.views.open(PAPER) as view:
        return (await services.risk.read(view, "paper")).standing.state


async def configure(services: Services, kind: str, changes: dict[str, Any]) -> None:
    service = services.trading_window if kind == "window" else services.risk
    await service.configure(changes)


ONE_LEFT = [
    ("window", {"enabled": True, "max_trades_per_day": 1}, "WINDOW_CLOSED", AT_ONCE),
    ("window", {"enabled": True, "max_trades_per_hour": 1}, "WINDOW_CLOSED", FEWER),
    ("window", {"enabled": True, "cooldown_seconds": 5}, "WINDOW_CLOSED", FEWER),
    ("risk", {"max_open_orders": 1}, "RISK_LIMIT", AT_ONCE),
    ("risk", {"max_orders_per_minute": 1}, "RISK_LIMIT", FEWER),
    ("risk", {"max_open_notional": Decimal("19.99")}, "RISK_LIMIT", AT_ONCE),
    ("risk", {"max_position_notional": Decimal("19.99")}, "RISK_LIMIT", FEWER),
]


@pytest.mark.parametrize(("kind", "limits", "code", "many"), ONE_LEFT)
async def test_of_many_orders_at_once_one_takes_the_last_free_place(
    services: Services, kind: str, limits: dict[str, Any], code: str, many: int
) -> None:
    await configure(services, kind, limits)
    told = await asyncio.gather(*(code_of(services, waiting(number)) for number in range(many)))
    assert Counter(told) == {"PLACED": 1, code: many - 1}


@on_each_database
async def test_one_window_counts_the_trades_of_all_accounts(
    database_url: str, tmp_path: Path, clock: ManualClock
) -> None:
    environ = {
        "ORDERDECK_DATABASE_URL": database_url,
        "ORDERDECK_DATA_DIR": str(tmp_path),
        "ORDERDECK_ACCOUNTS__ONE__EXCHANGE": "paper",
        "ORDERDECK_ACCOUNTS__TWO__EXCHANGE": "paper",
    }
    async with open_runtime(load_settings(environ, tmp_path), Parts(clock=clock)) as services:
        await configure(services, "window", {"enabled": True, "max_trades_per_day": 1})
        asked = [waiting(number, account=("one", "two")[number % 2]) for number in range(FEWER)]
        told = await asyncio.gather(*(code_of(services, one) for one in asked))
        assert Counter(told) == {"PLACED": 1, "WINDOW_CLOSED": FEWER - 1}


async def test_a_trade_that_the_exchange_rejects_is_given_back(
    services: Services, faults: Faults
) -> None:
    await configure(services, "window", {"enabled": True, "max_trades_per_day": 1})
    faults.refusal = Refusal(code=RefusalCode.REJECTED_BY_EXCHANGE, message="not today")
    assert await code_of(services, waiting(1)) == "REJECTED_BY_EXCHANGE"
    faults.refusal = None
    assert (await window(services)).trades.today == 0
    assert await code_of(services, waiting(2)) == "PLACED"
    assert await code_of(services, waiting(3)) == "WINDOW_CLOSED"
    [order] = (await services.orders.cancel_all(OPEN_HERE))[0]
    assert order.status is OrderStatus.CANCELED
    # A canceled entry still counts as a trade.
    assert await code_of(services, waiting(4)) == "WINDOW_CLOSED"


async def test_reductions_pass_window_and_limits_and_are_no_trades(services: Services) -> None:
    await services.orders.place(make_request(client_order_id="bought"))
    await configure(services, "window", {"enabled": True, "max_trades_per_day": 0})
    await configure(services, "risk", {"max_open_orders": 0, "allowed_symbols": ()})
    assert await code_of(services, waiting(1)) == "WINDOW_CLOSED"
    assert await code_of(services, selling()) == "PLACED"
    assert (await window(services)).trades.today == 1


async def test_a_window_speaks_of_the_sources_that_it_applies_to(services: Services) -> None:
    only_bot = {"enabled": True, "max_trades_per_day": 1, "applies_to": (OrderSource.BOT,)}
    await configure(services, "window", only_bot)
    assert await code_of(services, waiting(1)) == "PLACED"
    assert (await window(services)).trades.today == 0
    assert await code_of(services, waiting(2, source=OrderSource.BOT)) == "PLACED"
    assert await code_of(services, waiting(3, source=OrderSource.BOT)) == "WINDOW_CLOSED"
    assert await code_of(services, waiting(4)) == "PLACED"


async def test_counts_roll_over_with_the_trading_day_and_the_hour(settings: Settings) -> None:
    limits = {"enabled": True, "max_trades_per_day": 2, "max_trades_per_hour": 1}
    async with at(settings, hours=0) as services:
        await configure(services, "window", limits)
        assert await code_of(services, waiting(1)) == "PLACED"
        assert await code_of(services, waiting(2)) == "WINDOW_CLOSED"
    async with at(settings, hours=1) as services:
        assert await code_of(services, waiting(3)) == "PLACED"
    async with at(settings, hours=2) as services:
        assert (await window(services)).remaining == 0
    async with at(settings, hours=12) as services:
        found = await window(services)
        assert (found.day.date, found.remaining) == (START.date() + timedelta(days=1), 1)


def at(settings: Settings, *, hours: int) -> AbstractAsyncContextManager[Services]:
    """The runtime, started this long after START."""
    return open_runtime(settings, Parts(clock=ManualClock(START + timedelta(hours=hours))))


async def test_counts_and_states_outlive_the_process(
    settings: Settings, clock: ManualClock
) -> None:
    async with open_runtime(settings, Parts(clock=clock)) as first:
        await configure(first, "window", {"enabled": True, "max_trades_per_day": 1})
        assert await code_of(first, waiting(1)) == "PLACED"
        await first.risk.reduce("going home", ALL)
    async with open_runtime(settings, Parts(clock=clock)) as second:
        assert await code_of(second, waiting(2)) == "TRADING_HALTED"
        await second.risk.resume(ALL)
        assert await code_of(second, waiting(2)) == "WINDOW_CLOSED"


async def test_reducing_lets_only_reductions_pass(services: Services) -> None:
    await services.orders.place(make_request(client_order_id="bought"))
    await services.risk.reduce("a test", ALL)
    assert await code_of(services, waiting(1)) == "TRADING_HALTED"
    assert await code_of(services, selling()) == "PLACED"
    await services.risk.resume(ALL)
    assert await code_of(services, waiting(1)) == "PLACED"


async def test_amending_upwards_is_held_against_the_rules(services: Services) -> None:
    order = (await services.orders.place(waiting())).order
    await configure(services, "risk", {"max_order_notional": Decimal(15)})
    with pytest.raises(Denied) as denied:
        await services.orders.amend(order.id, Amendment(amount=Decimal("0.02")))
    assert denied.value.refusal.code is RefusalCode.RISK_LIMIT
    await services.risk.reduce("a test", ALL)
    with pytest.raises(Denied) as denied:
        await services.orders.amend(order.id, Amendment(price=Decimal(1001)))
    assert denied.value.refusal.code is RefusalCode.TRADING_HALTED
    amended = await services.orders.amend(order.id, Amendment(amount=Decimal("0.006")))
    assert amended.amount == Decimal("0.006")


async def test_a_preview_tells_every_rule_with_limit_and_actual(services: Services) -> None:
    await configure(services, "risk", {"max_order_notional": Decimal(5)})
    found = await services.orders.preview(waiting())
    told = {checked.name: (checked.limit, checked.actual) for checked in found.checks}
    assert told["maxOrderNotional"] == ("5", "10")
    assert found.refusal is not None
    assert found.refusal.code is RefusalCode.RISK_LIMIT


async def test_a_position_counts_with_what_waits_to_add_to_it(services: Services) -> None:
    held = (await services.orders.place(make_request(client_order_id="bought"))).order.cost
    await configure(services, "risk", {"max_position_notional": held + 15})
    assert await code_of(services, waiting(1)) == "PLACED"
    assert await code_of(services, waiting(2)) == "RISK_LIMIT"
