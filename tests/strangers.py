"""Asking every route for another company's things: what there is to ask for, and the asking."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

from saas.kit import clock
from tests.companies import Company, drain_outbox, found_company

NAMES = {
    "customer_id": "customer", "product_id": "product", "order_id": "order", "cart_id": "cart", "shop_id": "shop", "segment_id": "segment",
    "campaign_id": "campaign", "template_id": "template", "delivery_id": "delivery", "key_id": "key", "member_id": "member",
    "domain_id": "domain", "offer_id": "offer", "import_id": "import", "export_id": "export", "rule_id": "rule", "trial_id": "trial", "slot_key": "slot", "mailing_id": "mailing", "recipient_id": "recipient", "invoice_id": "invoice",
    "webhook_id": "webhook", "message_id": "message", "operation_id": "operation", "file_id": "file", "role_id": "role", "team_id": "team",
    "field_id": "field", "view_id": "view", "entry_id": "entry", "item_id": "item", "pair_id": "pair", "merge_id": "merge", "share_id": "share",
    "answer_id": "answer", "join_id": "join", "parting_id": "parting", "payment_id": "payment", "dispute_id": "dispute", "payout_id": "payout", "account_id": "account", "erasure_id": "erasure", "form_id": "form", "form_trial_id": "form_trial", "watch_id": "watch", "other_id": "other", "kind": "kind", "record_id": "customer", "name": "name", "state": "state", "choice": "choice", "return_id": "return", "coupon_id": "coupon", "code_id": "code", "review_id": "review", "model_id": "model",
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
    make(
        "answer",
        "/recommendations/answers",
        {"customer_id": ids["customer"], "product_id": ids["product"], "verdict": "declined"},
    )
    make("rule", "/recommendations/rules", {"kind": "boost", "category": "Pots"})
    arms = [{"share": 50}, {"share": 50, "settings": {"engine": "newest"}}]
    make("trial", "/recommendations/trials", {"name": "New or popular", "slot": "home", "arms": arms})
    ids["slot"] = company.api("POST", "/recommendations/slots", json={"name": "Attic", "place": "home"}).json["key"]
    make("form", "/forms", {"name": "Welcome", "kind": "popup", "content": {"texts": {"en": {"title": "Welcome"}}}})
    variants = [{"share": 50}, {"share": 50, "content": {"texts": {"en": {"title": "Hello"}}}}]
    make("form_trial", f"/forms/{ids['form']}/trials", {"arms": variants})
    answer = company.api(
        "POST",
        "/imports?kind=customer&name=people.csv",
        data="email\nfrom-a-file@shop.example\n",
        content_type="text/csv",
    )
    ids["import"] = answer.json["id"]
    ids["export"] = company.api("POST", "/exports", json={"what": "customers"}).json["id"]
    ids["offer"] = _an_offer(app, company)
    ids["model"] = _a_model(app, company)
    _a_cart(app, company)
    ids["watch"] = _a_watch(app, company, ids["product"])
    drain_outbox(app, company)
    ids["return"] = _a_return(app, company, ids)
    make("coupon", "/coupons", {"name": "Welcome", "shop_id": ids["shop"], "kind": "percent", "percent": "10"})
    ids["code"] = company.api("POST", f"/coupons/{ids['coupon']}/give", json={"customer_id": ids["customer"]}).json[
        "id"
    ]
    ids["review"] = _a_review(app, company, ids["product"])
    ids["cart"] = company.api("GET", "/carts").json["items"][0]["id"]
    ids["key"], ids["member"] = _of_the_house(app, company)
    ids["domain"] = _a_domain(app, company)
    make("webhook", "/webhooks", {"url": "http://127.0.0.1:9/hear", "topics": ["order.changed"]})
    ids["message"] = company.api("POST", f"/webhooks/{ids['webhook']}/ping").json["id"]
    ids |= _of_hosting(app, company, ids)
    ids |= _of_the_till(app, company)
    return Filled(company, ids)


def _a_return(app, company: Company, ids: dict[str, str]) -> str:
    from saas.commerce import orders, return_requests
    from saas.kit import work

    with app.app_context(), work.unit(tenant_id=company.tenant_id):
        orders.one(ids["order"]).placed_at = clock.now()
        wanted = {"customer_id": UUID(ids["customer"]), "order_id": ids["order"], "quantities": {0: 1}}
        return str(return_requests.ask(**wanted, reason="other").id)


def _a_review(app, company: Company, product_id: str) -> str:
    said = {"external_id": "r1", "product": "p1", "stars": 4, "text": "A good pot", "name": "Ada"}
    made = company.api("POST", "/reviews/bulk", json={"items": [said]}).json["items"][0]
    assert made["status"] == "created", made
    return made["id"]


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


def _a_model(app, company: Company) -> str:
    from saas.kit import work
    from saas.recommend import fitting, model_versions

    with app.app_context():
        fitting.fit(company.tenant_id)
        with work.unit(tenant_id=company.tenant_id):
            return str(model_versions.listed()["popular"][0].id)


def _a_cart(app, company: Company) -> None:
    event = {
        "id": "c",
        "type": "cart_updated",
        "at": clock.now().isoformat(),
        "cart": {"items": [{"product": "p1", "quantity": 1}]},
    }
    body = {
        "site_key": company.site_key,
        "visitor": "a-strange-browser",
        "consent": {"analytics": True},
        "events": [event],
    }
    assert app.test_client().post("/collect", json=body).json["accepted"] == 1


def _a_watch(app, company: Company, product_id: str) -> str:
    from saas.kit import work
    from saas.kit.db import db
    from saas.marketing import form_intake, watching

    sender = form_intake.Sender("192.0.2.7", "a browser", None)
    with app.app_context(), work.unit(tenant_id=company.tenant_id):
        watching.ask(
            {"kind": "stock", "product": "p1", "email": "waits@shop.example", "took": 3000},
            sender,
            tenant_id=company.tenant_id,
        )
        watch = db.session.scalars(watching.listed(product_id=UUID(product_id))).one()
        watch.mailed_at = clock.now()  # nobody is written to here
        return str(watch.id)


def _of_the_house(app, company: Company) -> tuple[str, str]:
    from sqlalchemy import select

    from saas.kit import work
    from saas.kit.db import db
    from saas.tenancy.models import ApiKey, Member

    with app.app_context(), work.unit(tenant_id=company.tenant_id):
        return str(db.session.scalar(select(ApiKey.id))), str(db.session.scalar(select(Member.id)))


def _of_hosting(app, company: Company, ids: dict[str, str]) -> dict[str, str]:
    """Make what people make of their own in a company, past the doors where there is none for programs."""
    from sqlalchemy import select

    from saas.audiences import segments
    from saas.customers import merging, owners, profiles
    from saas.customers.models import CustomerShare, DuplicatePair, Erasure
    from saas.kit import clock, files, scope, work
    from saas.kit.db import db
    from saas.tenancy import custom_fields, made_roles, operations, saved_views, teams
    from saas.tenancy.audit_models import BinItem
    from saas.tenancy.models import AuditEntry

    found: dict[str, str] = {"kind": "customer", "name": "city", "state": "different", "choice": "red"}
    actor = scope.Actor("member", ids["member"], "Owner")
    with app.app_context(), work.unit(tenant_id=company.tenant_id, actor=actor):
        found["role"] = str(
            made_roles.create(name="Own", permissions=["customers.read"], rows={}, hidden=[], locked=[]).id
        )
        team = teams.create(name="North")
        found["team"] = str(team.id)
        found["field"] = str(custom_fields.make(kind="customer", label="Size", type="text").id)
        found["view"] = str(saved_views.create(kind="customer", name="Mine", content={"where": ["city.is.Bath"]}).id)
        found["file"] = str(files.write([b"a,b"], name="list.csv", permission="customers.read").id)
        first, second, third = (
            profiles.create(email=f"{name}@shop.example", city="Bath").id for name in ("one", "two", "three")
        )
        found["other"] = str(second)
        owners.share(profiles.one(first), team_id=team.id)
        found["merge"] = str(merging.merge(winner_id=first, loser_id=third).id)
        one_id, other_id = sorted((first, second))
        pair = DuplicatePair(one_id=one_id, other_id=other_id, score=900, found_at=clock.now())
        erasure = Erasure(erased_at=clock.now())
        db.session.add_all([pair, erasure])
        segments.delete(segments.create(name="Gone", definition={"match": "all", "conditions": []}).id)
        found["operation"] = str(operations.start(kind=operations.kinds()[0].name, params={}).id)
        db.session.flush()
        found["pair"], found["erasure"] = str(pair.id), str(erasure.id)
        for name, model in (("share", CustomerShare), ("item", BinItem), ("entry", AuditEntry)):
            found[name] = str(db.session.scalar(select(model.id)))
        operations.cancel(found["operation"])
        found["join"], found["parting"] = _joined(UUID(ids["customer"]))
    return found


def _joined(customer_id: UUID) -> tuple[str, str]:
    """Give a customer a browser, and take another away."""
    from saas.commerce import unjoining
    from saas.customers import identity, joins

    for browser in ("a-known-browser", "a-parted-browser"):
        identity.bind_visitor(browser, customer_id, proven=True)
    known, parted = (
        next(one.id for one in joins.about(customer_id) if one.visitor == name)
        for name in ("a-known-browser", "a-parted-browser")
    )
    return str(known), str(unjoining.unjoin(customer_id, parted)[0].id)


def _of_the_till(app, company: Company) -> dict[str, str]:
    """Make a payment account and one of each that it tells of, as though a vendor had told it."""
    from sqlalchemy import select

    from saas.commerce import payment_accounts, payment_writing
    from saas.commerce.connectors import stripe
    from saas.commerce.payment_models import Dispute, Payment, Payout
    from saas.kit import work
    from saas.kit.db import db

    now = clock.now()
    about = stripe.About("acct_1strange", "Strange till", "DE", "EUR")
    with app.app_context(), work.unit(tenant_id=company.tenant_id):
        account = payment_accounts.enter(payment_accounts.Tried("consent", "", about, False, []))
        payment_writing.payments(account, [{
            "key": "pi_strange", "charge": "ch_strange", "at": now, "state": "succeeded", "currency": "EUR", "amount": 500, "received_amount": 500,
            "refunded_amount": 0, "disputed": True, "settled_currency": "", "fee_amount": None, "net_amount": None, "method": "card", "brand": "visa",
            "last4": "4242", "failure": "", "risk": "", "risk_score": None, "number": "", "reference": "", "email": "hers@shop.example",
        }], asked_at=now, quiet=True)  # fmt: skip
        payment_writing.disputes(account, [{
            "key": "dp_strange", "payment_key": "pi_strange", "opened_at": now, "due_at": now, "state": "needs_answer", "inquiry": False,
            "reason": "general", "currency": "EUR", "amount": 500,
        }], asked_at=now, quiet=True)  # fmt: skip
        payment_writing.payouts(account, [{
            "key": "po_strange", "made_at": now, "arrives_on": None, "state": "paid", "currency": "EUR", "amount": 500, "automatic": False, "failure": "",
        }], asked_at=now, quiet=True)  # fmt: skip
        account.backfill = {}
        kinds = {"payment": Payment, "dispute": Dispute, "payout": Payout}
        found = {name: str(db.session.scalar(select(model.id))) for name, model in kinds.items()}
        return found | {"account": str(account.id)}


def addresses(rule, ids: dict[str, str]) -> Iterator[str]:
    """Yield the rule's address with the other company's ids, as far as there is one of each kind."""
    own = set(rule.arguments) - {"kind", "name", "state", "choice"}  # these are the same words in every company
    if own and all(NAMES.get(name) in ids for name in rule.arguments):
        yield re.sub(r"<(?:[^:>]+:)?([^>]+)>", lambda match: ids[NAMES[match.group(1)]], rule.rule)


BODIES = {
    "/take-over": {"arm": "today"}, "POST /api/v1/forms/": {"arms": [{"share": 50}, {"share": 50, "content": {"look": {"accent": "#aa3300"}}}]},
    "PATCH /api/v1/payment-accounts/": {"shop_id": None}, "/give": {"customer_id": "11111111-1111-4111-8111-111111111111"},
    "PATCH /api/v1/orders/": {"custom": {}}, "/merges/": {"different": True},
    "/orders/": {"external_id": "o1", "placed_at": "2026-05-01T10:00:00Z", "currency": "EUR"},
    "/schedule": {"at": "2090-05-01T10:00:00Z"}, "/test": {"to": "me@shop.example"}, "/consents": {"state": "granted"},
    "/customers/duplicates/": {"state": "different"}, "/merge": {"loser": "11111111-1111-4111-8111-111111111111"},
    "PATCH /api/v1/members/": {"role": "sales"}, "/notes": {"words": "Hello"}, "/fixes": {"column": "email", "to": "a@shop.example"},
    "POST /api/v1/fields/": {"label": "Red"}, "/returns/": {"state": "accepted"}, "/decision": {"state": "waiting"}, "PUT /api/v1/reviews/": {"answer": "Thanks"}, "/preferences": {"rhythms": {}}, "PUT /api/v1/fields/": {"keys": ["red"]},
}  # fmt: skip


def call(company: Company, kind: str, method: str, path: str):
    """Ask as a company's program or as its owner at the page, with a body that would be good for one's own."""
    if kind == "key":
        body = next((body for part, body in BODIES.items() if part in f"{method} {path}"), {})
        return company.api(method, path.removeprefix("/api/v1"), json=None if method in ("GET", "DELETE") else body)
    if method == "GET":
        return company.page.get(path)
    return company.page.open(path, method=method, headers={"X-CSRFToken": company.csrf()})
