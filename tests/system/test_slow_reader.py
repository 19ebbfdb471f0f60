"""Subscribers that read slowly cost nobody anything: not the others, and not the memory."""

import asyncio
import os
from contextlib import AsyncExitStack
from itertools import count

import pytest

from tests.support.processes.books import read_books
from tests.support.processes.clients import ApiClient, Data, Pace, Subscriber, api_client, following
from tests.system.conftest import MakeServer

pytestmark = pytest.mark.slow

IS_SOAK = bool(os.environ.get("ORDERDECK_TEST_SOAK"))
# The long form is 5,000 orders. The short one has fewer of them and more changes of one, which come
# quicker; they are large, and the readers several, so that holding anything back would show.
ORDERS = 5_000 if IS_SOAK else 100
CHANGES = 0 if IS_SOAK else 1_000
SLOW_READERS = 2
LETTERS = "x" * 7_500
MEGABYTE = 1024 * 1024
MOST_GROWTH_BYTES = 20 * MEGABYTE
# While they read next to nothing, hardly anything may be kept for them.
MOST_KEPT_BYTES = (20 if IS_SOAK else 10) * MEGABYTE
# More than what the server keeps at hand, so that all of that is there before it is measured.
WARMING_CHANGES = 1_100
BATCH = 100
# As many as one document may ask for.
NOTES = 50
BUFFER_BYTES = 4_096
LATE_SECONDS = 2.0
# Whoever takes nothing at all for 20 s is dropped.
SECONDS_EACH = 1 if IS_SOAK else 4
BALANCE = {"accounts__paper__paper__balances__USDT": 1_000_000_000}


class Storm:
    """Makes events by the hundred, and sees that a prompt reader hears of them at once."""

    def __init__(self, api: ApiClient, prompt: Subscriber) -> None:
        self._api = api
        self._prompt = prompt
        self._numbers = count(1)

    async def place(self, orders: int) -> str:
        """Give back the id of the last order."""
        last = ""
        for _ in range(orders // BATCH):
            answers = await self._api.place_many([self._order() for _ in range(BATCH)])
            assert {answer.is_replayed for answer in answers} == {False}
            last = answers[-1].id
            await self._heard()
        return last

    async def change(self, order_id: str, changes: int) -> None:
        for _ in range(changes // NOTES):
            answers = await self._api.set_metadata(order_id, [self._note() for _ in range(NOTES)])
            assert {answer["__typename"] for answer in answers} == {"OrderSuccess"}
            await self._heard()

    async def _heard(self) -> None:
        as_of = (await self._api.open_orders())["asOf"]
        async with asyncio.timeout(LATE_SECONDS):
            await self._prompt.until_at(as_of)

    def _note(self) -> Data:
        return {"number": next(self._numbers), "note": LETTERS}

    def _order(self) -> Data:
        return {
            "symbol": "BTC/USDT",
            "side": "BUY",
            "type": "MARKET",
            "amount": "0.001",
            "metadata": self._note(),
        }


async def test_slow_readers_get_all_in_order_and_cost_nobody_anything(
    make_server: MakeServer, sqlite_url: str
) -> None:
    server = make_server(sqlite_url, **BALANCE)
    await server.start()
    pace = Pace(buffer_bytes=BUFFER_BYTES)
    async with AsyncExitStack() as opened:
        api = await opened.enter_async_context(api_client(server))
        as_of = (await api.open_orders())["asOf"]
        prompt = await opened.enter_async_context(following(server, as_of))
        slow = [
            await opened.enter_async_context(following(server, as_of, pace))
            for _ in range(SLOW_READERS)
        ]
        storm = Storm(api, prompt)
        order_id = await storm.place(BATCH)
        await storm.change(order_id, WARMING_CHANGES)
        await _caught_up(slow, prompt)
        before = server.rss_bytes()
        _slow_down(pace)
        await storm.place(ORDERS)
        await storm.change(order_id, CHANGES)
        for reader in slow:
            assert len(reader.updates) < len(prompt.updates) - ORDERS - CHANGES
        waiting = server.rss_bytes() - before
        _speed_up(pace)
        await _caught_up(slow, prompt)
        caught_up = server.rss_bytes() - before
    await server.stop()
    assert prompt.cursors == (await read_books(sqlite_url)).cursors
    for reader in slow:
        assert reader.updates == prompt.updates
        assert reader.connections == 1
    assert waiting < MOST_KEPT_BYTES
    assert caught_up < MOST_GROWTH_BYTES


async def _caught_up(slow: list[Subscriber], prompt: Subscriber) -> None:
    await asyncio.gather(*(reader.until_at(prompt.cursors[-1]) for reader in slow))


def _slow_down(pace: Pace) -> None:
    pace.seconds_each = SECONDS_EACH


def _speed_up(pace: Pace) -> None:
    pace.seconds_each = 0
