from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import money
from app.domain.accounts import Balance
from app.domain.orders import OrderSide, OrderStatus, OrderType, TimeInForce
from app.domain.paper import PaperOrder
from app.errors import ExchangeRejected
from app.exchanges.paper.matching import FeeRates, Level, Matching, Outcome, is_beyond

_AT = datetime(2025, 6, 1, tzinfo=UTC)
_SMALL = Decimal("1e-12")
_LATER = datetime(2025, 6, 2, tzinfo=UTC)
_MATCHING = Matching(
    base="BTC", quote="USDT", rates=FeeRates(maker=Decimal("0.0008"), taker=Decimal("0.001"))
)
_FUNDS = {
    "BTC": Balance(asset="BTC", free=Decimal(100), used=Decimal(0)),
    "USDT": Balance(asset="USDT", free=Decimal(1_000_000), used=Decimal(0)),
}
_THREE_LEVELS = tuple(
    Level(price=Decimal(price), amount=Decimal(amount))
    for price, amount in ((100, 1), (101, 2), (103, 4))
)
_ORDER = PaperOrder(
    number=1,
    wire_id="w1",
    symbol="BTC/USDT",
    side=OrderSide.BUY,
    type=OrderType.LIMIT,
    time_in_force=TimeInForce.GTC,
    reduce_only=False,
    amount=Decimal(5),
    price=Decimal(101),
    trigger_price=None,
    status=OrderStatus.SUBMITTING,
    filled=Decimal(0),
    reserved=Decimal(0),
    created_at=_AT,
    updated_at=_AT,
)


def _settled(outcome: Outcome) -> dict[str, Balance]:
    return {**_FUNDS, **_MATCHING.settle(_FUNDS, outcome)}


def test_a_limit_takes_level_by_level_and_rests_with_what_is_left() -> None:
    outcome = _MATCHING.arrive(_ORDER, _THREE_LEVELS)
    taken = [(one.price, one.amount) for one in outcome.executions]
    assert taken == [(Decimal(100), Decimal(1)), (Decimal(101), Decimal(2))]
    assert (outcome.order.status, outcome.order.filled) == (
        OrderStatus.PARTIALLY_FILLED,
        Decimal(3),
    )
    assert outcome.order.reserved == Decimal(2) * 101 * Decimal("1.001")
    quote = _settled(outcome)["USDT"]
    assert quote.used == outcome.order.reserved
    assert quote.free == 1_000_000 - 302 * Decimal("1.001") - outcome.order.reserved


@pytest.mark.parametrize(
    ("time_in_force", "filled"), [(TimeInForce.IOC, Decimal(3)), (TimeInForce.FOK, Decimal(0))]
)
def test_what_may_not_wait_expires_with_what_it_got(
    time_in_force: TimeInForce, filled: Decimal
) -> None:
    outcome = _MATCHING.arrive(replace(_ORDER, time_in_force=time_in_force), _THREE_LEVELS)
    assert (outcome.order.status, outcome.order.filled) == (OrderStatus.EXPIRED, filled)
    assert outcome.order.reserved == 0
    assert _settled(outcome)["BTC"].free == 100 + filled
    assert _settled(outcome)["USDT"].used == 0


def test_a_market_order_that_empties_the_levels_expires_with_what_it_got() -> None:
    order = replace(_ORDER, type=OrderType.MARKET, price=None, amount=Decimal(10))
    outcome = _MATCHING.arrive(order, _THREE_LEVELS)
    assert (outcome.order.status, outcome.order.filled) == (OrderStatus.EXPIRED, Decimal(7))


def test_a_waiting_order_is_a_maker_at_its_own_price_and_frees_the_rest() -> None:
    waiting = _MATCHING.arrive(_ORDER, []).order
    balances = _MATCHING.settle(_FUNDS, _MATCHING.arrive(_ORDER, []))
    outcome = _MATCHING.trade_through(waiting, _LATER)
    (execution,) = outcome.executions
    assert (execution.price, execution.amount, execution.at) == (Decimal(101), Decimal(5), _LATER)
    assert execution.is_maker
    assert execution.fee.amount == 505 * Decimal("0.0008")
    quote = _MATCHING.settle(balances, outcome)["USDT"]
    assert quote.free == 1_000_000 - 505 * Decimal("1.0008")
    assert quote.used == 0


def test_a_sell_pays_its_fee_from_what_it_brings() -> None:
    order = replace(_ORDER, side=OrderSide.SELL, price=Decimal(90))
    outcome = _MATCHING.arrive(order, [Level(price=Decimal(95))])
    after = _settled(outcome)
    assert after["BTC"].free == 95
    assert after["USDT"].free == 1_000_000 + 475 * Decimal("0.999")


@pytest.mark.parametrize(("side", "through"), [(OrderSide.BUY, 100), (OrderSide.SELL, 102)])
def test_a_price_at_the_limit_does_not_go_through_it(side: OrderSide, through: int) -> None:
    order = replace(_ORDER, side=side)
    assert not is_beyond(order, Decimal(101))
    assert not is_beyond(order, Decimal(202 - through))
    assert is_beyond(order, Decimal(through))


def test_the_last_cent_can_be_spent_and_not_one_more() -> None:
    outcome = _MATCHING.arrive(_ORDER, [])
    exact = {**_FUNDS, "USDT": replace(_FUNDS["USDT"], free=outcome.order.reserved)}
    assert _MATCHING.settle(exact, outcome)["USDT"].free == 0
    less = money.subtract(outcome.order.reserved, Decimal("1e-18"))
    short = {**_FUNDS, "USDT": replace(_FUNDS["USDT"], free=less)}
    with pytest.raises(ExchangeRejected, match="INSUFFICIENT_FUNDS"):
        _MATCHING.settle(short, outcome)


# Many digits more often than not: 28 is where plain decimals begin to round.
few_steps, many_steps = st.integers(1, 1_000), st.integers(10**17, 10**18)
amounts = (few_steps | many_steps).map(lambda steps: money.multiply(Decimal(steps), _SMALL))
prices = (few_steps | many_steps).map(lambda steps: money.multiply(Decimal(steps), _SMALL))
orders = st.builds(
    replace,
    st.just(_ORDER),
    side=st.sampled_from(OrderSide),
    time_in_force=st.sampled_from([TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK]),
    amount=amounts,
    price=prices,
)
levels = st.lists(st.builds(Level, price=prices, amount=amounts | st.none()), max_size=4)


@given(orders, levels, st.booleans())
def test_no_rounding_and_no_money_from_nowhere_whatever_is_matched(
    order: PaperOrder, levels: list[Level], is_canceled: bool
) -> None:
    rich = {asset: replace(one, free=Decimal("1e30")) for asset, one in _FUNDS.items()}
    arrived = _MATCHING.arrive(order, levels)
    outcomes = [arrived]
    if arrived.order.status.is_open:
        end = _MATCHING.cancel if is_canceled else _MATCHING.trade_through
        outcomes.append(end(arrived.order, _LATER))
    balances = dict(rich)
    for outcome in outcomes:
        balances |= _MATCHING.settle(balances, outcome)
        held = "USDT" if order.side is OrderSide.BUY else "BTC"
        assert balances[held].used == outcome.order.reserved
    executions = [execution for outcome in outcomes for execution in outcome.executions]
    amount = money.total(one.amount for one in executions)
    cost = money.total(money.multiply(one.price, one.amount) for one in executions)
    fees = money.total(one.fee.amount for one in executions)
    assert outcomes[-1].order.filled == amount <= order.amount
    sign = Decimal(1 if order.side is OrderSide.BUY else -1)
    got, paid = money.multiply(sign, amount), money.add(money.multiply(sign, cost), fees)
    assert _all_of(balances["BTC"]) == money.add(_all_of(rich["BTC"]), got)
    assert _all_of(balances["USDT"]) == money.subtract(_all_of(rich["USDT"]), paid)


def _all_of(balance: Balance) -> Decimal:
    return money.add(balance.free, balance.used)
