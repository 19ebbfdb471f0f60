"""Measures how long another client waits while hostile documents are sent.

Run with `python -m benchmarks.documents`; it takes a few minutes, as each is sent several times.
"""

import argparse
import asyncio
import statistics
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from benchmarks import machine
from benchmarks.hostile import ORDERS, Hostile, every_document, orders_to_place
from benchmarks.servers import PRODUCT, Server, running

GOAL_SECONDS = 0.2
ROUNDS = 3
CROWD = 16
QUIET_SECONDS = 3.0
PAUSE_SECONDS = 0.2
PATIENCE_SECONDS = 120.0
ASKED = {"query": "{ viewer { name } orders(first: 1) { totalCount } }"}
PLACE_MANY = (
    "mutation ($inputs: [PlaceOrderInput!]!) { placeOrders(inputs: $inputs) { __typename } }"
)


@dataclass(kw_only=True)
class Bystander:
    """A client that sends a small query again and again, and records how long each answer takes."""

    client: httpx.AsyncClient
    taken: list[float] = field(default_factory=list)
    is_done: bool = False

    async def run(self) -> None:
        while not self.is_done:
            await self.ask()

    async def ask(self) -> None:
        begun = time.perf_counter()
        answer = await self.client.post("/graphql", json=ASKED)
        self.taken.append(time.perf_counter() - begun)
        if answer.status_code != 200 or "errors" in answer.json():
            raise RuntimeError(f"the bystander was refused: {answer.text[:300]}")

    @property
    def worst(self) -> float:
        return max(self.taken)


@dataclass(frozen=True, kw_only=True, slots=True)
class Row:
    """One document: its answer and how long it took, and how long the bystander waited."""

    name: str
    size: int
    answer: str
    seconds: float
    waited: float


def client(server: Server, *, at_once: int) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        base_url=f"http://127.0.0.1:{server.port}",
        headers={"Authorization": f"Bearer {server.token}", "Content-Type": "application/json"},
        limits=httpx.Limits(max_connections=at_once, max_keepalive_connections=at_once),
        timeout=PATIENCE_SECONDS,
        trust_env=False,
    )


async def place_orders(attacker: httpx.AsyncClient) -> None:
    """Place orders for the queries to find."""
    for inputs in orders_to_place():
        body = {"query": PLACE_MANY, "variables": {"inputs": inputs}}
        answer = (await attacker.post("/graphql", json=body)).json()
        placed = [result["__typename"] for result in answer["data"]["placeOrders"]]
        if set(placed) != {"PlaceOrderSuccess"}:
            raise RuntimeError(f"not placed: {Counter(placed)}")


async def quiet(bystander: httpx.AsyncClient) -> Bystander:
    """Measure the bystander's waits without any other load."""
    alone = Bystander(client=bystander)
    deadline = time.perf_counter() + QUIET_SECONDS
    while time.perf_counter() < deadline:
        await alone.ask()
    return alone


async def attack(
    hostile: Hostile, attacker: httpx.AsyncClient, bystander: httpx.AsyncClient, *, rounds: int
) -> Row:
    """Send a document for some rounds, or many at once, each time with a text of its own."""
    beside = Bystander(client=bystander)
    await beside.ask()
    answers, taken = Counter[str](), list[float]()

    async def send(number: int) -> None:
        begun = time.perf_counter()
        answer = await attacker.post("/graphql", content=hostile.body(number))
        taken.append(time.perf_counter() - begun)
        answers[_summary(answer)] += 1

    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(beside.run())
        for first in range(0, rounds * hostile.at_once, hostile.at_once):
            await asyncio.gather(*(send(first + number) for number in range(hostile.at_once)))
            # The bystander also meets what a document leaves behind, before the next one is sent.
            await asyncio.sleep(PAUSE_SECONDS)
        beside.is_done = True
    return Row(
        name=hostile.name,
        size=len(hostile.body(0)),
        answer=answers.most_common(1)[0][0],
        seconds=statistics.median(taken),
        waited=beside.worst,
    )


def _summary(answer: httpx.Response) -> str:
    try:
        errors = answer.json().get("errors")
    except ValueError:
        return str(answer.status_code)
    if not errors:
        return f"{answer.status_code} {len(answer.content) / 1000:.0f} kB"
    extensions: Mapping[str, Any] = errors[0].get("extensions", {})
    limit = f": {extensions['limit']}" if "limit" in extensions else ""
    return f"{answer.status_code} {extensions.get('code')}{limit}"


def _line(row: Row, alone: Bystander) -> str:
    mark = " <- too long" if row.waited > GOAL_SECONDS else ""
    return (
        f"  {row.name:<52}{row.size:>8}{row.seconds * 1000:>10.0f} ms"
        f"{row.waited * 1000:>9.0f} ms{row.waited / alone.worst:>7.1f}x  {row.answer}{mark}"
    )


async def _measure(server: Server, wanted: str, rounds: int) -> bool:
    hostile = [document for document in every_document(CROWD) if wanted in document.name]
    rows = list[Row]()
    async with client(server, at_once=CROWD) as attacker, client(server, at_once=1) as bystander:
        await place_orders(attacker)
        alone = await quiet(bystander)
        usual, worst = statistics.median(alone.taken), alone.worst
        print(f"alone, the bystander waits {usual * 1000:.1f} ms, at worst {worst * 1000:.1f} ms\n")
        print(
            f"  {'document':<52}{'bytes':>8}{'answered':>13}{'bystander':>12}{'ratio':>8}  answer"
        )
        for document in hostile:
            rows.append(await attack(document, attacker, bystander, rounds=rounds))
            print(_line(rows[-1], alone), flush=True)
    late = [row for row in rows if row.waited > GOAL_SECONDS]
    print(f"\n{len(rows) - len(late)} of {len(rows)} held nobody up for {GOAL_SECONDS} s")
    return not late


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("wanted", nargs="?", default="", help="only those with this in the name")
    parser.add_argument("--rounds", type=int, default=ROUNDS)
    arguments = parser.parse_args()
    print(f"{machine.describe()}\n{ORDERS} orders, each document sent {arguments.rounds} times")
    with running(PRODUCT) as server:
        machine.pin(0, machine.cores()[1])
        is_good = asyncio.run(_measure(server, arguments.wanted, arguments.rounds))
    raise SystemExit(0 if is_good else 1)


if __name__ == "__main__":
    main()
