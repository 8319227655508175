"""What is special about PostgreSQL: common words are answered from a sample, and indexes are used behind the wall."""

from __future__ import annotations

from uuid import UUID

import pytest

from saas.kit import pool, search
from saas.kit.search import postgres_lookups, queries
from saas.kit.search.queries import All, Any, Part, Prefix, Term
from tests.kit.search_support import customer


def numbered(numbers, title):
    return [customer(title.format(n=number), id=UUID(int=number)) for number in numbers]


def candidates(engines, tenant_id, text, **options):
    with pool.connection(tenant_id=tenant_id) as connection:
        options = {"kinds": (), "enough": 20, "most": 200, **options}
        found = engines["postgres"].candidates(connection, tenant_id, queries.read(text), **options)
    return {candidate.id.int for candidate in found}


class TestSample:
    @pytest.fixture
    def crowd(self, search_engines, tenant_id):
        """120 Annas in the sample, 40 who are not, and Annegret, who is alone."""
        records = numbered(range(16, 16 * 121, 16), "Anna {n}") + numbered(
            range(16 * 200 + 1, 16 * 200 + 15), "Anna {n}"
        )
        search.rebuild(tenant_id, [*records, customer("Annegret", id=UUID(int=16 * 300 + 1))], engine="postgres")
        return lambda text, **options: candidates(search_engines, tenant_id, text, **options)

    @pytest.mark.parametrize("text", ["anna", "ann", "a", "nna", "anan"])
    def test_answers_for_common_words_and_beginnings(self, crowd, text):
        found = crowd(text)
        assert len(found) == 120 and all(number % 16 == 0 for number in found)

    @pytest.mark.parametrize("text", ["annegret", "anneg", "anna 3201", "anna 320"])
    def test_leaves_rare_ones_to_all_records(self, crowd, text):
        assert {number for number in crowd(text) if number % 16} != set()

    def test_keeps_to_the_kinds_asked_for(self, crowd):
        assert len(crowd("anna", kinds=["customer", "order"])) == 120
        assert crowd("anna", kinds=["order"]) == set()


class TestShortBeginnings:
    def test_are_checked_in_the_rows_that_the_other_words_name(self, search_engines, tenant_id):
        records = numbered(range(1, 40), "Anna B{n}") + numbered(range(40, 80), "Anna C{n}")
        search.rebuild(tenant_id, records, engine="postgres")
        assert candidates(search_engines, tenant_id, "anna b") == set(range(1, 40))
        assert candidates(search_engines, tenant_id, "anna b", kinds=["customer"]) == set(range(1, 40))
        assert candidates(search_engines, tenant_id, "anna b", kinds=["order"]) == set()

    def test_are_not_dropped_where_nothing_else_would_be_left(self):
        kind = Term("@customer")
        for alone in (Prefix("b"), All((Prefix("b"), kind)), All((Prefix("b"), Any((kind, Term("@order")))))):
            assert postgres_lookups.ask(1, alone).check_too == ""
            assert "/b':*" in postgres_lookups.ask(1, alone).query
        beside = postgres_lookups.ask(1, All((Term("anna"), Prefix("b"))))
        assert (beside.query, beside.check_too) == ("'1/anna'", "('1/anna' & '1/b':*)")

    def test_parts_go_to_the_trigrams(self):
        assert postgres_lookups.ask(1, All((Part("berg"), Term("a")))) == ("'1/a'", "", ["berg"])
        assert postgres_lookups.ask(1, Part("berg")) == ("", "", ["berg"])


class TestWall:
    def test_the_index_is_used_behind_row_level_security(self, search_engines, tenant_id):
        search.rebuild(tenant_id, numbered(range(1, 3_000), "Anna{n}"), engine="postgres")
        with pool.connection(tenant_id=tenant_id) as connection:
            read = "SELECT idx_scan FROM pg_stat_xact_user_tables WHERE relname = 'search_records'"
            scans = "SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relname = 'search_records'"
            before = connection.execute(read).fetchone(), connection.execute(scans).fetchone()
            for text in ("anna77", "na77", "anan77"):
                found = search_engines["postgres"].candidates(
                    connection, tenant_id, queries.read(text), kinds=(), enough=20, most=200
                )
                assert text == "anan77" or found
            after = connection.execute(read).fetchone(), connection.execute(scans).fetchone()
        assert after[0] > before[0] and after[1] == before[1]
