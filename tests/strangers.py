"""Asking every route for another company's things: what there is to ask for, and the asking."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tests.companies import Company, drain_outbox, found_company

NAMES = {
    "customer_id": "customer", "product_id": "product", "order_id": "order", "shop_id": "shop", "segment_id": "segment",
    "campaign_id": "campaign", "template_id": "template", "delivery_id": "delivery", "key_id": "key", "member_id": "member",
    "domain_id": "domain", "offer_id": "offer", "import_id": "import", "export_id": "export", "rule_id": "rule", "mailing_id": "mailing", "recipient_id": "recipient", "invoice_id": "invoice",
}  # fmt: skip


@dataclass
class Filled:
    """A company that has one of many things, and their ids by kind."""

    company: Company
    ids: dict[str, str]


def filled_company(app) -> Filled:
    """Found a company and make one of each thing through the API."""
    company = found_company(app)
    ids: dict[str, str] = {}

    def make(kind: str, path: str, body: dict) -> None:
        answer = company.api("POST", path, json=body)
        assert answer.status_code == 201, (path, answer.json)
        ids[kind] = answer.json["id"]

    make("customer", "/customers", {"email": "hers@shop.example", "first_name": "Hers"})
    make(
        "product",
        "/products",
        {"external_id": "p1", "name": "Pot", "price": "5", "currency": "EUR", "url": "https://shop.example/p1"},
    )
    make("order", "/orders", {"external_id": "o1", "placed_at": "2026-05-01T10:00:00Z", "currency": "EUR",
                              "customer": {"email": "hers@shop.example"}, "lines": [{"product": "p1", "quantity": 1, "unit_price": "5"}]})  # fmt: skip
    make("shop", "/shops", {"kind": "generic", "name": "Shop"})
    make("segment", "/segments", {"name": "All", "definition": {"match": "all", "conditions": []}})
    make("template", "/templates", {"name": "Letter", "subject": "Hello", "source": "<p>Hello</p>"})
    make("campaign", "/campaigns", {"name": "Spring", "subject": "Hello", "source": "<p>Hello</p>"})
    make("rule", "/recommendations/rules", {"kind": "boost", "category": "Pots"})
    answer = company.api("POST", "/imports?kind=customer&name=people.csv", data="email\nfrom-a-file@shop.example\n", content_type="text/csv")
    ids["import"] = answer.json["id"]
    ids["export"] = company.api("POST", "/exports", json={"what": "customers"}).json["id"]
    ids["offer"] = _an_offer(app, company)
    drain_outbox(app, company)
    ids["key"], ids["member"] = _of_the_house(app, company)
    ids["domain"] = _a_domain(app, company)
    return Filled(company, ids)


def _a_domain(app, company: Company) -> str:
    from saas.kit import work
    from saas.tenancy import sso

    with app.app_context(), work.unit(tenant_id=company.tenant_id):
        return str(sso.add_domain("mail.shop.example").id)


def _an_offer(app, company: Company) -> str:
    from saas.recommend import shown

    offer = company.api("GET", "/recommendations").json["items"][0]["offer"]
    with app.app_context():
        shown.write_pending()
    assert company.api("GET", f"/recommendations/{offer}").status_code == 200
    return offer


def _of_the_house(app, company: Company) -> tuple[str, str]:
    from sqlalchemy import select

    from saas.kit import work
    from saas.kit.db import db
    from saas.tenancy.models import ApiKey, Member

    with app.app_context(), work.unit(tenant_id=company.tenant_id):
        return str(db.session.scalar(select(ApiKey.id))), str(db.session.scalar(select(Member.id)))


def addresses(rule, ids: dict[str, str]) -> Iterator[str]:
    """Yield the rule's address with the other company's ids, as far as there is one of each kind."""
    if all(NAMES.get(name) in ids for name in rule.arguments):
        yield re.sub(r"<(?:[^:>]+:)?([^>]+)>", lambda match: ids[NAMES[match.group(1)]], rule.rule)


BODIES = {
    "/orders/": {"external_id": "o1", "placed_at": "2026-05-01T10:00:00Z", "currency": "EUR"},
    "/schedule": {"at": "2090-05-01T10:00:00Z"}, "/test": {"to": "me@shop.example"}, "/consents": {"state": "granted"},
}  # fmt: skip


def call(company: Company, kind: str, method: str, path: str):
    """Ask as a company's program or as its owner at the page, with a body that would be good for one's own."""
    if kind == "key":
        body = next((body for part, body in BODIES.items() if part in path), {}) if method in ("PUT", "POST") else {}
        return company.api(method, path.removeprefix("/api/v1"), json=None if method in ("GET", "DELETE") else body)
    if method == "GET":
        return company.page.get(path)
    return company.page.open(path, method=method, headers={"X-CSRFToken": company.csrf()})
