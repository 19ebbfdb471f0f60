"""The files under examples/: request bodies, and subscribers that run as programs of their own."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import NoReturn, cast

import pytest
from graphql import parse, print_ast

from app.web.build import find_wheel, major_version
from tests.api.conftest import Api
from tests.cli.programs import Watching
from tests.support.api.clients import Client, Data
from tests.support.processes.books import read_books
from tests.support.processes.clients import ApiClient, api_client, eventually
from tests.support.processes.servers import ServerProcess
from tests.system.conftest import MakeServer, launcher, make_server
from tests.web.test_page_sources import EXAMPLES as TABS

__all__ = ["launcher", "make_server"]

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"
BODIES = {path.stem: path.read_bytes() for path in EXAMPLES.glob("*.json")}
# Node.js has a WebSocket of its own since this version, at first behind a switch.
OLDEST_NODE = 20
SUBSCRIBERS = ("subscribe.py", "subscribe.mjs")
MARKET = {"symbol": "BTC/USDT", "side": "BUY", "type": "MARKET", "amount": "0.001"}


class Session:
    """Sends one body after the other, and remembers which."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.sent: set[str] = set()

    async def send(self, name: str, **replaced: str) -> Data:
        """The value of the only root field; a refusal is a failure."""
        self.sent.add(name)
        body = BODIES[name]
        for old, new in replaced.items():
            body = body.replace(old.encode(), new.encode())
        told = (await self._client.post(content=body)).json()
        assert list(told) == ["data"], told
        [value] = told["data"].values()
        assert "code" not in value, value
        return cast("Data", value)


async def test_every_request_body_is_answered_as_the_documents_say(client: Client) -> None:
    session = Session(client)
    told = (await client.post(content=BODIES["first_look"])).json()["data"]
    assert [account["mode"] for account in told["accounts"]] == ["PAPER"]
    assert [ticker["symbol"] for ticker in told["tickers"]] == ["BTC/USDT", "ETH/USDT"]

    first = await session.send("place_market_order")
    assert (first["replayed"], first["order"]["status"]) == (False, "FILLED")
    again = await session.send("place_market_order")
    assert (again["replayed"], again["order"]) == (True, first["order"])

    assert (await session.send("place_limit_order"))["order"]["status"] == "OPEN"
    listed = await session.send("orders")
    assert [order["clientOrderId"] for order in listed["nodes"]] == ["first-2", "first-1"]
    order_id = (await session.send("find_order"))["id"]
    amended = await session.send("amend_order", ORDER_ID=order_id)
    assert amended["order"]["price"] == "21000"
    assert (await session.send("cancel_order"))["order"]["status"] == "CANCELED"

    preview = await session.send("preview_order")
    assert preview["refusal"] is None
    assert all(check["passed"] for check in preview["checks"])
    assert (await session.send("place_stop_order"))["order"]["triggerPrice"] == "20000"

    told = (await client.post(content=BODIES["portfolio"])).json()["data"]
    assert [position["amount"] for position in told["positions"]["nodes"]] == ["0.01"]
    assert told["portfolio"]["currency"] == "USDT"
    assert told["portfolio"]["problems"] == []

    assert (await session.send("set_trading_window"))["tradingWindow"]["isOpen"] is True
    limits = (await session.send("set_limits"))["risk"]["limits"]
    assert limits == {"maxOrderNotional": "2000", "maxDailyLoss": "300"}
    assert (await session.send("start_bot"))["bot"]["desiredState"] == "RUNNING"
    assert (await session.send("bot"))["desiredState"] == "RUNNING"

    halted = await session.send("halt_trading")
    assert halted["risk"]["tradingState"] == "HALTED"
    assert [order["clientOrderId"] for order in halted["canceled"]] == ["stop-1"]
    assert halted["failed"] == []
    assert (await session.send("resume_trading"))["risk"]["tradingState"] == "ACTIVE"
    assert (await session.send("stop_bot"))["bot"]["desiredState"] == "STOPPED"
    newest = (await session.send("audit_log"))["nodes"][0]
    assert (newest["action"], newest["outcome"]) == ("stopBot", "DONE")

    assert session.sent | {"first_look", "portfolio"} == set(BODIES)


@pytest.mark.parametrize(
    "path", [path for path in TABS if path.stem in BODIES], ids=lambda it: it.stem
)
def test_a_body_asks_for_the_same_as_the_tab_of_graphiql_with_its_name(path: Path) -> None:
    query = json.loads(BODIES[path.stem])["query"]
    assert print_ast(parse(query)) == print_ast(parse(path.read_text()))


@pytest.mark.parametrize("page", ["README.md", "docs/using-the-api.md"])
async def test_the_commands_of_a_page_work_as_they_stand(
    page: str, api: Api, tmp_path: Path
) -> None:
    """In a shell, one after the other, only with the port of this server."""
    if shutil.which("curl") is None:
        lack("curl is not installed")
    blocks = re.findall(r"(?:^    .*\n)+", (ROOT / page).read_text(), re.MULTILINE)
    script = "".join(block for block in blocks if re.search(r"\bask\b", block))
    (tmp_path / "data").mkdir(exist_ok=True)
    (tmp_path / "data" / "admin-token").write_text(f"{api.token}\n")
    (tmp_path / "examples").symlink_to(EXAMPLES)
    process = await asyncio.create_subprocess_exec(
        "bash",
        "-euo",
        "pipefail",
        "-c",
        script.replace(":8000", f":{api.address.port}"),
        cwd=tmp_path,
        env={**os.environ, "NO_PROXY": "*"},
        stdout=subprocess.PIPE,
    )
    printed, _ = await process.communicate()
    assert process.returncode == 0
    answers = [json.loads(line) for line in printed.decode().splitlines() if line]
    assert len(answers) == len(re.findall(r"^    ask |\| ask ", script, re.MULTILINE)) > 0
    for told in answers:
        assert list(told) == ["data"], told
        assert not any("code" in value for value in told["data"].values()), told


def lack(reason: str) -> NoReturn:
    if os.environ.get("ORDERDECK_TEST_ALL"):
        pytest.fail(reason)
    pytest.skip(reason)


def command_of(name: str) -> Sequence[str]:
    if name.endswith(".py"):
        return (sys.executable, str(EXAMPLES / name))
    return (find_node(), "--experimental-websocket", "--no-warnings", str(EXAMPLES / name))


def find_node() -> str:
    """The installed one, or the one that builds the pages where none is installed."""
    wheel = find_wheel()
    for node in (shutil.which("node"), None if wheel is None else str(wheel / "bin" / "node")):
        if node is not None and major_version(node) >= OLDEST_NODE:
            return node
    lack(f"Node.js {OLDEST_NODE} or newer is not installed")


@asynccontextmanager
async def running(name: str, server: ServerProcess, folder: Path) -> AsyncIterator[Watching]:
    """A subscriber as a process, in a folder where it keeps its cursor."""
    process = await asyncio.create_subprocess_exec(
        *command_of(name),
        cwd=folder,
        env={
            **os.environ,
            "NO_PROXY": "*",
            "ORDERDECK_URL": server.url.removesuffix("/graphql"),
            "ORDERDECK_TOKEN": server.token,
        },
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    try:
        yield Watching(process)
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


async def newest(api: ApiClient) -> str:
    return str((await api.open_orders())["asOf"])


async def heard(program: Watching, folder: Path, cursor: str) -> list[str]:
    """The cursors of all that was printed, up to this one, once it is kept in the file."""
    cursors = [json.loads(line)["cursor"] for line in program.lines]
    while not cursors or cursors[-1] != cursor:
        cursors.append(json.loads(await program.line())["cursor"])
    await eventually(partial(kept, folder), lambda it: it["cursor"] == cursor)
    return cursors


async def kept(folder: Path) -> Data:
    """What the subscriber would go on behind if it were started again."""
    return {"cursor": await asyncio.to_thread(read_cursor, folder)}


def read_cursor(folder: Path) -> str | None:
    return next((path.read_text() for path in folder.glob("*.cursor")), None)


@pytest.mark.slow
@pytest.mark.parametrize("name", SUBSCRIBERS)
async def test_a_subscriber_misses_and_repeats_nothing_through_kills_of_both_sides(
    name: str, make_server: MakeServer, sqlite_url: str, tmp_path: Path
) -> None:
    server = make_server(sqlite_url)
    await server.start()
    folder = tmp_path / "subscriber"
    folder.mkdir()
    async with api_client(server) as api:
        await api.place(**MARKET)
        before = await newest(api)
        async with running(name, server, folder) as program:
            await eventually(partial(kept, folder), lambda it: it["cursor"] is not None)
            await api.place(**MARKET)
            await heard(program, folder, await newest(api))
            await server.kill()
            await server.start()
            await api.place(**MARKET)
            first = await heard(program, folder, await newest(api))
        await api.place(**MARKET)
        async with running(name, server, folder) as program:
            second = await heard(program, folder, await newest(api))
            await api.place(**MARKET)
            second = await heard(program, folder, await newest(api))
    books = await read_books(server.database_url)
    assert first + second == books.cursors[books.cursors.index(before) + 1 :]
    assert len(first + second) == len({*first, *second}) == 4 * 3


@pytest.mark.parametrize("name", SUBSCRIBERS)
async def test_a_subscriber_says_why_its_cursor_is_refused(
    name: str, make_server: MakeServer, sqlite_url: str, tmp_path: Path
) -> None:
    server = make_server(sqlite_url)
    await server.start()
    [file] = re.findall(r'"(subscribe-\w+\.cursor)"', (EXAMPLES / name).read_text())
    (tmp_path / file).write_text("YWJjZGVmMDEyMzQ1Njc4OS4xLjAxMjM0NTY3")
    async with running(name, server, tmp_path) as program:
        ended = await program.ended()
    assert ended.code == 1
    assert "another database" in "".join(ended.errors)
