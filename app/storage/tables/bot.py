"""What the bot goes by, and what everybody is held to."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from app.storage.engine.column_types import ExactDecimal, UtcTime
from app.storage.tables.base import metadata

# What is allowed: the window, limits, trading states and switches, each as JSON. Account is empty
# where it holds for all.
rules = Table(
    "rules",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("account", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

# One row: the bot as it stands, as JSON, and the process that runs it until when.
bots = Table(
    "bots",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("value", Text, nullable=False),
    Column("runner", String(26)),
    Column("runs_until", UtcTime),
    CheckConstraint("id = 1", name="single"),
)

# A closed candle is decided on once, whoever asks and however often.
bot_decisions = Table(
    "bot_decisions",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("cycle", BigInteger, nullable=False),
    Column("account", ForeignKey("accounts.name"), nullable=False),
    Column("strategy", String(64), nullable=False),
    Column("symbol", String(64), nullable=False),
    Column("timeframe", String(16), nullable=False),
    Column("candle_at", UtcTime, nullable=False),
    Column("signal", String(8), nullable=False),
    Column("outcome", String(32), nullable=False),
    Column("reason", Text, nullable=False),
    Column("order_id", ForeignKey("orders.id")),
    UniqueConstraint("account", "strategy", "symbol", "timeframe", "candle_at"),
)

# What each strategy has bought and not sold again, as the fills of its orders add up.
bot_holdings = Table(
    "bot_holdings",
    metadata,
    Column("account", ForeignKey("accounts.name"), primary_key=True),
    Column("strategy", String(64), primary_key=True),
    Column("symbol", String(64), primary_key=True),
    Column("amount", ExactDecimal, nullable=False),
    Column("basis", ExactDecimal, nullable=False),
    Column("realized", ExactDecimal, nullable=False),
    Column("fees", ExactDecimal, nullable=False),
    Column("realized_before", ExactDecimal, nullable=False),
    Column("opened_at", UtcTime),
    Column("updated_at", UtcTime, nullable=False),
)

# Closed candles alone. They are of a source, not of an account: who sees the same market shares
# them. Without numbers of their own, those of a series lie side by side.
candles = Table(
    "candles",
    metadata,
    Column("source", String(32), primary_key=True),
    Column("symbol", String(64), primary_key=True),
    Column("timeframe", String(16), primary_key=True),
    Column("at", UtcTime, primary_key=True, autoincrement=False),
    Column("open", ExactDecimal, nullable=False),
    Column("high", ExactDecimal, nullable=False),
    Column("low", ExactDecimal, nullable=False),
    Column("close", ExactDecimal, nullable=False),
    Column("volume", ExactDecimal, nullable=False),
    sqlite_with_rowid=False,
)
