"""An account: one exchange, one mode, one set of keys."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from app.domain.order_kinds import OrderType, PositionType, TimeInForce


class AccountMode(StrEnum):
    """What an order on this account costs if it goes wrong."""

    PAPER = "PAPER"
    SANDBOX = "SANDBOX"
    LIVE = "LIVE"


class Connectivity(StrEnum):
    """How well the exchange can be reached."""

    CONNECTING = "CONNECTING"
    CONNECTED = "CONNECTED"
    DEGRADED = "DEGRADED"
    DISCONNECTED = "DISCONNECTED"


@dataclass(frozen=True, kw_only=True, slots=True)
class Capabilities:
    """What the exchange behind an account can do."""

    order_types: tuple[OrderType, ...]
    time_in_force: tuple[TimeInForce, ...]
    amend_order: bool
    streaming_orders: bool
    streaming_tickers: bool
    # Whether it keeps positions beyond the balances.
    positions: bool
    position_types: tuple[PositionType, ...] = (PositionType.SPOT,)
    # Of a MARGIN order; None where it takes none.
    max_leverage: Decimal | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Connection:
    """How the exchange is reached just now, and why not, in words for a person."""

    connectivity: Connectivity
    detail: str | None = None


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """An account as a reader sees it."""

    name: str
    exchange: str
    mode: AccountMode
    connection: Connection
    last_reconciled_at: datetime | None
    capabilities: Capabilities


@dataclass(frozen=True, kw_only=True, slots=True)
class Balance:
    """What an account holds of one asset."""

    asset: str
    free: Decimal
    used: Decimal
