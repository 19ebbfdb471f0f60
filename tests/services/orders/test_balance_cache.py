import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import cast

import pytest

from app.domain.accounts import AccountMode, Balance
from app.ports import ExchangeGateway
from app.primitives.priorities import Priority, asking_at
from app.services.accounts import AccountEntry
from app.services.orders.balance_cache import BalanceCache
from app.services.orders.ledger import OrderLedger
from tests.conftest import START
from tests.support.clock import ManualClock

FREE = Decimal(100)


@dataclass
class Gateway:
    """Answers when it is let."""

    asked: int = 0
    answers: asyncio.Event = field(default_factory=asyncio.Event)

    async def balances(self) -> Mapping[str, Balance]:
        self.asked += 1
        await self.answers.wait()
        return {"USDT": Balance(asset="USDT", free=FREE, used=Decimal(0))}


@dataclass
class Changes:
    changes: Counter[str] = field(default_factory=Counter)


@dataclass
class Rig:
    clock: ManualClock = field(default_factory=lambda: ManualClock(START))
    gateway: Gateway = field(default_factory=Gateway)
    ledger: Changes = field(default_factory=Changes)

    def __post_init__(self) -> None:
        self.cache = BalanceCache(cast("OrderLedger", self.ledger), self.clock)
        self.account = AccountEntry(
            name="main",
            exchange="binance",
            mode=AccountMode.LIVE,
            max_open_orders=None,
            answer_seconds=10,
            gateway=cast("ExchangeGateway", self.gateway),
        )

    async def free(self) -> Decimal:
        return (await self.cache.recent(self.account)).balances["USDT"].free


@pytest.fixture
def rig() -> Rig:
    return Rig()


async def test_a_question_for_an_order_does_not_wait_for_a_less_urgent_one(rig: Rig) -> None:
    background = asyncio.create_task(rig.cache.latest(rig.account))
    await rig.clock.advance(0)
    with asking_at(Priority.ORDER):
        order = asyncio.create_task(rig.cache.latest(rig.account))
    await rig.clock.advance(0)
    assert rig.gateway.asked == 2
    rig.gateway.answers.set()
    await asyncio.gather(background, order)


async def test_what_orders_take_is_taken_off_until_the_exchange_was_asked_again(rig: Rig) -> None:
    rig.gateway.answers.set()
    assert await rig.free() == 100
    with rig.cache.holding("main", "USDT", Decimal(60)):
        assert await rig.free() == 40
    with rig.cache.holding("main", "USDT", Decimal(70)):
        assert await rig.free() == 0
        await rig.clock.advance(10)
        # This one is still on its way, the other is in the answer.
        assert rig.gateway.asked == 1
        assert await rig.free() == 100
        assert await rig.free() == 30
    assert rig.gateway.asked == 2


async def test_orders_leave_nothing_behind_where_nobody_asks_for_balances(rig: Rig) -> None:
    with rig.cache.holding("main", "USDT", Decimal(1)):
        for _ in range(100):
            with rig.cache.holding("main", "USDT", Decimal(1)):
                await rig.clock.advance(1)
    for _ in range(2):
        await rig.clock.advance(11)
        with rig.cache.holding("main", "USDT", Decimal(1)):
            pass
    assert len(rig.cache._holds["main"]) == 1


async def test_balances_are_the_latest_until_a_second_passed_or_an_order_changed(rig: Rig) -> None:
    rig.gateway.answers.set()
    await rig.cache.latest(rig.account)
    await rig.cache.latest(rig.account)
    assert rig.gateway.asked == 1
    rig.ledger.changes["main"] += 1
    assert not (await rig.cache.recent(rig.account)).is_latest
    await rig.cache.latest(rig.account)
    assert rig.gateway.asked == 2
    await rig.clock.advance(1)
    await rig.cache.latest(rig.account)
    assert rig.gateway.asked == 3
