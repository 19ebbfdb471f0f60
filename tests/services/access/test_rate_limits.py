import pytest

from app.errors import RateLimited
from app.services.access.rate_limits import Budget, BudgetService, RateLimits
from tests.conftest import START
from tests.support.clock import ManualClock
from tests.support.exchanges.random_sessions import JumpingClock

FEW = RateLimits(
    cost_per_second=100, orders_per_second=3, subscriptions_per_second=10, open_subscriptions=2
)


@pytest.fixture
def budgets(clock: ManualClock) -> BudgetService:
    return BudgetService(clock, FEW)


def left(budgets: BudgetService, budget: Budget, holder: str = "a") -> int:
    standing = budgets.standing(holder, budget)
    assert standing is not None
    return standing.left


def test_what_is_taken_is_gone_for_the_rest_of_the_second(budgets: BudgetService) -> None:
    budgets.take("a", Budget.ORDERS, 2)
    assert left(budgets, Budget.ORDERS) == 1
    budgets.take("a", Budget.ORDERS)
    with pytest.raises(RateLimited, match=r"takes 1, 0 of 3 a second are left"):
        budgets.take("a", Budget.ORDERS)


async def test_it_is_there_again_when_the_refusal_said(
    budgets: BudgetService, clock: ManualClock
) -> None:
    budgets.take("a", Budget.ORDERS, 3)
    await clock.advance(0.75)
    with pytest.raises(RateLimited) as refused:
        budgets.take("a", Budget.ORDERS)
    assert refused.value.retry_after_seconds == 0.25
    await clock.advance(0.249)
    with pytest.raises(RateLimited):
        budgets.take("a", Budget.ORDERS)
    await clock.advance(0.001)
    budgets.take("a", Budget.ORDERS, 3)


def test_a_refusal_takes_nothing(budgets: BudgetService) -> None:
    budgets.take("a", Budget.ORDERS, 2)
    with pytest.raises(RateLimited):
        budgets.take("a", Budget.ORDERS, 2)
    budgets.take("a", Budget.ORDERS)


def test_what_is_more_than_there_ever_is_takes_all(budgets: BudgetService) -> None:
    budgets.take("a", Budget.ORDERS, 100)
    assert left(budgets, Budget.ORDERS) == 0
    with pytest.raises(RateLimited):
        budgets.take("a", Budget.ORDERS, 100)


def test_each_token_and_each_kind_has_a_budget_of_its_own(budgets: BudgetService) -> None:
    budgets.take("a", Budget.ORDERS, 3)
    budgets.take("a", Budget.COST, 100)
    budgets.take("b", Budget.ORDERS, 3)
    assert left(budgets, Budget.COST, "b") == 100


async def test_a_standing_says_when_all_is_there_again(
    budgets: BudgetService, clock: ManualClock
) -> None:
    await clock.advance(0.3)
    budgets.take("a", Budget.COST, 7)
    await clock.advance(0.4)
    budgets.take("a", Budget.COST, 7)
    standing = budgets.standing("a", Budget.COST)
    assert standing is not None
    assert (standing.left, standing.per_second) == (86, 100)
    assert standing.resets_in_seconds == 0.6


def test_none_is_no_limit(clock: ManualClock) -> None:
    budgets = BudgetService(clock, RateLimits())
    budgets.take("a", Budget.COST, 10**12)
    assert budgets.standing("a", Budget.COST) is None
    with budgets.subscription("a"), budgets.subscription("a"):
        assert budgets.open_of("a") == 2


@pytest.mark.parametrize("step", [3600, -3600])
def test_a_step_of_the_wall_clock_neither_refills_a_budget_nor_holds_it_up(step: int) -> None:
    clock = JumpingClock(START)
    budgets = BudgetService(clock, FEW)
    budgets.take("a", Budget.ORDERS, 3)
    clock.step(wall=step)
    with pytest.raises(RateLimited):
        budgets.take("a", Budget.ORDERS)
    clock.move(1)
    budgets.take("a", Budget.ORDERS, 3)


def test_only_so_many_subscriptions_are_open_at_once(budgets: BudgetService) -> None:
    with budgets.subscription("a"):
        with budgets.subscription("a"):
            with pytest.raises(RateLimited, match="2 subscriptions"), budgets.subscription("a"):
                pass
            assert budgets.open_of("a") == 2
        with budgets.subscription("a"), budgets.subscription("b"):
            assert budgets.open_of("a") == 2
    assert budgets.open_of("a") == 0


def test_a_start_that_the_budget_refuses_is_not_open(clock: ManualClock) -> None:
    budgets = BudgetService(clock, RateLimits(subscriptions_per_second=1))
    with budgets.subscription("a"):
        pass
    with pytest.raises(RateLimited, match="budget of subscriptions"), budgets.subscription("a"):
        pass
    assert budgets.open_of("a") == 0


async def test_of_very_many_tokens_only_those_of_the_last_second_are_remembered(
    budgets: BudgetService, clock: ManualClock
) -> None:
    for number in range(1000):
        token = str(number)
        budgets.take(token, Budget.COST)
        with budgets.subscription(token):
            await clock.advance(0.01)
    assert len(budgets) <= 2 * 100
