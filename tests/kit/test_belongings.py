"""What hangs on a record is taken out and put back to the last byte, or moved and moved back."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert, select, text

from saas.commerce.models import Cart, Order, OrderLine, Refund, Visit, Visitor
from saas.customers import identity, profiles, timeline
from saas.customers.models import Consent, Customer
from saas.kit import belongings, identifiers, scope, work
from saas.kit.belongings.models import JournalRow
from saas.kit.db import db
from saas.marketing.models import Campaign, MailEvent, Mailing, MailingRecipient

NOW = datetime(2026, 3, 1, 12, 30, 0, 123456, tzinfo=UTC)

TABLES = """SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'
            WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition
            AND has_table_privilege(c.oid, 'SELECT')"""


def digest(but: tuple[str, ...] = ("journal_rows", "day_changes")) -> dict[str, str]:
    """The bound tenant's whole data, table by table, as PostgreSQL writes it."""
    found = {}
    for name in db.session.scalars(text(TABLES)).all():
        if name not in but:
            query = f"SELECT md5(coalesce(string_agg(t::text, E'\\n' ORDER BY t::text), '')), count(*) FROM \"{name}\" t WHERE tenant_id = :tenant"
            found[name] = tuple(db.session.execute(text(query), {"tenant": scope.tenant_id()}).one())
    return found


def row(model, **values):
    made = {"tenant_id": scope.tenant_id(), "id": identifiers.new(), **values}
    db.session.execute(insert(model), [made])
    return made["id"]


def person(name: str, *, mailing=None, words: str = "note", number: int = 3) -> object:
    """A customer with something in every table that hangs on customers."""
    customer = profiles.create(
        email=f"{name}-{uuid4().hex[:8]}@shop.example", first_name=name, tags=["a", 'b"c', ""]
    ).id
    visitor = f"{name}-{uuid4().hex}"[:40]
    identity.link(customer, "visitor", visitor)
    order = row(Order, source_id=uuid4(), external_id="1", number="1", customer_id=customer, visitor=visitor, cart_id="", status="paid", currency="EUR",
                placed_at=NOW, created_at=NOW, updated_at=NOW, lines_micros=2**53 + number, version=words)  # fmt: skip
    row(OrderLine, order_id=order, position=1, quantity=number, unit_micros=-1, line_micros=2**60, flags=["x", "y,z"])
    row(Refund, source_id=uuid4(), order_key="1", key="1", order_id=order, amount_micros=5, at=NOW, reason=words)
    row(
        Visitor,
        visitor=visitor,
        customer_id=customer,
        first_seen_at=NOW,
        last_seen_at=NOW,
        consent={"deep": [1, None, words]},
    )
    for _number in range(number):
        row(Visit, visitor=visitor, customer_id=customer, began_at=NOW, ended_at=NOW, products=[words, "q"])
    row(
        Cart,
        visitor=visitor,
        customer_id=customer,
        order_id=order,
        items=[{"product": words}],
        began_at=NOW,
        changed_at=NOW,
        changed_by=uuid4(),
    )
    row(
        Consent,
        customer_id=customer,
        channel="email",
        state="granted",
        at=NOW,
        source="x",
        proof={"text": words, "none": None},
    )
    timeline.add(customer_id=customer, kind="note", at=NOW, title=words or "-", key=str(customer))
    if mailing is not None:
        recipient = row(
            MailingRecipient, mailing_id=mailing, customer_id=customer, email="x@y.example", state="sent", offers=None
        )
        row(MailEvent, mailing_id=mailing, recipient_id=recipient, customer_id=customer, kind="open", at=NOW)
    return customer


def a_mailing():
    campaign = row(Campaign, name="c", created_at=NOW, updated_at=NOW)
    return row(
        Mailing,
        campaign_id=campaign,
        name="m",
        compiled={},
        definition={},
        sender_email="a@b.example",
        holdout_percent=0,
    )


class TestOf:
    def test_it_reads_the_foreign_keys(self, app):
        found = {(b.table, b.column): b.ondelete for b in belongings.of("customers")}
        assert found["orders", "customer_id"] == "empty"
        assert found["consents", "customer_id"] == "cascade"
        assert found["customer_facts", "id"] == "cascade"
        assert belongings.of("consents") == []

    def test_it_reaches_several_levels(self, app):
        assert belongings.reached("campaigns")[:2] == ["campaigns", "mailings"]
        assert {"mailing_recipients", "mail_events", "attributions", "mail_links"} <= set(
            belongings.reached("campaigns")
        )

    def test_a_room_declares_what_has_no_foreign_key(self, app):
        belongings.declare("customers", "shop_events", "visitor")
        belongings.declare("customers", "shop_events", "visitor")
        assert [b.table for b in belongings.declared("customers")].count("shop_events") == 1


class TestTakeOutAndPutBack:
    def test_thousands_go_and_come_back_to_the_last_byte(self, tenant):
        mailing = a_mailing()
        stays = person("stays", mailing=mailing)
        gone = [person(f"gone{number}", mailing=mailing) for number in range(4)]
        many = [{"tenant_id": scope.tenant_id(), "id": identifiers.new(), "customer_id": gone[0], "kind": "note", "at": NOW, "title": "t", "details": {}}
                for _number in range(2500)]  # fmt: skip
        db.session.execute(insert(timeline.TimelineEntry), many)
        db.session.flush()
        before = digest()
        journal = belongings.take_out("customers", gone)
        assert db.session.scalars(select(Customer.id)).all() == [stays]
        assert belongings.counts(journal)["timeline_entries"] >= 2504
        assert db.session.scalar(select(Order.customer_id).where(Order.customer_id == gone[0])) is None
        assert digest() != before
        done = belongings.put_back(journal)
        assert done["customers"] == 4
        assert digest() == before
        assert db.session.scalar(select(JournalRow.id).limit(1)) is None

    def test_several_levels_down(self, tenant):
        mailing = a_mailing()
        for number in range(3):
            person(f"p{number}", mailing=mailing)
        campaign = db.session.scalar(select(Campaign.id))
        before = digest()
        journal = belongings.take_out("campaigns", [campaign])
        assert belongings.counts(journal) == {"campaigns": 1, "mailings": 1, "mailing_recipients": 3, "mail_events": 3}
        assert [name for name, _id, _row in belongings.rows(journal, table="mailings")] == ["mailings"]
        belongings.put_back(journal)
        assert digest() == before

    @settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        words=st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=40),
        number=st.integers(1, 3),
    )
    def test_any_words_survive(self, tenant, words, number):
        gone = person("any", words=words, number=number)
        before = digest()
        belongings.put_back(belongings.take_out("customers", [gone]))
        assert digest() == before

    def test_json_null_is_not_the_same_as_nothing(self, tenant):
        mailing = a_mailing()
        for offers in ("NULL", "'null'::jsonb", "'[]'::jsonb"):
            one = row(MailingRecipient, mailing_id=mailing, email="", state="sent")
            db.session.execute(text(f"UPDATE mailing_recipients SET offers = {offers} WHERE id = :id"), {"id": one})
        before = digest()
        belongings.put_back(belongings.take_out("mailings", [mailing]))
        assert digest() == before

    def test_an_address_that_is_taken_by_now_stands_in_the_way(self, tenant):
        customer = profiles.create(email="ada@shop.example")
        journal = belongings.take_out("customers", [customer.id])
        holder = profiles.create(email="ada@shop.example").id
        with pytest.raises(belongings.Clash) as refused:
            belongings.put_back(journal)
        found = {(clash.table, clash.columns): clash for clash in refused.value.clashes}
        assert found["customers", ("email_norm",)].holder == holder
        assert "customer_identities" in {clash.table for clash in refused.value.clashes}

    def test_what_may_be_left_is_left(self, tenant):
        customer = profiles.create(email="bea@shop.example", external_id="7")
        journal = belongings.take_out("customers", [customer.id])
        other = profiles.create(first_name="Other", last_name="x").id
        identity.link(other, "external", "7")
        belongings.put_back(journal, leave=["customer_identities"])
        assert identity.find("external", "7") == other
        assert identity.find("email", "bea@shop.example") == customer.id

    def test_what_was_given_to_another_since_stays_there(self, tenant):
        gone, other = person("gone"), person("other")
        order = db.session.scalar(select(Order.id).where(Order.customer_id == gone))
        journal = belongings.take_out("customers", [gone])
        db.session.execute(text("UPDATE orders SET customer_id = :other WHERE id = :id"), {"other": other, "id": order})
        belongings.put_back(journal)
        assert db.session.scalar(select(Order.customer_id).where(Order.id == order)) == other

    def test_children_of_what_is_gone_for_good_stay_away(self, tenant):
        mailing = a_mailing()
        gone = person("gone", mailing=mailing)
        recipient = db.session.scalar(select(MailingRecipient.id))
        journal = belongings.take_out("mailing_recipients", [recipient])
        belongings.forget([belongings.take_out("mailings", [mailing])])
        assert belongings.put_back(journal)["mailing_recipients"] == 0
        assert db.session.scalar(select(Customer.id).where(Customer.id == gone)) == gone

    def test_twice_is_refused(self, tenant):
        journal = belongings.take_out("customers", [person("one")])
        belongings.put_back(journal)
        with pytest.raises(belongings.Gone):
            belongings.put_back(journal)

    def test_another_tenants_rows_are_never_reached(self, company, other_company, context):
        with work.unit(tenant_id=other_company.tenant_id):
            foreign = person("foreign")
            before = digest()
        with work.unit(tenant_id=company.tenant_id):
            journal = belongings.take_out("customers", [foreign])
            assert belongings.counts(journal) == {}
        with work.unit(tenant_id=other_company.tenant_id):
            assert digest() == before


class TestMove:
    def test_everything_moves_and_moves_back(self, tenant):
        mailing = a_mailing()
        winner, loser = person("winner", mailing=mailing), person("loser", mailing=mailing)
        before = digest()
        journal = belongings.move("customers", loser, winner)
        assert not set(db.session.scalars(select(Order.customer_id))) & {loser}
        places = db.session.execute(
            select(MailingRecipient.customer_id, MailingRecipient.place).order_by(MailingRecipient.place)
        ).all()
        assert places == [(winner, 0), (winner, 1)]
        counted = belongings.remaining("customers", [journal], holder=winner)
        assert counted == belongings.move_back("customers", [journal], holder=winner, to=loser)
        assert digest() == before

    def test_merges_of_merges_come_apart_in_any_order(self, tenant):
        mailing = a_mailing()
        a, b, c = (person(name, mailing=mailing) for name in "abc")
        before = digest()
        into_a = belongings.move("customers", b, a)
        into_c = belongings.move("customers", a, c, besides=[into_a])
        assert set(db.session.scalars(select(Order.customer_id))) == {c}
        belongings.move_back("customers", [into_a], holder=c, to=b)
        assert set(db.session.scalars(select(Order.customer_id))) == {b, c}
        belongings.move_back("customers", [into_c], holder=c, to=a)
        assert digest() == before

    def test_rows_that_came_later_go_back_too(self, tenant):
        winner, loser = person("winner"), person("loser")
        journal = belongings.move("customers", loser, winner)
        late = row(
            Order,
            source_id=uuid4(),
            external_id="late",
            customer_id=winner,
            currency="EUR",
            placed_at=NOW,
            created_at=NOW,
            updated_at=NOW,
        )
        belongings.note_moved(journal, "orders", [late], column="customer_id", source=loser, target=winner)
        assert belongings.move_back("customers", [journal], holder=winner, to=loser)["orders"] == 2

    def test_a_journaled_row_can_be_amended(self, tenant):
        gone = profiles.create(email="old@shop.example", first_name="Old").id
        journal = belongings.take_out("customers", [gone])
        belongings.amend(journal, "customers", gone, {"first_name": "New"})
        belongings.put_back(journal)
        assert profiles.one(gone).first_name == "New"
        assert Decimal(belongings.journal("customers", [gone])[0]["tenant_id"]) == scope.tenant_id()
