"""The outer wall between tenants, read from the database's own catalogue.

Each rule is a query that lists offenders. Every rule is also shown a planted fault, so that a rule that finds nothing is
known to be able to find something. The list of exceptions is `walls.GLOBAL_TABLES` and may only shrink.
"""

from __future__ import annotations

import psycopg
import pytest

from saas.kit import roles, walls

TABLES = """
    SELECT c.relname, c.oid, c.relrowsecurity, c.relforcerowsecurity, c.relkind, c.relispartition FROM pg_class c
    JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname = 'public' AND c.relkind IN ('r', 'p')
"""
RULES = {
    "a tenant's table without row-level security": f"""
        SELECT relname FROM ({TABLES}) t WHERE NOT relrowsecurity AND NOT relispartition AND NOT relname = ANY(%(known)s)""",
    "row-level security that does not bind the owner": f"""
        SELECT relname FROM ({TABLES}) t WHERE NOT relforcerowsecurity AND NOT relispartition AND NOT relname = ANY(%(known)s)""",
    "a tenant's table whose policy does not read the tenant": f"""
        SELECT relname FROM ({TABLES}) t WHERE NOT relispartition AND NOT relname = ANY(%(known)s) AND NOT EXISTS (
            SELECT FROM pg_policy p WHERE p.polrelid = t.oid AND p.polcmd = '*'
            AND pg_get_expr(p.polqual, p.polrelid) LIKE '%%app.tenant_id%%'
            AND pg_get_expr(p.polwithcheck, p.polrelid) LIKE '%%app.tenant_id%%')""",
    "a second policy, which would widen the first": f"""
        SELECT t.relname FROM ({TABLES}) t JOIN pg_policy p ON p.polrelid = t.oid
        WHERE p.polpermissive GROUP BY 1 HAVING count(*) > 1""",
    "a tenant_id that may be empty": f"""
        SELECT t.relname FROM ({TABLES}) t JOIN pg_attribute a ON a.attrelid = t.oid AND a.attname = 'tenant_id'
        WHERE NOT a.attnotnull AND NOT t.relname = ANY(%(known)s)""",
    "a tenant's table without tenant_id": f"""
        SELECT relname FROM ({TABLES}) t WHERE NOT relname = ANY(%(known)s)
        AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attname = 'tenant_id')""",
    "a unique key that does not begin with the tenant": f"""
        SELECT t.relname || '.' || i.indexrelid::regclass FROM ({TABLES}) t JOIN pg_index i ON i.indrelid = t.oid
        WHERE i.indisunique AND NOT t.relname = ANY(%(known)s) AND (
            SELECT attname FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attnum = i.indkey[0]) IS DISTINCT FROM 'tenant_id'""",
    "a foreign key between tenants' tables that leaves the tenant out": f"""
        SELECT t.relname || '.' || k.conname FROM ({TABLES}) t JOIN pg_constraint k ON k.conrelid = t.oid AND k.contype = 'f'
        WHERE NOT t.relname = ANY(%(known)s) AND NOT k.confrelid::regclass::text = ANY(%(known)s)
        AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = t.oid AND a.attname = 'tenant_id' AND a.attnum = ANY(k.conkey))""",
    "a view that looks with its owner's eyes": """
        SELECT relname FROM pg_class c WHERE relnamespace = 'public'::regnamespace AND relkind = 'v'
        AND NOT coalesce(reloptions::text, '') LIKE '%%security_invoker=true%%'
        AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = c.oid AND d.deptype = 'e')""",
    "a materialized view, which no policy protects": """
        SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'm'""",
    "a partition the application may read past its parent's policy": f"""
        SELECT relname FROM ({TABLES}) t WHERE relispartition
        AND (has_table_privilege(%(app)s, oid, 'SELECT') OR has_table_privilege(%(limited)s, oid, 'SELECT'))""",
    "a table the application may empty past the policy": f"""
        SELECT relname FROM ({TABLES}) t
        WHERE has_table_privilege(%(app)s, oid, 'TRUNCATE') OR has_table_privilege(%(limited)s, oid, 'TRUNCATE')""",
    "a table the application owns": f"""
        SELECT t.relname FROM ({TABLES}) t JOIN pg_class c ON c.oid = t.oid JOIN pg_roles r ON r.oid = c.relowner
        WHERE r.rolname = %(app)s""",
    "an application role above the policies": """
        SELECT rolname FROM pg_roles WHERE rolname IN (%(app)s, %(limited)s) AND (rolsuper OR rolbypassrls)""",
    "an application role that inherits the narrower one, which would bind everybody": """
        SELECT rolname FROM pg_roles WHERE rolname = %(app)s AND rolinherit AND pg_has_role(%(app)s, %(limited)s, 'MEMBER')""",
    "a table that leads to customers without a wall inside the tenant": f"""
        WITH RECURSIVE leads (oid) AS (
            SELECT 'customers'::regclass::oid
            UNION SELECT k.conrelid FROM pg_constraint k JOIN leads l ON k.confrelid = l.oid AND k.contype = 'f')
        SELECT t.relname FROM ({TABLES}) t JOIN leads l ON l.oid = t.oid
        WHERE NOT t.relispartition AND NOT EXISTS (
            SELECT FROM pg_policy p WHERE p.polrelid = t.oid AND NOT p.polpermissive AND p.polcmd = '*'
            AND p.polroles = ARRAY[(SELECT oid FROM pg_roles WHERE rolname = %(limited)s)]
            AND (pg_get_expr(p.polqual, p.polrelid) LIKE '%%EXISTS%%' OR pg_get_expr(p.polqual, p.polrelid) LIKE '%%app.member%%'
                 OR pg_get_expr(p.polqual, p.polrelid) LIKE '%%app.owners%%'))""",
    "a restrictive policy that binds others than the narrower role": f"""
        SELECT t.relname FROM ({TABLES}) t JOIN pg_policy p ON p.polrelid = t.oid
        WHERE NOT p.polpermissive AND p.polroles <> ARRAY[(SELECT oid FROM pg_roles WHERE rolname = %(limited)s)]""",
    "a function that borrows rights without filtering by the tenant": """
        SELECT p.proname FROM pg_proc p WHERE p.pronamespace = 'public'::regnamespace AND p.prosecdef
        AND has_function_privilege(%(app)s, p.oid, 'EXECUTE') AND NOT p.prosrc LIKE '%%app.tenant_id%%'""",
}
FAULTS = {
    "a tenant's table without row-level security": "ALTER TABLE members DISABLE ROW LEVEL SECURITY",
    "row-level security that does not bind the owner": "ALTER TABLE members NO FORCE ROW LEVEL SECURITY",
    "a tenant's table whose policy does not read the tenant": "ALTER POLICY tenant_wall ON members USING (true) WITH CHECK (true)",
    "a second policy, which would widen the first": "CREATE POLICY more ON members USING (true)",
    "a tenant_id that may be empty": "CREATE TABLE planted (tenant_id bigint, id uuid)",
    "a tenant's table without tenant_id": "CREATE TABLE planted (id uuid)",
    "a unique key that does not begin with the tenant": "CREATE TABLE planted (tenant_id bigint NOT NULL, email_norm text UNIQUE)",
    "a foreign key between tenants' tables that leaves the tenant out": """
        CREATE TABLE lonely (id uuid UNIQUE); CREATE TABLE planted (tenant_id bigint NOT NULL, member uuid REFERENCES lonely (id))""",
    "a view that looks with its owner's eyes": "CREATE VIEW planted AS SELECT * FROM members",
    "a materialized view, which no policy protects": "CREATE MATERIALIZED VIEW planted AS SELECT * FROM members",
    "a partition the application may read past its parent's policy": """
        CREATE TABLE planted (tenant_id bigint NOT NULL, id uuid NOT NULL) PARTITION BY RANGE (id);
        CREATE TABLE planted_p1 PARTITION OF planted DEFAULT; GRANT SELECT ON planted_p1 TO {app}""",
    "a table the application may empty past the policy": "GRANT TRUNCATE ON members TO {app}",
    "a table the application owns": "CREATE TABLE planted (tenant_id bigint NOT NULL); ALTER TABLE planted OWNER TO {app}",
    "an application role that inherits the narrower one, which would bind everybody": "ALTER ROLE {app} INHERIT",
    "a table that leads to customers without a wall inside the tenant": "DROP POLICY rows_wall ON refunds",
    "a restrictive policy that binds others than the narrower role": """
        CREATE POLICY planted ON members AS RESTRICTIVE USING (true)""",
    "a function that borrows rights without filtering by the tenant": """
        CREATE FUNCTION planted() RETURNS bigint LANGUAGE sql SECURITY DEFINER AS 'SELECT count(*) FROM members'""",
}


def offenders(connection, rule: str) -> list[str]:
    values = {"known": list(walls.GLOBAL_TABLES), "app": walls.application_role(), "limited": roles.LIMITED}
    return [row[0] for row in connection.execute(RULES[rule], values)]


@pytest.fixture
def superuser(test_servers, database_urls, settings_in_environment):
    """A connection that may plant faults; everything it does is rolled back."""
    name = database_urls.app.rsplit("/", 1)[1]
    url = test_servers["postgres"].rsplit("/", 1)[0] + "/" + name
    with psycopg.connect(url) as connection:
        connection.execute("SET lock_timeout = '5s'")
        yield connection
        connection.rollback()


@pytest.mark.parametrize("rule", RULES)
def test_nothing_breaks_the_rule(superuser, rule):
    assert offenders(superuser, rule) == []


@pytest.mark.parametrize("rule", FAULTS)
def test_the_rule_finds_a_planted_fault(superuser, rule):
    before = offenders(superuser, rule)
    superuser.execute(FAULTS[rule].format(app=walls.application_role()))
    assert len(offenders(superuser, rule)) > len(before)


def test_every_exception_is_a_table_and_has_a_reason(superuser):
    tables = {row[0] for row in superuser.execute(f"SELECT relname FROM ({TABLES}) t")}
    assert set(walls.GLOBAL_TABLES) <= tables
    assert all(len(reason) > 10 for reason in walls.GLOBAL_TABLES.values())


def test_the_trace_can_only_grow(superuser):
    for table in walls.APPEND_ONLY:
        query = "SELECT has_table_privilege(%s, %s, 'UPDATE') OR has_table_privilege(%s, %s, 'DELETE')"
        assert superuser.execute(query, [walls.application_role(), table] * 2).fetchone() == (False,)
