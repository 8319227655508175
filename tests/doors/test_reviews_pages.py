"""The pages and the API of reviews: looking, deciding with a reason, answering, many at once, settings, and bringing the past."""

from __future__ import annotations

import pytest

from saas.commerce import shops
from saas.kit import work
from saas.reviews import bringing
from sandbox.wordpress.server import KEY, SECRET
from tests.companies import add_member
from tests.wordpress_box import woo  # noqa: F401


@pytest.fixture
def pot(company):
    return company.api(
        "POST", "/products", json={"external_id": "p1", "name": "Pot <b>", "price": "5", "currency": "EUR"}
    ).json["id"]


def bring(company, *items):
    plain = {"product": "p1", "stars": 4, "text": "A good pot", "name": "Ada"}
    answer = company.api("POST", "/reviews/bulk", json={"items": [plain | item for item in items]})
    assert answer.status_code == 200, answer.json
    return answer.json["items"]


def one(company, review_id):
    return company.api("GET", f"/reviews/{review_id}").json


class TestPages:
    def test_an_empty_list_says_what_to_do(self, company):
        page = company.page.get("/marketing/reviews")
        assert "Nobody has said anything yet" in page.text

    def test_what_waits_comes_first_and_every_star_is_counted(self, company, pot):
        bring(
            company,
            {"external_id": "1", "stars": 1, "state": "waiting", "text": "<script>alert(1)</script>"},
            {"external_id": "2"},
            {"external_id": "3", "stars": 1, "state": "declined"},
        )
        page = company.page.get("/marketing/reviews")
        assert "&lt;script&gt;" in page.text
        assert "A good pot" not in page.text
        every = company.page.get("/marketing/reviews?state=all")
        assert "A good pot" in every.text
        assert "state=declined" in every.text
        only = company.page.get(f"/marketing/reviews?state=all&stars=4&product={pot}&reported=")
        assert "A good pot" in only.text
        assert "&lt;script&gt;" not in only.text

    @pytest.mark.parametrize(
        "query", ["state=nonsense", "stars=9", "product=nonsense", "cursor=%00", "product=%00", "reported=1"]
    )
    def test_odd_questions_are_taken_as_they_can_be(self, company, query):
        assert company.page.get(f"/marketing/reviews?{query}").status_code in (200, 400, 422)

    def test_declining_without_a_reason_is_refused_and_with_one_it_can_be_undone(self, company, pot):
        (made,) = bring(company, {"external_id": "1", "stars": 1})
        path = f"/marketing/reviews/{made['id']}"
        refused = company.post(path, {"state": "declined"})
        assert refused.status_code == 422
        assert "few is no reason" in refused.text
        assert company.post(path, {"state": "declined", "reason": "insult", "words": "Rude"}).status_code in (
            204,
            302,
            303,
        )
        assert (one(company, made["id"])["state"], one(company, made["id"])["reason"]) == ("declined", "insult")
        assert "Rude" in company.page.get(path).text
        entry = company.api("GET", "/audit?action=reviews.decided").json["items"][0]["id"]
        assert company.api("POST", f"/audit/{entry}/undo").status_code in (200, 201, 204)
        assert one(company, made["id"])["state"] == "published"

    def test_many_at_once_need_a_reason_too(self, company, pot):
        made = [row["id"] for row in bring(company, {"external_id": "1"}, {"external_id": "2", "state": "waiting"})]
        company.post("/marketing/reviews/many", {"ids": made, "state": "declined"})
        assert {one(company, key)["state"] for key in made} == {"published", "waiting"}
        company.post("/marketing/reviews/many", {"ids": made, "state": "declined", "reason": "spam"})
        assert {one(company, key)["state"] for key in made} == {"declined"}
        company.post("/marketing/reviews/many", {"ids": made, "state": "published"})
        assert {one(company, key)["state"] for key in made} == {"published"}

    def test_an_answer(self, company, pot):
        (made,) = bring(company, {"external_id": "1"})
        company.post(f"/marketing/reviews/{made['id']}/answer", {"answer": "Thank you"})
        assert one(company, made["id"])["answer"] == "Thank you"
        assert "Thank you" in company.page.get(f"/marketing/reviews/{made['id']}").text

    def test_settings_are_kept_and_what_is_wrong_stands_at_its_field(self, company):
        nobody = "00000000-0000-0000-0000-000000000000"
        form = {
            f"on.{nobody}": "1",
            f"delivered_days.{nobody}": "3",
            f"shipped_days.{nobody}": "10",
            "remind_days": "5",
            "publish": "nothing",
            "bad_words": "darn\n\ndarn",
            "offer_stars_from": "5",
        }
        assert company.post("/marketing/reviews/settings", form).status_code in (204, 302, 303)
        held = company.api("GET", "/reviews/settings").json
        assert (held["remind_days"], held["publish"], held["bad_words"], held["hold_links"]) == (
            5,
            "nothing",
            ["darn"],
            False,
        )
        assert held["sources"][nobody]["on"] is True
        assert (held["offer_stars"], held["offer_stars_from"]) == (False, 5)
        refused = company.post(
            "/marketing/reviews/settings", form | {"remind_days": "400", f"shipped_days.{nobody}": "x"}
        )
        assert refused.status_code == 422
        assert "A whole number" in refused.text

    def test_who_may_only_look_is_offered_nothing_to_do(self, app, company, pot):
        (made,) = bring(company, {"external_id": "1"})
        looker = add_member(app, company, role="read_only")
        page = looker.get(f"/marketing/reviews/{made['id']}")
        assert page.status_code == 200
        assert "Why it is declined" not in page.text


class TestBringing:
    def test_twice_is_once_and_changes_are_taken_but_not_over_a_decision(self, company, pot):
        assert [
            row["status"]
            for row in bring(
                company, {"external_id": "1"}, {"external_id": "1"}, {"external_id": "2", "product": "gone"}
            )
        ] == ["created", "unchanged", "failed"]
        assert bring(company, {"external_id": "1"})[0]["status"] == "unchanged"
        (changed,) = bring(company, {"external_id": "1", "stars": 2, "text": "It leaks"})
        company.api("POST", f"/reviews/{changed['id']}/decision", json={"state": "declined", "reason": "off_topic"})
        bring(company, {"external_id": "1", "stars": 3, "text": "It leaks"})
        held = one(company, changed["id"])
        assert (held["stars"], held["state"]) == (3, "declined")

    @pytest.mark.parametrize(
        "bad",
        [
            {"stars": 0},
            {"stars": "five"},
            {"text": "a\x00b"},
            {"state": "withdrawn"},
            {"written_at": "yesterday"},
            {"unknown": 1},
        ],
    )
    def test_a_bad_one_fails_alone(self, company, pot, bad):
        rows = bring(company, {"external_id": "1"} | bad, {"external_id": "2"})
        assert [row["status"] for row in rows] == ["failed", "created"]

    def test_another_company_s_review_is_not_there(self, company, other_company, pot):
        (made,) = bring(company, {"external_id": "1"})
        for method, path, body in (
            ("GET", "", None),
            ("POST", "/decision", {"state": "waiting"}),
            ("PUT", "/answer", {"answer": "x"}),
        ):
            assert other_company.api(method, f"/reviews/{made['id']}{path}", json=body).status_code == 404

    def test_the_sums_of_a_product_for_shops_that_draw_themselves(self, company, pot):
        bring(
            company,
            {"external_id": "1"},
            {"external_id": "2", "stars": 5},
            {"external_id": "3", "stars": 1, "state": "declined"},
        )
        told = company.api("GET", f"/products/{pot}/reviews").json
        assert (told["count"], told["average"], told["declined"]["1"]) == (2, 4.5, 1)
        assert told["json_ld"]["aggregateRating"]["reviewCount"] == 2


def written(number, product, **more):
    return {
        "id": number, "date_created_gmt": "2026-05-01T10:00:00", "product_id": product, "status": "approved", "reviewer": "Ada", "rating": 4,
        "reviewer_email": f"buyer-{number}@example.com", "review": "<p>Good &amp; <b>solid</b></p>", "verified": True, **more,
    }  # fmt: skip


class TestFromAStore:
    @pytest.fixture
    def shop(self, company, context, woo):  # noqa: F811
        with work.unit(tenant_id=company.tenant_id):
            access = {"consumer_key": KEY, "consumer_secret": SECRET}
            made, _secret = shops.connect(kind="woocommerce", name="Store", url=woo.url, **access)
        self.tea = woo.goods.add_product("Green tea")
        item = {"external_id": str(self.tea), "name": "Green tea", "price": "5", "currency": "GBP"}
        company.api("POST", "/products/bulk", json={"items": [item], "shop_id": str(made.id)})
        return made.id

    def _held(self, company):
        rows = []
        for which in ("verified=1", "verified=0&state=published", "verified=0&state=waiting"):
            rows += company.api("GET", f"/reviews?limit=200&{which}").json["items"]
        return {row["external_id"]: row for row in rows}

    def _again(self, company, shop_id, **more):
        """Have the store be due again, as it is a day later."""
        with work.unit(tenant_id=company.tenant_id):
            row = bringing._row(shop_id)
            row.content = row.content | {"due_at": "2026-01-01T00:00:00+00:00"} | more
        return bringing.advance(company.tenant_id, shop_id)

    def test_the_past_is_brought_page_by_page_and_compared_from_then_on(self, company, woo, shop):  # noqa: F811
        woo.reviews += [written(number, self.tea, verified=number % 2 == 0) for number in range(1, 251)]
        woo.reviews += [
            written(900, self.tea, status="hold"),
            written(901, self.tea, status="spam"),
            written(902, self.tea, rating=0),
            written(903, 12345),
            None,
        ]
        assert company.api("POST", "/reviews/fetch", json={"shop_id": str(shop)}).status_code == 202
        assert bringing.advance(company.tenant_id, shop) == 251
        held = self._held(company)
        assert (held["900"]["state"], held["900"]["held"]) == ("waiting", ["shop"])
        assert not {"901", "902", "903"} & held.keys()
        assert (held["250"]["text"], held["250"]["verified"], held["249"]["verified"]) == ("Good & solid", True, False)
        assert bringing.advance(company.tenant_id, shop) == 0  # not due before a day is over
        woo.reviews[-1] = written(904, self.tea, rating=1)
        assert self._again(company, shop) == 1
        woo.reviews[0] = written(1, self.tea, review="Changed since", verified=False)
        assert self._again(company, shop) == 0  # an old one changes: the weekly look finds it
        assert self._again(company, shop, whole=True) == 1

    def test_a_store_that_fails_is_asked_again_later_and_the_page_says_why(self, company, woo, shop):  # noqa: F811
        woo.reviews.append(written(1, self.tea))
        company.api("POST", "/reviews/fetch", json={"shop_id": str(shop)})
        woo.faults.append(500)
        assert bringing.advance(company.tenant_id, shop) == 0
        assert "answered 500" in company.page.get("/marketing/reviews/settings").text
        woo.faults.append({"not": "a list"})
        assert self._again(company, shop) == 0
        assert self._again(company, shop) == 1

    def test_who_is_known_by_the_address_has_it_when_the_store_says_they_bought(self, company, woo, shop):  # noqa: F811
        ada = company.api("POST", "/customers", json={"email": "buyer-2@example.com"}).json["id"]
        bob = company.api("POST", "/customers", json={"email": "buyer-3@example.com"}).json["id"]
        woo.reviews += [written(2, self.tea), written(3, self.tea, verified=False)]
        company.api("POST", "/reviews/fetch", json={"shop_id": str(shop)})
        bringing.advance(company.tenant_id, shop)
        assert [row["external_id"] for row in company.api("GET", f"/reviews?customer_id={ada}").json["items"]] == ["2"]
        assert company.api("GET", f"/reviews?customer_id={bob}").json["items"] == []

    def test_a_shop_without_keys_or_of_another_kind_cannot(self, company):
        shop = company.api("POST", "/shops", json={"kind": "generic", "name": "Own"}).json["id"]
        assert company.api("POST", "/reviews/fetch", json={"shop_id": shop}).status_code == 409
