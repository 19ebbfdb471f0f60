"""Amendments: the larger amount is reserved before the exchange is asked."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest

from app.domain.order_kinds import OrderSide, OrderType, PositionType
from app.domain.orders.amendments import Amendment
from app.domain.orders.order import Order
from app.domain.orders.requests import OrderRequest
from app.errors import Denied
from app.exchanges.paper.faults import Call, Faults
from app.runtime import Parts, open_runtime
from app.services import Services
from app.settings import Settings
from tests.conftest import on_each_database
from tests.support.clock import ManualClock
from tests.support.makers import make_request

PAPER = frozenset({"paper"})
EACH = 10
AMENDED = 50
PLACED = 10
ROOM = 5
LARGER = Amendment(amount=Decimal("0.02"))


def waiting(name: str, **changes: Any) -> OrderRequest:
    """A buy of 10 USDT, so far from the market that it stays open."""
    values = {"type": OrderType.LIMIT, "price": Decimal(1000), **changes}
    return make_request(client_order_id=name, **values)


async def placed(services: Services, name: str, **changes: Any) -> Order:
    return (await services.orders.place(waiting(name, **changes))).order


async def code_of(doing: Any) -> str:
    try:
        await doing
    except Denied as denied:
        return str(denied.refusal.code)
    return "DONE"


async def counted(services: Services) -> Decimal:
    """The open notional of the account."""
    async with services.views.open(PAPER) as view:
        return (await services.risk.read(view, "paper")).open_notional


async def until_counted(
    services: Services, clock: ManualClock, wanted: int, *, step_seconds: float = 1
) -> None:
    for _ in range(90):
        if await counted(services) == wanted:
            return
        await clock.advance(step_seconds)
    raise AssertionError(f"{await counted(services)} is counted, and not {wanted}")


@asynccontextmanager
async def processes(settings: Settings, clock: ManualClock, many: int) -> AsyncIterator[Any]:
    """Several runtimes on one database."""
    async with AsyncExitStack() as opened:
        yield [
            await opened.enter_async_context(open_runtime(settings, Parts(clock=clock)))
            for _ in range(many)
        ]


@pytest.mark.parametrize(
    ("database_url", "many"), [("sqlite", 1), ("postgresql", 2)], indirect=["database_url"]
)
async def test_of_amendments_and_orders_at_once_as_many_pass_as_there_is_room_for(
    settings: Settings, clock: ManualClock, many: int
) -> None:
    async with processes(settings, clock, many) as running:
        placing = (placed(running[0], f"mine-{number}") for number in range(AMENDED))
        orders = await asyncio.gather(*placing)
        limit = Decimal(EACH * (AMENDED + ROOM))
        await running[0].risk.configure({"max_open_notional": limit})
        doing = [
            running[number % many].orders.amend(order.id, LARGER)
            for number, order in enumerate(orders)
        ]
        doing += [placed(running[number % many], f"late-{number}") for number in range(PLACED)]
        told = await asyncio.gather(*map(code_of, doing))
        assert Counter(told) == {"DONE": ROOM, "RISK_LIMIT": AMENDED + PLACED - ROOM}
        assert await counted(running[0]) == limit


async def test_what_may_reduce_a_position_is_given_out_once(services: Services) -> None:
    margin = {"position_type": PositionType.MARGIN, "leverage": Decimal(2)}
    await services.orders.place(make_request(client_order_id="long", **margin))
    sell = {**margin, "side": OrderSide.SELL, "price": Decimal(900_000)}
    orders = [
        await placed(services, name, amount=Decimal("0.001"), **sell) for name in ("one", "two")
    ]
    await services.risk.configure({"max_open_notional": Decimal(0)})
    up = Amendment(amount=Decimal("0.009"))
    told = await asyncio.gather(*(code_of(services.orders.amend(order.id, up)) for order in orders))
    assert sorted(told) == ["DONE", "RISK_LIMIT"]


async def test_a_reduction_that_becomes_more_than_one_counts_from_then_on(
    services: Services,
) -> None:
    margin = {"position_type": PositionType.MARGIN, "leverage": Decimal(2)}
    await services.orders.place(make_request(client_order_id="long", **margin))
    sell = {**margin, "side": OrderSide.SELL, "price": Decimal(100_000)}
    order = await placed(services, "sell", amount=Decimal("0.001"), **sell)
    assert await counted(services) == 0
    await services.orders.amend(order.id, Amendment(amount=Decimal("0.011")))
    assert await counted(services) == 1100


async def test_what_the_exchange_surely_did_not_do_is_given_back(
    services: Services, faults: Faults
) -> None:
    order = await placed(services, "mine")
    await services.risk.configure({"max_open_notional": Decimal(10_000_000)})
    too_much = services.orders.amend(order.id, Amendment(amount=Decimal(1000)))
    assert await code_of(too_much) == "INSUFFICIENT_FUNDS"
    assert await counted(services) == EACH
    faults.unavailable.add(Call.AMEND)
    assert await code_of(services.orders.amend(order.id, LARGER)) == "EXCHANGE_UNAVAILABLE"
    assert await counted(services) == EACH


@pytest.mark.parametrize("lost", ["lost_before", "lost_after"])
async def test_whose_answer_is_lost_holds_its_place_until_it_is_known(
    services: Services, faults: Faults, clock: ManualClock, lost: str
) -> None:
    order = await placed(services, "mine")
    await services.risk.configure({"max_open_notional": Decimal(25)})
    getattr(faults, lost).add(Call.AMEND)
    faults.lost_before.add(Call.FIND)
    assert await code_of(services.orders.amend(order.id, LARGER)) == "EXCHANGE_UNAVAILABLE"
    assert await counted(services) == 2 * EACH
    assert await code_of(services.orders.place(waiting("other"))) == "RISK_LIMIT"
    # The amendment stays reserved as long as the exchange does not answer.
    await clock.advance(60)
    assert await counted(services) == 2 * EACH
    faults.lost_before.clear()
    faults.lost_after.clear()
    await services.orders.amend(order.id, Amendment(amount=order.amount))
    await until_counted(services, clock, EACH)


@on_each_database
async def test_one_that_died_with_its_process_holds_its_place_for_a_while_and_no_longer(
    settings: Settings, clock: ManualClock
) -> None:
    faults = Faults()
    async with open_runtime(settings, Parts(clock=clock, faults={"paper": faults})) as first:
        order = await placed(first, "mine")
        faults.delay_before_seconds = 1000
        amending = asyncio.create_task(first.orders.amend(order.id, LARGER))
        await until_counted(first, clock, 2 * EACH, step_seconds=0.01)
        amending.cancel()
    async with open_runtime(settings, Parts(clock=clock)) as second:
        assert await counted(second) == 2 * EACH
        await until_counted(second, clock, EACH)
