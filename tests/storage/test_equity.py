from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

import pytest

from app.domain.accounts import AccountMode
from app.domain.portfolio.equity_curves import EquityKey, EquityPoint
from app.storage.database import Database
from app.storage.equity import EquityStore
from tests.conftest import START, on_each_database

pytestmark = on_each_database

HOME = EquityKey(account="paper", currency="USDT")
EUROS = EquityKey(account="paper", currency="EUR")
OTHER = EquityKey(account="other", currency="USDT")


def point(minute: int, value: str) -> EquityPoint:
    return EquityPoint(at=START + timedelta(minutes=minute), equity=Decimal(value))


@pytest.fixture
async def written(database: Database) -> Sequence[EquityPoint]:
    """Not in their order."""
    points = [point(0, "9"), point(2, "10.000000000000000001"), point(1, "10"), point(3, "8")]
    async with database.transaction() as tx:
        for name in ("paper", "other"):
            await tx.accounts.insert(name, "paper", AccountMode.PAPER, START)
        for one in points:
            await tx.equity.add(HOME, one)
        await tx.equity.add(EUROS, point(9, "7"))
        await tx.equity.add(OTHER, point(9, "99"))
    return sorted(points, key=lambda one: one.at)


async def test_points_come_back_in_their_order_and_to_the_last_place(
    database: Database, written: Sequence[EquityPoint]
) -> None:
    async with database.snapshot() as view:
        assert await view.equity.between(HOME, None, None) == written
        assert await view.equity.last(HOME) == written[-1]
        for batch in (1, 2, 4):
            assert await EquityStore(view.sql, batch=batch).between(HOME, None, None) == written


async def test_since_includes_and_until_excludes(
    database: Database, written: Sequence[EquityPoint]
) -> None:
    async with database.snapshot() as view:
        found = await view.equity.between(HOME, written[1].at, written[3].at)
    assert found == written[1:3]


async def test_the_peak_is_the_highest_by_value_and_outlives_its_point(
    database: Database, written: Sequence[EquityPoint]
) -> None:
    """By text, 9 would be above 10."""
    async with database.transaction() as tx:
        await tx.equity.forget(HOME, [one.at for one in written])
    async with database.snapshot() as view:
        assert await view.equity.between(HOME, None, None) == []
        assert await view.equity.last(HOME) is None
        assert await view.equity.peak(HOME) == written[2]
        assert await view.equity.peak(EUROS) == point(9, "7")
        assert await view.equity.keys("paper") == [EUROS, HOME]


async def test_two_points_of_one_moment_are_one(
    database: Database, written: Sequence[EquityPoint]
) -> None:
    async with database.transaction() as tx:
        await tx.equity.add(HOME, point(3, "11"))
    async with database.snapshot() as view:
        assert await view.equity.between(HOME, None, None) == [*written[:3], point(3, "11")]
        assert await view.equity.peak(HOME) == point(3, "11")
