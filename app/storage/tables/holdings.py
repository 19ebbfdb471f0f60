"""Tables of positions, round trips, equity and deposits."""

from sqlalchemy import Column, ForeignKey, Index, Integer, String, Table

from app.storage.engine.column_types import ExactDecimal, Json, UtcTime
from app.storage.tables.base import metadata

positions = Table(
    "positions",
    metadata,
    Column("account", ForeignKey("accounts.name"), primary_key=True),
    Column("symbol", String(64), primary_key=True),
    Column("type", String(16), primary_key=True),
    Column("amount", ExactDecimal, nullable=False),
    Column("basis", ExactDecimal, nullable=False),
    Column("realized", ExactDecimal, nullable=False),
    Column("fees", ExactDecimal, nullable=False),
    Column("realized_before", ExactDecimal, nullable=False),
    Column("unvalued_fees", Integer, nullable=False),
    Column("opened_at", UtcTime),
    Column("updated_at", UtcTime, nullable=False),
    Column("metadata", Json, nullable=False),
    Column("fills", Integer, nullable=False, server_default="0"),
    Column("last_fill", String(26)),
)

# Positions as they were after some of their last fills, from which a correction starts anew.
position_checkpoints = Table(
    "position_checkpoints",
    metadata,
    Column("account", ForeignKey("accounts.name"), primary_key=True),
    Column("symbol", String(64), primary_key=True),
    Column("type", String(16), primary_key=True),
    Column("last_fill", String(26), primary_key=True),
    Column("amount", ExactDecimal, nullable=False),
    Column("basis", ExactDecimal, nullable=False),
    Column("realized", ExactDecimal, nullable=False),
    Column("fees", ExactDecimal, nullable=False),
    Column("realized_before", ExactDecimal, nullable=False),
    Column("unvalued_fees", Integer, nullable=False),
    Column("opened_at", UtcTime),
    Column("updated_at", UtcTime, nullable=False),
    Column("fills", Integer, nullable=False),
)

# Round trips, from flat to flat: what performance counts as a trade.
position_rounds = Table(
    "position_rounds",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("account", ForeignKey("accounts.name"), nullable=False),
    Column("symbol", String(64), nullable=False),
    Column("type", String(16), nullable=False),
    Column("opened_at", UtcTime, nullable=False),
    Column("closed_at", UtcTime, nullable=False),
    Column("pnl", ExactDecimal, nullable=False),
    Column("ended_by", String(26)),
    Index(None, "account", "closed_at"),
    Index(None, "account", "symbol", "type", "ended_by"),
)

# Accounts' equity over time, each row complete, in the currency that it was counted in.
equity_points = Table(
    "equity_points",
    metadata,
    Column("account", ForeignKey("accounts.name"), primary_key=True),
    Column("currency", String(32), primary_key=True),
    Column("at", UtcTime, primary_key=True),
    Column("equity", ExactDecimal, nullable=False),
    Column("units", ExactDecimal, nullable=False, server_default="1"),
)

# The highest equity, kept even when its point is deleted.
equity_peaks = Table(
    "equity_peaks",
    metadata,
    Column("account", ForeignKey("accounts.name"), primary_key=True),
    Column("currency", String(32), primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("equity", ExactDecimal, nullable=False),
    Column("units", ExactDecimal, nullable=False, server_default="1"),
)

# What each account had at its last equity record that did not come from trades.
outside_amounts = Table(
    "outside_amounts",
    metadata,
    Column("account", ForeignKey("accounts.name"), primary_key=True),
    Column("asset", String(32), primary_key=True),
    Column("amount", ExactDecimal, nullable=False),
)
