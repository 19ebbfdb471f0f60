"""Bytes that are nearly HTTP, or nearly WebSocket: answered by the rules of both, or not at all."""

import asyncio
import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pytest
from hypothesis import strategies as st
from websockets.client import ClientProtocol
from websockets.frames import Frame, Opcode
from websockets.protocol import State
from websockets.uri import parse_uri

from tests.api.conftest import ADMIN
from tests.fuzz.conftest import WHO, Target
from tests.fuzz.driving import fuzz
from tests.fuzz.mutations import mutated
from tests.support.api.servers import Address, dialed

pytestmark = pytest.mark.slow

HEAD = f"Host: localhost\r\nAuthorization: Bearer {ADMIN}\r\n".encode()
BODY = json.dumps({"query": WHO}).encode()
BODIES = (
    BODY,
    b'{"query":"query($a:Int){orders(first:$a){asOf}}","variables":{"a":1e999}}',
    b'{"query":"{ __typename }","operationName":null,"extensions":{"a":[NaN,-0,"\\ud800"]}}',
    b"[" * 100_000,
    b'{"a":' * 100_000,
    b"9" * 6_000,
)
TYPED = HEAD + b"Content-Type: application/json\r\n"
HANDSHAKE = (
    b"GET /graphql HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Protocol: graphql-transport-ws\r\n"
    b"Sec-WebSocket-Key: MDEyMzQ1Njc4OWFiY2RlZg==\r\n\r\n"
)
POST = b"POST /graphql HTTP/1.1\r\n" + TYPED + b"Content-Length: %d\r\n\r\n" % len(BODY) + BODY
CHUNKED = (
    b"POST /graphql HTTP/1.1\r\n" + TYPED + b"Transfer-Encoding: chunked\r\n\r\n"
    b"%x\r\n%b\r\n0\r\nTrailer: x\r\n\r\n" % (len(BODY), BODY)
)
GET = b"GET /graphql?query=%7Bviewer%7Bname%7D%7D&variables=%7B%7D HTTP/1.1\r\n" + HEAD + b"\r\n"
REQUESTS = (
    POST,
    CHUNKED,
    GET,
    POST + GET,
    HANDSHAKE,
    b"HEAD /graphql?query=%7B__typename%7D HTTP/1.1\r\n" + HEAD + b"\r\n",
    b"OPTIONS /graphql HTTP/1.1\r\nOrigin: http://localhost\r\n" + HEAD + b"\r\n",
    b"GET /healthz HTTP/1.0\r\n" + HEAD + b"Connection: keep-alive\r\n\r\n",
    b"GET /metrics HTTP/1.1\r\nAccept: text/plain, */*;q=0.1\r\n" + HEAD + b"\r\n",
    b"GET /graphiql HTTP/1.1\r\nIf-None-Match: *\r\nRange: bytes=0-1\r\n" + HEAD + b"\r\n",
    b"POST /graphql HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\n" + TYPED + b"\r\n{}",
)
WORDS = (
    *(
        b"\r\n",
        b"\n",
        b"\r",
        b"\r\n\r\n",
        b"\0",
        b" ",
        b"\t",
        b":",
        b",",
        b";",
        b"%00",
        b"%ff",
        b"%",
    ),
    *(b"HTTP/1.1", b"HTTP/9.9", b"PRI * HTTP/2.0\r\n\r\n", b"//", b"/../", b"?", b"#", b"&query="),
    *(
        b"Host: localhost\r\n",
        b"Host: evil\r\n",
        b"Content-Length: 5\r\n",
        b"Content-Length: -1\r\n",
    ),
    *(b"Transfer-Encoding: chunked\r\n", b"Transfer-Encoding: gzip, chunked\r\n", b"Connection: "),
    *(
        b"Content-Type: text/plain\r\n",
        b"Content-Encoding: gzip\r\n",
        b"Upgrade: h2c\r\n",
        b"9" * 30,
    ),
    *(b"Origin: null\r\n", b"X-Request-Id: \xff\r\n", b"Accept: a/b;q=2\r\n", b"\xe9", b"\xf0\x9f"),
    *(b"X: " + b"y" * 40_000 + b"\r\n", b"ffffffffffffffff\r\n", b"{" * 2_000, b"[" * 100_000),
)
NOISE = st.binary(max_size=6)
TARGETS = (b"/graphql?query=%7B__typename%7D", b"/graphql", b"/", b"http://localhost/graphql", b"*")
METHODS = (b"GET", b"POST", b"HEAD", b"OPTIONS", b"PUT", b"CONNECT", b"get")
LINES = tuple(b"%b\r\n" % line for line in (TYPED + HANDSHAKE).split(b"\r\n")[:-2])


def framed(opcode: Opcode, data: bytes, *, fin: bool = True) -> bytes:
    """Masked with zeros, so that each run sends the same."""
    plain = Frame(opcode, data, fin).serialize(mask=False)
    head = len(plain) - len(data)
    return bytes([plain[0], plain[1] | 0x80]) + plain[2:head] + bytes(4) + data


def said(**message: object) -> bytes:
    return framed(Opcode.TEXT, json.dumps(message).encode())


COMING_IN = said(type="connection_init", payload={"Authorization": f"Bearer {ADMIN}"})
FRAMES = (
    COMING_IN,
    said(type="subscribe", id="1", payload={"query": WHO}),
    said(type="ping"),
    framed(Opcode.PING, b"x" * 125),
    framed(Opcode.PONG, b""),
    framed(Opcode.BINARY, b"{}"),
    framed(Opcode.TEXT, b'{"type":', fin=False) + framed(Opcode.CONT, b'"ping"}'),
    framed(Opcode.CLOSE, b"\x03\xe8bye"),
    framed(Opcode.CLOSE, b""),
    framed(Opcode.CLOSE, b"\x03\xee"),
    framed(Opcode.TEXT, b"\xff\xfe"),
    framed(Opcode.TEXT, b" " * 70_000),
)
FRAME_WORDS = (b"\x81", b"\x80", b"\xff", b"\xc1", b"\x8b", b"\x09\xfe", b"\xff" * 8, b"\0" * 8)
TALKS = st.lists(st.sampled_from(FRAMES), max_size=4).map(b"".join)
# As its parts: what is in few places of the whole is changed as often as what is in many.
BUILT = st.builds(
    lambda method, target, lines, body: (
        b"%b %b HTTP/1.1\r\n%b\r\n%b" % (method, target, lines, body)
    ),
    st.sampled_from(METHODS),
    mutated(st.sampled_from(TARGETS), WORDS, NOISE),
    st.one_of(
        st.just(b"".join(LINES)),
        st.lists(mutated(st.sampled_from(LINES), WORDS, NOISE), max_size=6).map(b"".join),
    ),
    st.sampled_from([b"", BODY, COMING_IN]),
)
# As long as it says that it is, so that all of it is read.
POSTED = mutated(st.sampled_from(BODIES), WORDS, NOISE).map(
    lambda body: (
        b"POST /graphql HTTP/1.1\r\n%bContent-Length: %d\r\n\r\n%b" % (TYPED, len(body), body)
    )
)
ATTACKS = st.one_of(
    BUILT,
    POSTED,
    mutated(st.sampled_from(REQUESTS), WORDS, NOISE),
    st.lists(mutated(st.sampled_from(REQUESTS), WORDS, NOISE), max_size=3).map(b"".join),
    st.builds(
        lambda *parts: b"".join(parts),
        st.just(HANDSHAKE),
        st.sampled_from([b"", COMING_IN]),
        mutated(TALKS, FRAME_WORDS, NOISE),
    ),
    st.binary(max_size=40),
)
AT_ONCE = 24
# Who waits for the rest of what will not come is left then.
GRACE_SECONDS = 0.1
_STATUS = re.compile(rb"^HTTP/1\.1 ([0-9]{3}) [^\r\n]*\r\n", re.MULTILINE)
# What a server says of itself when it has failed.
INTERNAL_ERROR = 1011


@dataclass(frozen=True, kw_only=True, slots=True)
class Heard:
    """What came back, and whether it was the server who ended it."""

    data: bytes
    is_ended: bool

    @property
    def statuses(self) -> list[int]:
        return [int(status) for status in _STATUS.findall(self.data)]


def test_any_bytes_are_answered_by_the_rules_or_not_at_all(target: Target) -> None:
    statuses: set[int] = set()

    def examine(attacks: Sequence[bytes]) -> None:
        for attack, heard in zip(attacks, target.run(strike(target, attacks)), strict=True):
            assert is_by_the_rules(heard), f"{attack!r:.2000} was answered by {heard!r:.2000}"
            statuses.update(heard.statuses)

    fuzz(examine, st.lists(ATTACKS, min_size=AT_ONCE, max_size=AT_ONCE))
    assert statuses >= {101, 200, 400}


async def strike(target: Target, attacks: Iterable[bytes]) -> list[Heard]:
    return await asyncio.gather(*(heard(target.api.address, attack) for attack in attacks))


async def heard(address: Address, attack: bytes) -> Heard:
    """Say it all, listen until there is silence, and hang up."""
    async with dialed(address) as (reader, writer):
        data = bytearray()
        telling = asyncio.create_task(tell(writer, attack))
        try:
            is_ended = await listen(reader, data)
        finally:
            telling.cancel()
            await asyncio.wait({telling})
    return Heard(data=bytes(data), is_ended=is_ended)


async def tell(writer: asyncio.StreamWriter, attack: bytes) -> None:
    """In two pieces, of which the first may end anywhere."""
    middle = len(attack) * attack[-1] // 256 if attack else 0
    for part in (attack[:middle], attack[middle:]):
        writer.write(part)
        await writer.drain()


async def listen(reader: asyncio.StreamReader, data: bytearray) -> bool:
    """Whether the server ended it."""
    try:
        while True:
            async with asyncio.timeout(GRACE_SECONDS):
                part = await reader.read(1 << 16)
            if not part:
                return True
            data += part
    except TimeoutError:
        return False
    except ConnectionError:
        # What it had not read when it ended.
        return True


def is_by_the_rules(heard: Heard) -> bool:
    if any(status >= 500 for status in heard.statuses):
        return False
    if 101 in heard.statuses:
        return is_well_closed(heard)
    return not heard.data or heard.data.startswith(b"HTTP/1.1 ")


def is_well_closed(heard: Heard) -> bool:
    """No socket ends without a word, nor for a fault of ours."""
    _, _, frames = heard.data.partition(b"\r\n\r\n")
    protocol = ClientProtocol(parse_uri("ws://localhost/graphql"), state=State.OPEN)
    protocol.receive_data(frames)
    if protocol.parser_exc is not None:
        return False
    if protocol.close_rcvd is None:
        return not heard.is_ended
    return protocol.close_rcvd.code != INTERNAL_ERROR
