"""Trials of forms, and in which of them something was sent."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

from saas.kit import walls

revision = "0016"
down_revision = "0014"
branch_labels = depends_on = None


def upgrade() -> None:
    op.add_column("form_submissions", sa.Column("trial_id", sa.Uuid(), nullable=True))
    op.add_column("form_submissions", sa.Column("arm", sa.Text(), nullable=True))
    op.create_table(
        "form_trials",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("form_id", sa.Uuid(), nullable=False),
        sa.Column("goal", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("arms", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("worth_percent", sa.Integer(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("taken_arm", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("goal IN ('sent', 'confirmed', 'bought')", name=op.f("ck_form_trials_goal")),
        sa.CheckConstraint("state IN ('draft', 'running', 'stopped')", name=op.f("ck_form_trials_state")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "form_id"],
            ["forms.tenant_id", "forms.id"],
            name=op.f("fk_form_trials_tenant_id_form_id_forms"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_form_trials_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_form_trials")),
    )
    op.create_index("ix_form_trials_form_id", "form_trials", ["tenant_id", "form_id"], unique=False)
    op.create_index(
        "uq_form_trials_open",
        "form_trials",
        ["tenant_id", "form_id"],
        unique=True,
        postgresql_where=sa.text("state <> 'stopped'"),
    )
    for statement in walls.protect("form_trials"):
        op.execute(statement)
    op.create_table(
        "form_trial_days",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("trial_id", sa.Uuid(), nullable=False),
        sa.Column("arm", sa.Text(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("seen", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "trial_id"],
            ["form_trials.tenant_id", "form_trials.id"],
            name=op.f("fk_form_trial_days_tenant_id_trial_id_form_trials"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_form_trial_days_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_form_trial_days")),
        sa.UniqueConstraint(
            "tenant_id", "trial_id", "arm", "day", name=op.f("uq_form_trial_days_tenant_id_trial_id_arm_day")
        ),
    )
    for statement in walls.protect("form_trial_days"):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("data is not thrown away by going back; restore a backup instead")
