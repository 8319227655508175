"""What a migration may do to a table that has rows and readers: nothing that locks it for longer than a blink.

A table that the same migration makes is empty, so there everything is allowed. Each rule is shown planted faults, and the
careful way beside them, so that a rule that finds nothing is known to be able to find something. A migration that must break
one says `safe = {"the statement's beginning": "why it is"}`.
"""

from __future__ import annotations

import io
import re
import types

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from alembic.script import ScriptDirectory

from saas import config
from saas.app import load_tables
from saas.cli.db import configuration

NAME = r'(?:ONLY\s+)?(?:IF\s+EXISTS\s+)?(?:public\.)?"?(\w+)"?'
ALTER = rf"ALTER TABLE {NAME}\s+"
RULES = {
    "a column that may not be empty and has no default: every row would be refused": (
        rf"{ALTER}ADD COLUMN (?!.*\bDEFAULT\b).*\bNOT NULL\b"),
    "a default that is worked out for each row: the table is written anew": (
        rf"{ALTER}ADD COLUMN .*\bDEFAULT\b.*(random|clock_timestamp|gen_random_uuid|nextval|uuid)\w*\s*\("),
    "a generated column or a sequence of its own: the table is written anew": (
        rf"{ALTER}ADD COLUMN .*(GENERATED|SERIAL)"),
    "another type: the table is written anew": rf"{ALTER}ALTER (?:COLUMN )?\S+ (?:SET DATA )?TYPE\b",
    "an index made while writers wait: make it CONCURRENTLY in op.get_context().autocommit_block()": (
        rf"CREATE (?:UNIQUE )?INDEX (?!CONCURRENTLY).*? ON {NAME}"),
    "a check or foreign key that looks at every row under a lock: add it NOT VALID, validate it afterwards": (
        rf"{ALTER}ADD (?:CONSTRAINT \S+ )?(?:CHECK|FOREIGN KEY)(?!.*NOT VALID)"),
    "a unique key made while writers wait: make the index CONCURRENTLY and add the key USING INDEX": (
        rf"{ALTER}ADD (?:CONSTRAINT \S+ )?(?:UNIQUE|PRIMARY KEY|EXCLUDE)(?!\s+USING INDEX)"),
    "NOT NULL that looks at every row under a lock: validate a check (column IS NOT NULL) first": (
        rf"{ALTER}ALTER (?:COLUMN )?\S+ SET NOT NULL"),
    "what the running version still uses is taken away": (
        rf"{ALTER}(?:DROP COLUMN|RENAME)|DROP TABLE {NAME}"),
    "all rows in one transaction: have a job do it in batches": rf"(?:^|\)\s*)(?:UPDATE|DELETE FROM) {NAME}",
    "a lock on everything": rf"LOCK TABLE {NAME}|TRUNCATE (?:TABLE )?{NAME}|VACUUM FULL|CLUSTER\b|REINDEX (?!.*CONCURRENTLY)",
    "a wait without end for a lock": r"SET (?:LOCAL |SESSION )?lock_timeout",
}  # fmt: skip


def statements(upgrade) -> list[str]:
    """Return the SQL of a migration without running it."""
    written = io.StringIO()
    context = MigrationContext.configure(
        dialect_name="postgresql", opts={"as_sql": True, "output_buffer": written, "transactional_ddl": False}
    )
    with Operations.context(context):
        upgrade()
    return [" ".join(part.split()).removesuffix(";") for part in written.getvalue().split(";\n\n") if part.strip()]


def breaks(asked: list[str], *, safe: dict[str, str]) -> list[str]:
    """Return which statements break which rule."""
    fresh = {found[1] for one in asked if (found := re.match(r'CREATE TABLE (?:IF NOT EXISTS )?"?(\w+)"?', one, re.I))}
    checked: set[str] = set()
    found = []
    for one in asked:
        if validated := re.match(rf"{ALTER}VALIDATE CONSTRAINT", one, re.I):
            checked.add(validated[1])
        if any(one.startswith(begin) and len(reason) > 10 for begin, reason in safe.items()):
            continue
        if one.startswith(("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION", "DO ", "COMMENT ")):
            continue
        for rule, pattern in RULES.items():
            hit = re.search(pattern, one, re.I)
            table = next((name for name in hit.groups() if name), "") if hit and hit.re.groups else ""
            if hit and table not in fresh and not (rule.startswith("NOT NULL") and table in checked):
                found.append(f"{one[:100]}: {rule}")
    return found


def migrations():
    return list(ScriptDirectory.from_config(configuration()).walk_revisions())


@pytest.mark.parametrize("revision", [made.revision for made in migrations()])
def test_no_migration_holds_up_who_works(revision, monkeypatch):
    load_tables()
    addresses = {f"database_{role}url": f"postgresql://{role or 'app'}@nowhere/x" for role in ("", "owner_", "admin_")}
    monkeypatch.setattr(config, "get", lambda: config.Settings(**addresses))  # the grants name the roles
    module: types.ModuleType = ScriptDirectory.from_config(configuration()).get_revision(revision).module
    assert breaks(statements(module.upgrade), safe=getattr(module, "safe", {})) == []


def _op():
    from alembic import op

    return op


FAULTS = {
    "column": lambda: _op().add_column("customers", sa.Column("grade", sa.Integer(), nullable=False)),
    "default": lambda: _op().execute("ALTER TABLE customers ADD COLUMN mark uuid DEFAULT gen_random_uuid()"),
    "serial": lambda: _op().execute("ALTER TABLE customers ADD COLUMN number bigserial"),
    "type": lambda: _op().alter_column("orders", "number", type_=sa.Integer()),
    "index": lambda: _op().create_index("ix_x", "orders", ["tenant_id", "placed_at"]),
    "unique index": lambda: _op().create_index("uq_x", "orders", ["tenant_id", "number"], unique=True),
    "check": lambda: _op().create_check_constraint("ck_x", "orders", "total_amount >= 0"),
    "foreign key": lambda: _op().create_foreign_key("fk_x", "orders", "customers", ["tenant_id", "customer_id"], ["tenant_id", "id"]),
    "unique key": lambda: _op().create_unique_constraint("uq_x", "orders", ["tenant_id", "number"]),
    "not null": lambda: _op().alter_column("orders", "number", nullable=False),
    "dropped column": lambda: _op().drop_column("orders", "number"),
    "renamed": lambda: _op().alter_column("orders", "number", new_column_name="no"),
    "renamed table": lambda: _op().rename_table("orders", "purchases"),
    "dropped table": lambda: _op().drop_table("orders"),
    "all rows": lambda: _op().execute("UPDATE customers SET name = trim(name)"),
    "lock": lambda: _op().execute("LOCK TABLE customers"),
    "endless": lambda: _op().execute("SET lock_timeout = 0"),
}  # fmt: skip


def _careful():
    op = _op()
    op.add_column("customers", sa.Column("grade", sa.Integer(), server_default="0", nullable=False))
    op.add_column("customers", sa.Column("note", sa.Text(), nullable=True))
    op.create_table("fresh", sa.Column("id", sa.Integer(), primary_key=True), sa.Column("customer", sa.Uuid()))
    op.create_index("ix_fresh", "fresh", ["customer"])
    op.create_check_constraint("ck_fresh", "fresh", "id > 0")
    op.execute("ALTER TABLE orders ADD CONSTRAINT ck_named CHECK (number IS NOT NULL) NOT VALID")
    op.execute("ALTER TABLE orders VALIDATE CONSTRAINT ck_named")
    op.alter_column("orders", "number", nullable=False)
    op.execute("CREATE INDEX CONCURRENTLY IF NOT EXISTS ix_orders_x ON orders (tenant_id, placed_at)")
    op.execute("ALTER TABLE orders ADD CONSTRAINT uq_x UNIQUE USING INDEX ix_orders_x")


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_found(fault):
    asked = statements(FAULTS[fault])
    assert breaks(asked, safe={}), asked
    assert breaks(asked, safe={asked[0][:20]: "only ever run on an empty table"}) == []
    assert breaks(asked, safe={asked[0][:20]: "because"}), "a reason has to be one"


def test_the_careful_way_is_let_through():
    assert breaks(statements(_careful), safe={}) == []


def test_every_rule_finds_one_of_the_faults():
    found = " ".join(line for fault in FAULTS.values() for line in breaks(statements(fault), safe={}))
    assert [rule for rule in RULES if rule not in found] == []
