"""Section B of the targets: erasing many people wherever they are, in a company with messages and events of many more.

The company is made up in the database: customers with facts, orders, names, consents and a timeline, and as many requests,
deliveries and messages in whose text addresses stand. Erased is as a worker does it, step by step, each committed.
ERASING_BENCH=100000 makes the company larger.
"""

from __future__ import annotations

import os
import resource
import time
from collections.abc import Iterator

import psycopg

from bench import customers_list, running
from bench.table import Row, at_least, at_most

SECTION = "B"
SIZE = int(os.environ.get("ERASING_BENCH", 20_000))
PEOPLE, ALONE = 1_000, 10
ID = customers_list.ID
AROUND = (
    f"""INSERT INTO customer_identities (tenant_id, id, customer_id, kind, source_id, value, proven, created_at, updated_at)
        SELECT %(tenant)s, gen_random_uuid(), {ID}, 'email', '00000000-0000-0000-0000-000000000000', 'c' || n || '@shop.example', true, now(), now()
        FROM generate_series(1, %(last)s::bigint) n""",
    f"""INSERT INTO consents (tenant_id, id, customer_id, channel, purpose, state, at, source, proof)
        SELECT %(tenant)s, gen_random_uuid(), {ID}, 'email', 'marketing', 'granted', now(), 'form', '{{}}' FROM generate_series(1, %(last)s::bigint) n""",
    f"""INSERT INTO timeline_entries (tenant_id, id, customer_id, kind, at, title, link, details)
        SELECT %(tenant)s, gen_random_uuid(), {ID}, 'note', now(), 'Called c' || n, '', '{{}}' FROM generate_series(1, %(last)s::bigint) n""",
    """INSERT INTO api_requests (tenant_id, id, key_id, name, fingerprint, status, headers, body, asked_at)
       SELECT %(tenant)s, gen_random_uuid(), 'k', 'n' || n, 'f', 200, '{}',
           convert_to('{"items": [{"email": "c' || n || '@shop.example", "note": "' || repeat(md5(n::text), 20) || '"}]}', 'UTF8'), now()
       FROM generate_series(1, %(last)s::bigint) n""",
    """INSERT INTO outbox (tenant_id, id, name, payload, announced_at, done_at, request_id)
       SELECT %(tenant)s, gen_random_uuid(), 'Bench', jsonb_build_object('email', 'c' || n || '@shop.example', 'words', repeat(md5(n::text), 10)), now(), now(), ''
       FROM generate_series(1, %(last)s::bigint) n""",
)


def rows() -> Iterator[Row]:
    """Yield the rows: a second's people together, and one by one; and the memory."""
    with running.product(doors=False) as product, product.app.app_context():
        tenant = product.tenant_id
        _fill(tenant)
        began = time.perf_counter()
        _erase(tenant, PEOPLE)
        together = PEOPLE / (time.perf_counter() - began)
        began = time.perf_counter()
        _one_by_one(tenant)
        alone = ALONE / (time.perf_counter() - began)
        yield at_least(
            f"people erased in a second, {PEOPLE:,} of {SIZE:,}", together, 100, others=f"one by one {alone:.0f}", form=".0f", unit="/s"
        )  # fmt: skip
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        yield at_most("the most memory of the process", peak, 512, form=".0f", unit=" MiB")


def _fill(tenant: int) -> None:
    with psycopg.connect(os.environ["DATABASE_OWNER_URL"]) as connection:
        connection.execute(f"SET app.tenant_id = '{tenant}'")
        for statement in (customers_list.CUSTOMERS, customers_list.FACTS, customers_list.ORDERS, *AROUND):
            connection.execute(statement, {"tenant": tenant, "salt": "b", "first": 1, "last": SIZE})
        connection.commit()
        connection.autocommit = True
        connection.execute("ANALYZE")


def _erase(tenant: int, many: int) -> None:
    from saas.customers.models import Customer
    from saas.integrations import erasures
    from saas.kit import scope, work
    from saas.kit.db import db
    from saas.tenancy import operations

    with work.unit(tenant_id=tenant):
        some = list(db.session.scalars(Customer.__table__.select().with_only_columns(Customer.id).limit(many)))
        operation_id = erasures.erase_many(erasures.meant(ids=some), number=many).id
    with scope.tenant(tenant):
        while operations.run(operation_id):
            pass
    with work.unit(tenant_id=tenant):
        done = operations.one(operation_id)
        if (done.state, done.done) != ("done", many):
            raise RuntimeError(f"not all are erased: {done.state}, {done.done} of {many}, {done.error}")


def _one_by_one(tenant: int) -> None:
    from sqlalchemy import select

    from saas.customers.models import Customer
    from saas.integrations import erasures
    from saas.kit import work
    from saas.kit.db import db

    with work.unit(tenant_id=tenant):
        some = list(db.session.scalars(select(Customer.id).limit(ALONE)))
    for one in some:
        with work.unit(tenant_id=tenant):
            erasures.erase_now(one)
