"""Exchange ids are unique per market only, and trade ids only per side of a trade."""

from collections.abc import Mapping, Sequence

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_BEFORE: Mapping[str, Sequence[str]] = {
    "orders": ("account", "exchange_order_id"),
    "fills": ("account", "exchange_trade_id"),
}
_AFTER: Mapping[str, Sequence[str]] = {
    "orders": ("account", "symbol", "exchange_order_id"),
    "fills": ("account", "symbol", "side", "exchange_trade_id"),
}


def upgrade() -> None:
    for table in _BEFORE:
        _change(table, _BEFORE[table], _AFTER[table])


def downgrade() -> None:
    for table in _BEFORE:
        _change(table, _AFTER[table], _BEFORE[table])


def _change(table: str, before: Sequence[str], after: Sequence[str]) -> None:
    with op.batch_alter_table(table) as batch:
        batch.drop_constraint(_name(table, before), type_="unique")
        batch.create_unique_constraint(_name(table, after), list(after))
    if op.get_bind().dialect.name == "sqlite":
        _require_whole()


def _name(table: str, columns: Sequence[str]) -> str:
    return op.f(f"uq_{table}_{'_'.join(columns)}")


def _require_whole() -> None:
    """Check that no foreign key to the rebuilt tables is broken."""
    broken = op.get_bind().execute(sa.text("PRAGMA foreign_key_check")).all()
    if broken:
        raise RuntimeError(f"{len(broken)} rows refer to nothing: restore a backup")
