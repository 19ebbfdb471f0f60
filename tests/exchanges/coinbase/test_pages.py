"""Lists that are longer than a page of Coinbase's, which are read as far as the cursor leads."""

from decimal import Decimal

import pytest

from app.domain import money
from app.domain.orders.order import OrderStatus
from tests.exchanges.conftest import START
from tests.support.exchanges.at.coinbase import CoinbaseRig
from tests.support.exchanges.desks import found, placed
from tests.support.exchanges.rigs import SYMBOL, an_intent, key_of
from tests.support.venues.serving.requests import RequestKind

LONGER = 250


@pytest.fixture(params=[7, 100])
def page_size(request: pytest.FixtureRequest, desk: CoinbaseRig) -> int:
    """Shorter pages than what was asked for, too: only a missing cursor ends a list."""
    desk.venue.desk.page_size = request.param
    return int(request.param)


def pages_of(rows: int, page_size: int) -> int:
    return -(-rows // page_size)


async def test_a_market_order_that_eats_many_levels_has_all_its_trades_with_their_fees(
    desk: CoinbaseRig, page_size: int
) -> None:
    desk.venue.matching.trades_per_taker = LONGER
    desk.venue.place_elsewhere(desk.account, "BTCUSDT", "BUY", "0.5")
    intent = an_intent(amount=Decimal("0.5"))
    await desk.gateway.submit(intent)
    # The stream lets us ask too, so the requests are counted from a quiet moment on.
    await desk.venue.journal.until(RequestKind.MY_TRADES, pages_of(LONGER, page_size))
    report = await found(desk, intent)
    assert (report.status, report.filled) == (OrderStatus.FILLED, intent.amount)
    assert len({fill.trade_id for fill in report.fills}) == len(report.fills) == LONGER
    assert money.total(fill.amount for fill in report.fills) == intent.amount
    fees = money.total(fill.fee.amount for fill in report.fills if fill.fee is not None)
    own = [each for each in desk.venue.trades(desk.account) if each.order_id == 1002]
    assert fees == money.total(trade.commission for trade in own)
    assert {fill.fee.currency for fill in report.fills if fill.fee} == {"USDT"}


async def test_every_open_order_is_listed(desk: CoinbaseRig, page_size: int) -> None:
    for number in range(LONGER):
        desk.venue.place_elsewhere(desk.account, "BTCUSDT", "BUY", "0.001", 20_000 + number)
    asked = desk.venue.journal.count(RequestKind.OPEN_ORDERS)
    reports = await desk.gateway.open_orders()
    assert len({report.exchange_order_id for report in reports}) == len(reports) == LONGER
    listed = desk.venue.journal.count(RequestKind.OPEN_ORDERS) - asked
    assert listed == pages_of(LONGER, page_size)


async def test_every_closed_order_of_a_market_is_listed_however_it_ended(
    desk: CoinbaseRig, page_size: int
) -> None:
    orders = [
        desk.venue.place_elsewhere(desk.account, "BTCUSDT", "BUY", "0.001", 20_000 + number)
        for number in range(LONGER)
    ]
    for number, order in enumerate(orders):
        (desk.venue.cancel, desk.venue.expire)[number % 2](order.id)
    reports = await desk.gateway.closed_orders(START, [SYMBOL])
    statuses = [report.status for report in reports]
    assert statuses.count(OrderStatus.CANCELED) == statuses.count(OrderStatus.EXPIRED) == 125


async def test_an_order_is_found_by_our_id_below_many_that_came_later(
    desk: CoinbaseRig, page_size: int
) -> None:
    intent = await placed(desk)
    for _ in range(LONGER):
        desk.venue.place_elsewhere(desk.account, "BTCUSDT", "SELL", "0.001")
    report = await found(desk, intent)
    assert (report.status, report.wire_id) == (OrderStatus.OPEN, intent.wire_id)
    assert await desk.gateway.find(key_of(an_intent())) is None
    canceled = await desk.gateway.cancel(key_of(intent))
    assert canceled is not None
    assert canceled.status is OrderStatus.CANCELED


async def test_an_order_on_the_first_page_is_looked_for_on_no_other(desk: CoinbaseRig) -> None:
    for _ in range(LONGER):
        desk.venue.place_elsewhere(desk.account, "BTCUSDT", "SELL", "0.001")
    intent = await placed(desk)
    asked = desk.venue.journal.count(RequestKind.FETCH_ORDER)
    assert (await found(desk, intent)).status is OrderStatus.OPEN
    assert desk.venue.journal.count(RequestKind.FETCH_ORDER) == asked + 1
