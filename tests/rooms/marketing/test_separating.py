"""An address is taken off a customer: the forms, wishes and mails of that address go along, and come back when it is undone."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from sqlalchemy import select

from saas.catalog import products
from saas.commerce import orders, shops, unjoining
from saas.customers import facts, identity, profiles, timeline
from saas.customers.models import NO_SOURCE, Identity, Join
from saas.kit import work
from saas.kit.db import db
from saas.marketing import form_intake, forms, pushing, watching
from saas.marketing.models import FormSubmission, MailEvent, MailingRecipient, ProductWatch
from saas.tenancy import undoing
from saas.tenancy.models import AuditEntry
from tests.rooms.commerce.browsers import VISITOR, identified, tell, viewed

SHOP = UUID(int=7)
DAY = datetime(2026, 3, 1, tzinfo=UTC)
ANN, BOB = "ann@shop.example", "Bob@shop.example"
ANNS, BOBS = "browser-of-ann-00001", "browser-of-bob-00001"
WANTED = {ANN: "lamp", BOB: "mug"}  # one person waits for a thing but once, by whichever address
HERE = form_intake.Sender("192.0.2.7", "Firefox", None)
MODELS = (FormSubmission, ProductWatch, MailingRecipient, MailEvent)


class Mixed:
    """Ann's account at a shop, by which Bob ordered too; then both sent a form, wait for a product, and got a mail."""

    def __init__(self, shop, drain) -> None:
        self.shop, self.drain = shop, drain
        self.form = self.furnish()
        self.order("a1", 0, ANN)
        self.order("b1", 1, BOB)
        self.customer = self.whose("email", ANN.lower())
        assert self.customer == self.whose("email", BOB.lower())
        for email, browser in ((ANN, ANNS), (BOB, BOBS)):
            self.send_form(email, browser)
            self.wait(email, browser)
        self.mailing = shop.send()
        self.settle()
        [row] = shop.rows(self.mailing)
        assert row.email == BOB and row.state == "sent"
        with shop.unit():
            db.session.add(MailEvent(mailing_id=self.mailing, recipient_id=row.id, customer_id=row.customer_id, kind="click", at=row.sent_at))  # fmt: skip
            sent = db.session.get_one(MailingRecipient, (shop.tenant_id, row.id))
            sent.clicked_at = row.sent_at
            db.session.flush()
            pushing.count([self.customer])  # as the timetable does

    def furnish(self) -> UUID:
        content = {"fields": [{"name": "email"}], "texts": {"en": {"title": "Ten percent"}}}
        with self.shop.unit():
            made = forms.create(name="Welcome", kind="popup", content=content)
            forms.show(made.id)
            common = {"price": "20.00", "currency": "EUR", "stock": 0}
            products.upsert_many([{"external_id": one, "name": one.title(), **common} for one in WANTED.values()], SHOP)
            return made.id

    def order(self, key: str, day: float, email: str) -> None:
        at = DAY + timedelta(days=day)
        person = {"external_id": "7", "email": email, "first_name": email[:3], "consent": {"email": "granted"}, "updated_at": at}  # fmt: skip
        with self.shop.unit():
            orders.record_many([{"external_id": key, "number": key, "placed_at": at, "status": "paid", "currency": "EUR", "total": "10.00", "customer": person, "lines": []}], SHOP)  # fmt: skip

    def send_form(self, email: str, browser: str) -> None:
        given = {"language": "en", "took": 4000, "visitor": browser, "values": {"email": email}, "purposes": [], "url": "https://shop.example/"}  # fmt: skip
        with self.shop.unit():
            form_intake.receive(str(self.form), given, HERE)

    def wait(self, email: str, browser: str) -> None:
        given = {"kind": "stock", "product": WANTED[email], "language": "en", "took": 4000, "visitor": browser, "email": email, "url": "https://shop.example/lamp"}  # fmt: skip
        with self.shop.unit():
            watching.ask(given, HERE, tenant_id=self.shop.tenant_id)
        self.settle()
        with self.shop.unit():
            asked = select(ProductWatch.id).where(ProductWatch.email == email)
            watching.confirm(db.session.scalars(asked).one(), address="192.0.2.7", browser="Firefox")

    def settle(self) -> None:
        self.drain(self.shop.company)

    def whose(self, kind: str, value: str) -> UUID | None:
        with self.shop.unit():
            return identity.find(kind, value)

    def take_off(self, email: str) -> UUID:
        """Take an address off and return whose it is now."""
        with self.shop.unit():
            name = select(Identity.id).where(
                Identity.kind == "email", Identity.value == email.lower(), Identity.source_id == NO_SOURCE
            )
            parting = unjoining.unjoin(self.customer, db.session.scalars(name).one())[0]
            to = parting.to_id
        self.settle()
        return to

    def holdings(self) -> dict[str, list[tuple[str, UUID | None]]]:
        """Whose each row is, by its address; a mail's events go by the mail."""
        with self.shop.unit():
            found = {
                model.__tablename__: sorted(map(tuple, db.session.execute(select(model.email, model.customer_id))))
                for model in MODELS[:3]
            }
            return found | {
                "mail_events": sorted(("", one) for one in db.session.scalars(select(MailEvent.customer_id)))
            }

    def told(self, customer: UUID) -> Counter:
        """What a timeline says that these left there, by kind."""
        with self.shop.unit():
            kinds = ("identified", "mail_sent", "mail_clicked")
            return Counter(entry.kind for entry in db.session.scalars(timeline.of(customer, kinds=kinds)))

    def browsers(self, customer: UUID) -> set[str]:
        with self.shop.unit():
            query = select(Join.visitor).where(Join.customer_id == customer, Join.way == "form")
            return set(db.session.scalars(query))

    def mails(self, customer: UUID) -> int:
        with self.shop.unit():
            return facts.of([customer])[customer].mails_sent


@pytest.fixture
def mixed(shop, mailbox, drain):
    return Mixed(shop, drain)


def test_forms_wishes_and_mails_go_with_their_address_and_the_rest_stays(mixed):
    ann = mixed.customer
    before = mixed.told(ann)
    assert before["identified"] == 4 and mixed.browsers(ann) == {ANNS, BOBS} and mixed.mails(ann) == 1
    bob = mixed.take_off(BOB)
    assert bob not in (None, ann)
    assert mixed.holdings() == {
        "form_submissions": sorted([(ANN, ann), (BOB, bob)]), "product_watches": sorted([(ANN, ann), (BOB, bob)]),
        "mailing_recipients": [(BOB, bob)], "mail_events": [("", bob)],
    }  # fmt: skip
    assert (mixed.told(ann)["identified"], mixed.told(bob)["identified"]) == (2, 2)
    assert mixed.told(ann)["mail_sent"] == 0 and mixed.told(bob)["mail_sent"] == before["mail_sent"]
    assert (mixed.browsers(ann), mixed.browsers(bob)) == ({ANNS}, {BOBS})
    assert (mixed.mails(ann), mixed.mails(bob)) == (0, 1)


def test_undone_from_the_history_everything_is_one_again_and_can_be_taken_apart_once_more(mixed):
    ann, whole = mixed.customer, mixed.holdings()
    told, browsers = mixed.told(ann), mixed.browsers(ann)
    for _round in range(2):
        bob = mixed.take_off(BOB)
        apart = mixed.holdings()
        assert apart != whole
        with mixed.shop.unit():
            undoing.undo(last("customers.unjoined"))
        mixed.settle()
        assert mixed.holdings() == whole and bob not in {one for rows in whole.values() for _email, one in rows}
        assert mixed.told(ann) == told and mixed.browsers(ann) == browsers and mixed.mails(ann) == 1
    with mixed.shop.unit():
        undoing.undo(last("customers.rejoined"))
    mixed.settle()
    assert [len({one for _email, one in rows}) for rows in mixed.holdings().values()] == [2, 2, 1, 1]


def test_an_address_by_which_nothing_came_takes_nothing_along(mixed):
    mixed.order("c1", 5, "cleo@shop.example")
    before = mixed.holdings()
    cleo = mixed.take_off("cleo@shop.example")
    assert mixed.holdings() == before and mixed.told(cleo) == Counter() and mixed.mails(cleo) == 0


def last(action: str) -> UUID:
    """The newest entry of the history of an act."""
    query = select(AuditEntry.id).where(AuditEntry.action == action).order_by(AuditEntry.id.desc()).limit(1)
    return db.session.scalars(query).one()


def test_a_browser_that_was_taken_off_comes_back_by_undo_from_the_history_and_goes_again(company, context, drain):
    def whose():
        with work.unit(tenant_id=company.tenant_id):
            return identity.visitor(VISITOR)

    with work.unit(tenant_id=company.tenant_id):
        shops.connect(kind="generic", name="Tea shop", url="https://shop.example")
        ann = profiles.create(email=ANN, first_name="Ann").id
    tell(company, viewed("a", 0), identified("b", 1, email=ANN))
    drain(company)
    joined = whose()
    assert joined[0] == ann
    with work.unit(tenant_id=company.tenant_id):
        [browser] = [one for one in unjoining.of(ann)["joins"] if one.kind == "visitor"]
        unjoining.unjoin(ann, browser.id)
    drain(company)
    assert whose() is None or whose()[0] != ann
    for act, there in (("customers.unjoined", True), ("customers.rejoined", False), ("customers.unjoined", True)):
        with work.unit(tenant_id=company.tenant_id):
            undoing.undo(last(act))
        drain(company)
        assert (whose() == joined) is there, act
