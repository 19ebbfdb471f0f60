"""OrderEvent, one entry of the event log, and LogPosition, the cursors into the log."""

import base64
import binascii
from dataclasses import dataclass
from datetime import datetime

from app.domain.fills import Fill
from app.domain.orders.order import Order, OrderStatus, OrderUpdateKind
from app.errors import CursorInvalid


@dataclass(frozen=True, kw_only=True, slots=True)
class OrderEvent:
    """One change of an order, with the order right after it."""

    kind: OrderUpdateKind
    at: datetime
    previous_status: OrderStatus | None
    order: Order
    fill: Fill | None = None
    reason: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class LogPosition:
    """A place in one log: right after the event with this number and tag."""

    log: str
    seq: int
    tag: str

    def encode(self) -> str:
        text = f"{self.log}.{self.seq}.{self.tag}"
        return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()

    @classmethod
    def decode(cls, cursor: str, *, field: str) -> "LogPosition":
        try:
            padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
            log, seq, tag = (
                base64.b64decode(padded, altchars=b"-_", validate=True).decode().split(".")
            )
            position = cls(log=log, seq=int(seq), tag=tag)
        except (binascii.Error, UnicodeError, ValueError):
            raise CursorInvalid(f"{field} is not a cursor of this log", field=(field,)) from None
        if position.encode() != cursor or not 0 <= position.seq < 1 << 63:
            raise CursorInvalid(f"{field} is not a cursor of this log", field=(field,))
        return position


@dataclass(frozen=True, kw_only=True, slots=True)
class LoggedEvent:
    """An event with its place in the log."""

    position: LogPosition
    event: OrderEvent
