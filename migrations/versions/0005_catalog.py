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
        sa.Column("price_micros", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("categories", postgresql.ARRAY(Text()), nullable=False),
        sa.Column("tags", postgresql.ARRAY(Text()), nullable=False),
        sa.Column("stock", sa.Integer(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("custom", postgresql.JSONB(astext_type=Text()), server_default="{}", nullable=False),
        sa.Column("versions", postgresql.JSONB(astext_type=Text()), server_default="{}", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_products_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_products")),
        sa.UniqueConstraint(
            "tenant_id", "source_id", "external_id", name=op.f("uq_products_tenant_id_source_id_external_id")
        ),
    )
    op.create_index("ix_products_external_id", "products", ["tenant_id", "external_id"], unique=False)
    op.create_index("ix_products_name_sort", "products", ["tenant_id", "name_sort", "id"], unique=False)
    op.create_index("ix_products_sku", "products", ["tenant_id", "sku"], unique=False)
    for statement in walls.protect("products"):
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


def downgrade() -> None:
    raise NotImplementedError("data is not thrown away by going back; restore a backup instead")
