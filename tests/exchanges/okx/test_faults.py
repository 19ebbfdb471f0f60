"""OKX's plain refusals, over the genuine ccxt: they are given in the words about the order."""

from collections.abc import AsyncIterator

import pytest

from app.errors import ExchangeRejected
from tests.exchanges.conftest import START
from tests.support.clock import ManualClock
from tests.support.exchanges.at.okx import OkxRig, trading
from tests.support.exchanges.desks import a_buy
from tests.support.venues.engine.declined import Declined, Why
from tests.support.venues.okx.api import faults as okx_faults
from tests.support.venues.okx.api import refusals
from tests.support.venues.serving.requests import RequestKind


@pytest.fixture
async def desk() -> AsyncIterator[OkxRig]:
    async with trading(ManualClock(START)) as rig:
        yield rig
        rig.venue.journal.assert_nothing_was_sent_twice()


REFUSALS = {
    "51008": (refusals.of_the_engine(Declined(Why.INSUFFICIENT_FUNDS)), "Insufficient balance"),
    "51025": (refusals.of_order("51025", "Order count exceeds the limit."), "count exceeds"),
    "50061": (refusals.of_order("50061", "You've reached the limit."), "reached the limit"),
}


@pytest.mark.parametrize(("refused", "words"), REFUSALS.values(), ids=REFUSALS.keys())
async def test_a_plain_no_is_told_in_the_words_that_are_said_of_the_order(
    desk: OkxRig, refused: refusals.Refused, words: str
) -> None:
    desk.venue.faults.on(RequestKind.CREATE_ORDER, okx_faults.refusal(refused))
    with pytest.raises(ExchangeRejected, match=words):
        await desk.gateway.submit(a_buy())
