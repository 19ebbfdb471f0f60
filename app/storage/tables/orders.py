"""Tables of accounts, orders, fills, entries, amendments, and the log of events."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from app.storage.engine.column_types import ExactDecimal, Json, UtcTime
from app.storage.tables.base import metadata

accounts = Table(
    "accounts",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("exchange", String(64), nullable=False),
    Column("mode", String(16), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("last_reconciled_at", UtcTime),
)

orders = Table(
    "orders",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("account", ForeignKey("accounts.name"), nullable=False),
    Column("client_order_id", String(36), nullable=False),
    Column("wire_id", String(36), nullable=False),
    Column("exchange_order_id", String(128)),
    Column("fingerprint", Text, nullable=False),
    Column("symbol", String(64), nullable=False),
    Column("side", String(8), nullable=False),
    Column("type", String(32), nullable=False),
    Column("time_in_force", String(16), nullable=False),
    Column("status", String(32), nullable=False),
    Column("is_open", Boolean, nullable=False),
    Column("amount", ExactDecimal, nullable=False),
    Column("price", ExactDecimal),
    Column("trigger_price", ExactDecimal),
    Column("amendments", Integer, nullable=False, server_default="0"),
    Column("filled", ExactDecimal, nullable=False),
    Column("cost", ExactDecimal, nullable=False),
    Column("fees", Json, nullable=False),
    Column("reported_filled", ExactDecimal, nullable=False),
    Column("reported_cost", ExactDecimal, nullable=False),
    Column("reduce_only", Boolean, nullable=False),
    Column("position_type", String(16), nullable=False),
    Column("leverage", ExactDecimal),
    Column("source", String(16), nullable=False),
    Column("exchange_type", String(64)),
    Column("strategy", String(128)),
    Column("refusal", Json),
    Column("cancel_requested_at", UtcTime),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    Column("closed_at", UtcTime),
    Column("revision", Integer, nullable=False),
    UniqueConstraint("account", "client_order_id"),
    UniqueConstraint("account", "wire_id"),
    UniqueConstraint("account", "symbol", "exchange_order_id"),
    Index(None, "account", "created_at", "id"),
    Index(None, "account", "updated_at", "id"),
    Index(None, "account", "symbol", "created_at", "id"),
)
# Few of all orders are open, and most questions are about those.
for _name, _columns in {
    "ix_orders_open": ("account", "created_at", "id"),
    "ix_orders_open_symbol": ("account", "symbol", "created_at", "id"),
}.items():
    Index(
        _name,
        *(orders.c[column] for column in _columns),
        sqlite_where=orders.c.is_open.is_(True),
        postgresql_where=orders.c.is_open.is_(True),
    )

order_metadata = Table(
    "order_metadata",
    metadata,
    Column("order_id", ForeignKey("orders.id"), primary_key=True),
    Column("value", Json, nullable=False),
)

fills = Table(
    "fills",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("order_id", ForeignKey("orders.id"), nullable=False),
    Column("account", ForeignKey("accounts.name"), nullable=False),
    Column("exchange_trade_id", String(128)),
    Column("symbol", String(64), nullable=False),
    Column("side", String(8), nullable=False),
    Column("price", ExactDecimal, nullable=False),
    Column("amount", ExactDecimal, nullable=False),
    Column("cost", ExactDecimal, nullable=False),
    Column("fee_currency", String(32)),
    Column("fee_amount", ExactDecimal),
    Column("is_maker", Boolean),
    Column("at", UtcTime, nullable=False),
    Column("revision", Integer, nullable=False),
    Column("superseded_revision", Integer),
    Column("fee_value", ExactDecimal),
    Column("fee_revision", Integer),
    Column("awaits_fee_value", Boolean, nullable=False, server_default=false()),
    UniqueConstraint("account", "symbol", "side", "exchange_trade_id"),
    Index(None, "order_id"),
    Index(None, "account", "at", "id"),
    Index(None, "account", "symbol", "at", "id"),
    Index(None, "account", "symbol", "id"),
)

# Mostly none: fees in a third currency are valued soon after the fill.
Index(
    "ix_fills_awaiting_fee_value",
    fills.c.account,
    fills.c.symbol,
    fills.c.id,
    sqlite_where=fills.c.awaits_fee_value.is_(True),
    postgresql_where=fills.c.awaits_fee_value.is_(True),
)

# Orders that add to risk, as they passed the gate.
entries = Table(
    "entries",
    metadata,
    Column("order_id", ForeignKey("orders.id"), primary_key=True),
    Column("account", ForeignKey("accounts.name"), nullable=False),
    Column("source", String(16), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("expected_price", ExactDecimal),
    Column("rate", ExactDecimal),
    Index(None, "source", "at"),
)

# Amendments of open orders whose result is not known yet.
amendments = Table(
    "amendments",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("order_id", ForeignKey("orders.id"), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("amount", ExactDecimal, nullable=False),
    Column("price", ExactDecimal),
    Column("trigger_price", ExactDecimal),
    Index(None, "order_id"),
)

# One row: this log's identity, and the numbers of its last event and the last one pruned.
log = Table(
    "log",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("identity", String(16), nullable=False),
    Column("head", BigInteger, nullable=False),
    Column("horizon", BigInteger, nullable=False),
    CheckConstraint("id = 1", name="single"),
)

events = Table(
    "events",
    metadata,
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("tag", String(8), nullable=False),
    Column("order_id", ForeignKey("orders.id"), nullable=False),
    Column("revision", Integer, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("previous_status", String(32)),
    Column("order", Json, nullable=False),
    Column("fill", Json),
    Column("reason", Text),
    UniqueConstraint("order_id", "revision"),
)
