"""Fees, which KuCoin's stream of trades does not tell: they are asked for before any is booked."""

import asyncio
from decimal import Decimal

import pytest

from app.domain.fills import Fee
from app.exchanges.ccxt.streams.trade_lookups import FIRST_PAUSE_SECONDS, MOST_LOOKS
from tests.support.exchanges.at.kucoin import KucoinRig
from tests.support.exchanges.desks import filling, placed_and_heard, while_time_passes
from tests.support.exchanges.rigs import a_limit
from tests.support.venues.engine.accounts import Commission
from tests.support.venues.serving import faults
from tests.support.venues.serving.requests import RequestKind

LONG = FIRST_PAUSE_SECONDS * 2**MOST_LOOKS


@pytest.mark.parametrize(
    ("commission", "fee"),
    [
        (Commission.QUOTE, Fee(currency="USDT", amount=Decimal(4))),
        (Commission.BASE, Fee(currency="BTC", amount=Decimal("0.0001"))),
        (Commission.BNB, Fee(currency="BNB", amount=Decimal("0.00666666"))),
    ],
)
async def test_a_trade_of_the_stream_is_reported_with_the_fee_that_requests_tell(
    desk: KucoinRig, commission: Commission, fee: Fee
) -> None:
    desk.account.commission = commission
    desk.venue.deposit(desk.account, "BNB", 5)
    intent = await placed_and_heard(desk)
    news = desk.gateway.news()
    desk.venue.fill(intent.wire_id)
    [fill] = (await filling(news, intent)).fills
    assert (fill.fee, fill.is_fee_final) == (fee, True)


async def test_a_rebate_is_a_negative_fee(desk: KucoinRig) -> None:
    desk.account.maker_fee = Decimal("-0.00005")
    intent = await placed_and_heard(desk)
    news = desk.gateway.news()
    desk.venue.fill(intent.wire_id)
    [fill] = (await filling(news, intent)).fills
    assert fill.fee == Fee(currency="USDT", amount=Decimal("-0.2"))


async def test_many_trades_at_once_cost_a_lookup_of_each_order_and_not_of_each_trade(
    desk: KucoinRig,
) -> None:
    intents = [a_limit(Decimal(40_000), amount=Decimal("0.1")) for _ in range(5)]
    for intent in intents:
        await desk.gateway.submit(intent)
    news, asked = desk.gateway.news(), desk.venue.journal.count(RequestKind.MY_TRADES)
    for intent in intents:
        for _ in range(10):
            desk.venue.fill(intent.wire_id, "0.01")
    missing = {trade.id: trade for trade in desk.venue.trades(desk.account)}
    while missing:
        report = await anext(news)
        for fill in report.fills:
            assert fill.fee == Fee(currency="USDT", amount=Decimal("0.4"))
            missing.pop(int(fill.trade_id), None)
    assert desk.venue.journal.count(RequestKind.MY_TRADES) <= asked + 2 * len(intents)


async def test_a_trade_that_is_listed_late_is_asked_for_until_it_is(desk: KucoinRig) -> None:
    intent = await placed_and_heard(desk)
    news = desk.gateway.news()
    empty = faults.with_(data={"lastId": 0, "items": []})
    desk.venue.faults.on(RequestKind.MY_TRADES, empty, times=3)
    desk.venue.fill(intent.wire_id)
    [fill] = (await while_time_passes(desk, filling(news, intent))).fills
    assert fill.fee == Fee(currency="USDT", amount=Decimal(4))


async def test_a_trade_whose_fee_cannot_be_asked_for_is_reported_all_the_same(
    desk: KucoinRig,
) -> None:
    intent = await placed_and_heard(desk)
    news = desk.gateway.news()
    for kind in (RequestKind.MY_TRADES, RequestKind.FETCH_ORDER):
        desk.venue.faults.on(kind, faults.CUT, times=None)
    await desk.gateway.gap()
    desk.venue.fill(intent.wire_id)
    reporting = asyncio.ensure_future(filling_by_exchange_id(desk, news, intent.wire_id))
    while not reporting.done():
        await desk.clock.advance(LONG / 10)
        await asyncio.sleep(0)
    assert reporting.result() == {str(trade.id) for trade in desk.venue.trades(desk.account)}
    # The comparison that follows adds the fee.
    async with asyncio.timeout(5):
        await desk.gateway.gap()


async def filling_by_exchange_id(desk: KucoinRig, news: object, wire_id: str) -> set[str]:
    name = desk.venue.order_id(desk.venue.order(wire_id))
    async for report in news:  # type: ignore[attr-defined]
        if report.exchange_order_id == name and report.fills:
            return {fill.trade_id for fill in report.fills}
    raise AssertionError
