"""Which assignments are due: at the close of a candle, and all of them at the bot's pace."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from app.domain.bot.bot import Assignment, Bot
from app.domain.markets.candles import Candle
from app.services.bot.agenda import LONGEST_SECONDS, Agenda
from tests.conftest import START
from tests.support.clock import ManualClock

ASSIGNMENTS = tuple(
    Assignment(strategy="a", symbol=symbol, timeframe="1m", allocation=Decimal(1))
    for symbol in ("BTC/USDT", "ETH/USDT")
)
BTC, ETH = (assignment.name for assignment in ASSIGNMENTS)
BOT = Bot(account="paper", assignments=ASSIGNMENTS, cycle_seconds=60)


@pytest.fixture
def agenda(clock: ManualClock) -> Agenda:
    agenda = Agenda(clock)
    agenda.open()
    return agenda


def candle(minute: int = 0) -> Candle:
    one = Decimal(1)
    at = START + timedelta(minutes=minute)
    return Candle(at=at, open=one, high=one, low=one, close=one, volume=one, is_closed=True)


def taken(agenda: Agenda, bot: Bot = BOT, busy: tuple[tuple[str, str, str], ...] = ()) -> object:
    return {due.assignment.name: due.told for due in agenda.take(bot, busy)}


async def test_all_are_due_at_first_and_then_at_the_pace(
    agenda: Agenda, clock: ManualClock
) -> None:
    assert agenda.rest_seconds(BOT) <= 0
    assert taken(agenda) == {BTC: None, ETH: None}
    await clock.advance(20)
    assert agenda.rest_seconds(BOT) == pytest.approx(40)
    assert taken(agenda) == {}
    await clock.advance(40)
    agenda.open()
    assert taken(agenda) == {BTC: None, ETH: None}


async def test_after_a_restart_the_last_cycle_counts(clock: ManualClock) -> None:
    bot = replace(BOT, last_cycle_at=clock.now() - timedelta(seconds=50))
    assert Agenda(clock).rest_seconds(bot) == pytest.approx(10)


async def test_what_has_closed_is_due_at_once_and_holds_up_no_pace(
    agenda: Agenda, clock: ManualClock
) -> None:
    taken(agenda)
    for minute in range(3):
        await clock.advance(19)
        agenda.note([ETH], candle(minute))
        assert agenda.rest_seconds(BOT) == 0
        assert taken(agenda) == {ETH: candle(minute)}
    await clock.advance(3)
    agenda.open()
    assert taken(agenda) == {BTC: None, ETH: None}


def test_one_that_is_busy_is_due_when_it_is_not(agenda: Agenda) -> None:
    agenda.note([BTC, ETH], candle())
    assert taken(agenda, busy=(BTC,)) == {ETH: candle()}
    agenda.note([BTC], candle(1))
    assert taken(agenda, busy=(BTC,)) == {}
    assert taken(agenda) == {BTC: candle(1)}
    assert taken(agenda) == {}


def test_after_a_failed_cycle_only_the_pause_begins_one(agenda: Agenda) -> None:
    taken(agenda)
    failed = replace(BOT, consecutive_failures=1)
    agenda.note([BTC], candle())
    assert agenda.rest_seconds(failed) == pytest.approx(120)
    assert agenda.rest_seconds(BOT) == 0


async def test_a_cycle_takes_in_no_more_once_it_is_closed_or_old(
    agenda: Agenda, clock: ManualClock
) -> None:
    taken(agenda)
    agenda.close()
    agenda.note([BTC], candle())
    assert taken(agenda) == {}
    agenda.open()
    await clock.advance(LONGEST_SECONDS)
    assert taken(agenda) == {}
    agenda.open()
    assert taken(agenda) == {BTC: candle(), ETH: None}


def test_what_belongs_to_no_assignment_any_more_is_forgotten(agenda: Agenda) -> None:
    taken(agenda)
    agenda.note([("gone", "BTC/USDT", "1m")], candle())
    assert taken(agenda) == {}
    assert agenda.rest_seconds(BOT) > 0
