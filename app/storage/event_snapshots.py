"""Orders and fills as JSON, for events to carry them as they were."""

from typing import Any

from pydantic import TypeAdapter

from app.domain.fills import Fill
from app.domain.orders.order import Order

_ORDER = TypeAdapter(Order)
_FILL = TypeAdapter(Fill)


def dump_order(order: Order) -> Any:
    return _ORDER.dump_python(order, mode="json")


def load_order(stored: Any) -> Order:
    return _ORDER.validate_python(stored)


def dump_fill(fill: Fill) -> Any:
    return _FILL.dump_python(fill, mode="json")


def load_fill(stored: Any) -> Fill:
    return _FILL.validate_python(stored)
