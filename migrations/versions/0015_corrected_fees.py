"""The revision of the order that corrected the fee of a fill."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("fills", sa.Column("fee_revision", sa.Integer(), nullable=True))


def downgrade() -> None:
    op.drop_column("fills", "fee_revision")
