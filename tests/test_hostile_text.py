"""Whatever reads foreign text takes time in proportion to its length, or refuses it by its length.

Each reader gets each hostile text at 32 KiB, where a quadratic one takes seconds, and those that
took it longest again at 1 MB.
"""

import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import ccxt
import pytest
from graphql import GraphQLError
from pydantic import SecretStr, ValidationError
from starlette.datastructures import Headers

from app.domain.markets import candles
from app.domain.orders.events import LogPosition
from app.domain.orders.requests import CLIENT_ORDER_ID
from app.domain.portfolio.positions import PositionKey
from app.errors import OrderdeckError
from app.exchanges.ccxt.parsing import failures
from app.exchanges.ccxt.parsing.key_permissions import PermissionField
from app.exchanges.ccxt.parsing.numbers import exact, moment
from app.server import request_ids
from app.server.visible_text import visible
from app.services.access.admin_tokens import digest_of
from app.settings import load_settings
from app.settings.values import _database_url
from app.strategies import worker
from app.strategies.frames import FrameBuffer
from schema import bad_values, ids, scalars
from schema.http import media_types, origins, requests
from schema.limits.documents import _parse

KIB = 1024
# The first size and how long it may take on a busy machine: linear readers need some milliseconds.
PROBE, PROBE_SECONDS = 32 * KIB, 0.5
WHOLE, WHOLE_SECONDS = KIB * KIB, 5.0
SLOWEST = 5
PAGE, PAGE_SECONDS = 10 * KIB * KIB, 1.0

PATTERNS = (
    "a", "A1", "1", "0.1", "9", " ", "\t\n", "\\", '"', "'", ":", "://", "@", "a@", "/", "%", "=",
    "-", "_", ".", ",", ";", "<", "<h", "[", "{", "(", '{"a":', "[[", '["', '"a",', "{}", "#", "q=",
    "q=0.", ";q=", "Value '", "cannot represent ", "cannot represent value", " Did you mean ",
    "unknown field '", "found Int ", "found: ", "Variable '$a", "No such value in '", "already ",
    "duplica", "invalid api", "notional", "minimum ", "GET ", "https://a ", "msg", '{"msg":',
    "\x00", "\x1b[", "é", "🙂", "{ a ", "{ a: b ", "...F ", "query a ", "@a ", '"""', "a.", "a=1\n",
    "A" * 31 + " ",
)  # fmt: skip
# Ends that disappoint a greedy reader.
ENDS = ("", "\n!", "'")


def _json(data: str) -> None:
    requests.decode(f'{{"query": "{data}", "variables": [0.{data}, 1e{data}]}}')


def _frames(data: str) -> None:
    frames, body = FrameBuffer(), data.encode(errors="replace")
    for start in range(0, len(body), 4096):
        frames.add(body[start : start + 4096])


def _config(data: str, folder: Path) -> None:
    (folder / "orderdeck.toml").write_text(data)
    load_settings(environ={}, directory=folder)


def _fails(kind: type[Exception]) -> Callable[[str], None]:
    def read(data: str) -> None:
        error = kind(f"binance {data}")
        failures.failure_of_create(error)
        failures.failure_of_read(error)
        failures.key_words(error)
        failures.is_ban(error)

    return read


READERS: dict[str, Callable[[str], object]] = {
    "words of an answer": lambda data: failures.words_of(Exception(data)),
    "words in JSON": lambda data: failures.words_of(Exception(f'binance {{"msg": "{data}"}}')),
    "a rejection": _fails(ccxt.InvalidOrder),
    "a ban": _fails(ccxt.RateLimitExceeded),
    "a broken exchange": _fails(ccxt.ExchangeNotAvailable),
    "a number": exact,
    "a time": moment,
    "permissions": lambda data: PermissionField(path=("a",), name="x").read({"a": data}),
    "a message with values": bad_values._without_values,
    "a message of variables": bad_values._OF_VARIABLES.match,
    "a message of enums": bad_values.NO_SUCH_VALUE.search,
    "a Decimal": scalars._parse_decimal,
    "a DateTime": scalars._parse_date_time,
    "an id": ids.split,
    "an id of a market": lambda data: ids.split(f"mkt_{data}"),
    "a cursor of a list": lambda data: ids.decode_place(data, "orders", field="after"),
    "a cursor of the log": lambda data: LogPosition.decode(data, field="after"),
    "a position's name": PositionKey.named,
    "a client order id": CLIENT_ORDER_ID.fullmatch,
    "a timeframe": candles._TIMEFRAME.fullmatch,
    "a document": _parse,
    "a body": _json,
    "a bare body": requests.decode,
    "Accept": media_types.negotiate,
    "Content-Type": media_types.is_json,
    "Host": origins._without_port,
    "Origin": lambda data: origins.is_welcome(Headers({"origin": data, "host": data}), ()),
    "a request id": lambda data: request_ids._SANE.fullmatch(data.encode(errors="replace")),
    "a token": digest_of,
    "a line of the log": visible,
    "a strategy's words": worker._bounded,
    "a strategy's messages": _frames,
    "the database's address": lambda data: _database_url(SecretStr(f"postgresql+asyncpg://{data}")),
    "the database's file": lambda data: _database_url(SecretStr(f"sqlite+aiosqlite:///{data}")),
}
_REFUSALS = (OrderdeckError, GraphQLError, ValueError, ValidationError, UnicodeError)


def seconds_of(read: Callable[[str], object], data: str) -> float:
    """The processor time of one reading, refused or not."""
    began = time.process_time()
    with suppress(*_REFUSALS):
        read(data)
    return time.process_time() - began


def text_of(pattern: str, end: str, size: int) -> str:
    """The pattern over and over."""
    return (pattern * (size // len(pattern) + 1))[:size] + end


def assert_linear(read: Callable[[str], object]) -> None:
    took = {}
    for pattern in PATTERNS:
        for end in ENDS:
            took[pattern, end] = seconds_of(read, text_of(pattern, end, PROBE))
            assert took[pattern, end] < PROBE_SECONDS, (pattern, end)
    for pattern, end in sorted(took, key=lambda text: took[text])[-SLOWEST:]:
        assert seconds_of(read, text_of(pattern, end, WHOLE)) < WHOLE_SECONDS, (pattern, end)


@pytest.mark.parametrize("name", READERS)
def test_foreign_text_is_read_in_proportion_to_its_length(name: str) -> None:
    assert_linear(READERS[name])


def test_a_hostile_file_of_settings_is_read_in_proportion_to_its_length(tmp_path: Path) -> None:
    assert_linear(lambda data: _config(data, tmp_path))


@pytest.mark.parametrize("kind", [ccxt.InvalidOrder, ccxt.ExchangeNotAvailable, ccxt.BadRequest])
@pytest.mark.parametrize("pattern", ['{"a":"b"},', "a", " ", "<", "[", "x://", "notional "])
def test_an_error_page_of_10_mb_holds_nobody_up(kind: type[Exception], pattern: str) -> None:
    page = pattern * (PAGE // len(pattern))
    assert seconds_of(_fails(kind), page) < PAGE_SECONDS
