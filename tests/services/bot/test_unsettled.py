"""A strategy spends no more than its allocation and sells no more than it owns, come what may."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, cast

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.domain.bot.bot import Assignment, Bot, DecisionOutcome
from app.domain.markets.candles import Candle
from app.domain.order_kinds import OrderSide
from app.domain.orders.filters import OrderFilter
from app.domain.orders.order import OrderStatus
from app.domain.portfolio.positions import Holding
from app.domain.signals import Signal
from app.exchanges.paper.faults import Call, Faults
from app.runtime import Parts, open_runtime
from app.services import Services
from app.services.bot.decisions import DecisionMaker
from app.settings import Settings
from app.strategies.interface import Advice
from tests.conftest import START
from tests.support.clock import ManualClock
from tests.support.loops import run
from tests.support.services.bots import DCA, decisions, orders

ALLOCATION = Decimal(1000)
ALONE = replace(DCA, allocation=ALLOCATION)
# Market orders fill at the best price or a little worse, not at the last price that they are
# calculated with.
SLIPPAGE = Decimal("1.02")
BUY_ALL = Advice(signal=Signal.BUY, reason="a test")
SELL_ALL = Advice(signal=Signal.CLOSE, reason="a test")


@dataclass
class Scripted:
    """Stands in for the strategies: the next advice is what the test wants."""

    advice: Advice = BUY_ALL

    async def decide(self, *_: object) -> Advice:
        return self.advice


@dataclass
class Trading:
    """Decisions of one strategy on one market, each on a candle of its own."""

    services: Services
    clock: ManualClock
    faults: Faults
    script: Scripted = field(default_factory=Scripted)
    candles: int = 0

    @property
    def maker(self) -> DecisionMaker:
        services = self.services
        return DecisionMaker(
            database=services.orders._database,
            market_data=services.market_data,
            orders=services.orders,
            strategies=cast("Any", self.script),
            clock=self.clock,
            new_id=services.orders.new_client_order_id,
        )

    async def decide(self, advice: Advice, assignment: Assignment = ALONE) -> None:
        self.script.advice = advice
        account = self.services.accounts.get("paper")
        self.candles += 1
        at = self.clock.now() + timedelta(milliseconds=self.candles)
        await self.maker.decide(Bot(), account, assignment, self.candle(at))

    def candle(self, at: datetime) -> Sequence[Candle]:
        one = Decimal(1)
        return [Candle(at=at, open=one, high=one, low=one, close=one, volume=one, is_closed=True)]

    async def let_pass(self, seconds: float) -> None:
        """Let time pass in small steps, so that whatever waits for answers goes on."""
        for _ in range(round(seconds * 2)):
            await self.clock.advance(0.5)

    async def settle(self) -> None:
        """Until everything is certain."""
        for _ in range(200):
            if not any(order.is_open for order in await orders(self.services)):
                return
            await self.let_pass(1)
        raise AssertionError("an order is still open")

    async def holding(self) -> Holding:
        async with self.services.orders._database.snapshot() as view:
            held = await view.bots.holding("paper", ALONE.strategy, ALONE.symbol)
        return Holding() if held is None else held.holding

    async def at_risk(self) -> Decimal:
        """What was spent on what is held, and what open orders may still spend."""
        ticker = await self.services.market_data.ticker(
            self.services.accounts.get("paper"), ALONE.symbol
        )
        assert ticker is not None
        assert ticker.last is not None
        # At one moment: a fill in between would be counted twice.
        async with self.services.orders._database.snapshot() as view:
            held = await view.bots.holding("paper", ALONE.strategy, ALONE.symbol)
            buys = await view.orders.matching(OrderFilter(open=True, side=OrderSide.BUY))
        may_spend = sum((one.remaining * ticker.last for one in buys), Decimal())
        return (Decimal() if held is None else held.holding.basis) + may_spend

    async def coins(self) -> Decimal:
        balances = await self.services.accounts.get("paper").gateway.balances()
        return balances["BTC"].free + balances["BTC"].used


def in_doubt(faults: Faults) -> None:
    """Orders are lost on their way, and nobody says so."""
    faults.lost_before, faults.unavailable = {Call.SUBMIT}, {Call.FIND}


def recovered(faults: Faults) -> None:
    faults.lost_before, faults.unavailable = set(), set()


async def test_while_an_order_is_in_doubt_nothing_more_is_bought(
    services: Services, clock: ManualClock, faults: Faults
) -> None:
    trading = Trading(services, clock, faults)
    in_doubt(faults)
    for _ in range(3):
        await trading.decide(BUY_ALL)
    [order] = await orders(services)
    assert order.status is OrderStatus.IN_DOUBT
    made = await decisions(services)
    assert [one.outcome for one in made] == [DecisionOutcome.ORDERED, *[DecisionOutcome.HOLD] * 2]
    assert f"its order {order.client_order_id} is IN_DOUBT" in made[1].reason
    recovered(faults)
    await trading.settle()
    await trading.decide(BUY_ALL)
    assert [one.status for one in await orders(services)][-1] is OrderStatus.FILLED
    assert 0 < (await trading.holding()).basis <= ALLOCATION * SLIPPAGE
    await trading.decide(BUY_ALL)
    assert "less than the market" in (await decisions(services))[-1].reason


async def test_while_a_sale_is_in_doubt_nothing_more_is_sold(
    services: Services, clock: ManualClock, faults: Faults
) -> None:
    trading = Trading(services, clock, faults)
    before = await trading.coins()
    await trading.decide(BUY_ALL)
    in_doubt(faults)
    for _ in range(3):
        await trading.decide(SELL_ALL)
    assert len(await orders(services)) == 2
    recovered(faults)
    await trading.settle()
    await trading.decide(SELL_ALL)
    assert (await trading.holding()).amount == 0
    assert await trading.coins() >= before


async def test_two_decisions_at_once_place_one_order(
    services: Services, clock: ManualClock, faults: Faults
) -> None:
    trading = Trading(services, clock, faults)
    await asyncio.gather(*(trading.decide(BUY_ALL) for _ in range(5)))
    assert len(await orders(services)) == 1
    assert await trading.at_risk() <= ALLOCATION * SLIPPAGE


async def test_another_market_of_the_strategy_is_not_held_up(
    services: Services, clock: ManualClock, faults: Faults
) -> None:
    trading = Trading(services, clock, faults)
    in_doubt(faults)
    await trading.decide(BUY_ALL)
    await trading.decide(BUY_ALL, replace(ALONE, symbol="ETH/USDT"))
    assert {order.symbol for order in await orders(services)} == {"BTC/USDT", "ETH/USDT"}


async def test_a_decision_that_comes_after_the_next_candle_trades_nothing(
    services: Services, clock: ManualClock, faults: Faults
) -> None:
    trading = Trading(services, clock, faults)
    candles = trading.candle(clock.now() - timedelta(minutes=2))
    account = services.accounts.get("paper")
    await trading.maker.decide(Bot(), account, ALONE, candles)
    [made] = await decisions(services)
    assert made.outcome is DecisionOutcome.HOLD
    assert "a newer candle has closed since" in made.reason
    assert await orders(services) == []


FAULTS: dict[str, dict[str, Any]] = {
    "none": {},
    "question lost": {"lost_before": {Call.SUBMIT}},
    "answer lost": {"lost_after": {Call.SUBMIT}},
    "silence": {"lost_before": {Call.SUBMIT}, "unavailable": {Call.FIND}},
    "silence after": {"lost_after": {Call.SUBMIT}, "unavailable": {Call.FIND}},
    "late": {"delay_after_seconds": 12.0},
    "cut off": {"unavailable": {Call.SUBMIT, Call.FIND}},
    "told twice": {"news_copies": 2, "is_news_reordered": True},
}
ADVICES = st.builds(
    Advice,
    signal=st.sampled_from([Signal.BUY, Signal.BUY, Signal.SELL, Signal.CLOSE]),
    reason=st.just("a test"),
    part=st.sampled_from([0.3, 0.5, 1.0]),
)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(sorted(FAULTS)),
        st.lists(ADVICES, min_size=1, max_size=3),
        st.sampled_from([0, 1, 15]),
    ),
    min_size=3,
    max_size=8,
)


def no_faults() -> dict[str, Any]:
    plain = Faults()
    return {name: getattr(plain, name) for steps in FAULTS.values() for name in steps}


async def trade(folder: Path, steps: Sequence[tuple[str, Sequence[Advice], int]]) -> None:
    clock, faults = ManualClock(START), Faults()
    url = f"sqlite+aiosqlite:///{folder}/orderdeck.db"
    chosen = Settings(data_dir=folder, database_url=cast("Any", url))
    async with open_runtime(chosen, Parts(clock=clock, faults={"paper": faults})) as services:
        trading = Trading(services, clock, faults)
        before = await trading.coins()
        for fault, advices, seconds in steps:
            for name, value in {**no_faults(), **FAULTS[fault]}.items():
                setattr(faults, name, value)
            deciding = [asyncio.create_task(trading.decide(advice)) for advice in advices]
            await trading.let_pass(seconds)
            while not all(task.done() for task in deciding):
                await trading.let_pass(1)
            await asyncio.gather(*deciding)
            assert await trading.at_risk() <= ALLOCATION * SLIPPAGE
        for name, value in no_faults().items():
            setattr(faults, name, value)
        await trading.settle()
        assert (await trading.holding()).basis <= ALLOCATION * SLIPPAGE
        # What the strategy says that it owns is there, beside all that was there before.
        assert await trading.coins() - before >= (await trading.holding()).amount >= 0


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=STEPS)
def test_whatever_is_lost_doubled_or_late_it_stays_within_its_allocation(
    steps: Sequence[tuple[str, Sequence[Advice], int]],
) -> None:
    with TemporaryDirectory() as folder:
        run(trade(Path(folder), steps))
