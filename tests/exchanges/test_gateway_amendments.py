"""What every adapter that amends and takes triggers must do, in a real exchange's words."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from app.domain.order_kinds import OrderSide, OrderType, TimeInForce
from app.domain.orders.order import OrderStatus
from app.domain.orders.reports import OrderIntent
from app.domain.orders.terms import AmendableTerms
from app.errors import (
    ExchangeDoubt,
    ExchangeRejected,
    ExchangeUnavailable,
    Refusal,
    RefusalCode,
)
from app.exchanges.paper.faults import Call
from tests.support.exchanges.at.binance import BinanceRig
from tests.support.exchanges.rigs import (
    STOPS,
    GatewayRig,
    a_limit,
    a_triggered,
    agree,
    an_intent,
    code_of_a_due_trigger,
    heard,
    is_rejected,
    key_of,
    settled,
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
    triggering: GatewayRig, kind: OrderType, side: OrderSide, sign: int
) -> None:
    before = await triggering.gateway.balances()
    last = (await ticker_of(triggering.gateway)).last
    intent = a_triggered(kind, side, steps_off(last, sign * 100_000))
    placed = await triggering.gateway.submit(intent)
    assert (placed.status, placed.fills) == (OrderStatus.OPEN, ())
    found = await triggering.gateway.find(key_of(intent))
    assert found is not None
    assert found.terms is not None
    assert found.terms.terms == terms_of(intent)
    held = "USDT" if side is OrderSide.BUY else "BTC"
    after = await triggering.gateway.balances()
    assert after[held].used > 0
    assert after[held].free + after[held].used == before[held].free
    assert await triggering.gateway.open_orders() == [found]
    await triggering.gateway.cancel(key_of(intent))
    assert await triggering.gateway.balances() == before


@pytest.mark.parametrize("steps", [0, 100_000])
@pytest.mark.parametrize(("kind", "side", "sign"), KINDS)
async def test_a_trigger_that_would_fire_at_once_is_refused(
    triggering: GatewayRig, kind: OrderType, side: OrderSide, sign: int, steps: int
) -> None:
    last = (await ticker_of(triggering.gateway)).last
    intent = a_triggered(kind, side, steps_off(last, -sign * steps))
    code = code_of_a_due_trigger(triggering)
    refusal = await is_rejected(triggering, intent, code)
    assert refusal.field == (("triggerPrice",) if code is RefusalCode.INVALID_INPUT else None)


async def test_where_an_order_cannot_be_changed_in_place_that_is_said_and_nothing_is_sent(
    unamending: BinanceRig,
) -> None:
    intent = a_limit(steps_off((await ticker_of(unamending.gateway)).bid, -100_000))
    placed = await unamending.gateway.submit(intent)
    asked = len(unamending.venue.journal)
    for wanted in (terms_of(intent), replace(terms_of(intent), amount=intent.amount * 2)):
        with pytest.raises(ExchangeRejected) as caught:
            await unamending.gateway.amend(key_of(intent, placed.exchange_order_id), wanted)
        assert caught.value.refusal.code is RefusalCode.UNSUPPORTED
    assert len(unamending.venue.journal) == asked
    assert agree(await unamending.gateway.find(key_of(intent)), placed)


async def test_an_amended_order_waits_with_its_new_terms_and_reserves_for_them(
    amending: GatewayRig,
) -> None:
    ticker = await ticker_of(amending.gateway)
    intent = a_limit(steps_off(ticker.bid, -100_000))
    placed = await settled(amending, intent)
    used = (await amending.gateway.balances())["USDT"].used
    wanted = replace(terms_of(intent), amount=intent.amount * 2)
    amended = await amending.gateway.amend(key_of(intent), wanted)
    assert amended is not None
    assert amended == await amending.gateway.find(key_of(intent))
    assert (amended.status, amended.exchange_order_id) == (
        OrderStatus.OPEN,
        placed.exchange_order_id,
    )
    assert placed.terms is not None
    assert amended.terms is not None
    assert amended.terms.terms == wanted
    # Real exchanges do not count amendments.
    versions = placed.terms.version, amended.terms.version
    assert versions == (None, None) or (versions[0] or 0) < (versions[1] or 0)
    assert (await amending.gateway.balances())["USDT"].used == used * 2
    assert await amending.gateway.open_orders() == [amended]


async def test_amending_to_the_same_terms_is_a_success_that_changes_nothing(
    amending: GatewayRig,
) -> None:
    ticker = await ticker_of(amending.gateway)
    intent = a_limit(steps_off(ticker.bid, -100_000))
    await settled(amending, intent)
    wanted = replace(terms_of(intent), price=steps_off(ticker.bid, -90_000))
    once = await amending.gateway.amend(key_of(intent), wanted)
    balances = await amending.gateway.balances()
    assert await amending.gateway.amend(key_of(intent), wanted) == once
    assert await amending.gateway.balances() == balances


async def test_a_limit_amended_across_the_market_takes_at_once(amending: GatewayRig) -> None:
    before = await amending.gateway.balances()
    ticker = await ticker_of(amending.gateway)
    intent = a_limit(steps_off(ticker.bid, -100_000))
    await settled(amending, intent)
    wanted = replace(terms_of(intent), price=steps_off(ticker.ask, 500))
    taken = await amending.gateway.amend(key_of(intent), wanted)
    assert taken is not None
    assert taken.status is OrderStatus.FILLED
    assert [(fill.price, fill.is_maker) for fill in taken.fills] == [(ticker.ask, False)]
    after = await amending.gateway.balances()
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
    amending: GatewayRig, changes: dict[str, Any], code: RefusalCode
) -> None:
    intent = a_limit(
        steps_off((await ticker_of(amending.gateway)).bid, -100_000),
        time_in_force=TimeInForce.POST_ONLY,
    )
    placed = await settled(amending, intent)
    wanted = replace(terms_of(intent), **changes)
    await _is_not_amended(amending, intent, wanted, code)
    assert await amending.gateway.find(key_of(intent)) == placed


async def test_a_trigger_is_amended_while_it_waits_and_never_to_the_wrong_side(
    amending: GatewayRig,
) -> None:
    last = (await ticker_of(amending.gateway)).last
    intent = a_triggered(OrderType.STOP_MARKET, OrderSide.SELL, steps_off(last, -100_000))
    await settled(amending, intent)
    nearer = replace(terms_of(intent), trigger_price=steps_off(last, -90_000))
    amended = await amending.gateway.amend(key_of(intent), nearer)
    assert amended is not None
    assert amended.terms is not None
    assert amended.terms.terms == nearer
    wrong = replace(nearer, trigger_price=steps_off(last, 90_000))
    code = code_of_a_due_trigger(amending)
    refusal = await _is_not_amended(amending, intent, wrong, code)
    assert refusal.field == (("triggerPrice",) if code is RefusalCode.INVALID_INPUT else None)


async def test_a_closed_order_cannot_be_amended(amending: GatewayRig) -> None:
    intent = an_intent()
    await settled(amending, intent)
    await _is_not_amended(amending, intent, terms_of(intent), RefusalCode.ALREADY_CLOSED)


async def test_amending_an_unknown_order_tells_that_there_is_none(amending: GatewayRig) -> None:
    assert await amending.gateway.amend(key_of(an_intent()), terms_of(an_intent())) is None


async def test_an_amendment_that_cannot_be_asked_for_says_so(amending: GatewayRig) -> None:
    amending.cut_off(Call.AMEND)
    with pytest.raises(ExchangeUnavailable):
        await amending.gateway.amend(key_of(an_intent()), terms_of(an_intent()))


async def test_an_amendment_whose_answer_was_lost_has_happened(amending: GatewayRig) -> None:
    intent = a_limit(steps_off((await ticker_of(amending.gateway)).bid, -100_000))
    await settled(amending, intent)
    wanted = replace(terms_of(intent), amount=intent.amount * 2)
    amending.lose_answers(Call.AMEND)
    with pytest.raises(ExchangeDoubt):
        await amending.gateway.amend(key_of(intent), wanted)
    found = await amending.gateway.find(key_of(intent))
    assert found is not None
    assert found.terms is not None
    assert found.terms.terms == wanted


async def test_an_amendment_that_was_lost_on_its_way_has_not_happened(amending: GatewayRig) -> None:
    intent = a_limit(steps_off((await ticker_of(amending.gateway)).bid, -100_000))
    placed = await settled(amending, intent)
    amending.lose_questions(Call.AMEND)
    with pytest.raises(ExchangeDoubt):
        await amending.gateway.amend(
            key_of(intent), replace(terms_of(intent), amount=intent.amount * 2)
        )
    assert await amending.gateway.find(key_of(intent)) == placed


async def test_an_amendment_is_news(amending: GatewayRig) -> None:
    intent = a_limit(steps_off((await ticker_of(amending.gateway)).bid, -100_000))
    news = amending.gateway.news()
    placed = await settled(amending, intent)
    assert agree(await heard(news), placed)
    wanted = replace(terms_of(intent), amount=intent.amount * 2)
    amended = await amending.gateway.amend(key_of(intent), wanted)
    assert agree(await heard(news), amended)


async def _is_not_amended(
    amending: GatewayRig, intent: OrderIntent, wanted: AmendableTerms, code: RefusalCode
) -> Refusal:
    before = await amending.gateway.balances()
    with pytest.raises(ExchangeRejected) as caught:
        await amending.gateway.amend(key_of(intent), wanted)
    assert caught.value.refusal.code is code
    assert await amending.gateway.balances() == before
    return caught.value.refusal
