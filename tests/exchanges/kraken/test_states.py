"""Kraken's orders in every state, as requests and the stream tell them."""

from collections.abc import Callable
from decimal import Decimal

import pytest

from app.domain.order_kinds import OrderSide, OrderType
from app.domain.orders.order import OrderStatus
from tests.support.exchanges.at.kraken import KrakenRig
from tests.support.exchanges.rigs import a_limit, a_triggered, heard, key_of
from tests.support.venues.kraken.venue import Venue

PRICE = Decimal(40_000)
Happen = Callable[[Venue, str], object]
STATES: dict[OrderStatus, Happen] = {
    OrderStatus.OPEN: lambda venue, name: None,
    OrderStatus.PARTIALLY_FILLED: lambda venue, name: venue.fill(name, "0.04"),
    OrderStatus.FILLED: lambda venue, name: venue.fill(name),
    OrderStatus.CANCELED: lambda venue, name: venue.cancel(name),
    OrderStatus.EXPIRED: lambda venue, name: venue.expire(name),
}


@pytest.mark.parametrize(("status", "happen"), STATES.items(), ids=STATES.keys())
async def test_an_order_is_told_in_every_state(
    desk: KrakenRig, status: OrderStatus, happen: Happen
) -> None:
    intent, news = a_limit(PRICE, amount=Decimal("0.1")), desk.gateway.news()
    await desk.gateway.submit(intent)
    happen(desk.venue, intent.wire_id)
    report = await desk.gateway.find(key_of(intent))
    assert report is not None
    assert report.status is status
    while (await heard(news)).status is not status:
        pass


@pytest.mark.parametrize("kind", [kind for kind in OrderType if kind.has_trigger])
async def test_a_trigger_that_was_reached_is_filled_as_what_it_was_placed_as(
    desk: KrakenRig, kind: OrderType
) -> None:
    is_stop = kind in {OrderType.STOP_MARKET, OrderType.STOP_LIMIT}
    trigger = Decimal(49_000 if is_stop else 51_000)
    intent = a_triggered(kind, OrderSide.SELL, trigger)
    await desk.gateway.submit(intent)
    desk.venue.move("BTCUSDT", 48_000 if is_stop else 52_000)
    if kind is OrderType.STOP_LIMIT:
        desk.venue.move("BTCUSDT", 50_000)
    report = await desk.gateway.find(key_of(intent))
    assert report is not None
    assert (report.status, report.filled) == (OrderStatus.FILLED, intent.amount)
    assert report.details is not None
    assert report.details.type is kind
    assert len(report.fills) == 1
