"""One page for each kind of message as KuCoin documents it, read by ccxt and by our parsing."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import ccxt.pro
import pytest

from app.domain.fills import Fee
from app.domain.orders.order import OrderStatus
from app.errors import ExchangeDoubt, ExchangeRejected, RefusalCode
from app.exchanges.ccxt.mends.kept_cursors import keep_cursors
from app.exchanges.ccxt.parsing.candles import candle_of
from app.exchanges.ccxt.parsing.failures import (
    failure_of_create,
    is_ban,
    is_clock_off,
    is_order_missing,
    is_order_unknown,
)
from app.exchanges.ccxt.parsing.key_permissions import at
from app.exchanges.ccxt.parsing.markets import balances_of, markets_of, ticker_of
from app.exchanges.ccxt.parsing.order_books import order_book_of
from app.exchanges.ccxt.parsing.order_reports import accepted, news_of, trade_news_of
from app.exchanges.ccxt.rows.table import QUIRKS
from tests.support.exchanges.replays import Heard, Replay

MINUTE = timedelta(minutes=1)
URL = "wss://ws-api-spot.kucoin.com/?connectId=private"
NOW = datetime(2025, 6, 1, 12, 1, tzinfo=UTC)
ROW = QUIRKS["kucoin"]
BTC = "BTC/USDT"
_ORDERS = "/api/v1/hf/orders"
PATHS = {
    "GET /api/v1/timestamp": "timestamp",
    "GET /api/v2/symbols": "symbols",
    "GET /api/v1/market/allTickers": "all_tickers",
    "GET /api/v1/market/stats": "stats",
    "GET /api/v3/margin/symbols": "margin_symbols",
    "GET /api/v1/isolated/symbols": "isolated_symbols",
    "GET /api/v1/market/candles": "candles",
    "GET /api/v1/market/orderbook/level2_20": "order_book",
    f"POST {_ORDERS}": "order_created",
    f"DELETE {_ORDERS}/client-order/mine": "order_canceled_by_client_oid",
    f"GET {_ORDERS}/1": "order",
    f"GET {_ORDERS}/client-order/mine": "order_missing",
    f"GET {_ORDERS}/active/symbols": "active_symbols",
    f"GET {_ORDERS}/active": "orders_active",
    f"GET {_ORDERS}/done": "orders_done",
    "GET /api/v1/hf/fills": "fills",
    "GET /api/v1/accounts": "accounts",
    "GET /api/ua/v1/account/mode": "account_mode",
    "GET /api/v1/hf/accounts/opened": "accounts_opened",
    "POST /api/v1/bullet-private": "bullet_private",
}


@pytest.fixture
def replay() -> Replay:
    return Replay(ROW, PATHS)


@pytest.fixture
async def client(replay: Replay) -> AsyncIterator[Any]:
    client = replay.client(password="phrase")
    assert ROW.dropped_cursors is not None
    keep_cursors(client, ROW.dropped_cursors)
    client.set_markets(await client.fetch_markets())
    yield client
    await client.close()


async def test_markets_and_the_time(client: Any) -> None:
    market = markets_of(client, fees_in_quote=ROW.fees_in_quote)[BTC]
    assert (market.amount_step, market.price_step, market.min_notional) == (
        Decimal("0.00000001"), Decimal("0.1"), Decimal("0.1"),
    )  # fmt: skip
    assert await client.fetch_time() == 1748779200000


async def test_the_answers_to_an_order_and_to_a_cancel(client: Any) -> None:
    row = await client.create_order(BTC, "limit", "buy", "0.1", "40000")
    report = accepted(row, wire_id="mine", symbol=BTC, now=NOW)
    assert (report.exchange_order_id, report.status, report.filled) == (
        "67174228135f9e000709da8c", OrderStatus.OPEN, None,
    )  # fmt: skip
    canceled = await client.cancel_order(None, BTC, {"clientOrderId": "mine"})
    assert canceled["clientOrderId"] == "w00000000000000001"


async def test_an_order_by_its_id_and_one_that_is_missing(client: Any, replay: Replay) -> None:
    reports = replay.reports_of([await client.fetch_order("1", BTC)], NOW)
    report = reports["w00000000000000002"]
    assert (report.status, report.filled) == (OrderStatus.PARTIALLY_FILLED, Decimal("0.04"))
    missing = await client.fetch_order(None, BTC, {"clientOrderId": "mine"})
    assert not missing["info"]


async def test_open_orders(client: Any, replay: Replay) -> None:
    lists = ROW.open_by_market
    assert lists is not None
    markets = at(await getattr(client, lists.markets_method)(), lists.markets_path)
    assert markets == ["BTC-USDT"]
    raw = at(await getattr(client, lists.orders_method)(), lists.orders_path)
    reports = replay.reports_of(client.parse_orders(raw), NOW)
    assert {name: (one.status, one.filled, one.cost) for name, one in reports.items()} == {
        "w00000000000000001": (OrderStatus.OPEN, Decimal(0), Decimal(0)),
        "w00000000000000002": (OrderStatus.PARTIALLY_FILLED, Decimal("0.04"), Decimal(1600)),
    }
    assert {one.symbol for one in reports.values()} == {BTC}


ENDS = {
    "filled-market": (OrderStatus.FILLED, "0.1"),
    "canceled": (OrderStatus.CANCELED, "0"),
    "canceled-in-part": (OrderStatus.CANCELED, "0.04"),
    "ioc": (OrderStatus.CANCELED, "0"),
    "post-only": (OrderStatus.CANCELED, "0"),
    "bought-by-cost": (OrderStatus.FILLED, "0.1"),
}


async def test_the_ends_of_orders_and_the_cursor_of_their_list(client: Any, replay: Replay) -> None:
    rows = await client.fetch_closed_orders(BTC)
    reports = replay.reports_of(rows, NOW)
    found = {name: (one.status, one.filled) for name, one in reports.items()}
    assert found == {name: (status, Decimal(filled)) for name, (status, filled) in ENDS.items()}
    assert reports["filled-market"].cost == Decimal("5000.05")
    assert ROW.closed_order_pages.after(rows, len(rows), 1) == {"lastId": "19814995255305"}


async def test_trades_with_fees_and_rebates_in_every_currency(client: Any, replay: Replay) -> None:
    rows = await client.fetch_my_trades(BTC)
    assert [(fill.fee, fill.is_maker) for fill in replay.fills_in(rows)] == [
        (Fee(currency="USDT", amount=Decimal("1.6")), True),
        (Fee(currency="KCS", amount=Decimal("0.14")), False),
        (Fee(currency="USDT", amount=Decimal("-0.08")), True),
    ]
    assert ROW.trade_pages.after(rows, len(rows), 1) == {"lastId": "19814995255302"}


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("stream_order_open", OrderStatus.OPEN),
        ("stream_order_match", OrderStatus.PARTIALLY_FILLED),
        ("stream_order_filled", OrderStatus.FILLED),
        ("stream_order_canceled", OrderStatus.CANCELED),
    ],
)
async def test_an_order_in_the_stream(
    client: Any, replay: Replay, name: str, status: OrderStatus
) -> None:
    heard = Heard(URL)
    client.handle_message(heard, replay.page(name))
    [row] = heard.resolved["orders-spot"]
    news = news_of(ROW.named(row), now=NOW, has_trades_beside=True)
    assert (news.symbol, news.wire_id, news.status) == (BTC, "w00000000000000002", status)
    assert ("myTrades-spot" in heard.resolved) is (name == "stream_order_match")


async def test_a_trade_in_the_stream_is_the_one_of_the_list_without_its_fee(
    client: Any, replay: Replay
) -> None:
    heard = Heard(URL)
    client.handle_message(heard, replay.page("stream_order_match"))
    [row] = heard.resolved["myTrades-spot"]
    [told] = trade_news_of(ROW.traded(row), now=NOW).fills
    listed = replay.fills_in(await client.fetch_my_trades(BTC))[0]
    assert (told.trade_id, told.price, told.amount, told.is_maker, told.at) == (
        listed.trade_id, listed.price, listed.amount, listed.is_maker, listed.at,
    )  # fmt: skip
    assert told.fee is None


async def test_tickers_by_request_and_by_stream(client: Any, replay: Replay) -> None:
    heard = Heard(URL)
    client.handle_message(heard, replay.page("stream_ticker"))
    rows = [
        await client.fetch_ticker(BTC),
        (await client.fetch_tickers())[BTC],
        heard.resolved[f"ticker:{BTC}"],
    ]
    for row in rows:
        ticker = ticker_of(row, now=NOW)
        assert ticker is not None
        assert (ticker.bid, ticker.ask, ticker.last) == (
            Decimal("50000.4"), Decimal("50000.5"), Decimal("50000.5"),
        )  # fmt: skip


async def test_candles_and_the_order_book(client: Any, replay: Replay) -> None:
    rows = await client.fetch_ohlcv(BTC, "1m")
    candles = [candle_of(row, span=MINUTE, now=NOW) for row in rows]
    assert [one.close for one in candles] == [Decimal("50000.1"), Decimal("50000.5")]
    heard = Heard(URL)
    client.handle_message(heard, replay.page("stream_candle"))
    assert candle_of(heard.resolved[f"candles:{BTC}:1m"][-1], span=MINUTE, now=NOW) == candles[-1]
    client.handle_message(heard, replay.page("stream_order_book"))
    for row in (await client.fetch_order_book(BTC, 20), heard.resolved[f"orderbook:{BTC}"]):
        book = order_book_of(row, depth=2, now=NOW)
        assert (book.bids[0].price, book.asks[0].price) == (Decimal("50000.4"), Decimal("50000.5"))


async def test_balances_are_those_of_the_account_that_orders_trade_on(client: Any) -> None:
    money = balances_of(await client.fetch_balance())
    assert (money["USDT"].free, money["USDT"].used) == (Decimal("600.25"), Decimal("400.25"))


async def test_what_kind_of_account_it_is(client: Any, replay: Replay) -> None:
    unified, low_frequency = ROW.refused_accounts
    for refused in ROW.refused_accounts:
        assert at(await getattr(client, refused.method)(), refused.path) != refused.value
    assert at(replay.page("account_mode_unified"), unified.path) == unified.value
    assert at({"data": False}, low_frequency.path) is low_frequency.value


def test_what_a_key_may_do(replay: Replay) -> None:
    assert ROW.permissions is not None
    key = replay.page("api_key")
    assert ROW.permissions.may_trade(key, None) is True
    assert ROW.permissions.may_withdraw(key) is False
    assert ROW.permissions.is_ip_bound(key) is True


async def test_where_a_stream_is_dialed(client: Any) -> None:
    client.open()
    url = await client.negotiate(True)
    assert url.startswith("wss://ws-api-spot.kucoin.com/?token=2neAiuYvAU61ZDXANAG")


async def _failed(name: str, client: Any, replay: Replay) -> Exception:
    replay.paths[f"POST {_ORDERS}"] = name
    with pytest.raises(ccxt.BaseError) as caught:
        await client.create_order(BTC, "limit", "buy", "0.1", "40000")
    failure: Exception = caught.value
    return failure


async def test_errors(client: Any, replay: Replay) -> None:
    timeout = await _failed("error_network_timeout", client, replay)
    assert isinstance(failure_of_create(timeout, ROW.error_codes), ExchangeDoubt)
    # ccxt takes it for a bad request.
    assert isinstance(failure_of_create(timeout), ExchangeRejected)
    poor = failure_of_create(await _failed("error_insufficient_balance", client, replay))
    assert isinstance(poor, ExchangeRejected)
    assert poor.refusal.code is RefusalCode.INSUFFICIENT_FUNDS
    assert is_ban(await _failed("error_too_many_requests", client, replay))
    assert is_clock_off(await _failed("error_timestamp", client, replay))
    assert is_order_missing(await _failed("error_order_missing", client, replay))
    assert is_order_unknown(await _failed("error_not_cancelable", client, replay))


def test_every_page_is_read_by_a_test(replay: Replay) -> None:
    assert replay.unread_in(__file__) == []
