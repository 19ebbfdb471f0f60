"""Indexes by which no question about orders, fills, entries or decisions reads all of them."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_NEW: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("orders", ("account", "created_at", "id")),
    ("orders", ("account", "updated_at", "id")),
    ("orders", ("account", "symbol", "created_at", "id")),
    ("fills", ("account", "at", "id")),
    ("fills", ("account", "symbol", "at", "id")),
    ("entries", ("source", "at")),
    ("bot_decisions", ("account", "id")),
)
_OPEN: dict[str, tuple[str, ...]] = {
    "ix_orders_open": ("account", "created_at", "id"),
    "ix_orders_open_symbol": ("account", "symbol", "created_at", "id"),
}
_OLD: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("orders", ("created_at", "id")),
    ("orders", ("updated_at", "id")),
    ("orders", ("account", "is_open")),
    ("orders", ("symbol", "created_at")),
    ("fills", ("at", "id")),
    ("entries", ("at",)),
)


def upgrade() -> None:
    for table, columns in _OLD:
        op.drop_index(_name(table, columns), table)
    for table, columns in _NEW:
        op.create_index(_name(table, columns), table, list(columns))
    for name, columns in _OPEN.items():
        op.create_index(
            name,
            "orders",
            list(columns),
            sqlite_where=sa.text("is_open IS 1"),
            postgresql_where=sa.text("is_open IS true"),
        )
    op.create_index(
        "ix_bot_decisions_holds",
        "bot_decisions",
        ["id"],
        sqlite_where=sa.text("outcome = 'HOLD'"),
        postgresql_where=sa.text("outcome = 'HOLD'"),
    )


def downgrade() -> None:
    op.drop_index("ix_bot_decisions_holds", "bot_decisions")
    for name in _OPEN:
        op.drop_index(name, "orders")
    for table, columns in _NEW:
        op.drop_index(_name(table, columns), table)
    for table, columns in _OLD:
        op.create_index(_name(table, columns), table, list(columns))


def _name(table: str, columns: tuple[str, ...]) -> str:
    return op.f(f"ix_{table}_{'_'.join(columns)}")
