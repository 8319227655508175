"""POST /collect: the contract, bad input, doubles, and that nobody's events reach another company."""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import func, select

from saas.commerce.models import ShopEvent, Visitor
from saas.kit import work
from saas.kit.db import db

YES = {"analytics": True, "marketing": True}


def event(kind="page_viewed", *, key=None, at=None, **more):
    moment = at if isinstance(at, str) else (at or datetime.now(UTC)).isoformat()
    return {"id": key or secrets.token_hex(8), "type": kind, "at": moment, "url": "https://shop.example/", **more}


def body(company, *events, visitor="visitor-0123456789", consent=YES, **more):
    return {"site_key": company.site_key, "visitor": visitor, "consent": consent, "events": list(events), **more}


@pytest.fixture
def send(app):
    client = app.test_client()
    return lambda sent, **kwargs: client.post("/collect", data=sent if isinstance(sent, (bytes, str)) else json.dumps(sent), **kwargs)


def stored(app, company) -> list[ShopEvent]:
    with app.app_context(), work.unit(tenant_id=company.tenant_id):
        return list(db.session.scalars(select(ShopEvent).order_by(ShopEvent.id)))


class TestContract:
    def test_a_batch_is_stored_and_answered(self, app, company, send):
        answer = send(body(company, event(), event("product_viewed", product="tea-12", title="Green tea")))
        assert (answer.status_code, answer.json) == (202, {"accepted": 2, "refused": []})
        assert {(row.type, row.product) for row in stored(app, company)} == {("page_viewed", None), ("product_viewed", "tea-12")}
