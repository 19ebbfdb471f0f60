"""Halting trading: at once, until somebody resumes, and with a report on each order."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest

from app.domain.order_kinds import OrderType
from app.domain.orders.filters import OrderFilter
from app.domain.orders.order import Order, OrderStatus
from app.domain.orders.requests import OrderRequest
from app.domain.risk.clearings import HaltOptions
from app.domain.risk.limits import TradingState, TradingStateRecord
from app.errors import Denied, RefusalCode
from app.exchanges.paper.faults import Call, Faults
from app.runtime import Parts, open_runtime
from app.services import Services
from app.services.orders.service import Placement
from app.services.risk.clearing_work import HaltReport
from app.services.risk.scope import HaltScope, restrict
from app.services.risk.service import RiskState
from app.settings import Settings
from app.storage.database import Transaction
from tests.conftest import START, on_each_database
from tests.support.clock import ManualClock
from tests.support.makers import make_request
from tests.support.services.reading import order_at_exchange

PAPER = frozenset({"paper"})
PATIENCE_SECONDS = 30
ALL = HaltScope.of(PAPER, is_all=True)
ORDERS = 100
CLIENTS = 16


def waiting(name: str, **changes: Any) -> OrderRequest:
    return make_request(client_order_id=name, type=OrderType.LIMIT, price=Decimal(1000), **changes)


async def risk(services: Services) -> RiskState:
    async with services.views.open(PAPER) as view:
        return await services.risk.read(view, "paper")


async def all_orders(services: Services, *, only_open: bool = False) -> list[Order]:
    wanted = OrderFilter(accounts=PAPER, open=True if only_open else None)
    async with services.views.open(PAPER) as view:
        return await view.matching(wanted)


async def is_all_closed(services: Services) -> bool:
    return not await all_orders(services, only_open=True)


async def is_disarmed(services: Services) -> bool:
    return (await risk(services)).fires_at is None


async def until(clock: ManualClock, is_so: Callable[[], Awaitable[object]]) -> None:
    """Let time pass until the condition holds."""
    for _ in range(100):
        if await is_so():
            return
        await clock.advance(0.01)
    raise AssertionError("it did not come to be")


async def halted_in_time(services: Services, clock: ManualClock) -> HaltReport:
    """Halt while up to half a minute passes, no faster than the database can follow."""
    halting = asyncio.create_task(halt(services))
    for _ in range(300):
        if halting.done():
            break
        await clock.advance(0.1)
        await all_orders(services)
    async with asyncio.timeout(PATIENCE_SECONDS):
        return await halting


async def halt(services: Services, **wish: bool) -> HaltReport:
    return await services.halts.halt(ALL, "a test", HaltOptions(**wish))


async def refusal_of(services: Services, request: OrderRequest) -> RefusalCode | None:
    try:
        await services.orders.place(request)
    except Denied as denied:
        return denied.refusal.code
    return None


@pytest.fixture
async def elsewhere(
    services: Services, settings: Settings, clock: ManualClock
) -> AsyncIterator[Services]:
    """Another process, if the database allows two."""
    if settings.database_url.get_secret_value().startswith("sqlite"):
        yield services
        return
    async with open_runtime(settings, Parts(clock=clock)) as other:
        yield other


@on_each_database
async def test_in_the_middle_of_a_hundred_orders_nothing_new_arrives_and_all_is_accounted_for(
    services: Services, elsewhere: Services
) -> None:
    placed: list[Order] = []
    refused: list[Denied] = []
    names = iter(range(ORDERS))
    enough = asyncio.Event()

    async def trade() -> None:
        for number in names:
            try:
                placed.append((await services.orders.place(waiting(f"mine-{number}"))).order)
            except Denied as denied:
                refused.append(denied)
            if len(placed) + len(refused) >= ORDERS // 3:
                enough.set()

    async with asyncio.TaskGroup() as tasks:
        for _ in range(CLIENTS):
            tasks.create_task(trade())
        await enough.wait()
        report = await halt(elsewhere)
    known = await all_orders(services)
    assert {one.refusal.code for one in refused} == {RefusalCode.TRADING_HALTED}
    assert [one for one in known if one.is_open] == []
    open_at_exchange = [
        one
        for one in known
        if (found := await order_at_exchange(services, one)) and found.status.is_open
    ]
    assert open_at_exchange == []
    told = [one.id for one in report.canceled]
    told += [
        one.existing_order.id for one in report.failed if isinstance(one.existing_order, Order)
    ]
    assert len(told) == len(set(told))
    assert set(told) <= {one.id for one in known}
    canceled = {one.id for one in known if one.status is OrderStatus.CANCELED}
    assert canceled == {one.id for one in report.canceled}
    assert await refusal_of(services, waiting("later")) is RefusalCode.TRADING_HALTED


async def test_an_order_that_was_let_in_before_a_halt_and_not_sent_yet_is_never_sent(
    services: Services,
) -> None:
    async def halted(tx: Transaction, _placed: Order) -> None:
        """The closest case: the halt is committed together with the order."""
        await services.halts.latch(tx, ALL, "a test")

    await assert_never_sent(services, Placement(alongside=halted))


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_nor_is_one_where_another_process_has_halted_trading(services: Services) -> None:
    async def halted(tx: Transaction, _placed: Order) -> None:
        """Halts as another process does: this process gets no notice of it."""
        standing = TradingStateRecord(state=TradingState.HALTED, reason="elsewhere", since=START)
        await restrict(tx, ALL, standing)

    await services.trading_window.configure({"enabled": True, "max_trades_per_day": 1})
    await assert_never_sent(services, Placement(alongside=halted))
    # Its place in the trading window is given back.
    await services.risk.resume(ALL)
    assert await refusal_of(services, waiting("later")) is None


async def assert_never_sent(services: Services, placement: Placement) -> None:
    with pytest.raises(Denied) as denied:
        await services.orders.place(waiting("between"), placement=placement)
    assert denied.value.refusal.code is RefusalCode.TRADING_HALTED
    [order] = await all_orders(services)
    assert order.status is OrderStatus.REJECTED
    assert order.refusal == denied.value.refusal
    assert await order_at_exchange(services, order) is None


async def test_an_order_that_arrives_later_is_canceled_and_accounted_for(
    services: Services, faults: Faults, clock: ManualClock
) -> None:
    faults.delay_before_seconds = 1
    placing = asyncio.create_task(services.orders.place(waiting("slow")))
    await clock.until_asleep()
    await until(clock, lambda: all_orders(services))
    report = await halted_in_time(services, clock)
    placed = (await placing).order
    [known] = await all_orders(services)
    assert (known.id, known.status) == (placed.id, OrderStatus.CANCELED)
    assert [one.id for one in report.canceled] == [placed.id]


async def test_what_the_exchange_does_not_confirm_is_told_and_tried_again(
    services: Services, faults: Faults, clock: ManualClock
) -> None:
    order = (await services.orders.place(waiting("stuck"))).order
    faults.unavailable.add(Call.CANCEL)
    [failed] = (await halted_in_time(services, clock)).failed
    assert failed.refusal.code is RefusalCode.EXCHANGE_UNAVAILABLE
    assert isinstance(failed.existing_order, Order)
    assert failed.existing_order.id == order.id
    faults.unavailable.clear()
    for _ in range(40):
        await clock.advance(1)
        if not await all_orders(services, only_open=True):
            break
    assert await all_orders(services, only_open=True) == []


async def test_a_halt_can_be_repeated_and_stays_across_restarts(
    settings: Settings, clock: ManualClock
) -> None:
    async with open_runtime(settings, Parts(clock=clock)) as first:
        await first.orders.place(waiting("one"))
        assert len((await halt(first)).canceled) == 1
        assert (await halt(first)) == HaltReport()
        before = (await risk(first)).standing
    async with open_runtime(settings, Parts(clock=clock)) as second:
        assert (await risk(second)).standing == before
        assert await refusal_of(second, waiting("two")) is RefusalCode.TRADING_HALTED
        await second.risk.reduce("less than halted", ALL)
        assert (await risk(second)).standing == before
        await second.risk.resume(ALL)
        assert await refusal_of(second, waiting("two")) is None


async def test_orders_that_are_not_meant_are_told_as_left_open(services: Services) -> None:
    order = (await services.orders.place(waiting("one"))).order
    [failed] = (await halt(services, cancel_open=False)).failed
    assert isinstance(failed.existing_order, Order)
    assert failed.existing_order.id == order.id
    assert (await all_orders(services, only_open=True)) != []


async def test_positions_are_closed_at_the_market_although_trading_is_halted(
    services: Services,
) -> None:
    await services.orders.place(make_request(client_order_id="bought"))
    report = await halt(services, close_positions=True)
    [closing] = report.closing
    assert (closing.status, closing.amount) == (OrderStatus.FILLED, Decimal("0.01"))
    assert closing.reduce_only
    async with services.views.open(PAPER) as view:
        assert [one.holding.amount for one in await view.positions()] == [0]


async def test_a_reason_must_be_one(services: Services) -> None:
    for reason in ("", " ", "x" * 201, "a\0b"):
        with pytest.raises(Denied):
            await services.halts.halt(ALL, reason, HaltOptions())
    assert (await risk(services)).standing.state is TradingState.ACTIVE


async def test_who_may_not_see_every_account_cannot_resume_what_was_halted_for_all(
    services: Services,
) -> None:
    mine = HaltScope.of(PAPER)
    await services.halts.halt(mine, "mine only", HaltOptions())
    await services.risk.resume(mine)
    assert (await risk(services)).standing.state is TradingState.ACTIVE
    await halt(services)
    with pytest.raises(Denied) as denied:
        await services.risk.resume(mine)
    assert denied.value.refusal.code is RefusalCode.INVALID_STATE


async def test_a_dead_mans_orders_are_canceled_and_trading_is_halted(
    services: Services, clock: ManualClock
) -> None:
    await services.orders.place(waiting("one"))
    await services.dead_man.arm(ALL, 10)
    await clock.advance(9)
    await services.dead_man.arm(ALL, 10)
    await clock.advance(9)
    assert (await risk(services)).standing.state is TradingState.ACTIVE
    await clock.advance(1)
    await until(clock, lambda: is_all_closed(services))
    found = await risk(services)
    assert found.standing.state is TradingState.HALTED
    assert found.standing.reason == "the dead-man switch was not armed again in time"
    await until(clock, lambda: is_disarmed(services))


async def test_a_disarmed_switch_does_not_fire(services: Services, clock: ManualClock) -> None:
    await services.dead_man.arm(ALL, 10)
    await services.dead_man.disarm(ALL)
    await clock.advance(20)
    found = await risk(services)
    assert (found.standing.state, found.fires_at) == (TradingState.ACTIVE, None)


@pytest.mark.parametrize("seconds", [0, -1, 86401])
async def test_a_switch_takes_a_second_to_a_day(services: Services, seconds: int) -> None:
    with pytest.raises(Denied) as denied:
        await services.dead_man.arm(ALL, seconds)
    assert denied.value.refusal.field == ("timeoutSeconds",)


async def test_a_switch_whose_time_passed_while_nobody_ran_fires_before_anything_is_served(
    settings: Settings,
) -> None:
    async with open_runtime(settings, Parts(clock=ManualClock(START))) as first:
        await first.orders.place(waiting("one"))
        await first.dead_man.arm(ALL, 10)
    later = ManualClock(START)
    await later.advance(11)
    async with open_runtime(settings, Parts(clock=later)) as second:
        assert (await risk(second)).standing.state is TradingState.HALTED
        await until(later, lambda: is_all_closed(second))
        [order] = await all_orders(second)
        assert order.status is OrderStatus.CANCELED
