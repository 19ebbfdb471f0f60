"""What waits is filled from the volume of the ticks that go beyond its price, and from no more."""

from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal

import pytest

from app.domain import money
from app.domain.order_kinds import OrderSide
from app.domain.orders.order import OrderStatus
from app.domain.orders.reports import FillReport, OrderIntent, OrderReport
from app.exchanges.paper.exchange import PaperExchange
from app.exchanges.paper.prices.price_path import tick_of, time_of
from app.exchanges.paper.prices.simulated_markets import PaperTerms, SimulatedMarkets
from tests.exchanges.conftest import START
from tests.support.clock import ManualClock
from tests.support.exchanges.memory_ledger import MemoryLedger
from tests.support.exchanges.rigs import (
    SYMBOL,
    TERMS,
    PaperRig,
    a_limit,
    key_of,
    running,
    steps_off,
)

_VENUE = SimulatedMarkets(TERMS)
_RICH = PaperTerms(
    balances={"USDT": Decimal(500_000), "BTC": Decimal(5)},
    maker_fee=TERMS.maker_fee,
    taker_fee=TERMS.taker_fee,
    seed=TERMS.seed,
)


@pytest.fixture
def rich() -> PaperRig:
    rig = PaperRig(MemoryLedger(), ManualClock(START))
    rig.gateway = PaperExchange(rig.books, rig.clock, _RICH, rig.faults)
    return rig


def _near(side: OrderSide, amount: str) -> OrderIntent:
    """A limit that waits two steps behind the best price."""
    quote = _VENUE.quote(SYMBOL, tick_of(START))
    sign = -1 if side is OrderSide.BUY else 1
    return a_limit(steps_off(quote.last, sign * 3), side=side, amount=Decimal(amount))


def _volumes(intent: OrderIntent, ticks: int) -> list[tuple[int, Decimal]]:
    """The ticks beyond the order's price, and what was traded in each."""
    first, price = tick_of(START) + 1, intent.price
    assert price is not None
    sign = 1 if intent.side is OrderSide.BUY else -1
    return [
        (tick, _VENUE.traded(SYMBOL, tick))
        for tick in range(first, first + ticks)
        if (price - _VENUE.last(SYMBOL, tick)) * sign > 0
    ]


@pytest.mark.parametrize("side", OrderSide)
async def test_a_large_order_is_filled_tick_by_tick_with_what_was_traded_in_each(
    rich: PaperRig, side: OrderSide
) -> None:
    intent = _near(side, "0.5")
    async with running(rich):
        seen = [await rich.gateway.submit(intent)]
        for _ in range(400):
            await rich.clock.advance(0.25)
            seen.append(await _found(rich, intent))
    assert {report.status for report in seen} == {
        OrderStatus.OPEN,
        OrderStatus.PARTIALLY_FILLED,
        OrderStatus.FILLED,
    }
    expected = _shared(Decimal("0.5"), _volumes(intent, 400))
    assert len(expected) > 3
    assert [(fill.at, fill.amount) for fill in seen[-1].fills] == expected
    assert {(fill.price, fill.is_maker) for fill in seen[-1].fills} == {(intent.price, True)}


async def test_orders_of_one_price_share_the_volume_in_the_order_in_which_they_came(
    rich: PaperRig,
) -> None:
    first, second = (_near(OrderSide.BUY, "0.3") for _ in range(2))
    async with running(rich):
        for intent in (first, second):
            await rich.gateway.submit(intent)
        await rich.clock.advance(120)
        reports = [await _found(rich, intent) for intent in (first, second)]
    volumes = _volumes(first, 480)
    assert [(fill.at, fill.amount) for fill in reports[0].fills] == _shared(Decimal("0.3"), volumes)
    together = _by_tick([*reports[0].fills, *reports[1].fills])
    assert together == dict(_shared(Decimal("0.6"), volumes))
    assert reports[1].fills[0].at >= reports[0].fills[-1].at


async def test_orders_of_two_processes_share_the_volume_too(rich: PaperRig) -> None:
    other = PaperExchange(rich.books, rich.clock, _RICH)
    first, second = (_near(OrderSide.BUY, "0.3") for _ in range(2))
    async with running(rich):
        await rich.gateway.submit(first)
        await other.submit(second)
        await rich.clock.advance(120)
        reports = [await _found(rich, intent) for intent in (first, second)]
    fills = [fill for report in reports for fill in report.fills]
    assert _by_tick(fills) == dict(_shared(Decimal("0.6"), _volumes(first, 480)))


async def test_who_looks_after_ten_minutes_sees_what_was_traded_in_them_and_no_more(
    rich: PaperRig,
) -> None:
    intent = _near(OrderSide.SELL, "4")
    await rich.gateway.submit(intent)
    await rich.clock.advance(3_600)
    async with running(rich):
        report = await _found(rich, intent)
    now = tick_of(rich.clock.now())
    ticks = [(tick, volume) for tick, volume in _volumes(intent, 14_400) if tick >= now - 2_400]
    assert [(fill.at, fill.amount) for fill in report.fills] == _shared(Decimal(4), ticks)


async def test_a_clock_that_was_wrong_for_a_while_stops_no_trading(rich: PaperRig) -> None:
    ahead = PaperExchange(rich.books, ManualClock(START.replace(year=2035)), _RICH)
    await ahead.submit(a_limit(Decimal(20_000)))
    intent = _near(OrderSide.BUY, "0.01")
    async with running(rich):
        await rich.gateway.submit(intent)
        await rich.clock.advance(60)
        assert (await _found(rich, intent)).status is OrderStatus.FILLED


def _shared(
    amount: Decimal, volumes: Sequence[tuple[int, Decimal]]
) -> list[tuple[datetime, Decimal]]:
    """What an order gets of each tick until it is filled."""
    parts: list[tuple[datetime, Decimal]] = []
    left = amount
    for tick, volume in volumes:
        part = min(left, volume)
        if part:
            parts.append((time_of(tick), part))
        left = money.subtract(left, part)
    return parts


def _by_tick(fills: Sequence[FillReport]) -> dict[datetime, Decimal]:
    sums: dict[datetime, Decimal] = {}
    for fill in fills:
        sums[fill.at] = money.add(sums.get(fill.at, money.ZERO), fill.amount)
    return sums


async def _found(rig: PaperRig, intent: OrderIntent) -> OrderReport:
    found = await rig.gateway.find(key_of(intent))
    assert found is not None
    return found
