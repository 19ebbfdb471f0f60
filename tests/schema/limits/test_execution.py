"""Long answers are worked out in slices; how many is counted, not how long they take."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest
import strawberry

from app.primitives.fair_scheduler import AsLongAsTheRound, FairScheduler
from app.services import Services
from schema.context import Context
from schema.limits.execution import SHORT, SLICE, SlicedExecutor


class CountedWork(FairScheduler):
    """Counts the turns that are taken."""

    def __init__(self) -> None:
        super().__init__(per_round=1, rest=AsLongAsTheRound())
        self.turns = 0

    async def turn(self) -> None:
        self.turns += 1
        await super().turn()


@strawberry.type
class Item:
    number: int

    @strawberry.field
    async def looked_up(self) -> int:
        await asyncio.sleep(0)
        return self.number

    @strawberry.field
    def broken(self) -> int:
        if self.number % 10 == 7:
            raise ValueError(f"no {self.number}")
        return self.number

    @strawberry.field
    def items(self, count: int) -> list["Item"]:
        return [Item(number=number) for number in range(count)]

    @strawberry.field
    def maybe(self, count: int) -> list["Item | None"]:
        return [Item(number=number) for number in range(count)]

    @strawberry.field
    def numbers(self, count: int) -> list[int]:
        return list(range(count))


@strawberry.type
class Query:
    @strawberry.field
    async def root(self) -> Item:
        return Item(number=0)


SCHEMA = strawberry.Schema(Query, execution_context_class=SlicedExecutor)


@pytest.fixture
def work() -> CountedWork:
    return CountedWork()


async def ask(work: FairScheduler, document: str) -> Any:
    services = cast("Services", SimpleNamespace(long_work=work))
    async with asyncio.timeout(10):
        return await SCHEMA.execute(document, context_value=Context(services=services))


async def test_a_long_list_is_answered_whole_and_in_order(work: CountedWork) -> None:
    told = await ask(work, "{ root { items(count: 2000) { number lookedUp } } }")
    assert told.errors is None
    expected = [{"number": number, "lookedUp": number} for number in range(2000)]
    assert told.data["root"]["items"] == expected
    assert work.turns == 2000 * 2 // SLICE


async def test_a_short_list_takes_no_turn(work: CountedWork) -> None:
    await ask(work, f"{{ root {{ items(count: {SHORT}) {{ number }} }} }}")
    await ask(work, f"{{ root {{ items(count: {SLICE - 10}) {{ number }} }} }}")
    await ask(work, "{ root { numbers(count: 5000) } }")
    assert work.turns == 0


async def test_lists_in_lists_are_sliced_too(work: CountedWork) -> None:
    inner = "items(count: 50) { number }"
    told = await ask(work, f"{{ root {{ items(count: 50) {{ {inner} }} }} }}")
    found = told.data["root"]["items"]
    assert [[one["number"] for one in each["items"]] for each in found] == [list(range(50))] * 50
    assert work.turns >= 2500 // SLICE


async def test_others_have_their_turns_between(work: CountedWork) -> None:
    rounds, asked = 0, asyncio.create_task(ask(work, "{ root { items(count: 5000) { number } } }"))
    while not asked.done():
        await asyncio.sleep(0)
        rounds += 1
    assert rounds > 5000 // SLICE


async def test_an_error_in_a_long_list_has_its_place(work: CountedWork) -> None:
    told = await ask(work, "{ root { maybe(count: 30) { broken } } }")
    assert [error.path for error in told.errors] == [
        ["root", "maybe", number, "broken"] for number in (7, 17, 27)
    ]
    found = told.data["root"]["maybe"]
    assert [number for number, one in enumerate(found) if one is None] == [7, 17, 27]


async def test_an_error_where_nothing_may_be_null_ends_the_list(work: CountedWork) -> None:
    told = await ask(work, "{ root { items(count: 30) { lookedUp broken } } }")
    assert told.data is None
    assert told.errors[0].path == ["root", "items", 7, "broken"]


async def test_who_gives_up_in_the_middle_leaves_nothing_behind(work: CountedWork) -> None:
    document = "{ root { items(count: 5000) { number lookedUp } } }"
    asked = asyncio.create_task(ask(work, document))
    while work.turns < 3:  # noqa: ASYNC110 - nothing tells of a turn
        await asyncio.sleep(0)
    asked.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asked
    await asyncio.sleep(0)
    told = await ask(work, "{ root { items(count: 1000) { number } } }")
    assert len(told.data["root"]["items"]) == 1000
