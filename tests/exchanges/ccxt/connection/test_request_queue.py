import asyncio
from datetime import UTC, datetime

import pytest

from app.exchanges.ccxt.connection.minute_budgets import BACKGROUND_SHARE, ORDER_SHARE
from app.exchanges.ccxt.connection.request_queue import (
    FIRST_BAN_SECONDS,
    LONGEST_BAN_SECONDS,
    Pace,
    QueueTimeout,
    RateLimitBan,
    RequestQueue,
)
from app.primitives.priorities import Priority, asking_at, priority_here
from tests.support.clock import ManualClock

START = datetime(2025, 6, 1, 12, tzinfo=UTC)
PACE = 0.05


class Line:
    """A queue, and who has left it when."""

    def __init__(
        self,
        seconds_per_cost: float = PACE,
        burst_cost: float = 0.0,
        urgent_burst_cost: float = 0.0,
    ) -> None:
        self.clock = ManualClock(START)
        pace = Pace(
            seconds_per_cost=seconds_per_cost,
            burst_cost=burst_cost,
            urgent_burst_cost=urgent_burst_cost,
        )
        self.queue = RequestQueue(self.clock, pace)
        self.left: list[tuple[str, float]] = []
        self._tasks: list[asyncio.Task[None]] = []

    def ask(
        self, name: str, priority: Priority, cost: float = 1.0, patience: float | None = None
    ) -> asyncio.Task[None]:
        task = asyncio.create_task(self._pass(name, priority, cost, patience))
        self._tasks.append(task)
        return task

    @property
    def names(self) -> list[str]:
        return [name for name, _ in self.left]

    def seconds(self, name: str) -> float:
        return dict(self.left)[name]

    async def finish(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.wait(self._tasks)

    async def _pass(
        self, name: str, priority: Priority, cost: float, patience: float | None
    ) -> None:
        with self.queue.at(priority, patience_seconds=patience):
            await self.queue.admit(cost)
        self.left.append((name, (self.clock.now() - START).total_seconds()))


async def test_requests_leave_at_the_pace_of_the_exchange() -> None:
    line = Line()
    for number, cost in enumerate((1.0, 2.0, 1.0)):
        line.ask(str(number), Priority.LOOKUP, cost)
    await line.clock.advance(1)
    assert line.left == [("0", 0.0), ("1", 0.05), ("2", 0.15)]


async def test_a_cancel_among_500_queued_candle_calls_leaves_within_100_ms() -> None:
    line = Line()
    for number in range(500):
        line.ask(str(number), Priority.MARKET_DATA, 2.0)
    await line.clock.advance(1)
    asked_at = (line.clock.now() - START).total_seconds()
    line.ask("cancel", Priority.CANCEL)
    await line.clock.advance(0.2)
    assert line.seconds("cancel") - asked_at <= 0.1
    assert len(line.queue) > 450
    await line.finish()


async def test_even_on_the_slowest_exchange_a_cancel_waits_for_no_candle() -> None:
    line = Line(seconds_per_cost=1.0)
    for number in range(500):
        line.ask(str(number), Priority.MARKET_DATA, 3.0)
    await line.clock.advance(0.5)
    line.ask("cancel", Priority.CANCEL)
    await line.clock.advance(0.1)
    assert line.seconds("cancel") == 0.5
    await line.finish()


async def test_what_a_cancel_costs_is_paid_by_the_others() -> None:
    line = Line()
    line.ask("cancel", Priority.CANCEL, 4.0)
    await line.clock.advance(0)
    line.ask("candle", Priority.MARKET_DATA)
    await line.clock.advance(1)
    assert line.seconds("candle") == 0.2


async def test_cancels_wait_for_one_another() -> None:
    line = Line()
    for number in range(3):
        line.ask(str(number), Priority.CANCEL)
    await line.clock.advance(1)
    assert [at for _, at in line.left] == [0.0, 0.05, 0.1]


async def test_the_more_urgent_goes_first_whenever_it_came() -> None:
    line = Line()
    line.ask("first", Priority.MARKET_DATA)
    await line.clock.advance(0)
    line.ask("candle", Priority.MARKET_DATA)
    line.ask("lookup", Priority.LOOKUP)
    await line.clock.advance(0.01)
    line.ask("order", Priority.ORDER)
    await line.clock.advance(1)
    assert line.names == ["first", "order", "lookup", "candle"]
    assert line.seconds("order") == 0.01


async def test_an_order_waits_for_orders_and_cancels_alone() -> None:
    line = Line()
    for number in range(100):
        line.ask(f"list {number}", Priority.COMPARISON, 16.0)
    line.ask("cancel", Priority.CANCEL, 2.0)
    line.ask("order", Priority.ORDER, 1.0)
    line.ask("another", Priority.ORDER, 1.0)
    await line.clock.advance(1)
    assert [line.seconds(name) for name in ("cancel", "order", "another")] == [0.0, 0.1, 0.15]
    await line.finish()


async def test_background_work_leaves_a_reserve_for_orders_and_they_one_for_cancels() -> None:
    line = Line()
    minute = 60 / PACE
    for number in range(2_000):
        line.ask(f"list {number}", Priority.COMPARISON, 1.0)
    await line.clock.advance(60)
    assert len(line.left) == BACKGROUND_SHARE * minute
    for number in range(2_000):
        line.ask(f"order {number}", Priority.ORDER, 1.0, patience=5)
        if number % 50 == 49:
            await line.clock.advance(0)
    await line.clock.advance(0.5)
    line.ask("cancel", Priority.CANCEL)
    await line.clock.advance(0)
    assert "cancel" in line.names
    await line.finish()


@pytest.mark.parametrize("priority", [Priority.ORDER, Priority.COMPARISON, Priority.MARKET_DATA])
async def test_no_minute_exceeds_what_the_exchange_allows(priority: Priority) -> None:
    line = Line(burst_cost=50.0)
    for number in range(300):
        line.ask(str(number), priority, 16.0)
        line.ask(f"cancel {number}", Priority.CANCEL, 4.0)
    await line.clock.advance(200)
    costs = [(at, 4.0 if name.startswith("cancel") else 16.0) for name, at in line.left]
    heaviest = max(
        sum(cost for at, cost in costs if begin <= at < begin + 60) for begin, _ in costs
    )
    assert heaviest <= 60 / PACE
    await line.finish()


async def test_what_others_use_of_the_minute_is_not_used_again() -> None:
    line = Line()
    line.queue.budget.note_used(ORDER_SHARE * 60 / PACE - 1)
    line.ask("candle", Priority.MARKET_DATA)
    line.ask("order", Priority.ORDER)
    line.ask("late", Priority.ORDER)
    line.ask("cancel", Priority.CANCEL)
    await line.clock.advance(1)
    assert sorted(line.names) == ["cancel", "order"]
    await line.clock.advance(61)
    assert set(line.names) == {"cancel", "order", "late", "candle"}


async def test_a_cheap_question_passes_one_that_waits_for_the_next_minute() -> None:
    line = Line()
    line.queue.budget.note_used(BACKGROUND_SHARE * 60 / PACE - 2)
    line.ask("list", Priority.COMPARISON, 16.0)
    await line.clock.advance(2)
    line.ask("lookup", Priority.LOOKUP, 1.0)
    await line.clock.advance(1)
    assert line.names == ["lookup"]
    await line.finish()


def test_a_question_is_as_urgent_as_what_it_is_asked_for() -> None:
    assert priority_here(Priority.LOOKUP) is Priority.LOOKUP
    with asking_at(Priority.ORDER):
        assert priority_here(Priority.MARKET_DATA) is Priority.ORDER
        assert priority_here(Priority.CANCEL) is Priority.CANCEL
    with asking_at(Priority.COMPARISON):
        assert priority_here(Priority.LOOKUP) is Priority.COMPARISON
        assert priority_here(Priority.ORDER) is Priority.ORDER


async def test_of_one_urgency_whoever_came_first_goes_first() -> None:
    line = Line()
    for number in range(20):
        line.ask(str(number), Priority.ORDER)
    await line.clock.advance(2)
    assert line.names == [str(number) for number in range(20)]


async def test_what_costs_nothing_waits_for_nothing() -> None:
    line = Line()
    line.ask("candle", Priority.MARKET_DATA, 100)
    await line.clock.advance(0)
    line.ask("order", Priority.ORDER, 0)
    await line.clock.advance(0)
    assert line.names == ["candle", "order"]


@pytest.mark.parametrize("given_up", range(4))
async def test_giving_up_leaves_the_queue_clean(given_up: int) -> None:
    line = Line()
    tasks = [line.ask(str(number), Priority.LOOKUP) for number in range(4)]
    await line.clock.advance(0)
    tasks[given_up].cancel()
    await line.clock.advance(1)
    others = [str(number) for number in range(4) if number != given_up]
    assert [name for name in line.names if name != "0"] == [name for name in others if name != "0"]
    assert len(line.queue) == 0
    line.ask("later", Priority.LOOKUP)
    await line.clock.advance(0)
    assert line.names[-1] == "later"


async def test_whoever_gives_up_while_leading_at_their_turn_blocks_nobody() -> None:
    line = Line()
    line.ask("first", Priority.LOOKUP)
    leading = line.ask("leading", Priority.LOOKUP)
    line.ask("next", Priority.LOOKUP)
    await line.clock.until_asleep()
    advancing = asyncio.create_task(line.clock.advance(PACE))
    leading.cancel()
    await advancing
    assert line.names == ["first", "next"]


async def test_what_is_not_sent_in_time_is_never_sent_and_blocks_nobody() -> None:
    line = Line(seconds_per_cost=10)
    for name in ("first", "second"):
        line.ask(name, Priority.ORDER)
    late = line.ask("late", Priority.ORDER, patience=5)
    line.ask("last", Priority.ORDER)
    await line.clock.advance(4.9)
    assert not late.done()
    await line.clock.advance(0.1)
    with pytest.raises(QueueTimeout, match="nothing was sent"):
        await late
    await line.clock.advance(20)
    assert line.left == [("first", 0.0), ("second", 10.0), ("last", 20.0)]
    assert len(line.queue) == 0


async def test_what_is_sent_in_time_is_not_called_back() -> None:
    line = Line(seconds_per_cost=4)
    line.ask("first", Priority.ORDER)
    line.ask("in time", Priority.ORDER, patience=5)
    await line.clock.advance(100)
    assert line.left == [("first", 0.0), ("in time", 4.0)]


async def test_during_a_ban_nothing_is_sent_and_everyone_is_told() -> None:
    line = Line()
    line.queue.ban(30)
    with pytest.raises(RateLimitBan, match="another 30 s"):
        await line.queue.admit()
    assert line.queue.banned_seconds == 30
    await line.clock.advance(30)
    await line.queue.admit()
    assert line.queue.banned_seconds == 0


async def test_whoever_waits_when_a_ban_begins_is_not_sent() -> None:
    line = Line()
    line.ask("first", Priority.LOOKUP)
    waiting = line.ask("second", Priority.LOOKUP)
    await line.clock.until_asleep()
    line.queue.ban(30)
    await line.clock.advance(1)
    assert isinstance(waiting.exception(), RateLimitBan)
    assert line.names == ["first"]
    assert len(line.queue) == 0


async def test_bans_of_unknown_length_grow_until_one_is_forgiven() -> None:
    line = Line()
    lengths = []
    for _ in range(8):
        line.queue.ban()
        lengths.append(line.queue.banned_seconds)
        await line.clock.advance(line.queue.banned_seconds)
    assert lengths[:3] == [FIRST_BAN_SECONDS, FIRST_BAN_SECONDS * 2, FIRST_BAN_SECONDS * 4]
    assert lengths[-1] == LONGEST_BAN_SECONDS
    line.queue.forgive()
    line.queue.ban()
    assert line.queue.banned_seconds == FIRST_BAN_SECONDS


async def test_a_shorter_ban_does_not_end_a_longer_one() -> None:
    line = Line()
    line.queue.ban(60)
    line.queue.ban(1)
    assert line.queue.banned_seconds == 60


async def test_the_priority_of_one_task_is_not_that_of_another() -> None:
    line = Line()
    line.ask("first", Priority.MARKET_DATA, 4.0)
    await line.clock.advance(0)
    with line.queue.at(Priority.LOOKUP):
        line.ask("candle", Priority.MARKET_DATA)
    line.ask("lookup", Priority.LOOKUP)
    await line.clock.advance(1)
    assert line.names == ["first", "lookup", "candle"]


async def test_after_a_silence_a_burst_leaves_at_once_and_the_pace_holds_again() -> None:
    line = Line(burst_cost=3.0)
    for number in range(6):
        line.ask(str(number), Priority.MARKET_DATA)
    await line.clock.advance(1)
    assert [at for _, at in line.left] == [0.0, 0.0, 0.0, 0.0, 0.05, 0.1]


async def test_after_a_burst_of_orders_a_lookup_waits_for_none_of_them() -> None:
    line = Line(burst_cost=3.0, urgent_burst_cost=20.0)
    for number in range(10):
        line.ask(f"order {number}", Priority.ORDER)
    line.ask("lookup", Priority.LOOKUP)
    line.ask("candle", Priority.MARKET_DATA)
    await line.clock.advance(1)
    assert line.seconds("lookup") == 0.0
    # Eleven others, less its own burst.
    assert line.seconds("candle") == pytest.approx(0.05 * (11 - 3))


@pytest.mark.parametrize("step", [3600.0, -3600.0])
async def test_a_step_of_the_wall_clock_holds_up_no_request_and_lets_none_through(
    step: float,
) -> None:
    line = Line()
    line.ask("first", Priority.LOOKUP, 40.0)
    await line.clock.advance(0)
    line.ask("second", Priority.LOOKUP)
    impatient = line.ask("impatient", Priority.LOOKUP, patience=1.0)
    line.clock.step(wall=step)
    await line.clock.advance(1.5)
    assert line.names == ["first"]
    await line.clock.advance(0.5)
    assert line.names == ["first", "second"]
    with pytest.raises(QueueTimeout):
        await impatient


@pytest.mark.parametrize("step", [3600.0, -3600.0])
async def test_a_ban_is_as_long_as_it_is_however_the_wall_clock_steps(step: float) -> None:
    line = Line()
    line.queue.ban(60)
    line.clock.step(wall=step)
    assert line.queue.banned_seconds == 60
    await line.clock.advance(59)
    with pytest.raises(RateLimitBan):
        await line.queue.admit()
    await line.clock.advance(1)
    await line.queue.admit()


async def test_what_was_asked_is_counted_by_kind_and_urgency_with_its_wait_and_weight() -> None:
    clock = ManualClock(START)
    queue = RequestQueue(clock, Pace(seconds_per_cost=PACE, weight_per_cost=5.0))

    async def ask(priority: Priority, kind: str, cost: float) -> None:
        with queue.at(priority, kind=kind):
            await queue.admit(cost)

    asking = [
        asyncio.create_task(ask(Priority.LOOKUP, "fetch_balance", 4.0)),
        asyncio.create_task(ask(Priority.LOOKUP, "fetch_balance", 4.0)),
        asyncio.create_task(ask(Priority.ORDER, "create_order", 0.2)),
    ]
    await clock.advance(1)
    await asyncio.gather(*asking)
    totals = {(total.kind, total.priority): total for total in queue.traffic.totals}
    balances, orders = totals["fetch_balance", "LOOKUP"], totals["create_order", "ORDER"]
    assert (balances.count, balances.weight) == (2, 40.0)
    assert balances.waited_seconds == pytest.approx(0.21)
    assert (orders.count, orders.weight, orders.waited_seconds) == (1, 1.0, 0.0)
    assert queue.traffic.weight_left == pytest.approx(6000 - 41)


def test_without_a_limit_there_is_no_weight_left_to_tell() -> None:
    queue = RequestQueue(ManualClock(START), Pace(seconds_per_cost=0))
    assert queue.traffic.weight_left is None
