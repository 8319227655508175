"""Nothing of what somebody must not see is on any page they can open or in any answer a program gets.

A salesperson sees only her own customers and not their addresses, phones and notes. A colleague's customer and those fields
carry texts found nowhere else; then every route there is gets asked, plainly and with what an attacker would add.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from uuid import UUID

import pytest

from saas.customers import identity, owners, profiles
from saas.kit import doors, work
from saas.tenancy import roles
from tests import letters, strangers
from tests.companies import Company, drain_outbox
from tests.rooms.tenancy import crew

HIDDEN = ("email", "phone", "note", "spent_amount")
FOREIGN = "xqforeign"
SECRET = "xqsecret"
CROWD = 613
BINARY = ("application/pdf", "image/", "font/")


@dataclass
class Stage:
    """A company as a salesperson sees it, her own ids by kind, and those of a colleague's things."""

    company: Company
    hers: Company
    ids: dict[str, str]
    foreign: dict[str, str]
    role: str


@pytest.fixture(scope="module")
def stage(app) -> Stage:
    filled = strangers.filled_company(app)
    company = filled.company
    colleague = {
        "email": f"{FOREIGN}@mail.example", "first_name": f"{FOREIGN}first", "last_name": f"{FOREIGN}last", "company": f"{FOREIGN}firm",
        "phone": "+49 30 5550007777", "city": f"{FOREIGN}city", "address": f"{FOREIGN}road", "tags": [f"{FOREIGN}tag"], "consent": {"email": "granted"},
    }  # fmt: skip
    hers = {
        "email": f"{SECRET}@mail.example", "first_name": "Hers", "last_name": "Own", "phone": "+49 30 4440006666", "city": "Bonn",
        "consent": {"email": "granted"},
    }  # fmt: skip
    theirs = company.api("POST", "/customers", json=colleague).json["id"]
    mine = company.api("POST", "/customers", json=hers).json["id"]
    crowd = [{"email": f"{FOREIGN}{n}@mail.example", "first_name": f"{FOREIGN}{n}"} for n in range(CROWD)]
    assert company.api("POST", "/customers/bulk", json={"items": crowd}).status_code == 200
    orders = {}
    for owner, email, number in (("theirs", colleague["email"], f"{FOREIGN}-1"), ("mine", hers["email"], "HERS-1")):
        orders[owner] = company.api("POST", "/orders", json={
            "external_id": number, "number": number, "placed_at": "2026-11-01T10:00:00Z", "currency": "EUR", "customer": {"email": email},
            "lines": [{"product": "p1", "quantity": 1, "unit_price": "77123.45" if owner == "theirs" else "66321.55"}],
        }).json["id"]  # fmt: skip
    with app.app_context():
        role = crew.role(
            company.tenant_id, "Sees little", rows={"customer": "own"}, permissions=sorted(roles.every() - roles.OWNERS),
            hidden=[f"customer.{name}" for name in HIDDEN],
        )  # fmt: skip
        ann = crew.person(company.tenant_id, role=role, name="Ann")
        with work.unit(tenant_id=company.tenant_id):
            owners.hand_over(profiles.one(mine), to=ann.id)
            profiles.change(mine, note=f"{SECRET} note")
            profiles.write_note(customer_id=theirs, words=f"{FOREIGN} words")
            assert identity.find("email", colleague["email"]) == UUID(theirs)
    with letters.kept():
        drain_outbox(app, company)
    hers_browser = crew.browser(app, company, ann)
    return Stage(
        company, hers_browser, filled.ids | {"customer": mine, "order": orders["mine"]}, {"customer": theirs, "order": orders["theirs"]}, role
    )  # fmt: skip


def every(app, kind: str, method: str = "GET"):
    """Yield every route of a door with its rule."""
    for rule in app.url_map.iter_rules():
        if method in rule.methods and not rule.endpoint.endswith("static"):
            entrance = doors.entrance_of(app.view_functions[rule.endpoint], method)
            if entrance is not None and entrance.kind == kind:
                yield rule, entrance


PROBES = (
    {}, {"q": FOREIGN}, {"q": SECRET}, {"q": "5550007777"}, {"q": "4440006666"}, {"email": f"{SECRET}@mail.example"},
    {"email": f"{FOREIGN}@mail.example"}, {"where": f"email.is.{SECRET}@mail.example"}, {"where": f"email.begins_with.{SECRET[:4]}"},
    {"where": f"first_name.begins_with.{FOREIGN}"}, {"where": "spent_amount.at_least.1"}, {"sort": "spent"}, {"sort": "name"}, {"sort": "-spent"},
    {"columns": "phone spent owner consent"}, {"field": "email", "operator": "is", "value": f"{SECRET}@mail.example"},
    {"fields": "email,phone,note"}, {"group": "email"}, {"by": "customer"}, {"kind": "customer"}, {"view": "agreed"}, {"limit": "200"},
)  # fmt: skip


def visible(answer) -> str:
    """Return what a reader of the answer could see, without what they typed themselves."""
    if answer.content_type.startswith(BINARY):
        return ""
    return html.unescape(answer.text)


def leaks(text: str, asked: dict[str, str]) -> Iterator[str]:
    """Yield the marks in a text, leaving out those that only repeat what was asked."""
    for value in sorted(
        {*asked.values(), *(value.split(".", 2)[-1] for value in asked.values())}, key=len, reverse=True
    ):
        text = text.replace(value, "")
    marks = (
        FOREIGN,
        SECRET,
        "5550007777",
        "4440006666",
        "77123",
        "77,123",
        str(CROWD),
        str(CROWD + 1),
        str(CROWD + 2),
        str(CROWD + 3),
    )
    for mark in marks:
        if mark.isdigit() and len(mark) < 4:
            plain = re.sub(r"<(script|style)\b.*?</\1>|<[^>]*>", " ", text, flags=re.S)
            if re.search(rf"(?<![\w.,/:-]){mark}(?![\w.,/:-])", plain):
                yield mark
        elif mark in text:
            yield mark


def ask(stage: Stage, path: str, probe: dict[str, str]):
    return stage.hers.page.get(path, query_string=probe)


def test_no_page_tells_her(app, stage):
    told = []
    for rule, _entrance in every(app, "member"):
        for path in strangers.addresses(rule, stage.ids):
            for probe in PROBES if not rule.arguments else PROBES[:2]:
                answer = ask(stage, path, probe)
                found = list(leaks(visible(answer), probe))
                if answer.status_code >= 500 or found:
                    told.append((path, probe, answer.status_code, found))
    assert told == [], "\n".join(map(str, told[:60]))


def test_a_colleagues_things_are_not_there(app, stage):
    told, asked = [], 0
    for method in ("GET", "POST"):
        for rule, _entrance in every(app, "member", method):
            if "customer_id" not in rule.arguments and "order_id" not in rule.arguments:
                continue
            for path in strangers.addresses(rule, stage.ids | stage.foreign):
                asked += 1
                answer = (
                    stage.hers.page.get(path) if method == "GET"
                    else stage.hers.page.post(path, headers={"X-CSRFToken": stage.hers.csrf()})
                )  # fmt: skip
                if answer.status_code != 404:
                    told.append((method, path, answer.status_code))
    assert told == [] and asked > 10


def test_what_she_was_refused_is_not_done(app, stage):
    """Write first, authorise later (CVE-2026-41160): whatever she sends to a colleague's customer, nothing of it changes."""
    before = stage.company.api("GET", f"/customers/{stage.foreign['customer']}").json
    form = {
        "first_name": "Gone",
        "city": "Gone",
        "owner_id": "",
        "words": "Gone",
        "add": "gone",
        "state": "withdrawn",
        "reason": "Gone",
    }
    for rule, _entrance in every(app, "member", "POST"):
        if "customer_id" in rule.arguments:
            for path in strangers.addresses(rule, stage.ids | stage.foreign):
                stage.hers.post(path, form)
    assert stage.company.api("GET", f"/customers/{stage.foreign['customer']}").json == before


def test_a_program_with_the_role_learns_nothing_of_hidden_fields(app, stage):
    with app.app_context(), work.unit(tenant_id=stage.company.tenant_id):
        from saas.tenancy import api_keys

        _key, secret = api_keys.make(name="Little", role=stage.role)
    told = []
    for rule, _entrance in every(app, "key"):
        for path in strangers.addresses(rule, stage.ids):
            for probe in PROBES if not rule.arguments else PROBES[:1]:
                answer = app.test_client().get(path, query_string=probe, headers={"Authorization": f"Bearer {secret}"})
                found = [mark for mark in leaks(answer.text, probe) if mark in (SECRET, "4440006666", "5550007777")]
                if answer.status_code >= 500 or found:
                    told.append((path, probe, answer.status_code, found))
    assert told == [], "\n".join(map(str, told[:60]))


def test_asking_for_a_hidden_field_is_like_asking_for_none(app, stage):
    """The oracle of CVE-2024-36259: yes and no must look the same, and like a field that does not exist."""
    answers = {}
    for field in ("email", "spent_amount", "nonsense"):
        for value in (f"{SECRET}@mail.example", "other@mail.example", "1", "99999999"):
            page = ask(stage, "/customers", {"where": f"{field}.is.{value}"}).text
            answers[field, value] = re.sub(r"\d+", "#", page.replace(value, "VALUE").replace(field, "FIELD"))
    rows = {key: len(re.findall(r'href="/customers/#', page)) for key, page in answers.items()}
    assert len(set(rows.values())) == 1, rows
