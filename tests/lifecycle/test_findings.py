"""Ways through the life of an order that are found seldom, walked on purpose."""

import shutil
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from pathlib import Path

import pytest

from app.domain.order_kinds import OrderType
from app.domain.orders.amendments import Amendment
from app.domain.orders.order import Order, OrderStatus
from app.domain.risk.limits import TradingState, TradingStateRecord
from app.errors import Denied, Refusal, RefusalCode
from app.services.orders.gate import OrderGate
from app.services.risk.scope import HaltScope, restrict
from tests.lifecycle.exchange import Answer, Killed, KnownExchange, written
from tests.lifecycle.world import ACCOUNT, ANSWER_SECONDS, NOT_FOUND_SECONDS, Process, open_process
from tests.support.clock import ManualClock
from tests.support.makers import make_request

LIMIT = make_request(type=OrderType.LIMIT, price=Decimal(100), amount=Decimal(10))


@pytest.fixture
def path(sqlite_template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copy(sqlite_template, tmp_path / "orderdeck.db"))


@pytest.fixture
def exchange(path: Path, clock: ManualClock) -> KnownExchange:
    return KnownExchange(clock, lambda wire_id: written(str(path), wire_id))


@pytest.fixture
async def process(
    path: Path, clock: ManualClock, exchange: KnownExchange
) -> AsyncIterator[Process]:
    process = await open_process(path, clock, exchange)
    yield process
    await process.database.close()


async def kinds_of(process: Process, order: Order) -> list[str]:
    async with process.database.snapshot() as view:
        found = await view.events.of_order(order.id, after=0, until_revision=99, limit=99)
    return [str(logged.event.kind) for logged in found]


async def test_an_amendment_that_arrives_late_is_found_by_comparing(
    process: Process, exchange: KnownExchange, clock: ManualClock
) -> None:
    order = (await process.orders.place(LIMIT)).order
    exchange.next_answer = Answer.LATE
    with pytest.raises(Denied, match="no clear answer"):
        await process.orders.amend(order.id, Amendment(amount=Decimal(7)))
    # It was looked up and had not arrived: its place stays taken, for it may do so yet.
    assert [one.terms.amount for one in await process.asked()] == [7]
    exchange.arrive(0)
    await process.sync.compare()
    after, _ = await process.order(order.id)
    assert (after.amount, after.status) == (Decimal(7), OrderStatus.OPEN)
    assert await kinds_of(process, order) == ["SUBMITTED", "ACCEPTED", "AMENDED"]
    await clock.advance(ANSWER_SECONDS + NOT_FOUND_SECONDS + 1)
    await process.sync.settling.settle()
    assert await process.asked() == []


async def test_an_amendment_that_a_dead_process_asked_for_is_found_by_the_next(
    process: Process, exchange: KnownExchange, path: Path, clock: ManualClock
) -> None:
    order = (await process.orders.place(LIMIT)).order
    exchange.next_answer = Answer.KILLED_AFTER
    with pytest.raises(Killed):
        await process.orders.amend(order.id, Amendment(price=Decimal(90)))
    following = await open_process(path, clock, exchange)
    after, _ = await following.order(order.id)
    await following.database.close()
    assert (after.price, after.amendments) == (Decimal(90), 1)


class HaltedMeanwhile(OrderGate):
    """Trading is halted as soon as anything was let in."""

    async def halted_since(self, halts: int, account: str) -> Refusal | None:
        standing = TradingStateRecord(state=TradingState.HALTED, since=self._clock.now())
        async with self._database.transaction() as tx:
            await restrict(tx, HaltScope.of([account]), standing)
        self.note_halt()
        return await super().halted_since(halts, account)


async def test_an_amendment_that_was_let_in_before_a_halt_and_not_sent_yet_is_never_sent(
    process: Process, exchange: KnownExchange, path: Path, clock: ManualClock
) -> None:
    order = (await process.orders.place(LIMIT)).order
    halting = await open_process(path, clock, exchange, HaltedMeanwhile)
    with pytest.raises(Denied) as denied:
        await halting.orders.amend(order.id, Amendment(amount=Decimal(20)))
    assert denied.value.refusal.code is RefusalCode.TRADING_HALTED
    assert await halting.asked() == []
    # Less of it passes always.
    lower = await halting.orders.amend(order.id, Amendment(amount=Decimal(5)))
    await halting.database.close()
    assert (lower.amount, lower.amendments) == (Decimal(5), 1)


async def test_an_order_that_arrives_after_the_verdict_is_found_by_comparing(
    process: Process, exchange: KnownExchange, clock: ManualClock
) -> None:
    exchange.next_answer = Answer.LATE
    order = (await process.orders.place(LIMIT)).order
    for _ in range(3):
        await clock.advance(NOT_FOUND_SECONDS + 1)
        await process.sync.settling.settle()
    given_up, _ = await process.order(order.id)
    assert given_up.status is OrderStatus.REJECTED
    exchange.arrive(0)
    await process.sync.compare()
    after, _ = await process.order(order.id)
    assert (after.status, after.refusal) == (OrderStatus.OPEN, None)
    assert (await kinds_of(process, order))[-1] == "RESOLVED"


async def test_totals_that_grow_before_the_trades_are_known_are_replaced_by_comparing(
    process: Process, exchange: KnownExchange
) -> None:
    order = (await process.orders.place(LIMIT)).order
    [held] = exchange.held.values()
    for amount in (2, 3):
        exchange.fill(held, Decimal(amount), Decimal(100))
        await process.sync.hear(replace(exchange.report(held), fills=()))
    _, guessed = await process.order(order.id)
    assert [fill.is_synthesized for fill in guessed] == [True, True]
    await process.sync.compare()
    after, fills = await process.order(order.id)
    assert [fill.exchange_trade_id for fill in fills] == ["t1", "t2"]
    assert (after.filled, after.cost) == (Decimal(5), Decimal(500))


async def test_comparing_tells_when_it_was_done(process: Process, clock: ManualClock) -> None:
    async def reconciled_at() -> datetime | None:
        async with process.database.snapshot() as view:
            known = await view.accounts.find(ACCOUNT)
        assert known is not None
        at: datetime | None = known["last_reconciled_at"]
        return at

    before = await reconciled_at()
    await clock.advance(1)
    await process.sync.compare()
    assert await reconciled_at() != before


@pytest.mark.parametrize("kind", [OrderType.LIMIT, OrderType.MARKET])
@pytest.mark.parametrize("by", ["news", "comparing"])
async def test_an_order_that_the_exchange_has_although_it_said_no_is_taken_back_with_its_fills(
    process: Process, exchange: KnownExchange, kind: OrderType, by: str
) -> None:
    price = Decimal(100) if kind is OrderType.LIMIT else None
    request = make_request(type=kind, price=price, amount=Decimal(10))
    exchange.next_answer = Answer.DENIED
    with pytest.raises(Denied, match="order creation timeout") as denied:
        await process.orders.place(request)
    rejected = denied.value.existing_order
    assert isinstance(rejected, Order)
    assert rejected.status is OrderStatus.REJECTED
    [held] = exchange.held.values()
    if kind is OrderType.LIMIT:
        exchange.fill(held, Decimal(4), Decimal(100))
    if by == "news":
        for report in exchange.told:
            await process.sync.hear(report)
    else:
        await process.sync.compare(is_whole=True)
    order, fills = await process.order(rejected.id)
    assert (order.status, order.filled) == (held.status, held.filled)
    assert [fill.exchange_trade_id for fill in fills] == [trade.trade_id for trade in held.trades]
    assert (await kinds_of(process, order))[:4] == ["SUBMITTED", "REJECTED", "RESOLVED", "FILL"]
    assert order.refusal is None
    assert process.ledger.forbidden_reports == 0
    # A repeat is answered with the order that there is, and nothing is sent.
    assert (await process.orders.place(request)).order.id == order.id
    assert exchange.sent[order.wire_id] == 1
