"""OKX's messages as it documents them, a page for each kind, and what we read in them."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import ccxt.pro
import pytest

from app.domain.fills import Fee
from app.domain.orders.order import OrderStatus
from app.errors import ExchangeRejected, RefusalCode
from app.exchanges.ccxt.parsing.candles import candle_of
from app.exchanges.ccxt.parsing.failures import failure_of_create
from app.exchanges.ccxt.parsing.markets import balances_of, markets_of, ticker_of
from app.exchanges.ccxt.parsing.order_reports import (
    accepted,
    answered,
    fills_of,
    news_of,
    trade_news_of,
)
from app.exchanges.ccxt.rows.table import QUIRKS

PAGES = Path(__file__).parents[1] / "captured" / "okx"
OKX = QUIRKS["okx"]
NOW = datetime(2025, 6, 1, 12, 1, tzinfo=UTC)
WIRE, ID = "w0123456789abcdefg", "680800019749904384"
CHARGE, REBATE = (Fee(currency="ETH", amount=Decimal(fee)) for fee in ("0.0006", "-0.0001"))


class Socket:
    """What ccxt resolves is in its caches."""

    def resolve(self, *_: Any) -> None: ...


def page(name: str) -> Any:
    return json.loads((PAGES / f"{name}.json").read_text())


@pytest.fixture
def client() -> Any:
    client = ccxt.pro.okx({"number": str})
    client.set_markets(client.parse_markets(page("instruments")["data"]))
    return client


def order_in(client: Any, name: str) -> Any:
    return OKX.named(client.parse_order(page(name)["data"][0]))


def streamed(client: Any, name: str) -> tuple[Any, Any]:
    """The rows of orders and of trades that ccxt makes of a message."""
    client.handle_message(Socket(), page(name))
    return [OKX.named(row) for row in client.orders], list(client.myTrades or ())


def test_every_page_is_read_by_a_test() -> None:
    source = Path(__file__).read_text()
    unread = [file.stem for file in PAGES.glob("*.json") if f'"{file.stem}"' not in source]
    assert unread == []


def test_a_market(client: Any) -> None:
    market = markets_of(client, fees_in_quote=False)["ETH/USDT"]
    assert (market.amount_step, market.price_step, market.min_amount) == (
        Decimal("0.000001"),
        Decimal("0.01"),
        Decimal("0.001"),
    )
    assert market.min_notional is None


def test_an_order_that_is_partially_filled(client: Any) -> None:
    report = answered(order_in(client, "order"), now=NOW)
    assert (report.wire_id, report.exchange_order_id) == (WIRE, ID)
    assert (report.status, report.filled, report.cost) == (
        OrderStatus.PARTIALLY_FILLED,
        Decimal("0.6"),
        Decimal(1200),
    )


def test_an_order_that_okx_ended_itself_has_expired(client: Any) -> None:
    report = answered(order_in(client, "order-unfilled-fok"), now=NOW)
    assert (report.status, report.filled) == (OrderStatus.EXPIRED, Decimal(0))
    assert report.refusal is not None


def test_the_answer_to_an_order_is_its_id(client: Any) -> None:
    row = client.parse_order(page("order-placed")["data"][0], client.market("ETH/USDT"))
    report = accepted(row, wire_id=WIRE, symbol="ETH/USDT", now=NOW)
    assert (report.status, report.exchange_order_id, report.filled) == (OrderStatus.OPEN, ID, None)


def test_a_refusal_of_an_order(client: Any) -> None:
    told = page("order-refused")
    with pytest.raises(ccxt.InsufficientFunds) as caught:
        client.handle_errors(200, "", "", "POST", {}, json.dumps(told), told, {}, "")
    failure = failure_of_create(caught.value, OKX.error_codes)
    assert isinstance(failure, ExchangeRejected)
    assert failure.refusal.code is RefusalCode.INSUFFICIENT_FUNDS
    assert told["data"][0]["sMsg"] in failure.refusal.message


def test_trades_with_a_charge_and_with_a_rebate(client: Any) -> None:
    charged, rebated = fills_of(client.parse_trades(page("fills-history")["data"]))
    assert (charged.trade_id, charged.fee, charged.is_maker) == ("744876980", CHARGE, True)
    assert (rebated.trade_id, rebated.fee) == ("744876981", REBATE)


def test_a_new_order_in_the_stream_has_no_trade(client: Any) -> None:
    [order], trades = streamed(client, "channel-orders-new")
    assert news_of(order, now=NOW, has_trades_beside=True).status is OrderStatus.OPEN
    assert trades == []


def test_a_trade_in_the_stream_is_the_one_in_the_list(client: Any) -> None:
    [order], [trade] = streamed(client, "channel-orders-trade")
    assert news_of(order, now=NOW, has_trades_beside=True).status is OrderStatus.PARTIALLY_FILLED
    told = trade_news_of(trade, now=NOW, are_fees_negated=OKX.streams_fees_negated)
    [fill] = told.fills
    listed, _ = fills_of(client.parse_trades(page("fills-history")["data"]))
    assert (fill.trade_id, fill.fee, fill.amount) == (listed.trade_id, listed.fee, listed.amount)
    assert told.exchange_order_id == ID


def test_an_order_that_is_canceled_in_the_stream_has_no_other_trade(client: Any) -> None:
    [order], trades = streamed(client, "channel-orders-canceled")
    assert news_of(order, now=NOW, has_trades_beside=True).status is OrderStatus.CANCELED
    assert trades == []


def test_balances(client: Any) -> None:
    balances = balances_of(client.parse_trading_balance(page("balance")))
    assert (balances["USDT"].free, balances["USDT"].used) == (Decimal(98_800), Decimal(1200))
    assert balances["ETH"].free == Decimal("0.5994")


def test_a_ticker(client: Any) -> None:
    ticker = ticker_of(client.parse_ticker(page("ticker")["data"][0]), now=NOW)
    assert ticker is not None
    assert (ticker.bid, ticker.ask, ticker.last) == (
        Decimal(2000),
        Decimal("2000.01"),
        Decimal("2000.01"),
    )


def test_candles(client: Any) -> None:
    rows = client.parse_ohlcvs(page("candles")["data"], client.market("ETH/USDT"), "1m")
    found = [
        candle_of(row, span=timedelta(minutes=1), now=NOW - timedelta(seconds=1)) for row in rows
    ]
    assert [(one.close, one.volume, one.is_closed) for one in found] == [
        (Decimal(2000), Decimal(3), True),
        (Decimal("2000.01"), Decimal("12.5"), False),
    ]
