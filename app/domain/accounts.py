"""Account (one exchange, one mode, one set of keys), its capabilities, connection and balances."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from app.domain.order_kinds import OrderType, PositionType, TimeInForce


class AccountMode(StrEnum):
    """What an account trades with: simulated fills, testnet money or real money."""

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
    # Whether the exchange keeps positions besides the balances.
    positions: bool
    position_types: tuple[PositionType, ...] = (PositionType.SPOT,)
    # The highest leverage of a MARGIN order; None if it takes no MARGIN orders.
    max_leverage: Decimal | None = None
    streaming_candles: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Connection:
    """How well the exchange can be reached now, and the trouble in words for a person."""

    connectivity: Connectivity
    detail: str | None = None
    # Whether the exchange asked for a pause, so that nothing is sent to it now.
    is_pausing: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Account:
    """An account as the API shows it."""

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
