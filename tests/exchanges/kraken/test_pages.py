"""Kraken's lists are read to their end, and an order's trades by the ids that it names."""

from datetime import timedelta
from decimal import Decimal

import pytest

from app.domain import money
from app.domain.fills import Fee
from app.domain.orders.order import OrderStatus
from app.domain.orders.reports import OrderIntent, OrderReport
from app.exchanges.ccxt.rest.closed_of_account import KEPT_SECONDS
from tests.support.exchanges.at.kraken import KrakenRig
from tests.support.exchanges.rigs import a_limit, key_of
from tests.support.venues.serving import faults
from tests.support.venues.serving.requests import RequestKind

PRICE = Decimal(40_000)
PIECE = Decimal("0.001")
PAGE = 50


async def filled_in_pieces(desk: KrakenRig, pieces: int) -> OrderIntent:
    intent = a_limit(PRICE, amount=PIECE * pieces)
    await desk.gateway.submit(intent)
    for _ in range(pieces):
        desk.venue.fill(intent.wire_id, PIECE)
    return intent


def assert_whole(report: OrderReport | None, pieces: int) -> None:
    assert report is not None
    assert (report.status, report.filled) == (OrderStatus.FILLED, PIECE * pieces)
    assert len({fill.trade_id for fill in report.fills}) == len(report.fills) == pieces
    assert money.total(fill.amount for fill in report.fills) == PIECE * pieces
    assert {fill.fee for fill in report.fills} == {Fee(currency="USDT", amount=Decimal("0.04"))}


@pytest.mark.parametrize("pieces", [1, 20, 40, 60, 250])
async def test_an_order_that_is_looked_up_has_all_its_fills_with_their_fees(
    desk: KrakenRig, pieces: int
) -> None:
    intent = await filled_in_pieces(desk, pieces)
    assert_whole(await desk.gateway.find(key_of(intent)), pieces)


@pytest.mark.parametrize("pieces", [60, 250])
async def test_an_order_that_is_listed_as_closed_has_all_its_fills_with_their_fees(
    desk: KrakenRig, pieces: int
) -> None:
    since = desk.clock.now()
    await filled_in_pieces(desk, pieces)
    (report,) = await desk.gateway.closed_orders(since, ["BTC/USDT"])
    assert_whole(report, pieces)


async def test_an_order_that_is_open_has_all_its_fills_with_their_fees(desk: KrakenRig) -> None:
    intent = a_limit(PRICE, amount=Decimal(1))
    await desk.gateway.submit(intent)
    for _ in range(60):
        desk.venue.fill(intent.wire_id, PIECE)
    (report,) = await desk.gateway.open_orders()
    assert (report.status, len(report.fills)) == (OrderStatus.PARTIALLY_FILLED, 60)


async def test_trades_that_are_known_are_not_asked_for_again(desk: KrakenRig) -> None:
    since = desk.clock.now()
    await filled_in_pieces(desk, 60)
    await desk.gateway.closed_orders(since, ["BTC/USDT"])
    asked = desk.venue.journal.count(RequestKind.TRADES_BY_ID)
    assert asked == 3
    (report,) = await desk.gateway.closed_orders(since, ["BTC/USDT"])
    assert_whole(report, 60)
    assert desk.venue.journal.count(RequestKind.TRADES_BY_ID) == asked
    assert desk.venue.journal.count(RequestKind.MY_TRADES) == 0


@pytest.mark.parametrize("count", [PAGE - 1, PAGE, PAGE + 1, 3 * PAGE + 7])
async def test_closed_orders_of_all_markets_are_read_to_the_last_page(
    desk: KrakenRig, count: int
) -> None:
    since = desk.clock.now()
    for number in range(count):
        symbol = "BTCUSDT" if number % 2 else "ETHUSDT"
        desk.venue.place_elsewhere(desk.account, symbol, "BUY", "0.01")
    reports = await desk.gateway.closed_orders(since, ["BTC/USDT", "ETH/USDT"])
    assert len({report.exchange_order_id for report in reports}) == len(reports) == count
    assert {len(report.fills) for report in reports} == {1}
    assert len(await desk.gateway.closed_orders(since, ["BTC/USDT"])) == count // 2
    assert not await desk.gateway.closed_orders(since, [])


async def test_one_list_answers_for_the_markets_that_are_asked_for_in_a_row(
    desk: KrakenRig,
) -> None:
    since = desk.clock.now()
    for symbol in ("BTCUSDT", "ETHUSDT"):
        desk.venue.place_elsewhere(desk.account, symbol, "BUY", "0.01")
    for symbol in ("BTC/USDT", "ETH/USDT", "BNB/USDT"):
        await desk.gateway.closed_orders(since, [symbol])
    assert desk.venue.journal.count(RequestKind.ALL_ORDERS) == 1
    # The same market again is another question, and so is a later one.
    desk.venue.place_elsewhere(desk.account, "BTCUSDT", "BUY", "0.01")
    assert len(await desk.gateway.closed_orders(since, ["BTC/USDT"])) == 2
    await desk.clock.advance(KEPT_SECONDS)
    desk.venue.place_elsewhere(desk.account, "ETHUSDT", "BUY", "0.01")
    assert len(await desk.gateway.closed_orders(since, ["ETH/USDT"])) == 2


async def test_an_order_that_was_opened_before_and_closed_since_is_listed(desk: KrakenRig) -> None:
    order = desk.venue.place_elsewhere(desk.account, "BTCUSDT", "BUY", "0.01", 40_000)
    await desk.clock.advance(3600)
    since = desk.clock.now() - timedelta(minutes=1)
    desk.venue.cancel(order.id)
    (report,) = await desk.gateway.closed_orders(since, ["BTC/USDT"])
    assert report.status is OrderStatus.CANCELED


async def test_what_closes_while_pages_are_read_hides_no_order(desk: KrakenRig) -> None:
    since = desk.clock.now()
    for _ in range(2 * PAGE):
        desk.venue.place_elsewhere(desk.account, "BTCUSDT", "BUY", "0.001")

    def trade() -> None:
        desk.clock.step(wall=1)
        for _ in range(3):
            desk.venue.place_elsewhere(desk.account, "BTCUSDT", "BUY", "0.001")

    desk.venue.faults.on(RequestKind.ALL_ORDERS, faults.meanwhile(lambda: None))
    desk.venue.faults.on(RequestKind.ALL_ORDERS, faults.meanwhile(trade))
    reports = await desk.gateway.closed_orders(since, ["BTC/USDT"])
    assert len(reports) >= 2 * PAGE


async def test_a_fee_is_paid_in_quote_whatever_the_account_would_make_of_it(
    desk: KrakenRig,
) -> None:
    desk.account.commission = type(desk.account.commission).BASE
    intent = await filled_in_pieces(desk, 2)
    assert_whole(await desk.gateway.find(key_of(intent)), 2)
    assert {trade.commission_asset for trade in desk.venue.trades(desk.account)} == {"USDT"}
