import asyncio
import os
import select
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from app.domain.signals import Signal
from app.errors import Refusal, RefusalCode, StrategyFailed
from app.services.bot.strategies import StrategyRunner
from app.services.bot.strategy_workers import WorkerLimits
from app.strategies.interface import Advice
from tests.strategies.charts import MONDAY, NOTHING, SOME, chart
from tests.support.clock import ManualClock
from tests.support.services.own_strategies import MISFIT, PLAIN, REFUSED

MIB = 1 << 20
RISING = chart([1.0, 2.0, 3.0])
PATIENCE_SECONDS = 10
# Enough to receive 4 MiB many times over, if they are received.
GLANCE_SECONDS = 1

MISDEEDS = {
    "throw": "KeyError: 'no\\nsuch thingxxx",
    "leave": "SystemExit: bye",
    "vanish": "its process ended with status 3",
    "crash": "its process was ended by SIGSEGV",
    "nothing": "answered NoneType instead of an Advice",
    "too_large": "ValueError: part is above 0 and at most 1",
    "not_a_number": "ValueError: part is above 0 and at most 1",
    "unknown_signal": "ValueError: 'PANIC' is not a valid Signal",
    "wordless": "AttributeError: 'int' object has no attribute",
    "greedy": "AttributeError: 'Misfit' object has no attribute 'greedy'",
    "grow": "needed more than 512 MiB of memory",
    "huge": "needed more than 512 MiB of memory",
}


@asynccontextmanager
async def running(
    folder: Path | None, clock: ManualClock, limits: WorkerLimits | None = None
) -> AsyncIterator[StrategyRunner]:
    runner = StrategyRunner(folder, clock, limits)
    task = asyncio.create_task(runner.run())
    try:
        yield runner
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "plain.py").write_text(PLAIN)
    (tmp_path / "misfit.py").write_text(MISFIT)
    return tmp_path


@pytest.fixture
async def built_in(clock: ManualClock) -> AsyncIterator[StrategyRunner]:
    async with running(None, clock) as runner:
        yield runner


@pytest.fixture
async def runner(folder: Path, clock: ManualClock) -> AsyncIterator[StrategyRunner]:
    async with running(folder, clock, WorkerLimits(memory_bytes=512 * MIB)) as runner:
        yield runner


@pytest.fixture
def misfit(runner: StrategyRunner) -> Callable[[str], Awaitable[Advice]]:
    return lambda how: runner.decide("misfit", RISING, NOTHING, {"how": how})


async def failure(advice: Awaitable[Advice]) -> str:
    with pytest.raises(StrategyFailed) as caught:
        await advice
    return str(caught.value)


async def test_the_built_in_strategies_are_listed_with_their_parameters(
    built_in: StrategyRunner,
) -> None:
    infos = {info.name: info for info in await built_in.strategies()}
    assert list(infos) == [
        "dollar-cost-averaging", "donchian-breakout", "moving-average-cross", "rsi-reversion",
    ]  # fmt: skip
    fast = infos["moving-average-cross"].parameters["properties"]["fast"]
    assert (fast["default"], fast["minimum"], fast["maximum"]) == (20, 1, 249)


async def test_a_built_in_strategy_decides(built_in: StrategyRunner) -> None:
    advice = await built_in.decide("donchian-breakout", RISING, NOTHING, {"entry": 1, "exit": 1})
    assert advice.signal is Signal.HOLD
    assert await built_in.candles_needed("donchian-breakout", {"entry": 7, "exit": 1}) == 8


async def test_what_cannot_be_assigned_is_refused_with_its_field(built_in: StrategyRunner) -> None:
    unknown = await built_in.check_parameters("astrology", {})
    assert unknown == Refusal(
        code=RefusalCode.UNKNOWN_STRATEGY,
        message="astrology is no strategy: known are dollar-cost-averaging, donchian-breakout,"
        " moving-average-cross, rsi-reversion",
        field=("strategy",),
    )
    bad = await built_in.check_parameters("rsi-reversion", {"period": 1})
    assert bad == Refusal(
        code=RefusalCode.INVALID_INPUT,
        message="period must be a whole number at least 2 and at most 120",
        field=("parameters", "period"),
    )
    assert await built_in.check_parameters("rsi-reversion", {"period": 2}) is None


async def test_what_can_no_longer_be_assigned_says_so_when_it_is_to_decide(
    built_in: StrategyRunner,
) -> None:
    assert await built_in.candles_needed("astrology", {}) == 1
    assert await built_in.candles_needed("rsi-reversion", {"period": 1}) == 1
    words = await failure(built_in.decide("astrology", RISING, NOTHING, {}))
    assert words.startswith("astrology is no strategy")
    words = await failure(built_in.decide("rsi-reversion", RISING, NOTHING, {"period": 1}))
    assert words.startswith("period must be")


async def test_an_own_strategy_is_listed_checked_and_asked(runner: StrategyRunner) -> None:
    (info,) = [one for one in await runner.strategies() if one.name == "above"]
    assert info.description == "Buys above a level."
    assert info.parameters["required"] == ["level"]
    assert await runner.check_parameters("above", {"level": 2}) is None
    assert await runner.candles_needed("above", {"level": 2, "window": 9}) == 9
    bad = await runner.check_parameters("above", {"level": "2"})
    assert bad is not None
    assert (bad.field, bad.message) == (("parameters", "level"), "level must be a number")
    bought = await runner.decide("above", RISING, NOTHING, {"level": 2})
    told = f"3, 3 candles since {MONDAY}"
    assert bought == Advice(signal=Signal.BUY, reason=told, part=0.5)
    held = await runner.decide("above", RISING, SOME, {"level": 5})
    assert held.reason == "held 2 at 100.0"


async def test_broken_files_are_refused_with_their_error_and_the_others_are_there(
    tmp_path: Path, clock: ManualClock
) -> None:
    for name, (text, _) in REFUSED.items():
        (tmp_path / name).write_text(text)
    (tmp_path / "zzz.py").write_text(f"import _helper\n{PLAIN}")
    (tmp_path / "_helper.py").write_text("raise_nothing = True")
    with capture_logs() as logs:
        async with running(tmp_path, clock) as runner:
            catalog = await runner.catalog()
            refused = await runner.check_parameters("astrology", {})
    assert set(catalog.files) == {"above"}
    assert {file.name for file in catalog.broken} == set(REFUSED)
    for file, words in catalog.broken.items():
        assert words.startswith(REFUSED[file.name][1])
        assert "\n" not in words
    told = [log["file"] for log in logs if log["event"] == "strategy.refused"]
    assert told == sorted(REFUSED)
    assert refused is not None
    assert "thief.py is refused" in refused.message


async def test_a_file_that_never_ends_being_imported_is_refused(
    tmp_path: Path, clock: ManualClock
) -> None:
    (tmp_path / "endless.py").write_text("while True: pass")
    async with running(tmp_path, clock) as runner:
        await clock.until_asleep()
        await clock.advance(WorkerLimits().start_seconds)
        catalog = await runner.catalog()
    assert list(catalog.broken.values()) == ["did not start within 10 s"]


async def test_one_that_loops_for_ever_is_killed_and_begins_anew(
    runner: StrategyRunner, misfit: Callable[[str], Awaitable[Advice]], clock: ManualClock
) -> None:
    before = await misfit("pid")
    looping = asyncio.ensure_future(failure(misfit("loop")))
    await clock.until_asleep()
    meanwhile = await runner.decide("above", RISING, NOTHING, {"level": 5})
    await clock.advance(WorkerLimits().answer_seconds)
    assert await looping == "did not decide within 5 s"
    assert meanwhile.signal is Signal.HOLD
    after = await misfit("pid")
    assert after != before
    assert_gone(int(before.reason))


async def test_nobody_waits_for_ever_behind_others_that_loop(
    misfit: Callable[[str], Awaitable[Advice]], clock: ManualClock
) -> None:
    await misfit("pid")
    first = asyncio.ensure_future(failure(misfit("loop")))
    await clock.until_asleep()
    await clock.advance(1)
    second = asyncio.ensure_future(misfit("loop"))
    third = asyncio.ensure_future(failure(misfit("pid")))
    await clock.until_asleep(3)
    await clock.advance(4)
    assert await first == "did not decide within 5 s"
    await clock.advance(1)
    assert await third == "had no turn within 5 s: others of misfit.py took it all"
    second.cancel()
    with suppress(asyncio.CancelledError):
        await second


async def test_what_a_strategy_does_wrong_is_told_and_the_next_question_is_answered(
    misfit: Callable[[str], Awaitable[Advice]],
) -> None:
    for how, words in MISDEEDS.items():
        told = await failure(misfit(how))
        assert told.startswith(words)
        assert len(told) <= 200
        assert told.isprintable()
        assert (await misfit("pid")).signal is Signal.HOLD


async def test_one_that_has_no_memory_left_begins_anew(
    misfit: Callable[[str], Awaitable[Advice]],
) -> None:
    before = await misfit("pid")
    await failure(misfit("grow"))
    assert await misfit("pid") != before


async def test_a_count_of_candles_that_cannot_be_is_told(runner: StrategyRunner) -> None:
    for how in ("greedy", "fraction"):
        refused = await runner.check_parameters("misfit", {"how": how})
        assert refused is not None
        assert refused.code is RefusalCode.INVALID_STATE
        assert refused.message.startswith("misfit candles_needed answered")


async def test_what_is_printed_goes_to_the_log_and_disturbs_nobody(
    misfit: Callable[[str], Awaitable[Advice]],
) -> None:
    with capture_logs() as logs:
        assert (await misfit("mutter")).reason == "nothing to read"
        assert (await misfit("chatter")).reason == "said enough"
        assert (await misfit("pid")).signal is Signal.HOLD
    lines = [log["line"] for log in logs if log["event"] == "strategy.printed"]
    assert {"between the lines", "from a child"} <= set(lines)
    assert "still talking 7" in lines
    assert len(lines) <= 2 * 101


async def test_one_that_floods_its_streams_is_not_listened_to(
    misfit: Callable[[str], Awaitable[Advice]], clock: ManualClock
) -> None:
    await misfit("pid")
    with capture_logs() as logs:
        shouting = asyncio.ensure_future(failure(misfit("shout")))
        await clock.until_asleep()
        done, _ = await asyncio.wait([shouting], timeout=GLANCE_SECONDS)
        assert not done
        await clock.advance(WorkerLimits().answer_seconds)
        assert await shouting == "did not decide within 5 s"
    assert len(logs) <= 100
    assert (await misfit("pid")).signal is Signal.HOLD


async def test_an_answer_that_nobody_waits_for_is_not_given_to_the_next(
    runner: StrategyRunner, misfit: Callable[[str], Awaitable[Advice]]
) -> None:
    await misfit("pid")
    for _ in range(3):
        given_up = asyncio.ensure_future(misfit("pid"))
        await asyncio.sleep(0)
        given_up.cancel()
        advice = await runner.decide("misfit", RISING, NOTHING, {"how": "environment"})
        assert "PATH" in advice.reason
    assert given_up.cancelled()


async def test_a_restart_that_is_given_up_leaves_nothing_behind(
    misfit: Callable[[str], Awaitable[Advice]],
) -> None:
    faults: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, context: faults.append(context))
    await misfit("pid")
    # The first is cancelled while asking, the second while waiting for the process to end.
    for _ in range(2):
        given_up = asyncio.ensure_future(misfit("pid"))
        await asyncio.sleep(0)
        given_up.cancel()
        with pytest.raises(asyncio.CancelledError):
            await given_up
    assert (await misfit("pid")).signal is Signal.HOLD
    assert faults == []


async def test_a_strategy_is_told_no_secrets(
    misfit: Callable[[str], Awaitable[Advice]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ORDERDECK_ADMIN_TOKEN", "s3cret")
    told = (await misfit("environment")).reason
    assert "PYTHONHASHSEED" in told
    assert "ORDERDECK" not in told


async def test_no_process_is_left_when_the_server_stops(folder: Path, clock: ManualClock) -> None:
    async with running(folder, clock) as runner:
        advice = await runner.decide("misfit", RISING, NOTHING, {"how": "pid"})
        os.kill(int(advice.reason), 0)
        looping = asyncio.ensure_future(
            failure(runner.decide("misfit", RISING, NOTHING, {"how": "loop"}))
        )
        await clock.until_asleep()
    assert await looping == "its process was ended by SIGKILL"
    assert_gone(int(advice.reason))


@pytest.mark.slow
async def test_no_process_outlives_a_server_that_is_killed(folder: Path) -> None:
    server = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.support.services.stranded", folder, stdout=PIPE
    )
    assert server.stdout is not None
    child = int(await server.stdout.readline())
    watched = os.pidfd_open(child)
    try:
        server.kill()
        await server.wait()
        ended, _, _ = select.select([watched], [], [], PATIENCE_SECONDS)
        assert ended == [watched]
    finally:
        os.close(watched)


def assert_gone(pid: int) -> None:
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
