"""The customers' pages: the list, one person, the forms."""

from __future__ import annotations

import re

import pytest

from tests.companies import add_member
from tests.doors.shop_data import ESCAPED, HOSTILE, crowd, days_ago, indexed, order, product, send
from tests.queries import counted


@pytest.fixture
def ada(company, drain) -> str:
    """A customer with two orders."""
    send(company, "products", product(1), product(2))
    (customer_id,) = send(company, "customers", {"email": "ada@shop.example", "first_name": "Ada", "last_name": "Lovelace", "phone": "+44 20 7946 0123",
                                                 "city": "London", "tags": ["vip"], "consent": {"email": "granted"}, "created_at": days_ago(400)})  # fmt: skip
    send(company, "orders", order(1, "ada@shop.example"), order(2, "ada@shop.example", days=90))
    drain(company)
    return customer_id


def names(answer) -> list[str]:
    return re.findall(r'class="r-row-link" href="[^"]*">([^<]*)<', answer.text)


class TestList:
    def test_an_empty_company_is_told_how_customers_arrive(self, company):
        answer = company.page.get("/customers")
        assert answer.status_code == 200
        assert "They arrive with the first order of your shop." in answer.text

    def test_tabs_filters_and_sort_agree(self, company, ada):
        send(company, "customers", *crowd(4))
        assert names(company.page.get("/customers?view=recent")) == ["Ada Lovelace"]
        assert len(names(company.page.get("/customers?view=never"))) == 4
        assert names(company.page.get("/customers?sort=name"))[0] == "Ada Lovelace"
        assert names(company.page.get("/customers?sort=-name"))[0] == "Ada Number0003"
        assert names(company.page.get("/customers?sort=-spent"))[0] == "Ada Lovelace"
        shown = company.page.get("/customers?where=country.is.DE&where=orders_count.at_most.0&sort=name")
        assert names(shown) == ["Ada Number0001", "Ada Number0003"]
        assert "Country is DE" in shown.text and "ordered at most 0 times" in shown.text
        assert "2 of 2" in shown.text

    def test_the_dialog_makes_a_filter_of_the_address(self, company, ada):
        answer = company.page.get(
            "/customers?where=country.is.DE&field=bought&operator=in_last_days&value=30&matter=product&key=p1"
        )
        assert answer.status_code == 303
        assert answer.location.endswith("?where=country.is.DE&where=bought.in_last_days.30.product.p1")
        assert names(company.page.get("/customers?where=bought.in_last_days.30.product.p1")) == ["Ada Lovelace"]
        changed = company.page.get("/customers?where=country.is.DE&instead=0&field=city&operator=is&value=Ulm")
        assert changed.location.endswith("?where=city.is.Ulm")

    def test_a_filter_nobody_understands_is_said_and_left_out(self, company, ada):
        answer = company.page.get(
            "/customers?where=height.is.2&where=country.is.XX&view=nonsense&sort=height&columns=nonsense"
        )
        assert answer.status_code == 200
        assert "cannot be understood" in answer.text and "Nobody matches" in answer.text

    def test_pages_follow_each_other(self, company):
        send(company, "customers", *crowd(60))
        seen, path = [], "/customers?sort=name"
        while path:
            answer = company.page.get(path)
            seen += names(answer)
            following = re.search(r'rel="next" href="([^"]*)"', answer.text)
            path = following and following.group(1).replace("&amp;", "&")
        assert seen == [f"Ada Number{n:04}" for n in range(60)]
        assert company.page.get("/customers?cursor=nonsense").status_code == 400

    def test_the_quick_find_box_knows_names_mail_parts_phone_digits_and_chinese(self, company, ada):
        send(company, "customers", {"email": "wang@shop.example", "last_name": "王小明"}, *crowd(3))
        indexed(company)
        for typed, found in (
            ("lovel", "Ada Lovelace"),
            ("ada@sho", "Ada Lovelace"),
            ("0123", "Ada Lovelace"),
            ("小明", "王小明"),
        ):
            assert names(company.page.get("/customers", query_string={"q": typed}))[0] == found, typed
        assert "Nobody matches" in company.page.get("/customers?q=zzzzqqqq").text
        assert names(company.page.get("/customers?q=ada&where=country.is.DE&sort=name")) == ["Ada Number0001"]

    def test_chosen_columns_stand_in_the_address_and_nowhere_else(self, company, ada):
        assert "London" in company.page.get("/customers?columns=city+tags").text
        assert "London" not in company.page.get("/customers").text

    def test_it_is_the_same_number_of_queries_for_many(self, company):
        send(company, "customers", *crowd(3))
        with counted() as few:
            company.page.get("/customers?where=country.is.DE&view=never")
        send(company, "customers", *crowd(300))
        with counted() as many:
            company.page.get("/customers?where=country.is.DE&view=never")
        assert len(many) <= len(few) + 1 <= 8


class TestOne:
    def test_everything_about_a_person_is_on_one_page(self, company, ada):
        answer = company.page.get(f"/customers/{ada}")
        assert answer.status_code == 200
        for text in (
            "Ada Lovelace",
            "ada@shop.example",
            "€50.00",
            "FK-1",
            "Ordered for €25.00",
            "Agreed to receive mails",
            "vip",
        ):
            assert text in answer.text, text

    def test_it_stays_within_twelve_queries(self, company, ada):
        with counted() as sent:
            company.page.get(f"/customers/{ada}")
        assert len(sent) <= 12, sent

    def test_the_timeline_can_be_narrowed_and_read_on(self, company, ada, drain):
        send(company, "orders", *(order(n, "ada@shop.example", days=n) for n in range(10, 40)))
        drain(company)
        first = company.page.get(f"/customers/{ada}?kind=orders")
        assert "Agreed to receive mails" not in first.text.split('id="happened"')[1].split("r-stack")[0]
        older = re.search(r'id="older"><a [^>]*href="([^"]*)"', first.text).group(1).replace("&amp;", "&")
        part = company.page.get(older, headers={"HX-Request": "true", "HX-Request-Type": "partial"})
        assert part.text.count("r-event-title") == 12 and "<html" not in part.text
        assert "<html" in company.page.get(older).text

    def test_what_to_offer_comes_by_itself_and_never_breaks_the_page(self, company, ada):
        answer = company.page.get(f"/customers/{ada}/offers", headers={"HX-Request": "true"})
        assert answer.status_code == 200 and 'id="offers"' in answer.text

    def test_names_from_outside_never_become_markup(self, company, drain):
        send(company, "products", product(1, name=HOSTILE, image_url='https://x.example/"onerror=1'))
        fields = dict.fromkeys(("first_name", "company", "city", "address", "country"), HOSTILE[:50]) | {
            "email": "x@shop.example",
            "tags": [HOSTILE],
        }
        (customer_id,) = send(company, "customers", fields | {"last_name": HOSTILE})
        lines = [{"product": "p1", "name": HOSTILE, "sku": HOSTILE, "quantity": 1, "unit_price": "1"}]
        (order_id,) = send(company, "orders", order(1, "x@shop.example", lines=lines, number=HOSTILE,
                                                    refunds=[{"external_id": "r", "amount": "1", "reason": HOSTILE}]))  # fmt: skip
        drain(company)
        company.post(f"/customers/{customer_id}/notes", {"words": HOSTILE})
        company.post(f"/customers/{customer_id}/consent", {"state": "withdrawn", "reason": HOSTILE})
        indexed(company)
        product_id = company.api("GET", "/products").json["items"][0]["id"]
        paths = ["/customers?columns=tags+city+company+country", f"/customers/{customer_id}", f"/customers/{customer_id}/edit", "/orders", f"/orders/{order_id}",
                 "/products", f"/products/{product_id}", f"/products/{product_id}/edit", f"/customers/{customer_id}/offers", "/search?q=script"]  # fmt: skip
        for path in paths:
            answer = company.page.get(path)
            assert answer.status_code == 200
            assert "<script>alert" not in answer.text and "<img src=x" not in answer.text, path
        assert ESCAPED in company.page.get(f"/customers/{customer_id}").text
        for path in ("/customers", "/search", "/orders", "/products"):
            assert (
                "<script>alert"
                not in company.page.get(path, query_string={"q": HOSTILE, "where": HOSTILE, "view": HOSTILE}).text
            )


class TestChanging:
    def test_create_edit_delete(self, company):
        made = company.post(
            "/customers/new",
            {
                "first_name": "Grace",
                "email": "grace@shop.example",
                "tags": "vip, trade",
                "consent": "granted",
                "reason": "Trade fair",
            },
        )
        assert made.status_code == 303
        path = made.location
        page = company.page.get(path)
        assert "trade" in page.text and "Trade fair" in page.text
        assert (
            company.post(
                f"{path}/edit", {"first_name": "Grace", "last_name": "Hopper", "email": "grace@shop.example"}
            ).status_code
            == 303
        )
        assert "Grace Hopper" in company.page.get(path).text
        assert company.post(f"{path}/delete").status_code == 303
        assert company.page.get(path).status_code == 404

    def test_what_is_wrong_stands_at_the_field_and_what_was_typed_stays(self, company, ada):
        answer = company.post("/customers/new", {"first_name": "Grace", "email": "not an address"})
        assert answer.status_code == 422
        assert 'value="Grace"' in answer.text and "This is not an e-mail address." in answer.text
        assert company.post("/customers/new", {"city": "Ulm"}).status_code == 422
        known = company.post("/customers/new", {"email": "ADA@shop.example"})
        assert known.status_code == 409 and f"/customers/{ada}" in known.text
        no_reason = company.post("/customers/new", {"email": "new@shop.example", "consent": "granted"})
        assert no_reason.status_code == 422 and 'id="f-reason-error"' in no_reason.text

    def test_a_field_saves_itself_in_place(self, company, ada):
        htmx = {"HX-Request": "true", "HX-Request-Type": "partial"}
        path = f"/records/customer/{ada}/fields"
        saved = company.post(f"{path}/city", {"value": "Bath", "was": "London", "place": "record"}, headers=htmx)
        assert saved.status_code == 200 and "is-saved" in saved.text
        assert 'value="Bath"' in company.page.get(f"/customers/{ada}").text
        wrong = company.post(f"{path}/email", {"value": "nonsense", "was": "ada@shop.example"}, headers=htmx)
        assert wrong.status_code == 422 and "This is not an e-mail address." in wrong.text
        assert company.post(f"{path}/email_norm", {"value": "x"}, headers=htmx).status_code == 422
        assert company.post(f"{path}/phone", {"value": "", "was": "+44 20 7946 0123"}).status_code == 200
        assert 'value="+44' not in company.page.get(f"/customers/{ada}").text

    def test_two_people_editing_at_once_see_all_three_values(self, company, ada):
        form = company.page.get(f"/customers/{ada}/edit").text
        held = dict(re.findall(r'name="(version|was\.\w+)" value="([^"]*)"', form))
        mine = {name[4:]: value for name, value in held.items() if name.startswith("was.")}
        for name, value, was in (("city", "Leeds", "London"), ("company", "Analytical Engines", "")):
            company.post(f"/records/customer/{ada}/fields/{name}", {"value": value, "was": was})
        clash = company.post(f"/customers/{ada}/edit", mine | held | {"city": "Bath"})
        assert clash.status_code == 409
        assert all(city in clash.text for city in ("London", "Leeds", "Bath"))
        quiet = company.post(f"/customers/{ada}/edit", mine | held | {"first_name": "Augusta"})
        assert quiet.status_code == 303
        page = company.page.get(f"/customers/{ada}").text
        assert "Augusta" in page and "Leeds" in page and "Analytical Engines" in page

    def test_tags_come_and_go(self, company, ada):
        htmx = {"HX-Request": "true", "HX-Request-Type": "partial"}
        assert "wholesale" in company.post(f"/customers/{ada}/tags", {"add": "wholesale"}, headers=htmx).text
        assert "vip" not in company.post(f"/customers/{ada}/tags", {"remove": "vip"}, headers=htmx).text

    def test_consent_needs_a_reason_and_leaves_a_trace(self, company, ada):
        company.post(f"/customers/{ada}/consent", {"state": "withdrawn", "reason": " "})
        assert "Say how you know" in company.page.get(f"/customers/{ada}").text
        company.post(f"/customers/{ada}/consent", {"state": "withdrawn", "reason": "Called us"})
        page = company.page.get(f"/customers/{ada}").text
        assert "Called us" in page and "entered by a colleague" in page
        assert company.api("GET", f"/customers/{ada}").json["consent"] == {"email": "withdrawn"}

    def test_an_empty_note_is_not_kept(self, company, ada):
        company.post(f"/customers/{ada}/notes", {"words": "  "})
        assert "Write something first." in company.page.get(f"/customers/{ada}").text

    def test_a_forged_form_changes_nothing(self, company, ada):
        assert company.page.post(f"/customers/{ada}/delete").status_code == 403
        assert company.page.get(f"/customers/{ada}").status_code == 200

    def test_a_full_plan_says_so(self, app):
        from saas.kit import work
        from saas.tenancy import limits
        from tests.companies import found_company

        company = found_company(app, plan="free")
        with app.app_context(), work.unit(tenant_id=company.tenant_id):
            limits.set_all(limits={"contacts": 0})
        answer = company.post("/customers/new", {"email": "a@shop.example"})
        assert answer.status_code == 402 and "Choose a larger plan" in answer.text


class TestWalls:
    def test_who_may_only_read_sees_no_buttons_and_changes_nothing(self, app, company, ada):
        reader, seller = add_member(app, company, role="read_only"), add_member(app, company, role="sales")
        page = reader.get(f"/customers/{ada}").text
        assert "Ada Lovelace" in page
        for button in ("Delete for good", "/edit", "Add the note", 'data-open="consent"', "New customer"):
            assert button not in page
        assert "New customer" not in reader.get("/customers").text
        assert reader.get(f"/customers/{ada}/edit").status_code == 403
        assert "Delete for good" not in seller.get(f"/customers/{ada}").text

    def test_another_companys_customer_is_not_there(self, company, other_company, ada):
        for path in ("", "/edit", "/offers"):
            assert other_company.page.get(f"/customers/{ada}{path}").status_code == 404
        for path in ("/edit", "/tags", "/consent", "/notes", "/delete"):
            assert (
                other_company.post(f"/customers/{ada}{path}", {"city": "x", "add": "x", "words": "x"}).status_code
                == 404
            )
        assert "Ada" not in other_company.page.get("/customers").text

    def test_it_speaks_chinese(self, company, ada):
        company.page.set_cookie("lang", "zh_Hans")
        page = company.page.get(f"/customers/{ada}").text
        assert 'lang="zh-Hans"' in page and "订单" in page
