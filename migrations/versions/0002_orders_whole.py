"""Amendments, triggers of the paper exchange, and the audit."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TIME = sa.BigInteger()


def upgrade() -> None:
    op.add_column("orders", _amendments())
    op.add_column("paper_orders", sa.Column("triggered_at", TIME, nullable=True))
    op.add_column("paper_orders", _amendments())
    op.create_table(
        "audit",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("at", TIME, nullable=False),
        sa.Column("actor", sa.String(length=100), nullable=False),
        sa.Column("actor_id", sa.String(length=26), nullable=True),
        sa.Column("action", sa.String(length=64), nullable=False),
        sa.Column("subject_kind", sa.String(length=16), nullable=True),
        sa.Column("subject_key", sa.String(length=64), nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("code", sa.String(length=64), nullable=True),
        sa.Column("request_id", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit")),
    )
    op.create_index(op.f("ix_audit_at_id"), "audit", ["at", "id"])


def downgrade() -> None:
    op.drop_index(op.f("ix_audit_at_id"), table_name="audit")
    op.drop_table("audit")
    op.drop_column("paper_orders", "amendments")
    op.drop_column("paper_orders", "triggered_at")
    op.drop_column("orders", "amendments")


def _amendments() -> sa.Column[int]:
    return sa.Column("amendments", sa.Integer(), server_default="0", nullable=False)
