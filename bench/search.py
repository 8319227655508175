"""Section B of the targets: the search box while somebody types, 50,000 records in Whoosh and 1,000,000 in PostgreSQL.

Records are made up from a seed: names with few common and many rare ones, a tenth of them Chinese, each with mail,
phone, number and a note; every fifth is an order. Typed is each beginning of what is looked for. Whoosh's times are
CPU, because it runs in this process; PostgreSQL's are by the clock, the better of two runs, because a busy machine
would show in them. SEARCH_BENCH=50000 leaves the large one smaller.
"""

from __future__ import annotations

import contextlib
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from unittest import mock
from uuid import UUID

import numpy as np
import psycopg

from bench.table import Row, at_least, at_most
from saas.kit import roles, search, servers
from saas.kit.search import places, terms
from saas.kit.search.postgres_engine import PostgresEngine
from saas.kit.search.whoosh_engine import WhooshEngine

SECTION = "B"
SMALL, LARGE = 50_000, int(os.environ.get("SEARCH_BENCH", 1_000_000))
ASKED = 60
PEERS = "at 100,000: Tryton 37-133 ms, EspoCRM 77-171, Creme 167, BottleCRM 276"
CHINESE = "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗明伟芳秀英敏静丽强磊军洋勇艳杰娟涛超"


def rows() -> Iterator[Row]:
    """Yield the rows of both engines."""
    with database() as connect, tempfile.TemporaryDirectory() as folder:
        both = {"whoosh": WhooshEngine(Path(folder)), "postgres": PostgresEngine()}
        with mock.patch.object(places, "engines", lambda: both):
            yield from engine_rows("whoosh", SMALL, 20, connect, time.process_time)
            yield from engine_rows("postgres", LARGE, 60, connect, time.perf_counter)
        both["whoosh"].searchers.close()


def engine_rows(
    engine: str, size: int, limit: float, connect: places.Connect, clock: Callable[[], float]
) -> Iterator[Row]:
    """Build an index and type into it."""
    tenant_id, started = 1 if engine == "whoosh" else 2, time.perf_counter()
    search.rebuild(tenant_id, records(size), engine=engine, connect=connect)
    yield Row(f"{engine}: build {size:,} records", f"{size / (time.perf_counter() - started):,.0f}/s", "-", "", None)
    vacuum(connect)
    every: list[float] = []
    for name, typed in queries(size).items():
        times = [measure(tenant_id, text, connect, clock) for text in typed]
        every += times
        yield Row(
            f"{engine}: {name}, p50 / p95",
            " / ".join(f"{q:.1f}" for q in np.quantile(times, [0.5, 0.95])) + " ms",
            "-",
            "",
            None,
        )
    p95 = float(np.quantile(every, 0.95))
    yield at_most(f"{engine}: typing in {size:,} records, p95", p95, limit, others=PEERS, form=".1f", unit=" ms")
    found = [
        record.id in {hit.id for hit in search.find(tenant_id, text, connect=connect)} for record, text in exact(size)
    ]
    yield at_least(f"{engine}: mail, phone, number lead to their record", float(np.mean(found)), 1.0)


def measure(tenant_id: int, text: str, connect: places.Connect, clock: Callable[[], float]) -> float:
    """Return the milliseconds of one look-up, the better of two."""
    times = []
    for _ in range(2):
        started = clock()
        search.find(tenant_id, text, connect=connect)
        times.append((clock() - started) * 1000)
    return min(times)


def records(size: int) -> Iterator[search.Record]:
    """Make up records; the same ones at each call."""
    chance = random.Random(7)
    names = _Names(chance)
    for number in range(1, size + 1):
        first, last, title = names.draw()
        mail = f"{first}.{last}{chance.randint(1, 99)}@{names.domain()}"
        record_id = UUID(int=number)
        if number % 5 == 0:
            yield search.Record(
                "order", record_id, f"Order RG-2024-{number:07}", title, numbers=[f"RG-2024-{number:07}"]
            )
        else:
            phone = f"+49 {chance.randint(150, 179)} {number:07}"
            yield search.Record("customer", record_id, title, mail, (), [mail], [phone], [f"C-{number}"], names.note())


class _Names:
    """Syllables put together; the first of each list are the common ones."""

    def __init__(self, chance: random.Random) -> None:
        self.chance = chance
        self.firsts = ["anna", "maria", "peter", "hans", "jürgen", "zoë"] + self._made(
            "ka lo mi ren sto ta vi zu be dan", 800
        )
        self.lasts = ["müller", "schmidt", "schneider", "o'brien", "lee"] + self._made(
            "ber ger hol man sen witz ton kov ell fin", 30_000
        )
        self.words = self._made("ba ce di fo gu ha ji ko lu me ni po", 8_000)

    def _made(self, syllables: str, count: int) -> list[str]:
        pieces = syllables.split()
        return ["".join(self.chance.choices(pieces, k=self.chance.randint(2, 5))) for _ in range(count)]

    def _one(self, words: list[str]) -> str:
        """Zipf's law, roughly: the n-th word comes up about 1/n as often as the first."""
        return words[int((len(words) + 1) ** self.chance.random()) - 1]

    def draw(self) -> tuple[str, str, str]:
        first, last = self._one(self.firsts), self._one(self.lasts)
        chinese = "".join(self.chance.choices(CHINESE, k=3))
        title = chinese if self.chance.random() < 0.1 else f"{first} {last}".title()
        return terms.fold(first), terms.fold(last).replace("'", ""), title

    def domain(self) -> str:
        common = self.chance.random() < 0.7
        return (
            self.chance.choice(["gmail.com", "web.de", "qq.com"])
            if common
            else f"shop{self.chance.randint(1, 5000)}.example"
        )

    def note(self) -> str:
        return " ".join(self._one(self.words) for _ in range(6))


def samples(size: int) -> tuple[list[search.Record], list[search.Record]]:
    """Return some customers and some orders, spread over all records."""
    step = max(1, size // (ASKED * 2))
    some = [record for at, record in enumerate(records(size)) if at % step in (0, 4)]
    return [one for one in some if one.kind == "customer"][:ASKED], [one for one in some if one.kind == "order"][:ASKED]


def queries(size: int) -> dict[str, list[str]]:
    """Return what is typed, by sort."""
    customers, orders = samples(size)
    latin = [one for one in customers if one.title.isascii()]
    chinese = ["".join(random.Random(at).choices(CHINESE, k=1 + at % 3)) for at in range(ASKED)]
    return {
        "names letter by letter": _typed([one.title for one in latin[:20]]),
        "Chinese": chinese,
        "mail letter by letter": _typed([one.emails[0] for one in customers[:10]]),
        "phone digits": _typed([one.phones[0].replace(" ", "")[3:] for one in customers[:10]], least=3)
        + [one.phones[0][-4:] for one in customers],
        "order numbers": _typed([one.numbers[0] for one in orders[:10]]) + [one.numbers[0][-5:] for one in orders],
        "two words of a note": [" ".join(one.text.split()[:2]) for one in customers],
        "one mistake": [one.title[:2] + one.title[3:] for one in latin],
        "middle of a word": [one.title.split()[1][1:-1] for one in latin],
    }


def exact(size: int) -> list[tuple[search.Record, str]]:
    """Return queries that name one record."""
    customers, orders = samples(size)
    by_mail = [(one, one.emails[0]) for one in customers]
    return by_mail + [(one, one.phones[0]) for one in customers] + [(one, one.numbers[0]) for one in orders]


def _typed(texts: list[str], least: int = 1) -> list[str]:
    return [text[:length] for text in texts for length in range(least, len(text) + 1)]


@contextlib.contextmanager
def database() -> Iterator[places.Connect]:
    """Lend transactions in a migrated PostgreSQL of our own with two tenants."""
    with tempfile.TemporaryDirectory() as folder:
        server = servers.Postgres(Path(folder) / "postgres").start()
        try:
            urls = roles.prepare(server.url)
            environment = {**os.environ, **urls.environment(), "ENVIRONMENT": "test"}
            subprocess.run(
                [sys.executable, "-m", "saas", "db", "migrate"], env=environment, check=True, capture_output=True
            )
            with psycopg.connect(urls.admin) as admin:
                made = (
                    "INSERT INTO tenants (name, state, simulated, created_at, updated_at)"
                    " VALUES ('Bench', 'active', true, now(), now())"
                )
                admin.execute(made)
                admin.execute(made)
            with psycopg.connect(urls.app) as kept:
                yield _connect(kept, urls.owner)
        finally:
            server.stop()


def _connect(kept: psycopg.Connection, owner: str) -> places.Connect:
    @contextlib.contextmanager
    def connect(*, tenant_id: int) -> Iterator[psycopg.Connection]:
        with kept.transaction():
            kept.execute(f"SET LOCAL app.tenant_id = '{int(tenant_id)}'")
            yield kept

    connect.owner = owner
    return connect


def vacuum(connect: places.Connect) -> None:
    """What autovacuum does within minutes of a load: statistics, and new terms merged into the index."""
    with psycopg.connect(connect.owner, autocommit=True) as owner:
        owner.execute("VACUUM ANALYZE search_records")
