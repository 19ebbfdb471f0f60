"""Refused attempts of one kind share an audit entry, and are deleted when they are old."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None

TIME = sa.BigInteger()


def upgrade() -> None:
    op.add_column("audit", sa.Column("count", sa.Integer(), nullable=False, server_default="1"))
    op.add_column("audit", sa.Column("last_at", TIME, nullable=True))
    op.create_index(op.f("ix_audit_last_at"), "audit", ["last_at"])
    # A token without the scope has surely changed nothing.
    op.execute("UPDATE audit SET last_at = at WHERE outcome = 'REFUSED' AND code = 'FORBIDDEN'")


def downgrade() -> None:
    op.drop_index(op.f("ix_audit_last_at"), "audit")
    op.drop_column("audit", "last_at")
    op.drop_column("audit", "count")
