import asyncio
import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from typer.testing import Result

from app.cli.client import http
from app.cli.client.endpoints import find_endpoint
from app.cli.client.filters import OrderFilter
from app.cli.client.orders import read_orders
from tests.cli.programs import on_terminal, run
from tests.support.processes.clients import ApiClient, Data
from tests.support.processes.servers import ServerProcess

MARKET: Data = {"symbol": "BTC/USDT", "side": "BUY", "type": "MARKET", "amount": "0.00100"}
WAITING: Data = {**MARKET, "type": "LIMIT", "price": "1000.10", "amount": "0.01"}
TOKEN = "odk_" + "s" * 40


async def listed(*arguments: str) -> Result:
    return await asyncio.to_thread(run, "orders", *arguments)


async def names(*arguments: str) -> list[str]:
    """The client order ids, in the order of the list."""
    result = await listed(*arguments)
    assert result.exit_code == 0, result.output
    return [line.split("\t")[1] for line in result.stdout.splitlines()]


@pytest.fixture
async def three(api: ApiClient) -> ApiClient:
    """A filled order, and two that wait."""
    await api.place(**MARKET, clientOrderId="filled")
    await api.place(**WAITING, clientOrderId="waiting")
    await api.place(**{**WAITING, "symbol": "ETH/USDT", "price": "1000"}, clientOrderId="ether")
    return api


@pytest.mark.usefixtures("three")
async def test_orders_are_lines_with_exact_numbers_and_a_count_beside_them() -> None:
    result = await listed("--limit", "2")
    assert result.exit_code == 0, result.output
    newest, second = (line.split("\t") for line in result.stdout.splitlines())
    assert newest[1:9] == ["ether", "paper", "ETH/USDT", "BUY", "LIMIT", "OPEN", "0", "0.01"]
    assert second[9:] == ["1000.1", "-"]
    assert newest[0].endswith("Z")
    assert result.stderr == "2 of 3 orders\n"


@pytest.mark.usefixtures("three")
@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        ([], ["ether", "waiting", "filled"]),
        (["--open"], ["ether", "waiting"]),
        (["--closed"], ["filled"]),
        (["--symbol", "BTC/USDT"], ["waiting", "filled"]),
        (["--symbol", "BTC/USDT", "--symbol", "ETH/USDT", "--open"], ["ether", "waiting"]),
        (["--status", "filled", "--status", "EXPIRED"], ["filled"]),
        (["--account", "paper", "--limit", "1"], ["ether"]),
    ],
)
async def test_filters_narrow_the_list(arguments: list[str], expected: list[str]) -> None:
    assert await names(*arguments) == expected


async def test_more_than_a_page_is_read_page_by_page(api: ApiClient) -> None:
    await api.place_many([{**WAITING, "clientOrderId": f"n-{number}"} for number in range(100)])
    everything = OrderFilter(is_open=None, account=None, symbols=None, statuses=None)
    async with http.api_client(find_endpoint(None, None)) as client:
        found = await read_orders(client, everything, 95, page_size=30)
    ids = [order["clientOrderId"] for order in found["orders"]]
    assert found["totalCount"] == 100
    assert (len(ids), len(set(ids))) == (95, 95)
    assert found["asOf"] == (await api.open_orders())["asOf"]


async def test_json_holds_nothing_that_a_terminal_obeys(api: ApiClient) -> None:
    note = "\x1b]0;owned\x07 \x9b31m \x7f [red]"
    await api.place(**MARKET, clientOrderId="x", metadata={"note": note})
    text = (await listed("--json")).stdout
    [order] = json.loads(text)["orders"]
    assert order["metadata"] == {"note": note}
    assert order["amount"] == "0.001"
    assert text.rstrip("\n").isprintable()


@pytest.mark.usefixtures("three")
async def test_a_terminal_gets_a_table_with_whole_numbers(server: ServerProcess) -> None:
    shown = await asyncio.to_thread(on_terminal, "orders")
    assert "CLIENT ORDER ID" in shown
    assert "1000.1" in shown
    assert "3 of 3 orders" in shown
    assert "\t" not in shown
    assert server.token not in shown


async def test_a_wrong_token_is_one_sentence(
    server: ServerProcess, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert server.port
    monkeypatch.setenv("ORDERDECK_TOKEN", TOKEN)
    assert_one_sentence(await listed(), "UNAUTHENTICATED")


@pytest.mark.usefixtures("server")
async def test_an_account_that_is_unknown_is_one_sentence() -> None:
    assert_one_sentence(await listed("--account", "nope"), "the accounts are paper")


def test_a_server_that_is_not_there_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ORDERDECK_TOKEN", TOKEN)
    for command in ("orders", "watch"):
        result = run(command, "--url", "http://127.0.0.1:1")
        assert_one_sentence(result, "nothing listens there")
    assert_one_sentence(run("orders", "--url", "http://nowhere.invalid"), "name is not known")


@pytest.mark.parametrize(
    ("status", "body", "words"),
    [
        (200, "<html>", "no orderdeck"),
        (404, "Not Found", "no orderdeck"),
        (302, "", "no orderdeck"),
        (502, "Bad Gateway", "cannot reach it"),
        (200, "5", "no orderdeck"),
        (200, "[]", "no orderdeck"),
        (200, '{"data": null}', "no orderdeck"),
        (200, '{"data": {}}', "no orderdeck"),
        (200, '{"errors": "none"}', "no orderdeck"),
        (200, '{"errors": [{"message": "Cannot query \\u001b[31m field"}]}', r"query \x1b[31m f"),
        (503, '{"errors": [{"message": "busy", "extensions": {"code": "X"}}]}', "X: busy"),
    ],
)
def test_a_stranger_is_one_sentence(
    monkeypatch: pytest.MonkeyPatch, status: int, body: str, words: str
) -> None:
    monkeypatch.setenv("ORDERDECK_TOKEN", TOKEN)
    with stranger(status, body) as url:
        for command in ("orders", "watch"):
            assert_one_sentence(run(command, "--url", url), words)


def test_a_terminal_shows_what_a_server_says_and_does_not_obey(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ORDERDECK_TOKEN", TOKEN)
    order = {
        "createdAt": "now", "clientOrderId": "\x1b[8mgone [red]x[/red]", "account": {"name": "a"},
        "symbol": "s", "side": "BUY", "type": "t", "status": "OPEN", "filled": "0.10",
        "amount": "1", "price": None, "triggerPrice": None, "averagePrice": None,
    }  # fmt: skip
    page = {"hasNextPage": False, "endCursor": None}
    found = {"totalCount": "\x1b[9m1", "asOf": "c", "pageInfo": page, "nodes": [order]}
    with stranger(200, json.dumps({"data": {"orders": found}})) as url:
        shown = on_terminal(f"orders --url {url}")
    assert r"\x1b[8mgone [red]x[/red]" in shown
    assert "\x1b[8m" not in shown
    assert "\x1b[9m" not in shown


def assert_one_sentence(result: Result, words: str) -> None:
    assert result.exit_code == 1, result.output
    assert words in result.stderr
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1


@contextmanager
def stranger(status: int, body: str) -> Iterator[str]:
    """A server that answers everything with the same."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(status)
            self.send_header("Location", "http://127.0.0.1:1/")
            self.send_header("Content-Length", str(len(body.encode())))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            """In silence."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()
