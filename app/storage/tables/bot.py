"""Tables of rules, the bot, its decisions and holdings, and candles."""

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
)

from app.storage.engine.column_types import ExactDecimal, UtcTime
from app.storage.tables.base import metadata

# The trading window, limits, trading states and dead-man switches, each as JSON. The account is
# empty if the rule applies to all.
rules = Table(
    "rules",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("account", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

# One row: the bot as JSON, which process runs it, and until when that lease lasts.
bots = Table(
    "bots",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("value", Text, nullable=False),
    Column("runner", String(26)),
    Column("runs_until", UtcTime),
    CheckConstraint("id = 1", name="single"),
)

# A closed candle is decided on once, however many processes try.
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
    Column("price", ExactDecimal),
    Column("held", ExactDecimal),
    UniqueConstraint("account", "strategy", "symbol", "timeframe", "candle_at"),
    Index(None, "account", "id"),
)
# Holds are deleted after a while, unlike all other decisions.
Index(
    "ix_bot_decisions_holds",
    bot_decisions.c.id,
    sqlite_where=bot_decisions.c.outcome == "HOLD",
    postgresql_where=bot_decisions.c.outcome == "HOLD",
)

# What each strategy holds: the sum of its orders' fills.
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

# Closed candles only. They belong to a source, not an account: accounts with the same markets
# share them. Without a rowid, the candles of a series are stored side by side.
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
