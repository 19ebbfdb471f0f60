"""Amendments, the paper exchange's triggers, and the audit log."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TIME = sa.BigInteger()


def upgrade() -> None:
    op.add_column("orders", _amendments())
    _extend_paper_books()
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
    op.drop_table("paper_books")
    op.drop_index(op.f("ix_paper_orders_account_change"), table_name="paper_orders")
    for name in ("change", "refusal", "amendments", "triggered_at"):
        op.drop_column("paper_orders", name)
    op.drop_column("orders", "amendments")


def _extend_paper_books() -> None:
    change = sa.Column("change", sa.BigInteger(), server_default="0", nullable=False)
    op.add_column("paper_orders", sa.Column("triggered_at", TIME, nullable=True))
    op.add_column("paper_orders", _amendments())
    op.add_column("paper_orders", sa.Column("refusal", sa.Text(), nullable=True))
    op.add_column("paper_orders", change)
    op.create_index(op.f("ix_paper_orders_account_change"), "paper_orders", ["account", "change"])
    op.create_table(
        "paper_books",
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("tick", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account"], ["accounts.name"], name=op.f("fk_paper_books_account")
        ),
        sa.PrimaryKeyConstraint("account", name=op.f("pk_paper_books")),
    )
    # Orders open by now are matched against the ticks after the latest change; a tick has 250 ms.
    op.execute(
        "INSERT INTO paper_books (account, tick)"
        " SELECT account, MAX(updated_at) / 250 FROM paper_orders GROUP BY account"
    )


def _amendments() -> sa.Column[int]:
    return sa.Column("amendments", sa.Integer(), server_default="0", nullable=False)
