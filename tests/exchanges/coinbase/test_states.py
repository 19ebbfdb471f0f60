"""Coinbase's orders in every state, as requests and the stream tell them."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from app.domain import money
from app.domain.order_kinds import OrderSide, TimeInForce
from app.domain.orders.order import OrderStatus
from app.domain.orders.terms import AmendableTerms
from app.errors import ExchangeRejected, RefusalCode
from app.exchanges.ccxt.parsing.order_reports import answered, fill_of
from app.exchanges.ccxt.rows.table import QUIRKS
from tests.exchanges.conftest import START
from tests.support.exchanges.at.coinbase import CoinbaseRig
from tests.support.exchanges.desks import found, placed
from tests.support.exchanges.rigs import a_limit, an_intent, heard, key_of
from tests.support.venues.coinbase.api.order_pages import average
from tests.support.venues.coinbase.venue import Venue
from tests.support.venues.engine.tape import Quote
from tests.support.venues.serving import faults
from tests.support.venues.serving.requests import RequestKind

PRICE = Decimal(40_000)
Happen = Callable[[Venue, str], object]
STATES: dict[OrderStatus, Happen] = {
    OrderStatus.OPEN: lambda venue, name: None,
    OrderStatus.PARTIALLY_FILLED: lambda venue, name: venue.fill(name, "0.04"),
    OrderStatus.FILLED: lambda venue, name: venue.fill(name),
    OrderStatus.CANCELED: lambda venue, name: venue.cancel(name),
    OrderStatus.EXPIRED: lambda venue, name: venue.expire(name),
}
ROW = QUIRKS["coinbase"]
RAW = {
    "id": "28", "symbol": "BTC/USDT", "filled": "0", "amount": "1", "clientOrderId": "one",
}  # fmt: skip


@pytest.mark.parametrize(("status", "happen"), STATES.items(), ids=STATES.keys())
async def test_an_order_is_told_in_every_state(
    desk: CoinbaseRig, status: OrderStatus, happen: Happen
) -> None:
    intent, news = a_limit(PRICE, amount=Decimal("0.1")), desk.gateway.news()
    await desk.gateway.submit(intent)
    happen(desk.venue, intent.wire_id)
    assert (await found(desk, intent)).status is status
    while (await heard(news)).status is not status:
        pass


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("PENDING", OrderStatus.OPEN),
        ("QUEUED", OrderStatus.OPEN),
        ("CANCEL_QUEUED", OrderStatus.OPEN),
        ("EDIT_QUEUED", OrderStatus.OPEN),
        ("EXPIRED", OrderStatus.EXPIRED),
        ("FAILED", OrderStatus.REJECTED),
        ("CANCELLED", OrderStatus.CANCELED),
    ],
)
def test_every_status_that_coinbase_has_is_read(word: str, status: OrderStatus) -> None:
    # What ccxt does not know it hands on as it is, and others it takes for canceled.
    theirs = "canceled" if word in {"EXPIRED", "FAILED", "CANCELLED"} else word
    row = ROW.named({**RAW, "status": theirs, "info": {"status": word}})
    assert answered(row, now=START).status is status


@pytest.mark.parametrize("side", list(OrderSide))
async def test_a_market_order_trades_the_amount_that_was_asked_for(
    desk: CoinbaseRig, side: OrderSide
) -> None:
    intent = an_intent(side=side, amount=Decimal("0.01"))
    await desk.gateway.submit(intent)
    report = await found(desk, intent)
    assert (report.status, report.filled) == (OrderStatus.FILLED, Decimal("0.01"))
    assert desk.venue.order(intent.wire_id).quote_amount == 0


async def test_the_cost_is_exact_though_the_average_price_is_cut(desk: CoinbaseRig) -> None:
    intent = a_limit(PRICE, amount=Decimal("0.03"))
    await desk.gateway.submit(intent)
    for amount, price in (
        ("0.00007", "39999.98"),
        ("0.00011", "39999.99"),
        ("0.00013", "39999.97"),
    ):
        desk.venue.fill(intent.wire_id, amount, price)
    report = await found(desk, intent)
    order = desk.venue.order(intent.wire_id)
    assert report.cost == order.cost
    # Three parts of unequal size have no average that could be written down.
    assert report.cost != money.multiply(order.filled, Decimal(average(order)))


@pytest.mark.parametrize("lasting", [TimeInForce.FOK, TimeInForce.IOC, TimeInForce.POST_ONLY])
async def test_the_terms_of_every_limit_order_are_told(
    desk: CoinbaseRig, lasting: TimeInForce
) -> None:
    is_resting = lasting is TimeInForce.POST_ONLY
    price = PRICE if is_resting else Decimal(50_000)
    intent = a_limit(price, amount=Decimal("0.1"), time_in_force=lasting)
    await desk.gateway.submit(intent)
    report = await found(desk, intent)
    assert report.status is (OrderStatus.OPEN if is_resting else OrderStatus.FILLED)
    assert report.terms is not None
    assert report.terms.terms == AmendableTerms(
        amount=Decimal("0.1"), price=price, trigger_price=None
    )
    assert report.details is not None
    assert report.details.time_in_force is lasting


async def test_a_fill_or_kill_that_is_not_filled_is_over_with_nothing_filled(
    desk: CoinbaseRig,
) -> None:
    quote = Quote(bid=Decimal(49_999), ask=Decimal(50_000), ask_amount=Decimal("0.05"))
    desk.venue.quote("BTCUSDT", quote, last=50_000)
    intent = a_limit(Decimal(50_000), amount=Decimal("0.1"), time_in_force=TimeInForce.FOK)
    await desk.gateway.submit(intent)
    report = await found(desk, intent)
    assert (report.status, report.filled) == (OrderStatus.CANCELED, Decimal(0))
    assert report.terms is not None
    assert (report.terms.terms.amount, report.terms.terms.price) == (intent.amount, intent.price)


async def test_a_fill_of_a_size_in_money_has_the_price_that_was_traded() -> None:
    # ccxt divides 100 by an amount that it cut at eighteen places: 30000.000000000003.
    raw = {"price": "30000", "size": "100", "size_in_quote": True}
    theirs = {
        "id": "7", "timestamp": 1_700_000_000_000, "price": "30000.000000000003",
        "amount": "0.003333333333333333", "info": raw,
    }  # fmt: skip
    fill = fill_of(ROW.traded(theirs))
    assert fill is not None
    assert fill.price == Decimal(30_000)


async def test_a_cancel_that_is_refused_tells_what_the_order_became(desk: CoinbaseRig) -> None:
    intent = await placed(desk)
    desk.venue.fill(intent.wire_id)
    report = await desk.gateway.cancel(key_of(intent))
    assert report is not None
    assert (report.status, len(report.fills)) == (OrderStatus.FILLED, 1)
    assert desk.venue.journal.count(RequestKind.CANCEL_ORDER) == 1


async def test_an_order_that_is_not_there_is_canceled_as_nothing(desk: CoinbaseRig) -> None:
    assert await desk.gateway.cancel(key_of(a_limit(PRICE))) is None


async def test_what_another_program_answers_is_no_list_without_orders(desk: CoinbaseRig) -> None:
    intent = await placed(desk)
    desk.venue.faults.everywhere(faults.spoiled(lambda _: {"status": "ok"}))
    with pytest.raises(Exception, match="out of reach"):
        await desk.gateway.find(key_of(intent))
    desk.venue.faults.off()


async def test_a_refusal_has_the_reason_of_the_preview_in_its_words(desk: CoinbaseRig) -> None:
    intent = a_limit(Decimal(60_000), time_in_force=TimeInForce.POST_ONLY)
    with pytest.raises(ExchangeRejected, match="would cross the spread") as caught:
        await desk.gateway.submit(intent)
    assert caught.value.refusal.code is RefusalCode.REJECTED_BY_EXCHANGE
