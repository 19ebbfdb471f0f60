"""Candles, order books and prices that are watched, on the simulated market."""

from datetime import datetime, timedelta

import pytest

from tests.api.conftest import Api, on_shared
from tests.conftest import START
from tests.support.api.clients import Client, Data, Socket
from tests.support.clock import ManualClock

CANDLES = """query ($symbol: String!, $timeframe: String! = "1m", $since: DateTime, $limit: Int) {
  candles(symbol: $symbol, timeframe: $timeframe, since: $since, limit: $limit) {
    at open high low close volume isClosed
  }
}"""
BOOK = """query ($symbol: String!, $depth: Int) { orderBook(symbol: $symbol, depth: $depth) {
  id symbol at bids { price amount } asks { price amount } account { name }
} }"""
WATCH_TICKERS = """subscription ($symbols: [String!]!) {
  tickerUpdates(symbols: $symbols) { symbol bid ask last stale at account { name } }
}"""
WATCH_CANDLES = """subscription ($symbol: String!, $timeframe: String! = "1m") {
  candleUpdates(symbol: $symbol, timeframe: $timeframe) { at close isClosed }
}"""
WATCH_BOOK = """subscription ($symbol: String!, $depth: Int) {
  orderBookUpdates(symbol: $symbol, depth: $depth) { id at bids { price } asks { price } }
}"""
BTC, ETH = "BTC/USDT", "ETH/USDT"
# Shortly before a candle ends.
LATE_SECONDS = 59.5


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START + timedelta(seconds=LATE_SECONDS))


async def candles(client: Client, **asked: object) -> list[Data]:
    found: list[Data] = (await client.ask(CANDLES, **{"symbol": BTC, **asked}))["candles"]
    return found


def at(seconds: float) -> str:
    moment: datetime = START + timedelta(seconds=seconds)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@on_shared
async def test_two_hundred_candles_of_a_minute_are_told_where_nothing_else_is_said(
    shared_client: Client,
) -> None:
    found = await candles(shared_client, limit=None)
    assert len(found) == 200
    assert [one["isClosed"] for one in found] == [True] * 199 + [False]
    assert (found[0]["at"], found[-1]["at"]) == (at(-199 * 60), at(0))


@on_shared
async def test_candles_since_a_time_include_the_one_that_begins_then(shared_client: Client) -> None:
    found = await candles(shared_client, since=at(-3600), timeframe="15m", limit=3)
    assert [one["at"] for one in found] == [at(-3600), at(-2700), at(-1800)]
    found = await candles(shared_client, since=at(-3599), timeframe="15m", limit=1)
    assert [one["at"] for one in found] == [at(-2700)]


@on_shared
@pytest.mark.parametrize("depth", [None, 1, 50])
async def test_a_book_is_as_deep_as_was_asked_for(shared_client: Client, depth: int | None) -> None:
    book = (await shared_client.ask(BOOK, symbol=BTC, depth=depth))["orderBook"]
    assert len(book["bids"]) == len(book["asks"]) == (depth or 20)
    assert (book["symbol"], book["account"]) == (BTC, {"name": "paper"})


@on_shared
@pytest.mark.parametrize(
    ("document", "given", "field", "words"),
    [
        (CANDLES, {"symbol": "NO/SUCH"}, "symbol", "it has BTC/USD"),
        (CANDLES, {"timeframe": "7m"}, "timeframe", "it has 1m, 5m, 15m, 1h, 4h, 1d"),
        (CANDLES, {"limit": 1_000_000_000}, "limit", "1 to 1000"),
        (CANDLES, {"limit": 0}, "limit", "1 to 1000"),
        (CANDLES, {"since": "2026-01-05T12:00:00.001Z"}, "since", "in the future"),
        (BOOK, {"symbol": "NO/SUCH"}, "symbol", "it has BTC/USD"),
        (BOOK, {"depth": 0}, "depth", "1 to 100"),
        (BOOK, {"depth": 101}, "depth", "1 to 100"),
    ],
)
async def test_what_cannot_be_told_says_why(
    shared_client: Client, document: str, given: Data, field: str, words: str
) -> None:
    message, extensions = await shared_client.refused(document, **{"symbol": BTC, **given})
    assert words in message
    reason = "UNKNOWN_SYMBOL" if field == "symbol" else "INVALID_INPUT"
    assert extensions == {"code": "BAD_USER_INPUT", "reason": reason, "field": [field]}


@on_shared
@pytest.mark.parametrize(
    ("document", "given", "field"),
    [
        (WATCH_TICKERS, {"symbols": []}, "symbols"),
        (WATCH_TICKERS, {"symbols": [BTC, "NO/SUCH"]}, "symbols.1"),
        (WATCH_TICKERS, {"symbols": [BTC] * 501}, "symbols"),
        (WATCH_CANDLES, {"symbol": "NO/SUCH"}, "symbol"),
        (WATCH_CANDLES, {"symbol": BTC, "timeframe": "1M"}, "timeframe"),
        (WATCH_BOOK, {"symbol": "NO/SUCH"}, "symbol"),
        (WATCH_BOOK, {"symbol": BTC, "depth": 0}, "depth"),
    ],
)
async def test_what_cannot_be_watched_ends_before_it_begins(
    shared_api: Api, document: str, given: Data, field: str
) -> None:
    async with shared_api.socket() as socket:
        await socket.init(shared_api.token)
        await socket.subscribe("1", document, **given)
        [error] = await socket.hear_error("1")
        assert error["extensions"]["code"] == "BAD_USER_INPUT"
        assert error["extensions"]["field"] == field.split(".")


async def test_tickers_are_told_at_once_and_with_every_tick(
    socket: Socket, client: Client, clock: ManualClock
) -> None:
    await socket.subscribe("1", WATCH_TICKERS, symbols=[BTC, ETH])
    now = [(await socket.hear_data("1"))["tickerUpdates"] for _ in range(2)]
    assert [(one["symbol"], one["at"], one["stale"]) for one in now] == [
        (BTC, at(59.5), False), (ETH, at(59.5), False),
    ]  # fmt: skip
    await clock.advance(0.25)
    then = [(await socket.hear_data("1"))["tickerUpdates"] for _ in range(2)]
    assert {(one["symbol"], one["at"]) for one in then} == {(BTC, at(59.75)), (ETH, at(59.75))}
    asked = await client.ask(f'{{ ticker(symbol: "{BTC}") {{ last at }} }}')
    [heard] = [one for one in then if one["symbol"] == BTC]
    assert asked["ticker"] == {"last": heard["last"], "at": heard["at"]}


async def test_a_candle_is_told_until_it_is_closed_and_then_the_next(
    socket: Socket, client: Client, clock: ManualClock
) -> None:
    await socket.subscribe("1", WATCH_CANDLES, symbol=BTC)
    told = [(await socket.hear_data("1"))["candleUpdates"]]
    while told[-1]["at"] == at(0):
        await clock.advance(0.25)
        told.append((await socket.hear_data("1"))["candleUpdates"])
    assert (told[0]["isClosed"], told[0]["at"]) == (False, at(0))
    assert [one["isClosed"] for one in told[-2:]] == [True, False]
    closed = (await candles(client, limit=2))[0]
    assert told[-2] == {name: closed[name] for name in ("at", "close", "isClosed")}


async def test_a_book_is_told_at_once_and_with_every_tick(
    socket: Socket, clock: ManualClock
) -> None:
    await socket.subscribe("1", WATCH_BOOK, symbol=BTC, depth=2)
    now = (await socket.hear_data("1"))["orderBookUpdates"]
    await clock.advance(0.25)
    then = (await socket.hear_data("1"))["orderBookUpdates"]
    assert (now["at"], then["at"]) == (at(59.5), at(59.75))
    assert now["id"] == then["id"]
    assert len(then["bids"]) == len(then["asks"]) == 2


async def test_many_may_watch_and_each_may_leave(
    socket: Socket, client: Client, clock: ManualClock
) -> None:
    names = [f"n{number}" for number in range(20)]
    for name in names:
        await socket.subscribe(name, WATCH_TICKERS, symbols=[BTC])
        await socket.hear_data(name)
    for name in names[1:]:
        await socket.say(type="complete", id=name)
    await socket.subscribe("after", "{ viewer { name } }")
    await socket.hear_data("after")
    await socket.hear_complete("after")
    await clock.advance(0.25)
    assert (await socket.hear_data(names[0]))["tickerUpdates"]["at"] == at(59.75)
