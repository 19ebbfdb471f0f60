"""A full disk: nothing acknowledged is lost, and everything is settled later."""

import asyncio
from decimal import Decimal

import pytest
from sqlalchemy import text

from app.errors import StorageUnavailable
from app.exchanges.paper.faults import Faults
from app.services import Services
from app.services.orders.service import Placed
from app.settings import Settings, load_settings
from tests.services.orders.test_service import all_orders
from tests.support.clock import ManualClock
from tests.support.makers import make_request
from tests.support.services.reading import advance_until, kinds_of, order_at_exchange


@pytest.fixture
def settings(sqlite_url: str, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    folder = tmp_path_factory.mktemp("data")
    environ = {"ORDERDECK_DATABASE_URL": sqlite_url, "ORDERDECK_DATA_DIR": str(folder)}
    return load_settings(environ, folder)


async def limit_disk(services: Services, pages: int) -> None:
    async with services.views._database.transaction() as tx:
        await tx.sql.run(text(f"PRAGMA max_page_count = {pages}"))


async def place_noted(services: Services, number: int) -> Placed:
    request = make_request(
        client_order_id=f"full-{number}", amount=Decimal("0.0002"), metadata={"note": "x" * 4000}
    )
    return await services.orders.place(request)


async def test_an_order_that_cannot_be_written_down_is_never_sent(services: Services) -> None:
    await limit_disk(services, 1)
    outcomes = [
        (await asyncio.gather(place_noted(services, number), return_exceptions=True))[0]
        for number in range(40)
    ]
    refused = [one for one in outcomes if isinstance(one, BaseException)]
    assert {str(one) for one in refused} == {"the disk of the database is full"}
    await limit_disk(services, 1_000_000)
    written = {order.client_order_id for order in await all_orders(services)}
    again = [await place_noted(services, number) for number in range(40)]
    assert {one.order.client_order_id for one in again if one.replayed} == written


async def test_a_result_that_cannot_be_written_is_found_again(
    services: Services, faults: Faults, clock: ManualClock
) -> None:
    faults.delay_after_seconds = 2
    faults.news_copies = 0
    note = {"note": "x" * 8000}
    placing = asyncio.create_task(services.orders.place(make_request(metadata=note)))
    while not await all_orders(services):
        await clock.advance(0.01)
    (order,) = await all_orders(services)
    while await order_at_exchange(services, order) is None:
        await clock.advance(0)
    await limit_disk(services, 1)
    await clock.advance(3)
    with pytest.raises(StorageUnavailable):
        await placing
    assert await kinds_of(services, order) == ["SUBMITTED"]
    await limit_disk(services, 1_000_000)
    faults.delay_after_seconds = 0
    kinds = await advance_until(clock, services, order, "FILL")
    assert kinds == ["SUBMITTED", "IN_DOUBT", "RESOLVED", "FILL"]
