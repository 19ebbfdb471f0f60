"""Two servers on one PostgreSQL database behave as one."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from decimal import Decimal

import pytest

from tests.support.processes.books import (
    assert_log_is_whole,
    assert_money_is_conserved,
    assert_no_order_twice,
    differences,
    read_books,
)
from tests.support.processes.clients import (
    ApiClient,
    Data,
    Subscriber,
    api_client,
    eventually,
    following,
)
from tests.support.processes.servers import ServerProcess
from tests.system.conftest import MakeServer

pytestmark = pytest.mark.slow

REPEATS = 200
FREE_FOR_ALL = 60
RUNGS = 15
RUNG = Decimal(6)
ENOUGH_FILLS = 6
ORDER = {"symbol": "BTC/USDT", "side": "BUY", "type": "MARKET", "amount": "0.001"}
WAITING = {**ORDER, "type": "LIMIT", "price": "1000", "amount": "0.01"}
MONEY = {"USDT": Decimal(1_000_000), "BTC": Decimal(10)}
SETTINGS = {f"accounts__paper__paper__balances__{asset}": total for asset, total in MONEY.items()}


@dataclass(frozen=True, kw_only=True, slots=True)
class Pair:
    """Two servers, a client of each, and a subscriber of each."""

    servers: list[ServerProcess]
    clients: list[ApiClient]
    subscribers: list[Subscriber]
    database_url: str

    async def heard_by_all(self) -> None:
        as_of = (await self.clients[0].open_orders())["asOf"]
        await asyncio.gather(*(one.until_at(as_of) for one in self.subscribers))


@pytest.fixture
async def pair(make_server: MakeServer, postgres_url: str) -> AsyncIterator[Pair]:
    servers = [make_server(postgres_url, **SETTINGS) for _ in range(2)]
    await asyncio.gather(*(server.start() for server in servers))
    async with AsyncExitStack() as opened:
        clients = [await opened.enter_async_context(api_client(server)) for server in servers]
        as_of = (await clients[0].open_orders())["asOf"]
        subscribers = [
            await opened.enter_async_context(following(server, as_of)) for server in servers
        ]
        yield Pair(
            servers=servers, clients=clients, subscribers=subscribers, database_url=postgres_url
        )


async def test_one_request_sent_two_hundred_times_to_both_places_one_order(pair: Pair) -> None:
    answers = await asyncio.gather(
        *(
            pair.clients[number % 2].place(clientOrderId="mine", **ORDER)
            for number in range(REPEATS)
        )
    )
    assert len({answer.id for answer in answers}) == 1
    assert sorted(answer.is_replayed is True for answer in answers) == [False] + [True] * (
        REPEATS - 1
    )
    await pair.heard_by_all()
    books = await read_books(pair.database_url)
    assert (len(books.orders), len(books.paper_orders), len(books.paper_trades)) == (1, 1, 1)
    assert differences(books) == []


async def test_what_one_places_both_tell_in_the_same_order(pair: Pair) -> None:
    await asyncio.gather(
        *(
            pair.clients[number % 2].place(clientOrderId=f"mine-{number}", **ORDER)
            for number in range(60)
        )
    )
    await pair.heard_by_all()
    books = await read_books(pair.database_url)
    assert [one.cursors for one in pair.subscribers] == [books.cursors] * 2
    assert len(books.orders) == 60
    assert_log_is_whole(books)


async def test_orders_near_the_market_fill_once_although_both_match(pair: Pair) -> None:
    ticker = await pair.clients[0].ticker("BTC/USDT")
    answers = await asyncio.gather(
        *(
            pair.clients[number % 2].place(clientOrderId=f"near-{number}", **wanted)
            for number, wanted in enumerate(_ladder(ticker))
        )
    )
    assert {answer.order is not None for answer in answers} == {True}

    async def look() -> Data:
        books = await read_books(pair.database_url)
        return {"fills": len(books.paper_trades), "differences": differences(books)}

    await eventually(look, lambda seen: seen["fills"] >= ENOUGH_FILLS and not seen["differences"])
    await pair.clients[0].cancel_all()
    await pair.heard_by_all()
    books = await read_books(pair.database_url)
    trades = Counter(trade["order_number"] for trade in books.paper_trades)
    assert set(trades.values()) == {1}
    assert differences(books) == []
    assert_no_order_twice(books)
    assert_log_is_whole(books)
    assert_money_is_conserved(books, MONEY)
    assert [one.cursors for one in pair.subscribers] == [books.cursors] * 2


async def test_of_orders_at_both_one_takes_the_last_free_trade_and_a_halt_holds_for_both(
    pair: Pair,
) -> None:
    await pair.clients[0].ask(
        "mutation { configureTradingWindow(input: {enabled: true, maxTradesPerDay: 1})"
        " { __typename } }"
    )
    answers = await asyncio.gather(
        *(pair.clients[number % 2].place(**WAITING) for number in range(FREE_FOR_ALL))
    )
    assert Counter(answer.refusal for answer in answers) == {
        None: 1,
        "WINDOW_CLOSED": FREE_FOR_ALL - 1,
    }
    await pair.clients[1].ask('mutation { haltTrading(reason: "a test") { __typename } }')
    answer = await pair.clients[0].place(**WAITING)
    assert answer.refusal == "TRADING_HALTED"
    books = await read_books(pair.database_url)
    assert [order["status"] for order in books.orders] == ["CANCELED"]


def _ladder(ticker: Data) -> list[Data]:
    """On both sides, so that the price goes through some of them wherever it goes; most of them
    wait long enough for both processes to know of them."""
    orders = []
    for number in range(1, RUNGS + 1):
        step = number * RUNG
        prices = {"BUY": Decimal(ticker["bid"]) - step, "SELL": Decimal(ticker["ask"]) + step}
        orders += [
            {**ORDER, "type": "LIMIT", "side": side, "price": str(price)}
            for side, price in prices.items()
        ]
    return orders
