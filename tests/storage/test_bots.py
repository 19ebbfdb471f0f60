"""The bot's decisions in the database."""

from datetime import UTC, datetime, timedelta

import pytest
from ulid import ULID

from app.domain.accounts import AccountMode
from app.domain.bot.bot import Decision, DecisionOutcome
from app.domain.signals import Signal
from app.errors import Duplicate
from app.storage.database import Database
from tests.conftest import on_each_database

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
DAY = timedelta(days=1)


def decision(at: datetime, outcome: DecisionOutcome) -> Decision:
    return Decision(
        id=str(ULID.from_datetime(at)),
        at=at,
        cycle=1,
        account="paper",
        strategy="patience",
        symbol="BTC/USDT",
        timeframe="1m",
        candle_at=at,
        signal=Signal.HOLD,
        outcome=outcome,
        reason="nothing new",
    )


@pytest.fixture
async def decided(database: Database) -> Database:
    async with database.transaction() as tx:
        await tx.accounts.insert("paper", "paper", AccountMode.PAPER, NOW)
        await tx.bots.decide(decision(NOW - 3 * DAY, DecisionOutcome.HOLD))
        await tx.bots.decide(decision(NOW - 2 * DAY, DecisionOutcome.FAILED))
        await tx.bots.decide(decision(NOW - DAY, DecisionOutcome.HOLD))
    return database


@on_each_database
async def test_a_candle_is_decided_on_once(decided: Database) -> None:
    again = decision(NOW - DAY, DecisionOutcome.ORDERED)
    with pytest.raises(Duplicate):
        async with decided.transaction() as tx:
            await tx.bots.decide(again)


@on_each_database
async def test_old_decisions_that_came_to_nothing_are_forgotten(decided: Database) -> None:
    async with decided.transaction() as tx:
        assert await tx.bots.forget_holds(NOW - 2 * DAY, limit=0) == 0
        assert await tx.bots.forget_holds(NOW - 2 * DAY, limit=10) == 1
        left = await tx.bots.decisions(frozenset({"paper"}), 10)
    assert [(one.at, one.outcome) for one in left] == [
        (NOW - DAY, DecisionOutcome.HOLD),
        (NOW - 2 * DAY, DecisionOutcome.FAILED),
    ]
