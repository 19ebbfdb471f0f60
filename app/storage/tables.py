"""Every table but candles. Sequence numbers are given out by `log`, never by the database."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    false,
)

from app.storage.types import ExactDecimal, Json, UtcTime

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

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
    Index(None, "created_at", "id"),
    Index(None, "updated_at", "id"),
    Index(None, "account", "is_open"),
    Index(None, "symbol", "created_at"),
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
    UniqueConstraint("account", "symbol", "side", "exchange_trade_id"),
    Index(None, "order_id"),
    Index(None, "at", "id"),
    Index(None, "account", "symbol", "id"),
)

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
)

# From flat to flat: what performance counts as a trade.
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
    Index(None, "account", "closed_at"),
    Index(None, "account", "symbol", "type"),
)

# What accounts were worth, each row complete, in the currency that their money was counted in.
equity_points = Table(
    "equity_points",
    metadata,
    Column("account", ForeignKey("accounts.name"), primary_key=True),
    Column("currency", String(32), primary_key=True),
    Column("at", UtcTime, primary_key=True),
    Column("equity", ExactDecimal, nullable=False),
    Column("units", ExactDecimal, nullable=False, server_default="1"),
)

# The highest of them, also when it is no longer kept.
equity_peaks = Table(
    "equity_peaks",
    metadata,
    Column("account", ForeignKey("accounts.name"), primary_key=True),
    Column("currency", String(32), primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("equity", ExactDecimal, nullable=False),
    Column("units", ExactDecimal, nullable=False, server_default="1"),
)

# What each account had at its last record that no trade had brought.
outside_amounts = Table(
    "outside_amounts",
    metadata,
    Column("account", ForeignKey("accounts.name"), primary_key=True),
    Column("asset", String(32), primary_key=True),
    Column("amount", ExactDecimal, nullable=False),
)

# What is allowed: the window, limits, trading states and switches, each as JSON. Account is empty
# where it holds for all.
rules = Table(
    "rules",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("account", String(64), primary_key=True),
    Column("value", Text, nullable=False),
)

# Orders that add to risk, as the gate let them in.
entries = Table(
    "entries",
    metadata,
    Column("order_id", ForeignKey("orders.id"), primary_key=True),
    Column("account", ForeignKey("accounts.name"), nullable=False),
    Column("source", String(16), nullable=False),
    Column("at", UtcTime, nullable=False),
    Column("expected_price", ExactDecimal),
    Column("rate", ExactDecimal),
    Index(None, "at"),
)

# What open orders are asked to become, until it is known whether they did.
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

# One row: the identity of this log, the number of its last event, and of the last one pruned away.
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

tokens = Table(
    "tokens",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("name", String(100), nullable=False),
    Column("digest", String(64), nullable=False, unique=True),
    Column("scopes", Json, nullable=False),
    Column("account_names", Json),
    Column("origin", String(16), nullable=False),
    Column("created_at", UtcTime, nullable=False),
    Column("expires_at", UtcTime),
    Column("last_used_at", UtcTime),
    Column("revoked_at", UtcTime),
)

# Who changed what; subjects are named by kind and key.
audit = Table(
    "audit",
    metadata,
    Column("id", String(26), primary_key=True),
    Column("at", UtcTime, nullable=False),
    Column("actor", String(100), nullable=False),
    Column("actor_id", String(26)),
    Column("action", String(64), nullable=False),
    Column("subject_kind", String(16)),
    Column("subject_key", String(200)),
    Column("outcome", String(16), nullable=False),
    Column("code", String(64)),
    Column("request_id", String(64), nullable=False),
    Index(None, "at", "id"),
)

# The paper exchange's own books. Nothing but the paper exchange reads or writes them.
paper_books = Table(
    "paper_books",
    metadata,
    Column("account", ForeignKey("accounts.name"), primary_key=True),
    # The last tick with whose price every waiting order was compared.
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

# On margin; what is held on spot markets is balances.
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
