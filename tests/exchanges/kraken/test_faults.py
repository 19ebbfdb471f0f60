"""What Kraken's words prove of an order that is looked up, over the genuine ccxt."""

import pytest

from app.domain.orders.order import OrderStatus
from app.domain.orders.reports import OrderKey
from app.errors import ExchangeDoubt, ExchangeRejected
from tests.support.exchanges.at.kraken import KrakenRig
from tests.support.exchanges.desks import a_buy, placed
from tests.support.exchanges.rigs import key_of
from tests.support.venues.kraken.api import faults as kraken_faults
from tests.support.venues.serving.requests import RequestKind


def an_unknown_key() -> OrderKey:
    return key_of(a_buy(), "OQCLML-BW3P3-BUCMWZ")


async def test_an_unknown_order_ends_a_lookup_by_its_id(desk: KrakenRig) -> None:
    assert await desk.gateway.find(an_unknown_key()) is None


@pytest.mark.parametrize(
    "word", ["EOrder:Invalid order", "EService:Unavailable", "EGeneral:Internal error"]
)
async def test_an_answer_that_proves_nothing_ends_no_lookup(desk: KrakenRig, word: str) -> None:
    desk.venue.faults.on(RequestKind.FETCH_ORDER, kraken_faults.word(word))
    with pytest.raises(ExchangeDoubt):
        await desk.gateway.find(an_unknown_key())


async def test_a_list_cannot_say_that_an_order_is_missing(desk: KrakenRig) -> None:
    desk.venue.faults.on(RequestKind.OPEN_ORDERS, kraken_faults.word("EOrder:Unknown order"))
    with pytest.raises(ExchangeDoubt):
        await desk.gateway.find(an_unknown_key())


async def test_the_limit_of_one_market_holds_up_no_cancel(desk: KrakenRig) -> None:
    intent = await placed(desk)
    limited = kraken_faults.word("EOrder:Rate limit exceeded")
    desk.venue.faults.on(RequestKind.CREATE_ORDER, limited)
    with pytest.raises(ExchangeRejected):
        await desk.gateway.submit(a_buy())
    report = await desk.gateway.cancel(key_of(intent))
    assert report is not None
    assert report.status is OrderStatus.CANCELED
