"""Amendments of open orders whose result is not known yet."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

EXACT = sa.Text().with_variant(sa.Numeric(), "postgresql")
TIME = sa.BigInteger()


def upgrade() -> None:
    op.create_table(
        "amendments",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("order_id", sa.String(length=26), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("amount", EXACT, nullable=False),
        sa.Column("price", EXACT, nullable=True),
        sa.Column("trigger_price", EXACT, nullable=True),
        sa.ForeignKeyConstraint(["order_id"], ["orders.id"], name=op.f("fk_amendments_order_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_amendments")),
    )
    op.create_index(op.f("ix_amendments_order_id"), "amendments", ["order_id"])


def downgrade() -> None:
    op.drop_table("amendments")
