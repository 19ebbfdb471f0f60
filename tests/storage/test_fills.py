from typing import Any

import pytest

from app.domain.accounts import AccountMode
from app.domain.order_kinds import OrderSide, OrderSource
from app.domain.orders.filters import FillFilter
from app.domain.pages import PageRequest
from app.storage.database import Database
from tests.conftest import START, on_each_database
from tests.support.makers import make_fill, make_order

pytestmark = on_each_database

# An order of the API, of two strategies, and of somebody else, with a fill each.
ORDERS: tuple[dict[str, Any], ...] = (
    {"source": OrderSource.API},
    {"source": OrderSource.BOT, "strategy": "momentum"},
    {"source": OrderSource.BOT, "strategy": "patience", "side": OrderSide.SELL},
    {"source": OrderSource.EXTERNAL},
)


async def filled(database: Database) -> None:
    async with database.transaction() as tx:
        await tx.accounts.insert("paper", "paper", AccountMode.PAPER, START)
        for number, changes in enumerate(ORDERS):
            names = {"client_order_id": f"c{number}", "wire_id": f"w{number}"}
            order = make_order(id=str(number) * 26, **names, **changes)
            await tx.orders.insert(order, "{}")
            fill = make_fill(order, id=str(number) * 26, exchange_trade_id=f"t{number}")
            await tx.fills.insert([fill])


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        (FillFilter(sources=frozenset({OrderSource.BOT})), {1, 2}),
        (FillFilter(sources=frozenset({OrderSource.API, OrderSource.EXTERNAL})), {0, 3}),
        (FillFilter(sources=frozenset()), set()),
        (FillFilter(strategy="momentum"), {1}),
        (FillFilter(strategy="nobody's"), set()),
        (FillFilter(side=OrderSide.SELL), {2}),
        (FillFilter(sources=frozenset({OrderSource.BOT}), side=OrderSide.BUY), {1}),
        (FillFilter(sources=frozenset({OrderSource.API}), strategy="momentum"), set()),
    ],
)
async def test_fills_are_found_by_what_placed_their_orders(
    database: Database, wanted: FillFilter, found: set[int]
) -> None:
    await filled(database)
    async with database.snapshot() as view:
        page = await view.fills.page(wanted, PageRequest.of(None))
    assert {int(fill.id[0]) for fill in page.items} == found
