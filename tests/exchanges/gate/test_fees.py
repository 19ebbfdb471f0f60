"""Gate's fees: in base, in quote, and in its own GT, by requests and by the stream."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from app.domain.fills import Fee
from tests.exchanges.conftest import START
from tests.support.clock import ManualClock
from tests.support.exchanges.at.gate import GateRig, trading
from tests.support.exchanges.desks import filling
from tests.support.exchanges.rigs import a_limit, key_of
from tests.support.venues.engine.accounts import Commission

PAID = [
    (Commission.RECEIVED, Fee(currency="BTC", amount=Decimal("0.0001"))),
    (Commission.QUOTE, Fee(currency="USDT", amount=Decimal(4))),
    # Where the market's own currency says 0.
    (Commission.BNB, Fee(currency="GT", amount=Decimal("0.00666666"))),
]


@pytest.fixture
async def desk() -> AsyncIterator[GateRig]:
    async with trading(ManualClock(START)) as rig:
        rig.venue.deposit(rig.account, "BNB", 5)
        yield rig


@pytest.mark.parametrize(("commission", "fee"), PAID)
async def test_a_fee_is_told_in_what_it_was_paid_by_both(
    desk: GateRig, commission: Commission, fee: Fee
) -> None:
    desk.account.commission = commission
    news = desk.gateway.news()
    intent = a_limit(Decimal(40_000), amount=Decimal("0.1"))
    await desk.gateway.submit(intent)
    desk.venue.fill(intent.wire_id)
    [streamed] = (await filling(news, intent)).fills
    found = await desk.gateway.find(key_of(intent))
    assert found is not None
    [listed] = found.fills
    assert (streamed.fee, listed.fee) == (fee, fee)
    assert desk.gateway.anomalies["fee_in_several_currencies"] == 0
    [closed] = await desk.gateway.closed_orders(START, ["BTC/USDT"])
    assert [fill.fee for fill in closed.fills] == [fee]
