"""Coinbase's keys and clocks: a token with a wrong time is refused as one of a wrong key is."""

import asyncio

import pytest
from pydantic import SecretStr

from app.domain.accounts import Connectivity
from app.domain.orders.order import OrderStatus
from app.errors import ExchangeRejected
from tests.exchanges.conftest import START
from tests.support.clock import ManualClock
from tests.support.exchanges.at.coinbase import CoinbaseRig, at_coinbase
from tests.support.exchanges.desks import a_buy
from tests.support.exchanges.venue_rigs import trading_at
from tests.support.venues.coinbase.api import signatures
from tests.support.venues.coinbase.venue import Venue
from tests.support.venues.serving.requests import RequestKind


async def test_a_key_as_it_should_be_has_no_problems(desk: CoinbaseRig) -> None:
    found = await desk.gateway.examine()
    assert (found.can_trade, found.can_withdraw, found.key_is_ip_bound) == (True, False, None)
    assert (found.clock_skew_seconds, found.problems) == (0, ())
    assert desk.venue.journal.sent_orders() == []


async def test_a_key_that_may_not_trade_or_may_withdraw_is_told(desk: CoinbaseRig) -> None:
    desk.account.can_trade, desk.account.can_withdraw = False, True
    found = await desk.gateway.examine()
    assert (found.can_trade, found.can_withdraw) == (False, True)
    with pytest.raises(ExchangeRejected, match="refuses the key"):
        await desk.gateway.submit(a_buy())


@pytest.mark.parametrize("name", ["api_key", "secret"])
async def test_wrong_keys_are_said_with_what_to_look_at(name: str) -> None:
    wrong = "organizations/1/apiKeys/2" if name == "api_key" else signatures.new_key()
    async with at_coinbase(ManualClock(START), **{name: SecretStr(wrong)}) as rig:
        async with asyncio.timeout(10):
            while rig.gateway.connection.connectivity is Connectivity.CONNECTING:  # noqa: ASYNC110
                await asyncio.sleep(0.001)
        words = rig.gateway.connection.detail or ""
        assert words.startswith("the exchange refuses the key (")


@pytest.mark.parametrize("skew", [-200, -30, 30, 200])
async def test_a_clock_that_is_off_is_set_by_the_exchanges_time(skew: float) -> None:
    clock = ManualClock(START)
    venue = Venue(clock)
    venue.skew_seconds = skew
    async with trading_at(venue, clock) as desk:
        assert (await desk.gateway.submit(a_buy())).status is OrderStatus.OPEN
        assert (await desk.gateway.examine()).clock_skew_seconds == skew


@pytest.mark.parametrize("skew", [-20, 200])
async def test_a_clock_that_jumps_is_noticed_and_set_anew(desk: CoinbaseRig, skew: float) -> None:
    desk.venue.skew_seconds = skew
    asked = desk.venue.journal.count(RequestKind.TIME)
    with pytest.raises(ExchangeRejected) as caught:
        await desk.gateway.submit(a_buy())
    assert caught.value.refusal.retryable
    await desk.venue.journal.until(RequestKind.TIME, asked + 1)
    await desk.gateway.tickers(["BTC/USDT"])
    assert (await desk.gateway.submit(a_buy())).status is OrderStatus.OPEN
