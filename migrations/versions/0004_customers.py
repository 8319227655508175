"""The tables of customers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

from saas.kit import walls

revision = "0004"
down_revision = "0003"
branch_labels = depends_on = None


def upgrade() -> None:
    op.create_table(
        "customers",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("external_id", sa.Text(), nullable=True),
        sa.Column("email", sa.Text(), nullable=True),
        sa.Column("email_norm", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=False),
        sa.Column("phone_norm", sa.Text(), nullable=False),
        sa.Column("first_name", sa.Text(), nullable=False),
        sa.Column("last_name", sa.Text(), nullable=False),
        sa.Column("name_sort", sa.Text(), nullable=False),
        sa.Column("company", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("city", sa.Text(), nullable=False),
        sa.Column("postcode", sa.Text(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("tags", postgresql.ARRAY(Text()), nullable=False),
        sa.Column("email_consent", sa.Text(), nullable=False),
        sa.Column("owner_id", sa.Uuid(), nullable=True),
        sa.Column("custom", postgresql.JSONB(astext_type=Text()), server_default="{}", nullable=False),
        sa.Column("versions", postgresql.JSONB(astext_type=Text()), server_default="{}", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "email_consent IN ('unknown', 'granted', 'withdrawn')", name=op.f("ck_customers_email_consent")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "owner_id"],
            ["members.tenant_id", "members.id"],
            name=op.f("fk_customers_tenant_id_owner_id_members"),
            ondelete="SET NULL (owner_id)",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_customers_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_customers")),
        sa.UniqueConstraint("tenant_id", "email_norm", name=op.f("uq_customers_tenant_id_email_norm")),
    )
    op.create_index("ix_customers_country", "customers", ["tenant_id", "country"], unique=False)
    op.create_index("ix_customers_created_at", "customers", ["tenant_id", "created_at", "id"], unique=False)
    op.create_index("ix_customers_name_sort", "customers", ["tenant_id", "name_sort", "id"], unique=False)
    op.create_index("ix_customers_owner_id", "customers", ["tenant_id", "owner_id", "created_at", "id"], unique=False)
    op.create_index("ix_customers_phone_norm", "customers", ["tenant_id", "phone_norm"], unique=False)
    for statement in walls.protect("customers"):
        op.execute(statement)
    op.create_table(
        "consents",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), server_default="marketing", nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("proof", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("came_by", postgresql.ARRAY(sa.Uuid()), server_default="{}", nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["customers.tenant_id", "customers.id"],
            name=op.f("fk_consents_tenant_id_customer_id_customers"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_consents_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_consents")),
    )
    op.create_index("ix_consents_customer_id", "consents", ["tenant_id", "customer_id", "channel", "id"], unique=False)
    op.create_index(
        "ix_consents_purpose", "consents", ["tenant_id", "channel", "purpose", "customer_id", "at"], unique=False
    )
    for statement in walls.protect("consents"):
        op.execute(statement)
    op.create_table(
        "customer_facts",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("currency", sa.Text(), server_default="", nullable=False),
        sa.Column("orders_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("items_count", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("spent_amount", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("refunded_amount", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("first_order_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_order_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("visits_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("views_count", sa.Integer(), server_default="0", nullable=False),
        sa.Column("first_visit_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_visit_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cart_amount", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("cart_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("mails_sent", sa.Integer(), server_default="0", nullable=False),
        sa.Column("mails_opened", sa.Integer(), server_default="0", nullable=False),
        sa.Column("mails_clicked", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_mail_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_open_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_click_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "id"],
            ["customers.tenant_id", "customers.id"],
            name=op.f("fk_customer_facts_tenant_id_id_customers"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_customer_facts_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_customer_facts")),
    )
    op.create_index(
        "ix_customer_facts_last_order_at", "customer_facts", ["tenant_id", "last_order_at", "id"], unique=False
    )
    op.create_index(
        "ix_customer_facts_last_visit_at", "customer_facts", ["tenant_id", "last_visit_at", "id"], unique=False
    )
    op.create_index(
        "ix_customer_facts_orders_count", "customer_facts", ["tenant_id", "orders_count", "id"], unique=False
    )
    op.create_index(
        "ix_customer_facts_spent_amount", "customer_facts", ["tenant_id", "spent_amount", "id"], unique=False
    )
    for statement in walls.protect("customer_facts"):
        op.execute(statement)
    op.create_table(
        "customer_identities",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("proven", sa.Boolean(), nullable=False),
        sa.Column("origin_id", sa.Uuid(), nullable=True),
        sa.Column("way", sa.Text(), server_default="", nullable=False),
        sa.Column("made_by", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("parting_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "kind IN ('email', 'phone', 'external', 'visitor')", name=op.f("ck_customer_identities_kind")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["customers.tenant_id", "customers.id"],
            name=op.f("fk_customer_identities_tenant_id_customer_id_customers"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_customer_identities_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_customer_identities")),
        sa.UniqueConstraint(
            "tenant_id",
            "kind",
            "source_id",
            "value",
            name=op.f("uq_customer_identities_tenant_id_kind_source_id_value"),
        ),
    )
    op.create_index(
        "ix_customer_identities_customer_id", "customer_identities", ["tenant_id", "customer_id"], unique=False
    )
    for statement in walls.protect("customer_identities"):
        op.execute(statement)
    op.create_table(
        "customer_shares",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=True),
        sa.Column("team_id", sa.Uuid(), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("shared_by", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(member_id IS NULL) <> (team_id IS NULL)", name=op.f("ck_customer_shares_with_one")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["customers.tenant_id", "customers.id"],
            name=op.f("fk_customer_shares_tenant_id_customer_id_customers"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "member_id"],
            ["members.tenant_id", "members.id"],
            name=op.f("fk_customer_shares_tenant_id_member_id_members"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "shared_by"],
            ["members.tenant_id", "members.id"],
            name=op.f("fk_customer_shares_tenant_id_shared_by_members"),
            ondelete="SET NULL (shared_by)",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "team_id"],
            ["teams.tenant_id", "teams.id"],
            name=op.f("fk_customer_shares_tenant_id_team_id_teams"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_customer_shares_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_customer_shares")),
        sa.UniqueConstraint(
            "tenant_id",
            "customer_id",
            "member_id",
            "team_id",
            name=op.f("uq_customer_shares_tenant_id_customer_id_member_id_team_id"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    op.create_index("ix_customer_shares_member_id", "customer_shares", ["tenant_id", "member_id"], unique=False)
    op.create_index("ix_customer_shares_team_id", "customer_shares", ["tenant_id", "team_id"], unique=False)
    for statement in walls.protect("customer_shares"):
        op.execute(statement)
    op.create_table(
        "customer_values",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("field_id", sa.Uuid(), nullable=False),
        sa.Column("place", sa.SmallInteger(), nullable=False),
        sa.Column("word", sa.Text(), nullable=True),
        sa.Column("number", sa.BigInteger(), nullable=True),
        sa.Column("sole", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "id"],
            ["customers.tenant_id", "customers.id"],
            name=op.f("fk_customer_values_tenant_id_id_customers"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_customer_values_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", "field_id", "place", name=op.f("pk_customer_values")),
        sa.UniqueConstraint("tenant_id", "field_id", "sole", name=op.f("uq_customer_values_tenant_id_field_id_sole")),
    )
    op.create_index(
        "ix_customer_values_number",
        "customer_values",
        ["tenant_id", "field_id", "number", "id"],
        unique=False,
        postgresql_where=sa.text("number IS NOT NULL"),
    )
    op.create_index(
        "ix_customer_values_word",
        "customer_values",
        ["tenant_id", "field_id", "word", "id"],
        unique=False,
        postgresql_where=sa.text("word IS NOT NULL"),
    )
    for statement in walls.protect("customer_values"):
        op.execute(statement)
    op.create_table(
        "timeline_entries",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("link", sa.Text(), nullable=False),
        sa.Column("details", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["customers.tenant_id", "customers.id"],
            name=op.f("fk_timeline_entries_tenant_id_customer_id_customers"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_timeline_entries_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_timeline_entries")),
    )
    op.create_index(
        "ix_timeline_entries_customer_id",
        "timeline_entries",
        ["tenant_id", "customer_id", sa.literal_column("at DESC"), sa.literal_column("id DESC")],
        unique=False,
    )
    for statement in walls.protect("timeline_entries"):
        op.execute(statement)
    op.create_table(
        "customer_keys",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "id"],
            ["customers.tenant_id", "customers.id"],
            name=op.f("fk_customer_keys_tenant_id_id_customers"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_customer_keys_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", "key", name=op.f("pk_customer_keys")),
    )
    op.create_index("ix_customer_keys_key", "customer_keys", ["tenant_id", "key", "id"], unique=False)
    for statement in walls.protect("customer_keys"):
        op.execute(statement)
    op.create_table(
        "customer_merges",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("winner_id", sa.Uuid(), nullable=False),
        sa.Column("loser_id", sa.Uuid(), nullable=False),
        sa.Column("loser_name", sa.Text(), nullable=False),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("batch", sa.Uuid(), nullable=True),
        sa.Column("fields", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("tags", postgresql.ARRAY(Text()), nullable=False),
        sa.Column("consent_ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("carried", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("moved", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_by", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_customer_merges_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_customer_merges")),
    )
    op.create_index(
        "ix_customer_merges_batch",
        "customer_merges",
        ["tenant_id", "batch"],
        unique=False,
        postgresql_where=sa.text("batch IS NOT NULL"),
    )
    op.create_index("ix_customer_merges_winner_id", "customer_merges", ["tenant_id", "winner_id"], unique=False)
    op.create_index(
        "uq_customer_merges_loser_id",
        "customer_merges",
        ["tenant_id", "loser_id"],
        unique=True,
        postgresql_where=sa.text("undone_at IS NULL"),
    )
    for statement in walls.protect("customer_merges"):
        op.execute(statement)
    op.create_table(
        "duplicate_pairs",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("one_id", sa.Uuid(), nullable=False),
        sa.Column("other_id", sa.Uuid(), nullable=False),
        sa.Column("score", sa.Integer(), nullable=False),
        sa.Column("evidence", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.CheckConstraint("state IN ('open', 'skipped', 'different')", name=op.f("ck_duplicate_pairs_state")),
        sa.CheckConstraint("one_id < other_id", name=op.f("ck_duplicate_pairs_ordered")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "one_id"],
            ["customers.tenant_id", "customers.id"],
            name=op.f("fk_duplicate_pairs_tenant_id_one_id_customers"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "other_id"],
            ["customers.tenant_id", "customers.id"],
            name=op.f("fk_duplicate_pairs_tenant_id_other_id_customers"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_duplicate_pairs_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_duplicate_pairs")),
        sa.UniqueConstraint(
            "tenant_id", "one_id", "other_id", name=op.f("uq_duplicate_pairs_tenant_id_one_id_other_id")
        ),
    )
    op.create_index("ix_duplicate_pairs_other_id", "duplicate_pairs", ["tenant_id", "other_id"], unique=False)
    op.create_index(
        "ix_duplicate_pairs_score",
        "duplicate_pairs",
        ["tenant_id", "state", sa.literal_column("score DESC"), "id"],
        unique=False,
    )
    for statement in walls.protect("duplicate_pairs"):
        op.execute(statement)
    op.create_table(
        "erased_addresses",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("erasure_id", sa.Uuid(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_erased_addresses_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_erased_addresses")),
        sa.UniqueConstraint("tenant_id", "digest", name=op.f("uq_erased_addresses_tenant_id_digest")),
    )
    for statement in walls.protect("erased_addresses"):
        op.execute(statement)
    op.create_table(
        "erasures",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("erased_by", sa.Text(), nullable=False),
        sa.Column("people", sa.Integer(), server_default="1", nullable=False),
        sa.Column("counts", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("told", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_erasures_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_erasures")),
    )
    for statement in walls.protect("erasures"):
        op.execute(statement)
    op.create_table(
        "consent_purposes",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("wording", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("channels", postgresql.ARRAY(Text()), nullable=False),
        sa.Column("double_opt_in", sa.Boolean(), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_consent_purposes_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_consent_purposes")),
        sa.UniqueConstraint("tenant_id", "key", name=op.f("uq_consent_purposes_tenant_id_key")),
    )
    for statement in walls.protect("consent_purposes"):
        op.execute(statement)
    op.create_table(
        "consent_requests",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("wording", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("proof", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mailed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["customers.tenant_id", "customers.id"],
            name=op.f("fk_consent_requests_tenant_id_customer_id_customers"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_consent_requests_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_consent_requests")),
    )
    op.create_index(
        "ix_consent_requests_customer_id", "consent_requests", ["tenant_id", "customer_id", "asked_at"], unique=False
    )
    for statement in walls.protect("consent_requests"):
        op.execute(statement)
    op.create_table(
        "erased_people",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("erasure_id", sa.Uuid(), nullable=False),
        sa.Column("customer", sa.Uuid(), nullable=False),
        sa.Column("erased_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "erasure_id"],
            ["erasures.tenant_id", "erasures.id"],
            name=op.f("fk_erased_people_tenant_id_erasure_id_erasures"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_erased_people_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_erased_people")),
    )
    op.create_index("ix_erased_people_erasure_id", "erased_people", ["tenant_id", "erasure_id"], unique=False)
    for statement in walls.protect("erased_people"):
        op.execute(statement)
    op.create_table(
        "portal_settings",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("color", sa.Text(), nullable=False),
        sa.Column("logo_url", sa.Text(), nullable=False),
        sa.Column("welcome", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("editable", postgresql.ARRAY(Text()), nullable=False),
        sa.Column("birthday_field", sa.Text(), nullable=False),
        sa.Column("return_days", sa.Integer(), nullable=False),
        sa.Column("return_words", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("topics", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("return_days BETWEEN 0 AND 730", name=op.f("ck_portal_settings_return_days")),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_portal_settings_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_portal_settings")),
        sa.UniqueConstraint("tenant_id", name=op.f("uq_portal_settings_tenant_id")),
    )
    for statement in walls.protect("portal_settings"):
        op.execute(statement)
    op.create_table(
        "mail_wishes",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), server_default="", nullable=False),
        sa.Column("value", sa.Text(), server_default="", nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("proof", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.CheckConstraint("kind IN ('rhythm', 'pause')", name=op.f("ck_mail_wishes_kind")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["customers.tenant_id", "customers.id"],
            name=op.f("fk_mail_wishes_tenant_id_customer_id_customers"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_mail_wishes_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_mail_wishes")),
    )
    op.create_index(
        "ix_mail_wishes_customer_id", "mail_wishes", ["tenant_id", "customer_id", "kind", "purpose", "at"], unique=False
    )
    for statement in walls.protect("mail_wishes"):
        op.execute(statement)
    op.create_table(
        "person_requests",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("what", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("operation_id", sa.Uuid(), nullable=True),
        sa.Column("file_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("what IN ('data', 'erasure')", name=op.f("ck_person_requests_what")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["customers.tenant_id", "customers.id"],
            name=op.f("fk_person_requests_tenant_id_customer_id_customers"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "operation_id"],
            ["operations.tenant_id", "operations.id"],
            name=op.f("fk_person_requests_tenant_id_operation_id_operations"),
            ondelete="SET NULL (operation_id)",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_person_requests_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_person_requests")),
    )
    op.create_index("ix_person_requests_customer_id", "person_requests", ["tenant_id", "customer_id"], unique=False)
    op.create_index("ix_person_requests_operation_id", "person_requests", ["tenant_id", "operation_id"], unique=False)
    for statement in walls.protect("person_requests"):
        op.execute(statement)
    op.create_table(
        "portal_passes",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("email_norm", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("mailed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("session", sa.Text(), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("browser", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["customers.tenant_id", "customers.id"],
            name=op.f("fk_portal_passes_tenant_id_customer_id_customers"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_portal_passes_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_portal_passes")),
        sa.UniqueConstraint("tenant_id", "session", name=op.f("uq_portal_passes_tenant_id_session")),
    )
    op.create_index("ix_portal_passes_asked_at", "portal_passes", ["tenant_id", "asked_at"], unique=False)
    op.create_index("ix_portal_passes_customer_id", "portal_passes", ["tenant_id", "customer_id"], unique=False)
    for statement in walls.protect("portal_passes"):
        op.execute(statement)
    op.create_table(
        "customer_joins",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("self_id", sa.Uuid(), nullable=False),
        sa.Column("visitor", sa.Text(), nullable=False),
        sa.Column("way", sa.Text(), nullable=False),
        sa.Column("proven", sa.Boolean(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("shop_id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.Text(), server_default="", nullable=False),
        sa.Column("ref", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), server_default="", nullable=False),
        sa.Column("parting_id", sa.Uuid(), nullable=True),
        sa.Column("name_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "way IN ('signature', 'mail_link', 'claim', 'form', 'order', 'checkout', 'member', 'program')",
            name=op.f("ck_customer_joins_way"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["customers.tenant_id", "customers.id"],
            name=op.f("fk_customer_joins_tenant_id_customer_id_customers"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_customer_joins_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_customer_joins")),
        sa.UniqueConstraint(
            "tenant_id", "visitor", "way", "ref", name=op.f("uq_customer_joins_tenant_id_visitor_way_ref")
        ),
    )
    op.create_index("ix_customer_joins_customer_id", "customer_joins", ["tenant_id", "customer_id"], unique=False)
    op.create_index("ix_customer_joins_self_id", "customer_joins", ["tenant_id", "self_id"], unique=False)
    for statement in walls.protect("customer_joins"):
        op.execute(statement)
    op.create_table(
        "customer_partings",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("self_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("made_by", sa.Text(), server_default="", nullable=False),
        sa.Column("moved", postgresql.JSONB(astext_type=Text()), server_default="{}", nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_by", sa.Text(), server_default="", nullable=False),
        sa.Column("to_id", sa.Uuid(), nullable=True),
        sa.Column("made", sa.Boolean(), server_default="false", nullable=False),
        sa.CheckConstraint("kind IN ('email', 'phone', 'external', 'visitor')", name=op.f("ck_customer_partings_kind")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["customers.tenant_id", "customers.id"],
            name=op.f("fk_customer_partings_tenant_id_customer_id_customers"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_customer_partings_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_customer_partings")),
    )
    op.create_index("ix_customer_partings_customer_id", "customer_partings", ["tenant_id", "customer_id"], unique=False)
    op.create_index("ix_customer_partings_value", "customer_partings", ["tenant_id", "value"], unique=False)
    for statement in walls.protect("customer_partings"):
        op.execute(statement)
    op.create_table(
        "visitor_parts",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("self_id", sa.Uuid(), nullable=False),
        sa.Column("visitor", sa.Text(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("proven", sa.Boolean(), nullable=False),
        sa.Column("since_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("until_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["customers.tenant_id", "customers.id"],
            name=op.f("fk_visitor_parts_tenant_id_customer_id_customers"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_visitor_parts_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_visitor_parts")),
        sa.UniqueConstraint("tenant_id", "visitor", "place", name=op.f("uq_visitor_parts_tenant_id_visitor_place")),
    )
    op.create_index("ix_visitor_parts_customer_id", "visitor_parts", ["tenant_id", "customer_id"], unique=False)
    for statement in walls.protect("visitor_parts"):
        op.execute(statement)
    op.create_table(
        "customer_voices",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("names", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("said", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["customers.tenant_id", "customers.id"],
            name=op.f("fk_customer_voices_tenant_id_customer_id_customers"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_customer_voices_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_customer_voices")),
        sa.UniqueConstraint(
            "tenant_id", "customer_id", "names", name=op.f("uq_customer_voices_tenant_id_customer_id_names")
        ),
    )
    for statement in walls.protect("customer_voices"):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("data is not thrown away by going back; restore a backup instead")
