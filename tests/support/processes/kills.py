"""Kills a server at random, and checks that what it acknowledged to clients still holds."""

import asyncio
import random
from collections import defaultdict
from dataclasses import dataclass, field

from tests.support.processes.books import Books
from tests.support.processes.clients import Data
from tests.support.processes.servers import ServerProcess

LONGEST_START_SECONDS = 0.4
_FINAL = {"FILLED", "CANCELED", "EXPIRED", "REJECTED"}


@dataclass(kw_only=True, slots=True)
class Acknowledged:
    """The answers that clients received, by client order id: orders, or refusal codes."""

    orders: defaultdict[str, list[Data]] = field(default_factory=lambda: defaultdict(list))
    denied: dict[str, str] = field(default_factory=dict)


async def kill_at_random(
    server: ServerProcess, kills: int, chance: random.Random, *, longest_life_seconds: float
) -> None:
    """Kill and restart the server this often; after one kill in five, also kill it at its start."""
    for _ in range(kills):
        await asyncio.sleep(chance.uniform(0, longest_life_seconds))
        await server.kill()
        if chance.random() < 0.2:
            await server.launch()
            await asyncio.sleep(chance.uniform(0, LONGEST_START_SECONDS))
            await server.kill()
        await server.start()


def assert_as_acknowledged(books: Books, acknowledged: Acknowledged) -> None:
    """Assert that acknowledged ids and final states still hold, and that no denied order exists."""
    known = books.ids_by_client_id
    rows = {row["client_order_id"]: row for row in books.orders}
    for client_order_id, answers in acknowledged.orders.items():
        assert {answer["id"] for answer in answers} == {known.get(client_order_id)}
        final = [answer["status"] for answer in answers if answer["status"] in _FINAL]
        assert set(final) <= {rows[client_order_id]["status"]}
    assert acknowledged.denied & known.keys() == set()
