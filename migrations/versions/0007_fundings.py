"""Units and outside amounts, which keep deposits and withdrawals out of an account's gains."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

EXACT = sa.Text().with_variant(sa.Numeric(), "postgresql")
_CURVES = ("equity_points", "equity_peaks")


def upgrade() -> None:
    for table in _CURVES:
        op.add_column(table, sa.Column("units", EXACT, nullable=False, server_default="1"))
    op.create_table(
        "outside_amounts",
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("asset", sa.String(length=32), nullable=False),
        sa.Column("amount", EXACT, nullable=False),
        sa.ForeignKeyConstraint(
            ["account"], ["accounts.name"], name=op.f("fk_outside_amounts_account")
        ),
        sa.PrimaryKeyConstraint("account", "asset", name=op.f("pk_outside_amounts")),
    )


def downgrade() -> None:
    op.drop_table("outside_amounts")
    for table in _CURVES:
        with op.batch_alter_table(table) as changing:
            changing.drop_column("units")
