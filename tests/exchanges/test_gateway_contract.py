"""What every adapter of the exchange port must do. A new one joins by its rig in conftest."""

from decimal import Decimal

import pytest

from app.domain import money
from app.domain.accounts import Connectivity
from app.domain.order_kinds import OrderSide, OrderType, PositionType, TimeInForce
from app.domain.orders.order import OrderStatus
from app.domain.orders.reports import OrderIntent, OrderKey
from app.errors import (
    ExchangeDoubt,
    ExchangeRejected,
    ExchangeUnavailable,
    Refusal,
    RefusalCode,
)
from app.exchanges.paper.faults import Call
from tests.support.exchanges.rigs import (
    SYMBOL,
    GatewayRig,
    a_limit,
    agree,
    an_intent,
    code_of_a_due_trigger,
    heard,
    is_rejected,
    key_of,
    settled,
    steps_off,
    ticker_of,
)
from tests.support.exchanges.venue_rigs import VenueRig


async def test_every_market_has_steps_and_minimums(rig: GatewayRig) -> None:
    markets = await rig.gateway.markets()
    assert SYMBOL in markets
    for symbol, market in markets.items():
        assert market.symbol == symbol == f"{market.base}/{market.quote}"
        for value in (market.amount_step, market.price_step, market.min_amount):
            assert value is not None
            assert value > 0


async def test_it_is_connected_and_says_what_it_can_do(rig: GatewayRig) -> None:
    assert rig.gateway.connection.connectivity is Connectivity.CONNECTED
    assert {OrderType.MARKET, OrderType.LIMIT} <= set(rig.gateway.capabilities.order_types)


async def test_tickers_are_on_step_and_unknown_symbols_are_left_out(rig: GatewayRig) -> None:
    market = (await rig.gateway.markets())[SYMBOL]
    tickers = await rig.gateway.tickers([SYMBOL, "NO/SUCH"])
    assert list(tickers) == [SYMBOL]
    ticker = tickers[SYMBOL]
    assert market.price_step is not None
    assert ticker.bid is not None
    assert ticker.ask is not None
    assert 0 < ticker.bid < ticker.ask
    assert all(money.is_on_step(price, market.price_step) for price in (ticker.bid, ticker.ask))


@pytest.mark.parametrize("side", OrderSide)
async def test_a_position_on_margin_is_told_where_it_can_be_had(
    rig: GatewayRig, side: OrderSide
) -> None:
    assert list(await rig.gateway.exposures()) == []
    if PositionType.MARGIN not in rig.gateway.capabilities.position_types:
        return
    base = (await rig.gateway.balances())["BTC"]
    opening = an_intent(side=side, position_type=PositionType.MARGIN, leverage=Decimal(4))
    opened = await settled(rig, opening)
    [told] = await rig.gateway.exposures()
    sign = 1 if side is OrderSide.BUY else -1
    assert (told.symbol, told.type, told.amount) == (
        SYMBOL, PositionType.MARGIN, sign * opening.amount,
    )  # fmt: skip
    assert opened.cost is not None
    assert (told.leverage, told.margin) == (Decimal(4), opened.cost / 4)
    assert (await rig.gateway.balances())["BTC"] == base
    other = OrderSide.SELL if side is OrderSide.BUY else OrderSide.BUY
    closing = an_intent(side=other, position_type=PositionType.MARGIN, reduce_only=True)
    await settled(rig, closing)
    assert await rig.gateway.exposures() == []
    refused = an_intent(side=side, position_type=PositionType.MARGIN, leverage=Decimal(6))
    assert (await is_rejected(rig, refused, RefusalCode.INVALID_INPUT)).field == ("leverage",)


@pytest.mark.parametrize("time_in_force", [TimeInForce.GTC, TimeInForce.IOC])
@pytest.mark.parametrize("side", OrderSide)
async def test_a_market_order_is_filled_at_once_and_paid_for(
    rig: GatewayRig, side: OrderSide, time_in_force: TimeInForce
) -> None:
    before = await rig.gateway.balances()
    report = await settled(rig, an_intent(side=side, time_in_force=time_in_force))
    after = await rig.gateway.balances()
    amount = money.total(fill.amount for fill in report.fills)
    cost = money.total(money.multiply(fill.amount, fill.price) for fill in report.fills)
    fees = money.total(fill.fee.amount for fill in report.fills if fill.fee)
    assert report.status is OrderStatus.FILLED
    assert (report.filled, report.cost) == (amount, cost) == (Decimal("0.01"), cost)
    assert {fill.is_maker for fill in report.fills} == {False}
    assert {fill.fee.currency for fill in report.fills if fill.fee} == {"USDT"}
    sign = Decimal(1 if side is OrderSide.BUY else -1)
    assert after["BTC"].free - before["BTC"].free == sign * amount
    assert before["USDT"].free - after["USDT"].free == sign * cost + fees
    assert fees > 0


async def test_a_limit_away_from_the_market_waits_and_reserves(rig: GatewayRig) -> None:
    before = await rig.gateway.balances()
    ticker = await ticker_of(rig.gateway)
    report = await settled(rig, a_limit(steps_off(ticker.bid, -100_000)))
    after = await rig.gateway.balances()
    assert (report.status, report.fills) == (OrderStatus.OPEN, ())
    assert after["USDT"].used >= Decimal("0.01") * steps_off(ticker.bid, -100_000)
    assert after["USDT"].free + after["USDT"].used == before["USDT"].free


@pytest.mark.parametrize("time_in_force", [TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK])
@pytest.mark.parametrize(("side", "steps"), [(OrderSide.BUY, 500), (OrderSide.SELL, -500)])
async def test_a_limit_that_crosses_takes_at_the_better_price(
    rig: GatewayRig, side: OrderSide, steps: int, time_in_force: TimeInForce
) -> None:
    ticker = await ticker_of(rig.gateway)
    best = ticker.ask if side is OrderSide.BUY else ticker.bid
    intent = a_limit(steps_off(best, steps), side=side, time_in_force=time_in_force)
    report = await settled(rig, intent)
    assert report.status is OrderStatus.FILLED
    assert [fill.price for fill in report.fills] == [best]


@pytest.mark.parametrize("time_in_force", [TimeInForce.IOC, TimeInForce.FOK])
async def test_what_cannot_be_filled_at_once_expires_and_costs_nothing(
    rig: GatewayRig, time_in_force: TimeInForce
) -> None:
    before = await rig.gateway.balances()
    ticker = await ticker_of(rig.gateway)
    intent = a_limit(steps_off(ticker.bid, -2), time_in_force=time_in_force)
    report = await settled(rig, intent)
    is_told = not isinstance(rig, VenueRig) or rig.venue.tells_unfilled
    assert report.status is (OrderStatus.EXPIRED if is_told else OrderStatus.CANCELED)
    assert report.fills == ()
    assert (report.refusal is not None) is is_told
    assert await rig.gateway.balances() == before
    assert agree(await rig.gateway.find(key_of(intent)), report)


async def test_a_post_only_order_waits_or_is_refused(rig: GatewayRig) -> None:
    ticker = await ticker_of(rig.gateway)
    post_only = TimeInForce.POST_ONLY
    waiting = await settled(rig, a_limit(steps_off(ticker.bid, -100_000), time_in_force=post_only))
    assert waiting.status is OrderStatus.OPEN
    before = await rig.gateway.balances()
    crossing = a_limit(steps_off(ticker.ask, 0), time_in_force=post_only)
    refusal = await _turned_away(rig, crossing)
    if not isinstance(rig, VenueRig) or rig.venue.tells_crossing:
        assert refusal is not None
        assert refusal.code is RefusalCode.REJECTED_BY_EXCHANGE
    assert await rig.gateway.balances() == before


async def _turned_away(rig: GatewayRig, intent: OrderIntent) -> Refusal | None:
    """Why an order is refused, or, at exchanges that take it first, ended at once."""
    try:
        report = await settled(rig, intent)
    except ExchangeRejected as error:
        assert await rig.gateway.find(key_of(intent)) is None
        return error.refusal
    assert report.status in {OrderStatus.REJECTED, OrderStatus.CANCELED}
    assert report.fills == ()
    assert (report.refusal is not None) is (report.status is OrderStatus.REJECTED)
    return report.refusal


async def test_a_reduce_only_order_sells_and_never_buys(rig: GatewayRig) -> None:
    sold = await settled(rig, an_intent(side=OrderSide.SELL, reduce_only=True))
    assert sold.status is OrderStatus.FILLED
    await is_rejected(rig, an_intent(reduce_only=True), RefusalCode.REJECTED_BY_EXCHANGE)


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"symbol": "NO/SUCH"}, RefusalCode.UNKNOWN_SYMBOL),
        ({"amount": Decimal(1000)}, RefusalCode.INSUFFICIENT_FUNDS),
        ({"amount": Decimal(1000), "side": OrderSide.SELL}, RefusalCode.INSUFFICIENT_FUNDS),
        ({"amount": Decimal("0.010001")}, RefusalCode.PRECISION),
        ({"amount": Decimal("0.00001")}, RefusalCode.MIN_NOTIONAL),
        ({"type": OrderType.LIMIT, "price": Decimal("50000.001")}, RefusalCode.PRECISION),
        ({"amount": Decimal(0)}, RefusalCode.INVALID_INPUT),
        ({"amount": Decimal("-0.01")}, RefusalCode.INVALID_INPUT),
        ({"type": OrderType.LIMIT}, RefusalCode.INVALID_INPUT),
        ({"price": Decimal(50000)}, RefusalCode.INVALID_INPUT),
        ({"time_in_force": TimeInForce.FOK}, RefusalCode.INVALID_INPUT),
        ({"type": OrderType.STOP_MARKET}, RefusalCode.INVALID_INPUT),
        ({"trigger_price": Decimal(1)}, RefusalCode.INVALID_INPUT),
    ],
)
async def test_what_is_rejected_leaves_no_trace(
    rig: GatewayRig, changes: dict[str, object], code: RefusalCode
) -> None:
    intent = an_intent(**changes)
    if intent.type not in rig.gateway.capabilities.order_types:
        code = RefusalCode.UNSUPPORTED
    if code is RefusalCode.MIN_NOTIONAL and await _has_least_amounts(rig):
        code = RefusalCode.INVALID_INPUT
    await is_rejected(rig, intent, code)


async def test_a_stop_that_would_fire_at_once_leaves_no_trace(triggering: GatewayRig) -> None:
    intent = an_intent(type=OrderType.STOP_MARKET, trigger_price=Decimal(1000))
    await is_rejected(triggering, intent, code_of_a_due_trigger(triggering))


async def _has_least_amounts(rig: GatewayRig) -> bool:
    """Whether the exchange limits the amount of an order instead of its cost."""
    return (await rig.gateway.markets())[SYMBOL].min_notional is None


async def test_canceling_releases_what_was_reserved_and_may_be_repeated(rig: GatewayRig) -> None:
    before = await rig.gateway.balances()
    ticker = await ticker_of(rig.gateway)
    intent = a_limit(steps_off(ticker.bid, -100_000))
    placed = await settled(rig, intent)
    canceled = await rig.gateway.cancel(key_of(intent, placed.exchange_order_id))
    assert canceled is not None
    assert canceled.status is OrderStatus.CANCELED
    assert await rig.gateway.balances() == before
    assert agree(await rig.gateway.cancel(key_of(intent)), canceled)
    assert await rig.gateway.balances() == before


async def test_canceling_a_filled_order_tells_that_it_is_filled(rig: GatewayRig) -> None:
    intent = an_intent()
    filled = await settled(rig, intent)
    assert agree(await rig.gateway.cancel(key_of(intent)), filled)


async def test_an_order_is_found_by_either_id_with_its_fills(rig: GatewayRig) -> None:
    intent = an_intent()
    placed = await settled(rig, intent)
    assert placed.wire_id == intent.wire_id
    assert len(placed.fills) > 0
    assert agree(await rig.gateway.find(key_of(intent)), placed)
    by_its_own = OrderKey(
        symbol=SYMBOL, wire_id="w-unknown", exchange_order_id=placed.exchange_order_id
    )
    assert agree(await rig.gateway.find(by_its_own), placed)


async def test_open_orders_are_those_that_wait_and_no_others(rig: GatewayRig) -> None:
    ticker = await ticker_of(rig.gateway)
    intents = [a_limit(steps_off(ticker.bid, -100_000)) for _ in range(3)]
    waiting = [await settled(rig, intent) for intent in intents]
    await settled(rig, an_intent())
    await rig.gateway.cancel(key_of(intents[1]))
    listed = {report.wire_id: report for report in await rig.gateway.open_orders()}
    assert listed.keys() == {waiting[0].wire_id, waiting[2].wire_id}
    assert agree(listed[waiting[0].wire_id], waiting[0])
    assert agree(listed[waiting[2].wire_id], waiting[2])


@pytest.mark.parametrize("exchange_order_id", [None, "P999", "nonsense", "P", "P-1"])
async def test_an_unknown_order_is_none(rig: GatewayRig, exchange_order_id: str | None) -> None:
    key = key_of(an_intent(), exchange_order_id)
    assert await rig.gateway.find(key) is None
    assert await rig.gateway.cancel(key) is None


async def test_a_repeated_wire_id_leaves_doubt_and_one_order(rig: GatewayRig) -> None:
    intent = an_intent()
    placed = await settled(rig, intent)
    before = await rig.gateway.balances()
    # Even where the second could not be paid for: "no" would mean that there is no such order.
    for again in (intent, an_intent(wire_id=intent.wire_id, amount=Decimal(1000))):
        with pytest.raises(ExchangeDoubt):
            await settled(rig, again)
    assert await rig.gateway.balances() == before
    assert agree(await rig.gateway.find(key_of(intent)), placed)


async def test_an_order_whose_answer_was_lost_is_found(rig: GatewayRig) -> None:
    intent = an_intent()
    rig.lose_answers(Call.SUBMIT)
    with pytest.raises(ExchangeDoubt):
        await settled(rig, intent)
    found = await rig.gateway.find(key_of(intent))
    assert found is not None
    assert (found.status, found.filled) == (OrderStatus.FILLED, intent.amount)


async def test_an_order_that_was_lost_on_its_way_is_not_there(rig: GatewayRig) -> None:
    intent = an_intent()
    rig.lose_questions(Call.SUBMIT)
    with pytest.raises(ExchangeDoubt):
        await settled(rig, intent)
    assert await rig.gateway.find(key_of(intent)) is None


async def test_a_cancel_whose_answer_was_lost_has_happened(rig: GatewayRig) -> None:
    ticker = await ticker_of(rig.gateway)
    intent = a_limit(steps_off(ticker.bid, -100_000))
    await settled(rig, intent)
    rig.lose_answers(Call.CANCEL)
    with pytest.raises(ExchangeDoubt):
        await rig.gateway.cancel(key_of(intent))
    found = await rig.gateway.find(key_of(intent))
    assert found is not None
    assert found.status is OrderStatus.CANCELED


async def test_an_exchange_that_cannot_be_asked_says_so_and_does_nothing(rig: GatewayRig) -> None:
    intent = an_intent()
    for call in Call:
        rig.cut_off(call)
    with pytest.raises(ExchangeUnavailable):
        await settled(rig, intent)
    with pytest.raises(ExchangeUnavailable):
        await rig.gateway.cancel(key_of(intent))
    with pytest.raises(ExchangeUnavailable):
        await rig.gateway.find(key_of(intent))
    rig.recover()
    assert await rig.gateway.find(key_of(intent)) is None


async def test_news_is_kept_from_the_call_on_and_tells_what_the_answers_told(
    rig: GatewayRig,
) -> None:
    ticker = await ticker_of(rig.gateway)
    news = rig.gateway.news()
    intent = a_limit(steps_off(ticker.bid, -100_000))
    placed = await settled(rig, intent)
    canceled = await rig.gateway.cancel(key_of(intent))
    assert agree(await heard(news), placed)
    assert agree(await heard(news), canceled)
