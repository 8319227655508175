"""Trials as people and programs plan, watch and end them, and one from the first visitor to the verdict through the shop's own doors."""

from __future__ import annotations

import secrets
from datetime import timedelta
from html.parser import HTMLParser

import numpy as np
import pytest

from saas.catalog import products
from saas.kit import clock, valkey, work
from saas.kit.db import db
from saas.recommend import fitting, shelf, shown, stock, trial_counting
from saas.recommend.trial_models import TrialDay
from tests import queries
from tests.doors.test_home import text_of
from tests.rooms.recommend import little_shop

PLAN = {
    "name": "Is new better?", "slot": "home", "days": 1,
    "arms": [{"name": "As today", "share": 50}, {"name": "Newest", "share": 50, "settings": {"engine": "newest"}}],
}  # fmt: skip
FORM = {"name": "Is new better?", "slot": "home", "mode": "split", "goal": "orders", "days": "3", "worth_percent": "10",
        "arm": "1", "arm-1-share": "30", "arm-1-set": ["engine"], "arm-1-engine": "newest", "holdout": "0", "watch_orders": "1",
        "guard_orders": "5"}  # fmt: skip


@pytest.fixture(autouse=True)
def empty_memory(settings_in_environment):
    shelf.forget()
    stock.forget()
    shown.flush()
    valkey.client().delete(shown.STREAM)


def made(company, **fields) -> str:
    answer = company.api("POST", "/recommendations/trials", json={**PLAN, **fields})
    assert answer.status_code == 201, answer.json
    return answer.json["id"]


def act(company, trial: str, what: str, **body):
    return company.api("POST", f"/recommendations/trials/{trial}/{what}", **({"json": body} if body else {}))


def counted(company, trial: str, *arms: tuple[str, int, int]) -> None:
    with company.app.app_context(), work.unit(tenant_id=company.tenant_id):
        for arm, people, buyers in arms:
            db.session.add(
                TrialDay(
                    trial_id=trial, day=clock.now().date() - timedelta(days=50), arm=arm, people=people, buyers=buyers, clickers=0, leavers=0,
                    ended=people, payers=buyers, amount=buyers * 1000, squares=buyers * 1000**2,
                )
            )  # fmt: skip
        db.session.flush()
        trial_counting.count(trial)


class Fields(HTMLParser):
    """What a browser sends when somebody saves a page's form as it came."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.sent: dict[str, list[str]] = {}
        self._inside = self._typing = self._choosing = ""
        self.feed(page)

    def handle_starttag(self, tag, attrs):
        told = dict(attrs)
        self._inside = self._inside or (tag == "form" and "r-form" in (told.get("class") or ""))
        name, kind = told.get("name"), told.get("type")
        if not self._inside:
            return
        if tag == "select":
            self._choosing = name
            self.sent.setdefault(name, []).append("")
        elif tag == "option" and "selected" in told and self._choosing:
            self.sent[self._choosing][-1] = told["value"]
        elif tag == "textarea":
            self._typing = name
            self.sent.setdefault(name, []).append("")
        elif tag == "input" and name and (kind not in ("checkbox", "radio") or "checked" in told):
            self.sent.setdefault(name, []).append(told.get("value", ""))

    def handle_data(self, data):
        if self._typing:
            self.sent[self._typing][-1] += data.lstrip("\n")

    def handle_endtag(self, tag):
        if tag == "form":
            self._inside = ""
        elif tag == "textarea":
            self._typing = ""


class TestPages:
    def test_the_form_keeps_what_programs_set(self, company):
        arms = [
            {"share": 40}, {"name": "Few", "share": 30, "settings": {"engine": "newest", "category_cap": 2}},
            {"name": "Dear", "share": 20, "settings": {"price_least": "20.00", "currency": "USD"}}, {"share": 10, "kind": "nothing"},
        ]  # fmt: skip
        trial = made(company, arms=arms)
        before = company.api("GET", f"/recommendations/trials/{trial}").json["arms"]
        assert (
            company.post(
                f"/recommendations/trials/{trial}/edit",
                Fields(company.page.get(f"/recommendations/trials/{trial}/edit").text).sent,
            ).status_code
            == 303
        )
        assert company.api("GET", f"/recommendations/trials/{trial}").json["arms"] == before

    def test_an_arm_chooses_all_that_a_place_has(self, company, drain):
        with company.app.app_context(), work.unit(tenant_id=company.tenant_id):
            products.upsert_many([little_shop.product(key) for key in ("tea-1", "tea-2", "cup-1")])
        drain(company)
        typed = {
            "fallback": ["newest", "", ""], "count": "3", "diversity": "40", "pinned": "Tea 1\ntea-2", "buried": "Cup 1", "picked": "",
            "excluded_tags": "old, sale", "excluded_categories": "Books", "least_stock": "5", "not_bought_days": "60", "least_margin": "20",
            "category_cap": "2", "price_least": "5", "price_most": "90.50", "step_least": "10", "step_most": "40", "reduced_only": "1",
        }  # fmt: skip
        fields = {f"arm-1-{name}": value for name, value in typed.items()}
        chosen = [*typed, "unknown_margin", "bundle"]
        answer = company.post("/recommendations/trials/new", {**FORM, "slot": "product", "arm-1-set": chosen, **fields})
        assert answer.status_code == 303, text_of(answer)
        settings = company.api("GET", f"/recommendations/trials/{answer.headers['Location'].rpartition('/')[2]}").json[
            "arms"
        ][1]["settings"]
        assert set(settings) == {*chosen, "currency"}
        assert (settings["excluded_tags"], settings["price_most"], settings["currency"]) == (
            ["old", "sale"],
            "90.50",
            "EUR",
        )
        assert len(settings["pinned"]) == 2 and settings["reduced_only"] is True and settings["bundle"] is False
        words = text_of(company.page.get(answer.headers["Location"]))
        for line in (
            "How many: 3 (today: as the page says)", "Always first: Tea 1 (tea-1), Tea 2 (tea-2) (today: nothing)", "Not bought for: 60 days",
            "Price to: €90.50 (today: any)", "Never with these tags: old, sale", "A step up: at least: 10% (today: 5%)",
        ):  # fmt: skip
            assert line in words

    def test_a_setting_and_an_arm_are_added_and_taken_away_without_keeping_anything(self, company):
        page = company.post("/recommendations/trials/form", {**FORM, "arm-1-add": "category_cap"}).text
        assert 'name="arm-1-category_cap"' in page and 'name="arm-1-engine"' in page
        page = company.post("/recommendations/trials/form?more=1", FORM).text
        assert 'name="arm-2-engine"' in page
        page = company.post("/recommendations/trials/form?drop=1-engine", FORM).text
        assert 'name="arm-1-engine"' not in page and "Is new better?" in page
        two = {**FORM, "arm": ["1", "2"], "arm-2-set": ["count"], "arm-2-count": "5"}
        page = company.post("/recommendations/trials/form?less=1", two).text
        assert 'name="arm-2-count"' in page and 'name="arm-1-share"' not in page
        assert company.api("GET", "/recommendations/trials").json["items"] == []

    def test_each_arm_has_its_own_sentence_for_what_is_wrong(self, company):
        wrong = {
            **FORM,
            "arm": ["1", "2"],
            "arm-2-share": "20",
            "arm-2-set": ["count", "pinned"],
            "arm-2-count": "99",
            "arm-2-pinned": "No such",
        }
        answer = company.post("/recommendations/trials/new", wrong)
        words = text_of(answer)
        assert answer.status_code == 422 and "A number from 1 to 20." in words and "There is no such product." in words
        assert 'id="f-arm-2-count-error"' in answer.text and 'id="f-arm-1-engine-error"' not in answer.text

    def test_the_list_says_what_a_trial_is_for_before_there_is_one(self, company):
        assert "No trials yet" in text_of(company.page.get("/recommendations/trials"))

    def test_a_plan_is_made_changed_started_paused_ended(self, company):
        answer = company.post("/recommendations/trials/new", FORM)
        assert answer.status_code == 303
        path = answer.headers["Location"]
        words = text_of(company.page.get(path))
        assert "Not begun yet." in words and "30%" in words and "New in the shop" in words
        assert company.post(f"{path}/edit", {**FORM, "arm-1-share": "20", "holdout": "20"}).status_code == 303
        assert "Nothing is shown" in text_of(company.page.get(path))
        for step, said in (
            ("start", "Nobody has met the trial yet."),
            ("pause", "Somebody paused it."),
            ("start", "Running"),
            ("stop", "Stopped"),
        ):
            assert company.post(f"{path}/{step}", {}).status_code == 303
            assert said in text_of(company.page.get(path)), step
        assert company.post(f"{path}/start", {}).status_code == 409

    def test_a_wrong_plan_comes_back_with_its_sentence(self, company):
        answer = company.post("/recommendations/trials/new", {**FORM, "name": "", "arm-1-engine": "", "days": "x"})
        assert answer.status_code == 422
        words = text_of(answer)
        for sentence in ("Give it a name.", "Say what is different.", "A number of days from 1 to 30."):
            assert sentence in words

    def test_a_winner_is_shown_and_taken_over_with_one_click_and_undone(self, company):
        trial = made(company)
        act(company, trial, "start")
        counted(company, trial, ("today", 5000, 200), ("arm-1", 5000, 330))
        path = f"/recommendations/trials/{trial}"
        with queries.counted() as statements:
            words = text_of(company.page.get(path))
        assert "“Newest” wins: 65.0% more people buy" in words and "Show “Newest” to everybody" in words
        assert len(statements) <= 12
        assert company.post(f"{path}/take-over", {"arm": "arm-1"}).status_code == 303
        assert company.api("GET", "/recommendations/slots/home").json["engine"] == "newest"
        entry = company.api("GET", "/audit?action=offer_trials.taken_over").json["items"][0]["id"]
        assert company.api("POST", f"/audit/{entry}/undo").status_code in (200, 201)
        assert company.api("GET", "/recommendations/slots/home").json["engine"] == "automatic"

    def test_a_long_list_has_pages(self, company):
        for number in range(60):
            made(company, name=f"Trial {number}")
        with queries.counted() as statements:
            words = text_of(company.page.get("/recommendations/trials"))
        assert "Trial 59" in words and "Trial 1 " not in words
        assert len(statements) <= 12


class TestPrograms:
    def test_figures_with_the_verdict_in_words(self, company):
        trial = made(company)
        act(company, trial, "start")
        counted(company, trial, ("today", 5000, 200), ("arm-1", 5000, 330))
        told = company.api("GET", f"/recommendations/trials/{trial}/figures").json
        assert (told["verdict"], told["arm"]) == ("better", "arm-1")
        assert told["arms"][1]["low"] > 0 and told["arms"][0]["amount"] == "2000.00"
        assert told["text"].startswith("“Newest” wins")

    def test_a_plan_is_changed_only_while_nobody_else_did_and_thrown_away(self, company):
        trial = made(company)
        path = f"/recommendations/trials/{trial}"
        assert company.api("PATCH", path, json={"worth_percent": 20}, headers={"If-Match": '"old"'}).status_code == 412
        assert company.api("PATCH", path, json={"worth_percent": 20}).json["worth_percent"] == 20
        assert company.api("DELETE", path).status_code == 204
        assert company.api("GET", path).status_code == 404

    def test_what_makes_no_sense_is_refused_with_its_field(self, company):
        arms = [PLAN["arms"][0], {**PLAN["arms"][1], "share": 40}]
        answer = company.api("POST", "/recommendations/trials", json={**PLAN, "arms": arms})
        assert (answer.status_code, list(answer.json["error"]["fields"])) == (422, ["arms"])

    def test_one_at_a_time_and_another_company_sees_none(self, company, other_company):
        first, second = made(company), made(company, name="Another")
        assert act(company, first, "start").json["state"] == "running"
        assert act(company, second, "start").status_code == 409
        assert act(company, first, "take-over", arm="moon").status_code == 422
        assert other_company.api("GET", f"/recommendations/trials/{first}").status_code == 404
        assert other_company.api("GET", "/recommendations/trials").json["items"] == []


class TestFromTheShop:
    """Visitors ask for offers, tell what they saw and clicked, and the shop's server tells what they bought."""

    @pytest.mark.parametrize(("rate", "found"), [(0.6, "better"), (0.2, "open")])
    def test_a_planted_winner_is_found_and_an_absent_one_is_not(self, app, company, drain, rate, found):
        with app.app_context():
            little_shop.fill(company)
            drain(company)
            fitting.fit(company.tenant_id)
        shelf.forget()
        stock.forget()
        trial = made(company, worth_percent=50)
        act(company, trial, "start")
        shelf.forget()
        generator, client, bought = np.random.default_rng(3), app.test_client(), []
        people = {"today": 0, "arm-1": 0}
        for number in range(240):
            visitor = f"trial-visitor-{number:012d}"
            query = {"site_key": company.site_key, "visitor": visitor, "slot": "home", "limit": "2"}
            offer = client.get("/offers", query_string=query).json["items"][0]
            newest = offer["reason"]["code"] == "new"
            people["arm-1" if newest else "today"] += 1
            if generator.random() < (rate if newest else 0.2):
                bought.append((number, visitor, offer))
        for _number, visitor, offer in bought:
            told = [
                {"id": secrets.token_hex(8), "type": kind, "at": clock.now().isoformat(), "offer": offer["offer"]}
                for kind in ("offer_seen", "offer_clicked")
            ]
            body = {"site_key": company.site_key, "visitor": visitor, "consent": {"analytics": True}, "events": told}
            assert client.post("/collect", json=body).json["accepted"] == 2
        items = [
            {"external_id": f"trial-{number}", "placed_at": (clock.now() + timedelta(seconds=5)).isoformat(), "currency": "EUR", "visitor": visitor,
             "lines": [{"position": 0, "product": offer["product"], "quantity": 1, "unit_price": offer["price"]}]}
            for number, visitor, offer in bought
        ]  # fmt: skip
        assert company.api("POST", "/orders/bulk", json={"items": items}).status_code == 200
        with app.app_context():
            shown.write_pending()
            drain(company)
            with clock.travel(to=clock.now() + timedelta(days=3)), work.unit(tenant_id=company.tenant_id):
                trial_counting.count(trial)
        told = company.api("GET", f"/recommendations/trials/{trial}/figures").json
        assert {arm["key"]: arm["people"] for arm in told["arms"]} == people
        assert sum(arm["buyers"] for arm in told["arms"]) == sum(arm["clickers"] for arm in told["arms"]) == len(bought)
        assert told["verdict"] == found, told
        assert "wins" in told["text"] if found == "better" else "Too early to tell" in told["text"]
