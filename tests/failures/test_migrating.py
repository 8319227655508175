"""A migration that runs while people work: it waits for its lock in short turns, and nobody waits long for it."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time

import psycopg
import pytest

from saas.kit import roles
from tests.failures.copies import ROOT, until
from tests.servers import new_database

pytestmark = pytest.mark.failure
CHANGE = '''"""A change while people work."""

from alembic import op

revision = "9999"
down_revision = "{head}"
branch_labels = depends_on = None


def upgrade() -> None:
    op.execute("ALTER TABLE tenants ADD COLUMN grade integer NOT NULL DEFAULT 0")
'''
MIGRATE = """
import sys
from saas.cli import db
made = db.configuration()
made.set_main_option("version_locations", sys.argv[1])
sys.exit(db.migrate(made))
"""


class Writer(threading.Thread):
    """Somebody who writes all the time and remembers the longest wait."""

    does = "UPDATE tenants SET updated_at = now() WHERE name = %s"

    def __init__(self, url: str) -> None:
        super().__init__(daemon=True)
        self.url, self.longest, self.written, self.failed, self.going = url, 0.0, 0, [], True

    def run(self) -> None:
        with psycopg.connect(self.url, autocommit=True) as connection:
            while self.going:
                began = time.monotonic()
                try:
                    connection.execute(self.does, [self.name])
                    self.written += 1
                except psycopg.Error as error:
                    self.failed.append(error)
                self.longest = max(self.longest, time.monotonic() - began)


class Bystander(Writer):
    """Somebody who asks for nothing that is held: what they wait for is the machine."""

    does = "SELECT %s"


def test_it_gets_its_turn_and_writers_wait_a_second_at_the_most(test_servers, tmp_path):
    urls = new_database(test_servers, name="regulars_migrating")
    with psycopg.connect(urls.admin, autocommit=True) as admin:
        for number in range(3):
            admin.execute("INSERT INTO tenants (name, state, simulated, created_at, updated_at) "
                          "VALUES (%s, 'active', false, now(), now())", [f"writer-{number}"])  # fmt: skip
    head = roles.newest(ROOT / "migrations" / "versions").pop()
    (tmp_path / "9999_grade.py").write_text(CHANGE.format(head=head))
    writers = [Writer(urls.app) for _ in range(3)]
    bystander = Bystander(urls.app)
    for number, writer in enumerate([*writers, bystander]):
        writer.name = f"writer-{number}"
        writer.start()
    with psycopg.connect(urls.app) as reader:
        reader.execute("SELECT count(*) FROM tenants")  # a report that stays open: the change cannot have its lock
        program = subprocess.Popen(
            [sys.executable, "-u", "-c", MIGRATE, f"{ROOT / 'migrations' / 'versions'}{os.pathsep}{tmp_path}"], cwd=ROOT,
            env={**os.environ, **urls.environment(), "ENVIRONMENT": "test"}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        said = [program.stdout.readline(), program.stdout.readline()]
        assert all(line.startswith("A table is in use") for line in said), said + [program.stdout.read()]
        before = [writer.written for writer in writers]
        until(lambda: all(writer.written > count for writer, count in zip(writers, before, strict=True)))
    assert program.wait(240) == 0, program.stdout.read()
    program.stdout.close()
    for writer in (*writers, bystander):
        writer.going = False
        writer.join(60)
        assert writer.failed == []
    for writer in writers:
        assert writer.longest < 3 + 3 * bystander.longest, "a second for each turn, and what a busy machine adds"
    with psycopg.connect(urls.owner) as owner:
        assert owner.execute("SELECT version_num FROM alembic_version").fetchall() == [("9999",)]
        assert owner.execute("SELECT DISTINCT grade FROM tenants").fetchall() == [(0,)]
