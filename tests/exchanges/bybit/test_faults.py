"""What Bybit's codes prove of cancels and amendments, over the genuine ccxt."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from app.domain.orders.order import OrderStatus
from app.errors import ExchangeDoubt, ExchangeRejected
from tests.exchanges.conftest import START
from tests.support.clock import ManualClock
from tests.support.exchanges.at.bybit import BybitRig, trading
from tests.support.exchanges.desks import AMOUNT, a_buy, found, placed
from tests.support.exchanges.rigs import key_of, terms_of
from tests.support.venues.bybit.api import faults as bybit_faults
from tests.support.venues.serving import faults
from tests.support.venues.serving.faults import Fault
from tests.support.venues.serving.requests import RequestKind


@pytest.fixture
async def desk() -> AsyncIterator[BybitRig]:
    async with trading(ManualClock(START)) as rig:
        yield rig
        rig.venue.journal.assert_nothing_was_sent_twice()


async def test_a_cancel_whose_answer_was_lost_is_doubt_and_has_happened(desk: BybitRig) -> None:
    intent = await placed(desk)
    desk.venue.faults.on(RequestKind.CANCEL_ORDER, faults.CUT.after_acceptance())
    # A POST, unlike Binance's DELETE, is not sent again on its own.
    with pytest.raises(ExchangeDoubt):
        await desk.gateway.cancel(key_of(intent))
    assert (await found(desk, intent)).status is OrderStatus.CANCELED


@pytest.mark.parametrize(
    "fault",
    [bybit_faults.CANCELLATION_TIMEOUT, bybit_faults.CANCEL_LATER],
    ids=["170147", "170191"],
)
@pytest.mark.parametrize("is_canceled", [True, False])
async def test_a_cancel_that_bybit_leaves_open_is_told_as_the_order_stands(
    desk: BybitRig, fault: Fault, *, is_canceled: bool
) -> None:
    intent = await placed(desk)
    happened = fault.after_acceptance() if is_canceled else fault
    desk.venue.faults.on(RequestKind.CANCEL_ORDER, happened)
    report = await desk.gateway.cancel(key_of(intent))
    assert report is not None
    assert report.status is (OrderStatus.CANCELED if is_canceled else OrderStatus.OPEN)


async def test_bybits_timeouts_prove_nothing_of_an_amendment_either(desk: BybitRig) -> None:
    intent = await placed(desk)
    wanted = replace(terms_of(intent), amount=AMOUNT * 2)
    for fault, amount in (
        (bybit_faults.CREATION_TIMEOUT, AMOUNT),
        (bybit_faults.CREATION_TIMEOUT.after_acceptance(), AMOUNT * 2),
    ):
        desk.venue.faults.on(RequestKind.AMEND_ORDER, fault)
        with pytest.raises(ExchangeDoubt):
            await desk.gateway.amend(key_of(intent), wanted)
        report = await found(desk, intent)
        assert report.terms is not None
        assert report.terms.terms.amount == amount


async def test_what_is_surely_no_stays_a_refusal(desk: BybitRig) -> None:
    for refusal in (
        bybit_faults.TOO_MANY_ORDERS,
        bybit_faults.coded(170210, "New order rejected."),
    ):
        desk.venue.faults.on(RequestKind.CREATE_ORDER, refusal)
        with pytest.raises(ExchangeRejected):
            await desk.gateway.submit(a_buy())
    assert desk.venue.orders(desk.account) == []
