"""Models and migrations agree, and there is one head."""

from __future__ import annotations

from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import create_engine

from saas.app import _sqlalchemy_url, load_tables
from saas.cli.db import configuration
from saas.kit.db import db


def test_there_is_one_head():
    assert len(ScriptDirectory.from_config(configuration()).get_heads()) == 1


def test_the_migrated_database_is_what_the_models_say(app, database_urls):
    load_tables()
    engine = create_engine(_sqlalchemy_url(database_urls.owner))
    try:
        with engine.connect() as connection:
            context = MigrationContext.configure(connection, opts={"compare_type": True, "include_object": _ours})
            differences = compare_metadata(context, db.metadata)
    finally:
        engine.dispose()
    assert differences == []


def _ours(item, name, kind, reflected, compare_to):
    """Leave out partitions: they are made by the timetable."""
    return not (
        kind == "table" and reflected and compare_to is None and "_p" in name and name.split("_p")[-1].isdigit()
    )
