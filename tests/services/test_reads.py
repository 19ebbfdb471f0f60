"""Views: bounds on how many one client may wait for, and for how long."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from app.errors import RateLimited
from app.services.reads import LIVE, MOST_EACH, MOST_WAITING, PATIENCE_SECONDS, ViewService
from app.storage.database import VIEWERS, Database
from tests.support.callers import begin_elsewhere
from tests.support.clock import ManualClock

NOBODY = frozenset[str]()


@pytest.fixture
def views(database: Database, clock: ManualClock) -> ViewService:
    return ViewService(database, clock)


class Holders:
    """Clients that keep their views open until they are released."""

    def __init__(self, views: ViewService) -> None:
        self._views = views
        self._release = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.opened = 0

    def begin(self, client: str, count: int) -> None:
        self._tasks += [begin_elsewhere(self._hold(client)) for _ in range(count)]

    async def until_opened(self, count: int) -> None:
        async with asyncio.timeout(20):
            while self.opened < count:  # noqa: ASYNC110 - the views announce nothing
                await asyncio.sleep(0.01)

    async def end(self) -> None:
        self._release.set()
        await asyncio.gather(*self._tasks)

    async def _hold(self, client: str) -> None:
        async with self._views.open_for(client, NOBODY) as view:
            await view.as_of()
            self.opened += 1
            await self._release.wait()


@pytest.fixture
async def holders(views: ViewService) -> AsyncIterator[Holders]:
    holders = Holders(views)
    yield holders
    await holders.end()


async def test_a_client_that_asks_for_too_many_at_once_is_told(
    views: ViewService, holders: Holders
) -> None:
    holders.begin("greedy", MOST_EACH)
    await holders.until_opened(MOST_EACH)
    holders.begin("greedy", MOST_WAITING)
    while views.waiting < MOST_WAITING:  # noqa: ASYNC110 - the line announces nothing
        await asyncio.sleep(0)
    with pytest.raises(RateLimited, match="send fewer at once"):
        async with views.open_for("greedy", NOBODY):
            pass
    async with asyncio.timeout(20), views.open_for("modest", NOBODY) as view:
        await view.as_of()


async def test_who_has_waited_for_long_is_told(
    views: ViewService, holders: Holders, clock: ManualClock
) -> None:
    holders.begin("greedy", MOST_EACH)
    await holders.until_opened(MOST_EACH)

    async def wait() -> None:
        async with views.open_for("greedy", NOBODY):
            pass

    waiting = begin_elsewhere(wait())
    await clock.advance(PATIENCE_SECONDS - 1)
    assert not waiting.done()
    await clock.advance(1)
    with pytest.raises(RateLimited):
        await waiting
    assert views.waiting == 0


async def test_live_queries_wait_as_long_as_it_takes(
    views: ViewService, holders: Holders, clock: ManualClock
) -> None:
    holders.begin(LIVE, VIEWERS * 2)
    await holders.until_opened(MOST_EACH)
    await clock.advance(PATIENCE_SECONDS * 10)
    assert views.waiting == VIEWERS * 2 - MOST_EACH
