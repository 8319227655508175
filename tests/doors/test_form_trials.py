"""Trials of forms: who is given which variant, what is counted, what is said of it, and what won taken over and back."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from uuid import UUID, uuid4

import pytest

from saas.kit import clock, identifiers, work
from saas.kit.db import db
from saas.marketing import form_reports, form_trial_results, form_trials
from saas.marketing.models import FormSubmission
from tests.companies import add_member, drain_outbox
from tests.doors.test_forms import CONTENT, link_in, send, sender, told  # noqa: F401
from tests.letters import mailbox  # noqa: F401
from tests.queries import counted

OTHER = {
    "texts": {"en": {"title": "Fifteen percent", "thanks": "Very lovely."}},
    "after": {"coupon": "FIFTEEN"},
    "rules": {"seconds": 3},
}
ARMS = [{"share": 50}, {"name": "More", "share": 50, "content": OTHER}]


@pytest.fixture(autouse=True)
def post_office(mailbox):  # noqa: F811
    """Mails that follow arrive somewhere."""


@pytest.fixture
def form(company):
    made = company.api("POST", "/forms", json={"name": "Welcome", "kind": "popup", "content": CONTENT}).json["id"]
    assert company.api("POST", f"/forms/{made}/show").status_code == 200
    return made


@pytest.fixture
def trial(company, form):
    made = company.api("POST", f"/forms/{form}/trials", json={"arms": ARMS})
    assert made.status_code == 201, made.json
    assert company.api("POST", f"/form-trials/{made.json['id']}/start").json["state"] == "running"
    return made.json["id"]


def arms_of(company, trial):
    return company.api("GET", f"/form-trials/{trial}").json["arms"]


def browser_with(company, trial, key, number=0):
    """The id of a browser that is given an arm."""
    found = (f"browser-{number:03}-{n:08}" for n in range(1000))
    return next(one for one in found if form_trials.arm_of(trial, arms_of(company, trial), one)["key"] == key)


def me(company, visitor):
    return company.app.test_client().get(f"/forms/me?site_key={company.site_key}&visitor={visitor}").json


def results(company, trial):
    return company.api("GET", f"/form-trials/{trial}/results").json


class TestWhoGetsWhat:
    def test_the_same_browser_always_gets_the_same_and_many_get_their_shares(self):
        arms = [{"key": "a", "share": 50}, {"key": "b", "share": 30}, {"key": "c", "share": 20}]
        trial, other = uuid4(), uuid4()
        browsers = [uuid4().hex for _ in range(20_000)]
        given = [form_trials.arm_of(trial, arms, one)["key"] for one in browsers]
        assert given == [form_trials.arm_of(str(trial), arms, one)["key"] for one in browsers]
        for key, share in {"a": 0.5, "b": 0.3, "c": 0.2}.items():
            assert Counter(given)[key] / len(browsers) == pytest.approx(share, abs=0.02)
        elsewhere = [form_trials.arm_of(other, arms, one)["key"] for one in browsers]
        both = sum(mine == theirs for mine, theirs in zip(given, elsewhere, strict=True)) / len(browsers)
        assert both == pytest.approx(0.5**2 + 0.3**2 + 0.2**2, abs=0.02)  # one trial tells nothing of the other

    def test_a_browser_is_told_only_what_is_different_for_it(self, company, form, trial):
        plain, other = me(company, browser_with(company, trial, "a")), me(company, browser_with(company, trial, "b"))
        assert plain["arms"] == {form: {"arm": f"{trial}.a"}}
        given = other["arms"][form]
        assert (given["arm"], given["words"]["en"]["title"], given["rules"]["seconds"]) == (
            f"{trial}.b",
            "Fifteen percent",
            3,
        )
        assert "FIFTEEN" not in str(given) and "lovely" not in str(given) and "look" not in given
        assert told(company).json["forms"][0]["words"]["en"]["title"] == "Ten percent"
        assert "arms" not in me(company, "")

    def test_when_it_has_ended_everybody_gets_the_form_as_it_is(self, company, trial):
        assert company.api("POST", f"/form-trials/{trial}/stop").json["state"] == "stopped"
        assert "arms" not in me(company, browser_with(company, trial, "b"))


class TestCounting:
    def test_what_is_sent_stands_with_its_variant_and_gets_its_thanks_and_its_code(self, company, form, trial, sender):  # noqa: F811
        visitor = browser_with(company, trial, "b")
        answer = send(company, form, visitor=visitor, arm=f"{trial}.b").json
        assert (answer["thanks"], answer["coupon"]) == ("Very lovely.", "FIFTEEN")
        plain = send(
            company,
            form,
            visitor=browser_with(company, trial, "a"),
            arm=f"{trial}.a",
            values={"email": "bea@example.com", "first_name": "Bea"},
        )
        assert plain.json["coupon"] == "TEN"
        drain_outbox(company.app, company)
        assert {one["key"]: one["sent"] for one in results(company, trial)["arms"]} == {"a": 1, "b": 1}

    def test_the_consent_tells_by_which_form_version_and_variant_it_came(self, company, form, trial, sender, mailbox):  # noqa: F811
        send(company, form, visitor=browser_with(company, trial, "b"), arm=f"{trial}.b")
        drain_outbox(company.app, company)
        company.app.test_client().post(link_in(mailbox.to("ada@example.com")[0]))
        drain_outbox(company.app, company)
        ada = company.api("GET", "/customers").json["items"][0]["id"]
        proof = company.api("GET", f"/customers/{ada}/consents").json["items"][0]["proof"]
        version = company.api("GET", f"/forms/{form}").json["version"]
        told = {name: proof[name] for name in ("form", "form_id", "version", "trial", "arm", "variant")}
        assert told == {
            "form": "Welcome",
            "form_id": form,
            "version": min(version, 1),
            "trial": trial,
            "arm": "b",
            "variant": "More",
        }
        with counted() as statements:
            page = company.page.get(f"/customers/{ada}/consents").text
        assert len(statements) <= 12
        assert f'<a href="/marketing/forms/{form}">Welcome, version 1</a>' in page and "<dd>More</dd>" in page
        company.api("POST", f"/form-trials/{trial}/stop")
        assert company.api("DELETE", f"/forms/{form}").status_code == 204
        page = company.page.get(f"/customers/{ada}/consents").text
        assert "Welcome, version 1" in page and f"/marketing/forms/{form}" not in page

    @pytest.mark.parametrize("lie", ["another arm", "no consent", "another trial"])
    def test_a_word_that_does_not_fit_the_browser_is_not_counted(self, company, form, trial, sender, lie):  # noqa: F811
        visitor = browser_with(company, trial, "a")
        changes = {
            "another arm": {"arm": f"{trial}.b"}, "no consent": {"arm": f"{trial}.a", "counted": False}, "another trial": {"arm": f"{uuid4()}.a"},
        }[lie]  # fmt: skip
        answer = send(company, form, visitor=visitor, **changes)
        assert answer.status_code == 202 and answer.json["coupon"] == "TEN"
        assert sum(one["sent"] for one in results(company, trial)["arms"]) == 0

    def test_whoever_sends_it_twice_or_from_two_browsers_counts_once(self, company, form, trial, sender):  # noqa: F811
        for key in ("a", "b", "b"):
            send(company, form, visitor=browser_with(company, trial, key), arm=f"{trial}.{key}")
        drain_outbox(company.app, company)
        assert {one["key"]: one["sent"] for one in results(company, trial)["arms"]} == {"a": 1, "b": 0}

    def test_who_saw_it_is_counted_once_a_browser_and_nonsense_is_not(self, company, form, trial):
        for arm in (f"{trial}.a", f"{trial}.b", f"{trial}.b", "", f"{uuid4()}.b", "../x.b", f"{trial}.d"):
            send(company, form, path="/forms/told", form=form, what="shown", arm=arm)
        counted_ = form_reports.gather()[company.tenant_id]
        with company.app.app_context(), work.unit(tenant_id=company.tenant_id):
            form_reports.add(counted_)
        form_reports.written_down(company.tenant_id, counted_)
        assert {one["key"]: one["seen"] for one in results(company, trial)["arms"]} == {"a": 1, "b": 2}
        assert company.api("GET", f"/forms/{form}/report").json["shown"] == 7


def fill(company, form, trial, *, days, a, b):
    """So many people a day sent each variant."""
    now = clock.now()
    with company.app.app_context(), work.unit(tenant_id=company.tenant_id):
        held = form_trials.one(trial, lock=True)
        held.started_at = now - timedelta(days=days)
        for day in range(days):
            for key, number in (("a", a), ("b", b)):
                at = held.started_at + timedelta(days=day, hours=1)
                db.session.add_all(
                    FormSubmission(id=identifiers.new(), form_id=UUID(form), email=f"{key}{day}-{n}@many.example", sent_at=at, trial_id=held.id, arm=key, counted=True)
                    for n in range(number)
                )  # fmt: skip


class TestVerdict:
    def test_before_anybody_and_with_few_it_is_open_in_words(self, company, form, trial):
        assert results(company, trial)["verdict"] == "nobody"
        fill(company, form, trial, days=2, a=3, b=4)
        found = results(company, trial)
        assert found["verdict"] == "open" and "Too early to tell" in found["text"] and found["more_days"] > 1

    def test_a_large_difference_wins_with_its_interval_in_words_and_for_programs(self, company, form, trial):
        fill(company, form, trial, days=10, a=15, b=30)
        found = results(company, trial)
        assert (found["verdict"], found["arm"]) == ("better", "b") and "“More” wins" in found["text"]
        more = found["arms"][1]
        assert 0 < more["low"] < more["difference"] < more["high"] and more["difference"] == pytest.approx(
            1.0, abs=0.01
        )
        page = company.page.get(f"/marketing/forms/{form}/trial").text
        assert "“More” wins" in page and "Show “More” to everybody" in page

    def test_what_was_reached_once_holds_whatever_chance_does_afterwards(self, company, form, trial):
        fill(company, form, trial, days=10, a=15, b=30)
        with company.app.app_context(), work.unit(tenant_id=company.tenant_id):
            db.session.add_all(
                FormSubmission(id=identifiers.new(), form_id=UUID(form), email=f"late{n}@many.example", sent_at=clock.now(), trial_id=UUID(trial), arm="a", counted=True)
                for n in range(160)
            )  # fmt: skip
        assert results(company, trial)["verdict"] == "better"

    def test_when_one_variant_loses_its_people_nothing_is_trusted(self, company, form, trial):
        with company.app.app_context(), work.unit(tenant_id=company.tenant_id):
            today = clock.now().date()
            form_reports.add({(UUID(trial), today): {"a": 900, "b": 600}})
        assert results(company, trial)["verdict"] == "mismatch"

    def test_alike_variants_are_rarely_called_different_however_often_somebody_looks(self):
        """The arithmetic is tried at length with trials of offers; here, that the days reach it as they are."""
        plan = form_trials.FormTrial(goal="sent", worth_percent=10, arms=[{"key": "a"}, {"key": "b"}], state="running")
        arms = [form_trial_results.Arm("a", "a", 50), form_trial_results.Arm("b", "b", 50)]
        days = {
            clock.now().date() - timedelta(days=n): [("a", "sent", 40), ("b", "sent", 41 - n % 3)] for n in range(30)
        }
        assert form_trial_results._over_time(plan, arms, days) is None
        assert (arms[0].sent, len(arms[1].curve)) == (1200, 30)


class TestTakenOver:
    def test_the_winner_becomes_the_form_with_one_click_and_comes_back_by_undo(self, company, form, trial):
        fill(company, form, trial, days=10, a=15, b=30)
        company.post(f"/marketing/form-trials/{trial}/take-over", {"arm": "b"})
        held = company.api("GET", f"/forms/{form}").json["content"]
        assert held["texts"]["en"]["title"] == "Fifteen percent" and held["after"]["coupon"] == "FIFTEEN"
        assert held["fields"] == company.api("GET", f"/forms/{form}").json["content"]["fields"]
        now = company.api("GET", f"/form-trials/{trial}").json
        assert (now["state"], now["taken_arm"]) == ("stopped", "b")
        assert told(company).json["forms"][0]["words"]["en"]["title"] == "Fifteen percent"
        audited = company.api("GET", "/audit").json["items"]
        entry = next(one["id"] for one in audited if one["action"] == "form_trials.taken_over")
        assert company.api("POST", f"/audit/{entry}/undo").status_code in (200, 201)
        held = company.api("GET", f"/forms/{form}").json["content"]
        assert held["texts"]["en"]["title"] == "Ten percent" and held["after"]["coupon"] == "TEN"
        assert company.api("GET", f"/form-trials/{trial}").json["taken_arm"] == ""

    def test_by_program_too_and_an_unknown_variant_is_refused(self, company, form, trial):
        assert company.api("POST", f"/form-trials/{trial}/take-over", json={"arm": "c"}).status_code == 422
        assert company.api("POST", f"/form-trials/{trial}/take-over", json={"arm": "b"}).json["taken_arm"] == "b"


class TestPlan:
    @pytest.mark.parametrize(("arms", "place"), [
        ([{"share": 60}, {"share": 50, "content": OTHER}], "arms"),
        ([{"share": 50}, {"share": 50}], "arms.1.content"),
        ([{"share": 50, "content": OTHER}, {"share": 50, "content": OTHER}], "arms.0.content"),
        ([{"share": 50}, {"share": 50, "content": {"fields": []}}], "arms.1.content.fields"),
        ([{"share": 50}, {"share": 50, "content": {"look": {"accent": "blue"}}}], "arms.1.content.look.accent"),
    ])  # fmt: skip
    def test_what_cannot_be_is_named_with_its_place(self, company, form, arms, place):
        answer = company.api("POST", f"/forms/{form}/trials", json={"arms": arms})
        assert answer.status_code == 422 and place in answer.json["error"]["fields"], answer.json

    def test_one_at_a_time_and_the_form_stays_what_it_is_meanwhile(self, company, form, trial):
        assert company.api("POST", f"/forms/{form}/trials", json={"arms": ARMS}).status_code == 409
        known = company.api("GET", f"/forms/{form}")

        def changed(body):
            return company.api("PATCH", f"/forms/{form}", json=body, headers={"If-Match": known.headers["ETag"]})

        assert changed({"content": {"look": {"accent": "#aa3300"}}}).status_code == 409
        assert changed({"name": "Another name"}).status_code == 200
        assert company.api("DELETE", f"/form-trials/{trial}").status_code == 409

    def test_of_a_form_that_is_not_shown_nothing_can_be_begun_and_a_plan_can_be_thrown_away(self, company, form):
        company.api("POST", f"/forms/{form}/hide")
        plan = company.api("POST", f"/forms/{form}/trials", json={"arms": ARMS}).json["id"]
        assert company.api("POST", f"/form-trials/{plan}/start").status_code == 409
        assert company.api("DELETE", f"/form-trials/{plan}").status_code == 204
        assert company.api("GET", f"/forms/{form}/trials").json["items"] == []


class TestPages:
    def test_a_trial_is_planned_begun_watched_and_ended_on_pages(self, company, form):
        path = f"/marketing/forms/{form}/trial"
        assert "No variant was tried yet" in company.page.get(path).text
        page = company.page.get(f"{path}/new").text
        assert "Variant B" in page and "Variant C" in page and "Ten percent" in page
        held = {"text.en.title": "Ten percent", "text.en.thanks": "Lovely.", "after.coupon": "TEN"}
        typed = {f"{letter}.{name}": value for letter in "bc" for name, value in held.items()}
        typed |= {
            "b.name": "Shorter",
            "b.text.en.title": "Save ten",
            "goal": "confirmed",
            "worth_percent": "20",
            "has": ["b.rules", "c.rules"],
        }
        assert company.post(f"{path}/new", typed).status_code in (302, 303)
        [plan] = company.api("GET", f"/forms/{form}/trials").json["items"]
        assert [(arm["name"], arm["share"], list(arm["content"])) for arm in plan["arms"]] == [
            ("As it is", 50, []),
            ("Shorter", 50, ["texts"]),
        ]
        assert (plan["goal"], plan["worth_percent"], plan["arms"][1]["content"]["texts"]["en"]["title"]) == (
            "confirmed",
            20,
            "Save ten",
        )
        company.post(f"/marketing/form-trials/{plan['id']}/start")
        shown = company.page.get(path).text
        assert "Nobody has met the trial yet." in shown and "Shorter" in shown
        company.post(f"/marketing/form-trials/{plan['id']}/stop")
        assert "Plan another" in company.page.get(path).text

    def test_what_is_wrong_stays_on_the_page_and_is_named(self, company, form):
        typed = {
            "b.text.en.title": "Save",
            "b.look.accent": "blue",
            "c.text.en.title": "Ten percent",
            "worth_percent": "10",
        }
        answer = company.post(f"/marketing/forms/{form}/trial/new", typed)
        assert answer.status_code == 422 and "A colour such as" in answer.text and "Save" in answer.text

    def test_few_questions_and_who_only_reads_changes_nothing(self, company, form, trial, app):
        fill(company, form, trial, days=20, a=5, b=6)
        with counted() as queries:
            company.page.get(f"/marketing/forms/{form}/trial")
        assert len(queries) <= 12, queries
        reader = add_member(app, company, role="read_only")
        page = reader.get(f"/marketing/forms/{form}/trial").text
        assert "take-over" not in page and "/stop" not in page
        assert reader.get(f"/marketing/forms/{form}/trial/new").status_code == 403
