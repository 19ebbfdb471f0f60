"""Bybit changes an order in place: its id stays, and the answer is looked up."""

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal

import pytest

from app.domain.order_kinds import TimeInForce
from app.domain.orders.order import OrderStatus
from app.domain.orders.reports import OrderIntent
from app.errors import ExchangeDoubt, ExchangeRejected, RefusalCode
from tests.exchanges.conftest import START
from tests.support.clock import ManualClock
from tests.support.exchanges.bybit import BybitRig, trading
from tests.support.exchanges.rigs import a_limit, an_intent, key_of, terms_of
from tests.support.venues.serving import faults
from tests.support.venues.serving.requests import RequestKind

PRICE = Decimal(40_000)
AMOUNT = Decimal("0.1")


@pytest.fixture
async def desk() -> AsyncIterator[BybitRig]:
    async with trading(ManualClock(START)) as rig:
        yield rig


async def placed(desk: BybitRig, **changes: object) -> OrderIntent:
    intent = a_limit(PRICE, amount=AMOUNT, **changes)
    await desk.gateway.submit(intent)
    return intent


@pytest.mark.parametrize("changes", [{"amount": AMOUNT * 2}, {"price": PRICE - 1000}])
async def test_an_order_gets_its_new_terms_and_keeps_its_id(
    desk: BybitRig, changes: dict[str, Decimal]
) -> None:
    intent = await placed(desk)
    [before] = desk.venue.orders(desk.account)
    wanted = replace(terms_of(intent), **changes)
    amended = await desk.gateway.amend(key_of(intent), wanted)
    assert amended is not None
    assert amended.terms is not None
    assert (amended.status, amended.exchange_order_id, amended.terms.terms) == (
        OrderStatus.OPEN,
        str(before.id),
        wanted,
    )
    assert wanted.price is not None
    assert (await desk.gateway.balances())["USDT"].used == wanted.amount * wanted.price
    asked = desk.venue.journal.count(RequestKind.AMEND_ORDER)
    assert await desk.gateway.amend(key_of(intent), wanted) == amended
    assert desk.venue.journal.count(RequestKind.AMEND_ORDER) == asked


async def test_an_order_amended_across_the_market_takes_at_once(desk: BybitRig) -> None:
    intent = await placed(desk)
    wanted = replace(terms_of(intent), price=Decimal(50_100))
    taken = await desk.gateway.amend(key_of(intent), wanted)
    assert taken is not None
    assert taken.status is OrderStatus.FILLED
    assert [(fill.price, fill.is_maker) for fill in taken.fills] == [(Decimal(50_000), False)]


async def test_a_post_only_order_amended_across_the_market_ends(desk: BybitRig) -> None:
    intent = await placed(desk, time_in_force=TimeInForce.POST_ONLY)
    wanted = replace(terms_of(intent), price=Decimal(50_100))
    ended = await desk.gateway.amend(key_of(intent), wanted)
    assert ended is not None
    assert (ended.status, ended.fills) == (OrderStatus.REJECTED, ())


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"amount": Decimal(1000)}, RefusalCode.INSUFFICIENT_FUNDS),
        ({"amount": Decimal("0.0001")}, RefusalCode.MIN_NOTIONAL),
        ({"amount": Decimal("0.1000001")}, RefusalCode.PRECISION),
        ({"price": Decimal("40000.001")}, RefusalCode.PRECISION),
    ],
)
async def test_an_amendment_that_is_refused_changes_nothing(
    desk: BybitRig, changes: dict[str, Decimal], code: RefusalCode
) -> None:
    intent = await placed(desk)
    before = await desk.gateway.find(key_of(intent))
    with pytest.raises(ExchangeRejected) as caught:
        await desk.gateway.amend(key_of(intent), replace(terms_of(intent), **changes))
    assert caught.value.refusal.code is code
    assert await desk.gateway.find(key_of(intent)) == before


async def test_what_is_closed_or_unknown_is_not_amended(desk: BybitRig) -> None:
    filled = an_intent()
    await desk.gateway.submit(filled)
    with pytest.raises(ExchangeRejected) as caught:
        await desk.gateway.amend(key_of(filled), terms_of(filled))
    assert caught.value.refusal.code is RefusalCode.ALREADY_CLOSED
    assert await desk.gateway.amend(key_of(an_intent()), terms_of(an_intent())) is None


@pytest.mark.parametrize("is_done", [True, False])
async def test_an_amendment_without_an_answer_is_doubt(desk: BybitRig, *, is_done: bool) -> None:
    intent = await placed(desk)
    wanted = replace(terms_of(intent), amount=AMOUNT * 2)
    fault = faults.CUT.after_acceptance() if is_done else faults.CUT
    desk.venue.faults.on(RequestKind.AMEND_ORDER, fault)
    with pytest.raises(ExchangeDoubt):
        await desk.gateway.amend(key_of(intent), wanted)
    found = await desk.gateway.find(key_of(intent))
    assert found is not None
    assert found.terms is not None
    assert found.terms.terms == (wanted if is_done else terms_of(intent))
