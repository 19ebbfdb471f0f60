"""Tables of the paper exchange's ledger."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    UniqueConstraint,
    false,
)

from app.storage.engine.column_types import ExactDecimal, Json, UtcTime
from app.storage.tables.base import metadata

# The paper exchange's ledger. Nothing but the paper exchange reads or writes it.
paper_books = Table(
    "paper_books",
    metadata,
    Column("account", ForeignKey("accounts.name"), primary_key=True),
    # The last tick against whose price every open order was matched.
    Column("tick", BigInteger, nullable=False),
)

paper_balances = Table(
    "paper_balances",
    metadata,
    Column("account", ForeignKey("accounts.name"), primary_key=True),
    Column("asset", String(32), primary_key=True),
    Column("free", ExactDecimal, nullable=False),
    Column("used", ExactDecimal, nullable=False),
    Column("short", ExactDecimal, nullable=False, server_default="0"),
    Column("written_off", ExactDecimal, nullable=False, server_default="0"),
)

# Margin positions; spot holdings are balances.
paper_positions = Table(
    "paper_positions",
    metadata,
    Column("account", ForeignKey("accounts.name"), primary_key=True),
    Column("symbol", String(64), primary_key=True),
    Column("amount", ExactDecimal, nullable=False),
    Column("basis", ExactDecimal, nullable=False),
    Column("realized", ExactDecimal, nullable=False),
    Column("fees", ExactDecimal, nullable=False),
    Column("realized_before", ExactDecimal, nullable=False),
    Column("leverage", ExactDecimal, nullable=False),
    Column("opened_at", UtcTime),
    Column("change", BigInteger, nullable=False),
)

paper_orders = Table(
    "paper_orders",
    metadata,
    Column("account", ForeignKey("accounts.name"), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("wire_id", String(36), nullable=False),
    Column("symbol", String(64), nullable=False),
    Column("side", String(8), nullable=False),
    Column("type", String(32), nullable=False),
    Column("time_in_force", String(16), nullable=False),
    Column("reduce_only", Boolean, nullable=False),
    Column("position_type", String(16), nullable=False, server_default="SPOT"),
    Column("leverage", ExactDecimal),
    Column("is_liquidation", Boolean, nullable=False, server_default=false()),
    Column("amount", ExactDecimal, nullable=False),
    Column("price", ExactDecimal),
    Column("trigger_price", ExactDecimal),
    # A stop or take-profit waits for its trigger until this is set.
    Column("triggered_at", UtcTime),
    Column("amendments", Integer, nullable=False, server_default="0"),
    Column("status", String(32), nullable=False),
    Column("filled", ExactDecimal, nullable=False),
    Column("reserved", ExactDecimal, nullable=False),
    Column("refusal", Json),
    Column("change", BigInteger, nullable=False, server_default="0"),
    Column("created_at", UtcTime, nullable=False),
    Column("updated_at", UtcTime, nullable=False),
    UniqueConstraint("account", "wire_id"),
    Index(None, "account", "status"),
    Index(None, "account", "change"),
    Index(None, "account", "is_liquidation"),
)

paper_trades = Table(
    "paper_trades",
    metadata,
    Column("account", ForeignKey("accounts.name"), primary_key=True),
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("order_number", BigInteger, nullable=False),
    Column("price", ExactDecimal, nullable=False),
    Column("amount", ExactDecimal, nullable=False),
    Column("fee_currency", String(32), nullable=False),
    Column("fee_amount", ExactDecimal, nullable=False),
    Column("is_maker", Boolean, nullable=False),
    Column("at", UtcTime, nullable=False),
    Index(None, "account", "order_number"),
)
