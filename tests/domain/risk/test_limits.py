from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from app.domain.order_kinds import OrderSide
from app.domain.risk.limits import (
    LIMIT_CHECKS,
    EntryFacts,
    Losses,
    RiskLimits,
    TradingState,
    TradingStateRecord,
    broken,
    check_limits,
    examine_limits,
    examine_state,
    severest,
)
from app.errors import Refusal, RefusalCode

NOW = datetime(2026, 1, 5, 12, tzinfo=UTC)
ENTRY = EntryFacts(
    symbol="BTC/USDT",
    side=OrderSide.BUY,
    price=Decimal(100),
    notional=Decimal(50),
    last=Decimal(100),
    open_orders=2,
    orders_this_minute=3,
    open_notional=Decimal(30),
    position_notional=Decimal(70),
    losses=Losses(daily=Decimal(10), drawdown_percent=Decimal(5)),
)


def refused(limits: dict[str, Any], **facts: Any) -> list[str]:
    found = examine_limits(RiskLimits(**limits), replace(ENTRY, **facts))
    return [checked.name for checked in found if checked.refusal is not None]


@pytest.mark.parametrize(
    ("name", "reached", "beyond", "check"),
    [
        ("max_order_notional", Decimal(50), Decimal("49.99"), "maxOrderNotional"),
        ("max_position_notional", Decimal(120), Decimal("119.99"), "maxPositionNotional"),
        ("max_open_notional", Decimal(80), Decimal("79.99"), "maxOpenNotional"),
        ("max_open_orders", 3, 2, "maxOpenOrders"),
        ("max_orders_per_minute", 4, 3, "maxOrdersPerMinute"),
        ("max_daily_loss", Decimal("10.01"), Decimal(10), "maxDailyLoss"),
        ("max_drawdown_percent", Decimal("5.01"), Decimal(5), "maxDrawdownPercent"),
        ("allowed_symbols", ("BTC/USDT",), ("ETH/USDT",), "allowedSymbols"),
        ("allowed_symbols", ("BTC/USDT",), (), "allowedSymbols"),
    ],
)
def test_a_limit_lets_pass_what_it_allows_and_nothing_more(
    name: str, reached: Any, beyond: Any, check: str
) -> None:
    assert refused({name: reached}) == []
    assert refused({name: beyond}) == [check]


@pytest.mark.parametrize(
    ("side", "price", "is_refused"),
    [
        (OrderSide.BUY, "102", False),
        (OrderSide.BUY, "102.01", True),
        (OrderSide.BUY, "1", False),
        (OrderSide.SELL, "98", False),
        (OrderSide.SELL, "97.99", True),
        (OrderSide.SELL, "900", False),
    ],
)
def test_the_collar_holds_on_the_costly_side(side: OrderSide, price: str, is_refused: bool) -> None:
    limits = {"price_collar_percent": Decimal(2)}
    found = refused(limits, side=side, price=Decimal(price))
    assert found == (["priceCollarPercent"] if is_refused else [])


@pytest.mark.parametrize(
    ("limit", "unknown"),
    [
        ("max_order_notional", "notional"),
        ("max_position_notional", "position_notional"),
        ("max_open_notional", "open_notional"),
        ("price_collar_percent", "last"),
    ],
)
def test_what_cannot_be_valued_passes_no_limit_of_money(limit: str, unknown: str) -> None:
    assert refused({limit: Decimal(100)}, **{unknown: None}) != []
    assert refused({}, **{unknown: None}) == []


def test_losses_that_nobody_has_worked_out_yet_hold_nobody_up() -> None:
    limits = {"max_daily_loss": Decimal(1), "max_drawdown_percent": Decimal(1)}
    assert refused(limits, losses=None) == []


def test_the_checks_are_told_in_one_order_with_limit_and_actual() -> None:
    limits = RiskLimits(max_order_notional=Decimal(40), max_open_orders=9)
    found = list(examine_limits(limits, ENTRY))
    assert [checked.name for checked in found] == list(LIMIT_CHECKS)
    told = {checked.name: (checked.limit, checked.actual) for checked in found}
    assert told["maxOrderNotional"] == ("40", "50")
    assert told["maxOpenOrders"] == ("9", "2")


@pytest.mark.parametrize(
    ("state", "passes", "reduction_passes"),
    [
        (TradingState.ACTIVE, True, True),
        (TradingState.REDUCING, False, True),
        (TradingState.HALTED, False, False),
    ],
)
def test_a_state_lets_pass_what_it_says(
    state: TradingState, passes: bool, reduction_passes: bool
) -> None:
    standing = TradingStateRecord(state=state, reason="the sky is falling", since=NOW)
    entry, reduction = (examine_state(standing, is_reduction=one) for one in (False, True))
    assert (entry.has_passed, reduction.has_passed) == (passes, reduction_passes)
    for checked in (entry, reduction):
        refusal = checked.refusal
        if refusal is not None:
            assert refusal.code is RefusalCode.TRADING_HALTED
            assert "the sky is falling" in refusal.message


def test_the_severest_state_holds_and_says_since_when() -> None:
    later = NOW + timedelta(hours=1)
    halted = TradingStateRecord(state=TradingState.HALTED, since=later)
    reducing = TradingStateRecord(state=TradingState.REDUCING, since=NOW)
    assert severest([reducing, halted]) is halted
    assert severest([TradingStateRecord(since=NOW), reducing]) is reducing
    # Active again is one only since both are.
    assert severest([TradingStateRecord(since=NOW), TradingStateRecord(since=later)]).since == later


@pytest.mark.parametrize(
    ("limits", "field"),
    [
        ({"max_order_notional": Decimal(-1)}, "maxOrderNotional"),
        ({"max_open_orders": -1}, "maxOpenOrders"),
        ({"price_collar_percent": Decimal(101)}, "priceCollarPercent"),
        ({"max_drawdown_percent": Decimal("100.1")}, "maxDrawdownPercent"),
        ({"max_daily_loss": Decimal(0)}, "maxDailyLoss"),
        ({"max_drawdown_percent": Decimal(0)}, "maxDrawdownPercent"),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused_by_name(limits: dict[str, Any], field: str) -> None:
    refusal = check_limits(RiskLimits(**limits))
    assert isinstance(refusal, Refusal)
    assert (refusal.code, refusal.field) == (RefusalCode.INVALID_INPUT, (field,))


def test_limits_of_nothing_stop_everything_and_are_allowed() -> None:
    assert check_limits(RiskLimits(max_order_notional=Decimal(0), max_open_orders=0)) is None


def test_a_broken_loss_limit_is_told_in_words() -> None:
    losses = Losses(daily=Decimal(120), drawdown_percent=Decimal(0))
    assert broken(RiskLimits(max_daily_loss=Decimal(100)), losses) == (
        "maxDailyLoss is 100, and 120 is reached"
    )
    assert broken(RiskLimits(max_daily_loss=Decimal(121)), losses) is None
    assert broken(RiskLimits(), losses) is None
