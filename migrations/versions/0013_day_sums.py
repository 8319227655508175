"""Sums by day, kept by triggers beside the orders, visits and first orders they are sums of, and runs of reports.

The triggers count from the moment they are there; what was there before is summed by a job (workers.jobs.insights.keep_days),
and until it has done so for a company its pages read the rows themselves.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy import Text
from sqlalchemy.dialects import postgresql

from saas.kit import roles, walls

revision = "0013"
down_revision = "0016"
branch_labels = depends_on = None

COUNTED = "('pending', 'paid', 'fulfilled', 'refunded')"
FIGURES = "orders, paid_amount, first_orders, visits, known_orders, known_lines, known_micros, all_orders, all_lines, all_micros"
OF_ORDERS = """
    sum(o.sign) FILTER (WHERE o.lines_micros >= 0), sum(o.sign * (o.total_amount::numeric - o.refunded_amount)), 0, 0,
    sum(o.sign) FILTER (WHERE o.known), sum(o.sign * o.sold_count) FILTER (WHERE o.known),
    sum(o.sign * o.sold_micros::numeric) FILTER (WHERE o.known),
    sum(o.sign) FILTER (WHERE o.lines_count > 0), sum(o.sign * o.lines_count) FILTER (WHERE o.lines_count > 0),
    sum(o.sign * o.lines_micros::numeric) FILTER (WHERE o.lines_count > 0)"""


def columns(sign: int, row: str) -> str:
    """Return what is read of an order, a whole table's (`FROM fresh o`) or a trigger's OLD or NEW."""
    return (
        f"{sign} AS sign, {row}.tenant_id, {row}.placed_at, {row}.currency, {row}.country, {row}.status, {row}.lines_count, {row}.lines_micros, "
        f"{row}.sold_count, {row}.sold_micros, {row}.total_amount, {row}.refunded_amount, {row}.customer_id IS NOT NULL AND {row}.sold_count > 0 AS known"
    )


def noted(source: str) -> str:
    """Return the SQL that writes what orders change; a company that is just going away with all its rows has no sums."""
    return f"""
        INSERT INTO public.day_changes (tenant_id, id, at, currency, country, {FIGURES})
        SELECT c.tenant_id, gen_random_uuid(), c.placed_at, c.currency, c.country, coalesce(a, 0), coalesce(b, 0), 0, 0,
               coalesce(e, 0), coalesce(f, 0), coalesce(g, 0), coalesce(h, 0), coalesce(i, 0), coalesce(j, 0)
        FROM (SELECT o.tenant_id, o.placed_at, o.currency, o.country, {OF_ORDERS}
              FROM ({source}) o WHERE o.status IN {COUNTED} GROUP BY 1, 2, 3, 4)
          AS c (tenant_id, placed_at, currency, country, a, b, c, d, e, f, g, h, i, j)
        WHERE (a, b, e, f, g, h, i, j) IS DISTINCT FROM (0, 0, 0, 0, 0, 0, 0, 0)
          AND EXISTS (SELECT FROM public.tenants t WHERE t.id = c.tenant_id);"""


def counted(figure: str, moment: str, row: str, sign: int) -> str:
    """Return the SQL that writes one more, or one less, of something at a moment of a row."""
    return f"""
        INSERT INTO public.day_changes (tenant_id, id, at, currency, country, {figure})
        SELECT {row}.tenant_id, gen_random_uuid(), {row}.{moment}, '', '', {sign}
        WHERE {row}.{moment} IS NOT NULL AND EXISTS (SELECT FROM public.tenants t WHERE t.id = {row}.tenant_id);"""


def function(name: str, body: str) -> None:
    op.execute(
        f"CREATE OR REPLACE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {body} RETURN NULL; END $$"
    )


CHANGED = " OR ".join(
    f"OLD.{name} IS DISTINCT FROM NEW.{name}"
    for name in (
        "status", "placed_at", "currency", "country", "lines_count", "lines_micros", "sold_count", "sold_micros",
        "total_amount", "refunded_amount",
    )
)  # fmt: skip


def triggers() -> None:
    """Orders come many a statement, so those are summed first; whatever else changes them or visits does so row by row."""
    function("days_orders_came", noted(f"SELECT {columns(1, 'n')} FROM fresh n"))
    function("days_orders_went", noted(f"SELECT {columns(-1, 'n')} FROM gone n"))
    function("days_order_changed", noted(f"SELECT {columns(-1, 'OLD')} UNION ALL SELECT {columns(1, 'NEW')}"))
    op.execute(
        "CREATE TRIGGER days_came AFTER INSERT ON orders REFERENCING NEW TABLE AS fresh FOR EACH STATEMENT EXECUTE FUNCTION days_orders_came()"
    )
    op.execute(
        "CREATE TRIGGER days_went AFTER DELETE ON orders REFERENCING OLD TABLE AS gone FOR EACH STATEMENT EXECUTE FUNCTION days_orders_went()"
    )
    op.execute(
        f"CREATE TRIGGER days_changed AFTER UPDATE ON orders FOR EACH ROW WHEN ({CHANGED} OR (OLD.customer_id IS NULL) <> (NEW.customer_id IS NULL)) EXECUTE FUNCTION days_order_changed()"
    )
    for table, figure, moment in (
        ("visits", "visits", "began_at"),
        ("customer_facts", "first_orders", "first_order_at"),
    ):
        came, went = counted(figure, moment, "NEW", 1), counted(figure, moment, "OLD", -1)
        for act, body, when in (
            ("INSERT", came, f"NEW.{moment} IS NOT NULL"), ("DELETE", went, f"OLD.{moment} IS NOT NULL"),
            ("UPDATE", went + came, f"OLD.{moment} IS DISTINCT FROM NEW.{moment}"),
        ):  # fmt: skip
            name = f"days_{table}_{act.lower()}"
            function(name, body)
            op.execute(
                f"CREATE TRIGGER {name} AFTER {act} ON {table} FOR EACH ROW WHEN ({when}) EXECUTE FUNCTION {name}()"
            )


def upgrade() -> None:
    with op.get_context().autocommit_block():  # made again if a migration was broken off between these and the rest
        for table, column in (("customer_facts", "first_order_at"), ("product_watches", "asked_at")):
            op.create_index(
                f"ix_{table}_{column}",
                table,
                ["tenant_id", column, "id"],
                unique=False,
                postgresql_concurrently=True,
                if_not_exists=True,
            )
    op.create_table(
        "day_books",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("filled_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_day_books_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_day_books")),
    )
    for statement in walls.protect("day_books"):
        op.execute(statement)
    op.create_table(
        "day_changes",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("orders", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("paid_amount", sa.Numeric(), server_default="0", nullable=False),
        sa.Column("first_orders", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("visits", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("known_orders", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("known_lines", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("known_micros", sa.Numeric(), server_default="0", nullable=False),
        sa.Column("all_orders", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("all_lines", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("all_micros", sa.Numeric(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_day_changes_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_day_changes")),
    )
    for statement in walls.protect("day_changes"):
        op.execute(statement)
    op.create_table(
        "day_sums",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("country", sa.Text(), nullable=False),
        sa.Column("orders", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("paid_amount", sa.Numeric(), server_default="0", nullable=False),
        sa.Column("first_orders", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("visits", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("known_orders", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("known_lines", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("known_micros", sa.Numeric(), server_default="0", nullable=False),
        sa.Column("all_orders", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("all_lines", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("all_micros", sa.Numeric(), server_default="0", nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_day_sums_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_day_sums")),
        sa.UniqueConstraint(
            "tenant_id", "day", "currency", "country", name=op.f("uq_day_sums_tenant_id_day_currency_country")
        ),
    )
    for statement in walls.protect("day_sums"):
        op.execute(statement)
    op.create_table(
        "report_runs",
        sa.Column("tenant_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("scope", postgresql.JSONB(astext_type=Text()), nullable=False),
        sa.Column("result", postgresql.JSONB(astext_type=Text()), nullable=True),
        sa.Column("made_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("took_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["tenant_id"], ["tenants.id"], name=op.f("fk_report_runs_tenant_id_tenants"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("tenant_id", "id", name=op.f("pk_report_runs")),
        sa.UniqueConstraint("tenant_id", "key", name=op.f("uq_report_runs_tenant_id_key")),
    )
    for statement in walls.protect("report_runs"):
        op.execute(statement)

    for table in (
        "day_books",
        "day_changes",
        "day_sums",
        "report_runs",
    ):  # sums tell of records that not every member sees
        op.execute(f'CREATE POLICY rows_wall ON "{table}" AS RESTRICTIVE FOR SELECT TO {roles.LIMITED} USING (false)')
    triggers()


def downgrade() -> None:
    raise NotImplementedError("data is not thrown away by going back; restore a backup instead")
