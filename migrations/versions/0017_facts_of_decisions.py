"""What a decision of the bot was made on: the price, and what was held."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

EXACT = sa.Text().with_variant(sa.Numeric(), "postgresql")


def upgrade() -> None:
    for name in ("price", "held"):
        op.add_column("bot_decisions", sa.Column(name, EXACT, nullable=True))


def downgrade() -> None:
    for name in ("held", "price"):
        op.drop_column("bot_decisions", name)
