"""Imports of customers: who is who, what changes, what fails, and taking it all back."""

from __future__ import annotations

import pytest

from saas.customers import consent, finding, identity, profiles
from saas.integrations import imports
from saas.kit import work
from saas.tenancy import operations

FIRST = (
    "Vorname;Nachname;E-Mail;Telefon;Ort;Newsletter\n"
    "Ada;Lovelace;Ada@Shop.example;+44 20 7946 0018;London;ja\n"
    "Grace;Hopper;grace@shop.example;;New York;nein\n"
    "Nobody;;not an address;;Berlin;\n"
    "王;小明;xm@shop.example;13800138000;北京;\n"
)


@pytest.fixture
def file(company, context):
    """Bring a file and try or take it, each step as a worker would."""

    class File:
        def begin(self, content, *, kind="customer", name="people.csv", **options):
            raw = content if isinstance(content, bytes) else content.encode()
            with work.unit(tenant_id=company.tenant_id):
                held = imports.begin(kind=kind, name=name, chunks=[raw])
                if options:
                    imports.change_options(held.id, **options)
                return held.id

        def map(self, import_id, **columns):
            with work.unit(tenant_id=company.tenant_id):
                imports.change_mapping(import_id, {str(place): name for name, place in columns.items()})

        def _finish(self, operation_id):
            from saas.kit import scope

            with scope.tenant(company.tenant_id):
                while operations.run(operation_id):
                    pass
            with work.unit(tenant_id=company.tenant_id):
                operation = operations.one(operation_id)
                assert operation.attempts == 0, "a step failed"
                return operation

        def check(self, import_id):
            with work.unit(tenant_id=company.tenant_id):
                operation_id = imports.check(import_id).check_id
            return self._finish(operation_id)

        def run(self, import_id):
            with work.unit(tenant_id=company.tenant_id):
                operation_id = imports.run(import_id).run_id
            return self._finish(operation_id)

        def take(self, content, **about):
            return self.run(self.begin(content, **about))

        def undo(self, operation):
            with work.unit(tenant_id=company.tenant_id):
                operations.undo(operation.id)
            return self._finish(operation.id)

    return File()


@pytest.fixture
def customer(company, context):
    """Return how a customer of an address is now, as plain values."""

    def find(email):
        with work.unit(tenant_id=company.tenant_id):
            page = finding.listed(email=email)
            return page.items[0][0] if page.items else None

    return find


class TestTaking:
    def test_rows_become_customers_and_what_is_no_address_fails(self, file, customer):
        done = file.take(FIRST)
        assert done.state == "done"
        assert done.report["counts"] == {"created": 3, "failed": 1}
        ada = customer("ada@shop.example")
        assert (ada.first_name, ada.last_name, ada.phone, ada.city) == ("Ada", "Lovelace", "+44 20 7946 0018", "London")
        assert customer("xm@shop.example").city == "北京"

    def test_what_they_agreed_to_is_in_the_ledger_with_its_proof(self, file, customer, company):
        file.take(FIRST)
        assert customer("ada@shop.example").email_consent == "granted"
        assert customer("grace@shop.example").email_consent == "withdrawn"
        assert customer("xm@shop.example").email_consent == "unknown"
        ada = customer("ada@shop.example").id
        with work.unit(tenant_id=company.tenant_id):
            entry = consent.history(ada)[0]
        assert entry.source == "import"
        assert entry.proof["column"] is True

    def test_the_same_file_again_changes_nothing(self, file):
        file.take(FIRST)
        assert file.take(FIRST).report["counts"] == {"unchanged": 3, "failed": 1}

    def test_a_person_twice_in_a_file_is_one_and_the_last_row_wins(self, file, customer):
        done = file.take("email,city\na@x.example,Rome\nA@X.example,Paris\n")
        assert done.report["counts"] == {"created": 1, "repeated": 1}
        assert customer("a@x.example").city == "Paris"

    def test_the_first_row_wins_when_it_is_wished(self, file, customer):
        file.take("email,city\na@x.example,Rome\nA@X.example,Paris\n", repeated="first")
        assert customer("a@x.example").city == "Rome"

    def test_empty_cells_leave_what_is_there_unless_they_are_to_clear_it(self, file, customer):
        file.take("email,city\na@x.example,Rome\n")
        file.take("email,city\na@x.example,\n")
        assert customer("a@x.example").city == "Rome"
        file.take("email,city\na@x.example,\n", empty="clear")
        assert customer("a@x.example").city == ""

    def test_only_new_ones_or_only_known_ones(self, file, customer):
        file.take("email,city\na@x.example,Rome\n")
        done = file.take("email,city\na@x.example,Paris\nb@x.example,Bonn\n", mode="create")
        assert done.report["counts"] == {"skipped": 1, "created": 1}
        done = file.take("email,city\na@x.example,Oslo\nc@x.example,Bonn\n", mode="update")
        assert done.report["counts"] == {"updated": 1, "skipped": 1}
        assert customer("a@x.example").city == "Oslo"
        assert customer("c@x.example") is None

    def test_tags_are_added_to_everybody(self, file, customer):
        file.take("email,tags\na@x.example,vip\n", tags="fair 2026")
        file.take('email,tags\na@x.example,"b2b; loud"\n')
        assert customer("a@x.example").tags == ["vip", "fair 2026", "b2b", "loud"]

    def test_found_by_number_in_the_shop_the_address_changes(self, file, customer, company):
        file.take("id,email\nk1,a@x.example\n")
        done = file.take("id,email\nk1,b@x.example\n")
        assert done.report["counts"] == {"updated": 1}
        assert customer("a@x.example") is None
        with work.unit(tenant_id=company.tenant_id):
            assert identity.find("email", "b@x.example") == customer("b@x.example").id

    def test_an_address_of_somebody_else_is_refused(self, file):
        file.take("id,email\nk1,a@x.example\nk2,b@x.example\n")
        done = file.take("id,email\nk1,b@x.example\n")
        assert done.report["counts"] == {"failed": 1}

    def test_a_phone_of_several_people_finds_nobody(self, file):
        file.take("email,phone\na@x.example,+4930123456\nb@x.example,+4930123456\n")
        done = file.take("name,phone\nSomebody,+4930123456\n", match=["phone"])
        assert done.report["counts"] == {"failed": 1}

    def test_who_withdrew_is_not_subscribed_again_by_an_old_list(self, file, customer, company):
        file.take("email\na@x.example\n")
        with work.unit(tenant_id=company.tenant_id):
            profiles.say_consent(customer_id=customer("a@x.example").id, state="withdrawn", reason="wrote a letter")
        file.take("email,newsletter\na@x.example,yes\n")
        assert customer("a@x.example").email_consent == "withdrawn"
        file.take("email,newsletter,subscribed at\na@x.example,yes,2090-01-01\n")
        assert customer("a@x.example").email_consent == "granted"

    def test_a_statement_is_kept_with_each_consent(self, file, customer, company):
        file.take("email\na@x.example\n", consent_statement="Ticked the box at the fair in Bonn, 3 May 2026.")
        found = customer("a@x.example")
        assert found.email_consent == "granted"
        with work.unit(tenant_id=company.tenant_id):
            assert consent.history(found.id)[0].proof["statement"].startswith("Ticked the box")

    def test_a_constant_fills_what_no_column_does(self, file, customer):
        file.take("email\na@x.example\n", constants={"country": "DE"})
        assert customer("a@x.example").country == "DE"


class TestTrying:
    def test_a_trial_counts_what_would_happen_and_changes_nothing(self, file, customer):
        file.take("email,city\nada@shop.example,Rome\n")
        import_id = file.begin(FIRST + "Ada;;ada@shop.example;;Paris;\n")
        tried = file.check(import_id)
        assert tried.report["counts"] == {"created": 2, "updated": 1, "repeated": 1, "failed": 1}
        assert customer("grace@shop.example") is None
        cell = tried.report["cells"][0]
        assert (cell["column"], cell["value"], cell["times"], cell["line"]) == (2, "not an address", 1, 4)

    def test_a_mended_cell_lets_the_row_in(self, file, customer, company):
        import_id = file.begin(FIRST)
        with work.unit(tenant_id=company.tenant_id):
            imports.fix(import_id, column=2, said="not an address", to="nobody@shop.example")
        assert file.check(import_id).report["counts"] == {"created": 4}
        file.run(import_id)
        assert customer("nobody@shop.example").first_name == "Nobody"

    def test_the_same_headers_are_remembered(self, file, company):
        import_id = file.begin("Who,Where\na@x.example,Rome\n")
        file.map(import_id, email=0, company=1)
        file.run(import_id)
        again = file.begin("who ,WHERE\nb@x.example,Oslo\n")
        with work.unit(tenant_id=company.tenant_id):
            held = imports.one(again)
            assert held.mapping == {"0": "email", "1": "company"}
            assert held.remembered


class TestTakingBack:
    def test_what_was_made_is_removed_and_what_was_changed_is_put_back(self, file, customer):
        file.take("email,city,tags\na@x.example,Rome,vip\n")
        done = file.take("email,city,tags\na@x.example,Paris,b2b\nb@x.example,Bonn,\n")
        undone = file.undo(done)
        assert undone.state == "undone"
        assert undone.report["undo"]["counts"] == {"removed": 1, "put_back": 1}
        assert customer("b@x.example") is None
        assert (customer("a@x.example").city, customer("a@x.example").tags) == ("Rome", ["vip"])

    def test_what_changed_since_stays(self, file, customer, company):
        file.take("email,city,company\na@x.example,Rome,Acme\n")
        done = file.take("email,city,company\na@x.example,Paris,Bolt\nb@x.example,Bonn,\n")
        with work.unit(tenant_id=company.tenant_id):
            profiles.change(customer("a@x.example").id, city="Oslo")
            profiles.change(customer("b@x.example").id, city="Kiel")
        told = file.undo(done).report["undo"]
        assert told["counts"] == {"kept": 2, "put_back": 1}
        assert (customer("a@x.example").city, customer("a@x.example").company) == ("Oslo", "Acme")
        assert customer("b@x.example").city == "Kiel"

    def test_a_row_that_comes_twice_goes_back_to_the_very_first(self, file, customer, monkeypatch):
        from saas.integrations import import_work

        monkeypatch.setitem(import_work.BATCH, "customer", 1)
        file.take("email,city\na@x.example,Rome\n")
        done = file.take(
            "email,city,company\na@x.example,Paris,\na@x.example,Oslo,Acme\nb@x.example,Bonn,\nb@x.example,Kiel,\n"
        )
        assert done.report["counts"] == {"updated": 1, "repeated": 2, "created": 1}
        file.undo(done)
        assert (customer("a@x.example").city, customer("a@x.example").company) == ("Rome", "")
        assert customer("b@x.example") is None

    def test_nobody_is_mailed_on_the_word_of_a_file_that_was_taken_back(self, file, customer):
        file.take("email,city\na@x.example,Rome\n")
        done = file.take("email,city,newsletter\na@x.example,Rome,yes\nb@x.example,Bonn,yes\n")
        assert done.report["counts"] == {"updated": 1, "created": 1}
        told = file.undo(done).report["undo"]
        assert told["counts"]["removed"] == 1
        assert customer("a@x.example").email_consent == "withdrawn"
        assert customer("b@x.example") is None


class TestLikely:
    """Rows that no rule knows, and that may be customers who are there by their name and number or address."""

    ROWS = (
        "Vorname,Nachname,E-Mail,Telefon,PLZ,Ort,Newsletter\n"
        "Ada,Lovelase,,+44 (0)20 7946 0018,,Bath,ja\n"
        "Grace,Hopper,gracehopper+news@gmail.com,,10117,Berlin,ja\n"
        "Grace,Hoper,,,10117,,\n"
        "Charles,Babbage,cb@shop.example,+44 20 7946 0099,,London,\n"
    )

    @pytest.fixture
    def there(self, company, context):
        from saas.customers import arriving, duplicates

        with work.unit(tenant_id=company.tenant_id):
            items = [
                {"email": "ada@shop.example", "first_name": "Ada", "last_name": "Lovelace", "phone": "020 7946 0018", "country": "GB"},
                {"email": "grace.hopper@gmail.com", "first_name": "Grace", "last_name": "Hopper", "postcode": "10117", "address": "Ring 5"},
            ]  # fmt: skip
            ids = [one.id for one in arriving.upsert_many(items)]
            duplicates.renew_keys(ids)
        return ids

    def test_a_trial_tells_of_them_and_makes_nobody(self, file, there):
        told = file.check(file.begin(self.ROWS)).report
        assert told["counts"] == {"created": 4}
        likely = told["likely"]
        assert (likely["certain"], likely["possible"]) == (2, 1)
        assert [(row["line"], row["record_id"], row["certain"]) for row in likely["rows"]] == [
            (2, str(there[0]), True), (3, str(there[1]), True), (4, str(there[1]), False),
        ]  # fmt: skip
        assert likely["rows"][0]["evidence"][:2] == ["phone_same", "name_close"]
        assert likely["rows"][0]["says"] == "Ada Lovelase +44 (0)20 7946 0018"

    def test_usually_they_become_customers(self, file, there):
        done = file.take(self.ROWS)
        assert done.report["counts"] == {"created": 4} and "likely" not in done.report

    def test_the_certain_ones_fill_what_is_empty_and_come_back(self, file, there, company, customer):
        import_id = file.begin(self.ROWS, likely="same")
        tried = file.check(import_id)
        assert tried.report["counts"] == {"created": 2, "updated": 2}
        done = file.run(import_id)
        assert done.report["counts"] == {"created": 2, "updated": 2}
        assert (done.report["likely"]["certain"], done.report["likely"]["possible"]) == (2, 1)
        ada, grace = customer("ada@shop.example"), customer("grace.hopper@gmail.com")
        assert (ada.last_name, ada.phone, ada.city) == ("Lovelace", "020 7946 0018", "Bath")
        assert (grace.city, grace.postcode) == ("Berlin", "10117")
        assert customer("gracehopper+news@gmail.com") is None
        assert ada.email_consent == grace.email_consent == "unknown"  # they agreed for no or another address
        file.undo(done)
        assert (customer("ada@shop.example").city, customer("grace.hopper@gmail.com").city) == ("", "")
        with work.unit(tenant_id=company.tenant_id):
            assert profiles.count() == 2

    def test_two_rows_of_one_customer_are_one_change(self, file, there, customer):
        twice = "E-Mail,Vorname,Nachname,Telefon,Ort,PLZ\n,Ada,Lovelace,02079460018,Bath,\nada@shop.example,Ada,Byron,,Wells,\n,Ada,Lovelace,02079460018,Rom,BA1\n"
        import_id = file.begin(twice, likely="same", constants={"country": "GB"})
        done = file.run(import_id)
        assert done.report["counts"] == {"updated": 1, "repeated": 2}
        ada = customer("ada@shop.example")
        assert (ada.last_name, ada.city, ada.postcode) == ("Byron", "Wells", "BA1")

    def test_where_only_new_ones_are_wanted_they_are_left_out(self, file, there):
        done = file.run(file.begin(self.ROWS, likely="same", mode="create"))
        assert done.report["counts"] == {"created": 2, "skipped": 2}

    def test_whom_a_member_does_not_see_is_not_told_of(self, file, there, company):
        from saas.integrations.import_rows import Parsed
        from saas.kit import access, scope

        with work.unit(tenant_id=company.tenant_id):
            held = imports.one(file.begin(self.ROWS))
            taker = imports.taker(held)
            rows = imports.preview(held)
            assert isinstance(rows[0], Parsed)
            assert [bool(one.likely) for one in taker.decide(rows, trial=True).outcomes] == [True, True, True, False]
        limited = access.Access(permissions=access.FULL.permissions, rows={"customer": "own"}, owners=())
        with access.bound(limited), work.unit(tenant_id=company.tenant_id, actor=scope.PLATFORM):
            assert [bool(one.likely) for one in taker.decide(rows, trial=True).outcomes] == [False] * 4

    def test_only_the_two_choices(self, file):
        with pytest.raises(imports.BadSetting):
            file.begin(FIRST, likely="perhaps")
