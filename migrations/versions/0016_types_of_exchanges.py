"""The exchange's own word for what an order of type OTHER is."""

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("orders", sa.Column("exchange_type", sa.String(64), nullable=True))


def downgrade() -> None:
    op.drop_column("orders", "exchange_type")
