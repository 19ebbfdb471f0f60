"""The fees that Bybit's streams and requests report, over the genuine ccxt."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from app.domain.fills import Fee
from tests.exchanges.conftest import START
from tests.support.clock import ManualClock
from tests.support.exchanges.at.bybit import BybitRig, trading
from tests.support.exchanges.desks import WATCHDOG_SECONDS, filling, found, placed_and_heard
from tests.support.venues.engine.accounts import Commission


@pytest.fixture
async def desk() -> AsyncIterator[BybitRig]:
    async with trading(ManualClock(START), watchdog_seconds=WATCHDOG_SECONDS) as rig:
        yield rig
        rig.venue.journal.assert_nothing_was_sent_twice()


COMMISSIONS = [
    (Commission.BASE, "BTC", Decimal("0.0001")),
    (Commission.QUOTE, "USDT", Decimal(4)),
    (Commission.BNB, "BNB", Decimal("0.00666666")),
]


@pytest.mark.parametrize(("commission", "currency", "amount"), COMMISSIONS)
async def test_a_fee_is_the_same_by_stream_and_by_request_whatever_it_is_paid_in(
    desk: BybitRig, commission: Commission, currency: str, amount: Decimal
) -> None:
    desk.account.commission = commission
    desk.venue.deposit(desk.account, "BNB", 5)
    desk.venue.deposit(desk.account, "BTC", 1)
    intent, news = await placed_and_heard(desk), desk.gateway.news()
    desk.venue.fill(intent.wire_id)
    [streamed] = (await filling(news, intent)).fills
    [listed] = (await found(desk, intent)).fills
    assert streamed == listed
    assert listed.fee == Fee(currency=currency, amount=amount)
    [closed] = await desk.gateway.closed_orders(START, ["BTC/USDT"])
    assert closed.fills == (listed,)


async def test_a_rebate_is_a_negative_fee_by_stream_and_by_request(desk: BybitRig) -> None:
    desk.account.maker_fee = Decimal("-0.00005")
    intent, news = await placed_and_heard(desk), desk.gateway.news()
    desk.venue.fill(intent.wire_id)
    [streamed] = (await filling(news, intent)).fills
    [listed] = (await found(desk, intent)).fills
    assert streamed.fee == listed.fee == Fee(currency="USDT", amount=Decimal("-0.2"))


async def test_a_fee_without_a_currency_is_what_bybit_charges_by_default(desk: BybitRig) -> None:
    desk.account.commission = Commission.RECEIVED
    desk.venue.user_streams.names_fees = False
    intent, news = await placed_and_heard(desk), desk.gateway.news()
    desk.venue.fill(intent.wire_id)
    [streamed] = (await filling(news, intent)).fills
    [listed] = (await found(desk, intent)).fills
    assert streamed.fee == listed.fee == Fee(currency="BTC", amount=Decimal("0.0001"))
