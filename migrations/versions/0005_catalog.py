"""The tables of catalog."""

revision = "0005"
down_revision = "0004"
branch_labels = depends_on = None


def upgrade() -> None:
    pass


def downgrade() -> None:
    raise NotImplementedError("data is not thrown away by going back; restore a backup instead")
