from decimal import Decimal
from typing import Any

from app.domain.orders.order import OrderStatus
from app.domain.orders.reports import OrderKey, OrderReport
from app.exchanges.ccxt.streams.last_seen_orders import LastSeenOrders
from tests.support.makers import make_report

SYMBOL = "BTC/USDT"


def a_report(
    order_id: str = "28", status: OrderStatus = OrderStatus.OPEN, **changes: Any
) -> OrderReport:
    values = {"exchange_order_id": order_id, "filled": Decimal(0)} | changes
    return make_report(status, **values)


def test_only_what_is_other_than_was_told_before_has_moved() -> None:
    standings = LastSeenOrders()
    assert not standings.note(a_report())
    assert not standings.note(a_report())
    assert standings.note(a_report(filled=Decimal("0.1")))
    assert standings.note(a_report(status=OrderStatus.CANCELED))
    assert not standings.note(a_report(status=OrderStatus.CANCELED))


def test_an_answer_that_tells_less_tells_nothing_else() -> None:
    standings = LastSeenOrders()
    standings.note(a_report(filled=None))
    assert not standings.note(a_report())
    assert not standings.note(a_report(filled=None))


def test_an_order_is_missing_until_its_end_is_told_or_it_is_forgotten() -> None:
    standings = LastSeenOrders()
    for order_id in ("1", "2", "3"):
        standings.note(a_report(order_id, wire_id=f"w{order_id}"))
    there = [a_report("1")]
    assert standings.missing(there) == [
        OrderKey(symbol=SYMBOL, wire_id=f"w{order_id}", exchange_order_id=order_id)
        for order_id in ("2", "3")
    ]
    standings.note(a_report("2", status=OrderStatus.FILLED))
    standings.forget(OrderKey(symbol=SYMBOL, wire_id="w3", exchange_order_id="3"))
    assert standings.missing(there) == []
    assert len(standings) == 1


def test_the_name_of_an_order_is_kept_past_its_end() -> None:
    standings = LastSeenOrders()
    standings.note(a_report(wire_id="w1"))
    standings.note(a_report(wire_id=None, status=OrderStatus.FILLED))
    assert standings.wire_id((SYMBOL, "28")) == "w1"
    assert standings.wire_id((SYMBOL, "29")) is None


def test_no_more_than_so_many_are_remembered_and_the_oldest_goes() -> None:
    standings = LastSeenOrders()
    for number in range(10_001):
        standings.note(a_report(str(number), wire_id=f"w{number}"))
    assert len(standings) == 10_000
    assert standings.wire_id((SYMBOL, "0")) is None
    assert standings.wire_id((SYMBOL, "10000")) == "w10000"
