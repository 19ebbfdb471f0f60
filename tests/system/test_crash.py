"""The server dies at any moment, and nothing is lost, doubled or forgotten."""

import asyncio
import os
import random
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

import pytest

from tests.conftest import on_each_database
from tests.support.processes.books import (
    Books,
    assert_log_is_whole,
    assert_money_is_conserved,
    assert_no_order_twice,
    differences,
    only_at_the_exchange,
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
from tests.support.processes.kills import Acknowledged, assert_as_acknowledged, kill_at_random
from tests.support.processes.servers import ServerProcess
from tests.system.conftest import MakeServer

pytestmark = pytest.mark.slow

CLIENTS = 16
SEED = 1
IS_SOAK = bool(os.environ.get("ORDERDECK_TEST_SOAK"))
# Our side is the same on both: fewer are enough to see that PostgreSQL keeps what was committed.
KILLS = {"sqlite": 400 if IS_SOAK else 20, "postgresql": 400 if IS_SOAK else 5}
LONGEST_LIFE_SECONDS = 1.0
SETTLING_SECONDS = 60
MONEY = {"USDT": Decimal(1_000_000_000), "BTC": Decimal(1_000), "ETH": Decimal(10_000)}
QUICK = {
    "reconcile_seconds": 1,
    "not_found_seconds": 2,
    "exchange_timeout_seconds": 5,
    **{f"accounts__paper__paper__balances__{asset}": total for asset, total in MONEY.items()},
}


class Trader:
    """Places orders of all kinds, and takes some of them back."""

    def __init__(self, api: ApiClient, name: str, told: Acknowledged) -> None:
        self._api = api
        self._name = name
        self._told = told
        self._random = random.Random(name)
        self._kinds: tuple[Callable[[Data], Data], ...] = (
            _market,
            _market,
            _far_limit,
            _near_limit,
            _near_limit,
            _taking_limit,
            _impossible_fok,
            _misplaced_post_only,
            _imprecise,
        )

    async def trade(self, until: asyncio.Event) -> None:
        number = 0
        while not until.is_set():
            number += 1
            await self._place(f"{self._name}-{number}")

    async def _place(self, client_order_id: str) -> None:
        symbol = self._random.choice(("BTC/USDT", "ETH/USDT"))
        side = self._random.choice(("BUY", "SELL"))
        terms = {"symbol": symbol, "side": side, "ticker": await self._api.ticker(symbol)}
        wanted = self._random.choice(self._kinds)(terms)
        answer = await self._api.place(
            clientOrderId=client_order_id, symbol=symbol, side=side, **wanted
        )
        if answer.order is None:
            self._told.denied[client_order_id] = str(answer.refusal)
            return
        self._told.orders[client_order_id].append(answer.order)
        if answer.order["status"] == "OPEN" and self._random.random() < 0.5:
            await self._cancel(answer.order)

    async def _cancel(self, order: Data) -> None:
        result = await self._api.cancel(order["id"])
        told = result.get("order") or result["existingOrder"]
        self._told.orders[order["clientOrderId"]].append(told)


def _market(_: Data) -> Data:
    return {"type": "MARKET", "amount": "0.01"}


def _far_limit(terms: Data) -> Data:
    """Waits for ever."""
    factor = Decimal("0.9") if terms["side"] == "BUY" else Decimal("1.1")
    price = (Decimal(terms["ticker"]["bid"]) * factor).quantize(Decimal("0.01"))
    return {"type": "LIMIT", "amount": "0.01", "price": str(price), "timeInForce": "POST_ONLY"}


def _near_limit(terms: Data) -> Data:
    """Waits for a moment: the exchange fills it by itself."""
    bid, ask = (Decimal(terms["ticker"][name]) for name in ("bid", "ask"))
    price = bid - Decimal("0.05") if terms["side"] == "BUY" else ask + Decimal("0.05")
    return {"type": "LIMIT", "amount": "0.01", "price": str(price)}


def _taking_limit(terms: Data) -> Data:
    return {**_near_limit(_turned(terms)), "price": _through(terms), "timeInForce": "IOC"}


def _impossible_fok(terms: Data) -> Data:
    return {**_near_limit(terms), "timeInForce": "FOK"}


def _misplaced_post_only(terms: Data) -> Data:
    """Refused by the exchange."""
    return {**_near_limit(terms), "price": _through(terms), "timeInForce": "POST_ONLY"}


def _imprecise(_: Data) -> Data:
    """Denied before anything is written."""
    return {"type": "MARKET", "amount": "0.0000001"}


def _turned(terms: Data) -> Data:
    return {**terms, "side": "SELL" if terms["side"] == "BUY" else "BUY"}


def _through(terms: Data) -> str:
    """A price at which it takes."""
    factor = Decimal("1.01") if terms["side"] == "BUY" else Decimal("0.99")
    return str((Decimal(terms["ticker"]["ask"]) * factor).quantize(Decimal("0.01")))


@pytest.mark.parametrize(("database_url", "kills"), KILLS.items(), indirect=["database_url"])
async def test_no_kill_loses_doubles_or_forgets_anything(
    make_server: MakeServer, database_url: str, kills: int
) -> None:
    server = make_server(database_url, **QUICK)
    told = Acknowledged()
    await server.start()
    async with api_client(server) as api, following(server, await _as_of(api)) as subscriber:
        await _trade_and_kill(api, server, told, kills)
        await until_in_step(database_url)
        # Some fill by themselves before their turn comes.
        failed = (await api.cancel_all())["failed"]
        assert {refusal["code"] for refusal in failed} <= {"ALREADY_CLOSED"}
        await until_in_step(database_url)
        await subscriber.until_at(await _as_of(api))
        await server.stop()
    books = await read_books(database_url)
    assert len(told.orders) > kills
    assert subscriber.connections > kills // 2
    assert_nothing_is_lost(books, told, subscriber)


async def _trade_and_kill(
    api: ApiClient, server: ServerProcess, told: Acknowledged, kills: int
) -> None:
    enough = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        for number in range(CLIENTS):
            tasks.create_task(Trader(api, f"client-{number}", told).trade(enough))
        await kill_at_random(
            server, kills, random.Random(SEED), longest_life_seconds=LONGEST_LIFE_SECONDS
        )
        enough.set()


def assert_nothing_is_lost(books: Books, told: Acknowledged, subscriber: Subscriber) -> None:
    assert differences(books) == []
    assert_no_order_twice(books)
    assert_log_is_whole(books)
    assert_money_is_conserved(books, MONEY)
    assert subscriber.cursors == books.cursors
    assert_as_acknowledged(books, told)


async def until_in_step(database_url: str) -> None:
    """Wait until the exchange and we say the same, as we must soon after the last kill."""

    async def look() -> Data:
        return {"differences": differences(await read_books(database_url))}

    await eventually(look, lambda seen: not seen["differences"], seconds=SETTLING_SECONDS)


async def _as_of(api: ApiClient) -> str:
    as_of: str = (await api.open_orders())["asOf"]
    return as_of


ORDER: Mapping[str, Any] = {
    "clientOrderId": "mine",
    "symbol": "BTC/USDT",
    "side": "BUY",
    "type": "MARKET",
    "amount": "0.01",
}
NOT_SENT = ["SUBMITTED", "IN_DOUBT", "REJECTED"]
FOUND = ["SUBMITTED", "IN_DOUBT", "RESOLVED", "FILL"]
# The result is the first statement that changes the order, or the commit of it.
_RESULT = {"statement": "UPDATE orders", "number": 1}


@on_each_database
@pytest.mark.parametrize(
    ("faults", "life"),
    [
        pytest.param({"crash_at": ["on_arrival"]}, NOT_SENT, id="between intent and send"),
        pytest.param({"crash_at": ["before_booking"]}, NOT_SENT, id="between send and booking"),
        pytest.param({"crash_at": ["after_booking"]}, FOUND, id="between booking and answer"),
        pytest.param(
            {"crash_around": {**_RESULT, "at_commit": False}}, FOUND, id="between answer and result"
        ),
        pytest.param(
            {"crash_around": {**_RESULT, "at_commit": True}}, FOUND, id="between result and commit"
        ),
    ],
)
async def test_a_kill_at_the_worst_moment_leaves_one_order_with_one_end(
    make_server: MakeServer, database_url: str, faults: Data, life: list[str]
) -> None:
    server = make_server(database_url, **{**QUICK, "not_found_seconds": 0.5})
    server.faults = faults
    await server.start()
    async with api_client(server) as api, following(server, await _as_of(api)) as subscriber:
        placing = asyncio.create_task(api.place(**ORDER))
        await server.died()
        server.faults = {}
        await server.start()
        # The client whose answer was lost has asked again by itself.
        again = await placing
        order = await api.until_settled(again.id)
        assert [update["kind"] for update in order["history"]["nodes"]] == life
        assert again.is_replayed or (life is NOT_SENT and again.refusal == "NOT_FOUND")
        last = await api.place(**ORDER)
        assert last.id == again.id
        assert last.is_replayed is (None if life is NOT_SENT else True)
        assert last.refusal == ("NOT_FOUND" if life is NOT_SENT else None)
        await subscriber.until_at(await _as_of(api))
        await server.stop()
    await _assert_one_order(database_url, subscriber)


@on_each_database
async def test_a_fill_whose_news_died_with_the_server_is_found_after_the_restart(
    make_server: MakeServer, database_url: str
) -> None:
    server = make_server(database_url, **QUICK)
    server.faults = {"crash_at": ["after_matching"]}
    await server.start()
    async with api_client(server) as api, following(server, await _as_of(api)) as subscriber:
        # Wherever the price stands, it stands beyond one of them, and neither is ever filled whole.
        placing = [
            asyncio.create_task(api.place(**{**ORDER, **wanted}))
            for wanted in _both_near(await api.ticker("BTC/USDT"))
        ]
        await server.died()
        server.faults = {}
        untold = only_at_the_exchange(await read_books(database_url))
        await server.start()
        await asyncio.gather(*placing)
        await until_in_step(database_url)
        await api.cancel_all()
        await until_in_step(database_url)
        await subscriber.until_at(await _as_of(api))
        await server.stop()
    assert untold
    await _assert_whole(database_url, subscriber)


@on_each_database
@pytest.mark.parametrize(
    "crash",
    [
        pytest.param(
            {"statement": "UPDATE paper_orders", "number": 1, "at_commit": False},
            id="between wish and exchange",
        ),
        # The acceptance changes the order first, the wish then, and at last what came of it.
        pytest.param(
            {"statement": "UPDATE orders", "number": 3, "at_commit": True},
            id="between exchange and commit",
        ),
    ],
)
async def test_a_cancel_that_died_with_the_server_is_carried_out_unasked(
    make_server: MakeServer, database_url: str, crash: Data
) -> None:
    server = make_server(database_url, **QUICK)
    server.faults = {"crash_around": crash}
    await server.start()
    async with api_client(server) as api, following(server, await _as_of(api)) as subscriber:
        far = _far_limit({"side": "BUY", "ticker": await api.ticker("BTC/USDT")})
        placed = await api.place(**{**ORDER, **far})
        canceling = asyncio.create_task(api.cancel(placed.id))
        await server.died()
        canceling.cancel()
        server.faults = {}
        await server.start()
        await subscriber.until(lambda: len(subscriber.updates) == 4)
        await server.stop()
    kinds = [update["kind"] for update in subscriber.updates]
    assert kinds == ["SUBMITTED", "ACCEPTED", "CANCEL_REQUESTED", "CANCELED"]
    await _assert_one_order(database_url, subscriber)


def _both_near(ticker: Data) -> list[Data]:
    """Of each side one so large that it takes minutes to fill."""
    near = {side: _near_limit({"side": side, "ticker": ticker}) for side in ("BUY", "SELL")}
    return [
        {**wanted, "side": side, "clientOrderId": side, "amount": "100"}
        for side, wanted in near.items()
    ]


async def _assert_one_order(database_url: str, subscriber: Subscriber) -> None:
    assert len((await _assert_whole(database_url, subscriber)).orders) == 1


async def _assert_whole(database_url: str, subscriber: Subscriber) -> Books:
    books = await read_books(database_url)
    assert differences(books) == []
    assert_no_order_twice(books)
    assert_log_is_whole(books)
    assert_money_is_conserved(books, MONEY)
    assert subscriber.cursors == books.cursors
    return books
