"""Gate's messages as it documents them, a page for each kind, and what we read in them."""

import json
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import ccxt.pro
import pytest

from app.domain.accounts import AccountMode
from app.domain.fills import Fee
from app.domain.orders.order import OrderStatus
from app.errors import ExchangeRejected, RefusalCode
from app.exchanges.ccxt.connection.clients import CcxtTerms, open_client
from app.exchanges.ccxt.parsing.candles import candle_of
from app.exchanges.ccxt.parsing.failures import failure_of_create
from app.exchanges.ccxt.parsing.markets import balances_of, markets_of, ticker_of
from app.exchanges.ccxt.parsing.order_reports import (
    accepted,
    answered,
    fills_of,
    has_mixed_fees,
    news_of,
    trade_news_of,
)
from app.exchanges.ccxt.rows.table import QUIRKS

PAGES = Path(__file__).parents[1] / "captured" / "gate"
GATE = QUIRKS["gate"]
NOW = datetime(2025, 6, 1, 12, 1, tzinfo=UTC)
WIRE, ID = "w0123456789abcdefg", "1036717689726"
CHARGE = Fee(currency="ETH", amount=Decimal("0.0006"))


class Socket:
    """What ccxt resolves is in its caches."""

    def __init__(self) -> None:
        self.futures: dict[str, Any] = {}

    def resolve(self, *_: Any) -> None: ...


def page(name: str) -> Any:
    return json.loads((PAGES / f"{name}.json").read_text())


@pytest.fixture
async def client() -> Any:
    """The client as an account has it, with answers from the pages."""
    client = await open_client(CcxtTerms(exchange="gate", mode=AccountMode.PAPER))
    pages = {
        "publicSpotGetCurrencyPairs": page("currency-pairs"),
        "publicMarginGetCurrencyPairs": [],
        "privateSpotGetAccounts": page("accounts"),
        "privateUnifiedGetAccounts": page("unified-accounts"),
        "privateSpotGetOpenOrders": page("open-orders"),
        "private_account_get_detail": page("account-detail"),
    }
    for name, answer in pages.items():
        setattr(client, name, answering(answer))
    client.set_markets(await client.fetch_spot_markets())
    return client


def answering(answer: Any) -> Any:
    async def ask(*_: Any) -> Any:
        return answer

    return ask


def order_in(client: Any, name: str) -> Any:
    return GATE.named(client.parse_order(page(name)))


def streamed(client: Any, name: str) -> tuple[Any, Any]:
    """The rows of orders and of trades that ccxt makes of a message."""
    client.handle_message(Socket(), page(name))
    return [GATE.named(row) for row in client.orders or ()], list(client.myTrades or ())


def test_every_page_is_read_by_a_test() -> None:
    source = Path(__file__).read_text()
    unread = [file.stem for file in PAGES.glob("*.json") if f'"{file.stem}"' not in source]
    assert unread == []


def test_a_market(client: Any) -> None:
    market = markets_of(client, fees_in_quote=False)["ETH/USDT"]
    assert (market.amount_step, market.price_step) == (Decimal("0.0001"), Decimal("0.01"))
    assert (market.min_amount, market.min_notional) == (Decimal("0.001"), Decimal(3))
    assert market.fees is not None
    assert (market.fees.taker, market.fees.is_in_quote) == (Decimal("0.002"), False)


def test_an_order_that_is_partially_filled(client: Any) -> None:
    report = answered(order_in(client, "order"), now=NOW)
    assert (report.wire_id, report.exchange_order_id) == (WIRE, ID)
    assert (report.status, report.filled, report.cost) == (
        OrderStatus.PARTIALLY_FILLED,
        Decimal("0.6"),
        Decimal(1200),
    )


def test_an_order_that_gate_ended_itself_has_expired(client: Any) -> None:
    report = answered(order_in(client, "order-unfilled-fok"), now=NOW)
    assert (report.status, report.filled) == (OrderStatus.EXPIRED, Decimal(0))
    assert report.refusal is not None


ENDS = {
    "filled": OrderStatus.FILLED,
    "cancelled": OrderStatus.CANCELED,
    "liquidate_cancelled": OrderStatus.CANCELED,
    "stp": OrderStatus.CANCELED,
    "price_protect_cancelled": OrderStatus.CANCELED,
    "unknown": OrderStatus.CANCELED,
    "ioc": OrderStatus.EXPIRED,
    "fok": OrderStatus.EXPIRED,
    "small": OrderStatus.EXPIRED,
    "depth_not_enough": OrderStatus.EXPIRED,
    "trader_not_enough": OrderStatus.EXPIRED,
    "poc": OrderStatus.REJECTED,
    "a word that nobody has heard of": OrderStatus.CANCELED,
}


@pytest.mark.parametrize("word", ENDS)
def test_every_word_for_the_end_of_an_order_is_read(client: Any, word: str) -> None:
    raw = page("order-unfilled-fok") | {"finish_as": word}
    if word == "filled":
        raw |= {"left": "0", "filled_amount": "1", "filled_total": "2000", "status": "closed"}
    report = answered(GATE.named(client.parse_order(raw)), now=NOW)
    assert report.status is ENDS[word]


def test_a_market_buy_has_the_amounts_that_gate_tells(client: Any) -> None:
    report = answered(order_in(client, "order-market-buy"), now=NOW)
    assert (report.status, report.wire_id) == (OrderStatus.FILLED, None)
    assert (report.filled, report.cost) == (Decimal("0.3333"), Decimal("999.9"))


async def test_open_orders(client: Any) -> None:
    client.options["unifiedAccount"] = False
    [row] = await client.fetch_open_orders()
    assert answered(GATE.named(row), now=NOW).wire_id == WIRE


def test_the_answer_to_an_order(client: Any) -> None:
    row = order_in(client, "order-placed")
    report = accepted(row, wire_id=WIRE, symbol="ETH/USDT", now=NOW)
    assert (report.status, report.exchange_order_id) == (OrderStatus.OPEN, ID)
    assert report.filled == 0


def test_an_answer_with_totals_alone_leaves_them_to_those_who_tell_the_trades(client: Any) -> None:
    row = order_in(client, "order")
    report = accepted(row, wire_id=WIRE, symbol="ETH/USDT", now=NOW)
    assert (report.status, report.filled, report.fills) == (OrderStatus.OPEN, None, ())


def test_a_refusal_of_an_order(client: Any) -> None:
    told = page("order-refused")
    with pytest.raises(ccxt.InsufficientFunds) as caught:
        client.handle_errors(400, "", "", "POST", {}, json.dumps(told), told, {}, "")
    failure = failure_of_create(caught.value, GATE.error_codes)
    assert isinstance(failure, ExchangeRejected)
    assert failure.refusal.code is RefusalCode.INSUFFICIENT_FUNDS
    assert told["message"] in failure.refusal.message


def test_trades_with_fees_in_base_in_gt_and_in_points(client: Any) -> None:
    rows = client.parse_trades(page("my-trades"))
    in_base, in_gt, in_points = fills_of(rows)
    assert (in_base.trade_id, in_base.fee, in_base.is_maker) == ("5736713", CHARGE, True)
    assert in_gt.fee == Fee(currency="GT", amount=Decimal("0.1234"))
    assert in_points.fee == Fee(currency="GATEPOINT", amount=Decimal("0.5"))
    assert not any(map(has_mixed_fees, rows))


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("spot.orders-put", OrderStatus.OPEN),
        ("spot.orders-update", OrderStatus.PARTIALLY_FILLED),
        ("spot.orders-finish", OrderStatus.CANCELED),
    ],
)
def test_an_order_in_the_stream(client: Any, name: str, status: OrderStatus) -> None:
    [order], trades = streamed(client, name)
    told = news_of(order, now=NOW, has_trades_beside=True)
    assert (told.status, told.wire_id, told.exchange_order_id) == (status, WIRE, ID)
    assert trades == []


def test_a_trade_in_the_stream_is_the_one_in_the_list(client: Any) -> None:
    _, [trade] = streamed(client, "spot.usertrades")
    told = trade_news_of(trade, now=NOW)
    [fill] = told.fills
    listed = fills_of(client.parse_trades(page("my-trades")))[0]
    assert (fill.trade_id, fill.fee, fill.amount, fill.at) == (
        listed.trade_id,
        listed.fee,
        listed.amount,
        listed.at,
    )
    assert told.exchange_order_id == ID


@pytest.mark.parametrize("is_unified", [False, True])
async def test_balances(client: Any, *, is_unified: bool) -> None:
    client.options["unifiedAccount"] = is_unified
    balances = balances_of(await client.fetch_balance())
    assert (balances["USDT"].free, balances["USDT"].used) == (Decimal(98_800), Decimal(1200))


async def test_the_kind_of_an_account(client: Any) -> None:
    assert page("account-detail")["key"] == {"mode": 2}
    assert await client.load_unified_status() is True
    assert GATE.permissions is not None
    assert GATE.permissions.is_ip_bound(page("account-detail")) is True


def test_a_ticker(client: Any) -> None:
    ticker = ticker_of(client.parse_ticker(page("tickers")[0]), now=NOW)
    assert ticker is not None
    assert (ticker.bid, ticker.ask, ticker.last) == (
        Decimal(2000),
        Decimal("2000.01"),
        Decimal("2000.01"),
    )


def test_candles_listed_and_streamed(client: Any) -> None:
    rows = client.parse_ohlcvs(page("candlesticks"), client.market("ETH/USDT"), "1m")
    rows.append(client.parse_ohlcv(page("spot.candlesticks")["result"]))
    found = [
        candle_of(row, span=timedelta(minutes=1), now=NOW - timedelta(seconds=1)) for row in rows
    ]
    assert [(one.close, one.volume, one.is_closed) for one in found] == [
        (Decimal(2000), Decimal(3), True),
        (Decimal("2000.01"), Decimal("12.5"), False),
        (Decimal("2000.01"), Decimal("12.5"), False),
    ]
