"""Row-level security: the outer wall between tenants, as SQL that migrations run and a test verifies.

Every table is a tenant's unless it is listed here by name with its reason. A policy reads the id that each transaction
sets; with none set a tenant's table shows no row and takes none. See docs/decisions for why the text is exactly this.

Inside a tenant there is a second wall. A member who may not see all customers works as the role `roles.LIMITED`, and for
that role a restrictive policy leaves their customers and what hangs on these. It is found by following the foreign keys
of the models, so a new table stands behind it by pointing at a customer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import ForeignKeyConstraint, MetaData, Table
from sqlalchemy.engine import make_url

from saas import config
from saas.kit import roles

if TYPE_CHECKING:
    from saas.kit.access import Access

GLOBAL_TABLES = {
    "tenants": "the companies themselves",
    "logins": "a person may belong to several tenants and signs in before one is chosen",
    "login_sessions": "the cookie is read before the tenant is known",
    "passkeys": "a passkey is shown before anybody knows whose it is",
    "key_directory": "a key, hook token or Stripe id is looked up to learn whose it is",
    "outbox_doorbell": "the relay looks for work before it knows whose it is; rows carry no data",
    "ticks": "the timetable is the platform's",
    "platform_acts": "what the platform's own people and jobs did over all tenants",
    "erasure_certificates": "that a company was erased outlives the company",
    "alembic_version": "which migrations have run",
}
APPEND_ONLY = {
    "audit_entries": "a trace that can be changed proves nothing",
    "audit_values": "as above; what erasure must reach can be emptied, and the seal tells of anything else",
    "audit_seals": "as above",
    "platform_acts": "as above",
}
ERASABLE = {"audit_values": ("salt", "before", "after", "erased_in", "who_salt", "who", "who_erased_in")}
"""Columns of append-only tables that may be emptied."""
WALLED = "customers"
SHARES = "customer_shares"
# In a SELECT of their own, so that they are read once a statement and not once a row: for the manager of a hundred people
# that is 0.1 s instead of 4 s over 200,000 customers.
_OWNERS, _TEAMS = (
    f"ARRAY(SELECT unnest(string_to_array(NULLIF(current_setting('app.{name}', true), ''), ','))::uuid)"
    for name in ("owners", "teams")
)
_MEMBER = "NULLIF(current_setting('app.member', true), '')::uuid"
POLICY = "tenant_id = NULLIF(current_setting('app.tenant_id', true), '')::bigint"


_tables: list[MetaData] = []


def know(tables: MetaData) -> None:
    """Learn the tables there are; `db`, which holds them, registers itself here."""
    _tables[:] = [tables]


def _role(url: str) -> str:
    return make_url(url).username or ""


def application_role() -> str:
    return _role(config.get().database_url)


def platform_role() -> str:
    return _role(config.get().database_admin_url)


def grant(table: str) -> list[str]:
    """Return the SQL that lets the application and the platform read and write a table (never TRUNCATE)."""
    acts = "SELECT, INSERT" if table in APPEND_ONLY else "SELECT, INSERT, UPDATE, DELETE"
    if table in ERASABLE:
        acts += f", UPDATE ({', '.join(ERASABLE[table])})"
    return [
        f'GRANT {acts} ON "{table}" TO "{role}"'
        for role in dict.fromkeys([application_role(), platform_role(), roles.LIMITED])
        if role
    ]


def protect(table: str) -> list[str]:
    """Return the SQL that puts a tenant's table behind the walls."""
    return [
        f'ALTER TABLE "{table}" ENABLE ROW LEVEL SECURITY',
        f'ALTER TABLE "{table}" FORCE ROW LEVEL SECURITY',
        f'CREATE POLICY tenant_wall ON "{table}" USING ({POLICY}) WITH CHECK ({POLICY})',
        *grant(table),
        *rows(table),
    ]


def limit(access: Access | None) -> list[str]:
    """Return what a transaction says at its beginning to see no more than this access allows; None: nothing to say."""
    if access is None:
        return []
    return [
        f"SET LOCAL app.owners = '{','.join(map(str, access.owners))}'",
        f"SET LOCAL app.teams = '{','.join(map(str, access.teams))}'",
        f"SET LOCAL app.member = '{access.member or ''}'",
        f"SET LOCAL ROLE {roles.LIMITED}",
    ]


def rows(table: str) -> list[str]:
    """Return the SQL of a table's wall inside the tenant; most have none.

    The customers' own asks for the shares, so it is made together with that table's.
    """
    if table == WALLED:
        return []
    if table == SHARES:
        mine = f"(member_id = {_MEMBER} OR team_id = ANY ({_TEAMS})) AND (expires_at IS NULL OR expires_at > now())"
        # An array and no IN: that is worked out once, and both halves can use an index.
        theirs = f"owner_id = ANY ({_OWNERS}) OR id = ANY (ARRAY(SELECT s.customer_id FROM {SHARES} s))"
        return [_rows_wall(SHARES, mine), _rows_wall(WALLED, theirs)]
    conditions = _conditions(_tables[0], table)
    return [_rows_wall(table, " AND ".join(conditions))] if conditions else []


def narrow(table: str, *, kind: str, record_id: str) -> list[str]:
    """Return the SQL of a wall for a table that names records of several kinds, by a text of the kind and an id."""
    found = (
        f'SELECT FROM {WALLED} c WHERE c.tenant_id = "{table}".tenant_id AND c.id::text = "{table}".{record_id}::text'
    )
    return [_rows_wall(table, f"{kind} <> 'customer' OR EXISTS ({found})", act="SELECT")]


def walled(metadata: MetaData) -> set[str]:
    """Return the tables that have a wall inside the tenant: customers and whatever leads to them."""
    found: set[str] = {WALLED, SHARES} & set(metadata.tables)
    while True:
        more = {
            table.name
            for table in metadata.tables.values()
            if any(k.referred_table.name in found for k in _keys(table))
        }
        if more <= found:
            return found
        found |= more


def _keys(table: Table) -> list[ForeignKeyConstraint]:
    keys = [key for key in table.foreign_key_constraints if len(key.column_keys) == 2]
    return sorted(keys, key=lambda key: list(key.column_keys))


def _rows_wall(table: str, condition: str, act: str = "ALL") -> str:
    return f'CREATE POLICY rows_wall ON "{table}" AS RESTRICTIVE FOR {act} TO {roles.LIMITED} USING ({condition})'


def _conditions(metadata: MetaData, table: str) -> list[str]:
    """Return what must hold of a row: every record it needs is visible; where it needs none, the customer it may name is.

    A key to a customer that may be empty beside others is asked when it is filled. EXISTS and no IN, so that PostgreSQL may
    choose between one look-up a row and a hash of all that is visible.
    """
    seen = walled(metadata)
    keys = [key for key in _keys(metadata.tables[table]) if key.referred_table.name in seen]
    needed = [key for key in keys if not _column(key).nullable]
    optional = sorted((key for key in keys if key not in needed), key=lambda key: key.referred_table.name != WALLED)
    home, others = (needed, optional) if needed else (optional[:1], optional[1:])
    direct = [key for key in others if key.referred_table.name == WALLED]
    return [_visible(table, key) for key in home] + [
        f"({_column(key).name} IS NULL OR {_visible(table, key)})" for key in direct
    ]


def _column(key: ForeignKeyConstraint):
    return key.columns[list(key.column_keys)[1]]


def _visible(table: str, key: ForeignKeyConstraint) -> str:
    other = key.referred_table.name
    return f'EXISTS (SELECT FROM "{other}" t WHERE t.tenant_id = "{table}".tenant_id AND t.id = "{table}".{_column(key).name})'
