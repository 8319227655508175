"""Where a person is written among others (requests, messages, failed lines): told in their file, gone when they are erased."""

from __future__ import annotations

import zipfile
from io import BytesIO

import orjson
import pytest
from sqlalchemy import func, insert, select

from saas.customers import asking, profiles, purposes
from saas.customers.models import ConsentRequest
from saas.integrations import erasures, persons
from saas.integrations.models import DeliveryOut, Hook
from saas.kit import access, files, identifiers, scope, work
from saas.kit.db import db
from saas.tenancy import operations
from saas.tenancy.models import ApiRequest, OperationFailure

TABLES = (ConsentRequest, DeliveryOut, ApiRequest, OperationFailure)


def plant(written: str) -> None:
    """Write an address into a message, an answer and a failed line, as somebody typed it."""
    tenant, hook = scope.tenant_id(), identifiers.new()
    body = orjson.dumps({"data": {"items": [{"email": written, "city": "K\u00f6ln"}]}})
    db.session.add(
        Hook(id=hook, name="x", url="https://hooks.example/x", topics=["customer.changed"], secret_sealed=b"x")
    )
    operation = operations.start(kind=persons.EXPORT, params={})
    operations.note_failed(operation, [(1, {"email": written}, "No.")])
    db.session.flush()
    db.session.execute(
        insert(DeliveryOut),
        [
            {
                "tenant_id": tenant,
                "id": identifiers.new(),
                "hook_id": hook,
                "topic": "t",
                "body": body,
                "state": "done",
                "attempts": 1,
            }
        ],
    )
    db.session.execute(insert(ApiRequest), [
        {"tenant_id": tenant, "id": identifiers.new(), "key_id": "k", "name": written[:3], "fingerprint": "f", "status": 200, "headers": {}, "body": body}
    ])  # fmt: skip


@pytest.mark.parametrize("written", ["ada@shop.example", "Ada@Shop.Example"])
def test_told_and_erased_and_others_kept(company, context, written):
    with work.unit(tenant_id=company.tenant_id), access.bound(access.FULL):
        ada, bo = (profiles.create(email=address).id for address in (written, "bo@shop.example"))
        for who, address in ((ada, written), (bo, "bo@shop.example")):
            asking.ask_many([who], purpose=purposes.one("marketing"), source="form", proof={})
            plant(address)
    with work.unit(tenant_id=company.tenant_id):
        packed = zipfile.ZipFile(BytesIO(b"".join(files.chunks(persons.file_of(ada).id))))
        told = orjson.loads(packed.read("person.json"))
        assert [row["email"] for row in told["tables"]["consent_requests"]] == [written]
        assert {name: told["copies"].get(name) for name in ("deliveries_out", "api_requests", "operation_failures")} == {
            "deliveries_out": 1, "api_requests": 1, "operation_failures": 1
        }  # fmt: skip
        assert b"bo@shop.example" not in packed.read("person.json")
    with work.unit(tenant_id=company.tenant_id):
        erasures.erase_now(ada)
    with work.unit(tenant_id=company.tenant_id):
        for model in TABLES:
            assert db.session.scalar(select(func.count()).select_from(model)) == 1, model.__tablename__
