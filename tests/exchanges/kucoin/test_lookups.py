"""Orders that KuCoin does not have: it answers with nothing, or with an error."""

import pytest

from app.domain.orders.reports import OrderKey
from tests.support.exchanges.at.kucoin import KucoinRig
from tests.support.exchanges.desks import placed
from tests.support.exchanges.rigs import key_of
from tests.support.venues.serving import faults
from tests.support.venues.serving.requests import RequestKind

NOBODY = OrderKey(symbol="BTC/USDT", wire_id="w-nobody", exchange_order_id=None)


async def test_an_answer_with_nothing_in_it_says_that_there_is_no_order(desk: KucoinRig) -> None:
    assert await desk.gateway.find(NOBODY) is None
    assert await desk.gateway.cancel(NOBODY) is None


@pytest.mark.parametrize("order_id", ["1", "6717422800000000000003ff"])
async def test_an_unknown_id_of_an_exchange_is_looked_up_by_ours_as_well(
    desk: KucoinRig, order_id: str
) -> None:
    intent = await placed(desk)
    known = OrderKey(symbol=intent.symbol, wire_id=intent.wire_id, exchange_order_id=order_id)
    report = await desk.gateway.find(known)
    assert report is not None
    assert report.wire_id == intent.wire_id


async def test_half_an_answer_does_not_say_that_there_is_no_order(desk: KucoinRig) -> None:
    intent = await placed(desk)
    desk.venue.faults.on(RequestKind.FETCH_ORDER, faults.without("data"))
    with pytest.raises(Exception, match="no answer from the exchange"):
        await desk.gateway.find(key_of(intent))
    assert await desk.gateway.find(key_of(intent)) is not None
