"""Keys that are wrong, weak, too strong or gone, and the words for it."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal

import pytest
from pydantic import SecretStr

from app.domain.accounts import AccountMode, Connectivity
from app.errors import ExchangeDoubt, ExchangeRejected, RefusalCode
from tests.exchanges.conftest import START
from tests.support.clock import ManualClock
from tests.support.exchanges.at.binance import BinanceRig, at_binance, trading
from tests.support.exchanges.rigs import a_limit
from tests.support.venues.serving import faults
from tests.support.venues.serving.requests import RequestKind

ADVICE = ("the key", "the secret", "addresses", "permission for spot trading")


@pytest.fixture
async def desk() -> AsyncIterator[BinanceRig]:
    async with trading(ManualClock(START)) as rig:
        yield rig


def words_of(rig: BinanceRig) -> str:
    return rig.gateway.connection.detail or ""


def state_of(rig: BinanceRig) -> Connectivity:
    return rig.gateway.connection.connectivity


def assert_advises(words: str) -> None:
    assert words.startswith("the exchange refuses the key (")
    assert all(advice in words for advice in ADVICE)


async def test_a_key_as_it_should_be_has_no_problems(desk: BinanceRig) -> None:
    desk.account.is_ip_bound = True
    found = await desk.gateway.examine()
    assert (found.can_trade, found.can_withdraw, found.key_is_ip_bound) == (True, False, True)
    assert found.clock_skew_seconds == 0
    assert found.requests_per_second is not None
    assert found.problems == ()
    assert desk.venue.journal.sent_orders() == []


async def test_a_key_that_may_not_trade_or_may_withdraw_is_told(desk: BinanceRig) -> None:
    desk.account.can_trade, desk.account.can_withdraw = False, True
    found = await desk.gateway.examine()
    assert (found.can_trade, found.can_withdraw, found.key_is_ip_bound) == (False, True, False)


@pytest.mark.parametrize("skew", [3.0, -3.0])
async def test_a_clock_that_is_off_is_told_with_its_direction(
    desk: BinanceRig, skew: float
) -> None:
    desk.venue.skew_seconds = skew
    await desk.gateway._session.client.load_time_difference()
    found = await desk.gateway.examine()
    assert found.clock_skew_seconds == skew


async def test_half_of_the_way_to_the_exchange_and_back_is_taken_off(desk: BinanceRig) -> None:
    slow = faults.delay(desk.clock, 1)
    desk.venue.faults.on(RequestKind.TIME, slow)
    examining = asyncio.create_task(desk.gateway.examine())
    await desk.venue.journal.until(RequestKind.TIME, 2)
    await desk.clock.advance(1)
    assert (await examining).clock_skew_seconds == 0.5


async def test_what_the_exchange_does_not_answer_is_not_known(desk: BinanceRig) -> None:
    desk.venue.faults.everywhere(faults.BAD_GATEWAY)
    found = await desk.gateway.examine()
    assert (found.can_trade, found.can_withdraw, found.clock_skew_seconds) == (None, None, None)
    assert all("no answer from the exchange" in problem for problem in found.problems)
    assert len(found.problems) == 1


async def test_of_an_account_without_keys_only_the_clock_is_told() -> None:
    async with at_binance(ManualClock(START), mode=AccountMode.PAPER) as rig:
        await rig.gateway.opened.wait()
        found = await rig.gateway.examine()
        assert (found.can_trade, found.clock_skew_seconds, found.problems) == (None, 0, ())
        assert rig.venue.journal.count(RequestKind.ACCOUNT) == 0


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"api_key": SecretStr("A" * 64)}, "Invalid API-key, IP, or permissions"),
        ({"api_key": SecretStr("short")}, "API-key format invalid"),
        ({"secret": SecretStr("B" * 64)}, "Signature for this request is not valid"),
    ],
)
async def test_wrong_keys_are_said_with_what_to_look_at(
    changes: dict[str, SecretStr], said: str
) -> None:
    async with at_binance(ManualClock(START), **changes) as rig:
        async with asyncio.timeout(10):
            while state_of(rig) is Connectivity.CONNECTING:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
        assert state_of(rig) is Connectivity.DISCONNECTED
        assert_advises(words_of(rig))
        assert said in words_of(rig)
        (problem,) = (await rig.gateway.examine()).problems
        assert problem == words_of(rig)
        assert "AAAA" not in problem


async def test_an_order_without_permission_is_refused_with_what_to_look_at(
    desk: BinanceRig,
) -> None:
    desk.account.can_trade = False
    with pytest.raises(ExchangeRejected) as caught:
        await desk.gateway.submit(a_limit(Decimal(40_000)))
    assert caught.value.refusal.code is RefusalCode.REJECTED_BY_EXCHANGE
    assert not caught.value.refusal.retryable
    assert_advises(caught.value.refusal.message)


async def test_a_key_that_is_revoked_while_running_shows_until_it_is_taken_again(
    desk: BinanceRig,
) -> None:
    desk.account.is_revoked = True
    with pytest.raises(ExchangeDoubt):
        await desk.gateway.balances()
    assert state_of(desk) is Connectivity.DEGRADED
    assert_advises(words_of(desk))
    await desk.gateway.tickers(["BTC/USDT"])
    assert_advises(words_of(desk))
    (problem,) = (await desk.gateway.examine()).problems
    assert_advises(problem)
    desk.account.is_revoked = False
    await desk.gateway.balances()
    assert state_of(desk) is Connectivity.CONNECTED
