"""Equity points and peaks, and an index of fills by market."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

EXACT = sa.Text().with_variant(sa.Numeric(), "postgresql")
TIME = sa.BigInteger()
_KEYS = {"equity_points": ("account", "currency", "at"), "equity_peaks": ("account", "currency")}
# A position's fills are read in order, in batches.
_FILLS_OF_A_MARKET = "ix_fills_account_symbol_id"


def upgrade() -> None:
    for table, key in _KEYS.items():
        op.create_table(
            table,
            sa.Column("account", sa.String(length=64), nullable=False),
            sa.Column("currency", sa.String(length=32), nullable=False),
            sa.Column("at", TIME, nullable=False),
            sa.Column("equity", EXACT, nullable=False),
            sa.ForeignKeyConstraint(
                ["account"], ["accounts.name"], name=op.f(f"fk_{table}_account")
            ),
            sa.PrimaryKeyConstraint(*key, name=op.f(f"pk_{table}")),
        )
    op.create_index(op.f(_FILLS_OF_A_MARKET), "fills", ["account", "symbol", "id"])


def downgrade() -> None:
    op.drop_index(op.f(_FILLS_OF_A_MARKET), "fills")
    for table in _KEYS:
        op.drop_table(table)
