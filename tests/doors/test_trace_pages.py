"""The pages of history, undo, bin and bulk actions, entered as people do."""

from __future__ import annotations

import re
from contextlib import contextmanager

import pytest

from saas.customers import profiles
from saas.kit import pages, scope, work
from saas.tenancy import audit, operations
from tests.companies import add_member


@contextmanager
def unit(company):
    with company.app.app_context(), work.unit(tenant_id=company.tenant_id):
        yield


@pytest.fixture
def mia(company):
    with unit(company):
        return str(profiles.create(email="mia@shop.example", first_name="Mia", city="Oslo").id)


def write(company, customer_id, city, **more):
    """Change a customer's city where it stands, as the page does."""
    with unit(company):
        was = profiles.one(customer_id).city
    return company.post(f"/records/customer/{customer_id}/fields/city", {"value": city, "was": was}, **more)


def entry(company, action):
    with unit(company):
        [row, *_] = pages.page(audit.listed(actions=[action]), order=audit.NEWEST).items
        return row[0].id


def text(answer) -> str:
    return answer.get_data(as_text=True)


class TestHistory:
    def test_a_change_is_shown_with_who_what_before_and_after(self, company, mia):
        write(company, mia, "Rome")
        page = text(company.page.get("/history"))
        assert (
            "Customer: changed" in page and "<del>Oslo</del>" in page and "<ins>Rome</ins>" in page and "City" in page
        )
        one = text(company.page.get(f"/history/{entry(company, 'customers.edited')}"))
        assert "127.0.0.1" in one and "on these pages" in one and "Undo this" in one

    def test_it_filters_by_who_what_time_and_record(self, company, mia):
        write(company, mia, "Rome")
        assert "Customer: changed" in text(company.page.get("/history?action=customers.edited"))
        assert (
            "Customer: changed" not in text(company.page.get("/history?action=customers.created")).split('id="list"')[1]
        )
        assert "Customer: changed" not in text(company.page.get("/history?until=2020-01-01")).split('id="list"')[1]
        assert "Customer: changed" in text(company.page.get(f"/history?kind=customer&record={mia}"))
        assert company.page.get("/history?since=nonsense&batch=nonsense&cursor=").status_code == 200

    def test_only_who_may_sees_all_of_it_and_others_their_records(self, app, company, mia):
        seller = add_member(app, company, role="sales")
        assert seller.get("/history").status_code == 403
        assert seller.get(f"/history?kind=customer&record={mia}").status_code == 200
        assert seller.get(f"/history/{entry(company, 'tenants.founded')}").status_code == 404

    def test_it_is_saved_as_a_file_that_runs_no_formula(self, app, company, mia):
        write(company, mia, "=HYPERLINK(1)")
        company.post("/history/export", {"action": "customers.edited"})
        with unit(company):
            [operation] = operations.going("history.export")
            operation_id = operation.id
        with app.app_context(), scope.tenant(company.tenant_id):
            operations.run(operation_id)
        with unit(company):
            done = operations.one(operation_id)
            assert (done.state, done.done) == ("done", 1)
            file_id = done.report["files"][0]["id"]
        saved = company.page.get(f"/files/{file_id}").get_data().decode("utf-8-sig")
        assert "customers.edited" in saved and "=HYPERLINK" in saved and not re.search(r"(^|,)\"?=", saved)


class TestUndo:
    def test_from_the_toast_and_back_again(self, company, mia):
        toast = write(company, mia, "Rome", headers={"HX-Request": "true"}).headers["HX-Trigger"]
        url = re.search(r"/undo/[0-9a-f-]{36}", toast).group()
        done = company.post(url, headers={"HX-Request": "true", "Referer": f"http://localhost/customers/{mia}"})
        assert (done.status_code, done.headers["HX-Redirect"]) == (204, f"/customers/{mia}")
        with unit(company):
            assert profiles.one(mia).city == "Oslo"
        again = re.search(r"/undo/[0-9a-f-]{36}", text(company.page.get(f"/customers/{mia}"))).group()
        assert again != url and company.post(again).status_code == 303
        with unit(company):
            assert profiles.one(mia).city == "Rome"

    def test_what_stands_in_the_way_is_told_and_the_rest_can_be_undone(self, company, mia):
        company.post(
            f"/customers/{mia}/edit",
            {"first_name": "Mio", "last_name": "", "email": "mia@shop.example", "city": "Rome", "tags": ""},
        )
        first = entry(company, "customers.edited")
        write(company, mia, "Lima")
        refused = company.post(f"/undo/{first}")
        page = text(refused)
        assert refused.status_code == 409 and "Lima" in page and "Undo the rest" in page
        hx = company.post(f"/undo/{first}", headers={"HX-Request": "true"})
        assert hx.headers["HX-Redirect"].endswith("tried=1") and "Undo the rest" in text(
            company.page.get(hx.headers["HX-Redirect"])
        )
        assert company.post(f"/undo/{first}", {"rest": "1"}).status_code == 303
        with unit(company):
            assert (profiles.one(mia).first_name, profiles.one(mia).city) == ("Mia", "Lima")
        assert company.post(f"/undo/{first}").status_code == 409

    def test_a_deleted_customer_comes_back_from_the_toast(self, company, mia):
        assert company.post(f"/customers/{mia}/delete").status_code == 303
        assert company.page.get(f"/customers/{mia}").status_code == 404
        url = re.search(r"/undo/[0-9a-f-]{36}", text(company.page.get("/customers"))).group()
        answer = company.post(url, headers={"HX-Request": "true"})
        assert answer.headers["HX-Redirect"] == f"/customers/{mia}"
        assert company.page.get(f"/customers/{mia}").status_code == 200

    def test_without_the_right_it_is_refused_and_elsewhere_it_is_none(self, app, company, other_company, mia):
        company.post(f"/customers/{mia}/delete")
        gone = entry(company, "customers.deleted")
        assert other_company.page.get(f"/history/{gone}").status_code == 404
        reader = add_member(app, company, role="read_only")
        assert reader.get(f"/history/{gone}").status_code == 404


class TestBin:
    def test_it_shows_what_who_and_how_long_and_brings_back(self, company, mia):
        company.post(f"/customers/{mia}/delete")
        page = text(company.page.get("/bin"))
        assert "Mia" in page and "Customer" in page and ">29<" in page.replace(" ", "")
        url = re.search(r"/bin/[0-9a-f-]{36}/restore", page).group()
        assert company.post(url).headers["Location"] == f"/customers/{mia}"

    def test_a_taken_address_is_named_with_what_can_be_done(self, company, mia):
        company.post(f"/customers/{mia}/delete")
        company.api("POST", "/customers", json={"email": "mia@shop.example", "first_name": "Other"})
        url = re.search(r"/bin/[0-9a-f-]{36}/restore", text(company.page.get("/bin"))).group()
        refused = company.post(url)
        assert refused.status_code == 409 and "mia@shop.example belongs to Other by now" in text(refused)
        assert company.post(url, {"without": "1"}).status_code == 303
        with unit(company):
            assert profiles.one(mia).email is None

    def test_gone_for_good_is_confirmed_first(self, company, mia):
        company.post(f"/customers/{mia}/delete")
        url = re.search(r"/bin/[0-9a-f-]{36}/delete", text(company.page.get("/bin"))).group()
        assert company.post(url).status_code in (303, 403)  # asks who is there, when that is long ago

    @pytest.mark.parametrize("kind", ["segments", "templates", "products", "recommendations/rules"])
    def test_other_kinds_go_there_too(self, company, kind):
        from saas.audiences import segments
        from saas.catalog import products
        from saas.marketing import templates
        from saas.recommend import rules
        from saas.tenancy import bin

        with unit(company):
            room, made, name = {
                "segments": lambda: (segments, segments.create(name="Teas", definition=segments.EVERYBODY), "segment"),
                "templates": lambda: (templates, templates.create(name="Teas"), "template"),
                "products": lambda: (products, products.create(external_id="t", name="Teas"), "product"),
                "recommendations/rules": lambda: (rules, rules.create(kind="boost", category="Teas"), "offer_rule"),
            }[kind]()
            made_id = made.id
            room.delete(made_id)
        assert "Teas" in text(company.page.get("/bin"))
        with unit(company):
            bin.restore(bin.find(name, made_id))
            assert room.one(made_id)


class TestBulk:
    def test_from_the_list_to_the_result(self, app, company, mia):
        with unit(company):
            for number in range(3):
                profiles.create(email=f"c{number}@shop.example", city="Rome")
        assert 'action="/customers/bulk"' in text(company.page.get("/customers"))
        chosen = {"all": "1", "where": ["city.is.Rome"]}
        asked = text(company.post("/customers/bulk", chosen))
        assert "3 customers are chosen" in asked
        seen = text(company.post("/customers/bulk", chosen | {"do": "set", "field": "city", "value": "Bergen"}))
        assert "Set City to “Bergen” for 3 customers" in seen and "Rome" in seen
        begun = company.post("/customers/bulk", chosen | {"do": "set", "field": "city", "value": "Bergen", "go": "1"})
        operation_id = begun.headers["Location"].rpartition("/")[2]
        with app.app_context(), scope.tenant(company.tenant_id):
            operations.run(operation_id)
        page = text(company.page.get(begun.headers["Location"]))
        assert "Changed" in page and "Undo all of it" in page
        with unit(company):
            assert profiles.one(mia).city == "Oslo"
        assert company.post(f"/operations/{operation_id}/undo").status_code == 303

    def test_chosen_by_hand_and_nobody(self, company, mia):
        assert "1 customer is chosen" in text(company.post("/customers/bulk", {"ids": [mia]}))
        assert company.post("/customers/bulk", {"ids": []}).status_code == 303

    def test_a_wrong_value_stands_at_its_field(self, company, mia):
        answer = company.post("/customers/bulk", {"ids": [mia], "do": "tag", "value": " "})
        assert answer.status_code == 422 and "Give a tag." in text(answer)

    def test_who_may_not_edit_may_not_edit_many(self, app, company, mia):
        reader = add_member(app, company, role="read_only")
        assert reader.post("/customers/bulk", data={"ids": [mia]}).status_code == 403
        assert 'action="/customers/bulk"' not in text(reader.get("/customers"))
