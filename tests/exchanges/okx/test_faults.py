"""What goes wrong on the way to OKX, over the genuine ccxt: no order lost, none doubled."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass
from decimal import Decimal

import pytest

from app.domain.orders.order import OrderStatus
from app.domain.orders.reports import OrderIntent, OrderReport
from app.errors import (
    ExchangeDoubt,
    ExchangeError,
    ExchangeRejected,
    ExchangeUnavailable,
    RefusalCode,
)
from app.exchanges.ccxt.connection.request_queue import Pace
from tests.exchanges.conftest import START
from tests.support.clock import ManualClock
from tests.support.exchanges.okx import OkxRig, trading
from tests.support.exchanges.rigs import a_limit, key_of
from tests.support.venues.engine.declined import Declined, Why
from tests.support.venues.okx.api import faults as okx_faults
from tests.support.venues.okx.api import refusals
from tests.support.venues.serving import faults
from tests.support.venues.serving.faults import AnyFault
from tests.support.venues.serving.requests import RequestKind

PRICE = Decimal(40_000)
AMOUNT = Decimal("0.1")


@pytest.fixture
async def desk() -> AsyncIterator[OkxRig]:
    async with trading(ManualClock(START)) as rig:
        yield rig
        rig.venue.journal.assert_nothing_was_sent_twice()


def a_buy() -> OrderIntent:
    return a_limit(PRICE, amount=AMOUNT)


async def placed(desk: OkxRig) -> OrderIntent:
    intent = a_buy()
    assert (await desk.gateway.submit(intent)).status is OrderStatus.OPEN
    return intent


async def found(desk: OkxRig, intent: OrderIntent) -> OrderReport:
    report = await desk.gateway.find(key_of(intent))
    assert report is not None
    return report


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A fault, what the port says of it, and whether the order is there all the same."""

    fault: AnyFault
    failure: type[ExchangeError] = ExchangeDoubt
    code: RefusalCode | None = None
    is_placed: bool = False
    pause_seconds: float = 0.0


SLOW_DOWN = Seen(
    fault=okx_faults.too_many(retry_after=33),
    failure=ExchangeRejected,
    code=RefusalCode.RATE_LIMITED,
    pause_seconds=33,
)
FAULTS = {
    "lost before": Seen(fault=faults.CUT),
    "lost after acceptance": Seen(fault=faults.CUT.after_acceptance(), is_placed=True),
    "truncated body": Seen(fault=faults.CUT_SHORT, is_placed=True),
    "200 with HTML before": Seen(fault=faults.HTML),
    "200 with HTML after acceptance": Seen(fault=faults.HTML.after_acceptance(), is_placed=True),
    "200 with nothing": Seen(fault=faults.EMPTY.after_acceptance(), is_placed=True),
    "without an id": Seen(fault=faults.with_(data=[]), is_placed=True),
    "403 before": Seen(fault=faults.FORBIDDEN),
    "429 with HTML": Seen(fault=faults.page(429, "429 Too Many Requests")),
    "502 before": Seen(fault=faults.BAD_GATEWAY),
    "502 after acceptance": Seen(fault=faults.BAD_GATEWAY.after_acceptance(), is_placed=True),
    "504 after acceptance": Seen(fault=faults.GATEWAY_TIMEOUT.after_acceptance(), is_placed=True),
    **{
        f"{name} {when}": Seen(
            fault=fault if when == "before" else fault.after_acceptance(),
            is_placed=when != "before",
        )
        for name, fault in okx_faults.PROVE_NOTHING.items()
        for when in ("before", "after acceptance")
    },
    "50011": SLOW_DOWN,
    "50061": Seen(
        fault=okx_faults.TOO_MANY_ORDERS, failure=ExchangeRejected, code=RefusalCode.RATE_LIMITED
    ),
    "50102": Seen(
        fault=okx_faults.LATE, failure=ExchangeRejected, code=RefusalCode.REJECTED_BY_EXCHANGE
    ),
}


@pytest.mark.parametrize("seen", FAULTS.values(), ids=FAULTS.keys())
async def test_an_order_that_meets_a_fault_is_neither_lost_nor_doubled(
    desk: OkxRig, seen: Seen
) -> None:
    intent = a_buy()
    desk.venue.faults.on(RequestKind.CREATE_ORDER, seen.fault)
    with pytest.raises(seen.failure) as caught:
        await desk.gateway.submit(intent)
    if isinstance(caught.value, ExchangeRejected):
        assert caught.value.refusal.code is seen.code
        assert caught.value.refusal.retryable
    if seen.pause_seconds:
        await _is_left_alone(desk, intent, seen.pause_seconds)
    report = await desk.gateway.find(key_of(intent))
    assert (report is not None) is seen.is_placed
    if report is not None:
        assert (report.status, report.wire_id) == (OrderStatus.OPEN, intent.wire_id)
    assert desk.venue.journal.sent_orders() == [intent.wire_id]
    assert len(desk.venue.orders(desk.account)) == int(seen.is_placed)


async def _is_left_alone(desk: OkxRig, intent: OrderIntent, seconds: float) -> None:
    """Nothing at all is asked until the pause is over."""
    asked = len(desk.venue.journal)
    await desk.clock.advance(seconds - 1)
    for question in (desk.gateway.find(key_of(intent)), desk.gateway.submit(a_buy())):
        with pytest.raises(ExchangeUnavailable, match="asked for a pause"):
            await question
    assert len(desk.venue.journal) == asked
    await desk.clock.advance(1)


@pytest.mark.parametrize("is_accepted", [True, False])
async def test_no_answer_at_all_is_doubt(*, is_accepted: bool) -> None:
    silence = faults.SILENCE.after_acceptance() if is_accepted else faults.SILENCE
    async with trading(ManualClock(START), timeout_seconds=0.2) as desk:
        intent = a_buy()
        desk.venue.faults.on(RequestKind.CREATE_ORDER, silence)
        with pytest.raises(ExchangeDoubt, match="it took too long"):
            await desk.gateway.submit(intent)
        report = await desk.gateway.find(key_of(intent))
        assert (report is not None) is is_accepted
        assert desk.venue.journal.sent_orders() == [intent.wire_id]


async def test_an_answer_that_is_delayed_is_waited_for(desk: OkxRig) -> None:
    intent = a_buy()
    desk.venue.faults.on(RequestKind.CREATE_ORDER, faults.delay(desk.clock, 3).after_acceptance())
    placing = asyncio.create_task(desk.gateway.submit(intent))
    await desk.venue.journal.until(RequestKind.CREATE_ORDER)
    assert not placing.done()
    await desk.clock.advance(3)
    assert (await placing).status is OrderStatus.OPEN


async def test_a_caller_that_waits_no_longer_finds_the_order_later(desk: OkxRig) -> None:
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
    assert (await found(desk, intent)).status is OrderStatus.OPEN
    assert desk.venue.journal.sent_orders() == [intent.wire_id]
    await desk.clock.advance(1)


async def test_an_order_that_waits_too_long_for_its_turn_was_surely_not_sent(
    desk: OkxRig,
) -> None:
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


async def test_an_order_that_is_not_visible_for_a_while_is_found_when_it_is(
    desk: OkxRig,
) -> None:
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


async def test_partial_fills_add_up_with_their_fees(desk: OkxRig) -> None:
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
async def test_a_fill_that_races_a_cancel_is_told_whoever_wins(desk: OkxRig, amount: str) -> None:
    intent = await placed(desk)
    race = faults.meanwhile(lambda: desk.venue.fill(intent.wire_id, amount))
    desk.venue.faults.on(RequestKind.CANCEL_ORDER, race)
    report = await desk.gateway.cancel(key_of(intent))
    assert report is not None
    is_whole = Decimal(amount) == AMOUNT
    assert report.status is (OrderStatus.FILLED if is_whole else OrderStatus.CANCELED)
    assert [fill.amount for fill in report.fills] == [Decimal(amount)]
    assert await found(desk, intent) == report


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


CANCELS: dict[str, tuple[AnyFault, bool]] = {
    "lost before": (faults.CUT, False),
    "lost after acceptance": (faults.CUT.after_acceptance(), True),
    "truncated body": (faults.CUT_SHORT, True),
    "200 with HTML before": (faults.HTML, False),
    "502 before": (faults.BAD_GATEWAY, False),
    "502 after acceptance": (faults.BAD_GATEWAY.after_acceptance(), True),
    "50004 after acceptance": (okx_faults.UNKNOWN_OUTCOME.after_acceptance(), True),
    "50102": (okx_faults.LATE, False),
}


@pytest.mark.parametrize(("fault", "is_canceled"), CANCELS.values(), ids=CANCELS.keys())
async def test_a_cancel_that_meets_a_fault_leaves_the_truth_to_be_looked_up(
    desk: OkxRig, fault: AnyFault, *, is_canceled: bool
) -> None:
    intent = await placed(desk)
    desk.venue.faults.on(RequestKind.CANCEL_ORDER, fault, times=2)
    if fault is faults.HTML:
        report = await desk.gateway.cancel(key_of(intent))
        assert report is not None
        assert report.status is OrderStatus.OPEN
    else:
        with pytest.raises(ExchangeDoubt):
            await desk.gateway.cancel(key_of(intent))
    wanted = OrderStatus.CANCELED if is_canceled else OrderStatus.OPEN
    assert (await found(desk, intent)).status is wanted
    desk.venue.faults.off()
    again = await desk.gateway.cancel(key_of(intent))
    assert again is not None
    assert again.status is OrderStatus.CANCELED
