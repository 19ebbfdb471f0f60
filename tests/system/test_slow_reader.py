"""A subscriber that reads slowly costs nobody anything: not the others, and not the memory."""

import asyncio
import os
from itertools import count

from tests.system.books import read_books
from tests.system.clients import ApiClient, Data, Pace, Subscriber, api_client, following
from tests.system.conftest import MakeServer

IS_SOAK = bool(os.environ.get("ORDERDECK_TEST_SOAK"))
ORDERS = 5_000 if IS_SOAK else 1_500
# Enough to fill what the server keeps at hand, before its memory is measured.
WARMING_ORDERS = 400
BATCH = 100
BUFFER_BYTES = 4_096
LATE_SECONDS = 2.0
MOST_GROWTH_BYTES = 20 * 1024 * 1024
# Large events, so that holding them back in memory would show: all together they are far more.
METADATA = {"note": "x" * 6_000}
BALANCE = {"accounts__paper__paper__balances__USDT": 1_000_000_000}


class Placer:
    """Places orders by the hundred."""

    def __init__(self, api: ApiClient) -> None:
        self._api = api
        self._numbers = count(1)

    async def place(self, orders: int, prompt: Subscriber) -> None:
        """Each batch must have reached the prompt reader soon after it was answered."""
        for _ in range(orders // BATCH):
            answers = await self._api.place_many([self._wanted() for _ in range(BATCH)])
            assert {answer.is_replayed for answer in answers} == {False}
            as_of = (await self._api.open_orders())["asOf"]
            async with asyncio.timeout(LATE_SECONDS):
                await prompt.until_at(as_of)

    def _wanted(self) -> Data:
        return {
            "clientOrderId": f"mine-{next(self._numbers)}",
            "symbol": "BTC/USDT",
            "side": "BUY",
            "type": "MARKET",
            "amount": "0.001",
            "metadata": METADATA,
        }


async def test_a_slow_reader_gets_all_in_order_and_costs_nobody_anything(
    make_server: MakeServer, sqlite_url: str
) -> None:
    server = make_server(sqlite_url, **BALANCE)
    await server.start()
    pace = Pace(buffer_bytes=BUFFER_BYTES, seconds_each=1 if IS_SOAK else 0)
    async with api_client(server) as api:
        as_of = (await api.open_orders())["asOf"]
        placer = Placer(api)
        async with (
            following(server, as_of) as prompt,
            following(server, as_of, pace) as slow,
        ):
            await placer.place(WARMING_ORDERS, prompt)
            if not IS_SOAK:
                await slow.until_at(prompt.cursors[-1])
                pace.may_read.clear()
            before = server.rss_bytes()
            await placer.place(ORDERS, prompt)
            assert len(slow.updates) < len(prompt.updates) // 2
            grown_while_waiting = server.rss_bytes() - before
            pace.seconds_each = 0
            pace.may_read.set()
            await slow.until_at(prompt.cursors[-1])
            grown = server.rss_bytes() - before
    await server.stop()
    assert slow.cursors == prompt.cursors == (await read_books(sqlite_url)).cursors
    assert slow.updates == prompt.updates
    assert slow.connections == 1
    assert max(grown, grown_while_waiting) < MOST_GROWTH_BYTES
