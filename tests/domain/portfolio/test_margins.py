from decimal import Decimal

from hypothesis import assume, given
from hypothesis import strategies as st

from app.domain import money
from app.domain.order_kinds import OrderSide
from app.domain.portfolio.margins import (
    LIQUIDATION_LEVEL,
    MarginLevel,
    MarginPosition,
    closable,
    liquidation_price,
)
from app.domain.portfolio.positions import Holding

POSITIVE = st.integers(1, 10**9).map(lambda number: Decimal(number).scaleb(-4))
AMOUNTS = st.tuples(POSITIVE, st.booleans()).map(lambda pair: pair[0] if pair[1] else -pair[0])
LEGS = st.tuples(AMOUNTS, POSITIVE).map(
    lambda pair: MarginPosition(amount=pair[0], basis=money.multiply(*pair))
)
TINY = Decimal("1e-12")


@given(POSITIVE, st.lists(st.tuples(LEGS, POSITIVE), max_size=4))
def test_what_is_owned_less_what_is_owed_is_the_money_and_what_was_gained(
    total: Decimal, legs: list[tuple[MarginPosition, Decimal]]
) -> None:
    standing = MarginLevel.of(total, legs)
    gained = money.total(
        Holding(amount=leg.amount, basis=leg.basis).unrealized(mark) for leg, mark in legs
    )
    equity = money.subtract(standing.assets, standing.liabilities)
    assert equity == money.add(total, gained)


@given(POSITIVE, LEGS, st.lists(st.tuples(LEGS, POSITIVE), max_size=3))
def test_the_liquidation_price_is_where_the_level_is_no_longer_held(
    total: Decimal, leg: MarginPosition, others: list[tuple[MarginPosition, Decimal]]
) -> None:
    price = liquidation_price(leg, MarginLevel.of(total, others))
    assume(price is not None)
    assert price is not None
    # Where it falls for a long, and where it rises for a short.
    down = TINY if leg.amount > 0 else -TINY
    worse, better = money.subtract(price, down), money.add(price, down)
    assume(min(worse, better) > 0)
    assert MarginLevel.of(total, [*others, (leg, worse)]).is_called
    assert not MarginLevel.of(total, [*others, (leg, better)]).is_called


def test_a_position_that_no_price_can_bring_down_has_no_such_price() -> None:
    leg = MarginPosition(amount=Decimal(1), basis=Decimal(100))
    assert liquidation_price(leg, MarginLevel.of(Decimal(111), [])) is None
    assert liquidation_price(leg, MarginLevel.of(Decimal(100), [])) == Decimal(10)


def test_the_level_at_the_limit_is_called_and_nothing_owed_never_is() -> None:
    leg = MarginPosition(amount=Decimal(-1), basis=Decimal(-100))
    standing = MarginLevel.of(Decimal(10), [(leg, Decimal(100))])
    assert standing.level == LIQUIDATION_LEVEL
    assert standing.is_called
    assert not MarginLevel.of(Decimal(-10), []).is_called
    assert MarginLevel.of(Decimal(10), []).level is None


def test_only_the_other_side_closes() -> None:
    assert closable(Decimal(2), OrderSide.SELL) == closable(Decimal(-2), OrderSide.BUY) == 2
    assert closable(Decimal(2), OrderSide.BUY) == closable(Decimal(-2), OrderSide.SELL) == 0
