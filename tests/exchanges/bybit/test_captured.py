"""One page for each kind of message as Bybit documents it, read by ccxt and by our parsing."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import ccxt.pro
import pytest

from app.domain.fills import Fee
from app.domain.orders.order import OrderStatus
from app.errors import ExchangeDoubt, ExchangeRejected, RefusalCode
from app.exchanges.ccxt.parsing.candles import candle_of
from app.exchanges.ccxt.parsing.failures import failure_of_create, is_ban, is_clock_off
from app.exchanges.ccxt.parsing.markets import balances_of, markets_of, ticker_of
from app.exchanges.ccxt.parsing.order_books import order_book_of
from app.exchanges.ccxt.parsing.order_reports import (
    accepted,
    news_of,
    trade_news_of,
)
from app.exchanges.ccxt.rows.table import QUIRKS
from tests.support.exchanges.replays import Heard, Replay

MINUTE = timedelta(minutes=1)
URL = "wss://stream.bybit.com/v5/public/spot"
NOW = datetime(2025, 6, 1, 12, 1, tzinfo=UTC)
ROW = QUIRKS["bybit"]
BTC = "BTC/USDT"
PATHS = {
    "GET /v5/market/time": "market_time",
    "GET /v5/market/instruments-info": "instruments",
    "GET /v5/market/tickers": "tickers",
    "GET /v5/market/kline": "klines",
    "GET /v5/market/orderbook": "order_book",
    "POST /v5/order/create": "order_created",
    "GET /v5/order/realtime": "orders_open",
    "GET /v5/order/history": "orders_history",
    "GET /v5/execution/list": "executions",
    "GET /v5/account/wallet-balance": "wallet_unified",
    "GET /v5/user/query-api": "key_unified",
    "GET /v5/account/info": "account_info",
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


async def test_markets(client: Any) -> None:
    market = markets_of(client, fees_in_quote=False)[BTC]
    assert (market.amount_step, market.price_step, market.min_notional) == (
        Decimal("0.000001"), Decimal("0.1"), Decimal(5),
    )  # fmt: skip


async def test_the_answer_to_an_order(client: Any) -> None:
    row = await client.create_order(BTC, "limit", "buy", "0.1", "40000")
    report = accepted(row, wire_id="mine", symbol=BTC, now=NOW)
    assert (report.exchange_order_id, report.status, report.filled) == (
        "1963412345678901249", OrderStatus.OPEN, None,
    )  # fmt: skip


async def test_open_orders(client: Any, replay: Replay) -> None:
    rows = await client.fetch_open_orders()
    reports = replay.reports_of(rows, NOW)
    assert {name: (one.status, one.filled, one.cost) for name, one in reports.items()} == {
        "w00000000000000001": (OrderStatus.OPEN, Decimal(0), Decimal(0)),
        "w00000000000000002": (OrderStatus.PARTIALLY_FILLED, Decimal("0.04"), Decimal(1600)),
    }
    assert {one.symbol for one in reports.values()} == {BTC}
    assert [row["info"].get("nextPageCursor") for row in rows].count(None) == 1


ENDS = {
    "filled-market": (OrderStatus.FILLED, "0.1"),
    "canceled": (OrderStatus.CANCELED, "0"),
    "canceled-in-part": (OrderStatus.CANCELED, "0.04"),
    "ioc": (OrderStatus.EXPIRED, "0"),
    "fok": (OrderStatus.EXPIRED, "0"),
    "post-only": (OrderStatus.REJECTED, "0"),
    "rejected": (OrderStatus.REJECTED, "0"),
    "ioc-in-part": (OrderStatus.EXPIRED, "0.04"),
    "bought-by-cost": (OrderStatus.FILLED, "0.1"),
}


async def test_the_ends_of_orders(client: Any, replay: Replay) -> None:
    reports = replay.reports_of(await client.fetch_canceled_and_closed_orders(BTC), NOW)
    found = {name: (one.status, one.filled) for name, one in reports.items()}
    assert found == {name: (status, Decimal(filled)) for name, (status, filled) in ENDS.items()}
    assert reports["filled-market"].cost == Decimal("5000.05")


async def test_executions_with_fees_and_rebates_in_every_currency(
    client: Any, replay: Replay
) -> None:
    fills = replay.fills_in(await client.fetch_my_trades(BTC))
    assert [(fill.fee, fill.is_maker) for fill in fills] == [
        (Fee(currency="BTC", amount=Decimal("0.00004")), True),
        (Fee(currency="USDT", amount=Decimal("1.6")), False),
        (Fee(currency="MNT", amount=Decimal("1.92")), False),
        (Fee(currency="USDT", amount=Decimal("-0.8")), True),
    ]


async def test_an_order_and_an_execution_in_the_stream(client: Any, replay: Replay) -> None:
    heard = Heard(URL)
    client.handle_message(heard, replay.page("stream_order"))
    [row] = heard.resolved["orders"]
    news = news_of(ROW.named(row), now=NOW, has_trades_beside=True)
    assert (news.symbol, news.wire_id, news.status) == (
        BTC, "w00000000000000002", OrderStatus.PARTIALLY_FILLED,
    )  # fmt: skip
    client.handle_message(heard, replay.page("stream_execution"))
    [row] = heard.resolved["myTrades"]
    [told] = trade_news_of(ROW.traded(row), now=NOW).fills
    listed = replay.fills_in(await client.fetch_my_trades(BTC))
    assert told in listed


async def test_tickers_by_request_and_by_stream(client: Any, replay: Replay) -> None:
    asked = ticker_of(await client.fetch_ticker(BTC), now=NOW)
    heard = Heard(URL)
    client.handle_message(heard, replay.page("stream_ticker"))
    streamed = ticker_of(heard.resolved[f"ticker:{BTC}"], now=NOW)
    assert asked is not None
    assert streamed is not None
    assert (asked.bid, asked.ask, asked.last) == (
        Decimal("50000.4"), Decimal("50000.5"), Decimal("50000.5"),
    )  # fmt: skip
    assert (streamed.bid, streamed.ask, streamed.last) == (None, None, Decimal("50000.5"))


async def test_candles_and_the_order_book(client: Any) -> None:
    rows = await client.fetch_ohlcv(BTC, "1m")
    candles = [candle_of(row, span=MINUTE, now=NOW) for row in rows]
    assert [one.close for one in candles] == [Decimal("50000.1"), Decimal("50000.5")]
    book = order_book_of(await client.fetch_order_book(BTC, 2), depth=2, now=NOW)
    assert (book.bids[0].price, book.asks[0].price) == (Decimal("50000.4"), Decimal("50000.5"))


async def test_balances_of_both_kinds_of_account(client: Any, replay: Replay) -> None:
    unified = balances_of(await client.fetch_balance())["USDT"]
    assert (unified.free, unified.used) == (Decimal("600.25"), Decimal("400.25"))
    pages = {"wallet_unified": "wallet_classic", "key_unified": "key_classic"}
    paths = {path: pages.get(name, name) for path, name in PATHS.items()}
    classic = Replay(ROW, paths).client()
    classic.set_markets_from_exchange(client)
    assert balances_of(await classic.fetch_balance())["USDT"] == unified
    assert await client.is_unified_enabled() == [False, True]
    assert await classic.is_unified_enabled() == [False, False]
    await classic.close()


@pytest.mark.parametrize(
    ("name", "withdraws", "is_bound"), [("key_unified", False, True), ("key_classic", True, False)]
)
def test_what_a_key_may_do(replay: Replay, name: str, *, withdraws: bool, is_bound: bool) -> None:
    assert ROW.permissions is not None
    key = replay.page(name)
    assert ROW.permissions.may_trade(key, None) is True
    assert ROW.permissions.may_withdraw(key) is withdraws
    assert ROW.permissions.is_ip_bound(key) is is_bound


async def _failed(name: str, client: Any, replay: Replay) -> Exception:
    replay.paths["POST /v5/order/create"] = name
    with pytest.raises(ccxt.BaseError) as caught:
        await client.create_order(BTC, "limit", "buy", "0.1", "40000")
    failure: Exception = caught.value
    return failure


async def test_errors(client: Any, replay: Replay) -> None:
    timeout = await _failed("error_creation_timeout", client, replay)
    verdict = failure_of_create(timeout, ROW.error_codes)
    assert isinstance(verdict, ExchangeDoubt)
    poor = failure_of_create(await _failed("error_insufficient_balance", client, replay))
    assert isinstance(poor, ExchangeRejected)
    assert poor.refusal.code is RefusalCode.INSUFFICIENT_FUNDS
    assert is_ban(await _failed("error_too_many_visits", client, replay))
    assert is_clock_off(await _failed("error_timestamp", client, replay))


def test_every_page_is_read_by_a_test(replay: Replay) -> None:
    assert replay.unread_in(__file__) == []
