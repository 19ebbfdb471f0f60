"""Checkpoints of positions, what ended round trips, and which fills await a fee's value."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None

EXACT = sa.Text().with_variant(sa.Numeric(), "postgresql")
TIME = sa.BigInteger()
_KEY = ("account", "symbol", "type")
_NUMBERS = ("amount", "basis", "realized", "fees", "realized_before")
_WAITING = sa.text(
    "SELECT fills.id, fills.symbol, fills.fee_currency FROM positions"
    " JOIN fills ON fills.account = positions.account AND fills.symbol = positions.symbol"
    " WHERE positions.unvalued_fees > 0 AND fills.fee_currency IS NOT NULL"
    " AND fills.fee_value IS NULL AND fills.superseded_revision IS NULL"
)
_MARK = sa.text("UPDATE fills SET awaits_fee_value = :yes WHERE id = :id").bindparams(
    sa.bindparam("yes", type_=sa.Boolean())
)


def upgrade() -> None:
    op.add_column(
        "fills",
        sa.Column("awaits_fee_value", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.create_index(
        "ix_fills_awaiting_fee_value",
        "fills",
        ["account", "symbol", "id"],
        sqlite_where=sa.text("awaits_fee_value IS 1"),
        postgresql_where=sa.text("awaits_fee_value IS true"),
    )
    _mark_waiting()
    op.add_column("positions", sa.Column("fills", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("positions", sa.Column("last_fill", sa.String(length=26), nullable=True))
    op.add_column("position_rounds", sa.Column("ended_by", sa.String(length=26), nullable=True))
    op.drop_index(op.f("ix_position_rounds_account_symbol_type"), "position_rounds")
    op.create_index(
        op.f("ix_position_rounds_account_symbol_type_ended_by"),
        "position_rounds",
        [*_KEY, "ended_by"],
    )
    op.create_table(
        "position_checkpoints",
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("symbol", sa.String(length=64), nullable=False),
        sa.Column("type", sa.String(length=16), nullable=False),
        sa.Column("last_fill", sa.String(length=26), nullable=False),
        *(sa.Column(name, EXACT, nullable=False) for name in _NUMBERS),
        sa.Column("unvalued_fees", sa.Integer(), nullable=False),
        sa.Column("opened_at", TIME, nullable=True),
        sa.Column("updated_at", TIME, nullable=False),
        sa.Column("fills", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account"], ["accounts.name"], name=op.f("fk_position_checkpoints_account")
        ),
        sa.PrimaryKeyConstraint(*_KEY, "last_fill", name=op.f("pk_position_checkpoints")),
    )


def downgrade() -> None:
    op.drop_table("position_checkpoints")
    op.drop_index(op.f("ix_position_rounds_account_symbol_type_ended_by"), "position_rounds")
    op.create_index(op.f("ix_position_rounds_account_symbol_type"), "position_rounds", list(_KEY))
    op.drop_index("ix_fills_awaiting_fee_value", "fills")
    for table, column in (
        ("position_rounds", "ended_by"),
        ("positions", "last_fill"),
        ("positions", "fills"),
        ("fills", "awaits_fee_value"),
    ):
        op.drop_column(table, column)


def _mark_waiting() -> None:
    """Fees in base or quote have a value by themselves; only others await one."""
    connection = op.get_bind()
    for fill_id, symbol, currency in connection.execute(_WAITING).all():
        base, _, rest = symbol.partition("/")
        if currency not in {base, rest.partition(":")[0]}:
            connection.execute(_MARK, {"yes": True, "id": fill_id})
