"""What a socket leaves behind: nothing, even where the garbage collector never runs."""

import asyncio
import gc
from collections.abc import Iterator
from weakref import ref

import pytest

from app.server.protocols import LimitedHttpProtocol, LimitedWebSocket
from schema.http.sockets import SocketHandler
from schema.limits.execution import SlicedExecutor
from tests.api.conftest import Api
from tests.support.api.servers import PATIENCE_SECONDS

OF_A_SOCKET = (LimitedHttpProtocol, LimitedWebSocket, SocketHandler, SlicedExecutor)


@pytest.fixture
def uncollected() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("uncollected")
@pytest.mark.parametrize("is_polite", [True, False])
async def test_a_subscriber_that_has_left_leaves_nothing(api: Api, *, is_polite: bool) -> None:
    # Other servers of this process may have sockets of their own.
    others = {id(each) for each in gc.get_objects() if type(each) in OF_A_SOCKET}
    async with api.socket() as socket:
        await socket.init(api.token)
        await socket.subscribe("live", "subscription { orderUpdates { kind } }")
        await socket.subscribe("once", "{ viewer { name } }")
        await socket.hear_data("once")
        held = set[object]()
        are_gone = asyncio.Event()

        def let_go(gone: object) -> None:
            held.discard(gone)
            if not held:
                are_gone.set()

        found = [each for each in gc.get_objects() if type(each) in OF_A_SOCKET]
        kept = [each for each in found if id(each) not in others]
        found.clear()
        assert {type(each) for each in kept} >= {LimitedWebSocket, SocketHandler, SlicedExecutor}
        held.update(ref(each, let_go) for each in kept)
        kept.clear()
        if not is_polite:
            socket.break_off()
    async with asyncio.timeout(PATIENCE_SECONDS):
        await are_gone.wait()
