import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.bus import Bus
from app.domain.events import LoggedEvent, LogPosition
from app.domain.filters import OrderFilter, OrderSort
from app.domain.pages import PageRequest
from app.errors import CursorExpired, CursorInvalid
from app.services import Services
from app.services.order_log import OrderLog
from app.settings import Settings
from tests.fakes import ManualClock
from tests.makers import make_request

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


async def test_a_list_and_the_stream_behind_it_leave_no_gap(services: Services) -> None:
    await place(services, "before")
    as_of = await head(services)
    await place(services, "after")
    position = await services.log.resume(as_of.encode())
    async with aclosing(services.log.follow(position, EVERYTHING)) as updates:
        found = await take(updates, 3)
    assert {one.event.order.client_order_id for one in found} == {"after"}
    assert [one.position.seq for one in found] == [4, 5, 6]


async def test_without_a_cursor_only_what_comes_is_told(services: Services) -> None:
    await place(services, "before")
    position = await services.log.resume(None)
    async with aclosing(services.log.follow(position, EVERYTHING)) as updates:
        waiting = asyncio.create_task(take(updates, 3))
        await place(services, "after")
        found = await waiting
    assert {one.event.order.client_order_id for one in found} == {"after"}


@asynccontextmanager
async def log_elsewhere(settings: Settings, clock: ManualClock) -> AsyncIterator[OrderLog]:
    """Another process on the same database, which keeps few events at hand."""
    bus = Bus()
    async with log_elsewhere(settings, clock) as log:
        with pytest.raises(CursorExpired):
            await anext(log.follow(0, EVERYTHING))


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
