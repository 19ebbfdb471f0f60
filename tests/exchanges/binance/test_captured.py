"""One page for each kind of message as Binance documents it, read by ccxt and by our parsing."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import ccxt.pro
import pytest

from app.domain.fills import Fee
from app.domain.order_kinds import OrderType
from app.domain.orders.order import OrderStatus
from app.errors import ExchangeDoubt, ExchangeRejected, RefusalCode
from app.exchanges.ccxt.parsing.candles import candle_of
from app.exchanges.ccxt.parsing.failures import (
    failure_of_create,
    is_ban,
    is_clock_off,
    is_order_missing,
    key_words,
)
from app.exchanges.ccxt.parsing.markets import balances_of, markets_of, ticker_of
from app.exchanges.ccxt.parsing.order_books import order_book_of
from app.exchanges.ccxt.parsing.order_reports import (
    accepted,
    answered,
    news_of,
    trade_news_of,
)
from app.exchanges.ccxt.rows.table import QUIRKS
from tests.support.exchanges.replays import Heard, Replay

MINUTE = timedelta(minutes=1)
NOW = datetime(2025, 6, 1, 12, 1, tzinfo=UTC)
ROW = QUIRKS["binance"]
BTC = "BTC/USDT"
PATHS = {
    "GET /api/v3/time": "time",
    "GET /api/v3/exchangeInfo": "exchange_info",
    "GET /api/v3/account": "account",
    "GET /sapi/v1/account/apiRestrictions": "key",
    "POST /api/v3/order": "order_filled_at_once",
    "GET /api/v3/order": "order",
    "DELETE /api/v3/order": "order_canceled",
    "GET /api/v3/openOrders": "orders_open",
    "GET /api/v3/allOrders": "orders_all",
    "GET /api/v3/myTrades": "my_trades",
    "GET /api/v3/ticker/24hr": "tickers",
    "GET /api/v3/ticker/price": "last_prices",
    "GET /api/v3/klines": "klines",
    "GET /api/v3/depth": "depth",
}


@pytest.fixture
def replay() -> Replay:
    return Replay(ROW, PATHS)


@pytest.fixture
async def client(replay: Replay) -> AsyncIterator[Any]:
    client = replay.client()
    client.set_markets(await client.fetch_markets())
    yield client
    await client.close()


async def test_markets_and_the_time(client: Any) -> None:
    market = markets_of(client, fees_in_quote=False)[BTC]
    assert (market.amount_step, market.price_step, market.min_notional) == (
        Decimal("0.00001"), Decimal("0.01"), Decimal(5),
    )  # fmt: skip
    assert await client.fetch_time() == 1748779200123


async def test_the_answer_to_an_order_has_its_trades(client: Any) -> None:
    row = await client.create_order(BTC, "market", "buy", "0.1")
    report = accepted(row, wire_id="mine", symbol=BTC, now=NOW)
    assert (report.exchange_order_id, report.status, report.cost) == (
        "28", OrderStatus.FILLED, Decimal("5000.056"),
    )  # fmt: skip
    assert [(fill.trade_id, fill.fee) for fill in report.fills] == [
        ("5001", Fee(currency="BTC", amount=Decimal("0.00006"))),
        ("5002", Fee(currency="BNB", amount=Decimal("0.00500065"))),
    ]


async def test_an_order_that_is_looked_up_and_the_answer_to_its_cancel(client: Any) -> None:
    found = answered(ROW.named(await client.fetch_order("29", BTC)), now=NOW)
    assert (found.wire_id, found.status, found.filled) == (
        "w00000000000000002", OrderStatus.PARTIALLY_FILLED, Decimal("0.04"),
    )  # fmt: skip
    canceled = answered(ROW.named(await client.cancel_order("29", BTC)), now=NOW)
    assert (canceled.status, canceled.filled) == (OrderStatus.CANCELED, Decimal("0.04"))


async def test_open_orders_of_every_type(client: Any, replay: Replay) -> None:
    reports = replay.reports_of(await client.fetch_open_orders(), NOW)
    found = {
        name: (one.status, one.details.type, one.details.exchange_type)
        for name, one in reports.items()
        if one.details is not None
    }
    assert found == {
        "w00000000000000002": (OrderStatus.PARTIALLY_FILLED, OrderType.LIMIT, None),
        "post-only": (OrderStatus.OPEN, OrderType.LIMIT, None),
        "stop": (OrderStatus.OPEN, OrderType.STOP_LIMIT, None),
        "trail": (OrderStatus.OPEN, OrderType.OTHER, "STOP_LOSS_LIMIT"),
        "second-of-a-list": (OrderStatus.OPEN, OrderType.LIMIT, None),
    }


ENDS = {
    "filled-market": (OrderStatus.FILLED, "0.1"),
    "canceled": (OrderStatus.CANCELED, "0"),
    "canceled-in-part": (OrderStatus.CANCELED, "0.04"),
    "ioc-in-part": (OrderStatus.EXPIRED, "0.04"),
    "fok": (OrderStatus.EXPIRED, "0"),
    "self-trade": (OrderStatus.EXPIRED, "0"),
    "rejected": (OrderStatus.REJECTED, "0"),
    "bought-by-cost": (OrderStatus.FILLED, "0.1"),
    "open": (OrderStatus.OPEN, "0"),
}


async def test_the_ends_of_orders(client: Any, replay: Replay) -> None:
    reports = replay.reports_of(await client.fetch_orders(BTC), NOW)
    found = {name: (one.status, one.filled) for name, one in reports.items()}
    assert found == {name: (status, Decimal(filled)) for name, (status, filled) in ENDS.items()}


async def test_trades_with_fees_in_every_currency(client: Any, replay: Replay) -> None:
    fills = replay.fills_in(await client.fetch_my_trades(BTC))
    assert [(fill.fee, fill.is_maker) for fill in fills] == [
        (Fee(currency="BTC", amount=Decimal("0.00004")), True),
        (Fee(currency="USDT", amount=Decimal("1.6")), False),
        (Fee(currency="BNB", amount=Decimal("0.00213333")), True),
        (Fee(currency="USDT", amount=Decimal(0)), True),
    ]


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("stream_order_new", OrderStatus.OPEN),
        ("stream_order_trade", OrderStatus.PARTIALLY_FILLED),
        ("stream_order_canceled", OrderStatus.CANCELED),
    ],
)
async def test_an_order_in_the_stream(
    client: Any, replay: Replay, name: str, status: OrderStatus
) -> None:
    heard = Heard(client.urls["api"]["ws"]["ws-api"]["spot"], {"0": True})
    client.handle_message(heard, replay.page(name))
    [row] = heard.resolved["orders"]
    news = news_of(ROW.named(row), now=NOW, has_trades_beside=True)
    assert (news.symbol, news.wire_id, news.status) == (BTC, "w00000000000000002", status)


async def test_a_trade_in_the_stream_is_the_one_that_is_listed(client: Any, replay: Replay) -> None:
    heard = Heard(client.urls["api"]["ws"]["ws-api"]["spot"], {"0": True})
    client.handle_message(heard, replay.page("stream_order_trade"))
    [row] = heard.resolved["myTrades"]
    [streamed] = trade_news_of(ROW.traded(row), now=NOW).fills
    assert streamed in replay.fills_in(await client.fetch_my_trades(BTC))


async def test_tickers_by_request_and_by_stream(client: Any, replay: Replay) -> None:
    asked = ticker_of(await client.fetch_ticker(BTC), now=NOW)
    assert asked is not None
    assert (asked.bid, asked.ask, asked.last) == (
        Decimal("50000.4"), Decimal("50000.5"), Decimal("50000.5"),
    )  # fmt: skip
    streamed = ticker_of(client.parse_ws_ticker(replay.page("stream_ticker"), "spot"), now=NOW)
    assert streamed is not None
    assert (streamed.bid, streamed.ask, streamed.last) == (asked.bid, asked.ask, asked.last)
    assert ROW.last_prices_method is not None
    listed = await getattr(client, ROW.last_prices_method)()
    assert [row["price"] for row in listed if row["symbol"] == "BTCUSDT"] == ["50000.50000000"]


async def test_candles_and_the_order_book(client: Any) -> None:
    rows = await client.fetch_ohlcv(BTC, "1m")
    candles = [candle_of(row, span=MINUTE, now=NOW) for row in rows]
    assert [one.close for one in candles] == [Decimal("50000.1"), Decimal("50000.5")]
    book = order_book_of(await client.fetch_order_book(BTC, 2), depth=2, now=NOW)
    assert (book.bids[0].price, book.asks[0].price) == (Decimal("50000.4"), Decimal("50000.5"))


async def test_balances_and_what_the_key_may_do(client: Any) -> None:
    balance = await client.fetch_balance()
    held = balances_of(balance)["USDT"]
    assert (held.free, held.used) == (Decimal("600.25"), Decimal("400.25"))
    assert ROW.permissions is not None
    key = await getattr(client, ROW.permissions.method)()
    assert ROW.permissions.may_trade(key, balance) is True
    assert ROW.permissions.may_withdraw(key) is False
    assert ROW.permissions.is_ip_bound(key) is True


async def _failed(name: str, client: Any, replay: Replay) -> Exception:
    replay.paths["POST /api/v3/order"] = name
    with pytest.raises(ccxt.BaseError) as caught:
        await client.create_order(BTC, "limit", "buy", "0.1", "40000")
    failure: Exception = caught.value
    return failure


async def test_errors(client: Any, replay: Replay) -> None:
    unknown = failure_of_create(
        await _failed("error_unknown_outcome", client, replay), ROW.error_codes
    )
    assert isinstance(unknown, ExchangeDoubt)
    for name, code in (
        ("error_insufficient_balance", RefusalCode.INSUFFICIENT_FUNDS),
        ("error_min_notional", RefusalCode.MIN_NOTIONAL),
        ("error_would_trigger", RefusalCode.INVALID_INPUT),
    ):
        refused = failure_of_create(await _failed(name, client, replay), ROW.error_codes)
        assert isinstance(refused, ExchangeRejected)
        assert refused.refusal.code is code
    assert is_ban(await _failed("error_too_many_requests", client, replay))
    assert is_clock_off(await _failed("error_timestamp", client, replay))
    assert key_words(await _failed("error_key", client, replay)) is not None
    assert is_order_missing(await _failed("error_unknown_order", client, replay))


def test_every_page_is_read_by_a_test(replay: Replay) -> None:
    assert replay.unread_in(__file__) == []
