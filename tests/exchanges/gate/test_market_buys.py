"""Market buys at Gate spend an amount of money: ours buy an amount, with a limit."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from app.domain.order_kinds import OrderSide, OrderType, TimeInForce
from app.domain.orders.order import OrderStatus
from app.errors import ExchangeUnavailable
from tests.exchanges.conftest import START
from tests.support.clock import ManualClock
from tests.support.exchanges.at.gate import GateRig, trading
from tests.support.exchanges.rigs import a_limit, an_intent, key_of, settled
from tests.support.venues.engine.tape import Quote
from tests.support.venues.serving import faults
from tests.support.venues.serving.faults import AnyFault
from tests.support.venues.serving.requests import RequestKind

ASK = Decimal(50_000)


@pytest.fixture
async def desk() -> AsyncIterator[GateRig]:
    async with trading(ManualClock(START)) as rig:
        yield rig


async def test_a_market_buy_buys_its_amount_at_the_price_that_is_asked(desk: GateRig) -> None:
    intent = an_intent(amount=Decimal("0.01234"))
    report = await settled(desk, intent)
    assert (report.status, report.filled) == (OrderStatus.FILLED, Decimal("0.01234"))
    assert (report.cost, len(report.fills)) == (Decimal("0.01234") * ASK, 1)
    [sent] = desk.venue.journal.of(RequestKind.CREATE_ORDER)
    assert {name: sent.params[name] for name in ("type", "amount", "price", "time_in_force")} == {
        "type": "limit",
        "amount": "0.01234",
        "price": "51000",
        "time_in_force": "ioc",
    }


async def test_the_limit_of_a_market_buy_is_never_told_as_its_terms(desk: GateRig) -> None:
    intent = an_intent()
    await desk.gateway.submit(intent)
    report = await desk.gateway.find(key_of(intent))
    assert report is not None
    assert (report.terms, report.details) == (None, None)
    # A waiting order tells its own.
    waiting = a_limit(Decimal(40_000))
    await desk.gateway.submit(waiting)
    report = await desk.gateway.find(key_of(waiting))
    assert report is not None
    assert report.terms is not None
    assert report.terms.terms.price == 40_000


async def test_what_is_too_dear_for_a_market_buy_is_not_bought(desk: GateRig) -> None:
    quote = Quote(bid=ASK - 1, ask=ASK, ask_amount=Decimal("0.004"))
    desk.venue.quote("BTCUSDT", quote, last=ASK)
    report = await settled(desk, an_intent())
    assert (report.status, report.filled) == (OrderStatus.EXPIRED, Decimal("0.004"))
    assert [fill.amount for fill in report.fills] == [Decimal("0.004")]


NO_PRICE: dict[str, AnyFault] = {
    "lost": faults.CUT,
    "a page": faults.HTML,
    "502": faults.BAD_GATEWAY,
    "nobody sells": faults.spoiled(lambda rows: [row | {"lowest_ask": ""} for row in rows]),
}


@pytest.mark.parametrize("name", NO_PRICE)
async def test_a_market_buy_without_a_price_is_not_sent(desk: GateRig, name: str) -> None:
    desk.venue.faults.on(RequestKind.TICKER, NO_PRICE[name], times=None)
    intent = an_intent()
    with pytest.raises(ExchangeUnavailable, match="nothing was sent"):
        await desk.gateway.submit(intent)
    assert desk.venue.journal.sent_orders() == []
    desk.venue.faults.off()
    assert (await settled(desk, intent)).status is OrderStatus.FILLED


async def test_a_market_sell_needs_no_price(desk: GateRig) -> None:
    asked = desk.venue.journal.count(RequestKind.TICKER)
    report = await settled(desk, an_intent(side=OrderSide.SELL))
    assert report.status is OrderStatus.FILLED
    assert desk.venue.journal.count(RequestKind.TICKER) == asked


async def test_a_market_buy_of_another_program_is_told_with_what_it_bought(desk: GateRig) -> None:
    client = desk.gateway._session.client
    terms = {"currency_pair": "BTC_USDT", "side": "buy", "type": "market", "time_in_force": "ioc"}
    # Money that buys no whole number of anything: 0.002 for 100, the rest is given back.
    desk.venue.move("BTCUSDT", "49999.97")
    await client.private_spot_post_orders({**terms, "amount": "100.01"})
    [report] = await desk.gateway.closed_orders(START, ["BTC/USDT"])
    assert (report.filled, report.wire_id) == (Decimal("0.002"), None)
    assert report.cost == Decimal("0.002") * Decimal("49999.97")
    assert report.details is not None
    assert (report.details.type, report.details.time_in_force) == (
        OrderType.MARKET,
        TimeInForce.GTC,
    )
    assert report.terms is not None
    assert report.terms.terms.amount == Decimal("0.002")


async def test_the_terms_of_a_limit_that_takes_at_once_are_not_taken_for_others(
    desk: GateRig,
) -> None:
    intent = a_limit(ASK, time_in_force=TimeInForce.IOC)
    report = await settled(desk, intent)
    assert (report.status, report.terms) == (OrderStatus.FILLED, None)
    [listed] = await desk.gateway.closed_orders(START, ["BTC/USDT"])
    assert (listed.terms, listed.wire_id) == (None, intent.wire_id)
