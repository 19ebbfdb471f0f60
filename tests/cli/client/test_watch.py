import asyncio
import json
import os
import signal
import subprocess
from pathlib import Path

import pytest

from tests.cli.programs import COMMAND, Watching, environ, run, watching
from tests.support.processes.books import read_books
from tests.support.processes.clients import ApiClient, Data
from tests.support.processes.servers import ServerProcess

MARKET: Data = {"symbol": "BTC/USDT", "side": "BUY", "type": "MARKET", "amount": "0.001"}
# SUBMITTED, ACCEPTED, FILL.
EACH = 3


async def begun(watch: Watching, api: ApiClient) -> None:
    """An order is placed again and again until the watch, which begins with now, tells of one."""
    first = asyncio.create_task(watch.line())
    while not first.done():
        await api.place(**MARKET)
        await asyncio.wait({first}, timeout=0.2)
    await first


async def heard(watch: Watching, cursor: str) -> list[Data]:
    """Every update up to this one, which was told as JSON."""
    updates = [json.loads(line) for line in watch.lines]
    while not updates or updates[-1]["cursor"] != cursor:
        updates.append(json.loads(await watch.line()))
    return updates


async def newest(api: ApiClient) -> str:
    return str((await api.open_orders())["asOf"])


async def test_an_update_is_a_line(api: ApiClient) -> None:
    start = await newest(api)
    async with watching("--after", start) as watch:
        await api.place(**MARKET, clientOrderId="mine")
        cells = [(await watch.line()).split("\t") for _ in range(EACH)]
        assert [cell[1] for cell in cells] == ["SUBMITTED", "ACCEPTED", "FILL"]
        last = cells[-1]
        assert last[2:9] == [
            "mine", "BTC/USDT", "BUY", "MARKET", "FILLED", "0.001/0.001", "-",
        ]  # fmt: skip
        assert last[9].startswith("0.001 @ ")
        ended = await watch.end(signal.SIGINT)
    assert (ended.code, ended.lines) == (0, [])
    assert ended.errors == [f"To go on: orderdeck watch --after {await newest(api)}"]


async def test_filters_narrow_what_is_told(api: ApiClient) -> None:
    start = await newest(api)
    async with watching("--after", start, "--symbol", "ETH/USDT", "--json") as watch:
        await api.place(**MARKET, clientOrderId="bitcoin")
        await api.place(**{**MARKET, "symbol": "ETH/USDT", "amount": "0.1"}, clientOrderId="ether")
        told = await heard(watch, await newest(api))
    assert {update["order"]["clientOrderId"] for update in told} == {"ether"}
    assert [update["kind"] for update in told] == ["SUBMITTED", "ACCEPTED", "FILL"]


async def test_without_a_cursor_nothing_old_is_told(api: ApiClient) -> None:
    await api.place(**MARKET, clientOrderId="old")
    async with watching("--json") as watch:
        await begun(watch, api)
        assert json.loads(watch.lines[0])["order"]["clientOrderId"] != "old"


@pytest.mark.slow
async def test_restarts_and_kills_lose_nothing_and_repeat_nothing(
    server: ServerProcess, api: ApiClient, folder: Path
) -> None:
    """The server is killed under a watch, the watch is killed, and orders go on without it."""
    place = folder / "place"
    arguments = ("--json", "--cursor-file", str(place))
    place.write_text(start := await newest(api))
    async with watching(*arguments) as watch:
        await api.place(**MARKET)
        first = await heard(watch, await newest(api))
        await server.kill()
        assert "reconnecting" in await watch.error()
        await server.start()
        await api.place(**MARKET)
        first = await heard(watch, await newest(api))
        ended = await watch.end(signal.SIGKILL)
        assert ended.lines == []
    await api.place(**MARKET)
    async with watching(*arguments) as watch:
        second = await heard(watch, await newest(api))
        await api.place(**MARKET)
        second = await heard(watch, last := await newest(api))
        await watch.end(signal.SIGINT)
    assert place.read_text().strip() == last
    told = [update["cursor"] for update in first + second]
    # The line that it was killed behind may be told twice.
    repeated = first[-1]["cursor"] == second[0]["cursor"]
    told = told[: len(first)] + told[len(first) + repeated :]
    books = await read_books(server.database_url)
    assert told == books.cursors
    assert len(told) == 4 * EACH
    assert start not in told


async def test_a_revoked_token_ends_it_in_words(
    api: ApiClient, folder: Path, monkeypatch: pytest.MonkeyPatch, server: ServerProcess
) -> None:
    monkeypatch.setenv("ORDERDECK_DATABASE_URL", server.database_url)
    made = await asyncio.to_thread(run, "token", "create", "a watch", "--scope", "READ")
    (folder / "mine").write_text(made.stdout)
    async with watching("--token-file", str(folder / "mine")) as watch:
        await begun(watch, api)
        token_id = made.stderr.split()[1]
        assert (await asyncio.to_thread(run, "token", "revoke", token_id)).exit_code == 0
        ended = await watch.ended()
    assert ended.code == 1
    assert "UNAUTHENTICATED" in ended.errors[0]


async def test_a_cursor_of_another_log_ends_it_in_words(server: ServerProcess) -> None:
    foreign = "YWJjZGVmMDEyMzQ1Njc4OS4xLjAxMjM0NTY3"
    assert server.port
    async with watching("--after", foreign) as watch:
        ended = await watch.ended()
    assert (ended.code, ended.lines) == (1, [])
    assert ended.errors[0].startswith("CURSOR_INVALID")


async def test_a_closed_pipe_ends_it_quietly(api: ApiClient) -> None:
    """Between two updates too: nobody reads, so there is nothing to wait for."""
    start = await newest(api)
    await api.place(**MARKET)
    reading, writing = os.pipe()
    process = await asyncio.create_subprocess_exec(
        *COMMAND, "watch", "--after", start, env=environ(), stdout=writing, stderr=subprocess.PIPE
    )
    os.close(writing)
    assert await asyncio.to_thread(os.read, reading, 1)
    os.close(reading)
    async with asyncio.timeout(30):
        _, errors = await process.communicate()
    assert (process.returncode, errors) == (0, b"")
