"""OKX's fees: a charge is negative on the wire; stream and requests agree on each trade's fee."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from app.domain import money
from app.domain.fills import Fee
from app.domain.order_kinds import OrderSide
from app.domain.orders.reports import FillReport, OrderIntent, OrderReport
from tests.exchanges.conftest import START
from tests.support.clock import ManualClock
from tests.support.exchanges.at.okx import OkxRig, trading
from tests.support.exchanges.rigs import a_limit, an_intent, heard, key_of
from tests.support.venues.engine.accounts import Commission

PRICE = Decimal(40_000)
AMOUNT = Decimal("0.1")
REBATE = Decimal("-0.0002")


@pytest.fixture
async def desk() -> AsyncIterator[OkxRig]:
    async with trading(ManualClock(START)) as rig:
        rig.venue.deposit(rig.account, "BNB", 10)
        yield rig


async def streamed(news: AsyncIterator[OrderReport]) -> FillReport:
    """The first trade that the stream tells."""
    while True:
        report = await heard(news)
        if report.fills:
            return report.fills[0]


async def looked_up(desk: OkxRig, intent: OrderIntent) -> FillReport:
    report = await desk.gateway.find(key_of(intent))
    assert report is not None
    [fill] = report.fills
    return fill


CHARGES = [
    (OrderSide.BUY, Commission.RECEIVED, Fee(currency="BTC", amount=Decimal("0.0001"))),
    (OrderSide.SELL, Commission.RECEIVED, Fee(currency="USDT", amount=Decimal("5.9"))),
    (OrderSide.BUY, Commission.QUOTE, Fee(currency="USDT", amount=Decimal(4))),
    (OrderSide.SELL, Commission.BASE, Fee(currency="BTC", amount=Decimal("0.0001"))),
    (OrderSide.BUY, Commission.BNB, Fee(currency="BNB", amount=Decimal("0.00666666"))),
]


@pytest.mark.parametrize(("side", "commission", "fee"), CHARGES)
async def test_a_charge_is_a_positive_fee_by_stream_as_by_request(
    desk: OkxRig, side: OrderSide, commission: Commission, fee: Fee
) -> None:
    desk.account.commission = commission
    price = PRICE if side is OrderSide.BUY else Decimal(59_000)
    intent, news = a_limit(price, side=side, amount=AMOUNT), desk.gateway.news()
    await desk.gateway.submit(intent)
    desk.venue.fill(intent.wire_id)
    told = await streamed(news)
    assert (told.fee, told.is_maker) == (fee, True)
    listed = await looked_up(desk, intent)
    assert listed == told
    assert (listed.is_fee_final, told.is_fee_final) == (True, False)


@pytest.mark.parametrize(
    ("commission", "fee"),
    [
        (Commission.RECEIVED, Fee(currency="BTC", amount=Decimal("-0.00002"))),
        (Commission.QUOTE, Fee(currency="USDT", amount=Decimal("-0.8"))),
    ],
)
async def test_a_maker_rebate_is_a_negative_fee_by_stream_as_by_request(
    desk: OkxRig, commission: Commission, fee: Fee
) -> None:
    desk.account.commission, desk.account.maker_fee = commission, REBATE
    intent, news = a_limit(PRICE, amount=AMOUNT), desk.gateway.news()
    await desk.gateway.submit(intent)
    desk.venue.fill(intent.wire_id)
    told = await streamed(news)
    assert told.fee == fee
    assert await looked_up(desk, intent) == told


async def test_a_trade_without_a_fee_costs_nothing(desk: OkxRig) -> None:
    desk.account.maker_fee = Decimal(0)
    intent, news = a_limit(PRICE, amount=AMOUNT), desk.gateway.news()
    await desk.gateway.submit(intent)
    desk.venue.fill(intent.wire_id)
    told = await streamed(news)
    assert told.fee == Fee(currency="USDT", amount=Decimal(0))
    assert await looked_up(desk, intent) == told


async def test_what_is_left_of_a_buy_after_its_fee_is_what_the_account_holds(
    desk: OkxRig,
) -> None:
    desk.account.commission = Commission.RECEIVED
    before = (await desk.gateway.balances())["BTC"].free
    news = desk.gateway.news()
    await desk.gateway.submit(an_intent(amount=AMOUNT))
    told = await streamed(news)
    assert told.fee is not None
    after = (await desk.gateway.balances())["BTC"].free
    assert money.subtract(after, before) == money.subtract(told.amount, told.fee.amount)
