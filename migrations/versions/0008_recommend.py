"""The tables of recommend."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

from saas.kit import clock, partitions, walls

revision = "0008"
down_revision = "0007"
branch_labels = depends_on = None


def upgrade() -> None:
    op.create_table(
        "offer_counts",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("slot", sa.Text(), nullable=False),
        sa.Column("algorithm", sa.Text(), nullable=False),
        sa.Column("rule_id", sa.Uuid(), nullable=False),
        sa.Column("requests", sa.BigInteger(), nullable=False),
        sa.Column("shown", sa.BigInteger(), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.Column("clicked", sa.BigInteger(), nullable=False),
        sa.Column("carted", sa.BigInteger(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_offer_counts_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_offer_counts")),
        sa.UniqueConstraint(
            "tenant_id",
            "day",
            "slot",
            "algorithm",
            "rule_id",
            name=op.f("uq_offer_counts_tenant_id_day_slot_algorithm_rule_id"),
        ),
    )
    for statement in walls.protect("offer_counts"):
        op.execute(statement)
    op.create_table(
        "recommend_models",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("fitted_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("blob", sa.LargeBinary(), nullable=False),
        sa.Column("notes", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("serving", sa.Boolean(), nullable=False),
        sa.Column("pinned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("held_back", sa.Text(), nullable=False),
        sa.CheckConstraint("held_back IN ('', 'worse', 'pinned')", name=op.f("ck_recommend_models_held_back")),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_recommend_models_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_recommend_models")),
        sa.UniqueConstraint("tenant_id", "kind", "version", name=op.f("uq_recommend_models_tenant_id_kind_version")),
    )
    op.create_index(
        "uq_recommend_models_serving",
        "recommend_models",
        ["tenant_id", "kind"],
        unique=True,
        postgresql_where=sa.text("serving"),
    )
    for statement in walls.protect("recommend_models"):
        op.execute(statement)
    op.create_table(
        "recommend_states",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("taken_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fitted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("tuned_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("notes", postgresql.JSONB(astext_type=Text()), server_default="{}", nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_recommend_states_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_recommend_states")),
    )
    for statement in walls.protect("recommend_states"):
        op.execute(statement)
    op.create_table(
        "offer_rules",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("slot", sa.Text(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=True),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("percent", sa.Integer(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("starts_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ends_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("(kind = 'boost') = (product_id IS NULL)", name=op.f("ck_offer_rules_subject")),
        sa.CheckConstraint("kind IN ('pin', 'hide', 'boost')", name=op.f("ck_offer_rules_kind")),
        sa.CheckConstraint(
            "slot = '' OR slot IN ('home', 'product', 'cart', 'discover', 'mail', 'thank-you', 'search')",
            name=op.f("ck_offer_rules_slot"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "product_id"],
            ["products.tenant_id", "products.id"],
            name=op.f("fk_offer_rules_tenant_id_product_id_products"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_offer_rules_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_offer_rules")),
    )
    op.create_index("ix_offer_rules_product_id", "offer_rules", ["tenant_id", "product_id"], unique=False)
    for statement in walls.protect("offer_rules"):
        op.execute(statement)
    op.create_table(
        "offers_shown",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("request_id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("slot", sa.Text(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("visitor", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("source_id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=True),
        sa.Column("product_key", sa.Text(), nullable=False),
        sa.Column("reason_code", sa.Text(), nullable=False),
        sa.Column("reason_text", sa.Text(), nullable=False),
        sa.Column("algorithm", sa.Text(), nullable=False),
        sa.Column("rule_id", sa.Uuid(), nullable=True),
        sa.Column("model_version", sa.Text(), server_default="", nullable=False),
        sa.Column("trial_id", sa.Uuid(), nullable=True),
        sa.Column("arm", sa.Text(), server_default="", nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("clicked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("carted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("bought_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("bought_after", sa.Text(), nullable=False),
        sa.Column("bought_order_id", sa.Uuid(), nullable=True),
        sa.Column("bought_micros", sa.BigInteger(), nullable=False),
        sa.Column("bought_currency", sa.Text(), nullable=False),
        sa.CheckConstraint("bought_after IN ('', 'seen', 'clicked')", name=op.f("ck_offers_shown_bought_after")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "bought_order_id"],
            ["orders.tenant_id", "orders.id"],
            name=op.f("fk_offers_shown_tenant_id_bought_order_id_orders"),
            ondelete="SET NULL (bought_order_id)",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["customers.tenant_id", "customers.id"],
            name=op.f("fk_offers_shown_tenant_id_customer_id_customers"),
            ondelete="SET NULL (customer_id)",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "product_id"],
            ["products.tenant_id", "products.id"],
            name=op.f("fk_offers_shown_tenant_id_product_id_products"),
            ondelete="SET NULL (product_id)",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_offers_shown_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_offers_shown")),
        postgresql_partition_by="RANGE (id)",
    )
    op.create_index(
        "ix_offers_shown_bought_at",
        "offers_shown",
        ["tenant_id", "bought_at"],
        unique=False,
        postgresql_where=sa.text("bought_at IS NOT NULL"),
    )
    op.create_index(
        "ix_offers_shown_bought_order_id",
        "offers_shown",
        ["tenant_id", "bought_order_id"],
        unique=False,
        postgresql_where=sa.text("bought_order_id IS NOT NULL"),
    )
    op.create_index("ix_offers_shown_customer_id", "offers_shown", ["tenant_id", "customer_id", "id"], unique=False)
    op.create_index("ix_offers_shown_product_id", "offers_shown", ["tenant_id", "product_id"], unique=False)
    op.create_index(
        "ix_offers_shown_trial_id",
        "offers_shown",
        ["tenant_id", "trial_id"],
        unique=False,
        postgresql_where=sa.text("trial_id IS NOT NULL AND seen_at IS NOT NULL"),
    )
    op.create_index("ix_offers_shown_visitor", "offers_shown", ["tenant_id", "visitor", "id"], unique=False)
    for statement in walls.protect("offers_shown"):
        op.execute(statement)
    for statement in partitions.create("offers_shown", partitions.around(clock.now().date())):
        op.execute(statement)
    op.create_table(
        "offer_trials",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("slot", sa.Text(), nullable=False),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.Column("goal", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("arms", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("worth_percent", sa.Integer(), nullable=False),
        sa.Column("guards", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("paused_for", postgresql.JSONB(astext_type=Text()), server_default="{}", nullable=False),
        sa.Column("verdict", postgresql.JSONB(astext_type=Text()), server_default="{}", nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("counted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("taken_arm", sa.Text(), server_default="", nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("goal IN ('orders', 'money', 'clicks')", name=op.f("ck_offer_trials_goal")),
        sa.CheckConstraint("mode IN ('split', 'interleaved')", name=op.f("ck_offer_trials_mode")),
        sa.CheckConstraint("state IN ('draft', 'running', 'paused', 'stopped')", name=op.f("ck_offer_trials_state")),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_offer_trials_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_offer_trials")),
    )
    op.create_index(
        "uq_offer_trials_running",
        "offer_trials",
        ["tenant_id", "slot"],
        unique=True,
        postgresql_where=sa.text("state = 'running'"),
    )
    for statement in walls.protect("offer_trials"):
        op.execute(statement)
    op.create_table(
        "offer_trial_days",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("trial_id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("arm", sa.Text(), nullable=False),
        sa.Column("people", sa.BigInteger(), nullable=False),
        sa.Column("buyers", sa.BigInteger(), nullable=False),
        sa.Column("clickers", sa.BigInteger(), nullable=False),
        sa.Column("leavers", sa.BigInteger(), nullable=False),
        sa.Column("ended", sa.BigInteger(), nullable=False),
        sa.Column("payers", sa.BigInteger(), nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.Column("squares", sa.Numeric(precision=40, scale=0), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "trial_id"],
            ["offer_trials.tenant_id", "offer_trials.id"],
            name=op.f("fk_offer_trial_days_tenant_id_trial_id_offer_trials"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_offer_trial_days_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_offer_trial_days")),
        sa.UniqueConstraint(
            "tenant_id", "trial_id", "day", "arm", name=op.f("uq_offer_trial_days_tenant_id_trial_id_day_arm")
        ),
    )
    for statement in walls.protect("offer_trial_days"):
        op.execute(statement)
    op.create_table(
        "offer_trial_people",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("trial_id", sa.Uuid(), nullable=False),
        sa.Column("visitor", sa.Text(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=True),
        sa.Column("arm", sa.Text(), nullable=False),
        sa.Column("met_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["customers.tenant_id", "customers.id"],
            name=op.f("fk_offer_trial_people_tenant_id_customer_id_customers"),
            ondelete="SET NULL (customer_id)",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "trial_id"],
            ["offer_trials.tenant_id", "offer_trials.id"],
            name=op.f("fk_offer_trial_people_tenant_id_trial_id_offer_trials"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_offer_trial_people_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_offer_trial_people")),
    )
    op.create_index(
        "ix_offer_trial_people_customer_id", "offer_trial_people", ["tenant_id", "customer_id"], unique=False
    )
    op.create_index(
        "ix_offer_trial_people_trial_id", "offer_trial_people", ["tenant_id", "trial_id", "met_at"], unique=False
    )
    op.create_index("ix_offer_trial_people_visitor", "offer_trial_people", ["tenant_id", "visitor"], unique=False)
    for statement in walls.protect("offer_trial_people"):
        op.execute(statement)
    op.create_table(
        "offer_answers",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("customer_id", sa.Uuid(), nullable=False),
        sa.Column("product_id", sa.Uuid(), nullable=False),
        sa.Column("verdict", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("slot", sa.Text(), nullable=False),
        sa.Column("offer_code", sa.Text(), nullable=False),
        sa.Column("algorithm", sa.Text(), nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("answered_by", sa.Text(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("taken_back_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("(verdict = 'declined') = (until IS NOT NULL)", name=op.f("ck_offer_answers_until")),
        sa.CheckConstraint(
            "reason IN ('', 'has_it', 'too_expensive', 'not_now', 'not_liked', 'other')",
            name=op.f("ck_offer_answers_reason"),
        ),
        sa.CheckConstraint("verdict IN ('accepted', 'declined')", name=op.f("ck_offer_answers_verdict")),
        sa.ForeignKeyConstraint(
            ["tenant_id", "customer_id"],
            ["customers.tenant_id", "customers.id"],
            name=op.f("fk_offer_answers_tenant_id_customer_id_customers"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id", "product_id"],
            ["products.tenant_id", "products.id"],
            name=op.f("fk_offer_answers_tenant_id_product_id_products"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_offer_answers_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_offer_answers")),
    )
    op.create_index("ix_offer_answers_answered_at", "offer_answers", ["tenant_id", "answered_at"], unique=False)
    op.create_index("ix_offer_answers_customer_id", "offer_answers", ["tenant_id", "customer_id", "id"], unique=False)
    op.create_index("ix_offer_answers_product_id", "offer_answers", ["tenant_id", "product_id"], unique=False)
    for statement in walls.protect("offer_answers"):
        op.execute(statement)
    op.create_table(
        "offer_slots",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("engine", sa.Text(), nullable=False),
        sa.Column("fallback", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("count", sa.Integer(), nullable=True),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("pinned", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("buried", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("picked", postgresql.ARRAY(sa.Uuid()), nullable=False),
        sa.Column("excluded_tags", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("excluded_categories", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("least_stock", sa.Integer(), nullable=False),
        sa.Column("least_margin", sa.Integer(), nullable=True),
        sa.Column("unknown_margin", sa.Boolean(), nullable=False),
        sa.Column("price_least", sa.BigInteger(), nullable=True),
        sa.Column("price_most", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("reduced_only", sa.Boolean(), nullable=False),
        sa.Column("category_cap", sa.Integer(), nullable=True),
        sa.Column("not_bought_days", sa.Integer(), nullable=True),
        sa.Column("diversity", sa.Integer(), nullable=False),
        sa.Column("step_least", sa.Integer(), nullable=False),
        sa.Column("step_most", sa.Integer(), nullable=False),
        sa.Column("bundle", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "engine IN ('automatic', 'continue', 'discover', 'bought_together', 'viewed_together', 'up_sell', 'for_you', 'buy_again', 'popular', 'newest', 'by_hand')",
            name=op.f("ck_offer_slots_engine"),
        ),
        sa.CheckConstraint(
            "place IN ('home', 'product', 'cart', 'discover', 'mail', 'thank-you', 'search')",
            name=op.f("ck_offer_slots_place"),
        ),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_offer_slots_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_offer_slots")),
        sa.UniqueConstraint("tenant_id", "key", name=op.f("uq_offer_slots_tenant_id_key")),
    )
    for statement in walls.protect("offer_slots"):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("data is not thrown away by going back; restore a backup instead")
