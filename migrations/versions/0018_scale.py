"""What pages and reports over very many rows need: how far a report is that is being worked out."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = depends_on = None


def upgrade() -> None:
    op.add_column("report_runs", sa.Column("done", sa.BigInteger(), server_default="0", nullable=False))


def downgrade() -> None:
    raise NotImplementedError("data is not thrown away by going back; restore a backup instead")
