import asyncio
from contextlib import aclosing
from datetime import timedelta
from decimal import Decimal

import pytest
from sqlalchemy import text

from app.bus import Bus
from app.domain.order_kinds import OrderSide, OrderType, PositionType
from app.domain.orders.filters import OrderFilter, OrderSort
from app.domain.orders.order import Order, OrderStatus
from app.domain.pages import PageRequest
from app.domain.portfolio.positions import PositionKey
from app.errors import Denied, RefusalCode
from app.exchanges.paper.faults import Call, Faults
from app.runtime import Parts, open_runtime
from app.services import Services
from app.settings import Settings
from app.storage.database import Database
from tests.conftest import on_each_database
from tests.support.clock import ManualClock
from tests.support.makers import make_request
from tests.support.services.reading import advance_until, events_of, kinds_of, order_at_exchange

PAPER = frozenset({"paper"})
EVERYTHING = OrderFilter(accounts=PAPER)


async def all_orders(services: Services) -> list[Order]:
    async with services.views.open(PAPER) as view:
        found = await view.orders(EVERYTHING, OrderSort.CREATED_AT_ASC, PageRequest(size=500))
    return list(found.page.items)


async def first_event(services: Services) -> None:
    async with aclosing(services.log.follow(0, EVERYTHING)) as updates:
        await anext(updates)


async def far_limit(services: Services, client_order_id: str) -> Order:
    """A limit order so far from the market that it stays open."""
    request = make_request(
        client_order_id=client_order_id, type=OrderType.LIMIT, price=Decimal(1000)
    )
    return (await services.orders.place(request)).order


@on_each_database
async def test_a_market_order_is_written_down_sent_and_filled(services: Services) -> None:
    placed = await services.orders.place(make_request())
    assert placed.replayed is False
    assert placed.order.status is OrderStatus.FILLED
    assert placed.order.filled == Decimal("0.01")
    assert await kinds_of(services, placed.order) == ["SUBMITTED", "ACCEPTED", "FILL"]


async def test_repeating_a_request_gives_back_the_first_order(services: Services) -> None:
    first = await services.orders.place(make_request(amount=Decimal("0.010")))
    again = await services.orders.place(make_request(amount=Decimal("0.01000")))
    assert again.replayed is True
    assert again.order.id == first.order.id
    assert len(await all_orders(services)) == 1


async def test_the_same_id_with_other_input_is_a_conflict(services: Services) -> None:
    first = await services.orders.place(make_request())
    with pytest.raises(Denied) as denied:
        await services.orders.place(make_request(amount=Decimal("0.02")))
    assert denied.value.refusal.code is RefusalCode.IDEMPOTENCY_CONFLICT
    assert denied.value.existing_order == first.order


@on_each_database
async def test_two_hundred_equal_requests_at_once_place_one_order(services: Services) -> None:
    request = make_request()
    placed = await asyncio.gather(*(services.orders.place(request) for _ in range(200)))
    assert len({one.order.id for one in placed}) == 1
    assert sum(not one.replayed for one in placed) == 1
    assert all(one.order.status is OrderStatus.FILLED for one in placed)
    assert len(await all_orders(services)) == 1


@on_each_database
async def test_the_last_of_the_money_is_replayed_and_not_refused(services: Services) -> None:
    request = make_request(amount=Decimal("0.15"))
    placed = await asyncio.gather(*(services.orders.place(request) for _ in range(20)))
    assert len({one.order.id for one in placed}) == 1


@on_each_database
async def test_an_order_that_we_deny_leaves_nothing_behind(services: Services) -> None:
    with pytest.raises(Denied) as denied:
        await services.orders.place(make_request(amount=Decimal(100)))
    assert denied.value.refusal.code is RefusalCode.INSUFFICIENT_FUNDS
    assert denied.value.existing_order is None
    assert await all_orders(services) == []
    assert (await services.orders.place(make_request())).replayed is False


@on_each_database
async def test_a_lost_answer_leaves_doubt_that_a_lookup_resolves(
    services: Services, faults: Faults, clock: ManualClock
) -> None:
    faults.lost_after = {Call.SUBMIT}
    faults.news_copies = 0
    faults.unavailable = {Call.FIND}
    placed = await services.orders.place(make_request())
    assert placed.order.status is OrderStatus.IN_DOUBT
    faults.unavailable = set()
    kinds = await advance_until(clock, services, placed.order, "FILL")
    assert kinds == ["SUBMITTED", "IN_DOUBT", "RESOLVED", "FILL"]
    again = await services.orders.place(make_request())
    assert again.replayed is True
    assert again.order.status is OrderStatus.FILLED


async def test_an_order_that_never_arrived_is_given_up_after_two_lookups_past_the_grace_time(
    services: Services, faults: Faults, clock: ManualClock
) -> None:
    faults.lost_before = {Call.SUBMIT}
    placed = await services.orders.place(make_request())
    await clock.advance(14)
    assert await kinds_of(services, placed.order) == ["SUBMITTED", "IN_DOUBT"]
    await advance_until(clock, services, placed.order, "REJECTED")
    events = await events_of(services, placed.order)
    assert [str(event.kind) for event in events] == ["SUBMITTED", "IN_DOUBT", "REJECTED"]
    assert events[-1].order.refusal is not None
    assert events[-1].order.refusal.code is RefusalCode.NOT_FOUND
    with pytest.raises(Denied) as denied:
        await services.orders.place(make_request())
    assert denied.value.refusal.code is RefusalCode.NOT_FOUND


async def test_lookups_that_fail_prove_nothing(
    services: Services, faults: Faults, clock: ManualClock
) -> None:
    faults.lost_before = {Call.SUBMIT}
    faults.unavailable = {Call.FIND}
    placed = await services.orders.place(make_request())
    await clock.advance(120)
    assert await kinds_of(services, placed.order) == ["SUBMITTED", "IN_DOUBT"]


async def test_an_exchange_that_was_not_reached_rejects_and_says_the_same_again(
    services: Services, faults: Faults
) -> None:
    faults.unavailable = {Call.SUBMIT}
    for _ in range(2):
        with pytest.raises(Denied) as denied:
            await services.orders.place(make_request())
        assert denied.value.refusal.code is RefusalCode.EXCHANGE_UNAVAILABLE
        assert denied.value.refusal.retryable
        assert denied.value.existing_order is not None
    assert len(await all_orders(services)) == 1


async def test_an_exchange_known_to_be_away_refuses_before_anything_is_written(
    services: Services, faults: Faults
) -> None:
    faults.is_disconnected = True
    with pytest.raises(Denied) as denied:
        await services.orders.place(make_request())
    assert denied.value.refusal.code is RefusalCode.EXCHANGE_UNAVAILABLE
    assert await all_orders(services) == []


async def test_an_answer_that_takes_too_long_is_doubt(
    services: Services, faults: Faults, clock: ManualClock
) -> None:
    faults.delay_after_seconds = 3600
    placing = asyncio.create_task(services.orders.place(make_request()))
    repeating = asyncio.create_task(services.orders.place(make_request()))
    # The clock stands still until the order is stored: the steps before have timeouts too.
    await first_event(services)
    while not (placing.done() and repeating.done()):
        await clock.advance(1)
    sent, repeated = sorted((placing.result(), repeating.result()), key=lambda one: one.replayed)
    assert (sent.replayed, repeated.replayed) == (False, True)
    assert sent.order.status in {OrderStatus.IN_DOUBT, OrderStatus.FILLED}
    assert repeated.order.id == sent.order.id


@on_each_database
async def test_a_request_that_is_abandoned_leaves_doubt_and_not_silence(
    services: Services, faults: Faults, clock: ManualClock
) -> None:
    faults.delay_before_seconds = 5
    placing = asyncio.create_task(services.orders.place(make_request()))
    await first_event(services)
    await clock.advance(1)
    placing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await placing
    (order,) = await all_orders(services)
    assert (await kinds_of(services, order))[:2] == ["SUBMITTED", "IN_DOUBT"]


async def test_a_waiting_order_fills_by_itself_when_the_price_comes(
    services: Services, clock: ManualClock
) -> None:
    ticker = await services.market_data.ticker(services.accounts.get("paper"), "BTC/USDT")
    assert ticker is not None
    assert ticker.bid is not None
    request = make_request(type=OrderType.LIMIT, price=ticker.bid - Decimal("0.02"))
    order = (await services.orders.place(request)).order
    for _ in range(600):
        if order.status is OrderStatus.FILLED:
            break
        await clock.advance(1)
        (order,) = await all_orders(services)
    assert order.status is OrderStatus.FILLED
    assert order.average_price == request.price
    assert await kinds_of(services, order) == ["SUBMITTED", "ACCEPTED", "FILL"]


@on_each_database
async def test_canceling_keeps_the_wish_and_carries_it_out(services: Services) -> None:
    order = await far_limit(services, "far")
    canceled = await services.orders.cancel(order.id)
    assert canceled.status is OrderStatus.CANCELED
    assert canceled.cancel_requested_at is not None
    assert await kinds_of(services, order) == [
        "SUBMITTED", "ACCEPTED", "CANCEL_REQUESTED", "CANCELED",
    ]  # fmt: skip
    assert (await services.orders.cancel(order.id)).revision == canceled.revision


async def test_canceling_a_filled_order_says_that_it_is_closed(services: Services) -> None:
    order = (await services.orders.place(make_request())).order
    with pytest.raises(Denied) as denied:
        await services.orders.cancel(order.id)
    assert denied.value.refusal.code is RefusalCode.ALREADY_CLOSED
    assert denied.value.existing_order == order


async def test_a_cancel_that_finds_no_answer_is_carried_out_later(
    services: Services, faults: Faults, clock: ManualClock
) -> None:
    order = await far_limit(services, "far")
    faults.unavailable = {Call.CANCEL}
    waiting = await services.orders.cancel(order.id)
    assert waiting.status is OrderStatus.OPEN
    assert waiting.cancel_requested_at is not None
    faults.unavailable = set()
    await advance_until(clock, services, order, "CANCELED")


async def test_canceling_an_order_in_doubt_is_carried_out_when_it_is_found(
    services: Services, faults: Faults, clock: ManualClock
) -> None:
    faults.lost_after = {Call.SUBMIT}
    faults.news_copies = 0
    faults.unavailable = {Call.FIND}
    order = await far_limit(services, "far")
    wished = await services.orders.cancel(order.id)
    assert wished.status is OrderStatus.IN_DOUBT
    assert wished.cancel_requested_at is not None
    faults.unavailable = set()
    kinds = await advance_until(clock, services, order, "CANCELED")
    assert kinds[2:] == ["CANCEL_REQUESTED", "RESOLVED", "CANCELED"]


@on_each_database
async def test_cancel_all_accounts_for_each_order(services: Services) -> None:
    placed = [await far_limit(services, f"far-{number}") for number in range(3)]
    await services.orders.place(make_request(client_order_id="filled"))
    canceled, failed = await services.orders.cancel_all(OrderFilter(accounts=PAPER, open=True))
    assert {order.id for order in canceled} == {order.id for order in placed}
    assert failed == []


async def test_cancel_all_asks_the_exchange_for_all_of_them_side_by_side(
    services: Services, faults: Faults, clock: ManualClock
) -> None:
    placed = [await far_limit(services, f"far-{number}") for number in range(10)]
    faults.delay_before_seconds = 1
    began = clock.now()
    canceling = asyncio.create_task(
        services.orders.cancel_all(OrderFilter(accounts=PAPER, open=True))
    )
    while not canceling.done():
        await clock.advance(0.1)
        await all_orders(services)
    canceled, failed = await canceling
    assert ({order.status for order in canceled}, failed) == ({OrderStatus.CANCELED}, [])
    assert len(canceled) == len(placed)
    assert clock.now() - began < timedelta(seconds=8)


@on_each_database
async def test_metadata_is_replaced_whole_and_told_once(services: Services) -> None:
    order = (await services.orders.place(make_request(metadata={"a": 1}))).order
    changed = await services.orders.set_metadata(order.id, {"b": [1, {"c": None}]})
    again = await services.orders.set_metadata(order.id, {"b": [1, {"c": None}]})
    assert changed.metadata == {"b": [1, {"c": None}]}
    assert again.revision == changed.revision
    assert (await kinds_of(services, order))[-1] == "METADATA"
    assert (await all_orders(services))[0].metadata == changed.metadata


@on_each_database
async def test_news_that_is_doubled_and_swapped_changes_nothing(
    services: Services, faults: Faults, clock: ManualClock
) -> None:
    faults.news_copies = 3
    faults.is_news_reordered = True
    orders = [
        (await services.orders.place(make_request(client_order_id=f"n-{number}"))).order
        for number in range(5)
    ]
    await clock.advance(5)
    for order in orders:
        assert await kinds_of(services, order) == ["SUBMITTED", "ACCEPTED", "FILL"]


@on_each_database
async def test_reduce_only_sells_what_is_there(services: Services) -> None:
    await services.orders.place(make_request())
    sell = make_request(client_order_id="out", side=OrderSide.SELL, reduce_only=True)
    assert (await services.orders.place(sell)).order.status is OrderStatus.FILLED


@on_each_database
async def test_what_the_exchange_knows_and_what_we_know_is_the_same(services: Services) -> None:
    order = (await services.orders.place(make_request())).order
    report = await order_at_exchange(services, order)
    assert report is not None
    assert [trade.amount for trade in report.fills] == [order.filled]
    assert report.exchange_order_id == order.exchange_order_id


async def test_what_was_traded_before_positions_were_kept_is_added_up(
    settings: Settings, clock: ManualClock
) -> None:
    key = PositionKey(account="paper", symbol="BTC/USDT", type=PositionType.SPOT)
    async with open_runtime(settings, Parts(clock=clock)) as services:
        await services.orders.place(make_request(amount=Decimal("0.02")))
    await forget_positions(settings)
    async with (
        open_runtime(settings, Parts(clock=clock)) as services,
        services.views.open(PAPER) as view,
    ):
        [position] = await view.positions()
    assert (position.key, position.holding.amount) == (key, Decimal("0.02"))


async def forget_positions(settings: Settings) -> None:
    database = Database(settings.database_url.get_secret_value(), Bus())
    async with database.migrating() as connection:
        await connection.execute(text("DELETE FROM positions"))
    await database.close()
