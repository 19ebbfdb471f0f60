"""What the database itself refuses, whoever writes into it."""

from typing import Any

import pytest

from app.domain.accounts import AccountMode
from app.domain.fills import Fill
from app.domain.order_kinds import OrderSide
from app.domain.orders.order import Order
from app.errors import Duplicate
from app.storage.database import Database
from tests.conftest import START, on_each_database
from tests.support.makers import make_fill, make_order

pytestmark = on_each_database

FIRST = make_order(id="1" * 26, exchange_order_id="x1")
# Equal to the first in nothing that must be unique.
OTHER: dict[str, Any] = {
    "id": "2" * 26,
    "client_order_id": "mine-2",
    "wire_id": "b0000000000000000b",
    "exchange_order_id": "x2",
}


async def insert(database: Database, *orders: Order) -> None:
    async with database.transaction() as tx:
        for name in ("paper", "other"):
            if await tx.accounts.find(name) is None:
                await tx.accounts.insert(name, "paper", AccountMode.PAPER, START)
        for order in orders:
            await tx.orders.insert(order, "{}")


@pytest.mark.parametrize("name", ["client_order_id", "wire_id", "exchange_order_id"])
async def test_no_two_orders_of_an_account_have_the_same_id(database: Database, name: str) -> None:
    await insert(database, FIRST)
    same = {name: getattr(FIRST, name)}
    with pytest.raises(Duplicate):
        await insert(database, make_order(**(OTHER | same)))
    await insert(database, make_order(**(OTHER | same | {"account": "other"})))
    await insert(database, make_order(**(OTHER | {"id": "3" * 26})))


async def test_an_exchange_numbers_orders_market_by_market(database: Database) -> None:
    same = {"exchange_order_id": FIRST.exchange_order_id, "symbol": "ETH/USDT"}
    await insert(database, FIRST, make_order(**(OTHER | same)))
    async with database.snapshot() as view:
        found = await view.orders.find_by_exchange_id("paper", "ETH/USDT", "x1")
    assert found is not None
    assert found.id == OTHER["id"]


def fill_of(trade_id: str, **changes: Any) -> Fill:
    return make_fill(FIRST, exchange_trade_id=trade_id, **changes)


async def test_no_trade_is_a_fill_twice(database: Database) -> None:
    await insert(database, FIRST)
    async with database.transaction() as tx:
        await tx.fills.insert([fill_of("t1"), fill_of("t2", id="2" * 26)])
    with pytest.raises(Duplicate):
        async with database.transaction() as tx:
            await tx.fills.insert([fill_of("t1", id="3" * 26)])
    # Both sides of a trade with oneself, and the trades of another market.
    others: list[dict[str, Any]] = [{"side": OrderSide.SELL}, {"symbol": "ETH/USDT"}]
    for number, other in enumerate(others, 4):
        async with database.transaction() as tx:
            await tx.fills.insert([fill_of("t1", id=str(number) * 26, **other)])
