"""Which orders of a shop were tests, and whether it has them counted."""

import sqlalchemy as sa
from alembic import op

from saas.kit import walls

revision = "0020"
down_revision = "0018"
branch_labels = depends_on = None


def upgrade() -> None:
    op.add_column("shops", sa.Column("count_tests", sa.Boolean(), server_default=sa.text("false"), nullable=False))
    op.create_table(
        "play_orders",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.Column("order_key", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("total_amount", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "shop_id"],
            ["shops.tenant_id", "shops.id"],
            name=op.f("fk_play_orders_tenant_id_shop_id_shops"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_play_orders_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_play_orders")),
        sa.UniqueConstraint(
            "tenant_id", "shop_id", "order_key", name=op.f("uq_play_orders_tenant_id_shop_id_order_key")
        ),
    )
    op.create_index(
        "ix_play_orders_placed_at",
        "play_orders",
        ["tenant_id", "shop_id", sa.literal_column("placed_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    for statement in walls.protect("play_orders"):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("data is not thrown away by going back; restore a backup instead")
