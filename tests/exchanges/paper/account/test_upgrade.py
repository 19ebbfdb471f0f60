"""Books of the release before, in which nothing had a trigger and nobody noted the tick."""

from decimal import Decimal

from app.domain.orders.order import OrderStatus
from app.exchanges.paper.exchange import PaperExchange
from app.exchanges.paper.prices.price_path import tick_of
from app.storage.database import Database
from app.storage.paper import PaperLedgers
from app.storage.upkeep.migrations import migrate
from tests.conftest import on_each_database
from tests.exchanges.conftest import START
from tests.support.clock import ManualClock
from tests.support.exchanges.rigs import (
    TERMS,
    PaperRig,
    a_limit,
    key_of,
    running,
    steps_off,
    ticker_of,
)


@on_each_database
async def test_what_waited_before_an_upgrade_goes_on_waiting_and_trades(
    database: Database, books: PaperLedgers
) -> None:
    clock = ManualClock(START)
    exchange = PaperExchange(books, clock, TERMS)
    intent = a_limit(steps_off((await ticker_of(exchange)).last, -2))
    await exchange.submit(intent)
    await migrate(database, "0001")
    await migrate(database)
    async with books.snapshot() as view:
        numbers = await view.last_numbers()
    assert (numbers.order, numbers.change, numbers.tick) == (1, 0, tick_of(START))
    await clock.advance(60)
    rig = PaperRig(books, clock)
    async with running(rig):
        found = await rig.gateway.find(key_of(intent))
    assert found is not None
    assert (found.status, found.filled) == (OrderStatus.FILLED, Decimal("0.01"))
