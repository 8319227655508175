"""Offers on the customer's page: the reason for whoever sells, an answer with one click, and who may give one."""

from __future__ import annotations

import re
from uuid import UUID

import pytest

from saas.customers import identity
from saas.kit import work
from saas.recommend import answers, shelf, stock
from tests.companies import add_member
from tests.queries import counted
from tests.rooms.recommend import little_shop


@pytest.fixture
def ann(company, drain) -> UUID:
    """A customer of a little shop."""
    shelf.forget()
    stock.forget()
    with company.app.app_context():
        little_shop.fill(company, visits=0, baskets=4)
    drain(company)
    return customer(company, "c1")


def customer(company, key: str) -> UUID:
    with company.app.app_context(), work.unit(tenant_id=company.tenant_id):
        return identity.find("external", key)


def card(company, ann, **headers) -> str:
    answer = company.page.get(f"/customers/{ann}/offers", headers={"HX-Request": "true", **headers})
    assert answer.status_code == 200
    return answer.text.replace("&amp;", "&")


def buttons(page: str, ann, verdict: str) -> list[str]:
    """Where the card's forms of a kind lead."""
    return re.findall(rf'action="(/customers/{ann}/offers/[^"]*verdict={verdict}[^"]*)"', page)


def product_in(address: str) -> str:
    return re.search(r"/offers/([0-9a-f-]{36})", address).group(1)


class TestOneClick:
    def test_what_is_declined_is_offered_no_more_and_stands_below(self, company, ann):
        [first, *_rest] = buttons(card(company, ann), ann, "declined&code")
        company.post(first)
        page = card(company, ann)
        assert f"/offers/{product_in(first)}?" not in page
        assert "What they said" in page and "Declined" in page and "not offered before" in page

    def test_a_reason_is_one_click_more(self, company, ann):
        [address] = [one for one in buttons(card(company, ann), ann, "declined") if "reason=has_it" in one][:1]
        company.post(address)
        with company.app.app_context(), work.unit(tenant_id=company.tenant_id):
            [kept] = answers.db.session.scalars(answers.query(customer_id=ann))
        assert (kept.reason, kept.slot, kept.offer_code) == ("has_it", "home", "new")
        assert "Has it already" in card(company, ann)

    def test_what_is_taken_stands_in_the_timeline_with_a_link_to_send(self, company, ann):
        [first, *_rest] = buttons(card(company, ann), ann, "accepted")
        company.post(first)
        page = card(company, ann)
        assert f"/offers/{product_in(first)}?" not in page
        [link] = re.findall(r'data-copy="([^"]*)"', page)
        assert link.startswith("https://shop.example/") and "mailto:c1%40shop.example" in page
        assert "which was offered" in company.page.get(f"/customers/{ann}").text

    def test_a_doubled_click_is_one_answer(self, company, ann):
        [first, *_rest] = buttons(card(company, ann), ann, "declined&code")
        assert [company.post(first).status_code for _again in range(2)] == [company.post(first).status_code] * 2
        assert card(company, ann).count("/take-back") == 1

    def test_the_toast_takes_it_back(self, company, ann):
        [first, *_rest] = buttons(card(company, ann), ann, "declined&code")
        shown = company.page.get(company.post(first).headers["Location"]).text
        [undo] = re.findall(r'"?(/audit/[0-9a-f-]{36}/undo|/undo/[0-9a-f-]{36})"?', shown)[:1]
        company.post(undo)
        assert f"/offers/{product_in(first)}?" in card(company, ann)

    def test_the_card_takes_it_back(self, company, ann):
        [first, *_rest] = buttons(card(company, ann), ann, "declined&code")
        company.post(first)
        [back] = re.findall(r'action="([^"]*/take-back)"', card(company, ann))
        for _again in range(2):
            company.post(back)
        assert f"/offers/{product_in(first)}?" in card(company, ann)

    def test_without_its_token_a_form_does_nothing(self, company, ann):
        [first, *_rest] = buttons(card(company, ann), ann, "declined&code")
        assert company.page.post(first).status_code == 403
        assert "What they said" not in card(company, ann)

    @pytest.mark.parametrize("said", ["verdict=perhaps", "", "verdict=declined&reason=nonsense"])
    def test_nonsense_is_refused(self, company, ann, said):
        [first, *_rest] = buttons(card(company, ann), ann, "declined&code")
        assert company.post(f"/customers/{ann}/offers/{product_in(first)}?{said}").status_code == 422

    def test_it_is_a_dozen_questions_at_most(self, company, ann):
        for address in buttons(card(company, ann), ann, "accepted")[:2]:
            company.post(address)
        with counted() as asked:
            card(company, ann)
        assert len(asked) <= 12, asked


class TestWhoMay:
    def test_who_only_reads_sees_the_offers_and_no_buttons(self, app, company, ann):
        [first, *_rest] = buttons(card(company, ann), ann, "accepted")
        reader = add_member(app, company, role="read_only")
        seen = reader.get(f"/customers/{ann}/offers", headers={"HX-Request": "true"}).text
        assert "r-offers" in seen and "verdict=" not in seen
        company.page = reader
        assert company.post(first).status_code == 403

    def test_another_company_finds_nobody(self, company, ann, other_company):
        body = {
            "customer_id": str(ann),
            "product_id": product_in(buttons(card(company, ann), ann, "accepted")[0]),
            "verdict": "declined",
        }
        assert other_company.api("POST", "/recommendations/answers", json=body).status_code == 404
        made = company.api("POST", "/recommendations/answers", json=body).json["id"]
        assert other_company.api("GET", f"/recommendations/answers/{made}").status_code == 404
        assert other_company.api("DELETE", f"/recommendations/answers/{made}").status_code == 404

    def test_an_answer_of_another_customer_is_not_taken_back_here(self, company, ann):
        [first, *_rest] = buttons(card(company, ann), ann, "declined&code")
        company.post(first)
        [back] = re.findall(r"/answers/([0-9a-f-]{36})/take-back", card(company, ann))
        other = customer(company, "c2")
        assert company.post(f"/customers/{other}/answers/{back}/take-back").status_code == 404


class TestWords:
    def test_the_reason_speaks_of_the_customer_with_its_numbers(self):
        from saas.recommend import reasons

        said = reasons.sentence("taste", reasons.of_them("en"), name="Tea", together=12)
        assert said == "They bought Tea; 12 others bought both"
        assert reasons.sentence("taste", "en", name="Tea", together=12).startswith("Because you bought")
        together = reasons.sentence("bought_together", reasons.of_them("en"), name="Tea", together=12, having=40)
        assert together == "Often bought with Tea: 12 of 40 orders"

    def test_every_sentence_has_the_same_evidence_for_shoppers_and_for_staff_in_both_languages_of_the_pages(self):
        from saas.recommend import reasons

        for code, words in reasons.STAFF.items():
            assert set(words) == set(reasons.OF_STAFF), code
            named = [set(re.findall(r"{(\w+)}", words[one])) for one in (*words,)]
            assert named[0] == named[1] == set(re.findall(r"{(\w+)}", reasons.WORDS[code]["en"])), code
        spoken = [code for code, words in reasons.WORDS.items() if re.search(r"\b[Yy]ou", words["en"])]
        assert set(spoken) <= set(reasons.STAFF)

    def test_it_is_in_the_member_s_language_whatever_the_customer_s(self, company, ann):
        page = card(company, ann, **{"Accept-Language": "zh-CN"})
        assert "新品上架" in page and "New in the shop" not in page

    def test_the_timeline_says_it_in_chinese(self, company, ann):
        [address] = [one for one in buttons(card(company, ann), ann, "declined") if "reason=too_expensive" in one][:1]
        company.post(address)
        company.page.set_cookie("lang", "zh_Hans")
        page = company.page.get(f"/customers/{ann}").text
        assert "太贵" in page and "Declined" not in page


class TestApi:
    def body(self, company, ann) -> dict:
        [first, *_rest] = buttons(card(company, ann), ann, "accepted")
        return {"customer_id": str(ann), "product_id": product_in(first), "verdict": "declined", "reason": "not_now"}

    def test_a_program_tells_lists_shows_and_takes_back(self, company, ann):
        body = self.body(company, ann)
        made = company.api("POST", "/recommendations/answers", json=body)
        assert made.status_code == 201 and made.json["until"] and made.json["answered_by"]
        again = company.api("POST", "/recommendations/answers", json=body)
        assert again.json["id"] == made.json["id"]
        offered = company.api("GET", f"/recommendations?customer_id={ann}&limit=20&record=false").json["items"]
        assert body["product_id"] not in [one["product_id"] for one in offered]
        for asked in (f"customer_id={ann}", "verdict=declined", "reason=not_now"):
            assert [one["id"] for one in company.api("GET", f"/recommendations/answers?{asked}").json["items"]] == [
                made.json["id"]
            ]
        assert company.api("GET", "/recommendations/answers?verdict=accepted").json["items"] == []
        address = f"/recommendations/answers/{made.json['id']}"
        assert company.api("GET", address).json == made.json
        assert [company.api("DELETE", address).status_code for _again in range(2)] == [204, 204]
        assert company.api("GET", "/recommendations/answers").json["items"] == []

    @pytest.mark.parametrize(
        "wrong", [{"verdict": "perhaps"}, {"reason": "nonsense"}, {"days": 0}, {"more": 1}, {"verdict": "accepted"}]
    )
    def test_nonsense_is_named(self, company, ann, wrong):
        answer = company.api("POST", "/recommendations/answers", json=self.body(company, ann) | wrong)
        assert answer.status_code == 422 and answer.json["error"]["fields"]
