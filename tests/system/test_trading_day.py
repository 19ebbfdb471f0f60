"""A day of trading on paper, looked at as a person would who has the statement of a broker."""

import re
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest

from app.domain import money
from app.domain.order_kinds import OrderSide
from app.domain.orders.order import Order
from app.domain.portfolio.equity_curves import EquityPoint
from app.domain.portfolio.performance import Performance
from app.domain.portfolio.portfolios import allocations
from app.runtime import Parts, open_runtime
from app.services.portfolio.portfolios import Portfolio
from benchmarks.equity_plot import Plot
from benchmarks.trading_day import MINUTE, NOON, TRADES, DayClock, Moment, TradingDay, settings_in
from tests.support import loops

CASH = Decimal(10000)
FEE = Decimal("0.001")


@dataclass(frozen=True, kw_only=True, slots=True)
class Statement:
    """The whole day, and what is said at its end."""

    moments: Sequence[Moment]
    performance: Performance
    curve: Sequence[EquityPoint]
    outline: Sequence[EquityPoint]

    @property
    def orders(self) -> Sequence[Order]:
        return [order for moment in self.moments for order in moment.orders]

    @property
    def last(self) -> Portfolio:
        return self.moments[-1].portfolio

    @property
    def equities(self) -> Sequence[Decimal]:
        return [point.equity for point in self.curve]


async def traded(folder: Path) -> Statement:
    clock = DayClock(NOON - MINUTE)
    async with open_runtime(settings_in(folder), Parts(clock=clock)) as services:
        day = TradingDay(services, clock)
        moments = [moment async for moment in day.moments()]
        portfolio = await day.portfolio()
        return Statement(
            moments=moments,
            performance=await day.performance(portfolio),
            curve=await day.curve(portfolio, 2000),
            outline=await day.curve(portfolio, 12),
        )


@pytest.fixture(scope="module")
def day(sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Statement:
    folder = tmp_path_factory.mktemp("day")
    shutil.copy(sqlite_template, folder / "orderdeck.db")
    return loops.run(traded(folder))


def cost_of(orders: Sequence[Order], side: OrderSide) -> Decimal:
    """What was paid or received, with the fee in it."""
    rate = 1 + FEE if side is OrderSide.BUY else 1 - FEE
    return sum((one.cost * rate for one in orders if one.side is side), Decimal(0))


def named(day: Statement, symbol: str, hour: int, word: str) -> Order:
    name = f"{symbol.partition('/')[0]}-{hour}-{word}"
    return next(order for order in day.orders if order.client_order_id == name)


def results(day: Statement) -> list[Decimal]:
    """What each pair of buying and selling has brought, all fees paid."""
    return [
        cost_of([named(day, symbol, sold, "sell")], OrderSide.SELL)
        - cost_of([named(day, symbol, bought, "buy")], OrderSide.BUY)
        for symbol, _, bought, sold in TRADES
        if sold is not None
    ]


def test_at_every_hour_all_adds_up_to_the_last_place(day: Statement) -> None:
    orders: list[Order] = []
    for moment in day.moments:
        orders += moment.orders
        found = moment.portfolio
        paid, received = cost_of(orders, OrderSide.BUY), cost_of(orders, OrderSide.SELL)
        assert found.cash == CASH - paid + received
        assert found.equity == CASH + found.realized + found.unrealized
        assert found.equity == sum(one.value for one in found.worths if one.value is not None)
        assert sum(one.percent for one in allocations(found.worths)) == 100
        assert found.problems == []
    assert len(orders) == 2 * len(TRADES) - 1


def test_at_midnight_a_new_day_begins_with_nothing_realized(day: Statement) -> None:
    by_day = {moment.at.date(): moment.portfolio for moment in day.moments}
    evening, noon = by_day.values()
    assert evening.realized_today == evening.realized != 0
    assert noon.realized_today == noon.realized - evening.realized != 0


def test_what_was_realized_is_what_the_trades_brought_and_the_fee_of_the_last(
    day: Statement,
) -> None:
    symbol, _, bought, _ = TRADES[-1]
    still_open = named(day, symbol, bought, "buy")
    assert day.last.realized == sum(results(day)) - still_open.cost * FEE


def test_the_trades_are_counted_as_a_person_would(day: Statement) -> None:
    pairs, told = results(day), day.performance
    won, lost = [one for one in pairs if one > 0], [one for one in pairs if one < 0]
    assert (told.trades, told.wins, told.losses) == (len(pairs), len(won), len(lost))
    assert won
    assert lost
    assert told.average_win == money.divide(sum(won, Decimal(0)), Decimal(len(won)))
    assert told.average_loss == money.divide(sum(lost, Decimal(0)), Decimal(len(lost)))
    assert told.profit_factor == money.divide(sum(won, Decimal(0)), -sum(lost, Decimal(0)))
    assert told.fees == sum(order.cost * FEE for order in day.orders)
    assert told.sharpe is None


def test_the_curve_goes_through_each_trade_and_its_outline_keeps_the_extremes(
    day: Statement,
) -> None:
    assert day.equities[0] == CASH
    assert len(day.equities) >= len(day.moments) + len(day.orders)
    drawn = [point.equity for point in day.outline]
    assert len(drawn) <= 12
    assert (min(drawn), max(drawn)) == (min(day.equities), max(day.equities))
    assert (drawn[0], drawn[-1]) == (day.equities[0], day.equities[-1])


def test_the_falls_are_those_of_the_curve(day: Statement) -> None:
    peak = max(day.equities)
    falls = [
        1 - equity / max(day.equities[: number + 1]) for number, equity in enumerate(day.equities)
    ]
    assert day.performance.max_drawdown_percent == pytest.approx(100 * max(falls))
    assert day.last.drawdown_percent == pytest.approx(100 * (1 - day.last.equity / peak))


def test_the_curve_can_be_drawn_with_its_deepest_fall(day: Statement) -> None:
    drawn = Plot(points=day.curve, currency=day.last.currency).svg()
    [line] = re.findall(r'class="equity" d="M([^"]*)"', drawn)
    spots = [tuple(map(float, spot.split())) for spot in line.split("L")]
    heights = [-y for _, y in spots]
    assert len(spots) == len(day.curve)
    # As high and as low as the values are.
    assert heights.index(max(heights)) == day.equities.index(max(day.equities))
    assert heights.index(min(heights)) == day.equities.index(min(day.equities))
    assert f"{day.performance.max_drawdown_percent:.2f} % below the peak" in drawn
