"""Orders and fills to and from JSON, as events store them."""

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from pydantic import TypeAdapter

from app.domain.fills import Fill
from app.domain.orders.order import Order
from app.domain.orders.terms import OrderTerms

_ORDER = TypeAdapter(Order)
_FILL = TypeAdapter(Fill)
_TERMS = frozenset(field.name for field in fields(OrderTerms))


def dump_order(order: Order) -> Any:
    """The order as JSON, with its terms flattened into it: stored events have always been so."""
    dumped = _ORDER.dump_python(order, mode="json")
    terms = dumped.pop("terms")
    return {**dumped, **terms}


def load_order(stored: Mapping[str, Any]) -> Order:
    terms = {name: value for name, value in stored.items() if name in _TERMS}
    others = {name: value for name, value in stored.items() if name not in _TERMS}
    return _ORDER.validate_python({**others, "terms": terms})


def dump_fill(fill: Fill) -> Any:
    return _FILL.dump_python(fill, mode="json")


def load_fill(stored: Any) -> Fill:
    return _FILL.validate_python(stored)
