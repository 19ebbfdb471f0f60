"""What waits at prices that others make is filled at what is seen, as soon as it is seen."""

import asyncio
from decimal import Decimal
from typing import Any

import pytest
from structlog.testing import capture_logs

from app.domain.order_kinds import OrderSide, OrderType
from app.domain.orders.order import OrderStatus
from app.domain.orders.reports import OrderIntent, OrderReport
from app.errors import ExchangeDoubt, ExchangeUnavailable
from app.exchanges.paper.price_sources.mirrored import POLL_SECONDS
from app.exchanges.paper.price_sources.protocols import MATCHED_PER_TRANSACTION
from tests.exchanges.conftest import START
from tests.exchanges.paper.test_exchange import FlakyBooks
from tests.support.clock import ManualClock
from tests.support.exchanges.memory_ledger import MemoryLedger
from tests.support.exchanges.mirrored import ManualRig
from tests.support.exchanges.rigs import a_limit, a_triggered, key_of, running

BELOW = Decimal(49_000)


@pytest.fixture
def hand() -> ManualRig:
    return ManualRig(MemoryLedger(), ManualClock(START))


def a_stop(trigger: Decimal = BELOW, **changes: Any) -> OrderIntent:
    return a_triggered(OrderType.STOP_MARKET, OrderSide.SELL, trigger, **changes)


async def found(rig: ManualRig, intent: OrderIntent) -> OrderReport:
    report = await rig.gateway.find(key_of(intent))
    assert report is not None
    return report


async def status(rig: ManualRig, intent: OrderIntent) -> OrderStatus:
    return (await found(rig, intent)).status


async def test_a_price_from_before_the_order_does_not_fill_it(hand: ManualRig) -> None:
    earlier, later = a_limit(BELOW), a_limit(BELOW)
    await hand.gateway.submit(earlier)

    async def orders() -> None:
        hand.prices.on_tickers = None
        hand.prices.move(50_000)
        await hand.gateway.submit(later)

    async with running(hand):
        hand.prices.move(48_000)
        hand.prices.on_tickers = orders
        await hand.clock.advance(POLL_SECONDS)
        assert await status(hand, earlier) is OrderStatus.FILLED
        assert await status(hand, later) is OrderStatus.OPEN
        hand.prices.move(48_000)
        await hand.clock.advance(POLL_SECONDS)
        assert await status(hand, later) is OrderStatus.FILLED


async def test_a_limit_beyond_which_was_traded_is_filled_whole(hand: ManualRig) -> None:
    hand.prices.amounts = (Decimal("0.001"),)
    intent = a_limit(BELOW, amount=Decimal("0.2"))
    await hand.gateway.submit(intent)
    async with running(hand):
        hand.prices.move("48999.99")
        await hand.clock.advance(POLL_SECONDS)
    report = await found(hand, intent)
    assert [(fill.price, fill.amount) for fill in report.fills] == [(BELOW, Decimal("0.2"))]


async def test_what_a_stop_needs_and_cannot_be_seen_is_waited_for(hand: ManualRig) -> None:
    stop, limit = a_stop(), a_limit(BELOW)
    for intent in (stop, limit):
        await hand.gateway.submit(intent)
    async with running(hand):
        hand.prices.move(48_000)
        hand.prices.amounts = ()
        await hand.clock.advance(POLL_SECONDS)
        assert await status(hand, stop) is OrderStatus.OPEN
        assert await status(hand, limit) is OrderStatus.FILLED
        hand.prices.amounts = (Decimal(1),)
        await hand.clock.advance(POLL_SECONDS)
        assert await status(hand, stop) is OrderStatus.FILLED


async def test_a_stop_takes_level_by_level_and_says_what_was_not_there(hand: ManualRig) -> None:
    stop = a_stop(amount=Decimal("0.4"))
    await hand.gateway.submit(stop)
    hand.prices.amounts = (Decimal("0.1"), Decimal("0.2"))
    async with running(hand):
        hand.prices.move(48_000)
        await hand.clock.advance(POLL_SECONDS)
    report = await found(hand, stop)
    assert (report.status, report.filled) == (OrderStatus.EXPIRED, Decimal("0.3"))
    assert report.refusal is not None
    assert "0.3 of 0.4" in report.refusal.message
    assert [str(fill.price) for fill in report.fills] == ["47999.99", "47999.98"]


@pytest.mark.parametrize("failing", [{"reading", "writing"}, {"writing"}, {"committing"}])
async def test_storage_that_fails_for_a_while_costs_no_fill(failing: set[str]) -> None:
    books = FlakyBooks(MemoryLedger())
    hand = ManualRig(books, ManualClock(START))
    stop, limit = a_stop(), a_limit(BELOW)
    for intent in (stop, limit):
        await hand.gateway.submit(intent)
    async with running(hand):
        books.failing = failing
        hand.prices.move(48_000)
        await hand.clock.advance(2 * POLL_SECONDS)
        books.failing = set()
        assert {await status(hand, intent) for intent in (stop, limit)} == {OrderStatus.OPEN}
        await hand.clock.advance(POLL_SECONDS)
        assert {await status(hand, intent) for intent in (stop, limit)} == {OrderStatus.FILLED}


async def test_two_processes_fill_an_order_once(hand: ManualRig) -> None:
    intent, other = a_limit(BELOW), hand.restarted()
    await hand.gateway.submit(intent)
    async with running(hand):
        loop = asyncio.create_task(other.gateway.run())
        await hand.clock.until_asleep(2)
        hand.prices.move(48_000)
        await hand.clock.advance(3 * POLL_SECONDS)
        loop.cancel()
        await asyncio.wait([loop])
    assert len((await found(hand, intent)).fills) == 1
    assert (await hand.gateway.balances())["BTC"].free == Decimal("0.51")


async def test_an_order_of_another_process_is_filled_when_that_one_is_gone(hand: ManualRig) -> None:
    async with running(hand):
        intent = a_limit(BELOW)
        await hand.restarted().gateway.submit(intent)
        hand.prices.move(48_000)
        await hand.clock.advance(2 * POLL_SECONDS)
        assert await status(hand, intent) is OrderStatus.FILLED


class CountedBooks(MemoryLedger):
    """Books that count how often they were opened for a change."""

    transactions = 0

    def transaction(self) -> Any:
        self.transactions += 1
        return super().transaction()


async def test_a_crash_of_the_price_fills_a_hundred_orders_in_a_transaction() -> None:
    books = CountedBooks()
    hand = ManualRig(books, ManualClock(START))
    intents = [
        a_limit(BELOW, amount=Decimal("0.0005")) for _ in range(2 * MATCHED_PER_TRANSACTION + 1)
    ]
    for intent in intents:
        await hand.gateway.submit(intent)
    async with running(hand):
        asked, booked = hand.prices.asked["tickers"], books.transactions
        hand.prices.move(48_000)
        await hand.clock.advance(POLL_SECONDS)
        assert hand.prices.asked["tickers"] == asked + 1
        assert books.transactions == booked + 3
    assert {await status(hand, intent) for intent in intents} == {OrderStatus.FILLED}


async def test_nobody_is_asked_for_a_price_that_nothing_waits_for(hand: ManualRig) -> None:
    async with running(hand):
        await hand.clock.advance(3 * POLL_SECONDS)
        assert hand.prices.asked == {}
        intent = a_limit(BELOW)
        await hand.gateway.submit(intent)
        asked = hand.prices.asked["tickers"]
        await hand.clock.advance(3 * POLL_SECONDS)
        assert hand.prices.asked["tickers"] == asked + 3
        await hand.gateway.cancel(key_of(intent))
        await hand.clock.advance(3 * POLL_SECONDS)
        assert hand.prices.asked["tickers"] == asked + 3


@pytest.mark.parametrize(("error", "said"), [(ExchangeUnavailable, 0), (ExchangeDoubt, 2)])
async def test_prices_that_fail_are_asked_for_again(
    hand: ManualRig, error: type[ExchangeDoubt | ExchangeUnavailable], said: int
) -> None:
    intent = a_limit(BELOW)
    await hand.gateway.submit(intent)
    with capture_logs() as logs:
        async with running(hand):
            hand.prices.failure = error("the line is cut")
            hand.prices.move(48_000)
            await hand.clock.advance(2 * POLL_SECONDS)
            hand.prices.failure = None
            await hand.clock.advance(POLL_SECONDS)
            assert await status(hand, intent) is OrderStatus.FILLED
    assert [entry["event"] for entry in logs] == ["paper_matching_failed"] * said
