"""The tables of search, and the function that looks into them behind row-level security."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from saas.kit import roles, walls
from saas.kit.search.ddl import ddl

revision = "0002"
down_revision = "0001"
branch_labels = depends_on = None


def upgrade() -> None:
    op.create_table(
        "search_records",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("subtitle", sa.Text(), nullable=False),
        sa.Column("words", sa.Text(), nullable=False),
        sa.Column("parts", sa.Text(), nullable=False),
        sa.Column("terms", postgresql.TSVECTOR(), nullable=False),
        _tenant("search_records"),
        sa.PrimaryKeyConstraint("tenant_id", "id", "kind", name=op.f("pk_search_records")),
    )
    op.create_index("ix_search_records_terms", "search_records", ["terms"], postgresql_using="gin")
    op.create_index(
        "ix_search_records_parts",
        "search_records",
        ["tenant_id", "parts"],
        postgresql_using="gin",
        postgresql_ops={"parts": "gin_trgm_ops"},
    )
    op.create_table(
        "search_changes",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=True),
        sa.Column("changed_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        _tenant("search_changes"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_search_changes")),
    )
    op.create_table(
        "search_places",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("engine", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("built_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("engine IN ('whoosh', 'postgres')", name=op.f("ck_search_places_engine")),
        _tenant("search_places"),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_search_places")),
        sa.UniqueConstraint("tenant_id", name=op.f("uq_search_places_tenant_id")),
    )
    for table in ("search_records", "search_changes", "search_places"):
        for statement in walls.protect(table):
            op.execute(statement)
    for statement in ddl(application=walls.application_role(), platform=walls.platform_role(), limited=roles.LIMITED):
        op.execute(statement)


def _tenant(table: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_tenant_id_tenants")
    return sa.ForeignKeyConstraint(["tenant_id"], ["tenants.id"], name=name, ondelete="CASCADE")


def downgrade() -> None:
    raise NotImplementedError("data is not thrown away by going back; restore a backup instead")
