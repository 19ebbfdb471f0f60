"""A line with places that are given out in turn."""

import asyncio
from collections import Counter
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.primitives.fair_line import FairLine, LineFull


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


def begin(line: FairLine, *parties: str) -> "list[asyncio.Task[None]]":
    return [asyncio.create_task(line.enter(party)) for party in parties]


def entered(tasks: "Sequence[asyncio.Task[None]]") -> list[bool]:
    return [task.done() for task in tasks]


async def test_a_place_that_is_free_is_taken_at_once() -> None:
    line = FairLine(places=2, most_each=2)
    async with asyncio.timeout(1):
        await line.enter("a")
        await line.enter("a")
    assert line.waiting == 0


async def test_a_crowd_delays_only_itself() -> None:
    line = FairLine(places=1, most_each=1)
    await line.enter("crowd")
    crowd = begin(line, *["crowd"] * 50)
    await settled()
    [other] = begin(line, "other")
    await settled()
    line.leave("crowd")
    await settled()
    assert sum(entered(crowd)) == 1
    line.leave("crowd")
    await settled()
    assert other.done()
    assert sum(entered(crowd)) == 1
    for task in crowd:
        task.cancel()


async def test_one_party_leaves_places_to_others_that_are_not_there_yet() -> None:
    line = FairLine(places=3, most_each=2)
    crowd = begin(line, *["crowd"] * 5)
    await settled()
    assert entered(crowd) == [True, True, False, False, False]
    async with asyncio.timeout(1):
        await line.enter("other")
    for task in crowd:
        task.cancel()


async def test_parties_take_turns() -> None:
    line = FairLine(places=1, most_each=1)
    await line.enter("first")
    order: list[str] = []

    async def pass_through(party: str) -> None:
        await line.enter(party)
        order.append(party)
        line.leave(party)

    async with asyncio.TaskGroup() as tasks:
        for party in ("a", "a", "a", "b", "b", "c"):
            tasks.create_task(pass_through(party))
        await settled()
        line.leave("first")
    assert order == ["a", "b", "c", "a", "b", "a"]


async def test_who_would_wait_behind_too_many_is_told_at_once() -> None:
    line = FairLine(places=1, most_each=1)
    await line.enter("a")
    waiting = begin(line, "a", "a")
    await settled()
    with pytest.raises(LineFull):
        await line.enter("a", most_waiting=2)
    [other] = begin(line, "b")
    await settled()
    assert line.waiting == 3
    for task in (*waiting, other):
        task.cancel()


async def test_who_gives_up_while_waiting_takes_no_place() -> None:
    line = FairLine(places=1, most_each=1)
    await line.enter("a")
    gives_up, stays = begin(line, "b", "b")
    await settled()
    gives_up.cancel()
    await settled()
    assert line.waiting == 1
    line.leave("a")
    await settled()
    assert stays.done()


async def test_who_gives_up_as_its_turn_comes_gives_the_place_back() -> None:
    line = FairLine(places=1, most_each=1)
    await line.enter("a")
    gives_up, stays = begin(line, "b", "c")
    await settled()
    line.leave("a")
    gives_up.cancel()
    await settled()
    assert stays.done()
    assert gives_up.cancelled()


STEPS = st.lists(
    st.tuples(st.sampled_from(["enter", "leave", "cancel"]), st.sampled_from("abc")), max_size=60
)


@given(STEPS)
async def test_never_more_inside_than_places_and_no_place_is_lost(
    steps: Sequence[tuple[str, str]],
) -> None:
    line = FairLine(places=3, most_each=2)
    tasks: list[tuple[str, asyncio.Task[None]]] = []
    inside: Counter[str] = Counter()
    for what, party in steps:
        if what == "enter":
            tasks.append((party, begin(line, party)[0]))
        elif what == "leave" and inside[party]:
            inside[party] -= 1
            line.leave(party)
        elif what == "cancel":
            for mine, task in tasks:
                if mine == party:
                    task.cancel()
                    break
        await settled()
        done = [(mine, task) for mine, task in tasks if task.done()]
        tasks = [pair for pair in tasks if pair not in done]
        inside.update(mine for mine, task in done if not task.cancelled())
        assert sum(inside.values()) <= 3
        assert max(inside.values(), default=0) <= 2
        waiting = {mine for mine, _ in tasks}
        if sum(inside.values()) < 3:
            assert all(inside[mine] == 2 for mine in waiting)
    for _, task in tasks:
        task.cancel()
