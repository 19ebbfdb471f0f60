"""Orders at Gate go under a text that begins with t-, and are found by it only for a while."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from app.domain.orders.order import OrderStatus
from app.domain.orders.reports import OrderIntent, OrderKey
from tests.exchanges.conftest import START
from tests.exchanges.gate.ages import aged
from tests.support.clock import ManualClock
from tests.support.exchanges.at.gate import GateRig, trading
from tests.support.exchanges.rigs import a_limit, heard, key_of
from tests.support.venues.serving.requests import RequestKind

PRICE = Decimal(40_000)


@pytest.fixture
async def desk() -> AsyncIterator[GateRig]:
    async with trading(ManualClock(START)) as rig:
        yield rig


def key_of_days_ago(intent: OrderIntent) -> OrderKey:
    return replace(key_of(intent), placed_at=START - timedelta(days=2))


def close_others(desk: GateRig, count: int) -> None:
    for _ in range(count):
        other = desk.venue.place_elsewhere(desk.account, "BTCUSDT", "BUY", "0.001", PRICE)
        desk.venue.cancel(other.id)


@pytest.mark.parametrize("first", ["w", "t"])
async def test_our_id_is_sent_with_its_mark_and_told_without_it(desk: GateRig, first: str) -> None:
    news = desk.gateway.news()
    intent = replace(a_limit(PRICE), wire_id=f"{first}0123456789abcdefg")
    await desk.gateway.submit(intent)
    [sent] = desk.venue.journal.of(RequestKind.CREATE_ORDER)
    assert sent.params["text"] == f"t-{intent.wire_id}"
    [listed] = await desk.gateway.open_orders()
    found = await desk.gateway.find(key_of(intent))
    assert found is not None
    assert {report.wire_id for report in (await heard(news), listed, found)} == {intent.wire_id}


async def test_an_order_without_a_text_has_no_client_order_id(desk: GateRig) -> None:
    client = desk.gateway._session.client
    terms = {"currency_pair": "BTC_USDT", "side": "buy", "amount": "0.001", "price": "40000"}
    await client.private_spot_post_orders(terms)
    [listed] = await desk.gateway.open_orders()
    assert listed.details is not None
    assert (listed.wire_id, listed.details.client_order_id) == (None, None)


async def test_an_order_is_canceled_by_its_text_before_its_id_is_known(desk: GateRig) -> None:
    intent = a_limit(PRICE)
    await desk.gateway.submit(intent)
    asked = desk.venue.journal.count(RequestKind.FETCH_ORDER)
    canceled = await desk.gateway.cancel(key_of(intent))
    assert canceled is not None
    assert canceled.status is OrderStatus.CANCELED
    [sent] = desk.venue.journal.of(RequestKind.CANCEL_ORDER)
    assert sent.params["order_id"] == f"t-{intent.wire_id}"
    assert desk.venue.journal.count(RequestKind.FETCH_ORDER) == asked + 1


async def test_an_order_that_ended_long_ago_is_found_by_its_text_in_the_list(desk: GateRig) -> None:
    intent = a_limit(PRICE)
    await desk.gateway.submit(intent)
    close_others(desk, 120)
    desk.venue.fill(intent.wire_id)
    close_others(desk, 120)
    for order in desk.venue.orders(desk.account):
        aged(desk, order.id, days=2)
    report = await desk.gateway.find(key_of_days_ago(intent))
    assert report is not None
    assert (report.status, report.filled) == (OrderStatus.FILLED, intent.amount)
    assert len(report.fills) == 1


async def test_an_order_that_is_nowhere_is_not_sought_among_older_ones(desk: GateRig) -> None:
    close_others(desk, 250)
    for order in desk.venue.orders(desk.account):
        aged(desk, order.id, days=2)
    key = replace(key_of(a_limit(PRICE)), placed_at=START)
    assert await desk.gateway.find(key) is None
    assert desk.venue.journal.count(RequestKind.CLOSED_ORDERS) == 1
    assert await desk.gateway.find(key_of(a_limit(PRICE))) is None
    assert desk.venue.journal.count(RequestKind.CLOSED_ORDERS) == 4
