import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from structlog.testing import capture_logs

from app.errors import RateLimited
from app.services.access import login_throttle as doorkeeper_module
from app.services.access.login_throttle import LONGEST_SECONDS, MOST_WAITING, LoginThrottle
from tests.support.clock import ManualClock

HERE, THERE = "203.0.113.7", "198.51.100.9"


@pytest.fixture
def login_throttle(clock: ManualClock) -> LoginThrottle:
    return LoginThrottle(clock)


@contextmanager
def trying(
    login_throttle: LoginThrottle, address: str, count: int = 1
) -> Iterator[list[asyncio.Task[None]]]:
    tasks = [asyncio.create_task(login_throttle.delay(address)) for _ in range(count)]
    try:
        yield tasks
    finally:
        for task in tasks:
            task.cancel()


async def waits(
    login_throttle: LoginThrottle, clock: ManualClock, address: str, seconds: float
) -> bool:
    """Whether a wrong secret from this address is answered after this time, and not before."""
    with trying(login_throttle, address) as [task]:
        await clock.until_asleep()
        await clock.advance(seconds - 0.05)
        is_early = task.done()
        await clock.advance(0.05)
        return task.done() and not is_early


async def test_each_wrong_secret_of_an_address_waits_twice_as_long_up_to_a_limit(
    login_throttle: LoginThrottle, clock: ManualClock
) -> None:
    for seconds in (0.1, 0.2, 0.4, 0.5, 0.5):
        assert await waits(login_throttle, clock, HERE, seconds)
    assert await waits(login_throttle, clock, THERE, 0.1)


async def test_however_many_have_failed_the_next_waits_as_long(
    login_throttle: LoginThrottle, clock: ManualClock
) -> None:
    many = 2_000
    with trying(login_throttle, HERE, many) as tasks:
        await clock.until_asleep(many)
        await clock.advance(LONGEST_SECONDS)
        await asyncio.gather(*tasks)
    assert await waits(login_throttle, clock, HERE, LONGEST_SECONDS)


async def test_a_minute_without_one_is_forgiven(
    login_throttle: LoginThrottle, clock: ManualClock
) -> None:
    assert await waits(login_throttle, clock, HERE, 0.1)
    await clock.advance(59)
    assert await waits(login_throttle, clock, HERE, 0.2)
    await clock.advance(61)
    assert await waits(login_throttle, clock, HERE, 0.1)


async def test_whoever_comes_while_a_hundred_wait_is_not_heard(
    login_throttle: LoginThrottle, clock: ManualClock
) -> None:
    with trying(login_throttle, HERE, MOST_WAITING - 1):
        await clock.until_asleep(MOST_WAITING - 1)
        login_throttle.check(HERE)
        with trying(login_throttle, HERE):
            await clock.until_asleep(MOST_WAITING)
            with pytest.raises(RateLimited) as caught:
                login_throttle.check(HERE)
            assert caught.value.retry_after_seconds == LONGEST_SECONDS
            login_throttle.check(THERE)
            await clock.advance(LONGEST_SECONDS)
            login_throttle.check(HERE)


async def test_who_goes_away_waits_no_longer(
    login_throttle: LoginThrottle, clock: ManualClock
) -> None:
    with trying(login_throttle, HERE, MOST_WAITING) as tasks:
        await clock.until_asleep(MOST_WAITING)
    await asyncio.gather(*tasks, return_exceptions=True)
    login_throttle.check(HERE)


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("2001:db8::1", "2001:db8::2", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("203.0.113.7", "203.0.113.8", False),
        ("nobody", "nobody", True),
    ],
)
async def test_a_network_of_ipv6_is_one_address(
    login_throttle: LoginThrottle, clock: ManualClock, one: str, other: str, is_same: bool
) -> None:
    assert await waits(login_throttle, clock, one, 0.1)
    assert await waits(login_throttle, clock, other, 0.2 if is_same else 0.1)


async def test_what_is_remembered_is_bounded(
    login_throttle: LoginThrottle, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doorkeeper_module, "MOST_ADDRESSES", 2)
    for address in ("one", "two", "three"):
        assert await waits(login_throttle, clock, address, 0.1)
    assert len(login_throttle._callers) == 2
    assert await waits(login_throttle, clock, "three", 0.2)


async def test_the_log_grows_by_the_logarithm_of_the_tries(
    login_throttle: LoginThrottle, clock: ManualClock
) -> None:
    with capture_logs() as logs, trying(login_throttle, HERE, 1000) as tasks:
        await clock.until_asleep(1000)
        await clock.advance(LONGEST_SECONDS)
        assert all(task.done() for task in tasks)
    assert [log["failures"] for log in logs] == [2**power for power in range(10)]
    assert {(log["event"], log["address"]) for log in logs} == {("token.wrong", HERE)}
