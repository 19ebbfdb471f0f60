"""What a halt cancels and closes, while everything goes wrong."""

import asyncio
from collections.abc import Awaitable, Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from app.domain.order_kinds import OrderSide, OrderType
from app.domain.orders.filters import OrderFilter
from app.domain.orders.order import Order, OrderStatus
from app.domain.orders.requests import OrderRequest
from app.domain.risk.clearings import Clearing, HaltOptions
from app.exchanges.paper.faults import Call, Faults
from app.runtime import Parts, open_runtime
from app.services import Services
from app.services.risk.clearing_work import HaltReport
from app.services.risk.scope import HaltScope
from app.settings import Settings, load_settings
from tests.conftest import on_each_database
from tests.support.clock import ManualClock
from tests.support.makers import make_request

PAPER = frozenset({"paper"})
ALL = HaltScope.of(PAPER, is_all=True)
FLATTEN = HaltOptions(close_positions=True)
AMOUNTS = {"BTC/USDT": "0.01", "ETH/USDT": "0.1", "SOL/USDT": "1"}


def waiting(name: str, **changes: Any) -> OrderRequest:
    return make_request(client_order_id=name, type=OrderType.LIMIT, price=Decimal(1000), **changes)


async def open_orders(services: Services) -> list[Order]:
    async with services.views.open(PAPER) as view:
        return await view.matching(OrderFilter(accounts=PAPER, open=True))


async def amounts(services: Services) -> list[Decimal]:
    async with services.views.open(PAPER) as view:
        return [held.holding.amount for held in await view.positions()]


async def clearing(services: Services) -> Clearing | None:
    async with services.views.open(PAPER) as view:
        return (await services.risk.read(view, "paper")).clearing


async def is_over(services: Services) -> bool:
    found = await clearing(services)
    return found is not None and found.is_done


async def until(
    clock: ManualClock, is_so: Callable[[], Awaitable[bool]], *, step: float = 0.1
) -> None:
    for _ in range(1000):
        if await is_so():
            return
        await clock.advance(step)
    raise AssertionError("it did not come to be")


async def begin(services: Services, options: HaltOptions = FLATTEN) -> "asyncio.Task[HaltReport]":
    return asyncio.create_task(services.halts.halt(ALL, "a test", options))


async def bought(services: Services) -> None:
    for symbol, amount in AMOUNTS.items():
        request = make_request(
            client_order_id=f"in-{symbol[:3]}", symbol=symbol, amount=Decimal(amount)
        )
        await services.orders.place(request)


async def test_what_is_done_is_told_with_the_halt(services: Services) -> None:
    await bought(services)
    await services.orders.place(waiting("one"))
    report = await services.halts.halt(ALL, "a test", FLATTEN)
    assert report.is_done
    assert (report.failed, report.under_way) == ([], [])
    assert [order.client_order_id for order in report.canceled] == ["one"]
    assert {order.symbol for order in report.closing} == set(AMOUNTS)
    found = await clearing(services)
    assert found is not None
    assert (found.canceled, found.closed, found.under_way, found.failures) == (1, 3, 0, ())
    assert found.is_done
    assert await amounts(services) == [0, 0, 0]


async def test_a_halt_is_answered_in_time_and_goes_on_by_itself(
    services: Services, faults: Faults, clock: ManualClock
) -> None:
    await services.orders.place(waiting("stuck"))
    faults.unavailable.add(Call.CANCEL)
    halting = await begin(services)
    await until(clock, lambda: _is_done(halting))
    report = await halting
    assert not report.is_done
    assert [order.client_order_id for order in report.under_way] == ["stuck"]
    faults.unavailable.clear()
    await until(clock, lambda: is_over(services))
    assert await open_orders(services) == []


@pytest.mark.parametrize("step", [3600.0, -3600.0])
async def test_a_step_of_the_wall_clock_in_the_middle_changes_nothing(
    services: Services, faults: Faults, clock: ManualClock, step: float
) -> None:
    await bought(services)
    for number in range(20):
        await services.orders.place(waiting(f"n-{number}"))
    faults.delay_before_seconds = 1
    halting = await begin(services)
    await clock.advance(0.5)
    clock.step(wall=step)
    await until(clock, lambda: _is_done(halting))
    assert (await halting).failed == []
    await until(clock, lambda: is_over(services))
    found = await clearing(services)
    assert found is not None
    assert (found.canceled, found.closed, found.failures) == (20, 3, ())
    assert await open_orders(services) == []
    assert await amounts(services) == [0, 0, 0]


async def test_a_disk_that_fills_meanwhile_delays_it_and_no_more(
    services: Services, faults: Faults, clock: ManualClock
) -> None:
    await bought(services)
    for number in range(5):
        await services.orders.place(waiting(f"n-{number}"))
    faults.delay_before_seconds = 1
    halting = await begin(services)
    await clock.advance(0.5)
    await _limit_disk(services, 1)
    await clock.advance(5)
    await _limit_disk(services, 1_000_000)
    await until(clock, lambda: is_over(services))
    await asyncio.gather(halting, return_exceptions=True)
    assert await open_orders(services) == []
    assert await amounts(services) == [0, 0, 0]


@on_each_database
async def test_it_goes_on_after_a_restart(
    settings: Settings, clock: ManualClock, faults: Faults
) -> None:
    async with open_runtime(settings, Parts(clock=clock, faults={"paper": faults})) as services:
        await bought(services)
        await services.orders.place(waiting("one"))
        faults.unavailable.add(Call.CANCEL)
        faults.unavailable.add(Call.SUBMIT)
        halting = await begin(services)
        await until(clock, lambda: _is_done(halting))
        assert not (await halting).is_done
    faults.unavailable.clear()
    async with open_runtime(settings, Parts(clock=clock, faults={"paper": faults})) as services:
        await until(clock, lambda: is_over(services))
        assert await open_orders(services) == []
        assert await amounts(services) == [0, 0, 0]


async def test_once_trading_is_resumed_nothing_more_is_closed(
    services: Services, faults: Faults, clock: ManualClock
) -> None:
    await bought(services)
    faults.unavailable.add(Call.SUBMIT)
    halting = await begin(services)
    await until(clock, lambda: _is_done(halting))
    await services.risk.resume(ALL)
    faults.unavailable.clear()
    for _ in range(60):
        await clock.advance(1)
    assert await clearing(services) is None
    assert 0 not in await amounts(services)


async def test_another_halt_can_ask_for_more(services: Services) -> None:
    await bought(services)
    first = await services.halts.halt(ALL, "first", HaltOptions())
    assert first == HaltReport()
    second = await services.halts.halt(ALL, "second", FLATTEN)
    assert len(second.closing) == 3
    assert await amounts(services) == [0, 0, 0]


@pytest.mark.parametrize(("is_external", "left"), [(False, "2"), (True, "0")])
async def test_what_came_from_outside_is_sold_only_if_it_is_asked_for(
    sqlite_url: str, tmp_path: Path, clock: ManualClock, is_external: bool, left: str
) -> None:
    environ = {
        "ORDERDECK_DATABASE_URL": sqlite_url,
        "ORDERDECK_DATA_DIR": str(tmp_path),
        "ORDERDECK_ACCOUNTS__PAPER__PAPER__BALANCES__USDT": "10000",
        "ORDERDECK_ACCOUNTS__PAPER__PAPER__BALANCES__BTC": "2",
    }
    settings = load_settings(environ, tmp_path)
    wish = HaltOptions(close_positions=True, close_external=is_external)
    async with open_runtime(settings, Parts(clock=clock)) as services:
        await services.orders.place(make_request(client_order_id="in", amount=Decimal("0.01")))
        report = await services.halts.halt(ALL, "a test", wish)
        assert report.failed == []
        balances = await services.accounts.get("paper").gateway.balances()
    assert balances["BTC"].free == Decimal(left)


async def test_a_rest_below_the_minimum_is_no_failure(services: Services) -> None:
    await services.orders.place(make_request(client_order_id="in", amount=Decimal("0.01")))
    sold = make_request(
        client_order_id="out", side=OrderSide.SELL, amount=Decimal("0.00999"), reduce_only=True
    )
    assert (await services.orders.place(sold)).order.status is OrderStatus.FILLED
    report = await services.halts.halt(ALL, "a test", FLATTEN)
    assert report == HaltReport()
    assert await amounts(services) == [Decimal("0.00001")]


async def _is_done(task: "asyncio.Task[HaltReport]") -> bool:
    return task.done()


async def _limit_disk(services: Services, pages: int) -> None:
    async with services.views._database.transaction() as tx:
        await tx.sql.run(text(f"PRAGMA max_page_count = {pages}"))
