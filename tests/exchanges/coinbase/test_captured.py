"""One page for each kind of message as Coinbase documents it, read by ccxt and by our parsing."""

import json
from collections.abc import AsyncIterator
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import ccxt.pro
import pytest

from app.domain.fills import Fee
from app.domain.order_kinds import OrderSide, OrderType, TimeInForce
from app.domain.orders.order import OrderStatus
from app.domain.orders.reports import OrderReport
from app.errors import ExchangeDoubt, ExchangeRejected, RefusalCode
from app.exchanges.ccxt.mends.shared_sockets import share_socket
from app.exchanges.ccxt.parsing.candles import candle_of
from app.exchanges.ccxt.parsing.failures import failure_of_create, says_one_of
from app.exchanges.ccxt.parsing.markets import balances_of, markets_of, ticker_of
from app.exchanges.ccxt.parsing.order_books import order_book_of
from app.exchanges.ccxt.parsing.order_reports import accepted, answered, fill_of, report_of
from app.exchanges.ccxt.rows.table import QUIRKS
from tests.exchanges.conftest import START
from tests.support.venues.coinbase.api.signatures import new_key

PAGES = Path(__file__).parents[1] / "captured" / "coinbase"
MINUTE = timedelta(minutes=1)
ROW = QUIRKS["coinbase"]
BTC = "BTC/USDT"
PATHS = {
    "time": "time",
    "market/products": "products",
    "market/products/BTC-USDT/ticker": "ticker",
    "market/products/BTC-USDT/candles": "candles",
    "market/product_book": "product_book",
    "transaction_summary": "transaction_summary",
    "accounts": "accounts",
    "key_permissions": "key_permissions",
    "orders": "order_created",
    "orders/batch_cancel": "canceled",
    "orders/historical/batch": "orders",
    "orders/historical/fills": "fills",
    "orders/historical/28": "order",
}


def page(name: str) -> Any:
    return json.loads((PAGES / f"{name}.json").read_text())


class Replayed(ccxt.pro.coinbase):  # type: ignore[misc]
    """The genuine class, which gets the captured pages for answers."""

    def __init__(self) -> None:
        keys = {"apiKey": "organizations/1/apiKeys/2", "secret": new_key()}
        options = {"defaultType": "spot", **ROW.options}
        super().__init__({"number": str, "options": options, **keys})
        self.pages = dict(PATHS)

    async def fetch(
        self, url: str, method: str = "GET", headers: object = None, body: object = None
    ) -> Any:
        parts = urlsplit(url)
        name = self.pages[parts.path.removeprefix("/api/v3/brokerage/")]
        is_of_futures = "product_type=FUTURE" in parts.query
        text = json.dumps(page("products_of_futures" if is_of_futures else name))
        answer = self.parse_json(text)
        self.handle_errors(200, "OK", url, method, {}, text, answer, headers, body)
        return answer


class Heard:
    """Stands in for a socket, and keeps what a message resolves."""

    def __init__(self) -> None:
        self.subscriptions: dict[str, object] = {}
        self.told: dict[str, Any] = {}

    def resolve(self, value: Any, name: str) -> None:
        self.told[name] = value


@pytest.fixture
async def client() -> AsyncIterator[Replayed]:
    client = Replayed()
    client.set_markets(await client.fetch_markets())
    share_socket(client)
    yield client
    await client.close()


async def test_the_time(client: Replayed) -> None:
    # Of the millisecond ccxt takes no notice.
    assert await client.fetch_time() == 1748779242000


async def test_markets(client: Replayed) -> None:
    market = markets_of(client, fees_in_quote=True)[BTC]
    assert (market.amount_step, market.price_step, market.min_notional) == (
        Decimal("0.00000001"), Decimal("0.01"), Decimal(1),
    )  # fmt: skip


async def test_prices(client: Replayed) -> None:
    ticker = ticker_of(await client.fetch_ticker(BTC), now=START)
    assert ticker is not None
    assert (ticker.bid, ticker.ask, ticker.last) == (
        Decimal(67060), Decimal("67060.02"), Decimal("67060.01"),
    )  # fmt: skip
    book = order_book_of(await client.fetch_order_book(BTC), depth=5, now=START)
    assert (book.bids[0].amount, book.asks[0].amount) == (Decimal("0.115"), Decimal("0.04877659"))
    rows = await client.fetch_ohlcv(BTC, "1m")
    candles = [candle_of(row, span=MINUTE, now=START + MINUTE) for row in rows]
    assert [(candle.close, candle.is_closed) for candle in candles] == [
        (Decimal("67050.5"), True), (Decimal("67060.01"), True),
    ]  # fmt: skip


async def test_balances_with_what_orders_hold(client: Replayed) -> None:
    balances = balances_of(await client.fetch_balance())
    btc = balances["BTC"]
    assert (btc.free, btc.used) == (Decimal("1.230000000000000001"), Decimal("0.5"))
    assert (balances["USD"].used, sorted(balances)) == (Decimal("2.5"), ["BTC", "USD", "USDT"])


async def test_what_a_key_may_do(client: Replayed) -> None:
    assert ROW.permissions is not None
    answer = await getattr(client, ROW.permissions.method)()
    assert ROW.permissions.may_trade(answer, None) is True
    assert ROW.permissions.may_withdraw(answer) is False


async def test_the_answer_to_an_order(client: Replayed) -> None:
    row = await client.create_order(BTC, "limit", "buy", "0.1", "40000")
    report = accepted(row, wire_id="a00000000000000001", symbol=BTC, now=START)
    assert (report.exchange_order_id, report.status, report.filled) == (
        "52cfe5e2-0b29-4c19-a245-a6a773de5030", OrderStatus.OPEN, None,
    )  # fmt: skip


async def test_an_order(client: Replayed) -> None:
    report = answered(ROW.named(await client.fetch_order("28", BTC)), now=START)
    assert (report.wire_id, report.status) == ("a00000000000000001", OrderStatus.OPEN)
    assert report.details is not None
    assert (report.details.side, report.details.time_in_force) == (
        OrderSide.BUY, TimeInForce.POST_ONLY,
    )  # fmt: skip


async def test_orders_in_every_state(client: Replayed) -> None:
    rows = [ROW.named(row) for row in await client.fetch_orders(BTC)]
    reports = {report.wire_id: report for report in (answered(row, now=START) for row in rows)}
    found: list[OrderReport] = [reports[f"a0000000000000000{number}"] for number in range(2, 8)]
    spent, killed, expired, failed, canceling, stop = found
    assert [report.status for report in found] == [
        OrderStatus.FILLED, OrderStatus.CANCELED, OrderStatus.EXPIRED, OrderStatus.REJECTED,
        OrderStatus.PARTIALLY_FILLED, OrderStatus.OPEN,
    ]  # fmt: skip
    # The cost that is told, and not the average price times the amount.
    assert (spent.cost, spent.filled) == (
        Decimal("6.3220675944333996"), Decimal("0.000297920684505"),
    )  # fmt: skip
    assert killed.terms is not None
    assert killed.terms.terms.price == Decimal("40000.01")
    assert expired.filled == failed.filled == Decimal(0)
    assert canceling.cost == Decimal("2000.0005")
    # An order with a trigger is none of the types that are placed here.
    assert stop.details is not None
    assert (stop.details.type, stop.details.exchange_type) == (OrderType.OTHER, "STOP_LIMIT")
    assert ROW.closed_order_pages.after(rows, len(rows), 1) == {"cursor": "789100"}


async def test_trades_with_their_fees(client: Replayed) -> None:
    rows = await client.fetch_my_trades(BTC)
    first, second = (fill_of(ROW.traded(row)) for row in rows)
    assert first is not None
    assert second is not None
    assert (first.amount, first.fee, first.is_maker) == (
        Decimal("0.05"), Fee(currency="USDT", amount=Decimal("12.000003")), True,
    )  # fmt: skip
    assert (second.price, second.fee, second.is_maker) == (
        Decimal(30_000), Fee(currency="USDT", amount=Decimal("0.6")), None,
    )  # fmt: skip
    assert ROW.trade_pages.after(rows, len(rows), 1) == {"cursor": "789101"}


async def test_a_cancel(client: Replayed) -> None:
    await client.cancel_order("28", BTC)
    client.pages["orders/batch_cancel"] = "not_canceled"
    with pytest.raises(ccxt.BadRequest) as caught:
        await client.cancel_order("28", BTC)
    assert says_one_of(caught.value, ROW.not_canceled_words)


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("error_insufficient_fund", RefusalCode.INSUFFICIENT_FUNDS, "Insufficient balance in"),
        ("error_size", RefusalCode.MIN_NOTIONAL, "PREVIEW_INVALID_BASE_SIZE_TOO_SMALL"),
        ("error_configuration", RefusalCode.REJECTED_BY_EXCHANGE, "source is not enabled"),
        ("error_no_reason", None, "its answer cannot be read"),
    ],
)
async def test_refusals(client: Replayed, name: str, code: RefusalCode | None, words: str) -> None:
    client.pages["orders"] = name
    with pytest.raises(ccxt.BaseError) as caught:
        await client.create_order(BTC, "limit", "buy", "0.1", "40000")
    failure = failure_of_create(caught.value, ROW.error_codes)
    assert words in str(failure)
    if code is None:
        assert isinstance(failure, ExchangeDoubt)
    else:
        assert isinstance(failure, ExchangeRejected)
        assert failure.refusal.code is code


async def test_an_order_that_is_not_there(client: Replayed) -> None:
    client.pages["orders/historical/28"] = "error_not_found"
    with pytest.raises(ccxt.ExchangeError) as caught:
        await client.fetch_order("28", BTC)
    assert says_one_of(caught.value, ROW.missing_words)


def test_an_order_in_the_stream(client: Replayed) -> None:
    heard = Heard()
    client.handle_message(heard, page("stream_user"))
    [row] = heard.told["user"]
    report = report_of(ROW.named(row), now=START)
    assert (report.wire_id, report.status) == ("a00000000000000006", OrderStatus.PARTIALLY_FILLED)
    assert (report.filled, report.cost) == (Decimal("0.05"), Decimal("2000.0005"))
    assert report.fills == ()


def test_prices_in_the_stream(client: Replayed) -> None:
    heard = Heard()
    client.handle_message(heard, page("stream_ticker"))
    client.handle_message(heard, page("stream_level2"))
    ticker = ticker_of(heard.told[f"ticker::{BTC}"], now=START)
    assert ticker is not None
    assert (ticker.bid, ticker.ask, ticker.last) == (
        Decimal(67060), Decimal("67060.02"), Decimal("67060.01"),
    )  # fmt: skip
    book = order_book_of(heard.told[f"level2::{BTC}"], depth=5, now=START)
    assert [level.price for level in book.bids] == [Decimal(67060), Decimal("67059.5")]
    assert book.asks[0].amount == Decimal("0.5")
