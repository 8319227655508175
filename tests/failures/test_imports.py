"""A worker that is killed in the middle of an import: the next one goes on, and nothing is doubled or left out."""

from __future__ import annotations

import os
import signal
import sys

import pytest
from sqlalchemy import func, select

from saas.customers.models import Customer, Identity
from saas.integrations import imports
from saas.integrations.models import ImportEntry
from saas.kit import scope, work
from saas.kit.db import db
from saas.tenancy import operations
from tests import nursery
from tests.failures.copies import until

pytestmark = pytest.mark.failure
ROWS = 40_000
WORKER = """
import sys
from saas.app import create_app
from saas.kit import scope
with create_app(only_rooms=True).app_context():
    from saas.tenancy import operations
    with scope.tenant(int(sys.argv[1])):
        while operations.run(sys.argv[2]):
            pass
"""


def worker(tenant_id, operation_id):
    """Start a process that works on the import."""
    return nursery.start("-c", WORKER, tenant_id, operation_id, environment=os.environ, output=sys.__stderr__)


def done(tenant_id, operation_id):
    with work.unit(tenant_id=tenant_id):
        return operations.one(operation_id).done


def counted(tenant_id, model):
    with work.unit(tenant_id=tenant_id):
        return db.session.scalar(select(func.count()).select_from(model))


def test_killed_twice_it_is_whole_in_the_end(company, context):
    lines = "".join(f"p{n}@x.example,P{n}\n" for n in range(ROWS))
    with work.unit(tenant_id=company.tenant_id):
        held = imports.begin(kind="customer", name="many.csv", chunks=[f"email,last name\n{lines}".encode()])
        operation_id = imports.run(held.id).run_id
    for share in (0.2, 0.6):
        process = worker(company.tenant_id, operation_id)
        until(lambda share=share: done(company.tenant_id, operation_id) >= ROWS * share)
        process.send_signal(signal.SIGKILL)
        process.wait(30)
        assert done(company.tenant_id, operation_id) < ROWS
    with scope.tenant(company.tenant_id):
        until(lambda: not operations.run(operation_id, seconds=30) and done(company.tenant_id, operation_id) == ROWS)
    with work.unit(tenant_id=company.tenant_id):
        operation = operations.one(operation_id)
    assert (operation.state, operation.report["counts"]) == ("done", {"created": ROWS})
    for model in (Customer, Identity, ImportEntry):
        assert counted(company.tenant_id, model) == ROWS
