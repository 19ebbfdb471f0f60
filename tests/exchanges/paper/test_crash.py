"""What a process that was killed leaves behind."""

import asyncio
import signal
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from app.domain.orders.order import OrderStatus
from app.exchanges.paper.faults import CrashPoint
from tests.conftest import on_each_database
from tests.support.exchanges import crashing
from tests.support.exchanges.rigs import PaperRig, an_intent, key_of, running

pytestmark = [on_each_database, pytest.mark.slow]

_ROOT = Path(__file__).parents[3]
_BEFORE = (CrashPoint.ON_ARRIVAL, CrashPoint.BEFORE_BOOKING)
_AFTER = (CrashPoint.AFTER_BOOKING, CrashPoint.AFTER_MATCHING)


async def _killed_at(point: CrashPoint, url: str) -> None:
    program = [sys.executable, "-m", crashing.__name__, url, point]
    process = await asyncio.create_subprocess_exec(*program, cwd=_ROOT)
    assert await process.wait() == -signal.SIGKILL


@pytest.mark.parametrize("point", _BEFORE)
async def test_an_order_is_not_there_when_the_process_died_before_the_commit(
    paper: PaperRig, database_url: str, point: CrashPoint
) -> None:
    before = await paper.gateway.balances()
    await _killed_at(point, database_url)
    assert await paper.gateway.find(key_of(an_intent(wire_id=crashing.WIRE_ID))) is None
    assert await paper.gateway.balances() == before


@pytest.mark.parametrize("point", _AFTER)
async def test_an_order_is_there_whole_when_the_process_died_after_the_commit(
    paper: PaperRig, database_url: str, point: CrashPoint
) -> None:
    await _killed_at(point, database_url)
    found = await paper.gateway.find(key_of(an_intent(wire_id=crashing.WIRE_ID)))
    assert found is not None
    assert (found.status, len(found.fills)) == (OrderStatus.FILLED, 1)
    balances = await paper.gateway.balances()
    assert (balances["BTC"].free, balances["USDT"].used) == (Decimal("0.51"), Decimal(0))


async def test_an_order_that_died_while_triggering_triggers_once_all_the_same(
    paper: PaperRig, database_url: str
) -> None:
    before = await paper.gateway.balances()
    await _killed_at(CrashPoint.BEFORE_TRIGGERING, database_url)
    key = key_of(an_intent(wire_id=crashing.WIRE_ID))
    found = await paper.gateway.find(key)
    assert found is not None
    assert (found.status, found.fills) == (OrderStatus.OPEN, ())
    await paper.clock.advance(60)
    async with running(paper):
        found = await paper.gateway.find(key)
    assert found is not None
    assert (found.status, len(found.fills)) == (OrderStatus.FILLED, 1)
    after = await paper.gateway.balances()
    assert before["BTC"].free - after["BTC"].free == found.filled
    assert after["BTC"].used == 0
