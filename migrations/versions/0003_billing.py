"""The tables of billing."""

revision = "0003"
down_revision = "0002"
branch_labels = depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    raise NotImplementedError("data is not thrown away by going back; restore a backup instead")
