"""What pages and reports over very many rows need: indexes that answer alone, and how far a report is that is being worked out.

Each index takes the place of one that began with the same columns, so writing keeps as many as before.
"""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"
branch_labels = depends_on = None

NEWEST = [sa.text("sent_at DESC"), sa.text("id DESC")]
BETTER = (
    ("order_lines", "ix_order_lines_sold", ["product_id", "order_id"], ["quantity", "line_micros"], "ix_order_lines_product_id"),
    ("form_submissions", "ix_form_submissions_sent", ["form_id", *NEWEST], ["counted", "won", "confirmed_at"], "ix_form_submissions_form_id"),
)  # fmt: skip
"""The table, the new index with what it is ordered by and carries along, and the one whose place it takes."""


def upgrade() -> None:
    with op.get_context().autocommit_block():
        for table, name, columns, carried, _old in BETTER:
            # one whose making was broken off is there and not valid
            op.drop_index(name, table, if_exists=True, postgresql_concurrently=True)
            columns = ["tenant_id", *columns]
            op.create_index(name, table, columns, postgresql_include=carried, postgresql_concurrently=True)
        for table, _name, _columns, _carried, old in BETTER:
            op.drop_index(old, table, if_exists=True, postgresql_concurrently=True)
    op.add_column("report_runs", sa.Column("done", sa.BigInteger(), server_default="0", nullable=False))


def downgrade() -> None:
    raise NotImplementedError("data is not thrown away by going back; restore a backup instead")
