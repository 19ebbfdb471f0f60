import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from itertools import count

import pytest

from app.domain.order_kinds import OrderSide, OrderType, TimeInForce
from app.domain.orders.order import OrderStatus
from app.domain.orders.reports import OrderIntent, OrderReport
from app.errors import ExchangeRejected, RefusalCode
from app.exchanges.paper.exchange import PaperExchange
from app.exchanges.paper.prices.price_path import tick_of, time_of
from app.exchanges.paper.prices.simulated_markets import SimulatedMarkets
from tests.conftest import on_each_database
from tests.support.exchanges.rigs import (
    STOPS,
    SYMBOL,
    TERMS,
    PaperRig,
    a_limit,
    a_triggered,
    an_intent,
    heard,
    key_of,
    running,
    steps_off,
    terms_of,
    ticker_of,
)
from tests.support.makers import changed

_KINDS = [(kind, side) for kind in OrderType if kind.has_trigger for side in OrderSide]
_VENUE = SimulatedMarkets(TERMS)
_REACHED = 5


def _is_above(intent: OrderIntent) -> bool:
    return (intent.side is OrderSide.BUY) is (intent.type in STOPS)


def _due(rig: PaperRig, intent: OrderIntent) -> int:
    """The first tick from the next one on that reaches the trigger, from the prices alone."""
    trigger = intent.trigger_price
    assert trigger is not None
    for tick in count(tick_of(rig.clock.now()) + 1):
        last = _VENUE.last(SYMBOL, tick)
        if last >= trigger if _is_above(intent) else last <= trigger:
            return tick
    raise AssertionError


def _intent(rig: PaperRig, kind: OrderType, side: OrderSide, steps: int = 0) -> OrderIntent:
    """A trigger at a price that will be reached exactly, within a minute or two."""
    now = tick_of(rig.clock.now())
    sign = 1 if (side is OrderSide.BUY) is (kind in STOPS) else -1
    ahead = [_VENUE.last(SYMBOL, tick) * sign for tick in range(now, now + 240)]
    trigger = next(price for price in ahead[_REACHED:] if price > max(ahead[:_REACHED])) * sign
    return a_triggered(kind, side, steps_off(trigger, steps * sign))


async def _until(rig: PaperRig, tick: int) -> None:
    await rig.clock.advance((time_of(tick) - rig.clock.now()).total_seconds())


async def _found(rig: PaperRig, intent: OrderIntent) -> OrderReport:
    found = await rig.gateway.find(key_of(intent))
    assert found is not None
    return found


@pytest.mark.parametrize(("kind", "side"), _KINDS)
async def test_it_triggers_at_the_very_price_and_not_a_tick_before(
    paper: PaperRig, kind: OrderType, side: OrderSide
) -> None:
    async with running(paper):
        intent = _intent(paper, kind, side)
        placed = await paper.gateway.submit(intent)
        due = _due(paper, intent)
        assert _VENUE.last(SYMBOL, due) == intent.trigger_price
        await _until(paper, due - 1)
        assert await _found(paper, intent) == placed
        await _until(paper, due)
        report = await _found(paper, intent)
    assert report.at == time_of(due)
    if not kind.has_price:
        quote = _VENUE.quote(SYMBOL, due)
        assert report.status is OrderStatus.FILLED
        assert [(fill.price, fill.is_maker) for fill in report.fills] == [
            (quote.best_against(side), False)
        ]
        assert (await paper.gateway.balances())["USDT"].used == 0


@pytest.mark.parametrize(
    ("time_in_force", "crosses", "status"),
    [
        (TimeInForce.GTC, True, OrderStatus.FILLED),
        (TimeInForce.GTC, False, OrderStatus.OPEN),
        (TimeInForce.IOC, False, OrderStatus.EXPIRED),
        (TimeInForce.FOK, False, OrderStatus.EXPIRED),
        (TimeInForce.POST_ONLY, True, OrderStatus.EXPIRED),
        (TimeInForce.POST_ONLY, False, OrderStatus.OPEN),
    ],
)
@pytest.mark.parametrize("side", OrderSide)
@pytest.mark.parametrize("kind", [OrderType.STOP_LIMIT, OrderType.TAKE_PROFIT_LIMIT])
async def test_a_triggered_limit_takes_what_crosses_and_waits_where_it_may(
    paper: PaperRig,
    kind: OrderType,
    side: OrderSide,
    time_in_force: TimeInForce,
    crosses: bool,
    status: OrderStatus,
) -> None:
    async with running(paper):
        intent = _intent(paper, kind, side)
        towards = 1 if (side is OrderSide.BUY) is crosses else -1
        limit = steps_off(intent.trigger_price, towards * 20_000)
        intent = changed(intent, price=limit, time_in_force=time_in_force)
        await paper.gateway.submit(intent)
        await _until(paper, _due(paper, intent))
        report = await _found(paper, intent)
        later = await paper.gateway.open_orders()
    assert report.status is status
    assert (report.refusal is not None) == (status is OrderStatus.EXPIRED)
    assert later == ([report] if status is OrderStatus.OPEN else [])


async def test_what_rests_after_its_trigger_is_a_maker_from_the_next_tick_on(
    paper: PaperRig,
) -> None:
    async with running(paper):
        intent = _intent(paper, OrderType.STOP_LIMIT, OrderSide.SELL)
        intent = changed(intent, price=steps_off(intent.trigger_price, 200))
        await paper.gateway.submit(intent)
        triggered = _due(paper, intent)
        assert intent.price is not None
        through = next(t for t in count(triggered + 1) if _VENUE.last(SYMBOL, t) > intent.price)
        await _until(paper, through - 1)
        assert (await _found(paper, intent)).status is OrderStatus.OPEN
        await _until(paper, through)
        (fill,) = (await _found(paper, intent)).fills
    assert (fill.price, fill.is_maker, fill.at) == (intent.price, True, time_of(through))


async def test_money_that_does_not_suffice_at_the_trigger_expires_the_rest(
    paper: PaperRig,
) -> None:
    async with running(paper):
        intent = _intent(paper, OrderType.STOP_MARKET, OrderSide.BUY)
        assert intent.trigger_price is not None
        # All the money at the trigger, and the book asks for more.
        affordable = Decimal(10_000) / (intent.trigger_price * Decimal("1.001"))
        intent = changed(
            intent, amount=affordable.quantize(Decimal("0.00001")) - Decimal("0.00001")
        )
        await paper.gateway.submit(intent)
        await _until(paper, _due(paper, intent))
        report = await _found(paper, intent)
    assert report.status is OrderStatus.EXPIRED
    assert report.refusal is not None
    assert report.refusal.code is RefusalCode.INSUFFICIENT_FUNDS
    assert report.filled is not None
    assert Decimal("0.99") * intent.amount < report.filled < intent.amount
    left = (await paper.gateway.balances())["USDT"]
    assert (left.used, left.free < 1) == (Decimal(0), True)


async def test_a_restart_between_placing_and_triggering_changes_nothing(paper: PaperRig) -> None:
    intent = _intent(paper, OrderType.STOP_MARKET, OrderSide.SELL)
    placed = await paper.gateway.submit(intent)
    due = _due(paper, intent)
    assert await _found(paper.restarted(), intent) == placed
    await _until(paper, due + 40)
    async with running(paper.restarted()) as restarted:
        report = await _found(restarted, intent)
    assert (report.status, report.at) == (OrderStatus.FILLED, time_of(due))
    assert [fill.price for fill in report.fills] == [_VENUE.quote(SYMBOL, due).bid]


async def test_a_price_from_before_the_order_triggers_nothing(paper: PaperRig) -> None:
    intent = _intent(paper, OrderType.TAKE_PROFIT_MARKET, OrderSide.SELL)
    # The price was there, came back, and only then does the order come.
    due = _due(paper, intent)
    back = next(t for t in count(due) if _VENUE.last(SYMBOL, t) < (intent.trigger_price or 0))
    await _until(paper, back)
    await paper.gateway.submit(intent)
    async with running(paper.restarted()) as restarted:
        assert (await _found(restarted, intent)).status is OrderStatus.OPEN


@on_each_database
async def test_two_processes_trigger_an_order_once_and_tell_it_once(paper: PaperRig) -> None:
    other = paper.restarted()
    news = [rig.gateway.news() for rig in (paper, other)]
    before = await paper.gateway.balances()
    async with running(paper):
        loop = asyncio.create_task(other.gateway.run())
        await paper.clock.until_asleep(2)
        intent = _intent(paper, OrderType.STOP_MARKET, OrderSide.SELL)
        await other.gateway.submit(intent)
        await _until(paper, _due(paper, intent) + 20)
        report = await _found(paper, intent)
        loop.cancel()
        await asyncio.wait([loop])
    assert (report.status, len(report.fills)) == (OrderStatus.FILLED, 1)
    after = await paper.gateway.balances()
    assert after["BTC"].free == before["BTC"].free - intent.amount
    told = [await _told(rig, one) for rig, one in zip((paper, other), news, strict=True)]
    assert [one.status for reports in told for one in reports].count(OrderStatus.FILLED) == 1


async def test_a_cancel_that_comes_too_late_tells_what_was_traded(paper: PaperRig) -> None:
    intent = _intent(paper, OrderType.STOP_MARKET, OrderSide.SELL)
    await paper.gateway.submit(intent)
    await _until(paper, _due(paper, intent))
    # No loop has looked yet, and it is too late all the same.
    canceled = await paper.gateway.cancel(key_of(intent))
    assert canceled is not None
    assert canceled.status is OrderStatus.FILLED


@on_each_database
async def test_a_refused_request_undoes_nothing_of_what_the_time_has_brought(
    paper: PaperRig,
) -> None:
    intent = _intent(paper, OrderType.STOP_MARKET, OrderSide.SELL)
    await paper.gateway.submit(intent)
    news = paper.gateway.news()
    await _until(paper, _due(paper, intent))
    with pytest.raises(ExchangeRejected, match="INSUFFICIENT_FUNDS"):
        await paper.gateway.submit(an_intent(amount=Decimal(5)))
    assert await heard(news) == await _found(paper, intent)
    assert (await _found(paper, intent)).status is OrderStatus.FILLED


async def test_the_trigger_of_an_order_that_has_triggered_cannot_be_changed(
    paper: PaperRig,
) -> None:
    intent = _intent(paper, OrderType.STOP_LIMIT, OrderSide.SELL)
    intent = changed(intent, price=steps_off(intent.trigger_price, 100_000))
    async with running(paper):
        await paper.gateway.submit(intent)
        await _until(paper, _due(paper, intent))
        wanted = replace(terms_of(intent), trigger_price=steps_off(intent.trigger_price, -500))
        with pytest.raises(ExchangeRejected) as caught:
            await paper.gateway.amend(key_of(intent), wanted)
        assert caught.value.refusal.code is RefusalCode.INVALID_STATE
        lower = replace(terms_of(intent), price=steps_off(intent.price, -1))
        assert await paper.gateway.amend(key_of(intent), lower) is not None


async def test_an_amended_order_meets_only_prices_after_its_amendment(paper: PaperRig) -> None:
    limit = steps_off((await ticker_of(paper.gateway)).last, -60_000)
    intent = a_limit(limit)
    await paper.gateway.submit(intent)
    await paper.clock.advance(30)
    last = (await ticker_of(paper.gateway)).last
    wanted = replace(terms_of(intent), price=steps_off(last, -1))
    await paper.gateway.amend(key_of(intent), wanted)
    at = tick_of(paper.clock.now())
    through = next(t for t in count(at + 1) if _VENUE.last(SYMBOL, t) < steps_off(last, -1))
    async with running(paper.restarted()) as restarted:
        await _until(restarted, through + 4)
        (fill,) = (await _found(restarted, intent)).fills
    assert fill.at == time_of(through)


async def test_higher_fees_after_a_restart_expire_what_can_no_longer_be_paid(
    paper: PaperRig,
) -> None:
    limit = steps_off((await ticker_of(paper.gateway)).last, -1)
    amount = (Decimal(10_000) / (limit * Decimal("1.001"))).quantize(Decimal("0.00001"))
    intent = a_limit(limit, amount=amount - Decimal("0.00001"))
    await paper.gateway.submit(intent)
    dearer = replace(TERMS, maker_fee=Decimal("0.05"), taker_fee=Decimal("0.05"))
    paper.gateway = PaperExchange(paper.books, paper.clock, dearer)
    async with running(paper):
        await paper.clock.advance(timedelta(minutes=1).total_seconds())
        report = await _found(paper, intent)
    assert report.status is OrderStatus.EXPIRED
    assert report.refusal is not None
    assert report.refusal.code is RefusalCode.INSUFFICIENT_FUNDS
    assert (await paper.gateway.balances())["USDT"].used == 0


async def _told(rig: PaperRig, news: AsyncIterator[OrderReport]) -> list[OrderReport]:
    """Everything that a reader was told before an order that comes now."""
    last = an_intent()
    await rig.gateway.submit(last)
    reports = [await heard(news)]
    while reports[-1].wire_id != last.wire_id:
        reports.append(await heard(news))
    return reports[:-1]
