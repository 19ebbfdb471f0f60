"""Everything that can happen to orders, in any order, against every rule of their life."""

import asyncio
import os
from collections.abc import Awaitable
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, assume, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from app.domain.order_kinds import OrderType
from app.domain.orders.amendments import Amendment
from app.domain.orders.requests import OrderRequest
from app.errors import Denied, RefusalCode
from tests.conftest import migrated
from tests.lifecycle.exchange import Answer
from tests.lifecycle.machine import Machine, picked
from tests.support.makers import make_request

pytestmark = pytest.mark.slow

# 2,000 steps; in the soak 200,000, each part of it from a seed of its own.
STEPS = 50
IS_SOAK = bool(os.environ.get("ORDERDECK_TEST_SOAK"))

T = TypeVar("T")
_NAMES = "abcdefgh"
NAMES = st.sampled_from(_NAMES)
ANSWERS = st.sampled_from(
    [*[Answer.CLEAR] * 8, *(one for one in Answer if one is not Answer.DENIED)]
)
# A "no" to a new order may be wrong, and what the exchange reports later is booked all the same.
PLACED = ANSWERS | st.just(Answer.DENIED)
PICK = st.integers(0, 1 << 16)
SHARES = st.integers(1, 100)


class Lifecycle(Machine):
    """Clients, an exchange, and a network between them that does what it likes."""

    @initialize(sizes=st.lists(SHARES, min_size=1, max_size=3))
    def begin_with_orders(self, sizes: list[int]) -> None:
        for name, size in zip(_NAMES, sizes, strict=False):
            self.place(name, Answer.CLEAR, "LIMIT", size)

    # What clients do.

    @rule(name=NAMES, answer=PLACED, type=st.sampled_from(["MARKET", "LIMIT"]), size=SHARES)
    def place(self, name: str, answer: Answer, type: str, size: int) -> None:
        request = self.requests.get(name) or _request(name, OrderType(type), size)
        self.exchange.next_answer = answer
        self.alive(lambda: self.answered(request, self.process.orders.place(request)))
        self.exchange.next_answer = Answer.CLEAR

    @rule(name=NAMES, answer=PLACED, size=SHARES)
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
        request = picked(list(self.requests.values()), pick)
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
                assert order.terms.amendable == replace(
                    order.terms.amendable, amount=size, price=Decimal(price)
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
        held = picked(self.waiting(), pick)
        self.exchange.fill(held, _part(held.rest, share), Decimal(price))

    @precondition(lambda self: self.cut_short())
    @rule(pick=PICK, share=SHARES)
    def fill_late(self, pick: int, share: int) -> None:
        held = picked(self.cut_short(), pick)
        self.exchange.fill(held, _part(held.rest, share), Decimal(100))

    @rule(size=SHARES)
    def place_elsewhere(self, size: int) -> None:
        self.exchange.place_elsewhere(Decimal(size))

    @precondition(lambda self: self.waiting())
    @rule(pick=PICK)
    def expire(self, pick: int) -> None:
        self.exchange.expire(picked(self.waiting(), pick))

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
                await self.process.sync.hear(picked(self.exchange.told, pick))

        self.alive(hear)

    @precondition(lambda self: self.exchange.told)
    @rule(picks=st.lists(PICK, min_size=2, max_size=4), cancels=st.booleans(), pick=PICK)
    def hear_news_all_at_once(self, picks: list[int], cancels: bool, pick: int) -> None:
        reports = [picked(self.exchange.told, pick) for pick in picks]

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
                self.alive(self.process.sync.settling.settle)
            case "compare":
                self.alive(self.process.sync.compare)
            case "prune":
                self.run(self.process.log.prune(timedelta(minutes=1)))
            case "restart":
                self.run(self.reopen())
            case _:
                self.run(self.follower.disconnect())
        self.exchange.is_blind = False


def _request(name: str, type: OrderType, size: int) -> OrderRequest:
    price = Decimal(100) if type is OrderType.LIMIT else None
    return make_request(client_order_id=name, type=type, amount=Decimal(size), price=price)


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
