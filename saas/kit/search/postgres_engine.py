"""The engine for large tenants and for several hosts: the same terms as a tsvector, and trigrams for middles of words.

Each term carries the tenant's id, so that one tenant's common word costs another nothing; the trigram index begins with
it. Reading goes through the function in `ddl`, writing through the ordinary rights behind row-level security.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import islice
from uuid import UUID

import psycopg

from saas.kit.search import postgres_lookups, terms
from saas.kit.search.queries import Query
from saas.kit.search.ranking import Candidate

BATCH = 5_000
PENDING_KILOBYTES = 65_536
SAMPLE_ENOUGH = 100  # found in the sample: then there are well over a thousand, and a page needs no more

_PUT = """
INSERT INTO search_records (tenant_id, kind, id, title, subtitle, words, parts, terms)
VALUES (%s, %s, %s, %s, %s, %s, %s, array_to_tsvector(%s::text[]))
ON CONFLICT (tenant_id, id, kind) DO UPDATE SET title = excluded.title, subtitle = excluded.subtitle,
    words = excluded.words, parts = excluded.parts, terms = excluded.terms
"""
_COLUMNS = "tenant_id, kind, id, title, subtitle, words, parts, terms"


class PostgresEngine:
    """Search in the tables of this database; needs nothing on the machine it runs on."""

    name = "postgres"

    def put(self, connection: psycopg.Connection, tenant_id: int, entries: Sequence[terms.Entry]) -> None:
        """Write entries, in place of what they were before, in the caller's transaction."""
        with connection.cursor() as cursor:
            cursor.executemany(_PUT, [(*_row(tenant_id, entry), _lexemes(tenant_id, entry)) for entry in entries])

    def remove(self, connection: psycopg.Connection, tenant_id: int, keys: Sequence[tuple[str, UUID]]) -> None:
        connection.execute(
            "DELETE FROM search_records WHERE tenant_id = %s"
            " AND (kind, id) IN (SELECT * FROM unnest(%s::text[], %s::uuid[]))",
            [tenant_id, [kind for kind, _ in keys], [record_id for _, record_id in keys]],
        )

    def replace(self, connection: psycopg.Connection, tenant_id: int, entries: Iterable[terms.Entry]) -> int:
        """Write all of a tenant's entries anew; others see the old ones until the caller's transaction commits.

        COPY does not work on a table with row-level security, so the rows pass through a temporary one.
        """
        self.clear(connection, tenant_id)
        connection.execute("CREATE TEMPORARY TABLE search_incoming (LIKE search_records) ON COMMIT DROP")
        connection.execute(f"SET LOCAL gin_pending_list_limit = {PENDING_KILOBYTES}")
        count, waiting = 0, iter(entries)
        while batch := list(islice(waiting, BATCH)):
            with connection.cursor().copy(f"COPY search_incoming ({_COLUMNS}) FROM STDIN") as copy:
                for entry in batch:
                    copy.write_row(
                        (*_row(tenant_id, entry), " ".join(map(postgres_lookups.quote, _lexemes(tenant_id, entry))))
                    )
            moved = connection.execute(
                f"INSERT INTO search_records ({_COLUMNS}) SELECT {_COLUMNS} FROM search_incoming ON CONFLICT DO NOTHING"
            )
            connection.execute("TRUNCATE search_incoming")
            count += moved.rowcount
        return count

    def clear(self, connection: psycopg.Connection, tenant_id: int) -> None:
        """Forget a tenant."""
        connection.execute("DELETE FROM search_records WHERE tenant_id = %s", [tenant_id])

    def count(self, connection: psycopg.Connection, tenant_id: int, *, most: int) -> int:
        counted = connection.execute(
            "SELECT count(*) FROM (SELECT FROM search_records WHERE tenant_id = %s LIMIT %s) AS few", [tenant_id, most]
        )
        return counted.fetchone()[0]

    def candidates(
        self,
        connection: psycopg.Connection,
        tenant_id: int,
        query: Query,
        *,
        kinds: Sequence[str],
        enough: int,
        most: int,
    ) -> list[Candidate]:
        """Return what the passes of the query find, at most `most` of each, until `enough` are found."""
        found: dict[tuple[str, UUID], Candidate] = {}

        def look(lookup: postgres_lookups.Asked) -> int:
            rows = connection.execute("SELECT * FROM search_candidates(%s, %s, %s, %s)", [*lookup, most]).fetchall()
            found.update((row[:2], Candidate(*row)) for row in rows)
            return len(rows)

        for wanted in query.passes:
            limited = postgres_lookups.of_kinds(wanted, kinds)
            if look(postgres_lookups.ask(tenant_id, postgres_lookups.in_sample(limited))) >= SAMPLE_ENOUGH:
                break
            look(postgres_lookups.ask(tenant_id, limited))
            if len(found) >= enough:
                break
        return list(found.values())


def _row(tenant_id: int, entry: terms.Entry) -> tuple[object, ...]:
    return tenant_id, entry.kind, entry.id, entry.title, entry.subtitle, entry.words, " ".join(entry.parts)


def _lexemes(tenant_id: int, entry: terms.Entry) -> list[str]:
    found = [*entry.terms, *postgres_lookups.sample_terms(entry)]
    return [postgres_lookups.lexeme(tenant_id, term) for term in found]
