"""A program that submits a paper order and dies at a crash point: crashing.py URL CRASH_POINT."""

import asyncio
import sys
from dataclasses import replace
from decimal import Decimal

from app.bus import Bus
from app.domain.order_kinds import OrderSide, OrderType
from app.domain.orders.reports import OrderIntent
from app.exchanges.paper.exchange import PaperExchange
from app.exchanges.paper.faults import CrashPoint, Faults
from app.storage.database import Database
from app.storage.paper import PaperLedgers
from tests.exchanges.conftest import START
from tests.support import loops
from tests.support.clock import ManualClock
from tests.support.exchanges.rigs import (
    TERMS,
    a_limit,
    a_triggered,
    an_intent,
    steps_off,
    ticker_of,
)

WIRE_ID = "w-crash"


def a_stop(trigger: Decimal) -> OrderIntent:
    stop = a_triggered(OrderType.STOP_MARKET, OrderSide.SELL, trigger)
    return replace(stop, wire_id=WIRE_ID)


async def main(url: str, point: CrashPoint) -> None:
    database = Database(url, Bus())
    try:
        await die(PaperLedgers(database, "desk"), point)
    finally:
        # If it did not die, it must still end, which the database's threads would prevent.
        await database.close()


async def die(books: PaperLedgers, point: CrashPoint) -> None:
    clock = ManualClock(START)
    exchange = PaperExchange(books, clock, TERMS, Faults(crash_at={point}))
    ticker = await ticker_of(exchange)
    match point:
        case CrashPoint.AFTER_MATCHING:
            await exchange.submit(a_limit(steps_off(ticker.bid, -2), wire_id=WIRE_ID))
        case CrashPoint.BEFORE_TRIGGERING:
            await exchange.submit(a_stop(steps_off(ticker.last, -200)))
        case _:
            await exchange.submit(an_intent(wire_id=WIRE_ID))
            return
    matching = asyncio.create_task(exchange.run())
    await clock.until_asleep()
    await clock.advance(60)
    matching.cancel()


if __name__ == "__main__":
    loops.run(main(sys.argv[1], CrashPoint(sys.argv[2])))
