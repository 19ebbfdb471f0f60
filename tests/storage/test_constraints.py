"""What the database itself refuses, whoever writes into it."""

from dataclasses import replace
from typing import Any

import pytest

from app.domain.accounts import AccountMode
from app.domain.fills import Fill
from app.domain.orders import Order, OrderSide
from app.errors import Duplicate
from app.storage.database import Database
from tests.conftest import START
from tests.makers import make_order, make_trade

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


def fill_of(trade_id: str, **changes: Any) -> Fill:
    trade = make_trade(1, "0.4")
    fill = Fill(
        id="1" * 26,
        order_id=FIRST.id,
        account="paper",
        exchange_trade_id=trade_id,
        symbol=FIRST.symbol,
        side=OrderSide.BUY,
        price=trade.price,
        amount=trade.amount,
        cost=trade.price * trade.amount,
        fee=trade.fee,
        is_maker=True,
        at=trade.at,
        revision=2,
    )
    return replace(fill, **changes)


async def test_no_trade_is_a_fill_twice(database: Database) -> None:
    await insert(database, FIRST)
    async with database.transaction() as tx:
        await tx.fills.insert([fill_of("t1"), fill_of("t2", id="2" * 26)])
    with pytest.raises(Duplicate):
        async with database.transaction() as tx:
            await tx.fills.insert([fill_of("t1", id="3" * 26)])
