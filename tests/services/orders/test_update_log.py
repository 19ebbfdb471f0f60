import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.bus import Bus
from app.domain.order_kinds import OrderType
from app.domain.orders.events import LoggedEvent, LogPosition
from app.domain.orders.filters import OrderFilter, OrderSort
from app.domain.orders.order import OrderStatus
from app.domain.pages import PageRequest
from app.errors import CursorExpired, CursorInvalid
from app.services import Services
from app.services.orders.update_log import MOST_READING, OrderLog
from app.settings import Settings
from app.storage.database import Database, Transaction
from tests.conftest import on_each_database
from tests.support.clock import ManualClock
from tests.support.makers import make_request
from tests.support.services.reading import Counted

PAPER = frozenset({"paper"})
EVERYTHING = OrderFilter(accounts=PAPER)


async def take(updates: AsyncIterator[LoggedEvent], count: int) -> list[LoggedEvent]:
    async with asyncio.timeout(20):
        return [await anext(updates) for _ in range(count)]


async def place(services: Services, *names: str) -> None:
    for name in names:
        await services.orders.place(make_request(client_order_id=name, amount=Decimal("0.0002")))


async def head(services: Services) -> LogPosition:
    async with services.views.open(PAPER) as view:
        found = await view.orders(EVERYTHING, OrderSort.CREATED_AT_ASC, PageRequest(size=1))
    return found.as_of


@on_each_database
async def test_a_list_and_the_stream_behind_it_leave_no_gap(services: Services) -> None:
    await place(services, "before")
    as_of = await head(services)
    await place(services, "after")
    position = await services.log.resume(as_of.encode())
    async with aclosing(services.log.follow(position, EVERYTHING)) as updates:
        found = await take(updates, 3)
    assert {one.event.order.client_order_id for one in found} == {"after"}
    assert [one.position.seq for one in found] == [4, 5, 6]


@on_each_database
async def test_without_a_cursor_only_what_comes_is_told(services: Services) -> None:
    await place(services, "before")
    async with aclosing(services.log.follow(services.log.head, EVERYTHING)) as updates:
        waiting = asyncio.create_task(take(updates, 3))
        await place(services, "after")
        found = await waiting
    assert {one.event.order.client_order_id for one in found} == {"after"}


@asynccontextmanager
async def log_elsewhere(settings: Settings, clock: ManualClock) -> AsyncIterator[OrderLog]:
    """The log of another process on the same database, with a short tail in memory."""
    bus = Bus()
    database = Database(settings.database_url.get_secret_value(), bus)
    log = OrderLog(database, bus, clock, tail_size=4)
    await log.open()
    running = asyncio.create_task(log.run())
    yield log
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running
    await database.close()


@on_each_database
async def test_a_reader_who_fell_far_behind_reads_on_from_the_database(
    services: Services, settings: Settings, clock: ManualClock
) -> None:
    await place(services, "first")
    async with (
        log_elsewhere(settings, clock) as log,
        aclosing(log.follow(0, EVERYTHING)) as updates,
    ):
        found = await take(updates, 1)
        await place(services, *(f"o{number}" for number in range(9)))
        log.look()
        found += await take(updates, 29)
    assert [one.position.seq for one in found] == list(range(1, 31))


@on_each_database
async def test_many_readers_at_different_places_all_see_the_same(services: Services) -> None:
    await place(services, *(f"o{number}" for number in range(10)))
    log = services.log

    async def read(after: int) -> list[int]:
        async with aclosing(log.follow(after, EVERYTHING)) as updates:
            return [one.position.seq for one in await take(updates, 60 - after)]

    reading = [asyncio.create_task(read(after)) for after in range(0, 30, 3)]
    await place(services, *(f"p{number}" for number in range(10)))
    for after, task in zip(range(0, 30, 3), reading, strict=True):
        assert await task == list(range(after + 1, 61))


async def test_a_crowd_that_is_behind_leaves_the_database_to_others(
    services: Services, settings: Settings, clock: ManualClock
) -> None:
    await place(services, "first", "second")
    database = Counted(settings.database_url.get_secret_value(), Bus())
    log = OrderLog(database, Bus(), clock, tail_size=1)
    await log.open()

    async def read() -> int:
        async with aclosing(log.follow(0, EVERYTHING)) as updates:
            newest = (await take(updates, 6))[-1]
        return await log.resume(newest.position.encode())

    assert set(await asyncio.gather(*(read() for _ in range(50)))) == {6}
    assert database.most == MOST_READING
    await database.close()


@on_each_database
async def test_a_filter_matches_what_was_or_is(services: Services) -> None:
    waiting = make_request(client_order_id="far", type=OrderType.LIMIT, price=Decimal(1000))
    order = (await services.orders.place(waiting)).order
    await place(services, "other")
    await services.orders.cancel(order.id)
    wanted = replace(EVERYTHING, statuses=frozenset({OrderStatus.OPEN}))
    async with aclosing(services.log.follow(0, wanted)) as updates:
        found = await take(updates, 5)
    told = [(one.event.order.client_order_id, str(one.event.kind)) for one in found]
    assert told == [
        ("far", "ACCEPTED"),
        ("other", "ACCEPTED"),
        ("other", "FILL"),
        ("far", "CANCEL_REQUESTED"),
        ("far", "CANCELED"),
    ]


@on_each_database
async def test_accounts_of_others_do_not_exist(services: Services) -> None:
    nobody = OrderFilter(accounts=frozenset())
    await place(services, "mine")
    async with aclosing(services.log.follow(0, nobody)) as updates:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.2):
                await anext(updates)


@on_each_database
async def test_pruning_forgets_whole_closed_orders_and_moves_the_horizon(
    services: Services, clock: ManualClock
) -> None:
    waiting = make_request(client_order_id="far", type=OrderType.LIMIT, price=Decimal(1000))
    await services.orders.place(waiting)
    old = await head(services)
    await place(services, "old")
    fresh = await head(services)
    await clock.advance(120)
    await place(services, "new")
    assert await services.log.prune(timedelta(seconds=60)) == 3
    with pytest.raises(CursorExpired):
        await services.log.resume(old.encode())
    position = await services.log.resume(fresh.encode())
    async with aclosing(services.log.follow(position, EVERYTHING)) as updates:
        found = await take(updates, 3)
    assert {one.event.order.client_order_id for one in found} == {"new"}


class DyingDatabase(Database):
    """Writes two transactions and then no more."""

    left = 2

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Transaction]:
        if not self.left:
            raise ConnectionResetError
        self.left -= 1
        async with super().transaction() as tx:
            yield tx


@on_each_database
async def test_pruning_takes_short_transactions_and_a_crash_between_them_loses_nothing(
    settings: Settings, services: Services, clock: ManualClock
) -> None:
    positions = []
    for number in range(3):
        await place(services, f"old-{number}")
        positions.append(await head(services))
    await clock.advance(120)
    await place(services, "new")
    dying = DyingDatabase(settings.database_url.get_secret_value(), Bus())
    with pytest.raises(ConnectionResetError):
        await OrderLog(dying, Bus(), clock).prune(timedelta(seconds=60), batch=2)
    await dying.close()
    # Four of nine events are gone, and cursors from before the fourth with them.
    with pytest.raises(CursorExpired):
        await services.log.resume(positions[0].encode())
    await services.log.resume(positions[1].encode())
    assert await services.log.prune(timedelta(seconds=60)) == 5
    with pytest.raises(CursorExpired):
        await services.log.resume(positions[1].encode())
    await services.log.resume(positions[2].encode())


@on_each_database
async def test_an_order_that_changed_since_it_was_found_is_not_pruned(
    database: Database, services: Services, clock: ManualClock
) -> None:
    await place(services, "old")
    async with database.snapshot() as view:
        [order] = (
            await view.orders.page(EVERYTHING, OrderSort.CREATED_AT_ASC, PageRequest())
        ).items
    await clock.advance(120)
    before = clock.now() - timedelta(seconds=60)
    async with database.snapshot() as view:
        found = await view.events.prunable(0, before, limit=100)
    assert found is not None
    assert len(found.orders) == 3
    await services.orders.set_metadata(order.id, {"note": "late"})
    async with database.transaction() as tx:
        assert await tx.events.prune(found, before) == 0


@on_each_database
async def test_a_reader_whom_pruning_overtook_is_told_so(
    services: Services, settings: Settings, clock: ManualClock
) -> None:
    await place(services, "old")
    await clock.advance(120)
    await services.log.prune(timedelta(seconds=60))
    async with log_elsewhere(settings, clock) as log:
        with pytest.raises(CursorExpired):
            await anext(log.follow(0, EVERYTHING))


@on_each_database
async def test_a_cursor_of_another_log_or_ahead_of_this_one_is_invalid(services: Services) -> None:
    await place(services, "one")
    here = await head(services)
    for wrong in (
        replace(here, log="0123456789abcdef"),
        replace(here, seq=here.seq + 1),
        replace(here, tag="00000000"),
        replace(here, seq=0),
    ):
        with pytest.raises(CursorInvalid):
            await services.log.resume(wrong.encode())
    assert await services.log.resume(here.encode()) == here.seq


@given(text=st.text(max_size=60) | st.binary(max_size=40).map(lambda raw: raw.hex()))
def test_garbage_is_never_a_cursor(text: str) -> None:
    with pytest.raises(CursorInvalid):
        LogPosition.decode(text, field="after")


@given(seq=st.integers(0, 2**63 - 1), tag=st.from_regex(r"[0-9a-f]{8}", fullmatch=True))
def test_a_cursor_comes_back_as_it_went_out(seq: int, tag: str) -> None:
    position = LogPosition(log="0123456789abcdef", seq=seq, tag=tag)
    assert LogPosition.decode(position.encode(), field="after") == position
