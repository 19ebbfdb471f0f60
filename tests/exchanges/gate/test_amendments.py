"""Orders changed in place at Gate."""

from collections.abc import AsyncIterator
from dataclasses import replace
from decimal import Decimal

import pytest

from app.domain.order_kinds import TimeInForce
from app.domain.orders.order import OrderStatus
from app.domain.orders.reports import OrderIntent
from app.errors import ExchangeDoubt, ExchangeRejected, RefusalCode
from app.exchanges.paper.faults import Call
from tests.exchanges.conftest import START
from tests.support.clock import ManualClock
from tests.support.exchanges.gate import GateRig, trading
from tests.support.exchanges.rigs import a_limit, key_of, terms_of
from tests.support.venues.gate.api import faults as gate_faults
from tests.support.venues.serving import faults
from tests.support.venues.serving.requests import RequestKind

PRICE = Decimal(40_000)
AMOUNT = Decimal("0.1")


@pytest.fixture
async def desk() -> AsyncIterator[GateRig]:
    async with trading(ManualClock(START)) as rig:
        yield rig


async def placed(desk: GateRig, **changes: object) -> OrderIntent:
    intent = a_limit(PRICE, amount=AMOUNT, **changes)
    await desk.gateway.submit(intent)
    return intent


async def test_an_amended_order_has_its_new_terms_and_holds_money_for_them(desk: GateRig) -> None:
    intent = await placed(desk)
    wanted = replace(terms_of(intent), amount=Decimal("0.2"), price=Decimal(41_000))
    amended = await desk.gateway.amend(key_of(intent), wanted)
    assert amended is not None
    assert amended.terms is not None
    assert (amended.status, amended.terms.terms) == (OrderStatus.OPEN, wanted)
    assert amended == await desk.gateway.find(key_of(intent))
    assert (await desk.gateway.balances())["USDT"].used == Decimal(8_200)


async def test_an_order_amended_across_the_market_takes_at_once(desk: GateRig) -> None:
    intent = await placed(desk)
    taken = await desk.gateway.amend(
        key_of(intent), replace(terms_of(intent), price=Decimal(51_000))
    )
    assert taken is not None
    assert taken.status is OrderStatus.FILLED
    assert [(fill.price, fill.is_maker) for fill in taken.fills] == [(Decimal(50_000), False)]


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"price": Decimal(51_000)}, RefusalCode.REJECTED_BY_EXCHANGE),
        ({"amount": Decimal(1000)}, RefusalCode.INSUFFICIENT_FUNDS),
    ],
)
async def test_an_amendment_that_is_refused_is_a_plain_no_and_changes_nothing(
    desk: GateRig, changes: dict[str, Decimal], code: RefusalCode
) -> None:
    intent = await placed(desk, time_in_force=TimeInForce.POST_ONLY)
    before = await desk.gateway.find(key_of(intent))
    with pytest.raises(ExchangeRejected) as caught:
        await desk.gateway.amend(key_of(intent), replace(terms_of(intent), **changes))
    assert caught.value.refusal.code is code
    assert await desk.gateway.find(key_of(intent)) == before


async def test_an_order_that_closes_before_its_amendment_is_not_amended(desk: GateRig) -> None:
    intent = await placed(desk)
    wanted = replace(terms_of(intent), amount=Decimal("0.2"))
    desk.venue.fill(intent.wire_id)
    with pytest.raises(ExchangeRejected) as caught:
        await desk.gateway.amend(key_of(intent), wanted)
    assert caught.value.refusal.code is RefusalCode.ALREADY_CLOSED


@pytest.mark.parametrize("is_done", [True, False])
async def test_an_amendment_without_an_answer_is_in_doubt(desk: GateRig, *, is_done: bool) -> None:
    intent = await placed(desk)
    wanted = replace(terms_of(intent), amount=Decimal("0.2"))
    (desk.lose_answers if is_done else desk.lose_questions)(Call.AMEND)
    with pytest.raises(ExchangeDoubt):
        await desk.gateway.amend(key_of(intent), wanted)
    found = await desk.gateway.find(key_of(intent))
    assert found is not None
    assert found.terms is not None
    assert found.terms.terms == (wanted if is_done else terms_of(intent))


@pytest.mark.parametrize("is_done", [True, False])
async def test_an_amendment_whose_outcome_gate_does_not_know_is_in_doubt(
    desk: GateRig, *, is_done: bool
) -> None:
    intent = await placed(desk)
    wanted = replace(terms_of(intent), amount=Decimal("0.2"))
    unknown = gate_faults.UNKNOWN_OUTCOME
    fault = unknown.after_acceptance() if is_done else unknown
    desk.venue.faults.on(RequestKind.AMEND_ORDER, fault)
    with pytest.raises(ExchangeDoubt):
        await desk.gateway.amend(key_of(intent), wanted)
    amount = desk.venue.order(intent.wire_id).amount
    assert amount == (wanted.amount if is_done else AMOUNT)


async def test_an_order_that_is_filled_while_it_is_amended_is_not_amended(desk: GateRig) -> None:
    intent = await placed(desk)
    race = faults.meanwhile(lambda: desk.venue.fill(intent.wire_id))
    desk.venue.faults.on(RequestKind.AMEND_ORDER, race)
    wanted = replace(terms_of(intent), amount=Decimal("0.2"))
    with pytest.raises(ExchangeRejected):
        await desk.gateway.amend(key_of(intent), wanted)
    found = await desk.gateway.find(key_of(intent))
    assert found is not None
    assert (found.status, found.filled) == (OrderStatus.FILLED, AMOUNT)


async def test_an_order_cut_to_its_fills_is_canceled_with_them(desk: GateRig) -> None:
    intent = await placed(desk)
    desk.venue.fill(intent.wire_id, "0.04")
    wanted = replace(terms_of(intent), amount=Decimal("0.04"))
    cut = await desk.gateway.amend(key_of(intent), wanted)
    assert cut is not None
    assert (cut.status, cut.filled, len(cut.fills)) == (OrderStatus.CANCELED, Decimal("0.04"), 1)


async def test_amendments_of_ten_a_second_share_the_pace_of_orders(desk: GateRig) -> None:
    client = desk.gateway._session.client
    amending = client.calculate_rate_limiter_cost([], "PATCH", "orders/{order_id}", {}, {})
    assert amending == client.calculate_rate_limiter_cost([], "POST", "orders", {}, {}) == 2.2
