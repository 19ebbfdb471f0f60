"""The bot, its decisions, and what its strategies hold."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

EXACT = sa.Text().with_variant(sa.Numeric(), "postgresql")
TIME = sa.BigInteger()
_NUMBERS = ("amount", "basis", "realized", "fees", "realized_before")
_CANDLE = ("account", "strategy", "symbol", "timeframe", "candle_at")


def upgrade() -> None:
    bots = op.create_table(
        "bots",
        sa.Column("id", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("runner", sa.String(length=26), nullable=True),
        sa.Column("runs_until", TIME, nullable=True),
        sa.CheckConstraint("id = 1", name=op.f("ck_bots_single")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bots")),
    )
    # A stopped bot without assignments.
    op.bulk_insert(bots, [{"id": 1, "value": "{}"}])
    op.create_table(
        "bot_decisions",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("cycle", sa.BigInteger(), nullable=False),
        *_names(),
        sa.Column("timeframe", sa.String(length=16), nullable=False),
        sa.Column("candle_at", TIME, nullable=False),
        sa.Column("signal", sa.String(length=8), nullable=False),
        sa.Column("outcome", sa.String(length=32), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("order_id", sa.String(length=26), nullable=True),
        _of_account("bot_decisions"),
        sa.ForeignKeyConstraint(
            ["order_id"], ["orders.id"], name=op.f("fk_bot_decisions_order_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bot_decisions")),
        sa.UniqueConstraint(*_CANDLE, name=op.f(f"uq_bot_decisions_{'_'.join(_CANDLE)}")),
    )
    op.create_table(
        "bot_holdings",
        *_names(),
        *(sa.Column(name, EXACT, nullable=False) for name in _NUMBERS),
        sa.Column("opened_at", TIME, nullable=True),
        sa.Column("updated_at", TIME, nullable=False),
        _of_account("bot_holdings"),
        sa.PrimaryKeyConstraint("account", "strategy", "symbol", name=op.f("pk_bot_holdings")),
    )


def downgrade() -> None:
    for table in ("bot_holdings", "bot_decisions", "bots"):
        op.drop_table(table)


def _names() -> tuple[sa.Column[str], ...]:
    return (
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("strategy", sa.String(length=64), nullable=False),
        sa.Column("symbol", sa.String(length=64), nullable=False),
    )


def _of_account(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["account"], ["accounts.name"], name=op.f(f"fk_{table}_account"))
