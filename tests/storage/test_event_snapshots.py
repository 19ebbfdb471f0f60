"""Orders inside stored events keep the form in which earlier versions have written them."""

from decimal import Decimal

from app.domain.order_kinds import OrderType
from app.storage.event_snapshots import dump_order, load_order
from tests.support.makers import make_order

ORDER = make_order(
    type=OrderType.STOP_LIMIT,
    price=Decimal("100.10"),
    trigger_price=Decimal(101),
    leverage=Decimal(3),
    reduce_only=True,
)


def test_the_terms_stand_beside_the_other_fields() -> None:
    stored = dump_order(ORDER)
    assert "terms" not in stored
    assert (stored["side"], stored["type"], stored["amount"]) == ("BUY", "STOP_LIMIT", "1")
    assert (stored["price"], stored["trigger_price"]) == ("100.10", "101")
    assert (stored["reduce_only"], stored["position_type"], stored["leverage"]) == (
        True,
        "SPOT",
        "3",
    )


def test_an_order_is_read_as_it_was_written() -> None:
    assert load_order(dump_order(ORDER)) == ORDER
    assert load_order(dump_order(make_order())) == make_order()


def test_an_event_of_an_earlier_version_is_read() -> None:
    """It lacks what was added since: kinds of positions, and leverage."""
    stored = dump_order(make_order())
    for name in ("position_type", "leverage", "reduce_only", "trigger_price"):
        del stored[name]
    assert load_order(stored) == make_order()
