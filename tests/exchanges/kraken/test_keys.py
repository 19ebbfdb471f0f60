"""Kraken's keys, and clocks that are off: a request's number is made from our clock."""

import asyncio
from decimal import Decimal

import pytest
from pydantic import SecretStr

from app.domain.accounts import Connectivity
from app.domain.orders.order import OrderStatus
from app.errors import ExchangeDoubt, ExchangeRejected, RefusalCode
from tests.exchanges.conftest import START
from tests.support.clock import ManualClock
from tests.support.exchanges.at.kraken import KrakenRig, at_kraken
from tests.support.exchanges.rigs import a_limit
from tests.support.venues.kraken.api import faults as kraken_faults
from tests.support.venues.serving.requests import RequestKind

PRICE = Decimal(40_000)


def state_of(rig: KrakenRig) -> Connectivity:
    return rig.gateway.connection.connectivity


async def test_a_key_as_it_should_be_has_no_problems(desk: KrakenRig) -> None:
    found = await desk.gateway.examine()
    assert (found.can_trade, found.can_withdraw) == (True, False)
    assert (found.clock_skew_seconds, found.problems) == (0, ())
    assert desk.venue.journal.sent_orders() == []


async def test_a_key_that_may_not_trade_or_may_withdraw_is_told(desk: KrakenRig) -> None:
    desk.account.can_trade, desk.account.can_withdraw = False, True
    found = await desk.gateway.examine()
    assert (found.can_trade, found.can_withdraw) == (False, True)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"api_key": SecretStr("A" * 64)}, "EAPI:Invalid key"),
        ({"secret": SecretStr("B" * 64)}, "EAPI:Invalid signature"),
    ],
)
async def test_wrong_keys_are_said_with_what_to_look_at(
    changes: dict[str, SecretStr], said: str
) -> None:
    async with at_kraken(ManualClock(START), **changes) as rig:
        async with asyncio.timeout(10):
            while state_of(rig) is Connectivity.CONNECTING:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
        words = rig.gateway.connection.detail or ""
        assert words.startswith("the exchange refuses the key (")
        assert said in words


@pytest.mark.parametrize("word", ["EAPI:Invalid signature", "EGeneral:Permission denied"])
async def test_an_order_that_the_key_may_not_place_is_refused(desk: KrakenRig, word: str) -> None:
    desk.venue.faults.on(RequestKind.CREATE_ORDER, kraken_faults.word(word))
    with pytest.raises(ExchangeRejected) as caught:
        await desk.gateway.submit(a_limit(PRICE))
    assert caught.value.refusal.code is RefusalCode.REJECTED_BY_EXCHANGE
    assert "the exchange refuses the key" in caught.value.refusal.message


async def test_a_key_that_is_revoked_while_running_shows_until_it_is_taken_again(
    desk: KrakenRig,
) -> None:
    desk.account.is_revoked = True
    with pytest.raises(ExchangeDoubt):
        await desk.gateway.balances()
    assert state_of(desk) is Connectivity.DEGRADED
    desk.account.is_revoked = False
    await desk.gateway.balances()
    assert state_of(desk) is Connectivity.CONNECTED


@pytest.mark.parametrize("seconds", [-3600.0, 3600.0])
async def test_a_step_of_our_clock_sends_no_number_back(desk: KrakenRig, seconds: float) -> None:
    for step in (seconds, -seconds):
        desk.clock.step(wall=step)
        assert (await desk.gateway.submit(a_limit(PRICE))).status is OrderStatus.OPEN
    assert desk.venue.desk.signatures.refused_nonces == 0


@pytest.mark.parametrize("skew", [3.0, -3.0])
async def test_a_clock_that_is_off_is_told_and_moves_no_number(
    desk: KrakenRig, skew: float
) -> None:
    desk.venue.skew_seconds = skew
    assert (await desk.gateway.examine()).clock_skew_seconds == skew
    await desk.gateway._session._sync_time(desk.gateway._session.client)
    assert (await desk.gateway.submit(a_limit(PRICE))).status is OrderStatus.OPEN
    assert desk.venue.desk.signatures.refused_nonces == 0
