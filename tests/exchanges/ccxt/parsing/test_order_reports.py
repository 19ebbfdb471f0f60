import json
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.domain.fills import Fee
from app.domain.orders.order import OrderStatus
from app.errors import RefusalCode
from app.exchanges.ccxt.parsing.failures import Unreadable
from app.exchanges.ccxt.parsing.order_reports import (
    accepted,
    answered,
    fill_of,
    fills_of,
    news_of,
    report_of,
    trade_news_of,
)
from tests.support.exchanges.request_recorders import recorded

NOW = datetime(2025, 6, 1, 12, tzinfo=UTC)
ROW: dict[str, Any] = {
    "symbol": "BTC/USDT",
    "id": "28",
    "clientOrderId": "a00000000000000001",
    "status": "open",
    "amount": "0.30",
    "filled": "0.10",
    "cost": "5000.00",
    "timestamp": 1748779200000,
}
TRADE: dict[str, Any] = {
    "symbol": "BTC/USDT",
    "id": "7",
    "order": "28",
    "timestamp": 1748779200123,
    "price": "50000.01",
    "amount": "0.10",
    "takerOrMaker": "maker",
    "fee": {"currency": "BNB", "cost": "0.00001"},
}


@pytest.mark.parametrize(
    ("told", "wanted"),
    [
        ({"status": "open", "filled": "0"}, OrderStatus.OPEN),
        ({"status": "open", "filled": None}, OrderStatus.OPEN),
        ({"status": "open"}, OrderStatus.PARTIALLY_FILLED),
        ({"status": "canceling"}, OrderStatus.PARTIALLY_FILLED),
        ({"status": "closed", "filled": "0.30"}, OrderStatus.FILLED),
        ({"status": "closed", "filled": None}, OrderStatus.FILLED),
        ({"status": "closed", "amount": None}, OrderStatus.FILLED),
        ({"status": "closed"}, OrderStatus.CANCELED),
        ({"status": "canceled"}, OrderStatus.CANCELED),
        ({"status": "expired"}, OrderStatus.EXPIRED),
        ({"status": "rejected", "filled": "0"}, OrderStatus.REJECTED),
        ({"status": "rejected"}, OrderStatus.CANCELED),
    ],
)
def test_the_words_for_how_an_order_stands(told: dict[str, Any], wanted: OrderStatus) -> None:
    assert report_of(ROW | told, now=NOW).status is wanted


@pytest.mark.parametrize("status", [None, "triggered", "OPEN", 7, ""])
def test_a_word_that_nobody_knows_is_not_guessed_at(status: object) -> None:
    with pytest.raises(Unreadable, match="gives the order a status of"):
        report_of(ROW | {"status": status}, now=NOW)


def test_totals_are_exact_and_absurd_ones_are_left_out() -> None:
    report = report_of(ROW, now=NOW)
    assert (report.filled, report.cost) == (Decimal("0.1"), Decimal(5000))
    for absurd in ("NaN", "-1", "1e99", 0.1, None):
        report = report_of(ROW | {"filled": absurd, "cost": absurd}, now=NOW)
        assert (report.filled, report.cost) == (None, None)


def test_a_rejected_order_has_a_reason() -> None:
    report = report_of(ROW | {"status": "rejected", "filled": "0"}, now=NOW)
    assert report.refusal is not None
    assert report.refusal.code is RefusalCode.REJECTED_BY_EXCHANGE


def test_an_order_without_an_id_is_unreadable() -> None:
    with pytest.raises(Unreadable):
        report_of(ROW | {"id": None}, now=NOW)


@pytest.mark.parametrize("answer", [None, {}, [], "<html>", {"id": None}, {"id": ""}, {"id": 28}])
def test_an_answer_without_an_id_for_the_order_is_doubt(answer: object) -> None:
    with pytest.raises(Unreadable, match="without an id"):
        accepted(answer, wire_id="w", symbol="BTC/USDT", now=NOW)


def test_an_id_alone_is_an_accepted_order() -> None:
    report = accepted({"id": "28", "status": None}, wire_id="mine", symbol="A/B", now=NOW)
    assert (report.status, report.wire_id) == (OrderStatus.OPEN, "mine")
    assert report.name == ("A/B", "28")
    assert (report.filled, report.cost, report.fills) == (None, None, ())
    assert report.at == NOW


def test_the_wire_id_is_the_one_that_was_sent_and_not_the_one_in_the_answer() -> None:
    answer = ROW | {"clientOrderId": "made-up-for-the-cancel"}
    assert report_of(answer, now=NOW, wire_id="mine").wire_id == "mine"


def test_a_stream_tells_no_totals_where_trades_come_beside_it() -> None:
    alone = news_of(ROW, now=NOW, has_trades_beside=False)
    beside = news_of(ROW, now=NOW, has_trades_beside=True)
    assert alone.filled == Decimal("0.1")
    assert (beside.filled, beside.cost, beside.fills) == (None, None, ())
    assert beside.status is alone.status is OrderStatus.PARTIALLY_FILLED


def test_fees_of_a_stream_of_orders_are_never_taken() -> None:
    wrong = ROW | {"fee": {"currency": "BNB", "cost": "99"}, "trades": [TRADE]}
    assert news_of(wrong, now=NOW, has_trades_beside=False).fills == ()


def test_a_trade_is_a_fill_with_its_fee() -> None:
    fill = fill_of(TRADE)
    assert fill is not None
    assert (fill.trade_id, fill.price, fill.amount) == ("7", Decimal("50000.01"), Decimal("0.1"))
    assert fill.fee == Fee(currency="BNB", amount=Decimal("0.00001"))
    assert fill.is_maker is True
    assert fill.at == datetime(2025, 6, 1, 12, 0, 0, 123_000, tzinfo=UTC)


@pytest.mark.parametrize("missing", ["id", "timestamp", "price", "amount"])
def test_a_trade_that_lacks_what_makes_it_one_is_none(missing: str) -> None:
    assert fill_of(TRADE | {missing: None}) is None


@pytest.mark.parametrize(
    ("fees", "wanted"),
    [
        ({"fee": None, "fees": []}, None),
        ({"fee": {"currency": None, "cost": "1"}}, None),
        ({"fee": {"currency": "BNB", "cost": 0.1}}, None),
        ({"fees": [{"currency": "BNB", "cost": "0.1"}, {"currency": "BNB", "cost": "0.2"}]}, "0.3"),
        ({"fee": {"currency": "BNB", "cost": "-0.1"}}, "-0.1"),
    ],
)
def test_fees_of_one_currency_are_summed_exactly(fees: dict[str, Any], wanted: str | None) -> None:
    fill = fill_of(TRADE | fees)
    assert fill is not None
    assert fill.fee == (None if wanted is None else Fee(currency="BNB", amount=Decimal(wanted)))


def test_a_trade_by_itself_says_that_some_of_its_order_is_filled() -> None:
    report = trade_news_of(TRADE, now=NOW)
    assert (report.exchange_order_id, report.wire_id) == ("28", None)
    assert report.status is OrderStatus.PARTIALLY_FILLED
    assert [fill.trade_id for fill in report.fills] == ["7"]
    with pytest.raises(Unreadable):
        trade_news_of(TRADE | {"order": None}, now=NOW)


_VALUES = (
    st.none() | st.text() | st.floats() | st.integers() | st.decimals().map(str) | st.booleans()
)
_ROWS = st.fixed_dictionaries(
    dict.fromkeys(("id", "price", "amount", "timestamp", "takerOrMaker", "order"), _VALUES),
    optional={"fee": st.dictionaries(st.sampled_from(["currency", "cost"]), _VALUES)},
)


@given(st.lists(_ROWS | _VALUES, max_size=8))
def test_of_whatever_comes_only_whole_exact_trades_are_taken_each_once(rows: list[object]) -> None:
    fills = fills_of([*rows, TRADE, *rows, dict(TRADE)])
    ids = [fill.trade_id for fill in fills]
    assert len(ids) == len(set(ids))
    assert "7" in ids
    for fill in fills:
        assert isinstance(fill.price, Decimal)
        assert isinstance(fill.amount, Decimal)
        assert min(fill.price, fill.amount) > 0


@given(st.dictionaries(st.sampled_from([*ROW, "fee", "trades"]), _VALUES))
def test_whatever_an_order_says_it_is_a_report_or_unreadable_and_never_a_crash(
    told: dict[str, Any],
) -> None:
    try:
        report = answered(ROW | told, now=NOW)
    except Unreadable:
        return
    assert all(isinstance(one, Decimal | None) for one in (report.filled, report.cost))
    assert report.filled is None or report.filled >= 0


async def test_what_kraken_answers_is_read_as_it_was_meant() -> None:
    answer = json.loads(
        '{"error": [], "result": {"OGMZCL-KC6MC-ZRBGM6": {"status": "closed", "cl_ord_id":'
        ' "a00000000000000001", "opentm": "1705260547.472", "vol": "0.10000000", "vol_exec":'
        ' "0.10000000", "cost": "7.105741", "fee": "0.018475", "price": "71.05741", "oflags":'
        ' "fciq", "descr": {"pair": "XBTUSDT", "type": "buy", "ordertype": "market", "price": "0"},'
        ' "trades": ["TWA6QJ-ZO4EM-6QIHQJ"]}}}'
    )
    async with recorded("kraken", {"*": answer}) as (client, _):
        row = await client.fetch_order("OGMZCL-KC6MC-ZRBGM6", "BTC/USDT")
    report = report_of(row, now=NOW)
    assert report.status is OrderStatus.FILLED
    assert report.wire_id == "a00000000000000001"
    assert (report.filled, report.cost) == (Decimal("0.1"), Decimal("7.105741"))
