"""What left the company is in its history: each export, and by the hour what programs read about people."""

from __future__ import annotations

from datetime import timedelta

import pytest

from saas.kit import clock, pages, valkey, work
from saas.tenancy import audit, reads


def told(company, action):
    with work.unit(tenant_id=company.tenant_id):
        return [audit.Told(*row) for row in pages.page(audit.listed(actions=[action]), order=audit.NEWEST).items]


@pytest.fixture
def next_hour(monkeypatch):
    """Go on an hour later."""

    def go():
        later = clock.now() + timedelta(hours=1)
        monkeypatch.setattr(clock, "now", lambda: later)

    return go


class TestApiReads:
    def test_an_hour_of_reading_is_one_entry_per_key_with_counts(self, company, context, next_hour):
        from workers.jobs import trace

        made = company.api("POST", "/customers", json={"email": "a@b.example"}).json["id"]
        company.api("POST", "/customers", json={"email": "b@b.example"})
        for path in ("/customers", "/customers", f"/customers/{made}"):
            assert company.api("GET", path).status_code == 200
        trace.fold_reads(run_at="2026-11-21T00:00:00+00:00")
        assert told(company, "customers.read") == []  # the hour is not over
        next_hour()
        for _twice in range(2):
            trace.fold_reads(run_at="2026-11-21T00:00:00+00:00")
        [entry] = told(company, "customers.read")
        assert (entry.entry.actor_kind, entry.after["requests"], entry.after["records"]) == ("key", 3, 5)

    def test_killed_before_the_counts_are_forgotten_it_writes_them_once(self, company, context, next_hour, monkeypatch):
        company.api("POST", "/customers", json={"email": "a@b.example"})
        company.api("GET", "/customers")
        next_hour()
        monkeypatch.setattr(reads, "_forget", lambda *given: None)
        for _twice in range(2):
            with work.unit(tenant_id=company.tenant_id):
                reads.fold(company.tenant_id)
        assert len(told(company, "customers.read")) == 1

    def test_while_valkey_is_away_each_read_is_an_entry(self, company, context, monkeypatch):
        company.api("POST", "/customers", json={"email": "a@b.example"})

        def away():
            raise valkey.redis.ConnectionError

        monkeypatch.setattr("saas.tenancy.reads.valkey.client", away)
        company.api("GET", "/customers")
        monkeypatch.undo()
        assert [one.after for one in told(company, "customers.read")] == [{"requests": 1, "records": 1}]


def test_an_export_is_an_entry_with_its_filter(tenant):
    reads.record_export(kind="customer", count=12, filter=["country.is.NL"], form="csv")
    [row] = pages.page(audit.listed(actions=["customers.exported"]), order=audit.NEWEST).items
    assert row[1].after == {"count": 12, "filter": ["country.is.NL"], "format": "csv"}
