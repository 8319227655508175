"""What a mail remembers of the trial of offers it takes part in, and how far offers came by the version of what is learnt."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

from saas.kit import walls

revision = "0014"
down_revision = "0011"
branch_labels = depends_on = None


def upgrade() -> None:
    op.add_column("mailing_recipients", sa.Column("offer_part", postgresql.JSONB(astext_type=Text()), nullable=True))
    op.create_table(
        "offer_version_counts",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("algorithm", sa.Text(), nullable=False),
        sa.Column("model_version", sa.Text(), nullable=False),
        sa.Column("requests", sa.BigInteger(), nullable=False),
        sa.Column("shown", sa.BigInteger(), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.Column("clicked", sa.BigInteger(), nullable=False),
        sa.Column("carted", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_offer_version_counts_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_offer_version_counts")),
        sa.UniqueConstraint(
            "tenant_id",
            "day",
            "algorithm",
            "model_version",
            name=op.f("uq_offer_version_counts_tenant_id_day_algorithm_model_version"),
        ),
    )
    for statement in walls.protect("offer_version_counts"):
        op.execute(statement)


def downgrade() -> None:
    raise NotImplementedError("data is not thrown away by going back; restore a backup instead")
