"""Row-level security: the outer wall between tenants, as SQL that migrations run and a test verifies.

Every table is a tenant's unless it is listed here by name with its reason. A policy reads the id that each transaction
sets; with none set a tenant's table shows no row and takes none. See docs/decisions for why the text is exactly this.
"""

from __future__ import annotations

from sqlalchemy.engine import make_url

from saas import config

GLOBAL_TABLES = {
    "tenants": "the companies themselves",
    "logins": "a person may belong to several tenants and signs in before one is chosen",
    "login_sessions": "the cookie is read before the tenant is known",
    "key_directory": "a key, hook token or Stripe id is looked up to learn whose it is",
    "outbox_doorbell": "the relay looks for work before it knows whose it is; rows carry no data",
    "ticks": "the timetable is the platform's",
    "platform_acts": "what the platform's own people and jobs did over all tenants",
    "alembic_version": "which migrations have run",
}
APPEND_ONLY = {"audit_entries": "a trace that can be changed proves nothing", "platform_acts": "as above"}
POLICY = "tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::bigint"


def _role(url: str) -> str:
    return make_url(url).username or ""


def application_role() -> str:
    return _role(config.get().database_url)


def platform_role() -> str:
    return _role(config.get().database_admin_url)


def grant(table: str) -> list[str]:
    """Return the SQL that lets the application and the platform read and write a table (never TRUNCATE)."""
    acts = "SELECT, INSERT" if table in APPEND_ONLY else "SELECT, INSERT, UPDATE, DELETE"
    return [
        f'GRANT {acts} ON "{table}" TO "{role}"'
        for role in dict.fromkeys([application_role(), platform_role()])
        if role
    ]


def protect(table: str) -> list[str]:
    """Return the SQL that puts a tenant's table behind the wall."""
    return [
        f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY',
        f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY',
        f'CREATE POLICY tenant_wall ON "{table}" USING ({POLICY}) WITH CHECK ({POLICY})',
        *grant(table),
    ]
