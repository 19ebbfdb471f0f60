"""Portfolios, at an exchange whose prices and balances the test sets."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest

from app.bus import Bus
from app.domain.order_kinds import PositionType
from app.domain.portfolio.equity_curves import EquityPoint
from app.domain.portfolio.exposures import Exposure
from app.domain.portfolio.positions import PositionKey
from app.errors import BadInput, ExchangeUnavailable, RefusalCode
from app.services.portfolio.portfolios import CurveRequest, Portfolio
from app.services.portfolio.positions import PositionFilter
from app.storage.database import Database
from tests.conftest import START, on_each_database
from tests.support.clock import ManualClock
from tests.support.services.desks import ACCOUNT, PortfolioRig

TODAY = START.replace(hour=0)
YESTERDAY = TODAY - timedelta(hours=1)
WHOLE = CurveRequest(since=None, until=None, points=200)


@pytest.fixture
async def house(database: Database, bus: Bus, clock: ManualClock) -> PortfolioRig:
    return await PortfolioRig(database, bus, clock).open()


def codes(portfolio: Portfolio) -> list[tuple[str, str]]:
    return [(problem.subject, problem.code) for problem in portfolio.problems]


def points(*equities: int) -> list[EquityPoint]:
    """Points a minute apart, the last one a minute before START."""
    first = START - timedelta(minutes=len(equities))
    return [
        EquityPoint(at=first + timedelta(minutes=number), equity=Decimal(one))
        for number, one in enumerate(equities)
    ]


async def drawn(
    house: PortfolioRig, wanted: CurveRequest, currency: str | None = None
) -> Sequence[int]:
    async with house.view(currency) as view:
        found = await house.portfolios.read(view, house.account, currency)
        return [int(one.equity) for one in await house.portfolios.curve(view, found, wanted)]


@on_each_database
async def test_what_was_bought_is_worth_its_price_and_what_was_sold_has_earned(
    house: PortfolioRig,
) -> None:
    await house.trade("0.1", "50000")
    await house.trade("-0.04", "52000")
    house.desk.prices["BTC/USDT"] = "51000"
    found = await house.read()
    assert (found.currency, found.cash) == ("USDT", Decimal(7078))
    assert found.equity == Decimal(7078) + Decimal("0.06") * 51000
    assert found.unrealized == Decimal("0.06") * 1000
    assert found.realized == found.realized_today == Decimal("0.04") * 2000 - 2
    # Starting cash plus unrealized and realized profit equals the equity.
    assert found.equity == Decimal(10000) + found.unrealized + found.realized
    assert found.problems == []


async def test_what_the_exchange_keeps_counts_with_what_it_has_gained(house: PortfolioRig) -> None:
    short = Exposure(
        symbol="BTC/USDT",
        type=PositionType.MARGIN,
        amount=Decimal("-0.1"),
        entry_price=Decimal(52000),
    )
    house.desk.kept = [short]
    found = await house.read()
    assert (found.unrealized, found.equity) == (Decimal(200), Decimal(10200))
    assert codes(found) == [("BTC/USDT", "FROM_OUTSIDE")]
    house.desk.kept = [replace(short, entry_price=None)]
    found = await house.read()
    assert (found.unrealized, found.equity) == (Decimal(0), Decimal(10000))


async def test_positions_are_not_asked_for_where_the_exchange_keeps_none(
    house: PortfolioRig,
) -> None:
    await house.read()
    assert house.desk.exposures_asked == 0


async def test_everything_can_be_told_in_what_markets_lead_to(house: PortfolioRig) -> None:
    house.desk.prices |= {"BTC/EUR": "40000", "ETH/BTC": "0.05"}
    house.desk.held = {"USDT": "25000", "ETH": "2", "EUR": "4000"}
    in_euros = await house.read("EUR")
    assert in_euros.equity == Decimal(20000 + 4000 + 4000)
    assert in_euros.cash == Decimal(4000)
    in_ether = await house.read("ETH")
    assert in_ether.equity == Decimal(10 + 2 + 2)
    assert ("EUR", "TODAYS_RATE") in codes(in_euros)


@pytest.mark.parametrize("currency", ["DOGE", "usdt", "", "BTC/USDT"])
async def test_a_currency_that_no_market_leads_to_is_refused_with_those_that_can_be(
    house: PortfolioRig, currency: str
) -> None:
    with pytest.raises(BadInput, match="it may be USDT, BTC") as refused:
        await house.read(currency)
    assert (refused.value.field, refused.value.reason) == (
        ("currency",), RefusalCode.INVALID_INPUT,
    )  # fmt: skip


async def test_a_market_that_is_new_leads_somewhere_at_once(house: PortfolioRig) -> None:
    with pytest.raises(BadInput):
        await house.read("EUR")
    assert (await house.read("BTC")).equity == Decimal("0.2")
    house.desk.prices |= {"BTC/EUR": "40000", "ETH/BTC": "0.05"}
    house.desk.held["ETH"] = "2"
    assert (await house.read("EUR")).equity == Decimal(12000)
    assert (await house.read("BTC")).equity == Decimal("0.3")


async def test_what_has_no_price_is_a_problem_and_the_rest_stands(house: PortfolioRig) -> None:
    await house.write(*points(20000, 15000))
    house.desk.prices["ETH/USDT"] = "3000"
    house.desk.held = {"USDT": "100", "BTC": "0.1", "ETH": "3", "DOGE": "9"}
    house.desk.silent = {"ETH/USDT"}
    found = await house.read()
    assert found.equity == Decimal(5100)
    assert [(one.asset, one.value) for one in found.worths][-2:] == [("DOGE", None), ("ETH", None)]
    assert {("ETH/USDT", "EXCHANGE_UNAVAILABLE"), ("DOGE", "UNKNOWN_SYMBOL")} <= set(codes(found))


async def test_a_price_that_is_missing_is_no_loss(house: PortfolioRig) -> None:
    """The drawdown is the last recorded one, and a problem says so."""
    await house.write(*points(20000, 15000))
    house.desk.held = {"BTC": "0.4"}
    assert (await house.read()).drawdown_percent == 0
    house.desk.silent = {"BTC/USDT"}
    found = await house.read()
    assert (found.equity, found.drawdown_percent) == (Decimal(0), Decimal(25))
    assert ("drawdownPercent", "INCOMPLETE") in codes(found)


async def test_an_old_price_counts_and_is_named(house: PortfolioRig) -> None:
    house.desk.held = {"BTC": "0.4"}
    house.desk.stale = {"BTC/USDT"}
    found = await house.read()
    assert found.equity == Decimal(20000)
    assert ("BTC/USDT", "STALE_PRICE") in codes(found)


async def test_drawdown_is_from_the_highest_record(house: PortfolioRig) -> None:
    await house.write(*points(10000, 12500, 9000))
    assert (await house.read()).drawdown_percent == Decimal(20)
    # It is the same in every currency.
    assert (await house.read("BTC")).drawdown_percent == Decimal(20)


async def test_an_exchange_that_does_not_say_what_is_held_leaves_nothing_to_tell(
    house: PortfolioRig, clock: ManualClock
) -> None:
    house.desk.is_away = True
    with pytest.raises(ExchangeUnavailable):
        await house.read()


@on_each_database
async def test_what_was_realized_today_began_at_midnight(house: PortfolioRig) -> None:
    await house.trade("0.2", "50000", at=YESTERDAY)
    await house.trade("-0.1", "51000", at=TODAY - timedelta(milliseconds=1))
    await house.trade("-0.1", "52000", at=TODAY)
    found = await house.read()
    assert found.realized == Decimal(99 + 199 - 1)
    assert found.realized_today == Decimal(199)


@on_each_database
async def test_what_was_made_of_many_fills_is_read_in_parts(house: PortfolioRig) -> None:
    house.desk.prices["ETH/BTC"] = "0.05"
    for number in range(5):
        await house.trade("0.01", str(50000 + number), at=YESTERDAY)
    await house.trade("0.01", "60000", at=TODAY)
    await house.trade("1", "0.05", symbol="ETH/BTC", at=YESTERDAY)
    key = PositionKey(account=ACCOUNT, symbol="BTC/USDT", type=PositionType.SPOT)
    async with house.view() as view:
        parts = [part async for part in view.fills_behind(key, TODAY, size=2)]
    assert [len(part) for part in parts] == [2, 2, 1]
    assert [int(fill.price) for part in parts for fill in part] == [*range(50000, 50005)]


async def test_a_fill_of_yesterday_that_comes_late_counts_as_of_yesterday(
    house: PortfolioRig,
) -> None:
    await house.trade("0.3", "50000", at=YESTERDAY)
    await house.trade("-0.1", "52000", at=TODAY)
    assert (await house.read()).realized_today == Decimal(199)
    await house.trade("-0.1", "60000", at=YESTERDAY)
    found = await house.read()
    assert found.realized == Decimal(199 + 999 - 1)
    assert found.realized_today == Decimal(199)


async def test_the_next_day_begins_with_nothing_realized(
    house: PortfolioRig, clock: ManualClock
) -> None:
    await house.trade("0.1", "50000")
    await house.trade("-0.1", "52000")
    await clock.advance(11 * 3600)
    assert (await house.read()).realized_today == Decimal(198)
    await clock.advance(3600)
    found = await house.read()
    assert (found.realized_today, found.realized) == (Decimal(0), Decimal(198))


async def test_a_curve_has_the_points_that_were_asked_for(house: PortfolioRig) -> None:
    await house.write(*points(10, 20, 30, 40, 50))
    assert await drawn(house, WHOLE) == [10, 20, 30, 40, 50]
    some = CurveRequest(
        since=START - timedelta(minutes=4), until=START - timedelta(minutes=1), points=200
    )
    assert await drawn(house, some) == [20, 30, 40]
    assert await drawn(house, CurveRequest(since=None, until=None, points=2)) == [10, 50]


async def test_a_curve_in_another_currency_is_told_at_todays_rate(house: PortfolioRig) -> None:
    await house.write(*points(100000, 150000))
    assert await drawn(house, WHOLE, "BTC") == [2, 3]


@pytest.mark.parametrize(
    ("wanted", "field"),
    [
        (CurveRequest(since=START + timedelta(seconds=1), until=None, points=5), "since"),
        (CurveRequest(since=START, until=START, points=5), "until"),
        (CurveRequest(since=START, until=YESTERDAY, points=5), "until"),
        (CurveRequest(since=None, until=None, points=0), "points"),
        (CurveRequest(since=None, until=None, points=1_000_000), "points"),
    ],
)
async def test_a_curve_that_cannot_be_is_refused(
    house: PortfolioRig, wanted: CurveRequest, field: str
) -> None:
    with pytest.raises(BadInput) as refused:
        await drawn(house, wanted)
    assert (refused.value.field, refused.value.reason) == ((field,), RefusalCode.INVALID_INPUT)


@on_each_database
async def test_performance_counts_the_trades_and_fees_since_then(
    house: PortfolioRig, clock: ManualClock
) -> None:
    house.desk.prices["ETH/BTC"] = "0.05"
    await house.trade("0.1", "50000")
    await house.trade("-0.1", "52000")
    await clock.advance(60)
    since = clock.now()
    await house.trade("1", "0.05", symbol="ETH/BTC")
    await house.trade("-1", "0.01", symbol="ETH/BTC")
    await house.write(*points(100, 80))
    async with house.view() as view:
        found = await house.portfolios.read(view, house.account, None)
        whole = await house.portfolios.performance(view, found, None)
        recent = await house.portfolios.performance(view, found, since)
    assert (whole.trades, whole.wins, whole.losses) == (2, 1, 1)
    assert whole.average_win == Decimal(198)
    assert whole.average_loss == Decimal("-2.04") * 50000
    assert (whole.fees, recent.fees) == (Decimal(2 + 2 * 50000), Decimal(2 * 50000))
    assert (recent.trades, recent.wins, recent.losses) == (1, 0, 1)
    assert (whole.max_drawdown_percent, recent.max_drawdown_percent) == (Decimal(20), Decimal(0))


async def test_performance_of_the_future_is_refused(house: PortfolioRig) -> None:
    async with house.view() as view:
        found = await house.portfolios.read(view, house.account, None)
        with pytest.raises(BadInput, match="since lies in the future"):
            await house.portfolios.performance(view, found, START + timedelta(seconds=1))


async def test_a_trade_of_which_only_dust_is_left_is_closed(
    house: PortfolioRig, clock: ManualClock
) -> None:
    await house.trade("0.1", "50000")
    await house.trade("-0.099995", "52000")
    house.desk.held = {"USDT": "10000", "BTC": "0.000005"}
    async with house.view() as view:
        found = await house.portfolios.read(view, house.account, None)
        performance = await house.portfolios.performance(view, found, None)
        later = clock.now() + timedelta(microseconds=1)
        clock.step(wall=1)
        since = await house.portfolios.performance(view, found, later)
        [held] = (await house.positions.read(view, PositionFilter())).nodes
    assert held.is_dust
    assert found.dust == Decimal("0.000005") * 50000
    assert (performance.trades, performance.wins) == (1, 1)
    assert since.trades == 0


async def test_a_position_that_can_be_traded_is_no_dust(house: PortfolioRig) -> None:
    await house.trade("0.1", "50000")
    house.desk.held = {"USDT": "10000", "BTC": "0.1"}
    async with house.view() as view:
        found = await house.portfolios.read(view, house.account, None)
        performance = await house.portfolios.performance(view, found, None)
    assert (found.dust, performance.trades) == (Decimal(0), 0)


@pytest.mark.parametrize(
    ("there", "own"),
    [("0.1", "0.1"), ("0.3", "0.1"), ("0.06", "0.06"), ("0", "0")],
)
async def test_only_what_was_traded_here_and_is_still_there_is_our_own(
    house: PortfolioRig, there: str, own: str
) -> None:
    await house.trade("0.1", "50000")
    house.desk.held = {"USDT": "10000", "BTC": there}
    nodes = (await house.read_positions()).nodes
    assert [node.own_amount for node in nodes] == ([Decimal(own)] if Decimal(there) else [])


async def test_nothing_of_a_deposit_is_our_own(house: PortfolioRig) -> None:
    house.desk.held = {"USDT": "10000", "BTC": "2"}
    [node] = (await house.read_positions()).nodes
    assert (node.amount, node.own_amount) == (Decimal(2), Decimal(0))
