"""How migrations run: as the owner's role, with short lock waits, so that a running product is never held up.

Who waits for a table's lock holds up everybody who comes after, so it gives up after a second; `saas.cli.db` tries again.
Rules for what a migration may do to a table that has rows are in tests/rules/test_changes.py.
"""

from alembic import context
from sqlalchemy import create_engine, text

from saas import config
from saas.app import _sqlalchemy_url, load_tables
from saas.kit import walls
from saas.kit.db import db

load_tables()
LOCK_WAIT, STATEMENT_WAIT = "1s", "0"


def include(item, name, kind, reflected, compare_to):
    """Partitions and the tables' own internals are made by SQL, not by the models."""
    return not (
        kind == "table" and reflected and compare_to is None and "_p" in name and name.split("_p")[-1].isdigit()
    )


engine = create_engine(_sqlalchemy_url(config.get().database_owner_url))
with engine.connect() as connection:
    connection.execute(text(f"SET lock_timeout = '{LOCK_WAIT}'"))
    connection.execute(text(f"SET statement_timeout = '{STATEMENT_WAIT}'"))
    connection.commit()
    context.configure(
        connection=connection,
        target_metadata=db.metadata,
        include_object=include,
        compare_type=True,
        transaction_per_migration=True,
    )
    with context.begin_transaction():
        context.run_migrations()
    # Alembic makes this table by itself; /readyz asks as the application whether the migrations have run, a backup as the platform.
    for role in filter(None, (walls.application_role(), walls.platform_role())):
        connection.execute(text(f'GRANT SELECT ON alembic_version TO "{role}"'))
    connection.commit()
engine.dispose()
