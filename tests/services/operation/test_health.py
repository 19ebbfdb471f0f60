import asyncio
from datetime import timedelta

import pytest
from sqlalchemy import text

from app.domain.findings import Severity
from app.services.operation.health import HealthService
from app.storage.upkeep.health import HealthStore
from app.storage.upkeep.inspections import inspected, place
from tests.support.clock import ManualClock


def health(url: str, clock: ManualClock) -> HealthService:
    return HealthService(inspect=lambda: inspected(url), place=place(url), clock=clock, accounts={})


@pytest.mark.parametrize(
    ("seconds", "level"),
    [(0, Severity.OK), (3, Severity.WARNING), (-3, Severity.WARNING), (60, Severity.FAULT)],
)
async def test_the_clock_is_held_against_that_of_postgres(
    postgres_url: str, seconds: float, level: Severity
) -> None:
    async with inspected(postgres_url) as view:
        now = await HealthStore(view.sql).server_time()
    assert now is not None
    clock = ManualClock(now + timedelta(seconds=seconds))
    findings = await health(postgres_url, clock).check_database()
    told = {finding.name: finding for finding in findings}
    assert told["clock against the database"].level is level


async def test_a_long_look_is_given_up(sqlite_url: str) -> None:
    endless = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT sum(i) FROM n"
    async with asyncio.timeout(10):
        with pytest.raises(TimeoutError):
            async with inspected(sqlite_url, seconds=0.1) as view:
                await view.sql.scalar(text(endless))
