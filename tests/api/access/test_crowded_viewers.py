"""Many who watch the same with the same words: each hears of what its token may see alone."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest
import pytest_asyncio
from hypothesis import given, settings
from hypothesis import strategies as st

from app.runtime import Parts
from tests.api.access.test_tokens import make_token
from tests.api.conftest import Api, hasty, on_shared, running, settings_of
from tests.conftest import START
from tests.support.api.clients import Client, Data, Socket
from tests.support.api.trading import WAITING, place
from tests.support.clock import ManualClock

pytestmark = on_shared

ACCOUNTS = ("one", "two")
PAPER = {f"accounts__{name}__exchange": "paper" for name in ACCOUNTS}
SIGHTS: Mapping[str, list[str] | None] = {"one": ["one"], "two": ["two"], "both": None}
SCOPES = ("READ", "TRADE", "CONTROL", "ADMIN")
UPDATES = "subscription { orderUpdates { order { account { name } clientOrderId } } }"
AUDIT = "{ auditLog { nodes { id } } }"
LAST = "last"
ORDERS = st.lists(st.sampled_from(ACCOUNTS), min_size=1, max_size=4)


@dataclass(frozen=True, kw_only=True, slots=True)
class Viewer:
    """A socket, and what its token may see."""

    socket: Socket
    sees: frozenset[str]
    scope: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Crowd:
    """Everybody who watches, of each account and each scope."""

    admin: Client
    viewers: list[Viewer]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def crowd(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Crowd]:
    folder = tmp_path_factory.mktemp("crowd")
    loaded = settings_of(f"sqlite+aiosqlite:///{folder / 'orderdeck.db'}", folder, **PAPER)
    parts = Parts(clock=ManualClock(START), login_throttle=hasty())
    async with running(loaded, parts) as api, AsyncExitStack() as stack:
        viewers = [
            await watching(api, stack, accounts, scope)
            for accounts in SIGHTS.values()
            for scope in SCOPES
        ]
        yield Crowd(admin=api.client(), viewers=viewers)


async def watching(
    api: Api, stack: AsyncExitStack, accounts: list[str] | None, scope: str
) -> Viewer:
    wanted = {"scopes": [scope]} | ({"accountNames": accounts} if accounts else {})
    socket = await stack.enter_async_context(api.socket())
    await socket.init(await make_token(api.client(), **wanted))
    await socket.subscribe("updates", UPDATES)
    # What is asked later is answered later: it watches by then.
    for name in ("a", "b"):
        await socket.subscribe(name, "{ orders { asOf } }")
        await socket.hear_data(name)
        await socket.hear_complete(name)
    return Viewer(socket=socket, sees=frozenset(accounts or ACCOUNTS), scope=scope)


@settings(max_examples=10, deadline=None, database=None)
@given(accounts=ORDERS)
async def test_no_two_who_may_see_different_things_share_a_frame(
    crowd: Crowd, accounts: list[str]
) -> None:
    placing = (place(crowd.admin, WAITING, account=name) for name in accounts)
    placed = await asyncio.gather(*placing)
    names = {order["clientOrderId"]: name for order, name in zip(placed, accounts, strict=True)}
    await asyncio.gather(*(hears(viewer, names) for viewer in crowd.viewers))


async def hears(viewer: Viewer, names: Mapping[str, str]) -> None:
    """Of each order that it may see, that it was submitted and accepted; of no other anything."""
    mine = sorted(name for name, account in names.items() if account in viewer.sees)
    told = [
        (await viewer.socket.hear_data("updates"))["orderUpdates"] for _ in range(2 * len(mine))
    ]
    assert sorted(update["order"]["clientOrderId"] for update in told) == sorted(mine * 2)
    assert {account_of(update) for update in told} <= viewer.sees
    # Nothing else was on its way, and a field beyond the scope is for those alone who have it.
    await viewer.socket.subscribe(LAST, AUDIT)
    answer = await viewer.socket.hear()
    assert answer["id"] == LAST, answer
    assert ("errors" in answer["payload"]) is (viewer.scope != "ADMIN")
    await viewer.socket.hear_complete(LAST)


def account_of(update: Data) -> str:
    name: str = update["order"]["account"]["name"]
    return name
