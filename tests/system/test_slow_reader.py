"""A subscriber that reads slowly costs nobody anything: not the others, and not the memory."""

import asyncio
import os
from itertools import count

from tests.system.books import read_books
from tests.system.clients import ApiClient, Data, Pace, Subscriber, api_client, following
from tests.system.conftest import MakeServer

IS_SOAK = bool(os.environ.get("ORDERDECK_TEST_SOAK"))
# The long form is 5,000 orders. The short one has fewer of them and more changes of one, which are
# as large and come quicker; it grants the memory in proportion.
ORDERS = 5_000 if IS_SOAK else 100
CHANGES = 0 if IS_SOAK else 1_400
MOST_GROWTH_BYTES = (20 if IS_SOAK else 8) * 1024 * 1024
# More than what the server keeps at hand, so that all of that is there before memory is measured.
WARMING_CHANGES = 1_100
BATCH = 100
BUFFER_BYTES = 4_096
LATE_SECONDS = 2.0
# Events as large as can be, so that holding them back would show: six bytes a letter in a message.
LETTERS = "é" * 4_000
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
        for _ in range(changes // BATCH):
            answers = await self._api.set_metadata(order_id, [self._note() for _ in range(BATCH)])
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


async def test_a_slow_reader_gets_all_in_order_and_costs_nobody_anything(
    make_server: MakeServer, sqlite_url: str
) -> None:
    server = make_server(sqlite_url, **BALANCE)
    await server.start()
    async with api_client(server) as api:
        as_of = (await api.open_orders())["asOf"]
        pace = Pace(buffer_bytes=BUFFER_BYTES)
        async with following(server, as_of) as prompt, following(server, as_of, pace) as slow:
            storm = Storm(api, prompt)
            order_id = await storm.place(BATCH)
            # Once all that is measured below: being late, and catching up from the log.
            pace.may_read.clear()
            await storm.change(order_id, WARMING_CHANGES)
            pace.may_read.set()
            await slow.until_at(prompt.cursors[-1])
            before = server.rss_bytes()
            _slow_down(pace)
            await storm.place(ORDERS)
            await storm.change(order_id, CHANGES)
            assert len(slow.updates) < len(prompt.updates) - ORDERS - CHANGES
            waiting = server.rss_bytes() - before
            _speed_up(pace)
            await slow.until_at(prompt.cursors[-1])
            caught_up = server.rss_bytes() - before
    await server.stop()
    assert slow.cursors == prompt.cursors == (await read_books(sqlite_url)).cursors
    assert slow.updates == prompt.updates
    assert slow.connections == 1
    assert max(waiting, caught_up) < MOST_GROWTH_BYTES


def _slow_down(pace: Pace) -> None:
    if IS_SOAK:
        pace.seconds_each = 1
    else:
        pace.may_read.clear()


def _speed_up(pace: Pace) -> None:
    pace.seconds_each = 0
    pace.may_read.set()
