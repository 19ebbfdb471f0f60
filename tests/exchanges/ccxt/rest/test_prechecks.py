from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain import money
from app.domain.accounts import Capabilities
from app.domain.markets.markets import Market
from app.domain.order_kinds import OrderSide, OrderType, PositionType, TimeInForce
from app.domain.orders.market_checks import MarketFacts
from app.domain.orders.reports import OrderIntent
from app.errors import ExchangeDoubt, Refusal, RefusalCode
from app.exchanges.ccxt.rest.prechecks import SentIds, refuse
from tests.support.exchanges.rigs import SYMBOL, a_limit, a_triggered, an_intent

MARKET = Market(
    symbol=SYMBOL,
    base="BTC",
    quote="USDT",
    type=PositionType.SPOT,
    active=True,
    amount_step=Decimal("0.00001"),
    price_step=Decimal("0.01"),
    min_amount=Decimal("0.0001"),
    min_notional=Decimal(5),
)
EVERYTHING = Capabilities(
    order_types=tuple(OrderType),
    time_in_force=tuple(TimeInForce),
    amend_order=False,
    streaming_orders=True,
    streaming_tickers=False,
    positions=False,
)
PLAIN = replace(
    EVERYTHING,
    order_types=(OrderType.MARKET, OrderType.LIMIT),
    time_in_force=(TimeInForce.GTC, TimeInForce.IOC),
)


def refused(
    intent: OrderIntent, market: Market = MARKET, capabilities: Capabilities = EVERYTHING
) -> Refusal | None:
    facts = MarketFacts(
        capabilities=capabilities, markets={market.symbol: market}, ticker=None, balances={}
    )
    return refuse(intent, facts)


def why(intent: OrderIntent, **world: Any) -> tuple[RefusalCode, tuple[str, ...] | None]:
    refusal = refused(intent, **world)
    assert refusal is not None
    return refusal.code, refusal.field


def test_what_is_off_the_step_is_refused_with_the_nearest_values() -> None:
    refusal = refused(a_limit(Decimal("60000.019")))
    assert refusal is not None
    assert (refusal.code, refusal.field) == (RefusalCode.PRECISION, ("price",))
    assert refusal.message.endswith("60000.01 and 60000.02")
    stop = a_triggered(OrderType.STOP_MARKET, OrderSide.SELL, Decimal("1.001"))
    assert why(stop) == (RefusalCode.PRECISION, ("triggerPrice",))


@given(st.integers(10, 10**12), st.integers(10**4, 10**12))
def test_what_is_on_the_step_and_worth_enough_passes(amount: int, price: int) -> None:
    intent = a_limit(
        money.multiply(Decimal(price), Decimal("0.01")),
        amount=money.multiply(Decimal(amount), Decimal("0.00001")),
    )
    worth = money.multiply(intent.amount, intent.price or money.ZERO)
    refusal = refused(intent)
    assert (refusal is None) is (worth >= 5)


@pytest.mark.parametrize(
    ("intent", "wanted"),
    [
        (a_limit(Decimal(50_000), time_in_force=TimeInForce.FOK), "timeInForce"),
        (a_limit(Decimal(50_000), time_in_force=TimeInForce.POST_ONLY), "timeInForce"),
        (a_triggered(OrderType.STOP_LIMIT, OrderSide.SELL, Decimal(40_000)), "type"),
        (a_triggered(OrderType.TAKE_PROFIT_MARKET, OrderSide.SELL, Decimal(60_000)), "type"),
    ],
)
def test_what_the_exchange_does_not_offer_is_unsupported(intent: OrderIntent, wanted: str) -> None:
    assert why(intent, capabilities=PLAIN) == (RefusalCode.UNSUPPORTED, (wanted,))
    assert refused(intent) is None


def test_a_market_order_is_asked_nothing_about_how_long_it_waits() -> None:
    only_gtc = replace(EVERYTHING, time_in_force=(TimeInForce.GTC,))
    assert refused(an_intent(time_in_force=TimeInForce.IOC), capabilities=only_gtc) is None


def test_only_spot_markets_that_are_listed_take_orders() -> None:
    swap = replace(MARKET, type=PositionType.SWAP)
    assert why(an_intent(), market=swap) == (RefusalCode.UNSUPPORTED, ("symbol",))
    assert why(an_intent(symbol="NO/SUCH")) == (RefusalCode.UNKNOWN_SYMBOL, ("symbol",))


def test_an_id_leaves_once_unless_it_surely_did_not() -> None:
    sent = SentIds()
    sent.take("a1")
    with pytest.raises(ExchangeDoubt):
        sent.take("a1")
    sent.give_back("a1")
    sent.take("a1")


def test_the_memory_of_ids_is_bounded_and_forgets_the_oldest() -> None:
    sent = SentIds()
    for number in range(10_001):
        sent.take(str(number))
    sent.take("0")
    with pytest.raises(ExchangeDoubt):
        sent.take("10000")
