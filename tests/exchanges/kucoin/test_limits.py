"""KuCoin's rate limit: it tells how many milliseconds are left, and so long nothing is sent."""

import pytest

from app.errors import ExchangeRejected, RefusalCode
from tests.support.exchanges.at.kucoin import KucoinRig
from tests.support.exchanges.desks import placed
from tests.support.exchanges.rigs import an_intent
from tests.support.venues.kucoin.api import faults
from tests.support.venues.serving.requests import RequestKind


async def test_a_pause_is_as_long_as_the_answer_says(desk: KucoinRig) -> None:
    desk.venue.faults.on(RequestKind.CREATE_ORDER, faults.too_many(retry_after=17))
    with pytest.raises(ExchangeRejected) as caught:
        await desk.gateway.submit(an_intent())
    assert caught.value.refusal.code is RefusalCode.RATE_LIMITED
    assert "17 s" in (desk.gateway.connection.detail or "")
    await desk.clock.advance(17.1)
    await placed(desk)
