"""Lists that are longer than a page of KuCoin's, or than the week that one list tells of."""

from decimal import Decimal

import pytest

from app.domain import money
from app.domain.orders.order import OrderStatus
from app.domain.orders.reports import OrderReport
from tests.support.exchanges.at.kucoin import KucoinRig
from tests.support.exchanges.rigs import SYMBOL, an_intent, key_of
from tests.support.venues.engine.orders import Order
from tests.support.venues.serving.requests import RequestKind

# A page has 100 rows.
PAGE = 100
DAY = 24 * 60 * 60


def assert_whole(desk: KucoinRig, reports: dict[str, OrderReport], order: Order) -> None:
    """The order is told as the exchange has it, with each of its trades and their fees."""
    report = reports[desk.venue.order_id(order)]
    trades = [each for each in desk.venue.trades(desk.account) if each.order_id == order.id]
    assert report.filled == desk.venue.order(order.id).filled
    assert {fill.trade_id for fill in report.fills} == {str(trade.id) for trade in trades}
    fees = money.total(fill.fee.amount for fill in report.fills if fill.fee is not None)
    assert fees == money.total(trade.commission for trade in trades)


async def go_by(desk: KucoinRig, *, days: int) -> None:
    """Let days go by at once, of which the adapter hears by the exchange's clock."""
    desk.clock.step(wall=days * DAY)
    await desk.gateway._session._sync_time(desk.gateway._session.client)


@pytest.mark.parametrize("trades", [60, 99, 100, 101, 250])
async def test_a_market_order_that_eats_many_levels_has_all_its_trades_with_their_fees(
    desk: KucoinRig, trades: int
) -> None:
    desk.venue.matching.trades_per_taker = trades
    intent = an_intent(amount=Decimal("0.5"))
    await desk.gateway.submit(intent)
    # What the stream told of it is looked up as well.
    await desk.venue.journal.until(RequestKind.MY_TRADES, times=trades // PAGE + 1)
    report = await desk.gateway.find(key_of(intent))
    assert report is not None
    assert report.status is OrderStatus.FILLED
    assert len(report.fills) == trades
    assert_whole(desk, {report.exchange_order_id: report}, desk.venue.order(intent.wire_id))


@pytest.mark.parametrize("count", [20, 100, 101, 250])
async def test_every_closed_order_is_listed_with_its_trades(desk: KucoinRig, count: int) -> None:
    since = desk.clock.now()
    orders = [
        desk.venue.place_elsewhere(desk.account, "BTCUSDT", "BUY", "0.001") for _ in range(count)
    ]
    listed = await desk.gateway.closed_orders(since, [SYMBOL])
    reports = {report.exchange_order_id: report for report in listed}
    assert len(listed) == len(reports) == count
    for order in orders:
        assert_whole(desk, reports, order)
    # Lists of orders and of trades alike: no row is asked for twice.
    assert desk.venue.journal.count(RequestKind.CLOSED_ORDERS) <= count // PAGE + 2


async def test_orders_of_longer_ago_than_a_week_are_listed_week_after_week(
    desk: KucoinRig,
) -> None:
    since, orders = desk.clock.now(), []
    for _ in range(4):
        orders.append(desk.venue.place_elsewhere(desk.account, "BTCUSDT", "SELL", "0.01"))
        await go_by(desk, days=6)
    listed = await desk.gateway.closed_orders(since, [SYMBOL])
    reports = {report.exchange_order_id: report for report in listed}
    assert len(reports) == len(orders)
    for order in orders:
        assert_whole(desk, reports, order)


async def test_an_order_that_was_open_for_weeks_has_the_trades_of_all_of_them(
    desk: KucoinRig,
) -> None:
    since = desk.clock.now()
    order = desk.venue.place_elsewhere(desk.account, "BTCUSDT", "SELL", "0.1", 60_000)
    for _ in range(4):
        desk.venue.fill(order.id, "0.02")
        await go_by(desk, days=6)
    [open_one] = await desk.gateway.open_orders()
    assert_whole(desk, {open_one.exchange_order_id: open_one}, order)
    desk.venue.fill(order.id)
    [closed] = await desk.gateway.closed_orders(since, [SYMBOL])
    assert_whole(desk, {closed.exchange_order_id: closed}, order)


async def test_open_orders_are_listed_for_each_market_that_has_some(desk: KucoinRig) -> None:
    placed = [
        desk.venue.place_elsewhere(desk.account, symbol, side, amount, price)
        for symbol, side, amount, price in (
            ("BTCUSDT", "BUY", "0.1", 40_000),
            ("BTCUSDT", "SELL", "0.1", 60_000),
            ("ETHUSDT", "BUY", "1", 2_000),
            ("ETHBTC", "BUY", "1", "0.04"),
        )
    ]
    asked = desk.venue.journal.count(RequestKind.OPEN_ORDERS)
    listed = await desk.gateway.open_orders()
    wanted = {desk.venue.order_id(order) for order in placed}
    assert {report.exchange_order_id for report in listed} == wanted
    assert desk.venue.journal.count(RequestKind.OPEN_ORDERS) == asked + 4
