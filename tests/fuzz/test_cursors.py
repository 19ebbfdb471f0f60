"""Ids and cursors that nobody gave out: refused as such, by what reads them and by the server."""

import base64
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress

import pytest
from hypothesis import strategies as st

from app.domain.orders.events import LogPosition
from app.errors import BadInput, CursorInvalid
from schema import ids
from schema.scalars import Cursor
from schema.types.pages import PageArguments, timed_page
from tests.api.conftest import ADMIN, Api
from tests.fuzz.conftest import Target, codes_of
from tests.fuzz.driving import fuzz
from tests.fuzz.mutations import mutated
from tests.support.api.clients import Data, Socket
from tests.support.api.trading import WAITING, place

pytestmark = pytest.mark.slow

LISTS = ("orders:CREATED_AT_DESC", "orders:CREATED_AT_ASC", "fills", "audit", "markets:paper", "")
WORDS = (
    *("|", ".", "_", "-", "=", "+", "/", "%3D", "\0", "\n", " ", "٣", "é", "A", "0", "-1", "1e9"),
    *("9" * 15, "9" * 19, "9" * 6_000, str(1 << 63), "ord_", "pos_", "paper/SPOT/BTC/USDT", "²"),
)
NOISE = st.text(max_size=3)
# So that it fits into a message of the socket, however it is written there.
LONGEST = 20_000
REFUSED = {"BAD_USER_INPUT", "CURSOR_INVALID", "CURSOR_EXPIRED"}
FOUND = """{
  orders { asOf nodes { id history { nodes { cursor } } } pageInfo { startCursor } }
  fills { pageInfo { endCursor } nodes { id } }
  auditLog { pageInfo { endCursor } nodes { id } }
  markets(first: 2) { pageInfo { endCursor } nodes { id } }
  accounts { id }
  positions { nodes { id } }
}"""
PLACES = """query ($it: Cursor!) {
  newest: orders(after: $it) { nodes { id } }
  before: orders(before: $it, last: 5) { nodes { id } }
  oldest: orders(after: $it, orderBy: CREATED_AT_ASC) { nodes { id } }
  fills(after: $it) { nodes { id } }
  markets(after: $it) { nodes { id } }
  auditLog(after: $it) { nodes { id } }
}"""
NODES = """query ($it: ID!) {
  node(id: $it) { id }
  order(id: $it) { id }
}"""
WATCH = "subscription ($it: Cursor!) { orderUpdates(after: $it) { kind } }"


def packed(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def unpacked(text: str) -> str:
    return base64.urlsafe_b64decode(text + "==").decode()


def texts(valid: Sequence[str]) -> st.SearchStrategy[str]:
    """Changed outside, or inside of what is packed."""
    inside = st.sampled_from([one for one in valid if "_" not in one]).map(unpacked)
    outside = st.sampled_from(valid)
    changed = st.one_of(mutated(outside, WORDS, NOISE), mutated(inside, WORDS, NOISE).map(packed))
    return changed.map(lambda text: text[:LONGEST])


def test_ids_and_cursors_are_read_or_refused_without_being_told(target: Target) -> None:
    valid = target.run(given_out(target.api))

    accepted = Counter[str]()

    def examine(found: Sequence[str]) -> None:
        for text in found:
            for read in (read_as_id, read_as_place, read_as_position):
                accepted[read.__name__] += read(text)
        target.run(ask(target.api, found[0]))

    fuzz(examine, st.lists(texts(valid), min_size=1, max_size=10))
    # Had nothing been taken for good, the rest would not be near to it.
    assert len(+accepted) == 3


async def given_out(api: Api) -> Sequence[str]:
    """One of each kind that the server tells."""
    client = api.client()
    await place(client)
    await place(client, WAITING)
    told = await client.ask(FOUND)
    return sorted(set(leaves(told)))


def leaves(told: object) -> Sequence[str]:
    if isinstance(told, str):
        return [told]
    below = told.values() if isinstance(told, dict) else told if isinstance(told, list) else ()
    return [leaf for node in below for leaf in leaves(node)]


def read_as_id(text: str) -> bool:
    with suppress(BadInput):
        kind, key = ids.split(text)
        assert ids.encode(kind, key) == text
        ids.decode_position(key)
        return True
    return False


def read_as_place(text: str) -> bool:
    """Of one list at most."""
    good_in = [name for name in LISTS if is_place(text, name)]
    assert len(good_in) <= 1
    return bool(good_in)


def is_place(text: str, name: str) -> bool:
    with suppress(CursorInvalid):
        value, tie = ids.decode_place(text, name, field="after")
        assert packed(f"{name}|{value}|{tie}") == text
        with suppress(CursorInvalid):
            timed_page(name, PageArguments(after=Cursor(text)))
        return True
    return False


def read_as_position(text: str) -> bool:
    with suppress(CursorInvalid):
        position = LogPosition.decode(text, field="after")
        assert position.encode() == text
        assert 0 <= position.seq < 1 << 63
        return True
    return False


async def ask(api: Api, text: str) -> None:
    for document in (PLACES, NODES):
        told = await api.client().response(document, it=text)
        assert set(codes_of(told)) <= REFUSED, told
    async with api.socket() as socket:
        await socket.init(ADMIN)
        await socket.subscribe("1", WATCH, it=text)
        await until_read(socket)


async def until_read(socket: Socket) -> None:
    """What is asked later is answered later, where the same is to be read for it."""
    await socket.subscribe("end", "{ orders(first: 1) { asOf } }")
    message: Data = {}
    while message.get("id") != "end":
        message = await socket.hear()
        assert set(codes_of(message)) <= REFUSED, message
