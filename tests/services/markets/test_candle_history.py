"""Stored candles: the answer is always the exchange's own, and seldom all of it is fetched."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.bus import Bus
from app.domain.markets.candle_series import OVERLAP
from app.domain.markets.candles import Candle, CandleRequest
from app.errors import Denied, ExchangeUnavailable
from app.services.markets.candle_history import SPANS_KEPT, CandleHistory, forget_old, series_of
from app.storage.database import Database
from tests.conftest import START
from tests.support.clock import ManualClock
from tests.support.services.candle_tapes import SYMBOLS, Tape, account_of, data_of
from tests.support.services.reading import Counted

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)
NEEDED = 100
_numbers = count(1)


@pytest.fixture
def tape(clock: ManualClock) -> Tape:
    return Tape(clock, START - 500 * MINUTE)


def books_of(tape: Tape, database: Database) -> CandleHistory:
    """A CandleHistory as in a new process."""
    return CandleHistory(database, data_of(tape), tape.clock)


def wanted(limit: int = NEEDED, symbol: str = SYMBOLS[0], timeframe: str = "1m") -> CandleRequest:
    return CandleRequest(symbol=symbol, timeframe=timeframe, limit=limit)


async def closed(tape: Tape, database: Database, limit: int = NEEDED) -> Sequence[Candle]:
    return await books_of(tape, database).closed(account_of(tape), wanted(limit))


async def asked_in(tape: Tape, database: Database, limit: int = NEEDED) -> int:
    """How many candles are fetched from the exchange for one right answer."""
    before = tape.returned
    assert await closed(tape, database, limit) == tape.closed(limit)
    return tape.returned - before


@dataclass(frozen=True, kw_only=True)
class Step:
    """What happens before the candles are read again."""

    limit: int
    # May be 0; the rest of the current minute passes anyway.
    minutes: int
    corrected: int
    # Whether one of the closing candles is missing, because nobody has traded in it.
    is_missing: bool
    lost: frozenset[int]
    altered: frozenset[int]
    is_restarted: bool


STEPS = st.builds(
    Step,
    limit=st.integers(1, 12),
    minutes=st.sampled_from([0, 0, 1, 1, 2, 5, 14, 30]),
    corrected=st.sampled_from([0, 0, 0, 1, 2, 3, 9]),
    is_missing=st.sampled_from([False, False, False, True]),
    lost=st.frozensets(st.integers(0, 15), max_size=2),
    altered=st.frozensets(st.integers(0, OVERLAP - 1), max_size=1),
    is_restarted=st.booleans(),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    start=st.sampled_from([START, START.replace(hour=23, minute=50)]),
    age=st.integers(0, 20),
    steps=st.lists(STEPS, min_size=2, max_size=8),
)
async def test_whatever_is_kept_the_answer_is_that_of_the_exchange(
    database: Database, start: datetime, age: int, steps: list[Step]
) -> None:
    """With corrections, minutes without trades, restarts, losses, other lengths, a new market."""
    clock = ManualClock(start)
    tape = Tape(clock, clock.now() - age * MINUTE, f"tape {next(_numbers)}")
    books = books_of(tape, database)
    for step in steps:
        await happen(tape, step)
        await lose(tape, database, step)
        if step.is_restarted:
            books = books_of(tape, database)
        found = await books.closed(account_of(tape), wanted(step.limit))
        assert found == tape.closed(step.limit)


async def happen(tape: Tape, step: Step) -> None:
    tape.correct(step.corrected)
    if step.is_missing:
        tape.missing.add(tape.clock.now().replace(second=0))
    await tape.clock.advance(step.minutes * 60 + 1)


async def lose(tape: Tape, database: Database, step: Step) -> None:
    """Drop some of the newest stored candles, and make some others wrong."""
    series = series_of(account_of(tape), wanted())
    async with database.transaction() as tx:
        kept = list(reversed(await tx.candles.kept(series, 16, tape.clock.now())))
        wrong = [replace(one, close=one.close + 1) for one in at(kept, step.altered)]
        await tx.candles.keep(series, wrong)
        await tx.candles.drop(series, [one.at for one in at(kept, step.lost)])


def at(candles: Sequence[Candle], places: frozenset[int]) -> list[Candle]:
    return [candles[place] for place in places if place < len(candles)]


async def test_after_the_first_time_a_few_are_asked_for(
    tape: Tape, database: Database, database_url: str
) -> None:
    assert await asked_in(tape, database) == NEEDED + 1
    await tape.clock.advance(10)
    assert await asked_in(tape, database) == OVERLAP
    await tape.clock.advance(60)
    assert await asked_in(tape, database) == OVERLAP + 1
    # Another process, later, asks for as few.
    other = Database(database_url, Bus())
    await tape.clock.advance(600)
    assert await asked_in(tape, other) == OVERLAP + 10
    await other.close()


async def test_what_was_looked_at_a_moment_ago_is_not_read_again(
    tape: Tape, database_url: str
) -> None:
    database = Counted(database_url, Bus())
    books = books_of(tape, database)
    for _ in range(5):
        found = await books.closed(account_of(tape), wanted())
        assert found == tape.closed(NEEDED)
        await tape.clock.advance(60)
    assert database.begun == 1
    await books.closed(account_of(tape), wanted(NEEDED + 1))
    await books.closed(account_of(tape), wanted(NEEDED + 10))
    assert database.begun == 2
    await database.close()


async def test_where_too_many_have_closed_since_all_are_asked_for(
    tape: Tape, database: Database
) -> None:
    await closed(tape, database)
    await tape.clock.advance(60 * (NEEDED - OVERLAP))
    assert await asked_in(tape, database) == NEEDED + 1


async def test_a_correction_is_noticed_and_kept(tape: Tape, database: Database) -> None:
    await closed(tape, database)
    tape.correct(OVERLAP - 1)
    await tape.clock.advance(60)
    assert await asked_in(tape, database) == OVERLAP + 1
    # A correction that may reach further back costs fetching all candles, once.
    tape.correct(20)
    await tape.clock.advance(60)
    assert await asked_in(tape, database) == OVERLAP + 1 + NEEDED + 1
    await tape.clock.advance(60)
    assert await asked_in(tape, database) == OVERLAP + 1


async def test_what_was_corrected_long_after_is_learned_by_the_next_day(
    database: Database,
) -> None:
    clock = ManualClock(START.replace(hour=23, minute=50))
    tape = Tape(clock, START)
    await closed(tape, database)
    tape.corrected[tape.closed(20)[0].at] += 1
    await clock.advance(9 * 60)
    assert await closed(tape, database) != tape.closed(NEEDED)
    await clock.advance(60)
    assert await asked_in(tape, database) == NEEDED + 1
    await clock.advance(60)
    assert await asked_in(tape, database) == OVERLAP + 1


async def test_what_was_corrected_long_after_is_learned_although_a_stream_told_the_newest(
    database: Database,
) -> None:
    clock = ManualClock(START.replace(hour=23, minute=50))
    tape = Tape(clock, START)
    books = books_of(tape, database)
    await books.closed(account_of(tape), wanted())
    tape.corrected[tape.closed(20)[0].at] += 1
    for _ in range(9):
        await clock.advance(60)
        told = tape.closed(1)[0]
        assert await books.closed(account_of(tape), wanted(), told) != tape.closed(NEEDED)
    await clock.advance(60)
    told = tape.closed(1)[0]
    assert await books.closed(account_of(tape), wanted(), told) == tape.closed(NEEDED)


async def test_what_a_short_look_finds_corrected_is_not_trusted_by_a_long_one(
    tape: Tape, database: Database
) -> None:
    await closed(tape, database)
    tape.correct(10)
    for _ in range(2):
        await tape.clock.advance(60)
        assert await closed(tape, database, 2) == tape.closed(2)
    await tape.clock.advance(60)
    assert await asked_in(tape, database) == NEEDED + 1


async def test_a_hole_in_what_is_kept_is_filled(tape: Tape, database: Database) -> None:
    await closed(tape, database, NEEDED + 10)
    async with database.transaction() as tx:
        series = series_of(account_of(tape), wanted())
        await tx.candles.drop(series, [tape.closed(NEEDED // 2)[0].at])
    await tape.clock.advance(1)
    assert await asked_in(tape, database) == NEEDED + 1
    await tape.clock.advance(1)
    assert await asked_in(tape, database) == OVERLAP


async def test_candles_that_the_exchange_takes_back_are_gone(
    tape: Tape, database: Database
) -> None:
    await closed(tape, database, NEEDED + 10)
    tape.missing |= {one.at for one in tape.closed(OVERLAP - 1)}
    for _ in range(OVERLAP + 2):
        await tape.clock.advance(1)
        assert await closed(tape, database) == tape.closed(NEEDED)
        await tape.clock.advance(60)


@pytest.mark.parametrize("is_silent", [False, True])
async def test_what_is_known_is_not_written_again(
    tape: Tape, database_url: str, is_silent: bool
) -> None:
    commits: list[float] = []
    database = Database(database_url, Bus(), commits.append)
    if is_silent:
        tape.missing |= {START - 7 * MINUTE, START}
    for seconds in (1, 10, 20, 25):
        await tape.clock.advance(seconds)
        assert await closed(tape, database) == tape.closed(NEEDED)
        assert len(commits) == 1
    await database.close()


async def test_each_market_is_looked_at_by_itself(tape: Tape, database: Database) -> None:
    books, slow = books_of(tape, database), wanted(symbol=SYMBOLS[1])
    tape.held.add(SYMBOLS[1])
    waiting = asyncio.create_task(books.closed(account_of(tape), slow))
    async with asyncio.timeout(10):
        assert await books.closed(account_of(tape), wanted()) == tape.closed(NEEDED)
    assert not waiting.done()
    tape.let_go()
    assert await waiting == tape.closed(NEEDED)


async def test_a_candle_that_runs_is_never_kept(tape: Tape, database: Database) -> None:
    await closed(tape, database)
    async with database.snapshot() as view:
        series = series_of(account_of(tape), wanted())
        kept = await view.candles.kept(series, 1000, tape.clock.now() + DAY)
    assert kept == tape.closed(NEEDED)


async def test_while_the_exchange_is_away_nothing_is_answered_from_what_is_kept(
    tape: Tape, database: Database
) -> None:
    await closed(tape, database)
    tape.is_cut_off = True
    await tape.clock.advance(60)
    with pytest.raises(ExchangeUnavailable):
        await closed(tape, database)
    tape.is_cut_off = False
    assert await asked_in(tape, database) == OVERLAP + 1


async def test_an_exchange_that_lags_behind_is_asked_for_all_and_believed(
    tape: Tape, database: Database
) -> None:
    await closed(tape, database)
    newest = START
    tape.missing |= {newest, newest + MINUTE}
    await tape.clock.advance(60)
    assert await asked_in(tape, database) == OVERLAP + NEEDED + 1


async def test_as_many_as_can_be_are_had_without_the_one_that_runs(
    clock: ManualClock, database: Database
) -> None:
    tape = Tape(clock, START - 1200 * MINUTE)
    await clock.advance(30)
    assert await asked_in(tape, database, 1000) == 1000
    await clock.advance(60)
    assert await asked_in(tape, database, 1000) == OVERLAP + 1


async def test_who_looks_at_the_same_shares_it_and_who_fails_fails_alone(
    tape: Tape, database: Database
) -> None:
    asked = [wanted(), wanted(7), wanted(30, SYMBOLS[1]), wanted(5, "GONE/USDT")]
    books = books_of(tape, database)
    many, few, other, gone, gone_too = await asyncio.gather(
        *(books.closed(account_of(tape), each) for each in [*asked, asked[-1]]),
        return_exceptions=True,
    )
    assert (few, many, other) == (tape.closed(7), tape.closed(NEEDED), tape.closed(30))
    assert isinstance(gone, Denied)
    assert gone_too is gone
    assert tape.returned == NEEDED + 1 + 31


async def test_a_candle_told_by_a_stream_is_added_without_asking(
    tape: Tape, database: Database
) -> None:
    books = books_of(tape, database)
    await books.closed(account_of(tape), wanted())
    await tape.clock.advance(60)
    returned, told = tape.returned, tape.closed(1)[0]
    for _ in range(2):
        assert await books.closed(account_of(tape), wanted(), told) == tape.closed(NEEDED)
    assert tape.returned == returned
    async with database.snapshot() as view:
        series = series_of(account_of(tape), wanted())
        assert await view.candles.kept(series, 1, tape.clock.now()) == [told]
    await tape.clock.advance(60)
    assert await books.closed(account_of(tape), wanted()) == tape.closed(NEEDED)


async def test_a_candle_told_wrongly_is_put_right_by_the_next_answer(
    tape: Tape, database: Database
) -> None:
    books = books_of(tape, database)
    await books.closed(account_of(tape), wanted())
    await tape.clock.advance(60)
    wrong = replace(tape.closed(1)[0], close=Decimal(1))
    assert (await books.closed(account_of(tape), wanted(), wrong))[-1] == wrong
    for _ in range(2):
        assert await books.closed(account_of(tape), wanted()) == tape.closed(NEEDED)
        books = books_of(tape, database)


async def test_a_candle_that_does_not_connect_is_asked_for(tape: Tape, database: Database) -> None:
    books = books_of(tape, database)
    for minutes in (1, 2):
        returned = tape.returned
        await tape.clock.advance(60 * minutes)
        told = tape.closed(1)[0]
        assert await books.closed(account_of(tape), wanted(), told) == tape.closed(NEEDED)
        assert tape.returned > returned


async def test_a_candle_counts_as_closed_when_a_stream_says_so_before_our_clock(
    tape: Tape, database: Database
) -> None:
    books = books_of(tape, database)
    for _ in range(2):
        running = tape.all()[-1]
        # As it will be when it has closed by our clock too.
        told = replace(running, close=running.open, is_closed=True)
        candles = await books.closed(account_of(tape), wanted(), told)
        assert candles == [*tape.closed(NEEDED - 1), told]
        await tape.clock.advance(60)


async def test_markets_of_another_source_are_others(tape: Tape, database: Database) -> None:
    await closed(tape, database)
    other = Tape(tape.clock, tape.first, "another tape with a password in its address")
    other.correct(NEEDED)
    assert await asked_in(other, database) == NEEDED + 1
    await tape.clock.advance(1)
    assert await asked_in(tape, database) == OVERLAP
    assert "password" not in series_of(account_of(other), wanted()).source


async def test_what_nobody_looks_back_at_is_forgotten(tape: Tape, database: Database) -> None:
    minutes, days = wanted(), wanted(3, timeframe="1d")
    tape.first = START - 4 * DAY
    for each in (minutes, days):
        await books_of(tape, database).closed(account_of(tape), each)
    await forget_old(database, tape.clock.now() + (SPANS_KEPT - 10) * MINUTE)
    async with database.snapshot() as view:
        left = [
            await view.candles.kept(series_of(account_of(tape), one), 1000, tape.clock.now())
            for one in (minutes, days)
        ]
    assert [len(one) for one in left] == [10, 3]
