"""Paper margin orders, their positions, and the debts of balances."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

EXACT = sa.Text().with_variant(sa.Numeric(), "postgresql")
TIME = sa.BigInteger()
_NUMBERS = ("amount", "basis", "realized", "fees", "realized_before", "leverage")
_OWED = ("short", "written_off")
_OWN_ORDERS = "ix_paper_orders_account_is_liquidation"


def upgrade() -> None:
    op.add_column("paper_orders", _with_default("position_type", sa.String(length=16), "SPOT"))
    op.add_column("paper_orders", sa.Column("leverage", EXACT, nullable=True))
    op.add_column("paper_orders", _with_default("is_liquidation", sa.Boolean(), sa.false()))
    op.create_index(op.f(_OWN_ORDERS), "paper_orders", ["account", "is_liquidation"])
    for name in _OWED:
        op.add_column("paper_balances", _with_default(name, EXACT, "0"))
    op.create_table(
        "paper_positions",
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("symbol", sa.String(length=64), nullable=False),
        *(sa.Column(name, EXACT, nullable=False) for name in _NUMBERS),
        sa.Column("opened_at", TIME, nullable=True),
        sa.Column("change", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account"], ["accounts.name"], name=op.f("fk_paper_positions_account")
        ),
        sa.PrimaryKeyConstraint("account", "symbol", name=op.f("pk_paper_positions")),
    )


def downgrade() -> None:
    op.drop_table("paper_positions")
    op.drop_index(op.f(_OWN_ORDERS), "paper_orders")
    for table, names in _ADDED.items():
        for name in names:
            op.drop_column(table, name)


_ADDED = {
    "paper_balances": _OWED,
    "paper_orders": ("position_type", "leverage", "is_liquidation"),
}


def _with_default(
    name: str, kind: sa.types.TypeEngine[Any], value: str | sa.False_
) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False, server_default=value)
