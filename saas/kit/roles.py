"""Who may do what in the database: one role that owns, one that works behind row-level security, one above tenants.

Needs a superuser once (the embedded server's, or an operator's) and works on any PostgreSQL 15 or newer.
The roles are the first wall between tenants: the application logs in as `regulars_app`, which owns nothing and cannot
bypass a policy. For a member who may not see all of the tenant's records it becomes `regulars_limited` for a transaction.
"""

import re
import secrets
import typing
import urllib.parse

import psycopg
from psycopg import sql

OWNER, APP, ADMIN = "regulars_owner", "regulars_app", "regulars_admin"
LIMITED = "regulars_limited"
EXTENSIONS = ("pg_trgm", "unaccent", "btree_gin")

_ROLES = {
    OWNER: "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS",
    # It may become the narrower role and must not inherit from it: what binds that role would bind everybody.
    APP: "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS NOINHERIT",
    ADMIN: "LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE BYPASSRLS",
}


class NotSuperuser(RuntimeError):
    """The roles can only be made by a superuser."""


class Urls(typing.NamedTuple):
    """The three addresses of one database: the application's, the migrations', the platform's."""

    app: str
    owner: str
    admin: str

    def environment(self):
        """This function will return them under the names of the settings."""
        return {"DATABASE_URL": self.app, "DATABASE_OWNER_URL": self.owner, "DATABASE_ADMIN_URL": self.admin}


def prepare(dsn, *, database="regulars", passwords=None, template=None):
    """This function will create roles and database where they are missing and return the three `Urls`.

    `dsn` is a superuser's URL. `passwords` maps role names to passwords (made when missing, and set on the roles).
    With `template` the database starts as a copy of that one.
    """
    passwords = {role: secrets.token_hex(24) for role in _ROLES} | (passwords or {})
    with psycopg.connect(dsn, autocommit=True) as connection:
        # Two starts at the same moment must not trip over each other.
        connection.execute("SELECT pg_advisory_lock(7236)")
        for role, abilities in _ROLES.items():
            known = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [role]).fetchone()
            connection.execute(
                sql.SQL("{} ROLE {} {} PASSWORD {}").format(
                    sql.SQL("ALTER" if known else "CREATE"),
                    sql.Identifier(role),
                    sql.SQL(abilities),
                    sql.Literal(passwords[role]),
                )
            )
        _make_limited(connection)
        # For search: a function of the platform's role looks past the policies, and migrations have to hand it over.
        connection.execute(f"GRANT {ADMIN} TO {OWNER}")
        made = _create_database(connection, database=database, template=template)
    urls = Urls(*(_address(dsn, role, passwords[role], database) for role in (APP, OWNER, ADMIN)))
    if made and not template:
        with psycopg.connect(_address(dsn, None, None, database), autocommit=True) as connection:
            _grant(connection)
    return urls


def from_superuser(dsn, *, passwords):
    """This function will prepare the database that a superuser's own URL names, for operators who have just that.

    Raises NotSuperuser if it is anybody else's.
    """
    with psycopg.connect(dsn) as connection:
        if connection.info.parameter_status("is_superuser") != "on":
            raise NotSuperuser(
                "DATABASE_URL alone must be a superuser's, to make the three roles; else give DATABASE_OWNER_URL and "
                "DATABASE_ADMIN_URL too."
            )
        name = connection.info.dbname
    return prepare(dsn, database=name if name not in ("postgres", "template1") else "regulars", passwords=passwords)


def up_to_date(dsn, versions):
    """This function will tell whether the newest of the migrations in the folder `versions` has run."""
    head = newest(versions)
    with psycopg.connect(dsn) as connection:
        if not connection.execute("SELECT to_regclass('public.alembic_version')").fetchone()[0]:
            return not head
        return {row[0] for row in connection.execute("SELECT version_num FROM public.alembic_version")} == head


def revisions(versions):
    """This function will return the names of all migrations in the folder `versions`.

    It reads the files as text: asking alembic would import the whole product at every start.
    """
    return set(re.findall(r'^revision\b.*=\s*"(\w+)"', _written(versions), re.M))


def newest(versions):
    """This function will return the names of the migrations that no other follows: one, where all is well."""
    return revisions(versions) - set(re.findall(r'^down_revision\b.*=\s*"(\w+)"', _written(versions), re.M))


def _written(versions):
    return "\n".join(path.read_text(encoding="utf-8") for path in versions.glob("*.py"))


def _make_limited(connection):
    """Nobody logs in as this role; the application turns to it inside a transaction (`SET LOCAL ROLE`)."""
    if not connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [LIMITED]).fetchone():
        connection.execute(f"CREATE ROLE {LIMITED} NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOBYPASSRLS")
    how = " WITH INHERIT FALSE, SET TRUE" if connection.info.server_version >= 160000 else ""
    connection.execute(f"GRANT {LIMITED} TO {APP}{how}")


def _create_database(connection, *, database, template):
    if connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [database]).fetchone():
        return False
    connection.execute(
        sql.SQL("CREATE DATABASE {} OWNER {} TEMPLATE {}").format(
            sql.Identifier(database), sql.Identifier(OWNER), sql.Identifier(template or "template1")
        )
    )
    connection.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(database)))
    connection.execute(
        sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}, {}").format(
            sql.Identifier(database), sql.Identifier(APP), sql.Identifier(ADMIN)
        )
    )
    return True


def _grant(connection):
    """Only the way in: what may be done with a table, each migration grants beside the table's wall (`kit.walls`)."""
    for extension in EXTENSIONS:
        connection.execute(sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(sql.Identifier(extension)))
    connection.execute(f"ALTER SCHEMA public OWNER TO {OWNER}")
    connection.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
    connection.execute(f"GRANT USAGE ON SCHEMA public TO {APP}, {ADMIN}, {LIMITED}")


def _address(dsn, role, password, database):
    parts = urllib.parse.urlsplit(dsn)
    place = parts.netloc.rpartition("@")[2]
    who = f"{role}:{urllib.parse.quote(password, safe='')}@" if role else parts.netloc[: -len(place)]
    return urllib.parse.urlunsplit(parts._replace(netloc=who + place, path=f"/{database}"))
