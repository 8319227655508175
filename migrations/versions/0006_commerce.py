"""The tables of commerce."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

from saas.kit import clock, partitions, walls

revision = "0006"
down_revision = "0005"
branch_labels = depends_on = None


def upgrade() -> None:
    op.create_table(
        "shop_events",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("visitor", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("product", sa.Text(), nullable=True),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("details", postgresql.JSONB(astext_type=Text()), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_shop_events_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_shop_events")),
        postgresql_partition_by="RANGE (id)",
    )
    op.create_index(
        "ix_shop_events_identified",
        "shop_events",
        ["tenant_id", "visitor", "id"],
        unique=False,
        postgresql_where=sa.text("type = 'identified'"),
    )
    op.create_index("ix_shop_events_product", "shop_events", ["tenant_id", "product", "id"], unique=False)
    op.create_index("ix_shop_events_visitor", "shop_events", ["tenant_id", "visitor", "id"], unique=False)
    for statement in walls.protect("shop_events"):
        op.execute(statement)
    op.create_table(
        "shops",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("site_key", sa.Text(), nullable=False),
        sa.Column("hook_token", sa.Text(), nullable=False),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=False),
        sa.Column("previous_secret_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("access_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("trouble", sa.Text(), nullable=False),
        sa.Column("last_delivery_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_event_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("backfill", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("reconciled", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("reconciled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checks", postgresql.JSONB(astext_type=Text()), server_default="{}", nullable=False),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('generic', 'shopify', 'woocommerce')", name=op.f("ck_shops_kind")),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_shops_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_shops")),
    )
    for statement in walls.protect("shops"):
        op.execute(statement)
    op.create_table(
        "orders",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("visitor", sa.Text(), nullable=False),
        sa.Column("cart_id", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("placed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("lines_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("lines_micros", sa.BigInteger(), nullable=False),
        sa.Column("sold_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("sold_micros", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("shipping_amount", sa.BigInteger(), nullable=False),
        sa.Column("tax_amount", sa.BigInteger(), nullable=False),
        sa.Column("discount_amount", sa.BigInteger(), nullable=False),
        sa.Column("total_amount", sa.BigInteger(), nullable=False),
        sa.Column("refunded_amount", sa.BigInteger(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("custom", postgresql.JSONB(astext_type=Text()), server_default="{}", nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "status IN ('pending', 'paid', 'fulfilled', 'cancelled', 'refunded', 'failed')",
            name=op.f("ck_orders_status"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["customers.tenant_id", "customers.id"],
            name=op.f("fk_orders_tenant_id_customer_id_customers"),
            ondelete="SET NULL (customer_id)",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_orders_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_orders")),
        sa.UniqueConstraint(
            "tenant_id", "source_id", "external_id", name=op.f("uq_orders_tenant_id_source_id_external_id")
        ),
    )
    op.create_index(
        "ix_orders_cart_id", "orders", ["tenant_id", "cart_id"], unique=False, postgresql_where=sa.text("cart_id <> ''")
    )
    op.create_index("ix_orders_customer_id", "orders", ["tenant_id", "customer_id", "placed_at"], unique=False)
    op.create_index("ix_orders_number", "orders", ["tenant_id", "number"], unique=False)
    op.create_index(
        "ix_orders_placed_at",
        "orders",
        ["tenant_id", sa.literal_column("placed_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(
        "ix_orders_visitor", "orders", ["tenant_id", "visitor"], unique=False, postgresql_where=sa.text("visitor <> ''")
    )
    for statement in walls.protect("orders"):
        op.execute(statement)
    op.create_table(
        "visitors",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("visitor", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("proven", sa.Boolean(), nullable=False),
        sa.Column("first_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("announcement", sa.Uuid(), nullable=True),
        sa.Column("pending_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pending_to", sa.DateTime(timezone=True), nullable=True),
        sa.Column("weight", sa.Integer(), server_default="0", nullable=False),
        sa.Column("consent", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["customers.tenant_id", "customers.id"],
            name=op.f("fk_visitors_tenant_id_customer_id_customers"),
            ondelete="SET NULL (customer_id)",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_visitors_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_visitors")),
        sa.UniqueConstraint("tenant_id", "visitor", name=op.f("uq_visitors_tenant_id_visitor")),
    )
    op.create_index("ix_visitors_customer_id", "visitors", ["tenant_id", "customer_id"], unique=False)
    op.create_index(
        "ix_visitors_last_seen_at", "visitors", ["tenant_id", sa.literal_column("last_seen_at DESC")], unique=False
    )
    for statement in walls.protect("visitors"):
        op.execute(statement)
    op.create_table(
        "visits",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("visitor", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("events_count", sa.Integer(), nullable=False),
        sa.Column("views_count", sa.Integer(), nullable=False),
        sa.Column("products", postgresql.ARRAY(Text()), nullable=False),
        sa.Column("referrer", sa.Text(), nullable=False),
        sa.Column("landing", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["customers.tenant_id", "customers.id"],
            name=op.f("fk_visits_tenant_id_customer_id_customers"),
            ondelete="SET NULL (customer_id)",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_visits_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_visits")),
    )
    op.create_index("ix_visits_began_at", "visits", ["tenant_id", sa.literal_column("began_at DESC")], unique=False)
    op.create_index(
        "ix_visits_customer_id",
        "visits",
        ["tenant_id", "customer_id", sa.literal_column("began_at DESC")],
        unique=False,
    )
    op.create_index(
        "ix_visits_visitor", "visits", ["tenant_id", "visitor", sa.literal_column("began_at DESC")], unique=False
    )
    for statement in walls.protect("visits"):
        op.execute(statement)
    op.create_table(
        "carts",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("visitor", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("items", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("changed_by", sa.Uuid(), nullable=False),
        sa.Column("checkout_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("left_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["customers.tenant_id", "customers.id"],
            name=op.f("fk_carts_tenant_id_customer_id_customers"),
            ondelete="SET NULL (customer_id)",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"],
            ["orders.tenant_id", "orders.id"],
            name=op.f("fk_carts_tenant_id_order_id_orders"),
            ondelete="SET NULL (order_id)",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_carts_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_carts")),
        sa.UniqueConstraint(
            "tenant_id", "visitor", "source_id", "key", name=op.f("uq_carts_tenant_id_visitor_source_id_key")
        ),
    )
    op.create_index("ix_carts_changed_at", "carts", ["tenant_id", sa.literal_column("changed_at DESC")], unique=False)
    op.create_index("ix_carts_customer_id", "carts", ["tenant_id", "customer_id"], unique=False)
    op.create_index("ix_carts_key", "carts", ["tenant_id", "key"], unique=False)
    for statement in walls.protect("carts"):
        op.execute(statement)
    op.create_table(
        "order_lines",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=True),
        sa.Column("product_key", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("unit_micros", sa.BigInteger(), nullable=False),
        sa.Column("line_micros", sa.BigInteger(), nullable=False),
        sa.Column("flags", postgresql.ARRAY(Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"],
            ["orders.tenant_id", "orders.id"],
            name=op.f("fk_order_lines_tenant_id_order_id_orders"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "product_id"],
            ["products.tenant_id", "products.id"],
            name=op.f("fk_order_lines_tenant_id_product_id_products"),
            ondelete="SET NULL (product_id)",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_order_lines_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_order_lines")),
        sa.UniqueConstraint(
            "tenant_id", "order_id", "position", name=op.f("uq_order_lines_tenant_id_order_id_position")
        ),
    )
    op.create_index("ix_order_lines_product_id", "order_lines", ["tenant_id", "product_id"], unique=False)
    op.create_index("ix_order_lines_product_key", "order_lines", ["tenant_id", "product_key"], unique=False)
    for statement in walls.protect("order_lines"):
        op.execute(statement)
    op.create_table(
        "refunds",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("order_key", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("amount_micros", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"],
            ["orders.tenant_id", "orders.id"],
            name=op.f("fk_refunds_tenant_id_order_id_orders"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_refunds_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_refunds")),
        sa.UniqueConstraint(
            "tenant_id", "source_id", "order_key", "key", name=op.f("uq_refunds_tenant_id_source_id_order_key_key")
        ),
    )
    op.create_index("ix_refunds_order_id", "refunds", ["tenant_id", "order_id"], unique=False)
    for statement in walls.protect("refunds"):
        op.execute(statement)
    for statement in partitions.create("shop_events", partitions.around(clock.now().date())):
        op.execute(statement)
    op.create_table(
        "order_values",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("field_id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.SmallInteger(), nullable=False),
        sa.Column("word", sa.Text(), nullable=True),
        sa.Column("number", sa.BigInteger(), nullable=True),
        sa.Column("sole", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "id"],
            ["orders.tenant_id", "orders.id"],
            name=op.f("fk_order_values_tenant_id_id_orders"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_order_values_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", "field_id", "place", name=op.f("pk_order_values")),
        sa.UniqueConstraint("tenant_id", "field_id", "sole", name=op.f("uq_order_values_tenant_id_field_id_sole")),
    )
    op.create_index(
        "ix_order_values_number",
        "order_values",
        ["tenant_id", "field_id", "number", "id"],
        unique=False,
        postgresql_where=sa.text("number IS NOT NULL"),
    )
    op.create_index(
        "ix_order_values_word",
        "order_values",
        ["tenant_id", "field_id", "word", "id"],
        unique=False,
        postgresql_where=sa.text("word IS NOT NULL"),
    )
    for statement in walls.protect("order_values"):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("data is not thrown away by going back; restore a backup instead")
