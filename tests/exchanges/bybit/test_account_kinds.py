"""A classic account of Bybit takes the amount of a market buy for money: none is placed there."""

from collections.abc import AsyncIterator
from decimal import Decimal

import pytest

from app.domain.order_kinds import OrderSide, TimeInForce
from app.domain.orders.order import OrderStatus
from app.errors import RefusalCode
from tests.exchanges.conftest import START
from tests.support.clock import ManualClock
from tests.support.exchanges.at.bybit import BybitRig, trading
from tests.support.exchanges.rigs import (
    a_limit,
    an_intent,
    is_rejected,
    settled,
    ticker_of,
)
from tests.support.exchanges.venue_rigs import trading_at
from tests.support.venues.bybit.venue import Venue
from tests.support.venues.engine.accounts import Account
from tests.support.venues.engine.digits import Number


class ClassicVenue(Venue):
    """Every account that is opened is a classic one."""

    def open_account(self, name: str, **balances: Number) -> Account:
        account = super().open_account(name, **balances)
        self.make_classic(account)
        return account


@pytest.fixture
async def classic() -> AsyncIterator[BybitRig]:
    clock = ManualClock(START)
    venue: Venue = ClassicVenue(clock)
    async with trading_at(venue, clock) as rig:
        yield rig


async def test_a_market_buy_on_a_classic_account_is_refused_before_it_is_sent(
    classic: BybitRig,
) -> None:
    refusal = await is_rejected(classic, an_intent(), RefusalCode.UNSUPPORTED)
    assert refusal.field == ("type",)
    assert "classic" in refusal.message
    assert "LIMIT" in refusal.message
    assert classic.venue.journal.sent_orders() == []


async def test_everything_else_is_placed_on_a_classic_account_as_it_is_meant(
    classic: BybitRig,
) -> None:
    amount = Decimal("0.01")
    sold = await settled(classic, an_intent(side=OrderSide.SELL, amount=amount))
    assert (sold.status, sold.filled) == (OrderStatus.FILLED, amount)
    ask = (await ticker_of(classic.gateway)).ask
    assert ask is not None
    buying = a_limit(ask, amount=amount, time_in_force=TimeInForce.IOC)
    bought = await settled(classic, buying)
    assert (bought.status, bought.filled) == (OrderStatus.FILLED, amount)
    balances = await classic.gateway.balances()
    assert balances["BTC"].free == Decimal(2)


async def test_the_account_check_says_what_a_classic_account_cannot_do(
    classic: BybitRig,
) -> None:
    check = await classic.gateway.examine()
    assert check.can_trade is True
    [problem] = check.problems
    assert "MARKET BUY" in problem
    assert "unified" in problem


async def test_a_unified_account_buys_the_amount_that_is_meant() -> None:
    async with trading(ManualClock(START)) as desk:
        assert (await desk.gateway.examine()).problems == ()
        bought = await settled(desk, an_intent(symbol="ETH/BTC", amount=Decimal("0.5")))
        assert (bought.status, bought.filled) == (OrderStatus.FILLED, Decimal("0.5"))
        assert bought.cost == Decimal("0.025")


@pytest.mark.parametrize(
    ("can_trade", "can_withdraw", "is_bound"), [(True, False, True), (False, True, False)]
)
async def test_what_the_key_may_do_is_read(
    *, can_trade: bool, can_withdraw: bool, is_bound: bool
) -> None:
    async with trading(ManualClock(START)) as desk:
        desk.account.can_trade, desk.account.can_withdraw = can_trade, can_withdraw
        desk.account.is_ip_bound = is_bound
        check = await desk.gateway.examine()
        assert (check.can_trade, check.can_withdraw) == (can_trade, can_withdraw)
        assert check.key_is_ip_bound is is_bound
