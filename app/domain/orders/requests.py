"""OrderRequest: a client's request for an order, its fingerprint, and checks of id and metadata."""

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

import orjson

from app.domain import money
from app.domain.order_kinds import OrderSource
from app.domain.orders.terms import HasTerms, OrderTerms
from app.errors import Refusal, RefusalCode

CLIENT_ORDER_ID = re.compile(r"[A-Za-z0-9_-]{1,36}", re.ASCII)
MAX_METADATA_BYTES = 8 * 1024
MAX_METADATA_DEPTH = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderRequest(HasTerms):
    """A requested order, with the account resolved and the defaults filled in."""

    account: str
    client_order_id: str
    symbol: str
    terms: OrderTerms
    metadata: Mapping[str, Any] = field(default_factory=dict)
    source: OrderSource = OrderSource.API
    strategy: str | None = None

    @property
    def fingerprint(self) -> str:
        """Equal for two requests if and only if they ask for the same."""
        values = {
            "symbol": self.symbol,
            "side": self.side,
            "type": self.type,
            "amount": money.plain(self.amount),
            "price": _plain(self.price),
            "triggerPrice": _plain(self.trigger_price),
            "timeInForce": self.time_in_force,
            "reduceOnly": self.reduce_only,
            "positionType": self.position_type,
            "leverage": _plain(self.leverage),
            "metadata": dict(self.metadata),
            "source": self.source,
            "strategy": self.strategy,
        }
        return orjson.dumps(values, option=orjson.OPT_SORT_KEYS).decode()


def check_client_order_id(value: str) -> Refusal | None:
    if CLIENT_ORDER_ID.fullmatch(value):
        return None
    return Refusal(
        code=RefusalCode.INVALID_INPUT,
        message=f"clientOrderId takes 1 to 36 of A-Z a-z 0-9 - and _; this one has {len(value)}"
        " characters" + ("" if len(value) > 36 or not value else " and others among them"),
        field=("clientOrderId",),
    )


def check_metadata(value: object) -> Refusal | None:
    """Metadata is an object of plain JSON, at most 8 KiB as JSON and 8 deep."""
    if not isinstance(value, Mapping):
        return _refuse_metadata("metadata must be an object")
    if _depth(value) > MAX_METADATA_DEPTH:
        return _refuse_metadata(f"metadata may be {MAX_METADATA_DEPTH} deep at most")
    try:
        size = len(orjson.dumps(dict(value)))
    except (TypeError, ValueError):
        return _refuse_metadata(
            "metadata must be plain JSON: texts of whole characters, whole numbers of 64 bits"
        )
    if size > MAX_METADATA_BYTES:
        return _refuse_metadata(
            f"metadata may have {MAX_METADATA_BYTES} bytes as JSON at most; this has {size}"
        )
    if not all(math.isfinite(part) for part in _nested(value) if isinstance(part, float)):
        return _refuse_metadata("metadata has a number in it that is NaN, infinite or too large")
    return None


def _refuse_metadata(message: str) -> Refusal:
    return Refusal(code=RefusalCode.INVALID_INPUT, message=message, field=("metadata",))


def _depth(value: object) -> int:
    """How deep the value is nested; stops one level below the maximum."""
    deepest, waiting = 0, [(value, 1)]
    while waiting:
        current, depth = waiting.pop()
        if isinstance(current, Mapping | list):
            deepest = max(deepest, depth)
            if depth <= MAX_METADATA_DEPTH:
                waiting.extend((child, depth + 1) for child in _children(current))
    return deepest


def _nested(value: object) -> Iterator[object]:
    """The value and all values nested in it."""
    yield value
    if isinstance(value, Mapping | list):
        for child in _children(value):
            yield from _nested(child)


def _children(value: Mapping[str, object] | list[object]) -> Iterable[object]:
    return value.values() if isinstance(value, Mapping) else value


def _plain(value: Decimal | None) -> str | None:
    return None if value is None else money.plain(value)
