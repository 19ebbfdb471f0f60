"""What a request may be at most, over connections on which anything may be said."""

import asyncio
import json

import pytest

from app.server import protocols
from schema.http import requests
from schema.http.requests import MAX_BODY_BYTES
from tests.api.conftest import ADMIN, Api, on_shared
from tests.support.api.clients import Client
from tests.support.api.servers import dialed, raw, repeat

TOKEN = f"Authorization: Bearer {ADMIN}\r\n"
HEAD = f"POST /graphql HTTP/1.1\r\nHost: localhost\r\n{TOKEN}Content-Type: application/json\r\n"
ALIVE = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
SHORT_SECONDS = 0.2


@pytest.fixture
def impatience(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits longer than a moment for a request."""
    monkeypatch.setattr(protocols, "REQUEST_SECONDS", SHORT_SECONDS)


def status_of(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1])


async def told(reader: asyncio.StreamReader) -> tuple[int, list[str]]:
    """The status of the next answer, and the codes of its errors."""
    head = await reader.readuntil(b"\r\n\r\n")
    lines = dict(line.split(b": ", 1) for line in head.lower().split(b"\r\n")[1:-2])
    body = json.loads(await reader.readexactly(int(lines[b"content-length"])))
    return status_of(head), [error["extensions"]["code"] for error in body.get("errors", ())]


async def ended(reader: asyncio.StreamReader) -> bool:
    """Wait for the end of the connection."""
    try:
        while await reader.read(65_536):
            pass
    except ConnectionResetError:
        pass
    return True


@on_shared
async def test_a_body_has_a_megabyte_at_most(shared_client: Client) -> None:
    document = b'{"query": "{ __typename }"}'
    answer = await shared_client.post(content=document.ljust(MAX_BODY_BYTES))
    assert answer.json() == {"data": {"__typename": "Query"}}
    answer = await shared_client.post(content=document.ljust(MAX_BODY_BYTES + 1))
    assert answer.status_code == 413
    assert [error["extensions"]["code"] for error in answer.json()["errors"]] == ["BAD_USER_INPUT"]


@on_shared
async def test_a_body_that_says_that_it_is_too_large_is_refused_unread(shared_api: Api) -> None:
    for length in (MAX_BODY_BYTES + 1, 10**18):
        async with dialed(shared_api.address) as (reader, writer):
            writer.write(f"{HEAD}Content-Length: {length}\r\n\r\n".encode())
            assert await told(reader) == (413, ["BAD_USER_INPUT"])


@on_shared
async def test_a_body_in_chunks_is_counted_as_it_comes(shared_api: Api) -> None:
    async with dialed(shared_api.address) as (reader, writer):
        writer.write(f"{HEAD}Transfer-Encoding: chunked\r\n\r\n".encode())
        chunk = b"10000\r\n%b\r\n" % (b" " * 65_536)
        for _ in range(MAX_BODY_BYTES // 65_536 + 1):
            writer.write(chunk)
        assert await told(reader) == (413, ["BAD_USER_INPUT"])


@on_shared
async def test_what_follows_a_refused_body_is_not_kept_and_not_for_ever(shared_api: Api) -> None:
    async with dialed(shared_api.address) as (reader, writer):
        writer.write(f"{HEAD}Transfer-Encoding: chunked\r\n\r\n".encode())
        chunk = b"10000\r\n%b\r\n" % (b" " * 65_536)
        with pytest.raises(ConnectionError):
            await repeat(writer, chunk, 16 * protocols.MAX_REQUEST_BYTES // len(chunk))
        assert await ended(reader)


@on_shared
@pytest.mark.parametrize(
    "head",
    [
        "GET /healthz?%s HTTP/1.1\r\nHost: localhost\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Long: %s\r\n\r\n",
        "GET /%s",
        "GET / HTTP/1.1\r\nX-Long: %s",
        "GET / HTTP/1.1\r\nX-%s",
    ],
    ids=["address", "header", "endless address", "endless header", "endless name"],
)
async def test_address_and_headers_are_bounded(shared_api: Api, head: str) -> None:
    async with dialed(shared_api.address) as (reader, writer):
        begin, _, end = head.partition("%s")
        writer.write(begin.encode())
        for _ in range(3):
            writer.write(b"x" * protocols.MAX_HEAD_BYTES)
            await writer.drain()
            await asyncio.sleep(0)
        writer.write(end.encode())
        assert await told(reader) == (431, ["BAD_USER_INPUT"])
        assert await ended(reader)


@on_shared
async def test_many_small_headers_are_bounded_too(shared_api: Api) -> None:
    headers = "".join(f"X-{number}: {'x' * 50}\r\n" for number in range(1_000))
    request = f"GET /healthz HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n"
    assert status_of(await raw(shared_api.address, request.encode())) == 431


@on_shared
async def test_several_requests_in_one_piece_are_counted_one_by_one(shared_api: Api) -> None:
    body = b'{"query": "{ __typename }"}'.ljust(60_000)
    request = f"{HEAD}Content-Length: {len(body)}\r\n\r\n".encode() + body
    async with dialed(shared_api.address) as (reader, writer):
        writer.write(request * 3 + ALIVE[:20])
        for _ in range(3):
            assert await told(reader) == (200, [])
        writer.write(ALIVE[20:])
        assert status_of(await reader.readuntil(b"alive")) == 200


NO_HTTP = {
    "nonsense": b"nonsense\r\n\r\n",
    "bytes": bytes(range(128, 256)) * 4 + b"\r\n\r\n",
    "TLS": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 64 + b"\r\n\r\n",
    "another length": b"POST /graphql HTTP/1.1\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n",
    "two ways to end": (
        b"POST /graphql HTTP/1.1\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n"
    ),
    "a negative length": b"POST /graphql HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
    "a name with a space": b"GET / HTTP/1.1\r\nHost : localhost\r\n\r\n",
    "letters of no alphabet": b"GET /\xff HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "no path": b"CONNECT localhost:80 HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "no path for a socket": (
        b"GET /graphql\xff HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
        b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        b"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
    ),
}


@on_shared
@pytest.mark.parametrize("request_", NO_HTTP.values(), ids=NO_HTTP.keys())
async def test_what_is_no_http_is_a_graphql_error_in_json_and_the_end(
    shared_api: Api, request_: bytes
) -> None:
    async with dialed(shared_api.address) as (reader, writer):
        writer.write(request_)
        assert await told(reader) == (400, ["BAD_USER_INPUT"])
        assert await ended(reader)


@on_shared
async def test_a_handshake_of_long_headers_is_refused_and_ended(shared_api: Api) -> None:
    handshake = (
        "GET /graphql HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
        f"Connection: Upgrade\r\nX-Long: {'x' * 20_000}\r\n\r\n"
    )
    async with dialed(shared_api.address) as (reader, writer):
        writer.write(handshake.encode())
        answer = await reader.readuntil(b"\r\n\r\n")
        assert status_of(answer) == 431
        assert await ended(reader)


SLOW = {
    "nothing": b"",
    "half an address": b"GET /hea",
    "half a header": b"GET /healthz HTTP/1.1\r\nHost: loc",
    "a body that is not there": f"{HEAD}Content-Length: 5\r\n\r\n".encode(),
    "half a body": f"{HEAD}Content-Length: 50\r\n\r\n{{".encode(),
    "a body that nobody reads": b"POST /nothing HTTP/1.1\r\nContent-Length: 5\r\n\r\n",
    "half a handshake": b"GET /graphql HTTP/1.1\r\nUpgrade: websocket\r\nConnection: Upg",
}


@on_shared
@pytest.mark.usefixtures("impatience")
@pytest.mark.parametrize("begun", SLOW.values(), ids=SLOW.keys())
async def test_a_request_that_never_ends_is_ended(shared_api: Api, begun: bytes) -> None:
    async with dialed(shared_api.address) as (reader, writer):
        writer.write(begun)
        assert await ended(reader)


@on_shared
@pytest.mark.usefixtures("impatience")
async def test_a_request_that_comes_byte_by_byte_is_ended_all_the_same(shared_api: Api) -> None:
    async with dialed(shared_api.address) as (reader, writer):
        writer.write(b"GET /healthz HTTP/1.1\r\nX-Slow: ")
        ending = asyncio.create_task(ended(reader))
        while not ending.done():
            writer.write(b"x")
            await asyncio.wait({ending}, timeout=SHORT_SECONDS / 10)


@on_shared
async def test_a_body_that_is_too_slow_is_told_so(
    shared_api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requests, "BODY_SECONDS", SHORT_SECONDS)
    async with dialed(shared_api.address) as (reader, writer):
        writer.write(f"{HEAD}Content-Length: 50\r\n\r\n{{".encode())
        assert await told(reader) == (408, ["BAD_USER_INPUT"])
        assert await ended(reader)


@on_shared
async def test_whoever_leaves_in_the_middle_of_a_body_leaves_nothing_behind(
    shared_api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    async with dialed(shared_api.address) as (_, writer):
        writer.write(f"{HEAD}Content-Length: 50\r\n\r\n{{".encode())
        await writer.drain()
    assert status_of(await raw(shared_api.address, ALIVE)) == 200
    assert caplog.records == []


@on_shared
async def test_nonsense_is_refused_and_fills_no_log(
    shared_api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    for nonsense in (b"NONSENSE\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n"):
        assert status_of(await raw(shared_api.address, nonsense)) == 400
    assert caplog.records == []
