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
from saas.audiences import filters, segments, suppression
from saas.catalog import products
from saas.commerce import live, orders
from saas.commerce.models import Order, ShopEvent, Visit, Visitor
from saas.customers import arriving, consent, duplicates, erased, identity, merging, profiles
from saas.customers.models import Customer, ErasedAddress, Erasure
from saas.integrations import erasures, persons
from saas.integrations.models import DeliveryIn
from saas.kit import belongings, clock, files, identifiers, scope, search, valkey, work
from saas.kit.belongings.models import JournalRow
from saas.kit.db import db
from saas.kit.personal import Finder, words
from saas.marketing.models import MailEvent, MailingRecipient
from saas.recommend import answers
from saas.recommend.answer_models import OfferAnswer
from saas.recommend.models import OfferShown
from saas.tenancy import audit, bin, operations
from saas.tenancy.models import BinItem
from tests.kit.test_belongings import a_mailing, digest, row
from tests.rooms.recommend import little_shop
from workers.jobs import search as search_jobs

AT = datetime(2026, 2, 1, tzinfo=UTC)
MARK = "zzmarkqx"  # nothing else is called that
MAIL, OTHER_MAIL = f"{MARK}.one@shop.example", f"{MARK}.two@shop.example"
BROWSER = f"{MARK}-browser-0001"
PHONE = "+49 30 55566677"
OF_THE_WORK = {
    "erasures",
    "audit_entries",
    "audit_values",
    "outbox",
    "reactions_done",
    "search_changes",
    "key_directory",
}
"""What tells of the erasing itself, once or four times."""


def plant(company, name: str = "") -> UUID:
    """A person everywhere a person can be; returns their id. With a name it is another one, with addresses of their own."""
    shop = row_shop()
    mail, other = f"{name}{MAIL}", f"{name}{OTHER_MAIL}"
    browser, phone = browser_of(name), PHONE if not name else f"{PHONE[:-1]}{ord(name[0]) % 7}"
    customer = profiles.create(
        email=mail,
        first_name=f"{MARK}First",
        last_name=f"{MARK}Last",
        phone=phone,
        note=f"{MARK} note",
        city=f"{MARK}City",
        tags=[f"{MARK}tag"],
    ).id
    former = profiles.create(email=other, first_name=f"{MARK}Former", last_name=f"{MARK}Last").id
    keeper = profiles.create(email=f"{name}keeper@shop.example", first_name="Keeper", last_name="Stays").id
    profiles.change(customer, company=f"{MARK}Company")
    profiles.write_note(customer_id=customer, words=f"{MARK} called today")
    consent.grant(customer_id=customer, source="form", proof={"words": f"{MARK} agreed"})
    identity.bind_visitor(browser, customer, proven=True)
    item = {"external_id": f"{name}o-1", "number": f"{name}1001", "placed_at": AT, "status": "paid", "currency": "EUR", "total": "10.00", "visitor": browser,
            "customer": {"email": mail, "external_id": f"{name}{MARK}-ext"}, "lines": [{"product": "p", "name": "Tea", "quantity": 1, "unit_price": "10.00"}],
            "refunds": [{"external_id": "r", "amount": "1.00", "at": AT, "reason": f"{MARK} did not like it"}]}  # fmt: skip
    orders.record_many([item], shop)
    orders.record_many(
        [
            {
                **item,
                "external_id": f"{name}o-2",
                "number": f"{name}1002",
                "visitor": "",
                "customer": {"email": f"{name}keeper@shop.example"},
                "refunds": [],
            }
        ],
        shop,
    )
    row(Visitor, visitor=browser, customer_id=customer, proven=True, first_seen_at=AT, last_seen_at=AT)
    row(Visit, visitor=browser, customer_id=customer, began_at=AT, ended_at=AT, landing=f"https://shop.example/{MARK}")
    db.session.execute(
        insert(ShopEvent),
        [
            {
                "tenant_id": scope.tenant_id(),
                "id": identifiers.new(),
                "visitor": browser,
                "type": "identified",
                "at": AT,
                "details": {"email": mail},
            }
        ],
    )
    db.session.execute(insert(OfferShown), [{"tenant_id": scope.tenant_id(), "id": identifiers.new(), "request_id": identifiers.new(), "at": AT, "slot": "home", "position": 1,
                                             "visitor": browser, "customer_id": customer, "product_key": "p", "reason_code": "x", "reason_text": f"because {MARK}", "algorithm": "a"}])  # fmt: skip
    mailing = a_mailing()
    recipient = row(
        MailingRecipient,
        mailing_id=mailing,
        customer_id=customer,
        email=mail,
        state="sent",
        offers=[{"for": MARK}],
        reason=f"550 {mail}",
    )
    row(
        MailEvent,
        mailing_id=mailing,
        recipient_id=recipient,
        customer_id=customer,
        kind="bounce",
        at=AT,
        detail=f"<{mail}> unknown",
    )
    row(MailingRecipient, mailing_id=mailing, email=mail, state="queued")
    suppression.suppress(mail, "bounce", detail=f"{mail} bounced")
    row(
        DeliveryIn,
        shop_id=shop,
        key="k",
        topic="order",
        body=json.dumps(item | {"placed_at": "", "refunds": []}, default=str).encode(),
        state="done",
    )
    files.write([b"email\r\n", mail.encode(), b"\r\n"], name="customers.csv", content_type="text/csv")
    files.write([b"sku\r\n1\r\n"], name="products.csv", content_type="text/csv")
    kept = files.write(
        [b"PK"], name="old.xlsx", content_type="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    )
    kept.created_at = datetime(2020, 1, 1, tzinfo=UTC)
    operation = operations.start(kind=persons.EXPORT, params={"customer_id": str(keeper), "filter": mail.upper()})
    operation.state, operation.report = "done", {"said": f"sent to {mail}"}
    operations.note_failed(operation, [(1, {"email": mail}, "no such address")])
    duplicates.look_again([customer, former, keeper])
    merging.merge(winner_id=customer, loser_id=former)
    belongings.take_out("mailing_recipients", [recipient_copy(mailing, mail)])
    return customer


def browser_of(name: str) -> str:
    return f"{BROWSER[:-1]}{name[:1] or '1'}"


def recipient_copy(mailing, mail: str) -> UUID:
    return row(MailingRecipient, mailing_id=mailing, email=mail, state="sent")


def plant_again(name: str) -> UUID:
    """Whoever was deleted and has come back by themselves, with the address they had."""
    return profiles.create(email=f"{name}{MAIL}", first_name=f"{MARK}Again").id


def finish(company, operation_id) -> None:
    with scope.tenant(company.tenant_id):
        while operations.run(operation_id):
            pass


def nothing_is_left(company, dump_url) -> None:
    """Nothing of whom is marked is in the database, in a file of the machine or in Valkey."""
    assert grep_database(dump_url, company) == []
    assert grep_folder(Path(config.get().var_dir)) == []
    assert grep_valkey() == []


def row_shop() -> UUID:
    from saas.commerce import shops

    return shops.connect(kind="generic", name="Shop")[0].id


def grep_database(url: str, company) -> list[str]:
    """Return the rows of the whole database, of every table as PostgreSQL writes it, that hold the mark as text or as bytes.

    Other tests' companies are left out, what belongs to no company is not.
    """
    found = []
    tables = """SELECT c.oid::regclass::text, EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'tenant_id')
                FROM pg_class c WHERE relkind IN ('r', 'p') AND NOT relispartition AND relnamespace = 'public'::regnamespace"""
    with psycopg.connect(url) as connection:
        for name, of_companies in connection.execute(tables).fetchall():
            rows = connection.execute(
                f"SELECT t::text FROM {name} t WHERE lower(t::text) LIKE ANY(%s)"
                + (f" AND tenant_id = {company.tenant_id}" if of_companies else ""),
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
        assert grep_database(dump_url, company) and grep_folder(folder) and grep_valkey()
        with work.unit(tenant_id=company.tenant_id):
            made = erasures.erase_now(customer)
        drain(company)
        index(company)
        assert grep_database(dump_url, company) == []
        assert grep_folder(folder) == []
        assert grep_valkey() == []
        with work.unit(tenant_id=company.tenant_id):
            counts = erasures.certificate(made.id).counts
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
            erasures.erase_now(customer)
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
            erasures.erase_now(profiles.create(email=MAIL).id)
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
            erasures.erase_now(profiles.create(email=MAIL).id)
        with work.unit(tenant_id=other_company.tenant_id):
            assert profiles.one(theirs).email == MAIL

    def test_whoever_is_named_in_a_segment_is_told(self, company, context):
        with work.unit(tenant_id=company.tenant_id):
            segments.create(name="Only one", definition={"match": "all", "conditions": []})
            db.session.execute(
                text("UPDATE segments SET definition = jsonb_build_object('x', cast(:mail AS text))"), {"mail": MAIL}
            )
            made = erasures.erase_now(profiles.create(email=MAIL).id)
            assert made.told == {"segments": 1}

    def test_as_an_operation_with_a_certificate(self, app, company, context):
        with work.unit(tenant_id=company.tenant_id):
            customer = profiles.create(email=MAIL).id
            operation_id = erasures.erase(customer).id
        finish(company, operation_id)
        with work.unit(tenant_id=company.tenant_id):
            operation = operations.one(operation_id)
            assert operation.state == "done" and str(customer) not in json.dumps([operation.params, operation.report])
            assert db.session.scalar(select(Erasure.id)) == UUID(operation.report["certificate"]["id"])


class TestAnswersToOffers:
    """What somebody said to what a colleague offered them."""

    @pytest.fixture
    def said(self, company, context) -> UUID:
        with work.unit(tenant_id=company.tenant_id):
            products.upsert_many([little_shop.product("tea-1")])
            tea = products.by_external(["tea-1"])["tea-1"].id
            whose, other = (profiles.create(email=mail).id for mail in (MAIL, "keeper@shop.example"))
            answers.say(
                customer_id=whose, product_id=tea, verdict="declined", reason="too_expensive", note=f"{MARK} has debts"
            )
            answers.say(customer_id=other, product_id=tea, verdict="accepted")
        return whose

    def test_they_are_in_the_person_s_file_with_reason_and_note(self, company, said):
        with work.unit(tenant_id=company.tenant_id):
            packed = zipfile.ZipFile(io.BytesIO(b"".join(files.chunks(persons.file_of(said).id))))
        [mine] = json.loads(packed.read("person.json"))["tables"]["offer_answers"]
        assert (mine["verdict"], mine["reason"], mine["note"]) == ("declined", "too_expensive", f"{MARK} has debts")

    def test_they_are_gone_when_the_person_is_erased_and_others_stay(self, app, company, said, drain, dump_url):
        drain(company)
        with work.unit(tenant_id=company.tenant_id):
            made = erasures.erase_now(said)
        drain(company)
        with work.unit(tenant_id=company.tenant_id):
            assert erasures.certificate(made.id).counts["offer_answers"] == 1
            assert list(db.session.scalars(select(OfferAnswer.verdict))) == ["accepted"]
        assert grep_database(dump_url, company) == []


class TestEraseMany:
    def test_nothing_of_any_of_them_is_left_anywhere(self, app, company, context, drain, dump_url, monkeypatch):
        """Three people in two steps, of whom one is in the bin too, and more words than the database is asked for."""
        monkeypatch.setattr(erasures, "TOGETHER", 2)
        monkeypatch.setattr(words, "FEW", 0)  # or the database looks for words so few
        names = ("", "b.", "c.")
        with work.unit(tenant_id=company.tenant_id):
            people = [plant(company, name) for name in names]
        drain(company)
        with work.unit(tenant_id=company.tenant_id):
            profiles.delete(people[2])
            people[2] = plant_again("c.")
        drain(company)
        index(company)
        for name, customer in zip(names, people, strict=True):
            live.note(company.tenant_id, browser_of(name), items=[("p", datetime.now(UTC))])
            live.bind(company.tenant_id, browser_of(name), customer, proven=True)
        with work.unit(tenant_id=company.tenant_id):
            assert db.session.scalar(select(func.count()).select_from(BinItem)) == 1
            operation_id = erasures.erase_many(erasures.meant(ids=people), number=3).id
        finish(company, operation_id)
        drain(company)
        index(company)
        nothing_is_left(company, dump_url)
        with work.unit(tenant_id=company.tenant_id):
            done = operations.one(operation_id)
            assert (done.state, done.done, done.failed) == ("done", 3, 0)
            made = db.session.scalars(select(Erasure)).one()
            assert str(made.id) == done.report["certificate"]["id"] and made.people == 7  # with four they were before
            assert made.counts["customers"] == 4 and made.counts["orders"] == 3
            assert set(db.session.scalars(select(Customer.email))) == {f"{name}keeper@shop.example" for name in names}  # fmt: skip
            assert db.session.scalar(select(func.count()).select_from(Order).where(Order.customer_id.is_not(None))) == 3
            assert db.session.scalar(select(func.count()).select_from(BinItem)) == 0
            assert {entry.entry.action for entry in audit.of_record(kind="customer", record_id=people[0])} >= {"customers.erased"}  # fmt: skip

    def test_it_reaches_what_one_by_one_reaches(self, company, other_company, context, drain):
        """The same people, together and each alone: the same rows are left, table by table."""
        left = []
        for one, together in ((company, True), (other_company, False)):
            with work.unit(tenant_id=one.tenant_id):
                people = [plant(one, name) for name in ("", "b.", "c.", "d.")]
            drain(one)
            with work.unit(tenant_id=one.tenant_id):
                for some in [people] if together else [[each] for each in people]:
                    erasures.erase_now(*some)
            drain(one)
            with work.unit(tenant_id=one.tenant_id):
                left.append({name: number for name, (_digest, number) in digest().items() if name not in OF_THE_WORK})
        assert left[0] == left[1]

    @pytest.mark.parametrize(("city", "number"), [("Bath", 1), ("Bath", 3), ("Oslo", 0)])
    def test_the_number_has_to_be_right_and_somebody_there(self, company, context, city, number):
        with work.unit(tenant_id=company.tenant_id):
            for name in "ab":
                profiles.create(email=f"{name}@shop.example", city="Bath")
        with pytest.raises(erasures.WrongNumber), work.unit(tenant_id=company.tenant_id):
            erasures.erase_many(erasures.meant(definition=filters.definition([f"city.is.{city}"])), number=number)
        with work.unit(tenant_id=company.tenant_id):
            assert operations.going() == []

    def test_who_is_gone_meanwhile_is_told(self, company, context):
        with work.unit(tenant_id=company.tenant_id):
            ids = [profiles.create(email=f"{name}@shop.example").id for name in "ab"]
            operation_id = erasures.erase_many(erasures.meant(ids=ids), number=2).id
        with work.unit(tenant_id=company.tenant_id):
            erasures.erase_now(ids[0])
        finish(company, operation_id)
        with work.unit(tenant_id=company.tenant_id):
            done = operations.one(operation_id)
            assert (done.state, done.done, done.failed) == ("done", 1, 1)

    @pytest.mark.parametrize("few", [0, 12])
    def test_whose_address_ends_like_theirs_keeps_all_in_the_bin_too(self, company, context, monkeypatch, few):
        monkeypatch.setattr(words, "FEW", few)
        with work.unit(tenant_id=company.tenant_id):
            anna, joanna = (profiles.create(email=f"{name}@shop.example", note=name).id for name in ("anna", "joanna"))
            profiles.delete(joanna)
            operations.start(kind=persons.EXPORT, params={"to": ["joanna@shop.example", "anna@shop.example"]})
            files.write([b"email\r\njoanna@shop.example\r\n"], name="others.csv", content_type="text/csv")
        with work.unit(tenant_id=company.tenant_id):
            erasures.erase_now(anna)
        with work.unit(tenant_id=company.tenant_id):
            bin.restore(bin.find("customer", joanna))
            assert [(one.email, one.note) for one in db.session.scalars(select(Customer))] == [("joanna@shop.example", "joanna")]  # fmt: skip
            assert operations.going()[0].params == {"to": ["joanna@shop.example", "[erased]"]}
            assert [file.name for file in files.kept()] == ["others.csv"]


AROUND = [
    ("", ""), ("<", ">"), ("\\n", "\\n"), ("\\u003c", "\\u003e"), ("x", ""), ("", "x"), ("联系", "。"), ("mailto:", "?subject=x"), ("%3c", "%3e"),
    ("=20", "=\n"), ("jo", ""), ("", ".org"), ("", ". And"), ("jo.", ""), ("jo-", ""), ("", "-shop"), ('{"a":"', '"}'), ("ada@shop.example,", ",b@c.example"),
]  # fmt: skip
NOT_THEIRS = {("x", ""), ("", "x"), ("jo", ""), ("", ".org"), ("jo.", ""), ("jo-", ""), ("", "-shop")}


class TestWords:
    @pytest.mark.parametrize(("before", "after"), AROUND)
    def test_both_ways_of_looking_find_the_same(self, company, context, before, after):
        written = f"{before}ada@shop.example{after}"
        assert words.Finder([b"ada@shop.example"]).stands(written.encode()) == ((before, after) not in NOT_THEIRS)
        with work.unit(tenant_id=company.tenant_id):
            said = db.session.scalar(
                text("SELECT lower(:written) ~ :pattern"),
                {"written": written, "pattern": words.pattern("ada@shop.example")},
            )
            assert said == ((before, after) not in NOT_THEIRS)
            escaped = db.session.scalar(
                text("SELECT lower(encode(convert_to(:written, 'UTF8'), 'escape')) ~ :pattern"),
                {"written": written, "pattern": words.pattern("ada@shop.example")},
            )
            assert escaped == ((before, after) not in NOT_THEIRS)

    def test_other_words_are_found_inside_others(self):
        known = ["+493055566677", "abc123", "löwenzahn"]
        finder = Finder([word.encode() for word in known])
        for said in (
            "+493055566677",
            "00493055566677 +493055566677",
            "xabc1234",
            "Löwenzahn löwenzahn",
            "löwen",
            "abc12",
        ):
            assert {number for number, _at in finder.find(said.encode())} == {
                number for number, word in enumerate(known) if word in said
            }, said
        assert not finder.stands(b"") and not Finder([]).stands(b"anything at all")


class TestEraseFromTheBin:
    def test_without_bringing_them_back(self, app, company, context, drain, dump_url):
        with work.unit(tenant_id=company.tenant_id):
            customer = plant(company)
        drain(company)
        with work.unit(tenant_id=company.tenant_id):
            profiles.delete(customer)
        drain(company)
        with work.unit(tenant_id=company.tenant_id):
            item = bin.find("customer", customer)
            operation_id = erasures.erase_binned(item.id).id
        finish(company, operation_id)
        drain(company)
        index(company)
        nothing_is_left(company, dump_url)
        with work.unit(tenant_id=company.tenant_id):
            assert operations.one(operation_id).state == "done"
            told = [entry.entry.action for entry in audit.of_record(kind="customer", record_id=customer)]
            assert told[0] == "customers.erased" and "customers.restored" not in told
            order = db.session.scalars(select(Order).where(Order.number == "1001")).one()
            assert (order.customer_id, order.visitor) == (None, "")
            assert erased.known([MAIL]) == {MAIL}

    def test_their_orders_in_the_bin_go_with_them_and_other_peoples_stay(self, company, context):
        with work.unit(tenant_id=company.tenant_id):
            ids = [profiles.create(email=f"{name}@shop.example").id for name in ("ada", "bo")]
            made = orders.record_many(
                [{"external_id": f"o-{name}", "number": name, "placed_at": clock.now(), "currency": "EUR", "lines": [], "visitor": f"browser-of-{name}-1",
                  "customer": {"email": f"{name}@shop.example"}} for name in ("ada", "bo")]
            )  # fmt: skip
            bin.put("order", {one.id: name for one, name in zip(made, ("ada", "bo"), strict=True)})
        with work.unit(tenant_id=company.tenant_id):
            certificate = erasures.erase_now(ids[0])
            assert certificate.counts["bin_items"] == 1
        with work.unit(tenant_id=company.tenant_id):
            assert bin.find("order", made[1].id).title == "bo"
            with pytest.raises(bin.NotInTheBin):
                bin.find("order", made[0].id)
            whose = set(
                db.session.scalars(
                    select(JournalRow.row["customer_id"].astext).where(JournalRow.table_name == "orders")
                )
            )
            assert whose == {str(ids[1])}

    def test_others_deleted_with_them_stay_in_the_bin_and_come_back(self, company, context):
        with work.unit(tenant_id=company.tenant_id):
            ids = [profiles.create(email=f"{name}@shop.example", first_name=name).id for name in ("ada", "bo")]
            bin.put("customer", dict(zip(ids, ("ada", "bo"), strict=True)))
        with work.unit(tenant_id=company.tenant_id):
            erasures.erase_binned_now(bin.find("customer", ids[0]).id)
        with work.unit(tenant_id=company.tenant_id):
            bin.restore(bin.find("customer", ids[1]))
            assert [one.email for one in db.session.scalars(select(Customer))] == ["bo@shop.example"]

    def test_whoever_came_back_by_an_order_is_erased_in_the_list_and_the_bin_with_them(
        self, company, context, dump_url
    ):
        with work.unit(tenant_id=company.tenant_id):
            old = profiles.create(email=MAIL, first_name=f"{MARK}First", note=f"{MARK} note").id
            profiles.delete(old)
            new = profiles.create(email=MAIL).id
            item = bin.find("customer", old)
            with pytest.raises(erasures.OthersAddress) as refused:
                erasures.erase_binned(item.id)
            assert refused.value.holder == new
        with work.unit(tenant_id=company.tenant_id):
            erasures.erase_now(new)
        with work.unit(tenant_id=company.tenant_id), pytest.raises(bin.NotInTheBin):
            bin.find("customer", old)
        index(company)
        assert grep_database(dump_url, company) == []


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
