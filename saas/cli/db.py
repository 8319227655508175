"""Bring the database to the newest migration, or draft one from the models."""

from __future__ import annotations

import argparse
import random
import textwrap
import time
from pathlib import Path

ALONE = True  # drafting needs no database
ROOT = Path(__file__).parents[2]
VERSIONS = ROOT / "migrations" / "versions"
ATTEMPTS, LONGEST_PAUSE = 40, 15  # about ten minutes


def arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True)
    actions.add_parser("migrate", help="run the migrations that have not run")
    draft = actions.add_parser("draft", help="write the first migration of a room from its models")
    draft.add_argument("room", help="the room, as in migrations/versions/NNNN_<room>.py")


def run(args: argparse.Namespace) -> int:
    return migrate() if args.action == "migrate" else draft_room(args.room)


def configuration():
    """Return alembic's configuration; there is no ini file, everything it needs is here."""
    from alembic.config import Config

    made = Config()
    made.set_main_option("script_location", str(ROOT / "migrations").replace("%", "%%"))
    made.set_main_option("path_separator", "os")
    return made


def newest() -> str:
    """Return the version of the newest migration."""
    from alembic.script import ScriptDirectory

    return ScriptDirectory.from_config(configuration()).get_current_head()


def migrate(made=None, *, to: str = "head") -> int:
    """Run what has not run. Who works meanwhile waits a second at the most, and we try again until we get our lock.

    Each migration is a transaction of its own, so that a new try goes on behind the last that ended well.
    """
    from alembic import command
    from psycopg.errors import DeadlockDetected, LockNotAvailable
    from sqlalchemy.exc import OperationalError

    for attempt in range(ATTEMPTS):
        try:
            command.upgrade(made or configuration(), to)
            return 0
        except OperationalError as error:
            if not isinstance(error.orig, (LockNotAvailable, DeadlockDetected)) or attempt == ATTEMPTS - 1:
                raise
            pause = min(0.5 * 2**attempt, LONGEST_PAUSE) * random.uniform(0.5, 1.5)
            print(f"A table is in use; trying again in {pause:.1f} s.", flush=True)
            time.sleep(pause)
    return 1


def draft_room(room: str) -> int:
    """Write the body of the room's first migration: its tables, each behind the wall."""
    from alembic.operations import ops

    from saas.app import load_tables
    from saas.kit import walls
    from saas.kit.db import db

    load_tables()
    path = next(VERSIONS.glob(f"*_{room}.py"))
    homes = (
        ("saas.kit.outbox", "saas.kit.ticks", "saas.kit.files", "saas.kit.belongings.", "saas.tenancy.")
        if room == "tenancy"
        else (f"saas.{room}.models", f"saas.kit.{room}")
    )
    names = {m.class_.__table__.name for m in db.Model.registry.mappers if m.class_.__module__.startswith(homes)}
    tables = [table for table in db.metadata.sorted_tables if table.name in names]
    lines = []
    for table in tables:
        made = [ops.CreateTableOp.from_table(table)]
        made += [ops.CreateIndexOp.from_index(index) for index in sorted(table.indexes, key=lambda i: i.name)]
        lines += [_code(operation) for operation in made]
        lines.append(
            f'for statement in walls.{"grant" if table.name in walls.GLOBAL_TABLES else "protect"}("{table.name}"):\n    op.execute(statement)'
        )
    body = textwrap.indent("\n".join(lines), "    ")
    body = "\n".join(line.rstrip() for line in body.splitlines())
    number, before = path.name.split("_")[0], f'"{int(path.name[:4]) - 1:04d}"' if path.name[:4] != "0001" else "None"
    path.write_text(
        f'"""The tables of {room}."""\n\nimport sqlalchemy as sa\nfrom alembic import op\nfrom sqlalchemy import Text\nfrom sqlalchemy.dialects import postgresql\n\n'
        f'from saas.kit import walls\n\nrevision = "{number}"\ndown_revision = {before}\nbranch_labels = depends_on = None\n\n\n'
        f"def upgrade() -> None:\n{body}\n\n\ndef downgrade() -> None:\n"
        '    raise NotImplementedError("data is not thrown away by going back; restore a backup instead")\n'
    )
    print(f"wrote {path.relative_to(ROOT)}: {len(tables)} tables; read it before you commit it")
    return 0


def _code(operation) -> str:
    """Return one operation as Python, without the comments alembic puts around it."""
    from alembic.autogenerate import render_python_code
    from alembic.operations import ops

    text = render_python_code(ops.UpgradeOps([operation]))
    return "\n".join(line for line in text.splitlines() if "###" not in line).strip()
