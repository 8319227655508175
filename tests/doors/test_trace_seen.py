"""The history, undo and the bin as somebody meets them who sees only some customers, or not all of their fields."""

from __future__ import annotations

import pytest

from saas.customers import owners, profiles
from saas.integrations import erasures
from saas.kit import access, errors, scope, work
from saas.tenancy import api_keys, audit, bin, history_export, undoing
from tests.companies import Company, sign_in
from tests.rooms.tenancy import crew

SELLING = [*crew.SELLING, "operations.read", "audit.read"]
SECRET = "+49 30 9998887"


class Place:
    """A company with a salesperson whose role is limited, and a key of that role; each calls the same way."""

    def __init__(self, app, company, **role) -> None:
        self.app, self.company = app, company
        with app.app_context():
            made = crew.role(company.tenant_id, permissions=SELLING, **role)
            self.person = crew.person(company.tenant_id, role=made, name="Sally")
            with self.unit():
                key = api_keys.make(name="Hers", role=made)[1]
        browser = sign_in(app, self.person.email)
        self.hers = Company(app, company.tenant_id, self.person.email, key, "", browser)

    def unit(self, actor=None):
        return work.unit(tenant_id=self.company.tenant_id, **({"actor": actor} if actor else {}))

    def customer(self, name: str, *, hers: bool = False) -> str:
        with self.app.app_context(), self.unit():
            made = profiles.create(email=f"{name}@shop.example", first_name=name.title(), city="Bath", phone=SECRET).id
            if hers:
                owners.hand_over(profiles.one(made), to=self.person.id)
            profiles.change(made, city="Oslo", phone=f"{SECRET}1")
            return str(made)

    def entry(self, record_id: str, action: str) -> str:
        with self.app.app_context(), self.unit():
            return str(
                next(
                    told.entry.id
                    for told in audit.of_record(kind="customer", record_id=record_id)
                    if told.entry.action == action
                )
            )

    def held(self, record_id: str) -> tuple[str, str]:
        with self.app.app_context(), self.unit():
            found = profiles.one(record_id)
            return found.city, found.phone

    def deleted(self, record_id: str, *, by_her: bool = False) -> str:
        actor = scope.Actor("member", str(self.person.id), "Sally") if by_her else None
        with self.app.app_context(), self.unit(actor):
            profiles.delete(record_id)
            return str(bin.find("customer", record_id).id)


class TestWhoSeesOnlyHerOwn:
    @pytest.fixture
    def place(self, app, company) -> Place:
        return Place(app, company, rows={"customer": "own"})

    def test_the_companys_history_is_not_hers_to_see(self, place):
        place.customer("other")
        assert place.hers.page.get("/history").status_code == 403
        assert place.hers.page.get("/history/export").status_code in (403, 404, 405)

    def test_of_a_record_she_sees_it_is(self, place):
        mine, other = place.customer("mine", hers=True), place.customer("other")
        assert "Oslo" in place.hers.page.get(f"/history?kind=customer&record={mine}").text
        assert place.hers.page.get(f"/history?kind=customer&record={other}").status_code == 404
        entry = place.entry(other, "customers.edited")
        missing = place.hers.page.get(f"/history/{entry}")
        assert missing.status_code == 404 and "Oslo" not in missing.text

    def test_nothing_of_a_colleagues_is_undone(self, place):
        other = place.customer("other")
        entry = place.entry(other, "customers.edited")
        assert place.hers.post(f"/undo/{entry}").status_code == 404
        assert place.held(other)[0] == "Oslo"

    def test_of_hers_it_is(self, place):
        mine = place.customer("mine", hers=True)
        assert place.hers.post(f"/undo/{place.entry(mine, 'customers.edited')}").status_code == 303
        assert place.held(mine)[0] == "Bath"

    def test_the_bin_shows_what_she_deleted(self, place):
        hers = place.deleted(place.customer("mine", hers=True), by_her=True)
        others = place.deleted(place.customer("other"))
        page = place.hers.page.get("/bin").text
        assert "Mine" in page and "Other" not in page
        for path in (f"/bin/{others}/restore", f"/bin/{others}/delete", f"/bin/{others}/erase"):
            assert place.hers.post(path, {"name": "Other"}).status_code == 404, path
        assert place.hers.post(f"/bin/{hers}/restore").status_code == 303

    def test_nor_past_the_doors(self, place):
        """The rooms hold the wall, whichever door is asked: a key sees all rows, long work of hers sees hers."""
        other = place.customer("other")
        entry, item = place.entry(other, "customers.edited"), place.deleted(place.customer("third"))
        with place.app.app_context():
            for refused, act in (
                (audit.NoSuchEntry, lambda: undoing.undo(entry)),
                (access.MayNot, lambda: history_export.start(asked={})),
                (errors.NotFound, lambda: history_export.start(asked={"kind": "customer", "record": other})),
                (bin.NotInTheBin, lambda: bin.one(item)),
                (bin.NotInTheBin, lambda: erasures.erase_binned(item)),
            ):
                with pytest.raises(refused), crew.acting(place.company.tenant_id, place.person):
                    act()


class TestWhoseFieldsAreHidden:
    @pytest.fixture
    def place(self, app, company) -> Place:
        return Place(app, company, hidden=["customer.phone"])

    def test_the_history_tells_the_rest(self, place):
        record = place.customer("ada")
        entry = place.entry(record, "customers.edited")
        for path in ("/history", f"/history?kind=customer&record={record}", f"/history/{entry}"):
            page = place.hers.page.get(path).text
            assert SECRET not in page, path
        assert "Oslo" in place.hers.page.get(f"/history/{entry}").text
        told = place.hers.api("GET", f"/audit?kind=customer&record={record}")
        assert told.status_code == 200 and SECRET not in told.text and "Oslo" in told.text

    def test_what_would_change_it_is_not_undone(self, place):
        record = place.customer("ada")
        entry = place.entry(record, "customers.edited")
        page = place.hers.post(f"/undo/{entry}")
        program = place.hers.api("POST", f"/audit/{entry}/undo", json={})
        assert page.status_code >= 400 and program.status_code >= 400
        assert SECRET not in page.text + program.text
        assert place.held(record) == ("Oslo", f"{SECRET}1")

    def test_what_stands_in_the_way_does_not_tell_it(self, place):
        record = place.customer("ada")
        entry = place.entry(record, "customers.edited")
        with place.app.app_context(), place.unit():
            profiles.change(record, phone="+49 30 7776665", city="Rome")
        for answer in (place.hers.post(f"/undo/{entry}"), place.hers.api("POST", f"/audit/{entry}/undo", json={})):
            assert answer.status_code >= 400 and "777" not in answer.text and SECRET not in answer.text
        assert place.held(record) == ("Rome", "+49 30 7776665")
