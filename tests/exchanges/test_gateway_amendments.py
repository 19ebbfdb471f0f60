"""What every adapter that amends and takes triggers must do, in a real exchange's words."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from app.domain import money
from app.domain.order_reports import OrderIntent, OrderTerms
from app.domain.orders import OrderSide, OrderStatus, OrderType, TimeInForce
from app.errors import ExchangeDoubt, ExchangeRejected, Refusal, RefusalCode
from app.exchanges.paper.faults import Call
from tests.exchanges.rigs import (
    STOPS,
    GatewayRig,
    a_limit,
    a_triggered,
    an_intent,
    heard,
    is_rejected,
    key_of,
    steps_off,
    terms_of,
    ticker_of,
)

# A stop waits on the side to which the price would move against the trader, a take-profit opposite.
KINDS = [
    (kind, side, 1 if (side is OrderSide.BUY) is (kind in STOPS) else -1)
    for kind in OrderType
    if kind.has_trigger
    for side in OrderSide
]


@pytest.mark.parametrize(("kind", "side", "sign"), KINDS)
async def test_an_order_with_a_trigger_waits_and_reserves(
    rig: GatewayRig, kind: OrderType, side: OrderSide, sign: int
) -> None:
    before = await rig.gateway.balances()
    last = (await ticker_of(rig.gateway)).last
    intent = a_triggered(kind, side, steps_off(last, sign * 100_000))
    placed = await rig.gateway.submit(intent)
    assert (placed.status, placed.fills) == (OrderStatus.OPEN, ())
    assert placed.terms is not None
    assert placed.terms.terms == terms_of(intent)
    held = "USDT" if side is OrderSide.BUY else "BTC"
    after = await rig.gateway.balances()
    assert after[held].used > 0
    assert after[held].free + after[held].used == before[held].free
    assert await rig.gateway.open_orders() == [placed]
    await rig.gateway.cancel(key_of(intent))
    assert await rig.gateway.balances() == before


@pytest.mark.parametrize("steps", [0, 100_000])
@pytest.mark.parametrize(("kind", "side", "sign"), KINDS)
async def test_a_trigger_that_would_fire_at_once_is_refused(
    rig: GatewayRig, kind: OrderType, side: OrderSide, sign: int, steps: int
) -> None:
    last = (await ticker_of(rig.gateway)).last
    intent = a_triggered(kind, side, steps_off(last, -sign * steps))
    refusal = await is_rejected(rig, intent, RefusalCode.INVALID_INPUT)
    assert refusal.field == ("triggerPrice",)
    assert last is not None
    assert money.plain(last) in refusal.message
    assert ("above" if sign > 0 else "below") in refusal.message


async def test_an_amended_order_waits_with_its_new_terms_and_reserves_for_them(
    rig: GatewayRig,
) -> None:
    ticker = await ticker_of(rig.gateway)
    intent = a_limit(steps_off(ticker.bid, -100_000))
    placed = await rig.gateway.submit(intent)
    used = (await rig.gateway.balances())["USDT"].used
    wanted = replace(terms_of(intent), amount=intent.amount * 2)
    amended = await rig.gateway.amend(key_of(intent), wanted)
    assert amended is not None
    assert amended == await rig.gateway.find(key_of(intent))
    assert (amended.status, amended.exchange_order_id) == (
        OrderStatus.OPEN,
        placed.exchange_order_id,
    )
    assert placed.terms is not None
    assert amended.terms is not None
    assert amended.terms.terms == wanted
    assert placed.terms.version is not None
    assert amended.terms.version is not None
    assert amended.terms.version > placed.terms.version
    assert (await rig.gateway.balances())["USDT"].used == used * 2
    assert await rig.gateway.open_orders() == [amended]


async def test_amending_to_the_same_terms_is_a_success_that_changes_nothing(
    rig: GatewayRig,
) -> None:
    ticker = await ticker_of(rig.gateway)
    intent = a_limit(steps_off(ticker.bid, -100_000))
    await rig.gateway.submit(intent)
    wanted = replace(terms_of(intent), price=steps_off(ticker.bid, -90_000))
    once = await rig.gateway.amend(key_of(intent), wanted)
    balances = await rig.gateway.balances()
    assert await rig.gateway.amend(key_of(intent), wanted) == once
    assert await rig.gateway.balances() == balances


async def test_a_limit_amended_across_the_market_takes_at_once(rig: GatewayRig) -> None:
    before = await rig.gateway.balances()
    ticker = await ticker_of(rig.gateway)
    intent = a_limit(steps_off(ticker.bid, -100_000))
    await rig.gateway.submit(intent)
    wanted = replace(terms_of(intent), price=steps_off(ticker.ask, 500))
    taken = await rig.gateway.amend(key_of(intent), wanted)
    assert taken is not None
    assert taken.status is OrderStatus.FILLED
    assert [(fill.price, fill.is_maker) for fill in taken.fills] == [(ticker.ask, False)]
    after = await rig.gateway.balances()
    assert after["USDT"].used == 0
    assert after["BTC"].free == before["BTC"].free + intent.amount


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"amount": Decimal("0.010001")}, RefusalCode.PRECISION),
        ({"amount": Decimal("0.00001")}, RefusalCode.MIN_NOTIONAL),
        ({"amount": Decimal(0)}, RefusalCode.INVALID_INPUT),
        ({"amount": Decimal(1000)}, RefusalCode.INSUFFICIENT_FUNDS),
        ({"price": Decimal("40000.001")}, RefusalCode.PRECISION),
        ({"price": None}, RefusalCode.INVALID_INPUT),
        ({"price": Decimal(500_000)}, RefusalCode.REJECTED_BY_EXCHANGE),
        ({"trigger_price": Decimal(500_000)}, RefusalCode.INVALID_INPUT),
    ],
)
async def test_an_amendment_that_is_refused_changes_nothing(
    rig: GatewayRig, changes: dict[str, Any], code: RefusalCode
) -> None:
    intent = a_limit(
        steps_off((await ticker_of(rig.gateway)).bid, -100_000),
        time_in_force=TimeInForce.POST_ONLY,
    )
    placed = await rig.gateway.submit(intent)
    wanted = replace(terms_of(intent), **changes)
    await _is_not_amended(rig, intent, wanted, code)
    assert await rig.gateway.find(key_of(intent)) == placed


async def test_a_trigger_is_amended_while_it_waits_and_never_to_the_wrong_side(
    rig: GatewayRig,
) -> None:
    last = (await ticker_of(rig.gateway)).last
    intent = a_triggered(OrderType.STOP_MARKET, OrderSide.SELL, steps_off(last, -100_000))
    await rig.gateway.submit(intent)
    nearer = replace(terms_of(intent), trigger_price=steps_off(last, -90_000))
    amended = await rig.gateway.amend(key_of(intent), nearer)
    assert amended is not None
    assert amended.terms is not None
    assert amended.terms.terms == nearer
    wrong = replace(nearer, trigger_price=steps_off(last, 90_000))
    refusal = await _is_not_amended(rig, intent, wrong, RefusalCode.INVALID_INPUT)
    assert refusal.field == ("triggerPrice",)


async def test_a_closed_order_cannot_be_amended(rig: GatewayRig) -> None:
    intent = an_intent()
    await rig.gateway.submit(intent)
    await _is_not_amended(rig, intent, terms_of(intent), RefusalCode.ALREADY_CLOSED)


async def test_an_amendment_whose_answer_was_lost_has_happened(rig: GatewayRig) -> None:
    intent = a_limit(steps_off((await ticker_of(rig.gateway)).bid, -100_000))
    await rig.gateway.submit(intent)
    wanted = replace(terms_of(intent), amount=intent.amount * 2)
    rig.lose_answers(Call.AMEND)
    with pytest.raises(ExchangeDoubt):
        await rig.gateway.amend(key_of(intent), wanted)
    found = await rig.gateway.find(key_of(intent))
    assert found is not None
    assert found.terms is not None
    assert found.terms.terms == wanted


async def test_an_amendment_that_was_lost_on_its_way_has_not_happened(rig: GatewayRig) -> None:
    intent = a_limit(steps_off((await ticker_of(rig.gateway)).bid, -100_000))
    placed = await rig.gateway.submit(intent)
    rig.lose_questions(Call.AMEND)
    with pytest.raises(ExchangeDoubt):
        await rig.gateway.amend(key_of(intent), replace(terms_of(intent), amount=intent.amount * 2))
    assert await rig.gateway.find(key_of(intent)) == placed


async def test_an_amendment_is_news(rig: GatewayRig) -> None:
    intent = a_limit(steps_off((await ticker_of(rig.gateway)).bid, -100_000))
    await rig.gateway.submit(intent)
    news = rig.gateway.news()
    wanted = replace(terms_of(intent), amount=intent.amount * 2)
    assert await rig.gateway.amend(key_of(intent), wanted) == await heard(news)


async def _is_not_amended(
    rig: GatewayRig, intent: OrderIntent, wanted: OrderTerms, code: RefusalCode
) -> Refusal:
    before = await rig.gateway.balances()
    with pytest.raises(ExchangeRejected) as caught:
        await rig.gateway.amend(key_of(intent), wanted)
    assert caught.value.refusal.code is code
    assert await rig.gateway.balances() == before
    return caught.value.refusal
