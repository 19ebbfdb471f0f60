"""What Kraken's messages look like, a page for each kind, as our parsing reads it."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import ccxt.pro
import pytest

from app.domain.fills import Fee
from app.domain.order_kinds import OrderSide, OrderType, TimeInForce
from app.domain.orders.order import OrderStatus
from app.domain.orders.terms import AmendableTerms
from app.errors import ExchangeDoubt, ExchangeRejected
from app.exchanges.ccxt.mends.exact_streams import read_exactly
from app.exchanges.ccxt.parsing.failures import failure_of_create
from app.exchanges.ccxt.parsing.markets import balances_of
from app.exchanges.ccxt.parsing.order_reports import (
    accepted,
    answered,
    fills_of,
    news_of,
    trade_news_of,
)
from app.exchanges.ccxt.rows.table import quirks_of

PAGES = Path(__file__).parents[1] / "captured" / "kraken"
NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)
QUIRKS = quirks_of("kraken")
ERRORS = json.loads((PAGES / "errors.json").read_text())


def text_of(name: str) -> str:
    return (PAGES / f"{name}.json").read_text()


class Kraken(ccxt.pro.kraken):  # type: ignore[misc]
    """Is answered with the page that is named like what it asks for."""

    async def fetch(self, url: str, *_: Any, **__: Any) -> Any:
        name = url.partition("?")[0].rpartition("/")[2]
        page = self.parse_json(text_of(name))
        self.handle_errors(200, "", url, "POST", {}, text_of(name), page, {}, "")
        return page


@pytest.fixture
async def client() -> AsyncIterator[Kraken]:
    keys = {"apiKey": "key", "secret": "c2VjcmV0"}
    client = Kraken({"number": str, "enableRateLimit": False, "verify": False, **keys})
    client.options |= QUIRKS.options
    read_exactly(client)
    await client.load_markets()
    yield client
    await client.close()


def heard(client: Kraken, name: str) -> None:
    """The message arrives on the private socket."""
    socket = client.client(client.urls["api"]["ws"]["privateV2"])
    socket.handle_text_or_binary_message(text_of(name))


async def test_a_new_order_is_answered_with_its_id_alone(client: Kraken) -> None:
    row = await client.create_order("BTC/USD", "limit", "buy", "0.001", "60000")
    report = accepted(row, wire_id="w", symbol="BTC/USD", now=NOW)
    assert report.exchange_order_id == "OU22CG-KLAF2-FWUDD7"
    assert (report.status, report.filled, report.fills) == (OrderStatus.OPEN, None, ())


async def test_a_stop_that_is_open_has_its_terms_and_names_its_trades(client: Kraken) -> None:
    [row] = await client.fetch_open_orders()
    report = answered(QUIRKS.named(row), now=NOW)
    assert (report.wire_id, report.status) == ("a12345678901234567", OrderStatus.PARTIALLY_FILLED)
    assert report.filled == Decimal("0.0005")
    assert report.terms is not None
    assert report.terms.terms == AmendableTerms(
        amount=Decimal("0.002"), price=Decimal(54_900), trigger_price=Decimal(55_000)
    )
    assert report.details is not None
    assert (report.details.type, report.details.side) == (OrderType.STOP_LIMIT, OrderSide.SELL)
    assert row["info"]["trades"] == ["TKH2SE-M7IF5-CFI7LT"]


async def test_closed_orders_are_those_of_ours_and_of_others(client: Kraken) -> None:
    rows = {row["id"]: QUIRKS.named(row) for row in await client.fetch_closed_orders()}
    ours = answered(rows["O37652-RJWRT-IMO74O"], now=NOW)
    theirs = answered(rows["O6YDQ5-LOMWU-37YKEE"], now=NOW)
    assert (ours.status, ours.wire_id) == (OrderStatus.CANCELED, "a12345678901234568")
    assert ours.details is not None
    assert ours.details.time_in_force is TimeInForce.POST_ONLY
    assert (theirs.status, theirs.wire_id) == (OrderStatus.FILLED, None)
    assert (theirs.filled, theirs.cost) == (Decimal("0.003"), Decimal("180.3"))


async def test_trades_are_told_with_their_fees_in_quote(client: Kraken) -> None:
    names = ["TZX2WP-XSEOP-FP7WYR", "THVRQM-33VKH-UCI7BS"]
    rows = await client.fetch_order_trades(None, None, None, None, {"trades": names})
    fills = fills_of(rows)
    assert sorted(fill.trade_id for fill in fills) == sorted(names)
    assert {fill.fee for fill in fills} == {
        Fee(currency="USD", amount=Decimal("0.2404")),
        Fee(currency="USD", amount=Decimal("0.4808")),
    }
    assert {fill.is_maker for fill in fills} == {False}


async def test_balances_say_what_orders_hold(client: Kraken) -> None:
    balances = balances_of(await client.fetch_balance())
    assert (balances["USD"].free, balances["USD"].used) == (
        Decimal("17185.45"),
        Decimal("8249.76"),
    )
    assert balances["BTC"].used == Decimal("0.8423")


async def test_the_key_says_what_it_may_do(client: Kraken) -> None:
    assert QUIRKS.permissions is not None
    answer = await client.private_post_getapikeyinfo()
    assert QUIRKS.permissions.may_trade(answer, None) is True
    assert QUIRKS.permissions.may_withdraw(answer) is False


async def test_the_time_is_in_whole_seconds(client: Kraken) -> None:
    assert await client.fetch_time() == 1_733_815_269_000


async def test_amendments_and_cancels_are_answered_without_the_order(client: Kraken) -> None:
    amended = await client.edit_order("O1", "BTC/USD", "limit", "buy", "0.002", "60000")
    assert (amended["id"], amended["status"]) == ("TTW6PD-RC36L-ZZSWNU", None)
    assert (await client.cancel_order("O1"))["id"] is None


async def test_a_new_order_is_told_by_the_stream(client: Kraken) -> None:
    heard(client, "executions_new")
    [row] = client.orders
    report = news_of(QUIRKS.named(row), now=NOW, has_trades_beside=True)
    assert (report.wire_id, report.status) == ("a12345678901234567", OrderStatus.OPEN)


async def test_a_trade_is_told_by_the_stream_with_all_its_digits(client: Kraken) -> None:
    heard(client, "executions_trade")
    [row] = client.myTrades
    report = trade_news_of(row, now=NOW)
    [fill] = report.fills
    assert (report.exchange_order_id, fill.trade_id) == (
        "O6NTZC-K6FRH-ATWBCK",
        "T5DIUI-5N4KO-Z5BPXK",
    )
    assert (fill.amount, fill.price) == (Decimal("1234567890.12345678"), Decimal("0.00000987"))
    assert fill.fee == Fee(currency="USD", amount=Decimal("12.18518507"))


async def test_a_canceled_order_is_told_by_the_stream(client: Kraken) -> None:
    heard(client, "executions_canceled")
    [row] = client.orders
    report = news_of(QUIRKS.named(row), now=NOW, has_trades_beside=True)
    assert (report.wire_id, report.status) == ("a12345678901234569", OrderStatus.CANCELED)


def error_of(client: Kraken, word: str) -> Exception:
    page = {"error": [word]}
    with pytest.raises(ccxt.BaseError) as caught:
        client.handle_errors(200, "", "", "POST", {}, json.dumps(page), page, {}, "")
    error: Exception = caught.value
    return error


@pytest.mark.parametrize("word", ERRORS["not placed"])
async def test_an_error_that_proves_that_nothing_was_placed(client: Kraken, word: str) -> None:
    assert isinstance(failure_of_create(error_of(client, word)), ExchangeRejected)


@pytest.mark.parametrize("word", ERRORS["perhaps placed"])
async def test_an_error_after_which_the_order_may_be_there(client: Kraken, word: str) -> None:
    assert isinstance(failure_of_create(error_of(client, word)), ExchangeDoubt)
