"""What must hold whatever happens to orders, after each step and in the end."""

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
)

from app.domain import money
from app.domain.fills import Fill
from app.domain.order_kinds import OrderSource
from app.domain.orders.events import OrderEvent
from app.domain.orders.order import TRANSITIONS, Order, OrderStatus, OrderUpdateKind
from app.domain.orders.requests import OrderRequest
from app.errors import Denied, RefusalCode
from tests.conftest import START
from tests.lifecycle.exchange import Answer, Held, Killed, KnownExchange, written
from tests.lifecycle.world import ACCOUNT, NOT_FOUND_SECONDS, Follower, Process, open_process
from tests.support.clock import ManualClock
from tests.support.folders import SHORT_LIVED
from tests.support.loops import RestingLoop

T = TypeVar("T")


class Machine(RuleBasedStateMachine):
    """One life of many processes on one database, beside the truth that the exchange knows."""

    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(prefix="orderdeck-", dir=SHORT_LIVED)
        self.path = Path(self.folder.name) / "orderdeck.db"
        shutil.copy(self.template, self.path)
        self.runner = asyncio.Runner(loop_factory=RestingLoop)
        self.clock = ManualClock(START)
        self.exchange = KnownExchange(self.clock, lambda wire: written(str(self.path), wire))
        self.follower = Follower()
        self.process: Process = self.run(open_process(self.path, self.clock, self.exchange))
        self.requests: dict[str, OrderRequest] = {}
        self.latest: dict[str, tuple[Order, list[Fill]]] = {}
        self.last_event: dict[str, OrderEvent] = {}
        self.wished: set[str] = set()
        self.has_failed = False

    def teardown(self) -> None:
        try:
            # Whatever was found before is told first.
            if not self.has_failed:
                self.everything_comes_to_rest()
        finally:
            self.run(self.follower.disconnect())
            self.run(self.process.database.close())
            self.runner.close()
            self.folder.cleanup()

    # What must hold after each step.

    @invariant()
    def every_rule_holds(self) -> None:
        self.has_failed = True
        self.run(self.look())
        self.has_failed = False

    async def look(self) -> None:
        seen = self.follower.seen
        last = seen[-1].position.seq if seen else 0
        new = await self.follower.read(self.process)
        for number, logged in enumerate(new, last + 1):
            assert logged.position.seq == number, "a gap in the stream, or a repeat"
            self.check_event(logged.event)
        for order_id in dict.fromkeys(logged.event.order.id for logged in new):
            order, fills = await self.process.order(order_id)
            assert order == self.last_event[order_id].order, "the log tells another order"
            self.check_fills(order, fills)
            self.check_against_the_truth(order, fills)
            self.latest[order_id] = (order, fills)
        if new:
            kept, added_up = await self.process.position()
            assert kept == added_up, "the position is not what its fills add up to"
        await self.check_what_counts()
        assert all(times == 1 for times in self.exchange.sent.values()), "sent twice"
        assert not self.process.ledger.forbidden_reports

    async def check_what_counts(self) -> None:
        """No order has other terms at the exchange than those that it counts with here."""
        asked = await self.process.asked()
        for order, _ in self.latest.values():
            held = self.truth(order)
            if held is None or not held.status.is_open or held.is_untimely:
                continue
            counted = [one.terms for one in asked if one.order_id == order.id]
            assert held.terms in [order.terms.amendable, *counted], "amended past what is counted"

    def check_event(self, event: OrderEvent) -> None:
        before = self.last_event.get(event.order.id)
        assert event.previous_status is (None if before is None else before.order.status)
        if before is None:
            is_ours = event.order.source is OrderSource.API
            begins = OrderUpdateKind.SUBMITTED if is_ours else OrderUpdateKind.IMPORTED
            assert (event.kind, event.order.revision) == (begins, 1)
        else:
            assert event.order.revision == before.order.revision + 1
            assert event.order.filled >= before.order.filled
            assert event.order.amendments >= before.order.amendments
            self.check_transition(before.order.status, event)
        if event.order.refusal is not None and event.kind is OrderUpdateKind.REJECTED:
            self.check_verdict(event.order)
        assert (event.fill is None) == (event.kind not in _FILLING)
        self.last_event[event.order.id] = event

    def check_verdict(self, order: Order) -> None:
        """Not found is final only when it was answered twice, after the grace time."""
        assert order.refusal is not None
        if order.refusal.code is RefusalCode.NOT_FOUND:
            final = order.created_at + timedelta(seconds=NOT_FOUND_SECONDS)
            assert sum(at >= final for at in self.exchange.missed[order.wire_id]) >= 2

    def check_transition(self, before: OrderStatus, event: OrderEvent) -> None:
        after = event.order.status
        stays = after is before and not before.is_answered
        assert stays or after in TRANSITIONS[before] or event.kind is OrderUpdateKind.METADATA

    def check_fills(self, order: Order, fills: list[Fill]) -> None:
        assert order.filled == money.total(fill.amount for fill in fills)
        assert order.cost == money.total(fill.cost for fill in fills)
        assert money.add(order.filled, order.remaining) == order.amount
        trades = [fill.exchange_trade_id for fill in fills if not fill.is_synthesized]
        assert len(trades) == len(set(trades)), "a fill counted twice"
        if order.status is OrderStatus.FILLED:
            assert order.remaining == 0
        if order.status in {OrderStatus.OPEN, OrderStatus.PARTIALLY_FILLED}:
            assert (order.filled > 0) == (order.status is OrderStatus.PARTIALLY_FILLED)

    def check_against_the_truth(self, order: Order, fills: list[Fill]) -> None:
        """What we believe did happen; there may be more that we have not heard of yet."""
        held = self.truth(order)
        if held is None:
            assert not fills
            assert order.status in _NEVER_ANSWERED
            return
        trades = {trade.trade_id: trade for trade in held.trades}
        for fill in fills:
            if fill.exchange_trade_id is not None:
                trade = trades[fill.exchange_trade_id]
                assert (fill.amount, fill.price, fill.fee) == (
                    trade.amount, trade.price, trade.fee,
                )  # fmt: skip
        assert order.filled <= held.filled
        assert order.amendments <= held.amendments
        if order.status.is_answered and order.status is not OrderStatus.REJECTED:
            assert order.exchange_order_id == held.name

    # And what must be so in the end, when the exchange can be asked again.

    def everything_comes_to_rest(self) -> None:
        self.exchange.is_blind = False
        self.exchange.next_answer = Answer.CLEAR
        self.alive(self.ask_for_everything)
        self.run(self.look())
        assert self.run(self.process.asked()) == [], "a place that nobody gives back"
        self.check_that_the_open_orders_agree()
        self.alive(self.hear_everything)
        self.run(self.look())
        for order in self.run(self.process.all_orders()):
            held = self.truth(order)
            if held is None:
                assert order.status is OrderStatus.REJECTED
                assert order.closed_at is not None
                continue
            assert order.status is held.status
            assert (order.filled, order.cost) == (held.filled, held.cost)
            assert order.terms.amendable == held.terms
            known = [fill.exchange_trade_id for fill in self.latest[order.id][1]]
            assert sorted(map(str, known)) == sorted(trade.trade_id for trade in held.trades)
            assert order.id not in self.wished or not held.status.is_open
        ours = [self.truth(order) for order in self.run(self.process.all_orders())]
        unknown = [held.name for held in self.exchange.held.values() if held not in ours]
        assert not unknown, "orders that nobody knows of"
        before = len(self.follower.seen)
        self.alive(self.ask_for_everything)
        self.alive(self.hear_everything)
        self.run(self.look())
        assert len(self.follower.seen) == before, "the same facts again have changed something"

    def check_that_the_open_orders_agree(self) -> None:
        """Without any news: what the exchange answers when it is asked is enough."""
        for order, _ in self.latest.values():
            held = self.truth(order)
            if held is not None and (order.is_open or held.status.is_open):
                assert order.status is held.status
                assert order.filled == held.filled
                assert order.terms.amendable == held.terms
                assert order.id not in self.wished
                fills = self.latest[order.id][1]
                assert not any(fill.is_synthesized for fill in fills)

    async def ask_for_everything(self) -> None:
        while self.exchange.under_way:
            self.exchange.arrive(0)
        for _ in range(3):
            await self.process.sync.settling.settle()
            await self.process.sync.compare(is_whole=True)
            await self.clock.advance(NOT_FOUND_SECONDS + 1)

    async def hear_everything(self) -> None:
        for report in reversed(self.exchange.told):
            await self.process.sync.hear(report)

    # Below, what the rules are made of.

    async def answered(self, request: OrderRequest, placing: Awaitable[Any]) -> None:
        """A client's view of placing: the same order for the same request, for ever."""
        name = request.client_order_id
        known = self.requests.get(name)
        is_in_step = self.process.accounts.is_in_step(ACCOUNT)
        self.requests[name] = request
        refusal = None
        try:
            order = (await placing).order
        except Denied as denied:
            order, refusal = denied.existing_order, denied.refusal
        if order is None:
            # Of ours there is one no: not before we were compared with the exchange.
            assert refusal is not None
            assert refusal.code is RefusalCode.EXCHANGE_UNAVAILABLE
            assert not is_in_step
            assert not self.orders_named(name)
            self.requests.pop(name, None)
            return
        assert isinstance(order, Order)
        assert order.client_order_id == name
        if known is not None:
            assert self.orders_named(name) in ([], [order.id])

    def truth(self, order: Order) -> Held | None:
        return self.exchange.named(order.wire_id, order.exchange_order_id)

    def orders_named(self, name: str) -> list[str]:
        return [one.id for one, _ in self.latest.values() if one.client_order_id == name]

    def alive(self, act: Callable[[], Coroutine[Any, Any, T] | Awaitable[T]]) -> None:
        """Do it; where the process dies in the middle, another one takes its place."""

        async def attempt() -> bool:
            try:
                await act()
            except Killed:
                return False
            return True

        if not self.run(attempt()):
            self.run(self.reopen())

    async def reopen(self) -> None:
        await self.follower.disconnect()
        await self.process.database.close()
        self.exchange.next_answer = Answer.CLEAR
        self.process = await open_process(self.path, self.clock, self.exchange)

    def run(self, act: Coroutine[Any, Any, T]) -> T:
        return self.runner.run(act)

    def picked_open_order(self, pick: int) -> Order:
        """One that the exchange has open; we may not know it yet."""
        waiting = self.waiting()
        ours = [order for order, _ in self.latest.values() if self.truth(order) in waiting]
        return picked(ours, pick)

    def picked_order(self, pick: int) -> Order:
        return picked([order for order, _ in self.latest.values()], pick)

    def waiting(self) -> list[Held]:
        return [held for held in self.exchange.held.values() if held.status.is_open]

    def knows_a_waiting_order(self) -> bool:
        waiting = self.waiting()
        return any(self.truth(order) in waiting for order, _ in self.latest.values())

    def cut_short(self) -> list[Held]:
        closed = {OrderStatus.CANCELED, OrderStatus.EXPIRED}
        return [held for held in self.exchange.held.values() if held.status in closed and held.rest]


_FILLING = {OrderUpdateKind.FILL, OrderUpdateKind.CORRECTED}
_NEVER_ANSWERED = {OrderStatus.SUBMITTING, OrderStatus.IN_DOUBT, OrderStatus.REJECTED}


def picked(among: list[T], pick: int) -> T:
    return among[pick % len(among)]
