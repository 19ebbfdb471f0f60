"""Closed candles, by source and market."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

EXACT = sa.Text().with_variant(sa.Numeric(), "postgresql")
_KEY = ("source", "symbol", "timeframe", "at")
_NUMBERS = ("open", "high", "low", "close", "volume")


def upgrade() -> None:
    op.create_table(
        "candles",
        sa.Column("source", sa.String(length=32), nullable=False),
        sa.Column("symbol", sa.String(length=64), nullable=False),
        sa.Column("timeframe", sa.String(length=16), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False, autoincrement=False),
        *(sa.Column(name, EXACT, nullable=False) for name in _NUMBERS),
        sa.PrimaryKeyConstraint(*_KEY, name=op.f("pk_candles")),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    op.drop_table("candles")
