"""Positions computed from fills, round trips, and the value of fees."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

EXACT = sa.Text().with_variant(sa.Numeric(), "postgresql")
TIME = sa.BigInteger()


def upgrade() -> None:
    op.add_column("fills", sa.Column("fee_value", EXACT, nullable=True))
    _resize_subjects(200)
    op.create_table(
        "positions",
        *_names(),
        *(sa.Column(name, EXACT, nullable=False) for name in _NUMBERS),
        sa.Column("unvalued_fees", sa.Integer(), nullable=False),
        sa.Column("opened_at", TIME, nullable=True),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("metadata", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["account"], ["accounts.name"], name=op.f("fk_positions_account")),
        sa.PrimaryKeyConstraint("account", "symbol", "type", name=op.f("pk_positions")),
    )
    op.create_table(
        "position_rounds",
        sa.Column("id", sa.Integer(), nullable=False, autoincrement=True),
        *_names(),
        sa.Column("opened_at", TIME, nullable=False),
        sa.Column("closed_at", TIME, nullable=False),
        sa.Column("pnl", EXACT, nullable=False),
        sa.ForeignKeyConstraint(
            ["account"], ["accounts.name"], name=op.f("fk_position_rounds_account")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_position_rounds")),
    )
    for columns in _INDEXES:
        name = op.f(f"ix_position_rounds_{'_'.join(columns)}")
        op.create_index(name, "position_rounds", list(columns))


def downgrade() -> None:
    op.drop_table("position_rounds")
    op.drop_table("positions")
    op.drop_column("fills", "fee_value")
    op.execute(
        "UPDATE audit SET subject_kind = NULL, subject_key = NULL WHERE subject_kind = 'POSITION'"
    )
    _resize_subjects(64)


_NUMBERS = ("amount", "basis", "realized", "fees", "realized_before")
_INDEXES = (("account", "closed_at"), ("account", "symbol", "type"))


def _resize_subjects(length: int) -> None:
    with op.batch_alter_table("audit") as batch:
        batch.alter_column("subject_key", type_=sa.String(length=length))


def _names() -> tuple[sa.Column[str], ...]:
    return (
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("symbol", sa.String(length=64), nullable=False),
        sa.Column("type", sa.String(length=16), nullable=False),
    )
