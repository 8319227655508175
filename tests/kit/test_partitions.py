"""Months that are too old to keep go as a whole; everything younger stays."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from saas import config
from saas.kit import clock, identifiers, partitions
from workers.jobs import commerce

NOW = datetime(2025, 7, 15, tzinfo=UTC)
OLD, LAST, YOUNG = datetime(2024, 5, 3, tzinfo=UTC), datetime(2024, 6, 3, tzinfo=UTC), datetime(2025, 6, 3, tzinfo=UTC)


@pytest.fixture
def months(app, company, database_urls):
    """A month beyond the thirteenth, the thirteenth, and a row in the rest that is older than both."""
    with psycopg.connect(database_urls.owner) as owner:
        for statement in partitions.create(
            "shop_events", [partitions.first_of(OLD.date()), partitions.first_of(LAST.date())]
        )[1:]:
            owner.execute(statement)
    with psycopg.connect(database_urls.admin) as admin:
        for moment in (OLD, LAST, YOUNG, OLD - timedelta(days=900)):
            admin.execute(
                "INSERT INTO shop_events (tenant_id, id, visitor, type, at, source_id) VALUES (%s, %s, 'v', 'page_viewed', %s, %s)",
                [company.tenant_id, identifiers.at(moment, "x"), moment, identifiers.new()],
            )  # fmt: skip
    yield company
    with psycopg.connect(database_urls.owner) as owner:
        owner.execute("DROP TABLE IF EXISTS shop_events_p202405, shop_events_p202406")


def kept(company, database_urls) -> list[datetime]:
    with psycopg.connect(database_urls.admin) as admin:
        found = admin.execute("SELECT at FROM shop_events WHERE tenant_id = %s ORDER BY at", [company.tenant_id])
        return [at for (at,) in found]


def test_what_is_older_goes_and_the_rest_stays(months, database_urls):
    with clock.travel(to=NOW):
        assert partitions.expire("shop_events", months=13) == ["shop_events_p202405"]
        assert kept(months, database_urls) == [LAST, YOUNG]
        assert partitions.expire("shop_events", months=13) == []


def test_nothing_goes_where_all_is_kept(months, database_urls):
    with clock.travel(to=NOW):
        assert partitions.expire("shop_events", months=0) == []
    assert len(kept(months, database_urls)) == 4


def test_a_month_that_is_read_just_now_goes_the_next_time(months, database_urls):
    with clock.travel(to=NOW):
        with psycopg.connect(database_urls.admin) as reader:
            reader.execute("SELECT count(*) FROM shop_events")
            assert partitions.expire("shop_events", months=13) == []
            assert len(kept(months, database_urls)) == 4
        assert partitions.expire("shop_events", months=13) == ["shop_events_p202405"]


def test_the_timetable_does_it(months, database_urls, context, monkeypatch):
    settings = config.get()
    monkeypatch.setattr(config, "get", lambda: type(settings)(**{**vars(settings), "browsing_months": 13}))
    monkeypatch.setattr(partitions, "ensure", lambda _table: [])
    with clock.travel(to=NOW):
        commerce.make_months(run_at="2025-07-15T00:00:00+00:00")
    assert kept(months, database_urls) == [LAST, YOUNG]
