from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import money
from app.domain.accounts import Balance, Capabilities
from app.domain.checks import CheckResult
from app.domain.markets.markets import FeeRates, Market, Ticker
from app.domain.order_kinds import OrderSide, OrderType, PositionType, TimeInForce
from app.domain.orders.checks import GateFacts, RuleFacts, examine, first_refusal
from app.domain.orders.forms import examine_form
from app.domain.orders.market_checks import MarketFacts
from app.domain.orders.requests import OrderRequest
from app.domain.orders.terms import with_terms
from app.domain.portfolio.exposures import Exposure
from app.domain.risk.limits import EntryFacts, RiskLimits, TradingStateRecord
from app.errors import Refusal, RefusalCode
from tests.support.makers import make_request

MARKET = Market(
    symbol="BTC/USDT",
    base="BTC",
    quote="USDT",
    type=PositionType.SPOT,
    active=True,
    amount_step=Decimal("0.00001"),
    price_step=Decimal("0.01"),
    min_amount=Decimal("0.0001"),
    min_notional=Decimal(10),
)
FACTS = MarketFacts(
    capabilities=Capabilities(
        order_types=(OrderType.MARKET, OrderType.LIMIT),
        time_in_force=tuple(TimeInForce),
        amend_order=False,
        streaming_orders=True,
        streaming_tickers=True,
        positions=False,
    ),
    markets={"BTC/USDT": MARKET},
    ticker=Ticker(
        symbol="BTC/USDT",
        bid=Decimal(49_999),
        ask=Decimal(50_001),
        last=Decimal(50_000),
        percentage=None,
        quote_volume=None,
        at=datetime(2026, 1, 5, tzinfo=UTC),
    ),
    balances={"USDT": Balance(asset="USDT", free=Decimal(1000), used=Decimal(0))},
)

ALLOWED = RuleFacts(standing=TradingStateRecord(since=datetime(2026, 1, 5, tzinfo=UTC)))

EVERYTHING = replace(FACTS, capabilities=replace(FACTS.capabilities, order_types=tuple(OrderType)))


def checks_of(request: OrderRequest, facts: GateFacts | None = None) -> list[CheckResult]:
    return [
        *examine_form(request),
        *examine(request, facts or GateFacts(exchange=FACTS, rules=ALLOWED)),
    ]


def found_in(request: OrderRequest) -> Refusal | None:
    return first_refusal(checks_of(request))


def refusal_of(**changes: Any) -> Refusal:
    refusal = found_in(make_request(**changes))
    assert refusal is not None
    return refusal


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"client_order_id": "x" * 37}, RefusalCode.INVALID_INPUT, "clientOrderId"),
        ({"client_order_id": "with space"}, RefusalCode.INVALID_INPUT, "clientOrderId"),
        ({"client_order_id": ""}, RefusalCode.INVALID_INPUT, "clientOrderId"),
        ({"amount": Decimal(0)}, RefusalCode.INVALID_INPUT, "amount"),
        ({"amount": Decimal(-1)}, RefusalCode.INVALID_INPUT, "amount"),
        ({"type": OrderType.LIMIT}, RefusalCode.INVALID_INPUT, "price"),
        ({"price": Decimal(1)}, RefusalCode.INVALID_INPUT, "price"),
        ({"trigger_price": Decimal(1)}, RefusalCode.INVALID_INPUT, "triggerPrice"),
        ({"type": OrderType.STOP_MARKET}, RefusalCode.INVALID_INPUT, "triggerPrice"),
        ({"time_in_force": TimeInForce.FOK}, RefusalCode.INVALID_INPUT, "timeInForce"),
        ({"time_in_force": TimeInForce.POST_ONLY}, RefusalCode.INVALID_INPUT, "timeInForce"),
        ({"position_type": PositionType.SWAP}, RefusalCode.INVALID_INPUT, "positionType"),
        ({"position_type": PositionType.MARGIN}, RefusalCode.UNSUPPORTED, "positionType"),
        ({"leverage": Decimal(2)}, RefusalCode.INVALID_INPUT, "leverage"),
        ({"reduce_only": True}, RefusalCode.INVALID_INPUT, "reduceOnly"),
        (
            {"type": OrderType.STOP_MARKET, "trigger_price": Decimal(1)},
            RefusalCode.UNSUPPORTED,
            "type",
        ),
        ({"symbol": "DOGE/USDT"}, RefusalCode.UNKNOWN_SYMBOL, "symbol"),
        ({"amount": Decimal("0.000011")}, RefusalCode.PRECISION, "amount"),
        (
            {"type": OrderType.LIMIT, "price": Decimal("50000.001")},
            RefusalCode.PRECISION,
            "price",
        ),
        ({"amount": Decimal("0.00001")}, RefusalCode.INVALID_INPUT, "amount"),
        ({"amount": Decimal("0.0001")}, RefusalCode.MIN_NOTIONAL, "amount"),
        ({"amount": Decimal("0.1")}, RefusalCode.INSUFFICIENT_FUNDS, "amount"),
        ({"side": OrderSide.SELL}, RefusalCode.INSUFFICIENT_FUNDS, "amount"),
    ],
)
def test_what_is_refused_says_why_and_where(
    changes: dict[str, Any], code: RefusalCode, field: str
) -> None:
    refusal = refusal_of(**changes)
    assert (refusal.code, refusal.field) == (code, (field,))
    assert refusal.message


def test_what_is_in_order_passes() -> None:
    assert found_in(make_request()) is None


@pytest.mark.parametrize("metadata", [[], "text", 1, {"a": float("nan")}, {"a": 2**70}, None])
def test_metadata_that_is_no_plain_object_is_refused(metadata: Any) -> None:
    assert refusal_of(metadata=metadata).field == ("metadata",)


def test_metadata_is_bounded_in_size_and_depth() -> None:
    deep: dict[str, Any] = {}
    for _ in range(8):
        deep = {"a": deep}
    assert refusal_of(metadata=deep).field == ("metadata",)
    assert found_in(make_request(metadata=deep["a"])) is None
    assert refusal_of(metadata={"a": "x" * 8192}).field == ("metadata",)
    assert found_in(make_request(metadata={"a": "x" * 8000})) is None


@given(amount=st.decimals("0.00011", "0.019", places=8))
def test_the_values_that_a_refusal_names_are_valid(amount: Decimal) -> None:
    request = make_request(amount=amount)
    refusal = found_in(request)
    if refusal is None or refusal.code is RefusalCode.INSUFFICIENT_FUNDS:
        return
    named = [Decimal(word.rstrip(",;")) for word in refusal.message.split() if is_number(word)]
    if refusal.code is RefusalCode.PRECISION:
        below, above = named[-2:]
        assert below < amount < above
        assert all(money.is_on_step(value, Decimal("0.00001")) for value in (below, above))
    else:
        again = with_terms(request, amount=named[-1])
        assert refusal.code is RefusalCode.MIN_NOTIONAL
        assert found_in(again) is None


NUMBERS = st.none() | st.decimals(-10, 10**9, places=4) | st.sampled_from([Decimal(0)])


@given(
    amount=st.decimals(-10, 10**9, places=6),
    price=NUMBERS,
    trigger_price=NUMBERS,
    type=st.sampled_from(OrderType),
    side=st.sampled_from(OrderSide),
    reduce_only=st.booleans(),
)
def test_every_check_is_told_whatever_is_asked_for(**changes: Any) -> None:
    checks = checks_of(make_request(**changes), GateFacts(exchange=EVERYTHING, rules=ALLOWED))
    names = [checked.name for checked in checks]
    assert len(names) == len(set(names))
    assert names == [checked.name for checked in checks_of(make_request())]
    for checked in checks:
        assert checked.has_passed == (checked.message is None)
        assert checked.refusal is None or checked.refusal.field


ON_MARGIN = replace(
    FACTS,
    capabilities=replace(
        FACTS.capabilities,
        position_types=(PositionType.SPOT, PositionType.MARGIN),
        max_leverage=Decimal(5),
    ),
    markets={
        "BTC/USDT": replace(
            MARKET, fees=FeeRates(maker=Decimal(0), taker=Decimal("0.001"), is_in_quote=True)
        )
    },
)
LONG = Exposure(
    symbol="BTC/USDT",
    type=PositionType.MARGIN,
    amount=Decimal("0.04"),
    entry_price=Decimal(50_000),
    leverage=Decimal(2),
    margin=Decimal(1000),
)


def margin_refusal(facts: MarketFacts = ON_MARGIN, **changes: Any) -> Refusal | None:
    request = make_request(position_type=PositionType.MARGIN, **changes)
    return first_refusal(checks_of(request, GateFacts(exchange=facts, rules=ALLOWED)))


@pytest.mark.parametrize("leverage", ["0.99", "5.01", "2.125"])
def test_a_leverage_off_the_scale_names_the_scale(leverage: str) -> None:
    refusal = margin_refusal(leverage=Decimal(leverage))
    assert refusal is not None
    assert (refusal.code, refusal.field) == (RefusalCode.INVALID_INPUT, ("leverage",))
    assert "1 to 5" in refusal.message


def test_the_leverage_in_force_is_kept_to_and_named() -> None:
    facts = replace(ON_MARGIN, exposure=LONG)
    refusal = margin_refusal(facts, leverage=Decimal(3), amount=Decimal("0.001"))
    assert refusal is not None
    assert (refusal.code, refusal.field) == (RefusalCode.INVALID_INPUT, ("leverage",))
    assert "position is 2:" in refusal.message
    assert margin_refusal(facts, leverage=Decimal(2), amount=Decimal("0.001")) is None
    assert margin_refusal(facts, amount=Decimal("0.001")) is None


# What can be had for 1000: at the ask of 50001, with a fee of a tenth of a percent.
@pytest.mark.parametrize(
    ("leverage", "fits", "is_too_much"),
    [(None, "0.01997", "0.01999"), ("2", "0.0399", "0.04"), ("5", "0.0995", "0.0996")],
)
def test_money_is_needed_for_the_margin_and_the_fee(
    leverage: str | None, fits: str, is_too_much: str
) -> None:
    given = None if leverage is None else Decimal(leverage)
    assert margin_refusal(leverage=given, amount=Decimal(fits)) is None
    refusal = margin_refusal(leverage=given, amount=Decimal(is_too_much))
    assert refusal is not None
    assert refusal.code is RefusalCode.INSUFFICIENT_FUNDS


def test_what_closes_needs_no_money_and_a_flip_only_that_of_its_other_half() -> None:
    nothing = {"USDT": Balance(asset="USDT", free=Decimal(0), used=Decimal(1000))}
    facts = replace(ON_MARGIN, exposure=LONG, balances=nothing)
    assert margin_refusal(facts, side=OrderSide.SELL, amount=Decimal("0.04")) is None
    assert margin_refusal(facts, side=OrderSide.SELL, amount=Decimal("0.078")) is None
    refusal = margin_refusal(facts, side=OrderSide.SELL, amount=Decimal("0.08"))
    assert refusal is not None
    assert refusal.code is RefusalCode.INSUFFICIENT_FUNDS


def test_a_reduction_takes_what_others_leave() -> None:
    facts = replace(ON_MARGIN, exposure=LONG, reductions=Decimal("0.03"))
    selling: dict[str, Any] = {"side": OrderSide.SELL, "reduce_only": True}
    assert margin_refusal(facts, amount=Decimal("0.01"), **selling) is None
    refusal = margin_refusal(facts, amount=Decimal("0.011"), **selling)
    assert refusal is not None
    assert (refusal.code, refusal.field) == (RefusalCode.INVALID_INPUT, ("amount",))
    assert "at most 0.01 here" in refusal.message
    wrong_way = margin_refusal(facts, amount=Decimal("0.01"), reduce_only=True)
    assert wrong_way is not None
    assert (wrong_way.code, wrong_way.field) == (RefusalCode.INVALID_STATE, ("reduceOnly",))


def open_orders_refusal(count: int, limit: int | None) -> Refusal | None:
    entry = EntryFacts(
        symbol="BTC/USDT", side=OrderSide.BUY, price=None, notional=None, open_orders=count
    )
    rules = replace(ALLOWED, limits=RiskLimits(max_open_orders=limit), entry=entry)
    facts = GateFacts(exchange=FACTS, rules=rules)
    return first_refusal(checks_of(make_request(), facts))


def is_number(word: str) -> bool:
    return word.rstrip(",;").replace(".", "", 1).isdigit()


def test_the_number_of_open_orders_is_bounded_where_it_is_set() -> None:
    assert open_orders_refusal(10**6, None) is None
    assert open_orders_refusal(4, 5) is None
    refusal = open_orders_refusal(5, 5)
    assert refusal is not None
    assert (refusal.code, refusal.retryable) == (RefusalCode.RISK_LIMIT, True)


@given(
    changes=st.fixed_dictionaries(
        {},
        optional={
            "amount": st.sampled_from([Decimal("0.01"), Decimal("0.010"), Decimal("0.02")]),
            "side": st.sampled_from(OrderSide),
            "metadata": st.sampled_from([{}, {"a": 1, "b": 2}, {"b": 2, "a": 1}]),
        },
    )
)
def test_two_requests_have_one_fingerprint_exactly_when_they_ask_for_the_same(
    changes: dict[str, Any],
) -> None:
    plain, changed = make_request(), make_request(**changes)
    is_same = all(
        getattr(plain, name) == getattr(changed, name) for name in ("amount", "side", "metadata")
    )
    assert (plain.fingerprint == changed.fingerprint) == is_same
