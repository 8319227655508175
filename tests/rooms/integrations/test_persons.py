"""One person's data comes out whole, and is gone when it is erased: from every table, index, file, queue and copy."""

from __future__ import annotations

import io
import json
import zipfile
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import func, insert, select, text

from saas import config
from saas.audiences import segments, suppression
from saas.commerce import live, orders
from saas.commerce.models import Order, ShopEvent, Visit, Visitor
from saas.customers import arriving, consent, duplicates, erased, identity, merging, profiles
from saas.customers.models import Customer, ErasedAddress, Erasure
from saas.integrations import persons
from saas.integrations.models import DeliveryIn
from saas.kit import belongings, files, identifiers, scope, search, valkey, work
from saas.kit.db import db
from saas.marketing.models import MailEvent, MailingRecipient
from saas.recommend.models import OfferShown
from saas.tenancy import operations
from tests.kit.test_belongings import a_mailing, row
from workers.jobs import search as search_jobs

AT = datetime(2026, 2, 1, tzinfo=UTC)
MARK = "zzmarkqx"  # nothing else is called that
MAIL, OTHER_MAIL = f"{MARK}.one@shop.example", f"{MARK}.two@shop.example"
BROWSER = f"{MARK}-browser-0001"
PHONE = "+49 30 55566677"


def plant(company) -> UUID:
    """A person everywhere a person can be; returns their id."""
    shop = row_shop()
    customer = profiles.create(
        email=MAIL,
        first_name=f"{MARK}First",
        last_name=f"{MARK}Last",
        phone=PHONE,
        note=f"{MARK} note",
        city=f"{MARK}City",
        tags=[f"{MARK}tag"],
    ).id
    former = profiles.create(email=OTHER_MAIL, first_name=f"{MARK}Former", last_name=f"{MARK}Last").id
    keeper = profiles.create(email="keeper@shop.example", first_name="Keeper", last_name="Stays").id
    profiles.change(customer, company=f"{MARK}Company")
    profiles.write_note(customer_id=customer, words=f"{MARK} called today")
    consent.grant(customer_id=customer, source="form", proof={"words": f"{MARK} agreed"})
    identity.bind_visitor(BROWSER, customer, proven=True)
    item = {"external_id": "o-1", "number": "1001", "placed_at": AT, "status": "paid", "currency": "EUR", "total": "10.00", "visitor": BROWSER,
            "customer": {"email": MAIL, "external_id": f"{MARK}-ext"}, "lines": [{"product": "p", "name": "Tea", "quantity": 1, "unit_price": "10.00"}],
            "refunds": [{"external_id": "r", "amount": "1.00", "at": AT, "reason": f"{MARK} did not like it"}]}  # fmt: skip
    orders.record_many([item], shop)
    orders.record_many(
        [
            {
                **item,
                "external_id": "o-2",
                "number": "1002",
                "visitor": "",
                "customer": {"email": "keeper@shop.example"},
                "refunds": [],
            }
        ],
        shop,
    )
    row(Visitor, visitor=BROWSER, customer_id=customer, proven=True, first_seen_at=AT, last_seen_at=AT)
    row(Visit, visitor=BROWSER, customer_id=customer, began_at=AT, ended_at=AT, landing=f"https://shop.example/{MARK}")
    db.session.execute(
        insert(ShopEvent),
        [
            {
                "tenant_id": scope.tenant_id(),
                "id": identifiers.new(),
                "visitor": BROWSER,
                "type": "identified",
                "at": AT,
                "details": {"email": MAIL},
            }
        ],
    )
    db.session.execute(insert(OfferShown), [{"tenant_id": scope.tenant_id(), "id": identifiers.new(), "request_id": identifiers.new(), "at": AT, "slot": "home", "position": 1,
                                             "visitor": BROWSER, "customer_id": customer, "product_key": "p", "reason_code": "x", "reason_text": f"because {MARK}", "algorithm": "a"}])  # fmt: skip
    mailing = a_mailing()
    recipient = row(
        MailingRecipient,
        mailing_id=mailing,
        customer_id=customer,
        email=MAIL,
        state="sent",
        offers=[{"for": MARK}],
        reason=f"550 {MAIL}",
    )
    row(
        MailEvent,
        mailing_id=mailing,
        recipient_id=recipient,
        customer_id=customer,
        kind="bounce",
        at=AT,
        detail=f"<{MAIL}> unknown",
    )
    row(MailingRecipient, mailing_id=mailing, email=MAIL, state="queued")
    suppression.suppress(MAIL, "bounce", detail=f"{MAIL} bounced")
    row(
        DeliveryIn,
        shop_id=shop,
        key="k",
        topic="order",
        body=json.dumps(item | {"placed_at": "", "refunds": []}, default=str).encode(),
        state="done",
    )
    files.write([b"email\r\n", MAIL.encode(), b"\r\n"], name="customers.csv", content_type="text/csv")
    files.write([b"sku\r\n1\r\n"], name="products.csv", content_type="text/csv")
    kept = files.write(
        [b"PK"], name="old.xlsx", content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    )
    kept.created_at = datetime(2020, 1, 1, tzinfo=UTC)
    operation = operations.start(kind=persons.EXPORT, params={"customer_id": str(keeper), "filter": MAIL.upper()})
    operation.state, operation.report = "done", {"said": f"sent to {MAIL}"}
    operations.note_failed(operation, [(1, {"email": MAIL}, "no such address")])
    duplicates.look_again([customer, former, keeper])
    merging.merge(winner_id=customer, loser_id=former)
    belongings.take_out("mailing_recipients", [recipient_copy(mailing)])
    return customer


def recipient_copy(mailing) -> UUID:
    return row(MailingRecipient, mailing_id=mailing, email=MAIL, state="sent")


def row_shop() -> UUID:
    from saas.commerce import shops

    return shops.connect(kind="generic", name="Shop")[0].id


def grep_database(url: str) -> list[str]:
    """Return the rows of the whole database, of every table as PostgreSQL writes it, that hold the mark as text or as bytes."""
    found = []
    tables = "SELECT c.oid::regclass::text FROM pg_class c WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace"
    with psycopg.connect(url) as connection:
        for (name,) in connection.execute(tables).fetchall():
            rows = connection.execute(
                f"SELECT t::text FROM {name} t WHERE lower(t::text) LIKE ANY(%s)",
                [[f"%{MARK}%", f"%{MARK.encode().hex()}%"]],
            )
            found += [f"{name}: {row[0][:300]}" for row in rows]
    return found


def grep_folder(folder: Path) -> list[str]:
    mark = MARK.encode()
    return [str(path) for path in folder.rglob("*") if path.is_file() and mark in path.read_bytes().lower()]


def grep_valkey() -> list[str]:
    client = valkey.client()
    found = []
    for key in client.scan_iter(count=1000):
        kind = client.type(key).decode()
        value = {"string": lambda k: client.get(k), "stream": lambda k: client.xrange(k), "list": lambda k: client.lrange(k, 0, -1),
                 "hash": lambda k: client.hgetall(k), "set": lambda k: client.smembers(k), "zset": lambda k: client.zrange(k, 0, -1)}.get(kind, lambda k: b"")(key)  # fmt: skip
        if MARK.encode() in key.lower() or MARK.encode() in str(value).lower().encode():
            found.append(key.decode())
    return found


def index(company) -> None:
    with scope.tenant(company.tenant_id):
        search.write_pending(company.tenant_id, search_jobs.load)


@pytest.fixture
def dump_url(test_servers, database_urls):
    name = database_urls.app.rsplit("/", 1)[1]
    return test_servers["postgres"].rsplit("/", 1)[0] + "/" + name


class TestErase:
    def test_nothing_of_them_is_left_anywhere(self, app, company, context, drain, dump_url):
        with work.unit(tenant_id=company.tenant_id):
            customer = plant(company)
        drain(company)
        index(company)
        live.note(company.tenant_id, BROWSER, items=[("p", datetime.now(UTC))])
        live.bind(company.tenant_id, BROWSER, customer, proven=True)
        folder = Path(config.get().var_dir)
        assert grep_database(dump_url) and grep_folder(folder) and grep_valkey()
        with work.unit(tenant_id=company.tenant_id):
            made = persons.erase_now(customer)
        drain(company)
        index(company)
        assert grep_database(dump_url) == []
        assert grep_folder(folder) == []
        assert grep_valkey() == []
        with work.unit(tenant_id=company.tenant_id):
            counts = persons.certificate(made.id).counts
            assert {"customers", "orders", "consents", "shop_events", "offers_shown", "mailing_recipients", "deliveries_in", "stored_files", "audit_values", "journal_rows",
                    "customer_merges", "operation_failures", "operations", "suppressions", "visits", "timeline_entries"} <= set(counts)  # fmt: skip
            order = db.session.scalars(select(Order).where(Order.number == "1001")).one()
            assert (order.customer_id, order.visitor, order.total_amount) == (None, "", 1000)
            assert [c.email for c in db.session.scalars(select(Customer))] == ["keeper@shop.example"]
            assert db.session.scalars(select(Order.customer_id).where(Order.number == "1002")).one() is not None
            assert sorted(file.name for file in files.kept()) == ["old.xlsx", "products.csv"]

    def test_a_list_imported_again_does_not_bring_the_consent_back(self, app, company, context):
        with work.unit(tenant_id=company.tenant_id):
            customer = profiles.create(email=MAIL, consent={"email": "granted"}).id
            persons.erase_now(customer)
            assert db.session.scalar(select(func.count()).select_from(ErasedAddress)) == 1
        with work.unit(tenant_id=company.tenant_id):
            assert erased.known([MAIL, "other@shop.example"]) == {MAIL}
            back = arriving.upsert_many([{"email": MAIL, "consent": {"email": "granted"}}])[0].id
            assert profiles.one(back).email_consent == "unknown"
            assert consent.grant(customer_id=back, source="import", proof={"statement": "they all agreed"}) is False
            assert consent.grant(customer_id=back, source="form") is True
            assert profiles.one(back).email_consent == "granted"

    def test_a_colleague_who_says_how_they_know_may(self, app, company, context):
        with work.unit(tenant_id=company.tenant_id):
            persons.erase_now(profiles.create(email=MAIL).id)
            back = profiles.create(email=MAIL).id
            assert profiles.say_consent(customer_id=back, state="granted", reason="asked for it on the phone")

    def test_another_companys_digest_is_another(self, company, other_company, context):
        with work.unit(tenant_id=company.tenant_id):
            mine = erased.digest(MAIL)
        with work.unit(tenant_id=other_company.tenant_id):
            assert erased.digest(MAIL) != mine

    def test_the_same_address_of_another_company_stays(self, company, other_company, context):
        with work.unit(tenant_id=other_company.tenant_id):
            theirs = profiles.create(email=MAIL).id
        with work.unit(tenant_id=company.tenant_id):
            persons.erase_now(profiles.create(email=MAIL).id)
        with work.unit(tenant_id=other_company.tenant_id):
            assert profiles.one(theirs).email == MAIL

    def test_whoever_is_named_in_a_segment_is_told(self, company, context):
        with work.unit(tenant_id=company.tenant_id):
            segments.create(name="Only one", definition={"match": "all", "conditions": []})
            db.session.execute(
                text("UPDATE segments SET definition = jsonb_build_object('x', cast(:mail AS text))"), {"mail": MAIL}
            )
            made = persons.erase_now(profiles.create(email=MAIL).id)
            assert made.told == {"segments": 1}

    def test_as_an_operation_with_a_certificate(self, app, company, context):
        with work.unit(tenant_id=company.tenant_id):
            customer = profiles.create(email=MAIL).id
            operation_id = persons.erase(customer).id
        with scope.tenant(company.tenant_id):
            while operations.run(operation_id):
                pass
        with work.unit(tenant_id=company.tenant_id):
            operation = operations.one(operation_id)
            assert operation.state == "done" and str(customer) not in json.dumps([operation.params, operation.report])
            assert db.session.scalar(select(Erasure.id)) == UUID(operation.report["certificate"]["id"])


class TestExport:
    def test_everything_comes_out_in_three_shapes(self, app, company, context):
        with work.unit(tenant_id=company.tenant_id):
            customer = plant(company)
        with work.unit(tenant_id=company.tenant_id):
            file = persons.file_of(customer)
            packed = zipfile.ZipFile(io.BytesIO(b"".join(files.chunks(file.id))))
        whole = json.loads(packed.read("person.json"))
        tables = whole["tables"]
        assert {"customers", "customer_identities", "consents", "orders", "order_lines", "refunds", "timeline_entries", "visits", "shop_events", "offers_shown", "mailing_recipients",
                "mail_events", "suppressions", "customer_merges", "journal_rows"} <= set(tables)  # fmt: skip
        assert [one["email"] for one in tables["customers"]] == [MAIL]
        assert MARK in json.dumps(tables["consents"]) and any(
            one["action"] == "customers.created" for one in whole["history"]
        )
        assert "keeper@shop.example" not in packed.read("person.json").decode()
        assert f"{MARK}First" in packed.read("person.html").decode()
        assert MAIL in packed.read("csv/customers.csv").decode("utf-8-sig")
        assert set(packed.namelist()) == {"person.json", "person.html", *(f"csv/{name}.csv" for name in tables)}

    def test_a_formula_in_a_name_does_not_run(self, company, context):
        with work.unit(tenant_id=company.tenant_id):
            file = persons.file_of(profiles.create(email=MAIL, first_name="=1+1", last_name="<script>").id)
            packed = zipfile.ZipFile(io.BytesIO(b"".join(files.chunks(file.id))))
        assert ",'=1+1" in packed.read("csv/customers.csv").decode("utf-8-sig")
        assert "<script>" not in packed.read("person.html").decode()
