from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.accounts import Balance
from app.domain.markets.markets import Market
from app.domain.order_kinds import PositionType
from app.domain.portfolio import portfolios
from app.domain.portfolio.conversions import Converter, routes_to
from app.domain.portfolio.portfolios import (
    AssetValue,
    PortfolioFacts,
    allocations,
    has_gaps,
    problems_of,
    worths,
)
from app.domain.portfolio.positions import Holding, Position, PositionKey
from app.domain.portfolio.valuations import Mark, valued

AT = datetime(2026, 1, 5, 12, tzinfo=UTC)
PRICES = {"BTC/USDT": "60000", "ETH/USDT": "3000", "BTC/USD": "50000", "PEPE/USDT": "0.01"}
BTC = PositionKey(account="paper", symbol="BTC/USDT", type=PositionType.SPOT)
IN_USD = replace(BTC, symbol="BTC/USD")
SWAP = replace(BTC, symbol="BTC/USDT:USDT", type=PositionType.SWAP)


def market(symbol: str) -> Market:
    base, _, quote = symbol.partition("/")
    return Market(
        symbol=symbol,
        base=base,
        quote=quote,
        type=PositionType.SPOT,
        active=True,
        amount_step=None,
        price_step=None,
        min_amount=Decimal("0.0001"),
        min_notional=None,
    )


MARKETS = {symbol: market(symbol) for symbol in PRICES}


def mark(price: str, *, is_stale: bool = False) -> Mark:
    return Mark(price=Decimal(price), at=AT, is_stale=is_stale)


def yardstick(without: str = "", stale: str = "") -> Converter:
    return Converter(
        currency="USDT",
        routes=routes_to("USDT", MARKETS.values()),
        marks={
            symbol: mark(price, is_stale=symbol == stale)
            for symbol, price in PRICES.items()
            if symbol != without
        },
    )


def balances(**amounts: str) -> Mapping[str, Balance]:
    return {
        asset: Balance(asset=asset, free=Decimal(amount), used=Decimal(0))
        for asset, amount in amounts.items()
    }


def position(key: PositionKey, **books: str) -> Position:
    numbers: dict[str, Any] = {name: Decimal(text) for name, text in books.items()}
    return Position(key=key, holding=Holding(**numbers), updated_at=AT)


def stock(
    held: Mapping[str, Balance], *positions: Position, price: str = "60000"
) -> PortfolioFacts:
    zero = Decimal(0)
    return PortfolioFacts(
        balances=held,
        valued=[valued(one, zero, mark(price)) for one in positions if one.holding.amount],
        positions=positions,
        home="USDT",
    )


def test_everything_that_is_held_is_worth_its_price_the_most_valuable_first() -> None:
    held = balances(USDT="1000", BTC="0.5", ETH="1", USD="100", DOGE="5", SOL="0")
    found = worths(held.values(), yardstick())
    assert [(one.asset, one.value) for one in found] == [
        ("BTC", Decimal(30000)),
        ("ETH", Decimal(3000)),
        ("USDT", Decimal(1000)),
        ("USD", Decimal(120)),
        ("DOGE", None),
    ]
    assert portfolios.equity(stock(held), yardstick()) == Decimal(34120)


def test_what_open_orders_hold_back_is_still_held() -> None:
    held = {"BTC": Balance(asset="BTC", free=Decimal(1), used=Decimal(2))}
    [only] = worths(held.values(), yardstick())
    assert (only.total, only.value) == (Decimal(3), Decimal(180000))


def test_profits_are_added_up_in_their_quotes_and_told_in_one_currency() -> None:
    first = position(BTC, amount="1", basis="50000", realized="10", fees="3")
    other = position(IN_USD, realized="-100", fees="5")
    found = stock(balances(BTC="1"), first, other)
    assert portfolios.unrealized(found, yardstick()) == Decimal(10000)
    assert portfolios.realized(found, yardstick()) == Decimal(-110)
    assert portfolios.fees(found, yardstick()) == Decimal(9)


def test_what_was_realized_before_is_taken_off() -> None:
    found = stock({}, position(BTC, realized="10"), position(IN_USD, realized="5"))
    before = {BTC: Decimal(4), IN_USD: Decimal(-5)}
    assert portfolios.realized(found, yardstick(), before) == Decimal(18)


def test_an_open_swap_counts_with_what_it_has_gained_and_a_coin_only_once() -> None:
    swap = position(SWAP, amount="2", basis="110000")
    coin = position(BTC, amount="1", basis="50000")
    assert portfolios.equity(stock(balances(USDT="500"), swap), yardstick()) == Decimal(10500)
    assert portfolios.equity(stock(balances(BTC="1"), coin), yardstick()) == Decimal(60000)


def test_parts_are_of_all_that_has_a_value() -> None:
    found = worths(balances(BTC="0.5", USDT="10000", DOGE="7").values(), yardstick())
    assert [(one.asset, one.percent) for one in allocations(found)] == [
        ("BTC", Decimal(75)), ("USDT", Decimal(25)),
    ]  # fmt: skip
    assert allocations([]) == []


@settings(max_examples=60)
@given(values=st.lists(st.none() | st.decimals(0, 10**12, places=8), max_size=20))
def test_parts_are_exactly_a_hundred_together(values: list[Decimal | None]) -> None:
    zero = Decimal(0)
    some = [
        AssetValue(asset=f"A{number}", free=zero, used=zero, value=value)
        for number, value in enumerate(values)
    ]
    ranked = sorted(some, key=lambda worth: worth.value or zero, reverse=True)
    found = allocations(ranked)
    assert [one.asset for one in found] == [one.asset for one in ranked if one.value]
    assert all(0 <= one.percent <= 100 for one in found)
    assert not found or sum(one.percent for one in found) == 100


def told(held: Mapping[str, Balance], by: Converter, **missing: str) -> list[tuple[str, str]]:
    words = {symbol.replace("_", "/"): why for symbol, why in missing.items()}
    return [(one.subject, one.code) for one in problems_of(stock(held), by, words)]


def test_what_is_fine_is_no_problem() -> None:
    assert told(balances(BTC="1", USDT="1", USD="1"), yardstick()) == []


def test_what_has_no_market_no_price_or_an_old_one_is_named_once() -> None:
    held = balances(DOGE="1", ETH="1", USD="1", BTC="1")
    assert told(held, yardstick(stale="BTC/USDT")) == [
        ("DOGE", "UNKNOWN_SYMBOL"), ("BTC/USDT", "STALE_PRICE"),
    ]  # fmt: skip
    assert told(held, yardstick(without="ETH/USDT")) == [
        ("DOGE", "UNKNOWN_SYMBOL"), ("ETH/USDT", "EXCHANGE_UNAVAILABLE"),
    ]  # fmt: skip


def test_why_there_is_no_price_is_told() -> None:
    held = stock(balances(ETH="1"))
    [problem] = problems_of(held, yardstick(without="ETH/USDT"), {"ETH/USDT": "it is on holiday"})
    assert problem.message.endswith("it is on holiday")


def test_fees_that_are_not_valued_are_a_problem_also_once_all_is_closed() -> None:
    closed = replace(position(BTC), unvalued_fees=2)
    [problem] = problems_of(stock({}, closed), yardstick(), {})
    assert (problem.subject, problem.code) == ("BTC/USDT", "UNVALUED_FEE")


@pytest.mark.parametrize(
    ("held", "by", "gaps"),
    [
        (balances(BTC="1", ETH="1"), yardstick(), False),
        (balances(BTC="1", ETH="1"), yardstick(without="ETH/USDT"), True),
        # Less than can be traded.
        (balances(BTC="1", ETH="0.00009"), yardstick(without="ETH/USDT"), False),
        # It never had a value, and is no sudden fall.
        (balances(BTC="1", DOGE="100"), yardstick(), False),
        # An old price of much, and of little.
        (balances(BTC="1", ETH="1"), yardstick(stale="ETH/USDT"), True),
        (balances(BTC="1", PEPE="10000"), yardstick(stale="PEPE/USDT"), False),
        # Nobody holds it.
        (balances(BTC="1"), yardstick(without="ETH/USDT"), False),
    ],
)
def test_records_are_kept_unless_something_that_matters_has_no_fresh_price(
    held: Mapping[str, Balance], by: Converter, *, gaps: bool
) -> None:
    assert has_gaps(stock(held), by, MARKETS) is gaps


def test_a_swap_without_a_price_is_a_gap() -> None:
    swap = position(SWAP, amount="1", basis="1")
    unpriced = replace(stock({}), valued=[valued(swap, Decimal(0), None)])
    assert has_gaps(unpriced, yardstick(), MARKETS)
