from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import money
from app.domain.markets.markets import FeeRates
from app.domain.markets.order_books import BookLevel
from app.domain.order_kinds import OrderSide, OrderType, TimeInForce
from app.domain.orders.order import OrderStatus
from app.domain.orders.terms import AmendableTerms, OrderTerms
from app.domain.paper_ledger import PaperBalance, PaperOrder
from app.errors import ExchangeRejected, RefusalCode
from app.exchanges.paper.account.crossing import is_due
from app.exchanges.paper.account.matching import Matching, Outcome, SpendingLimit
from tests.support.makers import changed

_AT = datetime(2025, 6, 1, tzinfo=UTC)
_SMALL = Decimal("1e-12")
_LATER = datetime(2025, 6, 2, tzinfo=UTC)
_STEP = Decimal("0.00001")
_MATCHING = Matching(
    rates=FeeRates(maker=Decimal("0.0008"), taker=Decimal("0.001"), is_in_quote=True),
)
_FUNDS = {
    "BTC": PaperBalance(asset="BTC", free=Decimal(100), used=Decimal(0)),
    "USDT": PaperBalance(asset="USDT", free=Decimal(1_000_000), used=Decimal(0)),
}
_THREE_LEVELS = tuple(
    BookLevel(price=Decimal(price), amount=Decimal(amount))
    for price, amount in ((100, 1), (101, 2), (103, 4))
)
_ORDER = PaperOrder(
    number=1,
    wire_id="w1",
    symbol="BTC/USDT",
    terms=OrderTerms(
        side=OrderSide.BUY, type=OrderType.LIMIT, amount=Decimal(5), price=Decimal(101)
    ),
    status=OrderStatus.SUBMITTING,
    filled=Decimal(0),
    reserved=Decimal(0),
    created_at=_AT,
    updated_at=_AT,
)


def _settled(outcome: Outcome) -> dict[str, PaperBalance]:
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
    outcome = _MATCHING.arrive(changed(_ORDER, time_in_force=time_in_force), _THREE_LEVELS)
    assert (outcome.order.status, outcome.order.filled) == (OrderStatus.EXPIRED, filled)
    assert outcome.order.reserved == 0
    assert _settled(outcome)["BTC"].free == 100 + filled
    assert _settled(outcome)["USDT"].used == 0


def test_a_market_order_that_empties_the_levels_expires_with_what_it_got() -> None:
    order = changed(_ORDER, type=OrderType.MARKET, price=None, amount=Decimal(10))
    outcome = _MATCHING.arrive(order, _THREE_LEVELS)
    assert (outcome.order.status, outcome.order.filled) == (OrderStatus.EXPIRED, Decimal(7))


def test_a_waiting_order_is_a_maker_at_its_own_price_and_frees_the_rest() -> None:
    waiting = _MATCHING.arrive(_ORDER, []).order
    balances = _MATCHING.settle(_FUNDS, _MATCHING.arrive(_ORDER, []))
    outcome = _MATCHING.trade_through(waiting, waiting.amount, _LATER)
    (execution,) = outcome.executions
    assert (execution.price, execution.amount, execution.at) == (Decimal(101), Decimal(5), _LATER)
    assert execution.is_maker
    assert execution.fee.amount == 505 * Decimal("0.0008")
    quote = _MATCHING.settle(balances, outcome)["USDT"]
    assert quote.free == 1_000_000 - 505 * Decimal("1.0008")
    assert quote.used == 0


def test_a_sell_pays_its_fee_from_what_it_brings() -> None:
    order = changed(_ORDER, side=OrderSide.SELL, price=Decimal(90))
    outcome = _MATCHING.arrive(order, [BookLevel(price=Decimal(95), amount=Decimal(9))])
    after = _settled(outcome)
    assert after["BTC"].free == 95
    assert after["USDT"].free == 1_000_000 + 475 * Decimal("0.999")


@pytest.mark.parametrize(("side", "through"), [(OrderSide.BUY, 100), (OrderSide.SELL, 102)])
def test_a_price_at_the_limit_does_not_go_through_it(side: OrderSide, through: int) -> None:
    order = changed(_ORDER, side=side)
    assert not is_due(order, Decimal(101))
    assert not is_due(order, Decimal(202 - through))
    assert is_due(order, Decimal(through))


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
    changed,
    st.just(_ORDER),
    side=st.sampled_from(OrderSide),
    time_in_force=st.sampled_from([TimeInForce.GTC, TimeInForce.IOC, TimeInForce.FOK]),
    amount=amounts,
    price=prices,
)
levels = st.lists(st.builds(BookLevel, price=prices, amount=amounts), max_size=4)


@given(orders, levels, st.integers(0, 3))
def test_no_rounding_and_no_money_from_nowhere_whatever_is_matched(
    order: PaperOrder, levels: list[BookLevel], parts: int
) -> None:
    rich = {asset: replace(one, free=Decimal("1e30")) for asset, one in _FUNDS.items()}
    arrived = _MATCHING.arrive(order, levels)
    outcomes = [arrived]
    if arrived.order.status.is_open:
        outcomes += _traded_in_parts(arrived.order, parts)
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


def _traded_in_parts(order: PaperOrder, parts: int) -> list[Outcome]:
    """Filled in some parts, or canceled where there are none."""
    outcomes = []
    for part in range(parts):
        is_last = part == parts - 1
        amount = order.remaining if is_last else money.multiply(order.remaining, Decimal("0.5"))
        outcomes.append(_MATCHING.trade_through(order, amount, _LATER))
        order = outcomes[-1].order
    return outcomes or [_MATCHING.cancel(order, _LATER)]


def test_a_waiting_order_fills_in_parts_and_reserves_for_the_rest() -> None:
    waiting = _MATCHING.arrive(_ORDER, []).order
    part = _MATCHING.trade_through(waiting, Decimal(2), _LATER).order
    assert (part.status, part.filled) == (OrderStatus.PARTIALLY_FILLED, Decimal(2))
    assert part.reserved == 3 * 101 * Decimal("1.001")
    whole = _MATCHING.trade_through(part, Decimal(3), _LATER).order
    assert (whole.status, whole.reserved) == (OrderStatus.FILLED, Decimal(0))


def _a_stop(**changes: Any) -> PaperOrder:
    stop = changed(
        _ORDER, type=OrderType.STOP_MARKET, price=None, trigger_price=Decimal(100), **changes
    )
    return _MATCHING.place(stop, []).order


def test_a_triggered_buy_spends_what_is_free_and_expires_with_the_rest() -> None:
    stop = _a_stop(amount=Decimal(3))
    assert stop.reserved == 300 * Decimal("1.001")
    enough = _MATCHING.trigger(stop, _THREE_LEVELS, _purse("2.002"), _LATER)
    assert (enough.order.status, enough.order.triggered_at) == (OrderStatus.FILLED, _LATER)
    short = _MATCHING.trigger(stop, _THREE_LEVELS, _purse("2.001"), _LATER)
    assert (short.order.status, short.order.filled) == (OrderStatus.EXPIRED, Decimal("2.99999"))
    assert short.order.refusal is not None
    assert short.order.refusal.code is RefusalCode.INSUFFICIENT_FUNDS
    assert short.order.reserved == 0


@pytest.mark.parametrize("side", OrderSide)
def test_a_triggered_order_that_empties_the_book_expires_with_the_rest(side: OrderSide) -> None:
    stop = _a_stop(amount=Decimal(10), side=side)
    outcome = _MATCHING.trigger(stop, _THREE_LEVELS, _purse(10_000), _LATER)
    assert (outcome.order.status, outcome.order.filled) == (OrderStatus.EXPIRED, Decimal(7))
    assert outcome.order.refusal is not None
    assert outcome.order.refusal.code is RefusalCode.REJECTED_BY_EXCHANGE
    assert "7 of 10" in outcome.order.refusal.message


@pytest.mark.parametrize(
    ("time_in_force", "status", "filled"),
    [
        (TimeInForce.GTC, OrderStatus.PARTIALLY_FILLED, 3),
        (TimeInForce.IOC, OrderStatus.EXPIRED, 3),
        (TimeInForce.FOK, OrderStatus.EXPIRED, 0),
        (TimeInForce.POST_ONLY, OrderStatus.EXPIRED, 0),
    ],
)
def test_a_triggered_limit_arrives_like_any_other(
    time_in_force: TimeInForce, status: OrderStatus, filled: int
) -> None:
    stop = changed(_ORDER, type=OrderType.STOP_LIMIT, trigger_price=Decimal(100))
    waiting = _MATCHING.place(changed(stop, time_in_force=time_in_force), []).order
    outcome = _MATCHING.trigger(waiting, _THREE_LEVELS, _purse(0), _LATER)
    assert (outcome.order.status, outcome.order.filled) == (status, Decimal(filled))
    assert (outcome.order.refusal is not None) == (status is OrderStatus.EXPIRED)
    rest = (5 - filled) * 101 * Decimal("1.001") if outcome.order.waits else 0
    assert outcome.order.reserved == rest


@given(few_steps, few_steps, st.integers(0, 10**6))
def test_a_triggered_buy_never_spends_more_than_there_is(
    amount: int, price: int, free: int
) -> None:
    stop = _a_stop(amount=money.multiply(Decimal(amount), _STEP))
    levels = [BookLevel(price=Decimal(price), amount=stop.amount)]
    outcome = _MATCHING.trigger(stop, levels, _purse(money.multiply(Decimal(free), _SMALL)), _LATER)
    exact = PaperBalance(
        asset="USDT", free=money.multiply(Decimal(free), _SMALL), used=outcome.before.reserved
    )
    assert _MATCHING.settle({**_FUNDS, "USDT": exact}, outcome)["USDT"].free >= 0
    left = money.total([exact.free, exact.used, *(-one.cost for one in outcome.executions)])
    step_cost = money.multiply(_STEP, Decimal(price)) * Decimal("1.001")
    is_whole = outcome.order.status is OrderStatus.FILLED
    assert is_whole or left < step_cost + money.total(one.fee.amount for one in outcome.executions)


def test_an_order_amended_down_to_what_is_filled_closes_as_canceled() -> None:
    part = _MATCHING.arrive(_ORDER, _THREE_LEVELS).order
    wanted = AmendableTerms(amount=Decimal(3), price=part.price, trigger_price=None)
    closed = _MATCHING.amend(part, wanted, [], _LATER).order
    assert (closed.status, closed.amount) == (OrderStatus.CANCELED, closed.filled)
    assert (closed.reserved, closed.amendments) == (Decimal(0), 1)


def test_an_order_amended_at_its_price_keeps_its_place_and_takes_nothing() -> None:
    waiting = _MATCHING.arrive(_ORDER, []).order
    wanted = AmendableTerms(amount=Decimal(6), price=waiting.price, trigger_price=None)
    outcome = _MATCHING.amend(waiting, wanted, _THREE_LEVELS, _LATER)
    assert (outcome.executions, outcome.order.reserved) == ((), 606 * Decimal("1.001"))


def _purse(free: Decimal | int | str) -> SpendingLimit:
    return SpendingLimit(free=Decimal(free), amount_step=_STEP)


def _all_of(balance: PaperBalance) -> Decimal:
    return money.add(balance.free, balance.used)
