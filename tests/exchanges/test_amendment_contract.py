"""Orders changed in place, over the genuine ccxt: done, refused or in doubt, and never replaced."""

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal

import pytest

from app.domain.order_kinds import TimeInForce
from app.domain.orders.order import OrderStatus
from app.domain.orders.reports import OrderIntent
from app.domain.orders.terms import AmendableTerms
from app.errors import ExchangeDoubt, ExchangeRejected, RefusalCode
from app.exchanges.ccxt.rows.table import QUIRKS
from tests.exchanges.conftest import START
from tests.support.clock import ManualClock
from tests.support.exchanges.desks import AMOUNT, PRICE, Desk, found
from tests.support.exchanges.rigs import a_limit, an_intent, key_of, terms_of
from tests.support.exchanges.venue_rigs import trading_at
from tests.support.venues.every_venue import VENUES
from tests.support.venues.serving import faults
from tests.support.venues.serving.requests import RequestKind

AMENDING = [exchange for exchange in VENUES if QUIRKS[exchange].amends_in_place]


@pytest.fixture(params=AMENDING)
async def desk(request: pytest.FixtureRequest) -> AsyncIterator[Desk]:
    clock = ManualClock(START)
    async with trading_at(VENUES[request.param](clock), clock) as rig:
        yield rig
        rig.venue.journal.assert_nothing_was_sent_twice()


async def placed(desk: Desk, **changes: object) -> OrderIntent:
    intent = a_limit(PRICE, amount=AMOUNT, **changes)
    await desk.gateway.submit(intent)
    return intent


def twice(intent: OrderIntent) -> AmendableTerms:
    return replace(terms_of(intent), amount=AMOUNT * 2)


@pytest.mark.parametrize(
    "changes",
    [
        {"amount": AMOUNT * 2},
        {"price": PRICE - 1000},
        {"amount": AMOUNT * 2, "price": PRICE + 1000},
    ],
)
async def test_an_amended_order_has_its_new_terms_and_holds_money_for_them(
    desk: Desk, changes: dict[str, Decimal]
) -> None:
    intent = await placed(desk)
    [before] = desk.venue.orders(desk.account)
    wanted = replace(terms_of(intent), **changes)
    amended = await desk.gateway.amend(key_of(intent), wanted)
    assert amended is not None
    assert amended.terms is not None
    assert (amended.status, amended.exchange_order_id, amended.terms.terms) == (
        OrderStatus.OPEN, desk.venue.order_id(before), wanted,
    )  # fmt: skip
    assert amended == await found(desk, intent)
    assert wanted.price is not None
    assert (await desk.gateway.balances())["USDT"].used == wanted.amount * wanted.price
    asked = desk.venue.journal.count(RequestKind.AMEND_ORDER)
    assert await desk.gateway.amend(key_of(intent), wanted) == amended
    assert desk.venue.journal.count(RequestKind.AMEND_ORDER) == asked


async def test_an_order_amended_across_the_market_takes_at_once(desk: Desk) -> None:
    intent = await placed(desk)
    wanted = replace(terms_of(intent), price=Decimal(50_100))
    taken = await desk.gateway.amend(key_of(intent), wanted)
    assert taken is not None
    assert taken.status is OrderStatus.FILLED
    assert [(fill.price, fill.is_maker) for fill in taken.fills] == [(Decimal(50_000), False)]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"amount": Decimal(1000)}, RefusalCode.INSUFFICIENT_FUNDS),
        ({"amount": Decimal("0.123456789")}, RefusalCode.PRECISION),
        ({"price": Decimal("40000.0001")}, RefusalCode.PRECISION),
    ],
)
async def test_an_amendment_that_is_refused_is_a_plain_no_and_changes_nothing(
    desk: Desk, changes: dict[str, Decimal], code: RefusalCode
) -> None:
    intent = await placed(desk)
    before = await found(desk, intent)
    with pytest.raises(ExchangeRejected) as caught:
        await desk.gateway.amend(key_of(intent), replace(terms_of(intent), **changes))
    assert caught.value.refusal.code is code
    assert await found(desk, intent) == before


async def test_a_post_only_order_amended_across_the_market_takes_nothing(desk: Desk) -> None:
    intent = await placed(desk, time_in_force=TimeInForce.POST_ONLY)
    wanted = replace(terms_of(intent), price=Decimal(50_100))
    try:
        await desk.gateway.amend(key_of(intent), wanted)
    except ExchangeRejected:
        assert (await found(desk, intent)).status is OrderStatus.OPEN
    else:
        # The amendment ended the order.
        assert (await found(desk, intent)).status is OrderStatus.REJECTED
    assert desk.venue.trades(desk.account) == []


async def test_what_is_closed_or_unknown_is_not_amended(desk: Desk) -> None:
    filled = await placed(desk)
    desk.venue.fill(filled.wire_id)
    with pytest.raises(ExchangeRejected) as caught:
        await desk.gateway.amend(key_of(filled), twice(filled))
    assert caught.value.refusal.code is RefusalCode.ALREADY_CLOSED
    nobodys = an_intent()
    assert await desk.gateway.amend(key_of(nobodys), terms_of(nobodys)) is None
    assert desk.venue.journal.count(RequestKind.AMEND_ORDER) == 0


async def test_an_order_that_is_filled_while_it_is_amended_is_not_amended(desk: Desk) -> None:
    intent = await placed(desk)
    race = faults.meanwhile(lambda: desk.venue.fill(intent.wire_id))
    desk.venue.faults.on(RequestKind.AMEND_ORDER, race)
    try:
        report = await desk.gateway.amend(key_of(intent), twice(intent))
    except (ExchangeRejected, ExchangeDoubt):
        report = await found(desk, intent)
    assert report is not None
    assert (report.status, report.filled) == (OrderStatus.FILLED, AMOUNT)


@pytest.mark.parametrize("is_done", [True, False])
@pytest.mark.parametrize("is_told", [True, False])
async def test_an_amendment_without_a_clear_answer_is_in_doubt(
    desk: Desk, *, is_done: bool, is_told: bool
) -> None:
    intent = await placed(desk)
    fault = desk.venue.own_faults.unknown_outcome if is_told else faults.CUT
    desk.venue.faults.on(RequestKind.AMEND_ORDER, fault.after_acceptance() if is_done else fault)
    with pytest.raises(ExchangeDoubt):
        await desk.gateway.amend(key_of(intent), twice(intent))
    report = await found(desk, intent)
    assert report.terms is not None
    assert report.terms.terms == (twice(intent) if is_done else terms_of(intent))


async def test_an_order_cut_to_its_fills_is_canceled_with_them(desk: Desk) -> None:
    intent = await placed(desk)
    desk.venue.fill(intent.wire_id, "0.04")
    cut = await desk.gateway.amend(
        key_of(intent), replace(terms_of(intent), amount=Decimal("0.04"))
    )
    assert cut is not None
    assert (cut.status, cut.filled, len(cut.fills)) == (OrderStatus.CANCELED, Decimal("0.04"), 1)
