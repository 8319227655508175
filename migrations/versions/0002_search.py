"""The tables of search."""

revision = "0002"
down_revision = "0001"
branch_labels = depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    raise NotImplementedError("data is not thrown away by going back; restore a backup instead")
