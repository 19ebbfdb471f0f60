from datetime import UTC, datetime, timedelta
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from app.domain.accounts import Balance
from app.domain.markets.markets import FeeRates, Market
from app.domain.order_kinds import PositionType
from app.exchanges.ccxt.parsing.failures import Unreadable
from app.exchanges.ccxt.parsing.markets import (
    STALE_AFTER,
    balances_of,
    last_prices_of,
    markets_of,
    ticker_of,
)

NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)
ROW: dict[str, Any] = {
    "symbol": "BTC/USDT",
    "base": "BTC",
    "quote": "USDT",
    "type": "spot",
    "active": True,
    "precision": {"amount": "0.00001000", "price": "0.01000000"},
    "limits": {"amount": {"min": "0.00001"}, "cost": {"min": "5.0"}, "price": {"min": None}},
    "maker": "0.0008",
    "taker": 0.001,
    "percentage": True,
    "feeSide": "get",
}


def read(*rows: dict[str, Any], mode: int = 4, fees_in_quote: bool = False) -> dict[str, Market]:
    client = SimpleNamespace(
        precisionMode=mode, markets={str(number): row for number, row in enumerate(rows)}
    )
    return markets_of(client, fees_in_quote=fees_in_quote)


def market_of(row: dict[str, Any]) -> Market:
    (market,) = read(row).values()
    return market


def test_a_spot_market_with_its_steps_and_limits() -> None:
    assert read(ROW) == {
        "BTC/USDT": Market(
            symbol="BTC/USDT",
            base="BTC",
            quote="USDT",
            type=PositionType.SPOT,
            active=True,
            amount_step=Decimal("0.00001"),
            price_step=Decimal("0.01"),
            min_amount=Decimal("0.00001"),
            min_notional=Decimal(5),
            fees=FeeRates(maker=Decimal("0.0008"), taker=Decimal("0.001"), is_in_quote=False),
        )
    }


def test_a_swap_is_listed_with_its_contract_size_and_other_contracts_are_not() -> None:
    swap = ROW | {"symbol": "BTC/USDT:USDT", "type": "swap", "contractSize": "0.001"}
    future = ROW | {"symbol": "BTC/USDT:USDT-260101", "type": "future"}
    found = read(ROW, swap, future)
    assert set(found) == {"BTC/USDT", "BTC/USDT:USDT"}
    assert found["BTC/USDT:USDT"].type is PositionType.SWAP
    assert found["BTC/USDT:USDT"].contract_size == Decimal("0.001")


def test_a_market_is_suspended_where_the_exchange_says_so() -> None:
    assert not market_of(ROW | {"active": False}).active
    assert market_of(ROW | {"active": None}).active


def test_digits_are_not_taken_for_steps() -> None:
    (market,) = read(ROW | {"precision": {"amount": "8", "price": "2"}}, mode=2).values()
    assert (market.amount_step, market.price_step) == (None, None)


@pytest.mark.parametrize("missing", ["symbol", "base", "quote", "type"])
def test_a_market_without_a_name_is_left_out(missing: str) -> None:
    assert read(ROW | {missing: None}) == {}


@pytest.mark.parametrize("part", ["precision", "limits"])
def test_a_market_that_tells_little_is_listed_with_what_it_tells(part: str) -> None:
    market = market_of(ROW | {part: None})
    told = {"precision": market.amount_step, "limits": market.min_notional}
    assert told[part] is None


@pytest.mark.parametrize(
    ("told", "by_the_row", "wanted"),
    [("quote", False, True), ("get", True, False), (None, True, True), (None, False, False)],
)
def test_which_side_pays_the_fee(told: str | None, by_the_row: bool, wanted: bool) -> None:
    (market,) = read(ROW | {"feeSide": told}, fees_in_quote=by_the_row).values()
    assert market.fees is not None
    assert market.fees.is_in_quote is wanted


def test_fees_that_are_no_parts_of_the_cost_are_not_told() -> None:
    assert market_of(ROW | {"percentage": False}).fees is None
    assert market_of(ROW | {"maker": None}).fees is None


def test_a_ticker_has_exact_prices_and_the_time_that_it_was_told() -> None:
    row = {
        "symbol": "BTC/USDT",
        "bid": "1.10",
        "ask": "1.2",
        "last": None,
        "timestamp": 1748779199000,
    }
    ticker = ticker_of(row, now=NOW)
    assert ticker is not None
    assert (ticker.bid, ticker.ask, ticker.last) == (Decimal("1.1"), Decimal("1.2"), None)
    assert ticker.at == NOW - timedelta(seconds=1)
    assert not ticker.is_stale


def test_an_old_price_is_stale_and_one_without_a_time_is_of_now() -> None:
    told_at = NOW - STALE_AFTER - timedelta(milliseconds=1)
    old = ticker_of({"symbol": "A/B", "timestamp": int(told_at.timestamp() * 1000)}, now=NOW)
    fresh = ticker_of({"symbol": "A/B", "timestamp": None}, now=NOW)
    assert old is not None
    assert old.is_stale
    assert fresh is not None
    assert (fresh.at, fresh.is_stale) == (NOW, False)
    assert ticker_of({"bid": "1"}, now=NOW) is None


@pytest.mark.parametrize("absurd", ["0", "-1", "NaN", 0.1, None])
def test_a_price_that_is_none_is_not_told(absurd: object) -> None:
    ticker = ticker_of({"symbol": "A/B", "bid": absurd}, now=NOW)
    assert ticker is not None
    assert ticker.bid is None


def test_balances_are_exact_and_of_two_numbers_the_third_is_worked_out() -> None:
    answer = {
        "free": {"BTC": "0.1", "ETH": None, "USDT": "5", "DOGE": "0"},
        "used": {"BTC": "0.20", "ETH": "1", "USDT": None, "DOGE": "0"},
        "total": {"BTC": "0.3", "ETH": "3", "USDT": "7", "DOGE": "0"},
        "BTC": {"free": "9"},
        "info": {"balances": []},
    }
    assert balances_of(answer) == {
        "BTC": Balance(asset="BTC", free=Decimal("0.1"), used=Decimal("0.2")),
        "ETH": Balance(asset="ETH", free=Decimal(2), used=Decimal(1)),
        "USDT": Balance(asset="USDT", free=Decimal(5), used=Decimal(2)),
    }


def test_an_account_without_money_is_not_an_answer_without_balances() -> None:
    assert balances_of({"info": {"balances": []}, "free": {}, "used": {}, "total": {}}) == {}
    assert balances_of({"info": [], "free": {}, "used": {}, "total": {}}) == {}
    nothing: tuple[dict[str, Any], ...] = ({}, {"info": {}}, {"info": "<html></html>"})
    for told in nothing:
        with pytest.raises(Unreadable):
            balances_of(told)


def test_the_last_prices_of_all_markets_are_exact_and_an_unreadable_one_hides_no_other() -> None:
    rows = [
        {"symbol": "BTCUSDT", "price": "0.10"},
        {"symbol": "ETHUSDT", "price": "soon"},
        {"price": "1"},
        "nonsense",
    ]
    assert last_prices_of(rows) == {"BTCUSDT": Decimal("0.1")}


@pytest.mark.parametrize("answer", [{}, "a page", None])
def test_what_is_no_list_of_prices_is_unreadable(answer: Any) -> None:
    with pytest.raises(Unreadable):
        last_prices_of(answer)
