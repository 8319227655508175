"""Campaigns may leave out customers with an open dispute."""

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0013"
branch_labels = depends_on = None


def upgrade() -> None:
    for table in ("campaigns", "mailings"):
        column = sa.Column("without_disputed", sa.Boolean(), nullable=False, server_default=sa.text("false"))
        op.add_column(table, column)


def downgrade() -> None:
    raise NotImplementedError("data is not thrown away by going back; restore a backup instead")
