"""What closes a position."""

from dataclasses import replace
from decimal import Decimal

import pytest

from app.domain.markets.dust import is_dust, tradable
from app.domain.order_kinds import OrderSide, OrderType, PositionType
from app.domain.orders.checks import first_refusal
from app.domain.orders.closing import closing_order
from app.domain.orders.forms import examine_form
from app.domain.portfolio.positions import PositionKey
from tests.domain.orders.test_checks import MARKET

SPOT = PositionKey(account="paper", symbol="BTC/USDT", type=PositionType.SPOT)
MARGIN = replace(SPOT, type=PositionType.MARGIN)
SWAP = PositionKey(account="paper", symbol="BTC/USDT:USDT", type=PositionType.SWAP)


@pytest.mark.parametrize(
    ("key", "side", "reduces"),
    [
        (SPOT, OrderSide.SELL, True),
        # What another market has sold of it is bought: no spot buy reduces.
        (SPOT, OrderSide.BUY, False),
        (MARGIN, OrderSide.SELL, True),
        (MARGIN, OrderSide.BUY, True),
        (SWAP, OrderSide.SELL, True),
        (SWAP, OrderSide.BUY, True),
    ],
    ids=str,
)
def test_a_position_is_closed_by_a_market_order_that_can_only_reduce(
    key: PositionKey, side: OrderSide, reduces: bool
) -> None:
    order = closing_order(key, side, Decimal("0.5"), "out")
    assert (order.type, order.side, order.amount) == (OrderType.MARKET, side, Decimal("0.5"))
    assert (order.account, order.symbol, order.position_type) == (key.account, key.symbol, key.type)
    assert order.reduce_only is reduces
    assert first_refusal(examine_form(order)) is None


def test_what_is_less_than_a_step_is_not_traded() -> None:
    assert tradable(Decimal("0.123456789"), MARKET) == Decimal("0.12345")
    assert tradable(Decimal("0.000009"), MARKET) == 0
    for market in (None, replace(MARKET, amount_step=None)):
        assert tradable(Decimal("0.123456789"), market) == Decimal("0.123456789")


@pytest.mark.parametrize(
    ("amount", "price", "expected"),
    [
        ("0.000009", None, True),
        ("-0.000009", None, True),
        ("0", None, True),
        ("1", "50000", False),
        ("1", None, False),
    ],
)
def test_dust_is_what_no_order_can_trade(amount: str, price: str | None, expected: bool) -> None:
    known = None if price is None else Decimal(price)
    assert is_dust(Decimal(amount), MARKET, known) is expected


def test_less_than_the_smallest_amount_or_notional_is_dust() -> None:
    market = replace(MARKET, min_amount=Decimal("0.001"), min_notional=Decimal(5))
    assert is_dust(Decimal("0.0009"), market, Decimal(50000))
    assert not is_dust(Decimal("0.001"), market, Decimal(50000))
    assert is_dust(Decimal("0.001"), market, Decimal(4999))
    assert not is_dust(Decimal("0.001"), market, Decimal(5000))
    assert not is_dust(Decimal("0.001"), market, None)


def test_without_a_market_nothing_is_known_to_be_dust() -> None:
    assert not is_dust(Decimal("0.000001"), None, None)
