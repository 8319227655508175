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
        sa.Column("coupons_url", sa.Text(), server_default="", nullable=False),
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
        sa.Column("fee_amount", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("tip_amount", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("gift_card_amount", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("taxes_included", sa.Boolean(), nullable=True),
        sa.Column("total_amount", sa.BigInteger(), nullable=False),
        sa.Column("refunded_amount", sa.BigInteger(), nullable=False),
        sa.Column("presentment_currency", sa.Text(), server_default="", nullable=False),
        sa.Column("presentment_amount", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("cancelled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel_reason", sa.Text(), server_default="", nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=Text()), server_default="{}", nullable=False),
        sa.Column("came_by", postgresql.ARRAY(sa.Uuid()), server_default="{}", nullable=False),
        sa.Column("told", postgresql.ARRAY(Text()), server_default="{}", nullable=False),
        sa.Column("customer_version", sa.Text(), server_default="", nullable=False),
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
        sa.Column("variant_id", sa.Uuid(), nullable=True),
        sa.Column("variant_key", sa.Text(), server_default="", nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("quantity", sa.BigInteger(), nullable=False),
        sa.Column("unit_micros", sa.BigInteger(), nullable=False),
        sa.Column("line_micros", sa.BigInteger(), nullable=False),
        sa.Column("key", sa.Text(), server_default="", nullable=False),
        sa.Column("discount_micros", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("tax_micros", sa.BigInteger(), server_default="0", nullable=False),
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
            ["tenant_id", "variant_id"],
            ["product_variants.tenant_id", "product_variants.id"],
            name=op.f("fk_order_lines_tenant_id_variant_id_product_variants"),
            ondelete="SET NULL (variant_id)",
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
    op.create_index("ix_order_lines_variant_id", "order_lines", ["tenant_id", "variant_id"], unique=False)
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
        sa.Column("lines", postgresql.JSONB(astext_type=Text()), server_default="[]", nullable=False),
        sa.Column("version", sa.Text(), server_default="", nullable=False),
        sa.Column("told", sa.Boolean(), server_default="false", nullable=False),
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
    op.create_table(
        "payment_accounts",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("vendor", sa.Text(), nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("account", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("live", sa.Boolean(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=True),
        sa.Column("key_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("key_hint", sa.Text(), nullable=False),
        sa.Column("hook_token", sa.Text(), nullable=False),
        sa.Column("hook_secret_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("endpoint", sa.Text(), nullable=False),
        sa.Column("trouble", sa.Text(), nullable=False),
        sa.Column("lacking", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("last_told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("backfill", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("compared_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("way IN ('consent', 'key')", name=op.f("ck_payment_accounts_way")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "shop_id"],
            ["shops.tenant_id", "shops.id"],
            name=op.f("fk_payment_accounts_tenant_id_shop_id_shops"),
            ondelete="SET NULL (shop_id)",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_payment_accounts_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_payment_accounts")),
    )
    for statement in walls.protect("payment_accounts"):
        op.execute(statement)
    op.create_table(
        "payments_told",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("object_id", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("happened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "account_id"],
            ["payment_accounts.tenant_id", "payment_accounts.id"],
            name=op.f("fk_payments_told_tenant_id_account_id_payment_accounts"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_payments_told_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_payments_told")),
        sa.UniqueConstraint(
            "tenant_id", "account_id", "event", name=op.f("uq_payments_told_tenant_id_account_id_event")
        ),
    )
    op.create_index("ix_payments_told_told_at", "payments_told", ["tenant_id", "told_at"], unique=False)
    op.create_index(
        "ix_payments_told_waiting",
        "payments_told",
        ["tenant_id", "account_id"],
        unique=False,
        postgresql_where=sa.text("done_at IS NULL"),
    )
    for statement in walls.protect("payments_told"):
        op.execute(statement)
    op.create_table(
        "payouts",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("arrives_on", sa.Date(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("automatic", sa.Boolean(), nullable=False),
        sa.Column("listed", sa.Boolean(), nullable=False),
        sa.Column("failure", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('pending', 'in_transit', 'paid', 'failed', 'cancelled')", name=op.f("ck_payouts_state")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "account_id"],
            ["payment_accounts.tenant_id", "payment_accounts.id"],
            name=op.f("fk_payouts_tenant_id_account_id_payment_accounts"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_payouts_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_payouts")),
        sa.UniqueConstraint("tenant_id", "account_id", "key", name=op.f("uq_payouts_tenant_id_account_id_key")),
    )
    op.create_index(
        "ix_payouts_made_at",
        "payouts",
        ["tenant_id", sa.literal_column("made_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    for statement in walls.protect("payouts"):
        op.execute(statement)
    op.create_table(
        "payout_lines",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("payout_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("fee_amount", sa.BigInteger(), nullable=False),
        sa.Column("net_amount", sa.BigInteger(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "kind IN ('payment', 'refund', 'dispute', 'fee', 'payout', 'other')", name=op.f("ck_payout_lines_kind")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "payout_id"],
            ["payouts.tenant_id", "payouts.id"],
            name=op.f("fk_payout_lines_tenant_id_payout_id_payouts"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_payout_lines_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_payout_lines")),
        sa.UniqueConstraint("tenant_id", "payout_id", "key", name=op.f("uq_payout_lines_tenant_id_payout_id_key")),
    )
    op.create_index("ix_payout_lines_payout_id", "payout_lines", ["tenant_id", "payout_id", "at"], unique=False)
    for statement in walls.protect("payout_lines"):
        op.execute(statement)
    op.create_table(
        "order_references",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"],
            ["orders.tenant_id", "orders.id"],
            name=op.f("fk_order_references_tenant_id_order_id_orders"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_order_references_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_order_references")),
        sa.UniqueConstraint(
            "tenant_id", "order_id", "value", name=op.f("uq_order_references_tenant_id_order_id_value")
        ),
    )
    op.create_index("ix_order_references_value", "order_references", ["tenant_id", "value"], unique=False)
    for statement in walls.protect("order_references"):
        op.execute(statement)
    op.create_table(
        "payments",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("charge", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("reference", sa.Text(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("received_amount", sa.BigInteger(), nullable=False),
        sa.Column("refunded_amount", sa.BigInteger(), nullable=False),
        sa.Column("settled_currency", sa.Text(), nullable=False),
        sa.Column("fee_amount", sa.BigInteger(), nullable=True),
        sa.Column("net_amount", sa.BigInteger(), nullable=True),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("brand", sa.Text(), nullable=False),
        sa.Column("last4", sa.Text(), nullable=False),
        sa.Column("failure", sa.Text(), nullable=False),
        sa.Column("risk", sa.Text(), nullable=False),
        sa.Column("risk_score", sa.Integer(), nullable=True),
        sa.Column("disputed", sa.Boolean(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('pending', 'authorised', 'succeeded', 'failed', 'cancelled')", name=op.f("ck_payments_state")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "account_id"],
            ["payment_accounts.tenant_id", "payment_accounts.id"],
            name=op.f("fk_payments_tenant_id_account_id_payment_accounts"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["customers.tenant_id", "customers.id"],
            name=op.f("fk_payments_tenant_id_customer_id_customers"),
            ondelete="SET NULL (customer_id)",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"],
            ["orders.tenant_id", "orders.id"],
            name=op.f("fk_payments_tenant_id_order_id_orders"),
            ondelete="SET NULL (order_id)",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_payments_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_payments")),
        sa.UniqueConstraint("tenant_id", "account_id", "key", name=op.f("uq_payments_tenant_id_account_id_key")),
    )
    op.create_index(
        "ix_payments_at",
        "payments",
        ["tenant_id", sa.literal_column("at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index(
        "ix_payments_charge",
        "payments",
        ["tenant_id", "charge"],
        unique=False,
        postgresql_where=sa.text("charge <> ''"),
    )
    op.create_index("ix_payments_customer_id", "payments", ["tenant_id", "customer_id", "at"], unique=False)
    op.create_index("ix_payments_key", "payments", ["tenant_id", "key"], unique=False)
    op.create_index(
        "ix_payments_number",
        "payments",
        ["tenant_id", "number"],
        unique=False,
        postgresql_where=sa.text("number <> ''"),
    )
    op.create_index("ix_payments_order_id", "payments", ["tenant_id", "order_id"], unique=False)
    op.create_index(
        "ix_payments_reference",
        "payments",
        ["tenant_id", "reference"],
        unique=False,
        postgresql_where=sa.text("reference <> ''"),
    )
    op.create_index("ix_payments_state", "payments", ["tenant_id", "state", sa.literal_column("at DESC")], unique=False)
    for statement in walls.protect("payments"):
        op.execute(statement)
    op.create_table(
        "disputes",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("payment_key", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("inquiry", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('needs_answer', 'under_review', 'won', 'lost', 'closed')", name=op.f("ck_disputes_state")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "account_id"],
            ["payment_accounts.tenant_id", "payment_accounts.id"],
            name=op.f("fk_disputes_tenant_id_account_id_payment_accounts"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["customers.tenant_id", "customers.id"],
            name=op.f("fk_disputes_tenant_id_customer_id_customers"),
            ondelete="SET NULL (customer_id)",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "payment_id"],
            ["payments.tenant_id", "payments.id"],
            name=op.f("fk_disputes_tenant_id_payment_id_payments"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_disputes_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_disputes")),
        sa.UniqueConstraint("tenant_id", "account_id", "key", name=op.f("uq_disputes_tenant_id_account_id_key")),
    )
    op.create_index("ix_disputes_customer_id", "disputes", ["tenant_id", "customer_id"], unique=False)
    op.create_index(
        "ix_disputes_due_at",
        "disputes",
        ["tenant_id", "due_at"],
        unique=False,
        postgresql_where=sa.text("state = 'needs_answer'"),
    )
    op.create_index(
        "ix_disputes_opened_at",
        "disputes",
        ["tenant_id", sa.literal_column("opened_at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    op.create_index("ix_disputes_payment_id", "disputes", ["tenant_id", "payment_id"], unique=False)
    op.create_index("ix_disputes_payment_key", "disputes", ["tenant_id", "payment_key"], unique=False)
    for statement in walls.protect("disputes"):
        op.execute(statement)
    op.create_table(
        "payment_refunds",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("payment_key", sa.Text(), nullable=False),
        sa.Column("payment_id", sa.Uuid(), nullable=True),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("refund_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("failure", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('pending', 'succeeded', 'failed', 'cancelled')", name=op.f("ck_payment_refunds_state")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "account_id"],
            ["payment_accounts.tenant_id", "payment_accounts.id"],
            name=op.f("fk_payment_refunds_tenant_id_account_id_payment_accounts"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["customers.tenant_id", "customers.id"],
            name=op.f("fk_payment_refunds_tenant_id_customer_id_customers"),
            ondelete="SET NULL (customer_id)",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "payment_id"],
            ["payments.tenant_id", "payments.id"],
            name=op.f("fk_payment_refunds_tenant_id_payment_id_payments"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "refund_id"],
            ["refunds.tenant_id", "refunds.id"],
            name=op.f("fk_payment_refunds_tenant_id_refund_id_refunds"),
            ondelete="SET NULL (refund_id)",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_payment_refunds_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_payment_refunds")),
        sa.UniqueConstraint("tenant_id", "account_id", "key", name=op.f("uq_payment_refunds_tenant_id_account_id_key")),
    )
    op.create_index("ix_payment_refunds_customer_id", "payment_refunds", ["tenant_id", "customer_id"], unique=False)
    op.create_index("ix_payment_refunds_payment_id", "payment_refunds", ["tenant_id", "payment_id"], unique=False)
    op.create_index("ix_payment_refunds_payment_key", "payment_refunds", ["tenant_id", "payment_key"], unique=False)
    op.create_index("ix_payment_refunds_refund_id", "payment_refunds", ["tenant_id", "refund_id"], unique=False)
    for statement in walls.protect("payment_refunds"):
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
    op.create_table(
        "return_requests",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("lines", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('asked', 'accepted', 'declined', 'received', 'refunded', 'cancelled')",
            name=op.f("ck_return_requests_state"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["customers.tenant_id", "customers.id"],
            name=op.f("fk_return_requests_tenant_id_customer_id_customers"),
            ondelete="SET NULL (customer_id)",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"],
            ["orders.tenant_id", "orders.id"],
            name=op.f("fk_return_requests_tenant_id_order_id_orders"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_return_requests_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_return_requests")),
    )
    op.create_index("ix_return_requests_customer_id", "return_requests", ["tenant_id", "customer_id"], unique=False)
    op.create_index("ix_return_requests_order_id", "return_requests", ["tenant_id", "order_id"], unique=False)
    op.create_index(
        "ix_return_requests_state",
        "return_requests",
        ["tenant_id", "state", sa.literal_column("id DESC")],
        unique=False,
    )
    for statement in walls.protect("return_requests"):
        op.execute(statement)
    op.create_table(
        "removed_orders",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("order_key", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_removed_orders_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_removed_orders")),
        sa.UniqueConstraint(
            "tenant_id", "source_id", "order_key", name=op.f("uq_removed_orders_tenant_id_source_id_order_key")
        ),
    )
    for statement in walls.protect("removed_orders"):
        op.execute(statement)
    op.create_table(
        "fulfilments",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("order_key", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("carrier", sa.Text(), nullable=False),
        sa.Column("tracking_number", sa.Text(), nullable=False),
        sa.Column("tracking_url", sa.Text(), nullable=False),
        sa.Column("lines", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("shipped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("delivered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state IN ('pending', 'sent', 'in_transit', 'delivered', 'failed', 'cancelled')",
            name=op.f("ck_fulfilments_state"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"],
            ["orders.tenant_id", "orders.id"],
            name=op.f("fk_fulfilments_tenant_id_order_id_orders"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_fulfilments_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_fulfilments")),
        sa.UniqueConstraint(
            "tenant_id", "source_id", "order_key", "key", name=op.f("uq_fulfilments_tenant_id_source_id_order_key_key")
        ),
    )
    op.create_index("ix_fulfilments_order_id", "fulfilments", ["tenant_id", "order_id"], unique=False)
    for statement in walls.protect("fulfilments"):
        op.execute(statement)
    op.create_table(
        "order_versions",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"],
            ["orders.tenant_id", "orders.id"],
            name=op.f("fk_order_versions_tenant_id_order_id_orders"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_order_versions_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_order_versions")),
        sa.UniqueConstraint(
            "tenant_id", "order_id", "version", name=op.f("uq_order_versions_tenant_id_order_id_version")
        ),
    )
    for statement in walls.protect("order_versions"):
        op.execute(statement)
    op.create_table(
        "returns",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("order_key", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=True),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("lines", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Text(), nullable=False),
        sa.CheckConstraint(
            "state IN ('requested', 'open', 'closed', 'declined', 'cancelled')", name=op.f("ck_returns_state")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"],
            ["orders.tenant_id", "orders.id"],
            name=op.f("fk_returns_tenant_id_order_id_orders"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_returns_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_returns")),
        sa.UniqueConstraint(
            "tenant_id", "source_id", "order_key", "key", name=op.f("uq_returns_tenant_id_source_id_order_key_key")
        ),
    )
    op.create_index("ix_returns_order_id", "returns", ["tenant_id", "order_id"], unique=False)
    for statement in walls.protect("returns"):
        op.execute(statement)
    op.create_table(
        "shop_alarms",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("topic", sa.Text(), server_default="", nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("noticed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen", sa.Integer(), server_default="0", nullable=False),
        sa.Column("expected", sa.Float(), server_default="0", nullable=False),
        sa.Column("chance", sa.Float(), server_default="0", nullable=False),
        sa.Column("said", sa.Text(), server_default="", nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "shop_id"],
            ["shops.tenant_id", "shops.id"],
            name=op.f("fk_shop_alarms_tenant_id_shop_id_shops"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_shop_alarms_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_shop_alarms")),
    )
    op.create_index(
        "ix_shop_alarms_began_at",
        "shop_alarms",
        ["tenant_id", "shop_id", sa.literal_column("began_at DESC")],
        unique=False,
    )
    op.create_index(
        "uq_shop_alarms_open",
        "shop_alarms",
        ["tenant_id", "shop_id", "kind", "topic"],
        unique=True,
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    for statement in walls.protect("shop_alarms"):
        op.execute(statement)
    op.create_table(
        "shop_comparisons",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deep", sa.Boolean(), nullable=False),
        sa.Column("found", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("gone", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("webhooks", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "shop_id"],
            ["shops.tenant_id", "shops.id"],
            name=op.f("fk_shop_comparisons_tenant_id_shop_id_shops"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_shop_comparisons_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_shop_comparisons")),
    )
    op.create_index(
        "ix_shop_comparisons_began_at",
        "shop_comparisons",
        ["tenant_id", "shop_id", sa.literal_column("began_at DESC")],
        unique=False,
    )
    for statement in walls.protect("shop_comparisons"):
        op.execute(statement)
    op.create_table(
        "shop_hours",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen", sa.Integer(), server_default="0", nullable=False),
        sa.Column("late", sa.Integer(), server_default="0", nullable=False),
        sa.Column("missed", sa.Integer(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "shop_id"],
            ["shops.tenant_id", "shops.id"],
            name=op.f("fk_shop_hours_tenant_id_shop_id_shops"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_shop_hours_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_shop_hours")),
        sa.UniqueConstraint(
            "tenant_id", "shop_id", "topic", "at", name=op.f("uq_shop_hours_tenant_id_shop_id_topic_at")
        ),
    )
    op.create_index("ix_shop_hours_at", "shop_hours", ["tenant_id", "shop_id", "at"], unique=False)
    for statement in walls.protect("shop_hours"):
        op.execute(statement)
    op.create_table(
        "coupons",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("percent_hundredths", sa.Integer(), nullable=False),
        sa.Column("off_amount", sa.BigInteger(), nullable=False),
        sa.Column("least_amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("product_keys", postgresql.ARRAY(Text()), nullable=False),
        sa.Column("categories", postgresql.ARRAY(Text()), nullable=False),
        sa.Column("alone", sa.Boolean(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("days", sa.Integer(), nullable=True),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.Column("per_customer", sa.Integer(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("pool", sa.Integer(), nullable=False),
        sa.Column("at_shop", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("trouble", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("not_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("kind IN ('percent', 'amount', 'shipping')", name=op.f("ck_coupons_kind")),
        sa.CheckConstraint("state IN ('active', 'stopped')", name=op.f("ck_coupons_state")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "shop_id"],
            ["shops.tenant_id", "shops.id"],
            name=op.f("fk_coupons_tenant_id_shop_id_shops"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_coupons_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_coupons")),
    )
    op.create_index("ix_coupons_shop_id", "coupons", ["tenant_id", "shop_id"], unique=False)
    for statement in walls.protect("coupons"):
        op.execute(statement)
    op.create_table(
        "coupon_codes",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("coupon_id", sa.Uuid(), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("norm", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), server_default="", nullable=False),
        sa.Column("reason", sa.Text(), server_default="", nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("ready_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("claimed_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("given_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("given_by", sa.Text(), server_default="", nullable=False),
        sa.Column("given_for", sa.Uuid(), nullable=True),
        sa.Column("given_key", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "given_by IN ('', 'campaign', 'form', 'member', 'program')", name=op.f("ck_coupon_codes_given_by")
        ),
        sa.CheckConstraint(
            "state IN ('waiting', 'ready', 'stopping', 'stopped', 'gone', 'failed')", name=op.f("ck_coupon_codes_state")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "coupon_id"],
            ["coupons.tenant_id", "coupons.id"],
            name=op.f("fk_coupon_codes_tenant_id_coupon_id_coupons"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["customers.tenant_id", "customers.id"],
            name=op.f("fk_coupon_codes_tenant_id_customer_id_customers"),
            ondelete="SET NULL (customer_id)",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_coupon_codes_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_coupon_codes")),
        sa.UniqueConstraint(
            "tenant_id", "coupon_id", "given_key", name=op.f("uq_coupon_codes_tenant_id_coupon_id_given_key")
        ),
        sa.UniqueConstraint("tenant_id", "shop_id", "norm", name=op.f("uq_coupon_codes_tenant_id_shop_id_norm")),
    )
    op.create_index(
        "ix_coupon_codes_customer_id",
        "coupon_codes",
        ["tenant_id", "customer_id"],
        unique=False,
        postgresql_where=sa.text("customer_id IS NOT NULL"),
    )
    op.create_index(
        "ix_coupon_codes_due",
        "coupon_codes",
        ["tenant_id", "coupon_id"],
        unique=False,
        postgresql_where=sa.text("state IN ('waiting', 'stopping')"),
    )
    op.create_index(
        "ix_coupon_codes_free",
        "coupon_codes",
        ["tenant_id", "coupon_id", "id"],
        unique=False,
        postgresql_where=sa.text("given_at IS NULL"),
    )
    op.create_index(
        "ix_coupon_codes_given_for",
        "coupon_codes",
        ["tenant_id", "given_for"],
        unique=False,
        postgresql_where=sa.text("given_for IS NOT NULL"),
    )
    op.create_index("ix_coupon_codes_state", "coupon_codes", ["tenant_id", "coupon_id", "state", "id"], unique=False)
    for statement in walls.protect("coupon_codes"):
        op.execute(statement)
    op.create_table(
        "coupon_uses",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("coupon_id", sa.Uuid(), nullable=False),
        sa.Column("code_id", sa.Uuid(), nullable=False),
        sa.Column("order_id", sa.Uuid(), nullable=False),
        sa.Column("counted", sa.Boolean(), nullable=False),
        sa.Column("discount_amount", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "code_id"],
            ["coupon_codes.tenant_id", "coupon_codes.id"],
            name=op.f("fk_coupon_uses_tenant_id_code_id_coupon_codes"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "coupon_id"],
            ["coupons.tenant_id", "coupons.id"],
            name=op.f("fk_coupon_uses_tenant_id_coupon_id_coupons"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "order_id"],
            ["orders.tenant_id", "orders.id"],
            name=op.f("fk_coupon_uses_tenant_id_order_id_orders"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_coupon_uses_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_coupon_uses")),
        sa.UniqueConstraint("tenant_id", "code_id", "order_id", name=op.f("uq_coupon_uses_tenant_id_code_id_order_id")),
    )
    op.create_index("ix_coupon_uses_coupon_id", "coupon_uses", ["tenant_id", "coupon_id"], unique=False)
    op.create_index("ix_coupon_uses_order_id", "coupon_uses", ["tenant_id", "order_id"], unique=False)
    for statement in walls.protect("coupon_uses"):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("data is not thrown away by going back; restore a backup instead")
