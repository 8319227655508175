"""The tables of audiences."""

revision = "0007"
down_revision = "0006"
branch_labels = depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    raise NotImplementedError("data is not thrown away by going back; restore a backup instead")
