"""The wall clock is set an hour forward or back at each stage of an order's life and elsewhere."""

import asyncio
from collections import Counter
from datetime import timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any, cast

import pytest

from app.domain.accounts import AccountMode
from app.domain.order_kinds import OrderType
from app.domain.orders.amendments import Amendment
from app.domain.orders.filters import OrderFilter, OrderSort
from app.domain.orders.order import Order, OrderStatus
from app.domain.pages import PageRequest
from app.domain.risk.limits import TradingState
from app.errors import Denied, RateLimited
from app.exchanges.paper.faults import Call, Faults
from app.services import Services
from app.services.access.login_throttle import LONGEST_SECONDS, MOST_WAITING, LoginThrottle
from app.services.orders.balance_cache import BalanceCache
from app.services.orders.ledger import OrderLedger
from app.services.risk.scope import HaltScope
from app.storage.database import Database
from tests.conftest import on_each_database
from tests.support.clock import ManualClock
from tests.support.makers import make_order, make_request
from tests.support.services.reading import advance_until, kinds_of

PAPER = frozenset({"paper"})
ALL = HaltScope.of([], is_all=True)
HOUR = 3600.0
LARGER = Amendment(amount=Decimal("0.02"))

either_way = pytest.mark.parametrize("step", [HOUR, -HOUR], ids=["forward", "back"])


async def placed(services: Services, **changes: Any) -> Order:
    return (await services.orders.place(make_request(**changes))).order


async def resting(services: Services) -> Order:
    """An order so far from the market that it stays open."""
    return await placed(services, type=OrderType.LIMIT, price=Decimal(1000))


async def only_order(services: Services) -> Order:
    """Wait until one is stored, while the clock stands still."""
    while True:
        async with services.views.open(PAPER) as view:
            found = await view.orders(
                OrderFilter(accounts=PAPER), OrderSort.CREATED_AT_ASC, PageRequest(size=2)
            )
        if found.page.items:
            (order,) = found.page.items
            return order


async def open_notional(services: Services) -> Decimal:
    async with services.views.open(PAPER) as view:
        return (await services.risk.read(view, "paper")).open_notional


async def until_reserved(services: Services, clock: ManualClock) -> None:
    for _ in range(100):
        if await open_notional(services) == 20:
            return
        await clock.advance(0.01)
    raise AssertionError("the amendment was not stored")


@on_each_database
@either_way
async def test_before_it_is_sent(services: Services, clock: ManualClock, step: float) -> None:
    clock.step(wall=step)
    order = await placed(services)
    assert order.status is OrderStatus.FILLED


@on_each_database
@either_way
async def test_orders_a_minute_are_counted_by_the_time_that_has_passed(
    services: Services, clock: ManualClock, step: float
) -> None:
    await services.risk.configure({"max_orders_per_minute": 2})
    await placed(services, client_order_id="one")
    await placed(services, client_order_id="two")
    clock.step(wall=step)
    with pytest.raises(Denied):
        await placed(services, client_order_id="three")
    await clock.advance(59)
    with pytest.raises(Denied):
        await placed(services, client_order_id="four")
    await clock.advance(1)
    await placed(services, client_order_id="five")


@on_each_database
@either_way
async def test_in_flight_it_is_not_looked_up_and_arrives(
    services: Services, clock: ManualClock, faults: Faults, step: float
) -> None:
    faults.delay_before_seconds = 5
    placing = asyncio.create_task(placed(services))
    order = await only_order(services)
    clock.step(wall=step)
    for _ in range(3):
        await services.reconciler.reconcile("paper")
    assert await kinds_of(services, order) == ["SUBMITTED"]
    await clock.advance(6)
    assert (await placing).status is OrderStatus.FILLED
    assert "IN_DOUBT" not in await kinds_of(services, order)


@on_each_database
@either_way
async def test_in_doubt_it_is_given_up_after_the_grace_time_and_not_before(
    services: Services, clock: ManualClock, faults: Faults, step: float
) -> None:
    faults.lost_before = {Call.SUBMIT}
    order = await placed(services)
    clock.step(wall=step)
    for _ in range(3):
        await services.reconciler.reconcile("paper")
    await clock.advance(14)
    assert await kinds_of(services, order) == ["SUBMITTED", "IN_DOUBT"]
    await advance_until(clock, services, order, "REJECTED", seconds=40)


@on_each_database
@either_way
async def test_in_doubt_it_is_found_when_the_exchange_answers_again(
    services: Services, clock: ManualClock, faults: Faults, step: float
) -> None:
    faults.lost_after, faults.news_copies = {Call.SUBMIT}, 0
    faults.unavailable = {Call.FIND}
    order = await placed(services)
    clock.step(wall=step)
    await clock.advance(20)
    assert await kinds_of(services, order) == ["SUBMITTED", "IN_DOUBT"]
    faults.unavailable = set()
    kinds = await advance_until(clock, services, order, "FILL")
    assert kinds == ["SUBMITTED", "IN_DOUBT", "RESOLVED", "FILL"]


@on_each_database
@either_way
async def test_open_it_stays_open_and_can_be_canceled(
    services: Services, clock: ManualClock, step: float
) -> None:
    order = await resting(services)
    clock.step(wall=step)
    await services.reconciler.reconcile("paper")
    await clock.advance(90)
    assert (await only_order(services)).status is OrderStatus.OPEN
    assert (await services.orders.cancel(order.id)).status is OrderStatus.CANCELED


@on_each_database
@either_way
async def test_a_cancel_under_way_is_carried_out(
    services: Services, clock: ManualClock, faults: Faults, step: float
) -> None:
    order = await resting(services)
    faults.unavailable = {Call.CANCEL}
    assert (await services.orders.cancel(order.id)).cancel_requested_at is not None
    clock.step(wall=step)
    faults.unavailable = set()
    await advance_until(clock, services, order, "CANCELED")


@on_each_database
@either_way
async def test_an_amendment_in_flight_keeps_its_place(
    services: Services, clock: ManualClock, faults: Faults, step: float
) -> None:
    order = await resting(services)
    faults.delay_before_seconds = 5
    amending = asyncio.create_task(services.orders.amend(order.id, LARGER))
    await until_reserved(services, clock)
    faults.delay_before_seconds = 0
    clock.step(wall=step)
    await services.reconciler.reconcile("paper")
    assert await open_notional(services) == 20
    await clock.advance(6)
    assert (await amending).amount == LARGER.amount


@on_each_database
@either_way
async def test_an_amendment_without_an_answer_is_looked_up_in_time_and_not_before(
    services: Services, clock: ManualClock, faults: Faults, step: float
) -> None:
    order = await resting(services)
    faults.lost_before = {Call.AMEND, Call.FIND}
    with pytest.raises(Denied):
        await services.orders.amend(order.id, LARGER)
    faults.lost_before = set()
    clock.step(wall=step)
    await services.reconciler.reconcile("paper")
    assert await open_notional(services) == 20
    for _ in range(120):
        await clock.advance(1)
    assert await open_notional(services) == 10


@on_each_database
async def test_an_order_of_a_process_that_died_in_the_future_is_put_in_doubt_in_time(
    services: Services, database: Database, clock: ManualClock
) -> None:
    at = clock.now() + timedelta(hours=1)
    left = make_order(created_at=at, updated_at=at)
    async with database.transaction() as tx:
        await tx.orders.insert(left, "fingerprint")
    for _ in range(150):
        if (await only_order(services)).status is OrderStatus.REJECTED:
            return
        await clock.advance(1)
    raise AssertionError("the order was left as it was")


@on_each_database
@either_way
async def test_the_dead_man_switch_fires_after_its_time(
    services: Services, clock: ManualClock, step: float
) -> None:
    await services.dead_man.arm(ALL, 60)
    clock.step(wall=step)
    await clock.advance(59)
    async with services.views.open(PAPER) as view:
        found = await services.risk.read(view, "paper")
    assert found.standing.state is TradingState.ACTIVE
    for _ in range(50):
        await clock.advance(0.1)
        async with services.views.open(PAPER) as view:
            found = await services.risk.read(view, "paper")
        if found.standing.state is TradingState.HALTED:
            return
    raise AssertionError("it did not fire")


@either_way
async def test_the_login_throttle_forgives_after_a_minute_and_not_before(
    clock: ManualClock, step: float
) -> None:
    throttle = LoginThrottle(clock)
    for _ in range(4):
        failing = asyncio.create_task(throttle.delay("address"))
        await clock.until_asleep()
        await clock.advance(LONGEST_SECONDS)
        await failing
    clock.step(wall=step)
    waiting = [asyncio.create_task(throttle.delay("address")) for _ in range(MOST_WAITING)]
    await clock.until_asleep(MOST_WAITING)
    with pytest.raises(RateLimited):
        throttle.check("address")
    await clock.advance(LONGEST_SECONDS - 0.1)
    assert not any(task.done() for task in waiting)
    await clock.advance(0.1)
    assert all(task.done() for task in waiting)
    clock.step(wall=step)
    await clock.advance(61)
    forgiven = asyncio.create_task(throttle.delay("address"))
    await clock.until_asleep()
    await clock.advance(0.1)
    assert forgiven.done()


@either_way
async def test_balances_are_good_for_a_second(clock: ManualClock, step: float) -> None:
    asked = []

    async def balances() -> dict[str, Any]:
        asked.append(clock.elapsed())
        return {}

    ledger = cast("OrderLedger", SimpleNamespace(changes=Counter[str]()))
    account = SimpleNamespace(
        name="live", mode=AccountMode.LIVE, gateway=SimpleNamespace(balances=balances)
    )
    cache = BalanceCache(ledger, clock)
    await cache.latest(cast("Any", account))
    clock.step(wall=step)
    await clock.advance(0.9)
    await cache.latest(cast("Any", account))
    assert len(asked) == 1
    clock.step(wall=step)
    await clock.advance(0.1)
    await cache.latest(cast("Any", account))
    assert len(asked) == 2
