"""What goes wrong on the way to each exchange, over the genuine ccxt: no order lost or doubled."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from decimal import Decimal

import pytest

from app.domain.orders.order import OrderStatus
from app.domain.orders.reports import OrderIntent
from app.errors import ExchangeDoubt, ExchangeRejected, ExchangeUnavailable, RefusalCode
from app.exchanges.ccxt.connection.request_queue import Pace
from app.exchanges.ccxt.rows.table import QUIRKS
from tests.exchanges.codes import CODES
from tests.exchanges.conftest import START
from tests.support.clock import ManualClock
from tests.support.exchanges.desks import AMOUNT, PRICE, Desk, a_buy, found, placed
from tests.support.exchanges.fault_codes import Seen, refused
from tests.support.exchanges.rigs import key_of
from tests.support.exchanges.venue_rigs import trading_at
from tests.support.venues.every_venue import VENUES
from tests.support.venues.serving import faults
from tests.support.venues.serving.faults import AnyFault
from tests.support.venues.serving.local_venue import LocalVenue
from tests.support.venues.serving.requests import RequestKind


@pytest.fixture(params=VENUES)
def exchange(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def desk(exchange: str) -> AsyncIterator[Desk]:
    clock = ManualClock(START)
    async with trading_at(VENUES[exchange](clock), clock) as rig:
        yield rig
        rig.venue.journal.assert_nothing_was_sent_twice()


# What happens on the line, and what every exchange says in words of its own.
FAULTS: Mapping[str, Callable[[LocalVenue], Seen]] = {
    "lost before": lambda _: Seen(fault=faults.CUT),
    "lost after acceptance": lambda _: Seen(fault=faults.CUT.after_acceptance(), is_placed=True),
    "truncated body": lambda _: Seen(fault=faults.CUT_SHORT, is_placed=True),
    "200 with HTML before": lambda _: Seen(fault=faults.HTML),
    "200 with HTML after acceptance": lambda _: Seen(
        fault=faults.HTML.after_acceptance(), is_placed=True
    ),
    "200 with nothing": lambda _: Seen(fault=faults.EMPTY.after_acceptance(), is_placed=True),
    "without an id": lambda venue: Seen(fault=CODES[venue.exchange].without_id, is_placed=True),
    "500 before": lambda _: Seen(fault=faults.INTERNAL_ERROR),
    "502 before": lambda _: Seen(fault=faults.BAD_GATEWAY),
    "502 after acceptance": lambda _: Seen(
        fault=faults.BAD_GATEWAY.after_acceptance(), is_placed=True
    ),
    "503 after acceptance": lambda _: Seen(
        fault=faults.UNAVAILABLE.after_acceptance(), is_placed=True
    ),
    "504 after acceptance": lambda _: Seen(
        fault=faults.GATEWAY_TIMEOUT.after_acceptance(), is_placed=True
    ),
    "unknown outcome before": lambda venue: Seen(fault=venue.own_faults.unknown_outcome),
    "unknown outcome after acceptance": lambda venue: Seen(
        fault=venue.own_faults.unknown_outcome.after_acceptance(), is_placed=True
    ),
    "too late": lambda venue: refused(venue.own_faults.late, RefusalCode.REJECTED_BY_EXCHANGE),
    "too many requests": lambda venue: refused(
        venue.own_faults.too_many(33), RefusalCode.RATE_LIMITED, pause_seconds=33
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
async def test_an_order_that_meets_a_fault_is_neither_lost_nor_doubled(
    desk: Desk, fault: str
) -> None:
    await meets(desk, FAULTS[fault](desk.venue))


OWN_CODES = [
    pytest.param(exchange, seen, id=f"{exchange}-{name}")
    for exchange, codes in CODES.items()
    for name, seen in codes.orders.items()
]


@pytest.mark.parametrize(("exchange", "seen"), OWN_CODES)
async def test_a_code_proves_of_an_order_what_its_exchange_documents(
    desk: Desk, seen: Seen
) -> None:
    await meets(desk, seen)


async def meets(desk: Desk, seen: Seen) -> None:
    """An order meets the fault: what is said of it, and whether it is there, must agree."""
    intent = a_buy()
    desk.venue.faults.on(RequestKind.CREATE_ORDER, seen.fault)
    with pytest.raises(seen.failure) as caught:
        await desk.gateway.submit(intent)
    if isinstance(caught.value, ExchangeRejected):
        assert caught.value.refusal.code is seen.code
        assert caught.value.refusal.retryable is seen.is_retryable
    if seen.pause_seconds:
        await is_left_alone(desk, intent, seen.pause_seconds)
    report = await desk.gateway.find(key_of(intent))
    assert (report is not None) is seen.is_placed
    if report is not None:
        assert (report.status, report.wire_id) == (OrderStatus.OPEN, intent.wire_id)
    assert desk.venue.journal.sent_orders() == [intent.wire_id]
    assert len(desk.venue.orders(desk.account)) == int(seen.is_placed)


async def is_left_alone(desk: Desk, intent: OrderIntent, seconds: float) -> None:
    """Nothing at all is asked until the pause is over."""
    asked = len(desk.venue.journal)
    await desk.clock.advance(seconds - 1)
    for question in (desk.gateway.find(key_of(intent)), desk.gateway.submit(a_buy())):
        with pytest.raises(ExchangeUnavailable, match="asked for a pause"):
            await question
    assert len(desk.venue.journal) == asked
    await desk.clock.advance(1)


@pytest.mark.parametrize("is_accepted", [True, False])
async def test_no_answer_at_all_is_doubt(exchange: str, *, is_accepted: bool) -> None:
    silence = faults.SILENCE.after_acceptance() if is_accepted else faults.SILENCE
    clock = ManualClock(START)
    async with trading_at(VENUES[exchange](clock), clock, timeout_seconds=0.2) as desk:
        intent = a_buy()
        desk.venue.faults.on(RequestKind.CREATE_ORDER, silence)
        with pytest.raises(ExchangeDoubt, match="it took too long"):
            await desk.gateway.submit(intent)
        report = await desk.gateway.find(key_of(intent))
        assert (report is not None) is is_accepted
        assert desk.venue.journal.sent_orders() == [intent.wire_id]


async def test_an_answer_that_is_delayed_is_waited_for(desk: Desk) -> None:
    intent = a_buy()
    desk.venue.faults.on(RequestKind.CREATE_ORDER, faults.delay(desk.clock, 3).after_acceptance())
    placing = asyncio.create_task(desk.gateway.submit(intent))
    await desk.venue.journal.until(RequestKind.CREATE_ORDER)
    assert not placing.done()
    await desk.clock.advance(3)
    assert (await placing).status is OrderStatus.OPEN


async def test_a_caller_that_waits_no_longer_finds_the_order_later(desk: Desk) -> None:
    intent = a_buy()
    desk.venue.faults.on(RequestKind.CREATE_ORDER, faults.delay(desk.clock, 3).after_acceptance())

    async def hurried() -> None:
        async with desk.clock.timeout(2):
            await desk.gateway.submit(intent)

    placing = asyncio.create_task(hurried())
    await desk.venue.journal.until(RequestKind.CREATE_ORDER)
    await desk.clock.advance(2)
    with pytest.raises(TimeoutError):
        await placing
    # An exchange with growing numbers is asked again once the answer is there.
    finding = asyncio.create_task(found(desk, intent))
    await desk.clock.advance(1)
    assert (await finding).status is OrderStatus.OPEN
    assert desk.venue.journal.sent_orders() == [intent.wire_id]


# Kraken counts orders market by market, and they wait for each other's answers only.
@pytest.mark.parametrize("exchange", [name for name in VENUES if not QUIRKS[name].counter_cost])
async def test_an_order_that_waits_too_long_for_its_turn_was_surely_not_sent(desk: Desk) -> None:
    queue = desk.gateway._session._queue
    assert queue is not None
    queue._pace = Pace(seconds_per_cost=100.0)
    queue._orders.charge(1000.0)
    intent = a_buy()

    async def hurried() -> None:
        async with desk.clock.timeout(10):
            await desk.gateway.submit(intent)

    waiting = asyncio.create_task(hurried())
    await desk.clock.advance(10)
    with pytest.raises(ExchangeUnavailable, match="nothing was sent"):
        await waiting
    assert desk.venue.journal.sent_orders() == []
    queue._pace = Pace(seconds_per_cost=0.0)
    assert await desk.gateway.find(key_of(intent)) is None
    assert (await desk.gateway.submit(intent)).status is OrderStatus.OPEN


async def test_an_order_that_is_not_visible_for_a_while_is_found_when_it_is(desk: Desk) -> None:
    intent = a_buy()
    desk.venue.hide_new_orders(5)
    desk.venue.faults.on(RequestKind.CREATE_ORDER, faults.CUT.after_acceptance())
    with pytest.raises(ExchangeDoubt):
        await desk.gateway.submit(intent)
    assert await desk.gateway.find(key_of(intent)) is None
    assert await desk.gateway.open_orders() == []
    await desk.clock.advance(5)
    assert (await found(desk, intent)).status is OrderStatus.OPEN
    assert desk.venue.journal.sent_orders() == [intent.wire_id]


async def test_partial_fills_add_up_with_their_fees(desk: Desk) -> None:
    intent = await placed(desk)
    desk.venue.fill(intent.wire_id, "0.03")
    desk.venue.fill(intent.wire_id, "0.02", "39999")
    report = await found(desk, intent)
    assert (report.status, report.filled) == (OrderStatus.PARTIALLY_FILLED, Decimal("0.05"))
    assert report.cost == Decimal("0.03") * PRICE + Decimal("0.02") * 39_999
    assert [fill.amount for fill in report.fills] == [Decimal("0.03"), Decimal("0.02")]
    assert [fill.fee.amount for fill in report.fills if fill.fee] == [
        Decimal("1.2"),
        Decimal("0.79998"),
    ]
    canceled = await desk.gateway.cancel(key_of(intent))
    assert canceled is not None
    assert (canceled.status, canceled.fills) == (OrderStatus.CANCELED, report.fills)


@pytest.mark.parametrize("amount", ["0.1", "0.04"])
async def test_a_fill_that_races_a_cancel_is_reported_whoever_wins(desk: Desk, amount: str) -> None:
    intent = await placed(desk)
    race = faults.meanwhile(lambda: desk.venue.fill(intent.wire_id, amount))
    desk.venue.faults.on(RequestKind.CANCEL_ORDER, race)
    report = await desk.gateway.cancel(key_of(intent))
    assert report is not None
    is_whole = Decimal(amount) == AMOUNT
    assert report.status is (OrderStatus.FILLED if is_whole else OrderStatus.CANCELED)
    assert [fill.amount for fill in report.fills] == [Decimal(amount)]
    assert await found(desk, intent) == report


CANCELS: Mapping[str, Callable[[LocalVenue], tuple[AnyFault, bool]]] = {
    "lost before": lambda _: (faults.CUT, False),
    "lost after acceptance": lambda _: (faults.CUT.after_acceptance(), True),
    "truncated body": lambda _: (faults.CUT_SHORT, True),
    "200 with HTML before": lambda _: (faults.HTML, False),
    "200 with HTML after acceptance": lambda _: (faults.HTML.after_acceptance(), True),
    "502 before": lambda _: (faults.BAD_GATEWAY, False),
    "502 after acceptance": lambda _: (faults.BAD_GATEWAY.after_acceptance(), True),
    "unknown outcome before": lambda venue: (venue.own_faults.unknown_outcome, False),
    "unknown outcome after acceptance": lambda venue: (
        venue.own_faults.unknown_outcome.after_acceptance(),
        True,
    ),
    "too late": lambda venue: (venue.own_faults.late, False),
}


@pytest.mark.parametrize("name", CANCELS)
async def test_a_cancel_that_meets_a_fault_leaves_the_truth_to_be_looked_up(
    desk: Desk, name: str
) -> None:
    await canceling_meets(desk, *CANCELS[name](desk.venue))


OWN_CANCELS = [
    pytest.param(exchange, *fault, id=f"{exchange}-{name}")
    for exchange, codes in CODES.items()
    for name, fault in codes.cancels.items()
]


@pytest.mark.parametrize(("exchange", "fault", "is_canceled"), OWN_CANCELS)
async def test_a_code_proves_of_a_cancel_what_its_exchange_documents(
    desk: Desk, fault: AnyFault, *, is_canceled: bool
) -> None:
    await canceling_meets(desk, fault, is_canceled)


async def canceling_meets(desk: Desk, fault: AnyFault, is_canceled: bool) -> None:
    """A cancel meets the fault: it is in doubt, or answered with what a lookup found."""
    intent = await placed(desk)
    desk.venue.faults.on(RequestKind.CANCEL_ORDER, fault, times=2)
    wanted = OrderStatus.CANCELED if is_canceled else OrderStatus.OPEN
    try:
        report = await desk.gateway.cancel(key_of(intent))
    except ExchangeDoubt:
        report = await found(desk, intent)
    assert report is not None
    assert report.status is wanted
    desk.venue.faults.off()
    again = await desk.gateway.cancel(key_of(intent))
    assert again is not None
    assert again.status is OrderStatus.CANCELED


LOOKUP_FAULTS: Mapping[str, Callable[[LocalVenue], AnyFault]] = {
    "502": lambda _: faults.BAD_GATEWAY,
    "truncated body": lambda _: faults.CUT_SHORT,
    "200 with HTML": lambda _: faults.HTML,
    "200 with nothing": lambda _: faults.EMPTY,
    "unknown outcome": lambda venue: venue.own_faults.unknown_outcome,
    "too late": lambda venue: venue.own_faults.late,
}


@pytest.mark.parametrize("name", LOOKUP_FAULTS)
async def test_a_lookup_that_meets_a_fault_does_not_say_that_there_is_no_order(
    desk: Desk, name: str
) -> None:
    intent = await placed(desk)
    desk.venue.faults.everywhere(LOOKUP_FAULTS[name](desk.venue))
    with pytest.raises(ExchangeDoubt):
        await desk.gateway.find(key_of(intent))
    with pytest.raises(ExchangeDoubt):
        await desk.gateway.open_orders()
    with pytest.raises(ExchangeDoubt):
        await desk.gateway.closed_orders(START, [intent.symbol])
    desk.venue.faults.off()
    assert (await found(desk, intent)).status is OrderStatus.OPEN
