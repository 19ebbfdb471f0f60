"""What is particular about a lost answer at Binance, over the genuine ccxt."""

from collections.abc import AsyncIterator

import pytest

from app.domain.orders.order import OrderStatus
from tests.exchanges.conftest import START
from tests.support.clock import ManualClock
from tests.support.exchanges.at.binance import BinanceRig, trading
from tests.support.exchanges.desks import placed
from tests.support.exchanges.rigs import key_of
from tests.support.venues.serving import faults
from tests.support.venues.serving.requests import RequestKind


@pytest.fixture
async def desk() -> AsyncIterator[BinanceRig]:
    async with trading(ManualClock(START)) as rig:
        yield rig
        rig.venue.journal.assert_nothing_was_sent_twice()


# A DELETE is sent again on its own by the HTTP client.
async def test_a_cancel_whose_answer_was_lost_is_reported_as_it_ended(desk: BinanceRig) -> None:
    intent = await placed(desk)
    desk.venue.faults.on(RequestKind.CANCEL_ORDER, faults.CUT.after_acceptance())
    report = await desk.gateway.cancel(key_of(intent))
    assert report is not None
    assert report.status is OrderStatus.CANCELED
