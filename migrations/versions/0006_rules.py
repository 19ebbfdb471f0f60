"""Rules (trading window, limits, states, switches), and entries."""

import json
from datetime import UTC, datetime

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

EXACT = sa.Text().with_variant(sa.Numeric(), "postgresql")
TIME = sa.BigInteger()


def upgrade() -> None:
    rules = op.create_table(
        "rules",
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("kind", "account", name=op.f("pk_rules")),
    )
    # Rows that an order can lock while it is checked.
    op.bulk_insert(
        rules, [{"kind": kind, "account": "", "value": value} for kind, value in _first()]
    )
    op.create_table(
        "entries",
        sa.Column("order_id", sa.String(length=26), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("source", sa.String(length=16), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("expected_price", EXACT, nullable=True),
        sa.Column("rate", EXACT, nullable=True),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_entries_order_id")),
        sa.ForeignKeyConstraint(["account"], ["accounts.name"], name=op.f("fk_entries_account")),
        sa.PrimaryKeyConstraint("order_id", name=op.f("pk_entries")),
    )
    op.create_index(op.f("ix_entries_at"), "entries", ["at"])


def _first() -> list[tuple[str, str]]:
    """Initial rules that allow everything."""
    active = json.dumps({"state": "ACTIVE", "since": datetime.now(UTC).isoformat()})
    return [("WINDOW", "{}"), ("LIMITS", "{}"), ("STANDING", active), ("TURN", "{}")]


def downgrade() -> None:
    op.drop_table("entries")
    op.drop_table("rules")
