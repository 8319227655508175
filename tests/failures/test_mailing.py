"""A campaign while everything under it is killed: no mail goes out twice, none is lost unseen."""

from __future__ import annotations

import contextlib
import re
import shutil
import tempfile
from collections import Counter
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
import redis

from saas.app import create_app
from saas.kit import pool
from saas.kit.db import db
from tests.companies import found_company
from tests.failures.crew import Crew
from tests.rooms.marketing.conftest import Sender

PEOPLE = 800
pytestmark = pytest.mark.failure


@pytest.fixture
def crew(test_servers):
    folder = Path(tempfile.mkdtemp(prefix="regulars-mailing-"))
    made = Crew(folder, test_servers)
    yield made
    made.stop()
    shutil.rmtree(folder, ignore_errors=True)


def states(tenant_id: int) -> Counter:
    try:
        with pool.connection(tenant_id=tenant_id) as connection:
            query = "SELECT state, count(*) FROM mailing_recipients GROUP BY state"
            return Counter(dict(connection.execute(query).fetchall()))
    except psycopg.OperationalError:
        return Counter()


def test_killed_workers_a_flushed_valkey_and_a_crashed_database(crew):
    app = create_app()
    with app.app_context():
        shop = Sender(found_company(app))
        for start in range(0, PEOPLE, 400):
            shop.people(400, prefix=f"p{start}-")
        for name, command in (
            ("mail-1", ("workers.__main__", "mail")),
            ("mail-2", ("workers.__main__", "mail")),
            ("events", ("workers.__main__", "events")),
            ("relay", ("workers.relay",)),
            ("timetable", ("workers.timetable",)),
        ):
            crew.start(name, *command)
        mailing_id = shop.launch()

        crew.until(lambda: crew.letters() >= 100, seconds=240)
        crew.kill("mail-1")
        crew.until(lambda: crew.letters() >= 220, seconds=240)
        with redis.from_url(crew.valkey.url) as client:
            client.flushall()
        crew.until(lambda: crew.letters() >= 340, seconds=240)
        crew.crash_postgres()
        crew.until(lambda: crew.letters() >= 460, seconds=240)
        crew.kill("mail-2")

        def settled() -> bool:
            # Nobody waits for leases here: what the dead hold is let go of at once.
            found = states(shop.tenant_id)
            held = found["claimed"] + found["sending"]
            if held and sum(found[state] for state in ("sent", "unknown")) + held == PEOPLE:
                # a worker that takes the same rows in another order is asked again
                locked = contextlib.suppress(psycopg.errors.DeadlockDetected)
                with locked, pool.connection(tenant_id=shop.tenant_id) as connection:
                    connection.execute(
                        "UPDATE mailing_recipients SET lease_until = now() WHERE lease_until IS NOT NULL"
                    )
                    connection.execute("UPDATE mailings SET progress_at = now() - interval '1 minute'")
            return found["sent"] + found["unknown"] == PEOPLE and _done(shop, mailing_id)

        crew.until(settled, seconds=240)
        found, mails = states(shop.tenant_id), Counter(_recipient(item["message_id"]) for item in crew.mailbox.items())
        with pool.connection(tenant_id=shop.tenant_id) as connection:
            rows = dict(connection.execute("SELECT id, state FROM mailing_recipients").fetchall())
        for engine in db.engines.values():
            engine.dispose()
    assert [key for key, times in mails.items() if times > 1] == []
    assert {key for key, state in rows.items() if state == "sent"} <= set(mails)
    assert set(mails) <= {key for key, state in rows.items() if state in ("sent", "unknown")}
    assert found["unknown"] <= 40 and sum(found.values()) == PEOPLE


def _recipient(message_id: str) -> UUID:
    return UUID(hex=re.search(r"([0-9a-f]{32})\.", message_id).group(1))


def _done(shop: Sender, mailing_id: UUID) -> bool:
    with pool.connection(tenant_id=shop.tenant_id) as connection:
        return connection.execute(
            "SELECT finished_at IS NOT NULL FROM mailings WHERE id = %s", [mailing_id]
        ).fetchone()[0]
