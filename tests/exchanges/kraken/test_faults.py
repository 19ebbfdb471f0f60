"""What goes wrong on the way to Kraken, over the genuine ccxt: no order lost, none doubled."""

from dataclasses import dataclass
from decimal import Decimal

import pytest

from app.domain.orders.order import OrderStatus
from app.domain.orders.reports import OrderIntent, OrderKey, OrderReport
from app.errors import (
    ExchangeDoubt,
    ExchangeError,
    ExchangeRejected,
    ExchangeUnavailable,
    RefusalCode,
)
from app.exchanges.ccxt.connection.request_queue import FIRST_BAN_SECONDS
from tests.exchanges.conftest import START
from tests.support.clock import ManualClock
from tests.support.exchanges.kraken import KrakenRig, trading
from tests.support.exchanges.rigs import a_limit, key_of
from tests.support.venues.kraken.api import faults as kraken_faults
from tests.support.venues.serving import faults
from tests.support.venues.serving.faults import AnyFault
from tests.support.venues.serving.requests import RequestKind

PRICE = Decimal(40_000)
AMOUNT = Decimal("0.1")


def a_buy() -> OrderIntent:
    return a_limit(PRICE, amount=AMOUNT)


async def placed(desk: KrakenRig) -> OrderIntent:
    intent = a_buy()
    assert (await desk.gateway.submit(intent)).status is OrderStatus.OPEN
    return intent


async def found(desk: KrakenRig, intent: OrderIntent) -> OrderReport:
    report = await desk.gateway.find(key_of(intent))
    assert report is not None
    return report


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A fault, what the port says of it, and whether the order is there all the same."""

    fault: AnyFault
    failure: type[ExchangeError] = ExchangeDoubt
    code: RefusalCode | None = None
    is_retryable: bool = True
    is_placed: bool = False
    pause_seconds: float = 0.0


def refused(
    fault: AnyFault, code: RefusalCode, *, is_retryable: bool = True, pause_seconds: float = 0.0
) -> Seen:
    return Seen(
        fault=fault,
        failure=ExchangeRejected,
        code=code,
        is_retryable=is_retryable,
        pause_seconds=pause_seconds,
    )


def _without_txid(page: dict[str, object]) -> dict[str, object]:
    return page | {"result": {}}


FAULTS = {
    "lost before": Seen(fault=faults.CUT),
    "lost after acceptance": Seen(fault=faults.CUT.after_acceptance(), is_placed=True),
    "truncated body": Seen(fault=faults.CUT_SHORT, is_placed=True),
    "200 with HTML before": Seen(fault=faults.HTML),
    "200 with HTML after acceptance": Seen(fault=faults.HTML.after_acceptance(), is_placed=True),
    "200 with nothing": Seen(fault=faults.EMPTY.after_acceptance(), is_placed=True),
    "without a txid": Seen(fault=faults.spoiled(_without_txid), is_placed=True),
    "403 before": Seen(fault=faults.FORBIDDEN),
    "502 before": Seen(fault=faults.BAD_GATEWAY),
    "502 after acceptance": Seen(fault=faults.BAD_GATEWAY.after_acceptance(), is_placed=True),
    "504 after acceptance": Seen(fault=faults.GATEWAY_TIMEOUT.after_acceptance(), is_placed=True),
    "internal error before": Seen(fault=kraken_faults.UNKNOWN_OUTCOME),
    "internal error after acceptance": Seen(
        fault=kraken_faults.UNKNOWN_OUTCOME.after_acceptance(), is_placed=True
    ),
    "unavailable before": Seen(fault=kraken_faults.UNAVAILABLE),
    "unavailable after acceptance": Seen(
        fault=kraken_faults.UNAVAILABLE.after_acceptance(), is_placed=True
    ),
    "busy after acceptance": Seen(fault=kraken_faults.BUSY.after_acceptance(), is_placed=True),
    "deadline elapsed after acceptance": Seen(
        fault=kraken_faults.DEADLINE_ELAPSED.after_acceptance(), is_placed=True
    ),
    "an error that nobody knows": Seen(
        fault=kraken_faults.word("EOrder:Never seen before").after_acceptance(), is_placed=True
    ),
    "the name is taken": Seen(
        fault=kraken_faults.word("EOrder:Duplicate cl_ord_id").after_acceptance(), is_placed=True
    ),
    "invalid nonce": refused(kraken_faults.LATE, RefusalCode.REJECTED_BY_EXCHANGE),
    "cancel only": refused(kraken_faults.CANCEL_ONLY, RefusalCode.EXCHANGE_UNAVAILABLE),
    "insufficient funds": refused(
        kraken_faults.word("EOrder:Insufficient funds"), RefusalCode.INSUFFICIENT_FUNDS
    ),
    "cost minimum": refused(
        kraken_faults.word("EOrder:Cost minimum not met"),
        RefusalCode.MIN_NOTIONAL,
        is_retryable=False,
    ),
    "market gone": refused(
        kraken_faults.word("EQuery:Unknown asset pair"),
        RefusalCode.UNKNOWN_SYMBOL,
        is_retryable=False,
    ),
    "margin": refused(
        kraken_faults.word("EOrder:Margin allowance exceeded"),
        RefusalCode.REJECTED_BY_EXCHANGE,
        is_retryable=False,
    ),
    "rate limit of the key": refused(
        kraken_faults.word("EAPI:Rate limit exceeded"),
        RefusalCode.RATE_LIMITED,
        pause_seconds=FIRST_BAN_SECONDS,
    ),
    "lockout": refused(
        kraken_faults.LOCKED_OUT, RefusalCode.RATE_LIMITED, pause_seconds=FIRST_BAN_SECONDS
    ),
    "429": refused(
        kraken_faults.too_many(retry_after=33), RefusalCode.RATE_LIMITED, pause_seconds=33
    ),
    "rate limit of the market": refused(
        kraken_faults.word("EOrder:Rate limit exceeded"), RefusalCode.RATE_LIMITED
    ),
}


@pytest.mark.parametrize("seen", FAULTS.values(), ids=FAULTS.keys())
async def test_an_order_that_meets_a_fault_is_neither_lost_nor_doubled(
    desk: KrakenRig, seen: Seen
) -> None:
    intent = a_buy()
    desk.venue.faults.on(RequestKind.CREATE_ORDER, seen.fault)
    with pytest.raises(seen.failure) as caught:
        await desk.gateway.submit(intent)
    if isinstance(caught.value, ExchangeRejected):
        assert caught.value.refusal.code is seen.code
        assert caught.value.refusal.retryable is seen.is_retryable
    if seen.pause_seconds:
        await _is_left_alone(desk, intent, seen.pause_seconds)
    report = await desk.gateway.find(key_of(intent))
    assert (report is not None) is seen.is_placed
    if report is not None:
        assert (report.status, report.wire_id) == (OrderStatus.OPEN, intent.wire_id)
    assert desk.venue.journal.sent_orders() == [intent.wire_id]
    assert len(desk.venue.orders(desk.account)) == int(seen.is_placed)


async def _is_left_alone(desk: KrakenRig, intent: OrderIntent, seconds: float) -> None:
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


CANCELS: dict[str, tuple[AnyFault, bool]] = {
    "lost before": (faults.CUT, False),
    "truncated body": (faults.CUT_SHORT, True),
    "502 before": (faults.BAD_GATEWAY, False),
    "502 after acceptance": (faults.BAD_GATEWAY.after_acceptance(), True),
    "internal error after acceptance": (kraken_faults.UNKNOWN_OUTCOME.after_acceptance(), True),
    "invalid nonce": (kraken_faults.LATE, False),
}


@pytest.mark.parametrize(("fault", "is_canceled"), CANCELS.values(), ids=CANCELS.keys())
async def test_a_cancel_that_meets_a_fault_leaves_the_truth_to_be_looked_up(
    desk: KrakenRig, fault: AnyFault, *, is_canceled: bool
) -> None:
    intent = await placed(desk)
    desk.venue.faults.on(RequestKind.CANCEL_ORDER, fault, times=2)
    with pytest.raises(ExchangeDoubt):
        await desk.gateway.cancel(key_of(intent))
    wanted = OrderStatus.CANCELED if is_canceled else OrderStatus.OPEN
    assert (await found(desk, intent)).status is wanted
    desk.venue.faults.off()
    again = await desk.gateway.cancel(key_of(intent))
    assert again is not None
    assert again.status is OrderStatus.CANCELED


@pytest.mark.parametrize("amount", ["0.1", "0.04"])
async def test_a_fill_that_races_a_cancel_is_told_whoever_wins(
    desk: KrakenRig, amount: str
) -> None:
    intent = await placed(desk)
    race = faults.meanwhile(lambda: desk.venue.fill(intent.wire_id, amount))
    desk.venue.faults.on(RequestKind.CANCEL_ORDER, race)
    report = await desk.gateway.cancel(key_of(intent))
    assert report is not None
    is_whole = Decimal(amount) == AMOUNT
    assert report.status is (OrderStatus.FILLED if is_whole else OrderStatus.CANCELED)
    assert [fill.amount for fill in report.fills] == [Decimal(amount)]


async def test_an_order_that_is_not_visible_for_a_while_is_found_when_it_is(
    desk: KrakenRig,
) -> None:
    intent = a_buy()
    desk.venue.hide_new_orders(5)
    desk.venue.faults.on(RequestKind.CREATE_ORDER, faults.CUT.after_acceptance())
    with pytest.raises(ExchangeDoubt):
        await desk.gateway.submit(intent)
    assert await desk.gateway.find(key_of(intent)) is None
    await desk.clock.advance(5)
    assert (await found(desk, intent)).status is OrderStatus.OPEN
    assert desk.venue.journal.sent_orders() == [intent.wire_id]


def an_unknown_key() -> OrderKey:
    return key_of(a_buy(), "OQCLML-BW3P3-BUCMWZ")


async def test_an_unknown_order_ends_a_lookup_by_its_id(desk: KrakenRig) -> None:
    assert await desk.gateway.find(an_unknown_key()) is None


@pytest.mark.parametrize(
    "word", ["EOrder:Invalid order", "EService:Unavailable", "EGeneral:Internal error"]
)
async def test_an_answer_that_proves_nothing_ends_no_lookup(desk: KrakenRig, word: str) -> None:
    desk.venue.faults.on(RequestKind.FETCH_ORDER, kraken_faults.word(word))
    with pytest.raises(ExchangeDoubt):
        await desk.gateway.find(an_unknown_key())


async def test_a_list_cannot_say_that_an_order_is_missing(desk: KrakenRig) -> None:
    desk.venue.faults.on(RequestKind.OPEN_ORDERS, kraken_faults.word("EOrder:Unknown order"))
    with pytest.raises(ExchangeDoubt):
        await desk.gateway.find(an_unknown_key())


async def test_the_limit_of_one_market_holds_up_no_cancel(desk: KrakenRig) -> None:
    intent = await placed(desk)
    limited = kraken_faults.word("EOrder:Rate limit exceeded")
    desk.venue.faults.on(RequestKind.CREATE_ORDER, limited)
    with pytest.raises(ExchangeRejected):
        await desk.gateway.submit(a_buy())
    report = await desk.gateway.cancel(key_of(intent))
    assert report is not None
    assert report.status is OrderStatus.CANCELED
