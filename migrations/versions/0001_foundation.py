"""The foundation: accounts, orders, fills, the log, tokens, and the paper exchange's ledger."""

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

EXACT = sa.Text().with_variant(sa.Numeric(), "postgresql")
TIME = sa.BigInteger()
JSON = sa.Text()


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("exchange", sa.String(length=64), nullable=False),
        sa.Column("mode", sa.String(length=16), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("last_reconciled_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_accounts")),
    )
    op.create_table(
        "log",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("identity", sa.String(length=16), nullable=False),
        sa.Column("head", sa.BigInteger(), nullable=False),
        sa.Column("horizon", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_log_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log")),
    )
    op.create_table(
        "tokens",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("scopes", JSON, nullable=False),
        sa.Column("account_names", JSON, nullable=True),
        sa.Column("origin", sa.String(length=16), nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("expires_at", TIME, nullable=True),
        sa.Column("last_used_at", TIME, nullable=True),
        sa.Column("revoked_at", TIME, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tokens")),
        sa.UniqueConstraint("digest", name=op.f("uq_tokens_digest")),
    )
    op.create_table(
        "orders",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("client_order_id", sa.String(length=36), nullable=False),
        sa.Column("wire_id", sa.String(length=36), nullable=False),
        sa.Column("exchange_order_id", sa.String(length=128), nullable=True),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("symbol", sa.String(length=64), nullable=False),
        sa.Column("side", sa.String(length=8), nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("time_in_force", sa.String(length=16), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("amount", EXACT, nullable=False),
        sa.Column("price", EXACT, nullable=True),
        sa.Column("trigger_price", EXACT, nullable=True),
        sa.Column("filled", EXACT, nullable=False),
        sa.Column("cost", EXACT, nullable=False),
        sa.Column("fees", JSON, nullable=False),
        sa.Column("reported_filled", EXACT, nullable=False),
        sa.Column("reported_cost", EXACT, nullable=False),
        sa.Column("reduce_only", sa.Boolean(), nullable=False),
        sa.Column("position_type", sa.String(length=16), nullable=False),
        sa.Column("leverage", EXACT, nullable=True),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("strategy", sa.String(length=128), nullable=True),
        sa.Column("refusal", JSON, nullable=True),
        sa.Column("cancel_requested_at", TIME, nullable=True),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("closed_at", TIME, nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["accounts.name"], name=op.f("fk_orders_account")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_orders")),
        sa.UniqueConstraint(
            "account", "client_order_id", name=op.f("uq_orders_account_client_order_id")
        ),
        sa.UniqueConstraint(
            "account", "exchange_order_id", name=op.f("uq_orders_account_exchange_order_id")
        ),
        sa.UniqueConstraint("account", "wire_id", name=op.f("uq_orders_account_wire_id")),
    )
    op.create_index(
        op.f("ix_orders_account_is_open"), "orders", ["account", "is_open"], unique=False
    )
    op.create_index(op.f("ix_orders_created_at_id"), "orders", ["created_at", "id"], unique=False)
    op.create_index(
        op.f("ix_orders_symbol_created_at"), "orders", ["symbol", "created_at"], unique=False
    )
    op.create_index(op.f("ix_orders_updated_at_id"), "orders", ["updated_at", "id"], unique=False)
    op.create_table(
        "paper_balances",
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("asset", sa.String(length=32), nullable=False),
        sa.Column("free", EXACT, nullable=False),
        sa.Column("used", EXACT, nullable=False),
        sa.ForeignKeyConstraint(
            ["account"], ["accounts.name"], name=op.f("fk_paper_balances_account")
        ),
        sa.PrimaryKeyConstraint("account", "asset", name=op.f("pk_paper_balances")),
    )
    op.create_table(
        "paper_orders",
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("wire_id", sa.String(length=36), nullable=False),
        sa.Column("symbol", sa.String(length=64), nullable=False),
        sa.Column("side", sa.String(length=8), nullable=False),
        sa.Column("type", sa.String(length=32), nullable=False),
        sa.Column("time_in_force", sa.String(length=16), nullable=False),
        sa.Column("reduce_only", sa.Boolean(), nullable=False),
        sa.Column("amount", EXACT, nullable=False),
        sa.Column("price", EXACT, nullable=True),
        sa.Column("trigger_price", EXACT, nullable=True),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("filled", EXACT, nullable=False),
        sa.Column("reserved", EXACT, nullable=False),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("updated_at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["account"], ["accounts.name"], name=op.f("fk_paper_orders_account")
        ),
        sa.PrimaryKeyConstraint("account", "number", name=op.f("pk_paper_orders")),
        sa.UniqueConstraint("account", "wire_id", name=op.f("uq_paper_orders_account_wire_id")),
    )
    op.create_index(
        op.f("ix_paper_orders_account_status"), "paper_orders", ["account", "status"], unique=False
    )
    op.create_table(
        "paper_trades",
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("order_number", sa.BigInteger(), nullable=False),
        sa.Column("price", EXACT, nullable=False),
        sa.Column("amount", EXACT, nullable=False),
        sa.Column("fee_currency", sa.String(length=32), nullable=False),
        sa.Column("fee_amount", EXACT, nullable=False),
        sa.Column("is_maker", sa.Boolean(), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.ForeignKeyConstraint(
            ["account"], ["accounts.name"], name=op.f("fk_paper_trades_account")
        ),
        sa.PrimaryKeyConstraint("account", "number", name=op.f("pk_paper_trades")),
    )
    op.create_index(
        op.f("ix_paper_trades_account_order_number"),
        "paper_trades",
        ["account", "order_number"],
        unique=False,
    )
    op.create_table(
        "events",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("tag", sa.String(length=8), nullable=False),
        sa.Column("order_id", sa.String(length=26), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("previous_status", sa.String(length=32), nullable=True),
        sa.Column("order", JSON, nullable=False),
        sa.Column("fill", JSON, nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_events_order_id")),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_events")),
        sa.UniqueConstraint("order_id", "revision", name=op.f("uq_events_order_id_revision")),
    )
    op.create_table(
        "fills",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("order_id", sa.String(length=26), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("exchange_trade_id", sa.String(length=128), nullable=True),
        sa.Column("symbol", sa.String(length=64), nullable=False),
        sa.Column("side", sa.String(length=8), nullable=False),
        sa.Column("price", EXACT, nullable=False),
        sa.Column("amount", EXACT, nullable=False),
        sa.Column("cost", EXACT, nullable=False),
        sa.Column("fee_currency", sa.String(length=32), nullable=True),
        sa.Column("fee_amount", EXACT, nullable=True),
        sa.Column("is_maker", sa.Boolean(), nullable=True),
        sa.Column("at", TIME, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("superseded_revision", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["account"], ["accounts.name"], name=op.f("fk_fills_account")),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_fills_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fills")),
        sa.UniqueConstraint(
            "account", "exchange_trade_id", name=op.f("uq_fills_account_exchange_trade_id")
        ),
    )
    op.create_index(op.f("ix_fills_at_id"), "fills", ["at", "id"], unique=False)
    op.create_index(op.f("ix_fills_order_id"), "fills", ["order_id"], unique=False)
    op.create_table(
        "order_metadata",
        sa.Column("order_id", sa.String(length=26), nullable=False),
        sa.Column("value", JSON, nullable=False),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_order_metadata_order_id")
        ),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_order_metadata")),
    )
    log = sa.table("log", *(sa.column(name) for name in ("id", "identity", "head", "horizon")))
    identity = secrets.token_hex(8)
    op.bulk_insert(log, [{"id": 1, "identity": identity, "head": 0, "horizon": 0}])


def downgrade() -> None:
    op.drop_table("order_metadata")
    op.drop_index(op.f("ix_fills_order_id"), table_name="fills")
    op.drop_index(op.f("ix_fills_at_id"), table_name="fills")
    op.drop_table("fills")
    op.drop_table("events")
    op.drop_index(op.f("ix_paper_trades_account_order_number"), table_name="paper_trades")
    op.drop_table("paper_trades")
    op.drop_index(op.f("ix_paper_orders_account_status"), table_name="paper_orders")
    op.drop_table("paper_orders")
    op.drop_table("paper_balances")
    op.drop_index(op.f("ix_orders_updated_at_id"), table_name="orders")
    op.drop_index(op.f("ix_orders_symbol_created_at"), table_name="orders")
    op.drop_index(op.f("ix_orders_created_at_id"), table_name="orders")
    op.drop_index(op.f("ix_orders_account_is_open"), table_name="orders")
    op.drop_table("orders")
    op.drop_table("tokens")
    op.drop_table("log")
    op.drop_table("accounts")
