"""Everything that can happen to orders, in any order, against every rule of their life."""

import asyncio
import os
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from app.domain import money
from app.domain.events import OrderEvent
from app.domain.fills import Fill
from app.domain.order_amendments import Amendment, terms_of
from app.domain.order_requests import OrderRequest
from app.domain.orders import (
    TRANSITIONS,
    Order,
    OrderSource,
    OrderStatus,
    OrderType,
    OrderUpdateKind,
)
from app.errors import Denied, RefusalCode
from tests.conftest import START, migrated
from tests.fakes import ManualClock
from tests.lifecycle.exchange import Answer, Held, Killed, KnownExchange, written
from tests.lifecycle.world import ACCOUNT, NOT_FOUND_SECONDS, Follower, Process, open_process
from tests.makers import make_request

# 2,000 steps; in the soak 200,000, each part of it from a seed of its own.
STEPS = 50
IS_SOAK = bool(os.environ.get("ORDERDECK_TEST_SOAK"))

T = TypeVar("T")
_NAMES = "abcdefgh"
NAMES = st.sampled_from(_NAMES)
ANSWERS = st.sampled_from([*[Answer.CLEAR] * 8, *Answer])
PICK = st.integers(0, 1 << 16)
SHARES = st.integers(1, 100)


class Lifecycle(RuleBasedStateMachine):
    """Clients, an exchange, and a network between them that does what it likes."""

    template: Path

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory(prefix="orderdeck-", dir=SHORT_LIVED)
        self.path = Path(self.folder.name) / "orderdeck.db"
        shutil.copy(self.template, self.path)
        self.runner = asyncio.Runner()
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

    @initialize(sizes=st.lists(SHARES, min_size=1, max_size=3))
    def begin_with_orders(self, sizes: list[int]) -> None:
        for name, size in zip(_NAMES, sizes, strict=False):
            self.place(name, Answer.CLEAR, "LIMIT", size)

    # What clients do.

    @rule(name=NAMES, answer=ANSWERS, type=st.sampled_from(["MARKET", "LIMIT"]), size=SHARES)
    def place(self, name: str, answer: Answer, type: str, size: int) -> None:
        request = self.requests.get(name) or _request(name, OrderType(type), size)
        self.exchange.next_answer = answer
        self.alive(lambda: self.answered(request, self.process.orders.place(request)))
        self.exchange.next_answer = Answer.CLEAR

    @rule(name=NAMES, answer=ANSWERS, size=SHARES)
    def place_twice_at_once(self, name: str, answer: Answer, size: int) -> None:
        request = self.requests.get(name) or _request(name, OrderType.LIMIT, size)
        assume(answer not in {Answer.KILLED_BEFORE, Answer.KILLED_AFTER})
        self.exchange.next_answer = answer

        async def both() -> None:
            placing = [self.answered(request, self.process.orders.place(request)) for _ in "ab"]
            await asyncio.gather(*placing)

        self.alive(both)
        self.exchange.next_answer = Answer.CLEAR

    @precondition(lambda self: self.requests)
    @rule(pick=PICK, size=SHARES)
    def place_other_input_under_a_used_name(self, pick: int, size: int) -> None:
        request = _picked(list(self.requests.values()), pick)
        other = _request(request.client_order_id, OrderType.LIMIT, size + 1000)

        async def act() -> None:
            with pytest.raises(Denied) as denied:
                await self.process.orders.place(other)
            assert denied.value.refusal.code is RefusalCode.IDEMPOTENCY_CONFLICT

        self.alive(act)

    @precondition(lambda self: self.latest)
    @rule(pick=PICK, answer=ANSWERS)
    def cancel(self, pick: int, answer: Answer) -> None:
        before = self.picked_order(pick)
        self.exchange.next_answer = answer

        async def act() -> None:
            denied = await _denial(self.process.orders.cancel(before.id))
            assert denied is None or denied.refusal.code is RefusalCode.ALREADY_CLOSED

        if before.is_open:
            self.wished.add(before.id)
        self.alive(act)
        self.exchange.next_answer = Answer.CLEAR

    @precondition(lambda self: self.knows_a_waiting_order())
    @rule(pick=PICK, answer=ANSWERS, rest=st.integers(-1, 50), price=SHARES)
    def amend(self, pick: int, answer: Answer, rest: int, price: int) -> None:
        """To more or less of it open, to none, and to less than what is filled."""
        before = self.picked_open_order(pick)
        size = before.filled + rest
        asked = Amendment(amount=size, price=Decimal(price))
        self.exchange.next_answer = answer

        async def act() -> None:
            denied = await _denial(self.process.orders.amend(before.id, asked))
            order, _ = await self.process.order(before.id)
            if denied is None:
                assert terms_of(order) == terms_of(
                    replace(order, amount=size, price=Decimal(price))
                )
                assert order.is_open == (order.filled < size)

        self.alive(act)
        self.exchange.next_answer = Answer.CLEAR

    @precondition(lambda self: self.latest)
    @rule(pick=PICK, note=st.integers(0, 3))
    def set_metadata(self, pick: int, note: int) -> None:
        order = self.picked_order(pick)
        self.alive(lambda: self.process.orders.set_metadata(order.id, {"note": note}))

    # What happens on the exchange, and on the way from it.

    @precondition(lambda self: self.waiting())
    @rule(pick=PICK, share=SHARES, price=SHARES)
    def fill(self, pick: int, share: int, price: int) -> None:
        held = _picked(self.waiting(), pick)
        self.exchange.fill(held, _part(held.rest, share), Decimal(price))

    @precondition(lambda self: self.cut_short())
    @rule(pick=PICK, share=SHARES)
    def fill_late(self, pick: int, share: int) -> None:
        held = _picked(self.cut_short(), pick)
        self.exchange.fill(held, _part(held.rest, share), Decimal(100))

    @rule(size=SHARES)
    def place_elsewhere(self, size: int) -> None:
        self.exchange.place_elsewhere(Decimal(size))

    @precondition(lambda self: self.waiting())
    @rule(pick=PICK)
    def expire(self, pick: int) -> None:
        self.exchange.expire(_picked(self.waiting(), pick))

    @precondition(lambda self: self.exchange.under_way)
    @rule(pick=PICK)
    def arrive_late(self, pick: int) -> None:
        self.exchange.arrive(pick % len(self.exchange.under_way))

    @precondition(lambda self: self.exchange.told)
    @rule(picks=st.lists(PICK, min_size=1, max_size=4))
    def hear_some_news(self, picks: list[int]) -> None:
        """Any of what was ever told: late, again, or in another order."""

        async def hear() -> None:
            for pick in picks:
                await self.process.sync.hear(_picked(self.exchange.told, pick))

        self.alive(hear)

    @precondition(lambda self: self.exchange.told)
    @rule(picks=st.lists(PICK, min_size=2, max_size=4), cancels=st.booleans(), pick=PICK)
    def hear_news_all_at_once(self, picks: list[int], cancels: bool, pick: int) -> None:
        reports = [_picked(self.exchange.told, pick) for pick in picks]

        async def hear() -> None:
            hearing: list[Awaitable[object]] = [self.process.sync.hear(one) for one in reports]
            if cancels and self.latest:
                hearing.append(_denial(self.process.orders.cancel(self.picked_order(pick).id)))
            await asyncio.gather(*hearing)

        if cancels and self.latest and self.picked_order(pick).is_open:
            self.wished.add(self.picked_order(pick).id)
        self.alive(hear)

    # What the product does by itself, and what befalls it.

    @rule(
        what=st.sampled_from(["settle", "compare", "prune", "restart", "lose a subscription"]),
        is_blind=st.booleans(),
        seconds=st.sampled_from([0, 0.1, 1, 5, 20, 60, 600]),
    )
    def go_on(self, what: str, is_blind: bool, seconds: float) -> None:
        """Time passes, and then one of these."""
        self.run(self.clock.advance(seconds))
        self.exchange.is_blind = is_blind
        match what:
            case "settle":
                self.alive(self.process.sync.settle)
            case "compare":
                self.alive(self.process.sync.compare)
            case "prune":
                self.run(self.process.log.prune(timedelta(minutes=1)))
            case "restart":
                self.run(self.reopen())
            case _:
                self.run(self.follower.disconnect())
        self.exchange.is_blind = False

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
        assert all(times == 1 for times in self.exchange.sent.values()), "sent twice"
        assert not self.process.ledger.forbidden_reports

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
            assert terms_of(order) == held.terms
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
                assert terms_of(order) == held.terms
                assert order.id not in self.wished
                fills = self.latest[order.id][1]
                assert not any(fill.is_synthesized for fill in fills)

    async def ask_for_everything(self) -> None:
        while self.exchange.under_way:
            self.exchange.arrive(0)
        for _ in range(3):
            await self.process.sync.settle()
            await self.process.sync.compare()
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
        return _picked(ours, pick)

    def picked_order(self, pick: int) -> Order:
        return _picked([order for order, _ in self.latest.values()], pick)

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
SHORT_LIVED = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108  never needs a disk


def _request(name: str, type: OrderType, size: int) -> OrderRequest:
    price = Decimal(100) if type is OrderType.LIMIT else None
    return make_request(client_order_id=name, type=type, amount=Decimal(size), price=price)


def _picked(among: list[T], pick: int) -> T:
    return among[pick % len(among)]


def _part(rest: Decimal, share: int) -> Decimal:
    return max(Decimal(1), Decimal(int(rest * share / 100)))


async def _denial(act: Awaitable[object]) -> Denied | None:
    try:
        await act
    except Denied as denied:
        return denied
    return None


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> type[Lifecycle]:
    path = tmp_path_factory.mktemp("lifecycle") / "template.db"
    migrated(f"sqlite+aiosqlite:///{path}")
    Lifecycle.template = path
    return Lifecycle


@pytest.mark.parametrize("part", range(4 if IS_SOAK else 1))
def test_no_order_is_lost_or_doubled_whatever_happens(machine: type[Lifecycle], part: int) -> None:
    drive(machine, examples=1000 if IS_SOAK else 40, derandomize=not IS_SOAK)


def drive(machine: type[Lifecycle], *, examples: int, derandomize: bool) -> None:
    run_state_machine_as_test(
        machine,
        settings=settings(
            max_examples=examples,
            stateful_step_count=STEPS,
            derandomize=derandomize,
            database=None,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
