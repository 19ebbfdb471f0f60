"""Hours of the bot on paper: every built-in strategy trades, the same seed the same."""

import os
import shutil
from collections import Counter
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from app.domain import money
from app.domain.bot.bot import DecisionOutcome
from app.domain.order_kinds import OrderSource
from app.domain.orders.order import Order
from benchmarks.bot_day import ASSIGNMENTS, CANDLE, DAY, BotDay, traded

pytestmark = pytest.mark.slow

CASH = Decimal(10_000)
# Long enough for each strategy to buy.
SPAN = DAY if os.environ.get("ORDERDECK_TEST_SOAK") else DAY / 4


@pytest.fixture
async def days(sqlite_template: Path, tmp_path: Path) -> tuple[BotDay, BotDay]:
    found = []
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        shutil.copy(sqlite_template, tmp_path / name / "orderdeck.db")
        found.append(await traded(tmp_path / name, SPAN))
    return found[0], found[1]


async def test_a_day_of_the_bot_is_the_same_for_the_same_seed_and_adds_up(
    days: tuple[BotDay, BotDay],
) -> None:
    day, again = days
    # Those of one candle go out side by side, in any order.
    assert sorted(map(_terms, day.orders)) == sorted(map(_terms, again.orders))
    assert {order.source for order in day.orders} == {OrderSource.BOT}
    assert {order.strategy for order in day.orders} == {one.strategy for one in ASSIGNMENTS}
    candles = Counter(one.strategy for one in day.decisions)
    assert set(candles.values()) == {SPAN // CANDLE}
    ordered = [one.order_id for one in day.decisions if one.outcome is DecisionOutcome.ORDERED]
    assert sorted(filter(None, ordered)) == sorted(order.id for order in day.orders)
    assert not [one for one in day.decisions if one.outcome is DecisionOutcome.FAILED]
    found = day.portfolio
    gained = money.add(found.realized, found.unrealized)
    assert money.subtract(found.equity, CASH) == gained
    assert found.problems == []


def _terms(order: Order) -> tuple[Any, ...]:
    names = ("created_at", "strategy", "symbol", "side", "amount", "filled", "average_price")
    return tuple(getattr(order, name) for name in names)
