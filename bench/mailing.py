"""Section B of the targets: a campaign end to end with its ledger, on a PostgreSQL that flushes every commit to disk.

Two workers claim, load each person's data and recommendations, write about 20 kB with a dozen signed links of its own,
sign it, hand it over and settle it, ten at a time with two durable commits per ten or fewer; a lean mail server takes
everything. Measured is from the first claim to the last settled row, with the audience frozen before.
"""

from __future__ import annotations

import multiprocessing
import os
import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from bench import mail
from bench.table import Row, at_least

SECTION = "B"
PEOPLE = 4_000
WORKERS = 2
LIMITS = {"ed25519": 1_000, "rsa2048": 400}
PEERS = "naive prototype 3,141/s with 487 doubled; durable tens 1,191-1,203/s without content; " + mail.PEERS


def rows() -> Iterator[Row]:
    """Yield the rate of freezing and of sending with either key."""
    with company() as made:
        for kind, limit in LIMITS.items():
            mailing_id, frozen = launched(made, kind)
            yield Row(f"mailing: freeze {PEOPLE:,} people", f"{PEOPLE / frozen:,.0f}/s", "-", "", None)
            rate, cpu = sent(made, mailing_id)
            name, others = mail.NAMES[kind], f"{cpu:.0f} us CPU a mail; {PEERS}"
            yield at_least(
                f"mailing: with ledger, signed with {name}", rate, limit, others=others, form=",.0f", unit="/s"
            )


@contextmanager
def company() -> Iterator[tuple[Any, int]]:
    """Lend an application and a company with people and products, on servers of its own."""
    from saas.kit import roles, servers
    from tests.servers import migrate

    with tempfile.TemporaryDirectory() as folder, mail.sink() as port:
        postgres, valkey = (
            servers.Postgres(Path(folder) / "postgres").start(),
            servers.Valkey(Path(folder) / "valkey").start(),
        )
        try:
            urls = roles.prepare(postgres.url)
            os.environ.update(urls.environment())
            os.environ.update(
                REDIS_URL=valkey.url,
                ENVIRONMENT="test",
                SMTP_URL=f"smtp://127.0.0.1:{port}",
                VAR_DIR=folder,
                SECRET_KEY=secrets.token_hex(24),
            )
            migrate(urls)
            yield from _furnished()
        finally:
            valkey.stop()
            postgres.stop()


def _furnished() -> Iterator[tuple[Any, int]]:
    from saas import config
    from saas.app import create_app
    from saas.billing.plans import PLANS
    from saas.kit import pool, valkey
    from saas.kit.db import db
    from saas.tenancy import founding

    config.get.cache_clear()
    app = create_app(only_rooms=True)
    with app.app_context():
        made = founding.from_command(
            company="North & Pine",
            email="bench@shop.example",
            password="correct horse battery",
            allowed=PLANS["scale"].limits,
        )
        _fill(made["tenant_id"])
        yield app, made["tenant_id"]
        pool.close()
        valkey.close()
        for engine in db.engines.values():
            engine.dispose()


def _fill(tenant_id: int) -> None:
    from saas.catalog import products
    from saas.customers import arriving
    from saas.kit import work

    shelf = [
        {
            "external_id": f"p{number}",
            "name": f"Oak bowl {number}",
            "price": "12.50",
            "currency": "EUR",
            "stock": 9,
            "url": f"https://shop.example/p/{number}",
            "image_url": f"https://shop.example/pictures/{number}.jpg",
        }
        for number in range(60)
    ]
    with work.unit(tenant_id=tenant_id):
        products.upsert_many(shelf)
    for start in range(0, PEOPLE, 1000):
        people = [
            {
                "email": f"person{number}@mail.example",
                "first_name": f"Ann {number}",
                "last_name": "O'Hara",
                "city": "Köln",
                "consent": {"email": "granted"},
            }
            for number in range(start, start + 1000)
        ]
        with work.unit(tenant_id=tenant_id):
            arriving.upsert_many(people, UUID(int=0), source="bench")


def launched(made: tuple[Any, int], kind: str) -> tuple[UUID, float]:
    """Launch a campaign of the newsletter and freeze its audience; returns the seconds that took."""
    from saas.audiences import segments
    from saas.kit import crypto, dkim, scope, work
    from saas.marketing import campaigns, freezing, launching
    from saas.tenancy import tenants

    _app, tenant_id = made
    with work.unit(tenant_id=tenant_id):
        held, pem = tenants.settings(), dkim.create_key(kind)
        held.sender_email, held.address, held.dkim_domain, held.dkim_selector = (
            "news@shop.example",
            "12 Mill Lane, Leeds",
            "shop.example",
            "s1",
        )
        held.dkim_key_sealed = crypto.seal(pem, place=f"{scope.tenant_id()}|tenant_settings|dkim_key_sealed|{held.id}")
        held.dkim_public = dkim.record(dkim.Signer("shop.example", "s1", pem))
        segment = segments.create(name=kind, definition=segments.EVERYBODY)
        subject, body = mail.written()
        campaign = campaigns.create(name=kind, segment_id=segment.id, subject=subject, source=body, holdout_percent=0)
        mailing_id = launching.launch(campaign.id).id
    started, more = time.perf_counter(), True
    while more:
        with work.unit(tenant_id=tenant_id):
            more = freezing.freeze_some(mailing_id)
    return mailing_id, time.perf_counter() - started


def sent(made: tuple[Any, int], mailing_id: UUID) -> tuple[float, float]:
    """Send it with two workers; returns mails a second and the workers' microseconds a mail. Raises when one was not
    sent.
    """
    from saas.kit import pool, work
    from saas.marketing import mailings

    _app, tenant_id = made
    pool.close()
    context = multiprocessing.get_context("fork")
    ready, costs = context.Barrier(WORKERS + 1), context.SimpleQueue()
    workers = [context.Process(target=_work, args=(tenant_id, mailing_id, ready, costs)) for _ in range(WORKERS)]
    for worker in workers:
        worker.start()
    ready.wait()
    started = time.perf_counter()
    for worker in workers:
        worker.join()
    seconds = time.perf_counter() - started
    with work.unit(tenant_id=tenant_id):
        states = mailings.counts([mailing_id])[mailing_id]
    if states != {"sent": PEOPLE}:
        raise RuntimeError(f"not everybody got the mail: {states}")
    return PEOPLE / seconds, sum(costs.get() for _ in workers) / PEOPLE * 1e6


def _work(tenant_id: int, mailing_id: UUID, ready: Any, costs: Any) -> None:
    from saas.app import create_app
    from saas.kit import scope
    from saas.marketing import sending

    with create_app(only_rooms=True).app_context(), scope.tenant(tenant_id):
        ready.wait()
        before = time.process_time()
        while sending.run(mailing_id):
            pass
        costs.put(time.process_time() - before)
