"""The tables of tenancy."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

from saas.kit import walls

revision = "0001"
down_revision = None
branch_labels = depends_on = None


def upgrade() -> None:
    op.create_table(
        "logins",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_norm", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("staff", sa.Boolean(), nullable=False),
        sa.Column("signed_in_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("totp_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("totp_confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("totp_step", sa.BigInteger(), nullable=True),
        sa.Column("recovery_marks", postgresql.ARRAY(Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_logins")),
        sa.UniqueConstraint("email_norm", name=op.f("uq_logins_email_norm")),
    )
    for statement in walls.grant("logins"):
        op.execute(statement)
    op.create_table(
        "platform_acts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("acted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("acted_on", sa.Date(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_platform_acts")),
        sa.UniqueConstraint("acted_on", "actor", "reason", name=op.f("uq_platform_acts_acted_on_actor_reason")),
    )
    for statement in walls.grant("platform_acts"):
        op.execute(statement)
    op.create_table(
        "tenants",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("simulated", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("state IN ('active', 'read_only', 'closed')", name=op.f("ck_tenants_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tenants")),
    )
    for statement in walls.grant("tenants"):
        op.execute(statement)
    op.create_table(
        "ticks",
        sa.Column("task", sa.Text(), nullable=False),
        sa.Column("run_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("task", "run_at", name=op.f("pk_ticks")),
    )
    for statement in walls.grant("ticks"):
        op.execute(statement)
    op.create_table(
        "audit_entries",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("era", sa.BigInteger(), nullable=False),
        sa.Column("xid", sa.BigInteger(), nullable=False),
        sa.Column("acted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("record_kind", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("batch", sa.Uuid(), nullable=True),
        sa.Column("undoes", sa.Uuid(), nullable=True),
        sa.Column("detail", sa.Boolean(), nullable=False),
        sa.Column("door", sa.Text(), nullable=False),
        sa.Column("request_id", sa.Text(), nullable=False),
        sa.Column("values_digest", sa.LargeBinary(), nullable=False),
        sa.Column("who_digest", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_audit_entries_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_audit_entries")),
    )
    op.create_index(
        "ix_audit_entries_action",
        "audit_entries",
        ["tenant_id", "action", "id"],
        unique=False,
        postgresql_where=sa.text("NOT detail"),
    )
    op.create_index(
        "ix_audit_entries_actor",
        "audit_entries",
        ["tenant_id", "actor_id", "id"],
        unique=False,
        postgresql_where=sa.text("NOT detail"),
    )
    op.create_index(
        "ix_audit_entries_batch",
        "audit_entries",
        ["tenant_id", "batch", "id"],
        unique=False,
        postgresql_where=sa.text("batch IS NOT NULL"),
    )
    op.create_index(
        "ix_audit_entries_record", "audit_entries", ["tenant_id", "record_kind", "record_id", "id"], unique=False
    )
    op.create_index("ix_audit_entries_sealing", "audit_entries", ["tenant_id", "era", "xid", "id"], unique=False)
    op.create_index(
        "ix_audit_entries_shown",
        "audit_entries",
        ["tenant_id", "id"],
        unique=False,
        postgresql_where=sa.text("NOT detail"),
    )
    for statement in walls.protect("audit_entries"):
        op.execute(statement)
    op.create_table(
        "audit_heads",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("era", sa.BigInteger(), nullable=False),
        sa.Column("to_xid", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_audit_heads_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_audit_heads")),
        sa.UniqueConstraint("tenant_id", name=op.f("uq_audit_heads_tenant_id")),
    )
    for statement in walls.protect("audit_heads"):
        op.execute(statement)
    op.create_table(
        "audit_seals",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("era", sa.BigInteger(), nullable=False),
        sa.Column("from_xid", sa.BigInteger(), nullable=False),
        sa.Column("to_xid", sa.BigInteger(), nullable=False),
        sa.Column("rows", sa.Integer(), nullable=False),
        sa.Column("witnesses", sa.LargeBinary(), nullable=False),
        sa.Column("previous", sa.LargeBinary(), nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_audit_seals_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_audit_seals")),
        sa.UniqueConstraint("tenant_id", "position", name=op.f("uq_audit_seals_tenant_id_position")),
    )
    op.create_index("ix_audit_seals_era", "audit_seals", ["tenant_id", "era", "to_xid"], unique=False)
    for statement in walls.protect("audit_seals"):
        op.execute(statement)
    op.create_table(
        "audit_undos",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("partly", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_audit_undos_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_audit_undos")),
    )
    for statement in walls.protect("audit_undos"):
        op.execute(statement)
    op.create_table(
        "audit_values",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=True),
        sa.Column("before", postgresql.JSONB(astext_type=Text()), nullable=True),
        sa.Column("after", postgresql.JSONB(astext_type=Text()), nullable=True),
        sa.Column("erased_in", sa.Uuid(), nullable=True),
        sa.Column("who_salt", sa.LargeBinary(), nullable=True),
        sa.Column("who", postgresql.JSONB(astext_type=Text()), nullable=True),
        sa.Column("who_erased_in", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_audit_values_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_audit_values")),
    )
    for statement in walls.protect("audit_values"):
        op.execute(statement)
    op.create_table(
        "bin_items",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_by", sa.Text(), nullable=False),
        sa.Column("deleted_by_id", sa.Text(), nullable=False),
        sa.Column("batch", sa.Uuid(), nullable=True),
        sa.Column("journal", sa.Uuid(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_bin_items_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_bin_items")),
        sa.UniqueConstraint("tenant_id", "kind", "record_id", name=op.f("uq_bin_items_tenant_id_kind_record_id")),
    )
    op.create_index(
        "ix_bin_items_batch",
        "bin_items",
        ["tenant_id", "batch", "id"],
        unique=False,
        postgresql_where=sa.text("batch IS NOT NULL"),
    )
    op.create_index("ix_bin_items_deleted_at", "bin_items", ["tenant_id", "deleted_at", "id"], unique=False)
    op.create_index("ix_bin_items_journal", "bin_items", ["tenant_id", "journal"], unique=False)
    op.create_index("ix_bin_items_until", "bin_items", ["tenant_id", "until", "id"], unique=False)
    for statement in walls.protect("bin_items"):
        op.execute(statement)
    op.create_table(
        "entitlements",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("most", sa.BigInteger(), nullable=True),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_entitlements_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_entitlements")),
        sa.UniqueConstraint("tenant_id", "name", name=op.f("uq_entitlements_tenant_id_name")),
    )
    for statement in walls.protect("entitlements"):
        op.execute(statement)
    op.create_table(
        "key_directory",
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("subject_id", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_key_directory_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("kind", "digest", "tenant_id", name=op.f("pk_key_directory")),
    )
    op.create_index("ix_key_directory_tenant_id_kind", "key_directory", ["tenant_id", "kind"], unique=False)
    for statement in walls.grant("key_directory"):
        op.execute(statement)
    op.create_table(
        "login_sessions",
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("login_id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=True),
        sa.Column("member_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("browser", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("method", sa.Text(), nullable=False),
        sa.Column("second_factor", sa.Boolean(), nullable=False),
        sa.Column("confirmed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("confirmed_by", sa.Text(), nullable=False),
        sa.Column("confined_to", sa.BigInteger(), nullable=True),
        sa.Column("support_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint("stage IN ('full', 'half')", name=op.f("ck_login_sessions_stage")),
        sa.ForeignKeyConstraint(
            ["confined_to"], ["tenants.id"], name=op.f("fk_login_sessions_confined_to_tenants"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["login_id"], ["logins.id"], name=op.f("fk_login_sessions_login_id_logins"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_login_sessions_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_login_sessions")),
    )
    op.create_index(op.f("ix_login_sessions_login_id"), "login_sessions", ["login_id"], unique=False)
    op.create_index(op.f("ix_login_sessions_tenant_id"), "login_sessions", ["tenant_id"], unique=False)
    for statement in walls.grant("login_sessions"):
        op.execute(statement)
    op.create_table(
        "operations",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("params", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("cursor", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("undo_cursor", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("report", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("failed", sa.BigInteger(), nullable=False),
        sa.Column("undone", sa.BigInteger(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("actor_kind", sa.Text(), nullable=False),
        sa.Column("actor_id", sa.Text(), nullable=False),
        sa.Column("actor_name", sa.Text(), nullable=False),
        sa.Column("touched_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undo_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "state IN ('waiting', 'running', 'cancelling', 'undoing', 'done', 'cancelled', 'failed', 'undone')",
            name=op.f("ck_operations_state"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_operations_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_operations")),
    )
    op.create_index(
        "ix_operations_going",
        "operations",
        ["tenant_id", "touched_at"],
        unique=False,
        postgresql_where=sa.text("state IN ('waiting', 'running', 'cancelling', 'undoing')"),
    )
    for statement in walls.protect("operations"):
        op.execute(statement)
    op.create_table(
        "journal_rows",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("journal", sa.Uuid(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("table_name", sa.Text(), nullable=False),
        sa.Column("column_name", sa.Text(), server_default="", nullable=False),
        sa.Column("record_id", sa.Uuid(), nullable=True),
        sa.Column("row", postgresql.JSONB(astext_type=Text()), nullable=True),
        sa.Column("before", sa.Uuid(), nullable=True),
        sa.Column("after", sa.Uuid(), nullable=True),
        sa.Column("ids", postgresql.ARRAY(sa.Uuid()), nullable=True),
        sa.CheckConstraint("act IN ('taken', 'emptied', 'moved')", name=op.f("ck_journal_rows_act")),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_journal_rows_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_journal_rows")),
    )
    op.create_index(
        "ix_journal_rows_journal", "journal_rows", ["tenant_id", "journal", "table_name", "record_id"], unique=False
    )
    op.create_index("ix_journal_rows_record_id", "journal_rows", ["tenant_id", "record_id"], unique=False)
    for statement in walls.protect("journal_rows"):
        op.execute(statement)
    op.create_table(
        "outbox",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("payload", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("announced_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("request_id", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "xact", sa.BigInteger(), server_default=sa.text("(pg_current_xact_id()::text::bigint)"), nullable=False
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_outbox_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_outbox")),
    )
    op.create_index("ix_outbox_xact", "outbox", ["tenant_id", "xact", "id"], unique=False)
    for statement in walls.protect("outbox"):
        op.execute(statement)
    op.create_table(
        "outbox_doorbell",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_outbox_doorbell_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_outbox_doorbell")),
    )
    op.create_index("ix_outbox_doorbell_due_at", "outbox_doorbell", ["due_at"], unique=False)
    op.create_index(
        "ix_outbox_doorbell_in_hands",
        "outbox_doorbell",
        ["tenant_id", "name"],
        unique=False,
        postgresql_where=sa.text("attempts > 0"),
    )
    op.create_index("ix_outbox_doorbell_turns", "outbox_doorbell", ["tenant_id", "name", "due_at"], unique=False)
    for statement in walls.grant("outbox_doorbell"):
        op.execute(statement)
    op.create_table(
        "passkeys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("login_id", sa.Uuid(), nullable=False),
        sa.Column("credential_id", sa.Text(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("transports", postgresql.ARRAY(Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["login_id"], ["logins.id"], name=op.f("fk_passkeys_login_id_logins"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_passkeys")),
        sa.UniqueConstraint("credential_id", name=op.f("uq_passkeys_credential_id")),
    )
    op.create_index(op.f("ix_passkeys_login_id"), "passkeys", ["login_id"], unique=False)
    for statement in walls.grant("passkeys"):
        op.execute(statement)
    op.create_table(
        "reactions_done",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("reaction", sa.Text(), nullable=False),
        sa.Column("done_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_reactions_done_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", "reaction", name=op.f("pk_reactions_done")),
    )
    for statement in walls.protect("reactions_done"):
        op.execute(statement)
    op.create_table(
        "roles",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_norm", sa.Text(), nullable=False),
        sa.Column("permissions", postgresql.ARRAY(Text()), nullable=False),
        sa.Column("rows", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("hidden", postgresql.ARRAY(Text()), nullable=False),
        sa.Column("locked", postgresql.ARRAY(Text()), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_roles_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_roles")),
        sa.UniqueConstraint("tenant_id", "name_norm", name=op.f("uq_roles_tenant_id_name_norm")),
    )
    for statement in walls.protect("roles"):
        op.execute(statement)
    op.create_table(
        "sso_connections",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("client_id", sa.Text(), nullable=False),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("newcomer_role", sa.Text(), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("tested_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_sso_connections_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_sso_connections")),
        sa.UniqueConstraint("tenant_id", name=op.f("uq_sso_connections_tenant_id")),
    )
    for statement in walls.protect("sso_connections"):
        op.execute(statement)
    op.create_table(
        "sso_domains",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.Column("proven_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("proven_by", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_sso_domains_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_sso_domains")),
        sa.UniqueConstraint("tenant_id", "domain", name=op.f("uq_sso_domains_tenant_id_domain")),
    )
    for statement in walls.protect("sso_domains"):
        op.execute(statement)
    op.create_table(
        "sso_identities",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("issuer", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("login_id", sa.Uuid(), nullable=False),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["login_id"], ["logins.id"], name=op.f("fk_sso_identities_login_id_logins"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_sso_identities_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_sso_identities")),
        sa.UniqueConstraint("tenant_id", "issuer", "subject", name=op.f("uq_sso_identities_tenant_id_issuer_subject")),
    )
    for statement in walls.protect("sso_identities"):
        op.execute(statement)
    op.create_table(
        "stored_files",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("content_type", sa.Text(), nullable=False),
        sa.Column("permission", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("sha256", sa.Text(), nullable=False),
        sa.Column("complete", sa.Boolean(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_stored_files_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_stored_files")),
    )
    for statement in walls.protect("stored_files"):
        op.execute(statement)
    op.create_table(
        "teams",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("name_norm", sa.Text(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "parent_id"], ["teams.tenant_id", "teams.id"], name=op.f("fk_teams_tenant_id_parent_id_teams")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_teams_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_teams")),
        sa.UniqueConstraint("tenant_id", "name_norm", name=op.f("uq_teams_tenant_id_name_norm")),
    )
    op.create_index("ix_teams_parent_id", "teams", ["tenant_id", "parent_id"], unique=False)
    for statement in walls.protect("teams"):
        op.execute(statement)
    op.create_table(
        "tenant_settings",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("address", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("languages", postgresql.ARRAY(Text()), nullable=False),
        sa.Column("sender_name", sa.Text(), nullable=False),
        sa.Column("sender_email", sa.Text(), nullable=False),
        sa.Column("reply_to", sa.Text(), nullable=False),
        sa.Column("dkim_domain", sa.Text(), nullable=False),
        sa.Column("dkim_selector", sa.Text(), nullable=False),
        sa.Column("dkim_algorithm", sa.Text(), nullable=False),
        sa.Column("dkim_key_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("dkim_public", sa.Text(), nullable=False),
        sa.Column("dkim_verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("site_key", sa.Text(), nullable=False),
        sa.Column("onboarding", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("second_factor_required", sa.Boolean(), nullable=False),
        sa.Column("second_factor_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("only_sso", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_tenant_settings_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_tenant_settings")),
        sa.UniqueConstraint("tenant_id", name=op.f("uq_tenant_settings_tenant_id")),
    )
    for statement in walls.protect("tenant_settings"):
        op.execute(statement)
    op.create_table(
        "usage_counts",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("period", sa.Text(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_usage_counts_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_usage_counts")),
        sa.UniqueConstraint("tenant_id", "name", "period", name=op.f("uq_usage_counts_tenant_id_name_period")),
    )
    for statement in walls.protect("usage_counts"):
        op.execute(statement)
    op.create_table(
        "bulk_targets",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("operation_id", sa.Uuid(), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("ids", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "operation_id"],
            ["operations.tenant_id", "operations.id"],
            name=op.f("fk_bulk_targets_tenant_id_operation_id_operations"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_bulk_targets_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_bulk_targets")),
        sa.UniqueConstraint(
            "tenant_id", "operation_id", "part", name=op.f("uq_bulk_targets_tenant_id_operation_id_part")
        ),
    )
    for statement in walls.protect("bulk_targets"):
        op.execute(statement)
    op.create_table(
        "file_parts",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("file_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "file_id"],
            ["stored_files.tenant_id", "stored_files.id"],
            name=op.f("fk_file_parts_tenant_id_file_id_stored_files"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_file_parts_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_file_parts")),
        sa.UniqueConstraint("tenant_id", "file_id", "position", name=op.f("uq_file_parts_tenant_id_file_id_position")),
    )
    for statement in walls.protect("file_parts"):
        op.execute(statement)
    op.create_table(
        "members",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("login_id", sa.Uuid(), nullable=True),
        sa.Column("email", sa.Text(), nullable=False),
        sa.Column("email_norm", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("role_id", sa.Uuid(), nullable=True),
        sa.Column("invited_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("joined_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(role = 'custom') = (role_id IS NOT NULL)", name=op.f("ck_members_role_id")),
        sa.CheckConstraint(
            "role IN ('owner', 'admin', 'marketer', 'sales', 'service', 'read_only', 'custom')",
            name=op.f("ck_members_role"),
        ),
        sa.ForeignKeyConstraint(
            ["login_id"], ["logins.id"], name=op.f("fk_members_login_id_logins"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "role_id"], ["roles.tenant_id", "roles.id"], name=op.f("fk_members_tenant_id_role_id_roles")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_members_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_members")),
        sa.UniqueConstraint("tenant_id", "email_norm", name=op.f("uq_members_tenant_id_email_norm")),
        sa.UniqueConstraint("tenant_id", "login_id", name=op.f("uq_members_tenant_id_login_id")),
    )
    for statement in walls.protect("members"):
        op.execute(statement)
    op.create_table(
        "operation_failures",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("operation_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("row", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "operation_id"],
            ["operations.tenant_id", "operations.id"],
            name=op.f("fk_operation_failures_tenant_id_operation_id_operations"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_operation_failures_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_operation_failures")),
    )
    op.create_index(
        "ix_operation_failures_operation_id",
        "operation_failures",
        ["tenant_id", "operation_id", "position"],
        unique=False,
    )
    for statement in walls.protect("operation_failures"):
        op.execute(statement)
    op.create_table(
        "api_keys",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("hint", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("made_by", sa.Uuid(), nullable=True),
        sa.Column("last_used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("role_id", sa.Uuid(), nullable=True),
        sa.Column("scopes", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(role = 'custom') = (role_id IS NOT NULL)", name=op.f("ck_api_keys_role_id")),
        sa.CheckConstraint(
            "role IN ('owner', 'admin', 'marketer', 'sales', 'service', 'read_only', 'custom')",
            name=op.f("ck_api_keys_role"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "made_by"],
            ["members.tenant_id", "members.id"],
            name=op.f("fk_api_keys_tenant_id_made_by_members"),
            ondelete="SET NULL (made_by)",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "role_id"], ["roles.tenant_id", "roles.id"], name=op.f("fk_api_keys_tenant_id_role_id_roles")
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_api_keys_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_api_keys")),
    )
    for statement in walls.protect("api_keys"):
        op.execute(statement)
    op.create_table(
        "support_grants",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("granted_by", sa.Uuid(), nullable=True),
        sa.Column("granted_by_name", sa.Text(), nullable=False),
        sa.Column("may_edit", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("withdrawn_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "granted_by"],
            ["members.tenant_id", "members.id"],
            name=op.f("fk_support_grants_tenant_id_granted_by_members"),
            ondelete="SET NULL (granted_by)",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_support_grants_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_support_grants")),
    )
    for statement in walls.protect("support_grants"):
        op.execute(statement)
    op.create_table(
        "team_members",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("team_id", sa.Uuid(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=False),
        sa.Column("manages", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "member_id"],
            ["members.tenant_id", "members.id"],
            name=op.f("fk_team_members_tenant_id_member_id_members"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "team_id"],
            ["teams.tenant_id", "teams.id"],
            name=op.f("fk_team_members_tenant_id_team_id_teams"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_team_members_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_team_members")),
        sa.UniqueConstraint(
            "tenant_id", "team_id", "member_id", name=op.f("uq_team_members_tenant_id_team_id_member_id")
        ),
    )
    op.create_index("ix_team_members_member_id", "team_members", ["tenant_id", "member_id"], unique=False)
    op.create_index(
        "uq_team_members_manager",
        "team_members",
        ["tenant_id", "team_id"],
        unique=True,
        postgresql_where=sa.text("manages"),
    )
    for statement in walls.protect("team_members"):
        op.execute(statement)
    op.create_table(
        "custom_fields",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("help", sa.Text(), nullable=False),
        sa.Column("required", sa.Boolean(), nullable=False),
        sa.Column("unique", sa.Boolean(), nullable=False),
        sa.Column("personal", sa.Boolean(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("choices", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("formula", sa.Text(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_custom_fields_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_custom_fields")),
        sa.UniqueConstraint("tenant_id", "kind", "key", name=op.f("uq_custom_fields_tenant_id_kind_key")),
    )
    for statement in walls.protect("custom_fields"):
        op.execute(statement)
    op.create_table(
        "saved_views",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=True),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("team_id", sa.Uuid(), nullable=True),
        sa.Column("content", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("audience IN ('mine', 'team', 'everyone')", name=op.f("ck_saved_views_audience")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "member_id"],
            ["members.tenant_id", "members.id"],
            name=op.f("fk_saved_views_tenant_id_member_id_members"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_saved_views_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_saved_views")),
    )
    op.create_index("ix_saved_views_kind", "saved_views", ["tenant_id", "kind", "place"], unique=False)
    for statement in walls.protect("saved_views"):
        op.execute(statement)
    op.create_table(
        "default_views",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("member_id", sa.Uuid(), nullable=True),
        sa.Column("view_id", sa.Uuid(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "member_id"],
            ["members.tenant_id", "members.id"],
            name=op.f("fk_default_views_tenant_id_member_id_members"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "view_id"],
            ["saved_views.tenant_id", "saved_views.id"],
            name=op.f("fk_default_views_tenant_id_view_id_saved_views"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_default_views_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_default_views")),
        sa.UniqueConstraint(
            "tenant_id",
            "kind",
            "member_id",
            name=op.f("uq_default_views_tenant_id_kind_member_id"),
            postgresql_nulls_not_distinct=True,
        ),
    )
    for statement in walls.protect("default_views"):
        op.execute(statement)
    op.create_table(
        "api_requests",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key_id", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("headers", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_api_requests_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_api_requests")),
        sa.UniqueConstraint("tenant_id", "key_id", "name", name=op.f("uq_api_requests_tenant_id_key_id_name")),
    )
    op.create_index("ix_api_requests_asked_at", "api_requests", ["asked_at"], unique=False)
    for statement in walls.protect("api_requests"):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("data is not thrown away by going back; restore a backup instead")
