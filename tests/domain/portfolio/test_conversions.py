from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.domain.markets.markets import Market
from app.domain.order_kinds import PositionType
from app.domain.portfolio.conversions import Converter, Hop, routes_to
from app.domain.portfolio.valuations import Mark

AT = datetime(2026, 1, 5, 12, tzinfo=UTC)
MARKETS = ("BTC/USDT", "BTC/USD", "ETH/BTC", "ETH/EUR", "DOGE/ETH", "PEPE/DOGE", "SOL/USDC")


def market(symbol: str, *, active: bool = True, kind: PositionType = PositionType.SPOT) -> Market:
    base, _, quote = symbol.partition("/")
    return Market(
        symbol=symbol,
        base=base,
        quote=quote.partition(":")[0],
        type=kind,
        active=active,
        amount_step=None,
        price_step=None,
        min_amount=None,
        min_notional=None,
    )


def ways(currency: str, *symbols: str) -> Mapping[str, list[str]]:
    """By asset, the markets on the way; what is gone against is marked."""
    found = routes_to(currency, [market(symbol) for symbol in symbols or MARKETS])
    return {asset: [told(hop) for hop in route] for asset, route in found.items()}


def told(hop: Hop) -> str:
    return f"-{hop.symbol}" if hop.is_inverse else hop.symbol


def yardstick(currency: str, prices: Mapping[str, str], *stale: str) -> Converter:
    return Converter(
        currency=currency,
        routes=routes_to(currency, [market(symbol) for symbol in prices]),
        marks={
            symbol: Mark(price=Decimal(price), at=AT, is_stale=symbol in stale)
            for symbol, price in prices.items()
            if price
        },
    )


def test_the_way_is_the_shortest_in_either_direction_and_three_markets_at_most() -> None:
    found = ways("USDT")
    assert found["USDT"] == []
    assert found["BTC"] == ["BTC/USDT"]
    assert found["USD"] == ["-BTC/USD", "BTC/USDT"]
    assert found["EUR"] == ["-ETH/EUR", "ETH/BTC", "BTC/USDT"]
    assert found["DOGE"] == ["DOGE/ETH", "ETH/BTC", "BTC/USDT"]
    assert "PEPE" not in found
    assert "SOL" not in found


@pytest.mark.parametrize("order", [1, -1])
def test_of_ways_of_the_same_length_the_most_usual_is_taken(order: int) -> None:
    symbols = ("SOL/XRP", "SOL/BTC", "SOL/USDC", "XRP/EUR", "BTC/EUR", "USDC/EUR")[::order]
    assert ways("EUR", *symbols)["SOL"] == ["SOL/USDC", "USDC/EUR"]


@pytest.mark.parametrize("order", [1, -1])
def test_a_market_in_the_right_direction_goes_before_its_inverse(order: int) -> None:
    assert ways("B", *("B/A", "A/B")[::order])["A"] == ["A/B"]


def test_swaps_and_markets_that_are_closed_lead_nowhere() -> None:
    closed = market("A/B", active=False)
    swap = market("C/B:B", kind=PositionType.SWAP)
    assert set(routes_to("B", [closed, swap])) == {"B"}


def test_a_value_goes_from_market_to_market() -> None:
    by = yardstick("USDT", {"BTC/USDT": "60000", "BTC/USD": "50000", "ETH/BTC": "0.05"})
    assert by.value("USDT", Decimal("1.5")) == Decimal("1.5")
    assert by.value("ETH", Decimal(2)) == Decimal(6000)
    assert by.value("USD", Decimal(100)) == Decimal(120)
    assert by.total([("USD", Decimal(100)), ("ETH", Decimal(1)), ("X", Decimal(9))]) == 3120


def test_an_inverse_is_rounded_once_and_at_the_end() -> None:
    """A third of three is one, which 0.333… of three is not."""
    by = yardstick("A", {"A/B": "3"})
    assert by.value("B", Decimal(3)) == Decimal(1)
    assert by.value("B", Decimal(1)) == Decimal("0.333333333333333333")


@pytest.mark.parametrize("price", ["", "0"])
def test_without_a_price_on_the_way_there_is_no_value(price: str) -> None:
    by = yardstick("USDT", {"BTC/USDT": "60000", "BTC/USD": price})
    assert by.value("USD", Decimal(1)) is None
    assert by.value("BTC", Decimal(1)) == Decimal(60000)


def test_one_old_price_on_the_way_makes_the_value_old() -> None:
    by = yardstick("USDT", {"BTC/USDT": "60000", "ETH/BTC": "0.05"}, "BTC/USDT")
    assert by.is_stale("ETH")
    assert not by.is_stale("USDT")


@settings(max_examples=50)
@given(
    amount=st.decimals(0, 10**18, places=18),
    price=st.decimals(Decimal("0.00000001"), 10**9, places=8),
)
def test_there_and_back_is_the_same_to_the_last_place(amount: Decimal, price: Decimal) -> None:
    there, back = yardstick("B", {"A/B": str(price)}), yardstick("A", {"A/B": str(price)})
    value = there.value("A", amount)
    assert value is not None
    assert back.value("B", value) == amount


@settings(max_examples=50)
@given(edges=st.lists(st.tuples(st.sampled_from("ABCDEFG"), st.sampled_from("ABCDEFG"))))
def test_every_way_is_as_short_as_can_be(edges: list[tuple[str, str]]) -> None:
    symbols = [f"{base}/{quote}" for base, quote in edges if base != quote]
    found = ways("A", *symbols) if symbols else {"A": []}
    near = {"A"}
    for length in range(4):
        assert {asset for asset, way in found.items() if len(way) <= length} == near
        near |= {
            one for symbol in symbols for one in symbol.split("/") if near & set(symbol.split("/"))
        }
