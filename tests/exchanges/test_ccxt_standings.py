from decimal import Decimal
from typing import Any

from app.domain.order_reports import OrderKey, OrderReport
from app.domain.orders import OrderStatus
from app.exchanges.ccxt_standings import Standings
from tests.makers import make_report

SYMBOL = "BTC/USDT"


def a_report(
    order_id: str = "28", status: OrderStatus = OrderStatus.OPEN, **changes: Any
) -> OrderReport:
    values = {"exchange_order_id": order_id, "filled": Decimal(0)} | changes
    return make_report(status, **values)


def test_only_what_is_other_than_was_told_before_has_moved() -> None:
    standings = Standings()
    assert not standings.note(a_report(), SYMBOL)
    assert not standings.note(a_report(), SYMBOL)
    assert standings.note(a_report(filled=Decimal("0.1")), SYMBOL)
    assert standings.note(a_report(status=OrderStatus.CANCELED), SYMBOL)
    assert not standings.note(a_report(status=OrderStatus.CANCELED), SYMBOL)


def test_an_answer_that_tells_less_tells_nothing_else() -> None:
    standings = Standings()
    standings.note(a_report(filled=None), SYMBOL)
    assert not standings.note(a_report(), SYMBOL)
    assert not standings.note(a_report(filled=None), SYMBOL)


def test_an_order_is_missing_until_its_end_is_told_or_it_is_forgotten() -> None:
    standings = Standings()
    for order_id in ("1", "2", "3"):
        standings.note(a_report(order_id, wire_id=f"w{order_id}"), SYMBOL)
    there = [a_report("1")]
    assert standings.missing(there) == [
        OrderKey(symbol=SYMBOL, wire_id=f"w{order_id}", exchange_order_id=order_id)
        for order_id in ("2", "3")
    ]
    standings.note(a_report("2", status=OrderStatus.FILLED), SYMBOL)
    standings.forget("3")
    assert standings.missing(there) == []
    assert len(standings) == 1


def test_the_name_of_an_order_is_kept_past_its_end() -> None:
    standings = Standings()
    standings.note(a_report(wire_id="w1"), SYMBOL)
    standings.note(a_report(wire_id=None, status=OrderStatus.FILLED), SYMBOL)
    assert standings.wire_id("28") == "w1"
    assert standings.wire_id("29") is None


def test_no_more_than_so_many_are_remembered_and_the_oldest_goes() -> None:
    standings = Standings()
    for number in range(10_001):
        standings.note(a_report(str(number), wire_id=f"w{number}"), SYMBOL)
    assert len(standings) == 10_000
    assert standings.wire_id("0") is None
    assert standings.wire_id("10000") == "w10000"
