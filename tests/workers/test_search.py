"""Building a company's search index anew from its rows, which takes minutes where there are many and the machine is busy."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from saas.customers import arriving
from saas.kit import scope, work
from saas.kit.db import db
from workers.jobs import search


@pytest.mark.parametrize("setting", ["idle_in_transaction_session_timeout", "statement_timeout"])
def test_rows_may_be_read_as_slowly_as_the_index_is_written(company, context, setting):
    with scope.tenant(company.tenant_id):
        with work.unit():
            arriving.upsert_many([{"email": "ada@example.com"}])
        records = search.load(None)
        next(records)
        assert db.session.scalar(text(f"SHOW {setting}")) == "0"
        records.close()


def test_a_few_changes_keep_to_the_limits(company, context):
    with scope.tenant(company.tenant_id):
        with work.unit():
            ada = arriving.upsert_many([{"email": "ada@example.com"}])
        found = db_limit(search.load([("customer", ada[0].id)]))
        assert found != "0"


def db_limit(records):
    next(records)
    held = db.session.scalar(text("SHOW idle_in_transaction_session_timeout"))
    records.close()
    return held
