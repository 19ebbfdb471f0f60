"""Messages of graphql-transport-ws that no client would send: answered, or closed with a code."""

import asyncio
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed

from tests.api.conftest import ADMIN, Api
from tests.fuzz.conftest import WHO, Target, codes_of
from tests.fuzz.driving import fuzz
from tests.fuzz.mutations import HOSTILE, mutated, twisted
from tests.support.api.clients import Data, Socket
from tests.support.api.documents import calling, every_root_field, least_given

pytestmark = [
    pytest.mark.slow,
    # graphql-core 3.3.2 starts the fields of an object as tasks. If the operation is canceled
    # before they have begun, their coroutines are never awaited, and nobody else can close them.
    pytest.mark.filterwarnings(
        "ignore:coroutine '.*_async_resolver' was never awaited:RuntimeWarning"
    ),
]

Frame = str | bytes
LAST = "the last"
# It tells a secret, as it must.
TELLING = "createToken"
INIT = {"type": "connection_init", "payload": {"Authorization": f"Bearer {ADMIN}"}}
OPENINGS = [INIT] * 16 + [
    {"type": "connection_init", "payload": {"authorization": "Bearer odk_wrong"}},
    {"type": "connection_init", "payload": None},
    {"type": "connection_init"},
    {"type": "ping"},
]
OTHERS = [
    INIT,
    {"type": "ping", "payload": {"at": 1}},
    {"type": "pong", "payload": None},
    {"type": "complete", "id": "1"},
    {"type": "next", "id": "1", "payload": {}},
]
FIELDS = [(operation, name) for operation, name in every_root_field() if name != TELLING]
DOCUMENTS = [
    WHO,
    "query A { viewer { name } } query B($it: Int = 1) { orders(first: $it) { asOf } }",
    "{ ...F } fragment F on Query { __schema { types { name } } a: __typename @skip(if: true) }",
    *(calling(operation, name, depth=1) for operation, name in FIELDS),
]
WORDS = (
    *("{", "}", "[", "]", '"', ":", ",", "\\u0000", "\\ud800", "null", "NaN", "-", "1e999", "\0"),
    *('"type"', '"id"', '"payload"', '"subscribe"', '"complete"', '"query"', '"variables"'),
    *("[" * 50_000, '{"a":' * 50_000, "9" * 5_000, "\ufeff", " " * 5_000),
)
GRAMMAR = (
    *("{", "}", "(", ")", "...", "$", "!", "@", "#", '"', '"""', "&", "|", ":", "=", "\0", "\\u"),
    *("query", "mutation", "subscription", "fragment F on Query", "...F", "__typename", "a: "),
    *("@skip(if: true)", "@include(if: $x)", "@defer", "{ orders { nodes ", "(first: 99999999999)"),
    *("{ viewer " * 2_000, "a: __typename " * 3_000, "[" * 3_000, "9" * 5_000, "\ufeff"),
)
NOISE = st.text(max_size=4)


def subscribing(document: str, variables: Data | None = None) -> Data:
    payload = {"query": document, "variables": variables, "operationName": None}
    return {"type": "subscribe", "id": "1", "payload": payload}


PARTS = ("id", "query", "variables", "operationName", "extensions")


def wrong_in(part: str, value: object) -> Data:
    """Good but for one part, so that nothing else is refused before."""
    message = subscribing(WHO, {})
    return (
        {**message, part: value}
        if part in message
        else {
            **message,
            "payload": {**message["payload"], part: value},
        }
    )


CALLS = [subscribing(calling(*it, depth=1), least_given(*it)) for it in FIELDS]
MESSAGES = st.sampled_from([*CALLS, *OTHERS])
FRAMES = st.one_of(
    st.builds(wrong_in, st.sampled_from(PARTS), HOSTILE).map(json.dumps),
    twisted(MESSAGES).map(json.dumps),
    mutated(MESSAGES.map(json.dumps), WORDS, NOISE),
    mutated(st.sampled_from(DOCUMENTS), GRAMMAR, NOISE).map(subscribing).map(json.dumps),
    st.binary(max_size=20),
)
CONVERSATIONS = st.tuples(
    st.one_of(st.sampled_from(OPENINGS), twisted(st.sampled_from(OPENINGS))).map(json.dumps),
    st.lists(FRAMES, min_size=1, max_size=3),
).map(lambda told: [told[0], *told[1]])

ANSWERS = {"connection_ack", "ping", "pong", "next", "error", "complete"}
# Of the protocol: malformed, not known yet, wrong token, said twice; and a message that is too big.
CLOSINGS = {None, 4400, 4401, 4403, 4409, 4429, 1009}
ABNORMAL = 1006


def test_messages_are_answered_or_end_the_socket_with_a_code(target: Target) -> None:
    endings: set[int | None] = set()

    def examine(frames: Sequence[Frame]) -> None:
        ending = target.run(converse(target.api, frames))
        assert ending in CLOSINGS
        endings.add(ending)

    fuzz(examine, CONVERSATIONS)
    # Some are well-formed and some are not, or nothing would have been tried.
    assert endings >= {None, 4400}


async def converse(api: Api, frames: Sequence[Frame]) -> int | None:
    """The code that it is closed with; None where it goes on."""
    async with api.socket() as socket:
        telling = asyncio.create_task(tell(socket, frames))
        try:
            while (message := await socket.hear()).get("id") != LAST:
                examine_answer(message)
        except ConnectionClosed as closed:
            return closed.rcvd.code if closed.rcvd else ABNORMAL
        finally:
            telling.cancel()
            await asyncio.wait({telling})
        return None


async def tell(socket: Socket, frames: Sequence[Frame]) -> None:
    for frame in frames:
        await socket.send(frame)
    await socket.subscribe(LAST, "{ orders(first: 1) { asOf } }")


def examine_answer(message: dict[str, Any]) -> None:
    assert message["type"] in ANSWERS
    assert "INTERNAL_SERVER_ERROR" not in codes_of(message), message
