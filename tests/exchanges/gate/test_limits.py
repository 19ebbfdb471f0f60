"""Gate takes ten orders a second in a market, and tells when a limit is over."""

import asyncio
from decimal import Decimal

import pytest

from app.errors import ExchangeRejected, RefusalCode
from tests.exchanges.conftest import START
from tests.support.clock import ManualClock
from tests.support.exchanges.at.gate import trading
from tests.support.exchanges.desks import while_time_passes
from tests.support.exchanges.rigs import a_limit
from tests.support.venues.gate.api.faults import refusal
from tests.support.venues.gate.api.refusals import too_many_requests
from tests.support.venues.serving.requests import RequestKind


async def test_a_burst_of_orders_in_one_market_is_sent_at_the_pace_of_gate() -> None:
    # The pace of ccxt, in which a unit of cost takes 50 milliseconds.
    async with trading(ManualClock(START), rate_limit=50) as desk:
        desk.venue.limits.are_kept = True

        async def burst() -> None:
            orders = (a_limit(Decimal(40_000)) for _ in range(30))
            await asyncio.gather(*map(desk.gateway.submit, orders))

        await while_time_passes(desk, burst())
        assert desk.venue.limits.refused == {}
        assert len(desk.venue.orders(desk.account)) == 30


@pytest.mark.parametrize("in_seconds", [True, False])
async def test_a_pause_lasts_until_the_time_that_gate_tells_in_whichever_unit(
    *, in_seconds: bool
) -> None:
    async with trading(ManualClock(START)) as desk:
        over_at = desk.venue.now() + 7000
        told = over_at // 1000 if in_seconds else over_at
        desk.venue.faults.on(RequestKind.CREATE_ORDER, refusal(too_many_requests(reset_at=told)))
        with pytest.raises(ExchangeRejected) as caught:
            await desk.gateway.submit(a_limit(Decimal(40_000)))
        assert caught.value.refusal.code is RefusalCode.RATE_LIMITED
        assert desk.gateway._session.banned_seconds == 7


async def test_amendments_of_ten_a_second_share_the_pace_of_orders() -> None:
    async with trading(ManualClock(START)) as desk:
        client = desk.gateway._session.client
        amending = client.calculate_rate_limiter_cost([], "PATCH", "orders/{order_id}", {}, {})
        assert amending == client.calculate_rate_limiter_cost([], "POST", "orders", {}, {}) == 2.2
