"""The tables of catalog."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

from saas.kit import walls

revision = "0005"
down_revision = "0004"
branch_labels = depends_on = None


def upgrade() -> None:
    op.create_table(
        "pictures",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("width", sa.SmallInteger(), nullable=False),
        sa.Column("height", sa.SmallInteger(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_pictures_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_pictures")),
        sa.UniqueConstraint("tenant_id", "digest", name=op.f("uq_pictures_tenant_id_digest")),
    )
    for statement in walls.protect("pictures"):
        op.execute(statement)
    op.create_table(
        "products",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_sort", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("image_url", sa.Text(), nullable=False),
        sa.Column("images", postgresql.JSONB(astext_type=Text()), server_default="[]", nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), server_default="simple", nullable=False),
        sa.Column("brand", sa.Text(), server_default="", nullable=False),
        sa.Column("rating_hundredths", sa.SmallInteger(), nullable=True),
        sa.Column("categories", postgresql.ARRAY(Text()), nullable=False),
        sa.Column("tags", postgresql.ARRAY(Text()), nullable=False),
        sa.Column("cross_sell_keys", postgresql.ARRAY(Text()), server_default="{}", nullable=False),
        sa.Column("up_sell_keys", postgresql.ARRAY(Text()), server_default="{}", nullable=False),
        sa.Column("grouped_keys", postgresql.ARRAY(Text()), server_default="{}", nullable=False),
        sa.Column("stock", sa.Integer(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("fetch_due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("picture_digest", sa.Text(), server_default="", nullable=False),
        sa.Column("custom", postgresql.JSONB(astext_type=Text()), server_default="{}", nullable=False),
        sa.Column("versions", postgresql.JSONB(astext_type=Text()), server_default="{}", nullable=False),
        sa.Column("price_micros", sa.BigInteger(), nullable=True),
        sa.Column("regular_price_micros", sa.BigInteger(), nullable=True),
        sa.Column("sale_price_micros", sa.BigInteger(), nullable=True),
        sa.Column("sale_from_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sale_to_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cost_micros", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "kind IN ('simple', 'variable', 'grouped', 'external', 'gift', 'other')", name=op.f("ck_products_kind")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_products_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_products")),
        sa.UniqueConstraint(
            "tenant_id", "source_id", "external_id", name=op.f("uq_products_tenant_id_source_id_external_id")
        ),
    )
    op.create_index("ix_products_external_id", "products", ["tenant_id", "external_id"], unique=False)
    op.create_index(
        "ix_products_fetch_due_at",
        "products",
        ["fetch_due_at"],
        unique=False,
        postgresql_where=sa.text("fetch_due_at IS NOT NULL"),
    )
    op.create_index("ix_products_name_sort", "products", ["tenant_id", "name_sort", "id"], unique=False)
    op.create_index("ix_products_sku", "products", ["tenant_id", "sku"], unique=False)
    for statement in walls.protect("products"):
        op.execute(statement)
    op.create_table(
        "product_pictures",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("trouble", sa.Text(), nullable=False),
        sa.Column("tries", sa.SmallInteger(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "id"],
            ["products.tenant_id", "products.id"],
            name=op.f("fk_product_pictures_tenant_id_id_products"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_product_pictures_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_product_pictures")),
    )
    op.create_index("ix_product_pictures_digest", "product_pictures", ["tenant_id", "digest"], unique=False)
    op.create_index(
        "ix_product_pictures_due_at",
        "product_pictures",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    for statement in walls.protect("product_pictures"):
        op.execute(statement)
    op.create_table(
        "product_values",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("field_id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.SmallInteger(), nullable=False),
        sa.Column("word", sa.Text(), nullable=True),
        sa.Column("number", sa.BigInteger(), nullable=True),
        sa.Column("sole", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "id"],
            ["products.tenant_id", "products.id"],
            name=op.f("fk_product_values_tenant_id_id_products"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_product_values_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", "field_id", "place", name=op.f("pk_product_values")),
        sa.UniqueConstraint("tenant_id", "field_id", "sole", name=op.f("uq_product_values_tenant_id_field_id_sole")),
    )
    op.create_index(
        "ix_product_values_number",
        "product_values",
        ["tenant_id", "field_id", "number", "id"],
        unique=False,
        postgresql_where=sa.text("number IS NOT NULL"),
    )
    op.create_index(
        "ix_product_values_word",
        "product_values",
        ["tenant_id", "field_id", "word", "id"],
        unique=False,
        postgresql_where=sa.text("word IS NOT NULL"),
    )
    for statement in walls.protect("product_values"):
        op.execute(statement)
    op.create_table(
        "product_variants",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=False),
        sa.Column("sku", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("options", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("stock", sa.Integer(), nullable=True),
        sa.Column("stock_state", sa.Text(), nullable=False),
        sa.Column("stock_key", sa.Text(), nullable=False),
        sa.Column("image_url", sa.Text(), nullable=False),
        sa.Column("barcode", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("gone", sa.Boolean(), nullable=False),
        sa.Column("versions", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("price_micros", sa.BigInteger(), nullable=True),
        sa.Column("regular_price_micros", sa.BigInteger(), nullable=True),
        sa.Column("sale_price_micros", sa.BigInteger(), nullable=True),
        sa.Column("sale_from_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("sale_to_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cost_micros", sa.BigInteger(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "stock_state IN ('', 'in_stock', 'out_of_stock', 'on_backorder')",
            name=op.f("ck_product_variants_stock_state"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "product_id"],
            ["products.tenant_id", "products.id"],
            name=op.f("fk_product_variants_tenant_id_product_id_products"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_product_variants_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_product_variants")),
        sa.UniqueConstraint(
            "tenant_id", "product_id", "external_id", name=op.f("uq_product_variants_tenant_id_product_id_external_id")
        ),
    )
    op.create_index("ix_product_variants_external_id", "product_variants", ["tenant_id", "external_id"], unique=False)
    op.create_index("ix_product_variants_sku", "product_variants", ["tenant_id", "sku"], unique=False)
    op.create_index(
        "ix_product_variants_stock_key",
        "product_variants",
        ["tenant_id", "stock_key"],
        unique=False,
        postgresql_where=sa.text("stock_key <> ''"),
    )
    for statement in walls.protect("product_variants"):
        op.execute(statement)
    op.create_table(
        "product_prices",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("variant_id", sa.Uuid(), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("old_micros", sa.BigInteger(), nullable=True),
        sa.Column("new_micros", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "product_id"],
            ["products.tenant_id", "products.id"],
            name=op.f("fk_product_prices_tenant_id_product_id_products"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "variant_id"],
            ["product_variants.tenant_id", "product_variants.id"],
            name=op.f("fk_product_prices_tenant_id_variant_id_product_variants"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_product_prices_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_product_prices")),
    )
    op.create_index("ix_product_prices_product_id", "product_prices", ["tenant_id", "product_id", "at"], unique=False)
    for statement in walls.protect("product_prices"):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("data is not thrown away by going back; restore a backup instead")
