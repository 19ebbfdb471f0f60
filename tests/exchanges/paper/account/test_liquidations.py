"""A liquidation that falls due while nobody looks, at prices that can be worked out."""

from decimal import Decimal

import pytest

from app.domain import money
from app.domain.accounts import Balance
from app.domain.order_kinds import OrderSide, OrderType, PositionType
from app.domain.orders.order import OrderStatus
from app.domain.orders.reports import OrderIntent, OrderReport
from app.exchanges.paper.account.resting_orders import CATCH_UP_TICKS
from app.exchanges.paper.prices.price_path import tick_of, time_of
from app.exchanges.paper.prices.simulated_markets import SimulatedMarkets
from tests.conftest import on_each_database
from tests.exchanges.conftest import START
from tests.support.exchanges.rigs import TERMS, PaperRig, an_intent, key_of

_ETHER = "ETH/USDT"
_VENUE = SimulatedMarkets(TERMS)
# After so long the price is about to get where all is lost.
_MINUTES = 5_330


async def _opened(rig: PaperRig) -> OrderReport:
    intent = an_intent(
        symbol=_ETHER,
        side=OrderSide.SELL,
        amount=Decimal(18),
        position_type=PositionType.MARGIN,
        leverage=Decimal(5),
    )
    return await rig.gateway.submit(intent)


async def _due(rig: PaperRig, opened: OrderReport) -> int:
    """The first tick from now on, one by one, at which a short is not secured any more."""
    assert opened.cost is not None
    quote = await _quote(rig)
    total = money.add(quote.free, quote.used)
    now = tick_of(rig.clock.now())
    for tick in range(now, now + CATCH_UP_TICKS):
        owed = _VENUE.last(_ETHER, tick) * 18
        if total + opened.cost <= Decimal("1.10") * owed:
            return tick
    raise AssertionError


async def _quote(rig: PaperRig) -> Balance:
    return (await rig.gateway.balances())["USDT"]


def _waiting() -> OrderIntent:
    return an_intent(
        symbol=_ETHER,
        type=OrderType.LIMIT,
        price=Decimal(2_000),
        amount=Decimal("0.01"),
        position_type=PositionType.MARGIN,
    )


@on_each_database
@pytest.mark.parametrize("looks", [1, 7])
async def test_it_is_made_up_for_at_its_very_tick_however_often_the_process_was_killed(
    paper: PaperRig, looks: int
) -> None:
    opened, waiting = await _opened(paper), _waiting()
    await paper.gateway.submit(waiting)
    await paper.clock.advance(_MINUTES * 60)
    assert await paper.gateway.closed_orders(START, []) == []
    due = await _due(paper, opened)
    rest = (time_of(due + 20) - paper.clock.now()).total_seconds()
    for _ in range(looks):
        await paper.clock.advance(rest / looks)
        closed = await paper.restarted().gateway.closed_orders(START, [])
    [liquidation] = closed
    assert (liquidation.at, liquidation.status) == (time_of(due), OrderStatus.FILLED)
    assert liquidation.fills[0].price == _VENUE.quote(_ETHER, due).ask
    assert {fill.at for fill in liquidation.fills} == {time_of(due)}
    ended = await paper.gateway.find(key_of(waiting))
    assert ended is not None
    assert (ended.status, ended.at) == (OrderStatus.EXPIRED, time_of(due))
    left = await _quote(paper)
    assert opened.cost is not None
    assert liquidation.cost is not None
    fees = [fill.fee.amount for one in (opened, liquidation) for fill in one.fills if fill.fee]
    assert left.free == 10_000 + opened.cost - liquidation.cost - money.total(fees)
    assert left.used == 0
