from datetime import UTC, datetime

import pytest

from app.exchanges.ccxt.connection.decaying_counters import DecayingCounter
from app.primitives.priorities import Priority
from tests.support.clock import ManualClock

START = datetime(2025, 6, 1, 12, tzinfo=UTC)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def counter(clock: ManualClock) -> DecayingCounter:
    return DecayingCounter(clock, cost=40.0, cost_per_second=2.0)


async def test_what_was_spent_decays(counter: DecayingCounter, clock: ManualClock) -> None:
    counter.spend(10.0)
    await clock.advance(3)
    assert counter.spent == pytest.approx(4.0)
    await clock.advance(3)
    assert counter.spent == 0.0


@pytest.mark.parametrize(
    ("priority", "room"),
    [(Priority.COMPARISON, 20.0), (Priority.ORDER, 36.0), (Priority.CANCEL, 40.0)],
)
def test_each_may_fill_its_share_and_no_more(
    counter: DecayingCounter, priority: Priority, room: float
) -> None:
    counter.spend(room - 6)
    assert counter.seconds_until(6.0, priority) == 0.0
    counter.spend(6)
    assert counter.seconds_until(6.0, priority) == pytest.approx(3.0)


def test_what_costs_more_than_a_share_waits_until_all_has_decayed(
    counter: DecayingCounter,
) -> None:
    assert counter.seconds_until(100.0, Priority.COMPARISON) == 0.0
    counter.spend(8.0)
    assert counter.seconds_until(100.0, Priority.COMPARISON) == pytest.approx(4.0)


def test_the_exchanges_own_count_is_taken_over_if_it_is_higher(counter: DecayingCounter) -> None:
    counter.spend(8.0)
    for told, known in ((5.0, 8.0), (30.0, 30.0)):
        counter.note_used(told)
        assert counter.spent == known
