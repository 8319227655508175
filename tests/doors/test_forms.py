"""Forms of the shops' pages through all doors: shown, sent, asked once more by mail, and what came of it."""

from __future__ import annotations

import json
import re

import pytest

from saas.customers import identity
from saas.kit import clock, work
from saas.marketing import form_reports
from saas.tenancy import settings
from tests.letters import mailbox  # noqa: F401

WORDS = {"en": "Yes, write to me once a week. I can take this back at any time.", "de": "Ja, schreibt mir jede Woche."}
VISITOR = "browser-0000000000000001"
CONTENT = {
    "fields": [{"name": "email"}, {"name": "first_name", "required": True}, {"name": "birthday"}],
    "purposes": [{"key": "marketing", "wording": WORDS}],
    "texts": {"en": {"title": "Ten percent", "thanks": "Lovely."}, "de": {"title": "Zehn Prozent", "thanks": "Schön."}},
    "after": {"coupon": "TEN", "redirect": "https://shop.example/thanks"},
}


@pytest.fixture(autouse=True)
def post_office(mailbox):  # noqa: F811
    """Mails that follow arrive somewhere."""


@pytest.fixture
def sender(company, context):
    """A company that may write."""
    with work.unit(tenant_id=company.tenant_id):
        settings.change_sender(sender_name="Lamp & Light", sender_email=company.email, reply_to="")


@pytest.fixture
def form(company):
    made = company.api("POST", "/forms", json={"name": "Welcome", "kind": "popup", "content": CONTENT})
    assert made.status_code == 201, made.json
    assert company.api("POST", f"/forms/{made.json['id']}/show").status_code == 200
    return made.json["id"]


def told(company, **headers):
    return company.app.test_client().get(f"/forms?site_key={company.site_key}", headers=headers)


def send(company, to, *, path="", **changes):
    body = {
        "site_key": company.site_key, "language": "en", "took": 4000, "url": "https://shop.example/tea", "version": 1, "visitor": VISITOR,
        "values": {"email": "ada@example.com", "first_name": "Ada", "birthday": "1990-05-01"}, "purposes": ["marketing"], "counted": True,
    } | changes  # fmt: skip
    return company.app.test_client().post(path or f"/forms/{to}", data=json.dumps(body), content_type="text/plain")


def customers(company):
    return company.api("GET", "/customers").json["items"]


def link_in(letter) -> str:
    return re.search(r"(/m/y/[\w.-]+)", letter.get_body(("plain",)).get_content()).group(1)


def submissions(company, form):
    return company.api("GET", f"/forms/{form}/submissions").json["items"]


class TestShown:
    def test_only_live_forms_are_told_and_without_what_comes_afterwards(self, company, form):
        company.api("POST", "/forms", json={"name": "Draft", "kind": "embed", "content": CONTENT})
        answer = told(company)
        assert answer.status_code == 200 and answer.headers["Access-Control-Allow-Origin"] == "*"
        [one] = answer.json["forms"]
        assert (one["id"], one["kind"], one["words"]["de"]["title"]) == (form, "popup", "Zehn Prozent")
        assert one["purposes"][0]["words"]["de"] == WORDS["de"]
        assert "TEN" not in answer.text and "Lovely" not in answer.text

    def test_a_browser_s_copy_is_good_until_something_changes(self, company, form):
        mark = told(company).headers["ETag"]
        assert told(company, **{"If-None-Match": mark}).status_code == 304
        company.api("POST", f"/forms/{form}/hide")
        fresh = told(company, **{"If-None-Match": mark})
        assert fresh.status_code == 200 and fresh.json["forms"] == []

    def test_it_is_answered_without_the_database_once_it_is_kept(self, company, form, monkeypatch):
        told(company)

        def nobody(*arguments, **wishes):
            raise AssertionError("asked the database")

        monkeypatch.setattr("saas.marketing.form_shop.work.unit", nobody)
        assert told(company).status_code == 200

    def test_an_unknown_site_key_is_refused(self, company):
        assert company.app.test_client().get("/forms?site_key=pk_no").status_code == 401


class TestSent:
    def test_known_and_unknown_addresses_get_the_same_answer_to_the_byte(self, company, form, drain):
        company.api("POST", "/customers", json={"email": "ada@example.com"})
        known = send(company, form)
        unknown = send(company, form, values={"email": "new@example.com", "first_name": "New"})
        assert known.status_code == unknown.status_code == 202
        assert known.data == unknown.data
        assert known.json == {"state": "taken", "thanks": "Lovely.", "next": "Please look into your mailbox and confirm.",
                              "coupon": "TEN", "redirect": "https://shop.example/thanks"}  # fmt: skip

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"values": {"email": "ada@example.com"}}, "first_name"),
            ({"values": {"email": "ada(at)example.com", "first_name": "A"}}, "email"),
            ({"values": {"email": "ada@nowhere", "first_name": "A"}}, "email"),
            ({"values": {"first_name": "A"}}, "email"),
            ({"values": "no values"}, "email"),
        ],
    )
    def test_what_is_missing_or_wrong_is_said(self, company, form, changes, field):
        answer = send(company, form, **changes)
        assert answer.status_code == 422 and field in answer.json["error"]["fields"]

    @pytest.mark.parametrize("body", ["", "no json", "[]", "null", '{"site_key": 7}'])
    def test_nonsense_is_refused(self, company, form, body):
        assert company.app.test_client().post(f"/forms/{form}", data=body).status_code in (401, 422)

    @pytest.mark.parametrize(
        "robot", [{"website": "http://spam.example"}, {"took": 12}, {"took": None}, {"took": "soon"}]
    )
    def test_a_machine_hears_thanks_and_nothing_is_kept(self, company, form, robot, drain):
        assert send(company, form, **robot).json["state"] == "taken"
        drain(company)
        assert submissions(company, form) == [] and customers(company) == []

    def test_a_form_that_is_not_shown_takes_nothing(self, company, other_company, form):
        company.api("POST", f"/forms/{form}/hide")
        assert send(company, form).status_code == 404
        assert send(other_company, form).status_code == 404

    def test_a_stranger_who_types_an_address_changes_nothing_of_whose_it_is(self, company, form, drain):
        company.api("POST", "/customers", json={"email": "ada@example.com", "first_name": "Augusta"})
        send(company, form)
        drain(company)
        [ada] = customers(company)
        assert (ada["first_name"], ada["consent"]["email"]) == ("Augusta", "unknown")


class TestDoubleOptIn:
    def test_only_the_click_counts_and_everything_is_proof(self, company, form, sender, drain, mailbox):  # noqa: F811
        send(company, form)
        drain(company)
        [letter] = mailbox.to("ada@example.com")
        assert WORDS["en"] in letter.get_body(("plain",)).get_content()
        [ada] = customers(company)
        assert (ada["first_name"], ada["consent"]["email"]) == ("Ada", "unknown")
        [sent] = submissions(company, form)
        assert (sent["won"], sent["confirmed_at"], sent["values"]["birthday"]) == (True, None, "1990-05-01")
        with work.unit(tenant_id=company.tenant_id):
            assert [found[1] for found in [identity.visitor(VISITOR)]] == [False]
        company.app.test_client().post(link_in(letter))
        drain(company)
        assert customers(company)[0]["consent"]["email"] == "granted"
        assert submissions(company, form)[0]["confirmed_at"]
        proof = company.api("GET", f"/customers/{ada['id']}/consents").json["items"][0]["proof"]
        assert (proof["wording"], proof["place"], proof["form"]) == (WORDS["en"], "https://shop.example/tea", "Welcome")
        with work.unit(tenant_id=company.tenant_id):
            assert identity.visitor(VISITOR)[1] is True

    def test_clicked_elsewhere_the_browser_stays_a_claim(self, company, form, sender, drain, mailbox):  # noqa: F811
        send(company, form)
        drain(company)
        client = company.app.test_client()
        client.post(link_in(mailbox.to("ada@example.com")[0]), environ_base={"REMOTE_ADDR": "203.0.113.9"})
        drain(company)
        assert submissions(company, form)[0]["confirmed_at"]
        with work.unit(tenant_id=company.tenant_id):
            assert identity.visitor(VISITOR)[1] is False

    def test_the_words_are_in_the_language_they_were_shown_in(self, company, form, sender, drain, mailbox):  # noqa: F811
        send(company, form, language="de")
        drain(company)
        assert WORDS["de"] in mailbox.to("ada@example.com")[0].get_body(("plain",)).get_content()

    def test_nobody_is_flooded(self, company, form, sender, drain, mailbox):  # noqa: F811
        for _time in range(3):
            send(company, form)
        drain(company)
        assert len(mailbox.to("ada@example.com")) == 1

    def test_what_they_told_is_filled_in_where_it_was_empty_once_confirmed(self, company, form, sender, drain, mailbox):  # noqa: F811
        company.api("POST", "/customers", json={"email": "ada@example.com"})
        send(company, form)
        drain(company)
        assert customers(company)[0]["first_name"] == ""
        company.app.test_client().post(link_in(mailbox.to("ada@example.com")[0]))
        drain(company)
        assert customers(company)[0]["first_name"] == "Ada"

    def test_what_is_for_other_ways_than_mail_is_granted_by_the_same_click(self, company, sender, drain, mailbox):  # noqa: F811
        club = company.api(
            "POST", "/consent-purposes", json={"name": "Club", "channels": ["email", "sms"], "wording": WORDS}
        ).json["key"]
        content = CONTENT | {"fields": [{"name": "phone"}], "purposes": [{"key": club}]}
        form = company.api("POST", "/forms", json={"name": "Club", "kind": "embed", "content": content}).json["id"]
        company.api("POST", f"/forms/{form}/show")
        send(company, form, values={"email": "ada@example.com", "phone": "+4930123456"}, purposes=[club])
        drain(company)
        company.app.test_client().post(link_in(mailbox.to("ada@example.com")[0]))
        drain(company)
        held = company.api("GET", f"/customers/{customers(company)[0]['id']}/consents").json["states"]
        assert {(one["channel"], one["state"]) for one in held if one["purpose"] == club} == {
            ("email", "granted"),
            ("sms", "granted"),
        }


class TestFigures:
    def test_what_came_of_it(self, company, form, sender, drain, mailbox, context):  # noqa: F811
        for what in ("shown", "shown", "shown", "started"):
            assert send(company, form, path="/forms/told", form=form, what=what).status_code == 202
        send(company, form)
        send(company, form, values={"email": "eve@example.com", "first_name": "Eve"}, counted=False)
        drain(company)
        company.app.test_client().post(link_in(mailbox.to("ada@example.com")[0]))
        drain(company)
        company.api("POST", "/orders", json={
            "external_id": "o1", "placed_at": clock.now().isoformat(), "currency": "EUR", "status": "paid",
            "customer": {"email": "ada@example.com"}, "lines": [{"product": "p1", "quantity": 1, "unit_price": "30.00"}],
        })  # fmt: skip
        drain(company)
        for tenant_id, counted in form_reports.gather().items():
            with work.unit(tenant_id=tenant_id):
                form_reports.add(counted)
            form_reports.written_down(tenant_id, counted)
        found = company.api("GET", f"/forms/{form}/report").json
        assert {name: found[name] for name in ("shown", "started", "sent", "sent_counted", "confirmed", "won", "buyers")} == {
            "shown": 3, "started": 1, "sent": 2, "sent_counted": 1, "confirmed": 1, "won": 1, "buyers": 1,
        }  # fmt: skip
        assert found["revenue_amount"] == 3000 and found["rate"] == pytest.approx(1 / 3)

    def test_counts_of_a_form_that_is_gone_or_of_nothing_are_dropped(self, company, form):
        assert send(company, form, path="/forms/told", form="no id", what="shown").status_code == 404
        assert send(company, form, path="/forms/told", form=form, what="bought").status_code == 422


class TestMe:
    def test_only_a_proven_browser_is_known(self, company, context):
        ada = company.api(
            "POST", "/customers", json={"email": "ada@example.com", "consent": {"email": "granted"}}
        ).json["id"]
        ask = f"/forms/me?site_key={company.site_key}&visitor={VISITOR}"
        client = company.app.test_client()
        with work.unit(tenant_id=company.tenant_id):
            identity.bind_visitor(VISITOR, ada, proven=False)
        assert client.get(ask).json == {"known": False, "subscribed": False}
        with work.unit(tenant_id=company.tenant_id):
            identity.bind_visitor(VISITOR, ada, proven=True)
        assert client.get(ask).json == {"known": True, "subscribed": True}


class TestRecords:
    def test_a_change_needs_the_newest_version_and_keeps_the_other_parts(self, company, form):
        path = f"/forms/{form}"
        mark = company.api("GET", path).headers["ETag"]
        changed = company.api(
            "PATCH", path, json={"content": {"look": {"accent": "#ff0000"}}}, headers={"If-Match": mark}
        )
        assert changed.status_code == 200 and changed.json["version"] == 2
        assert (
            changed.json["content"]["texts"] == CONTENT["texts"]
            and changed.json["content"]["look"]["accent"] == "#ff0000"
        )
        assert company.api("PATCH", path, json={"name": "B"}, headers={"If-Match": mark}).status_code == 412

    @pytest.mark.parametrize(
        ("content", "place"),
        [
            ({"nothing": 1}, "content.nothing"),
            ({"fields": [{"name": "password"}]}, "content.fields.0"),
            ({"fields": [{"name": "choice"}]}, "content.fields.0.options"),
            ({"fields": "email"}, "content.fields"),
            ({"purposes": [{"key": "no such"}]}, "content.purposes.0"),
            ({"look": {"accent": "red; }"}}, "content.look.accent"),
            ({"look": {"picture": "javascript:alert(1)"}}, "content.look.picture"),
            ({"after": {"redirect": "//evil"}}, "content.after.redirect"),
            ({"rules": {"scroll": 200}}, "content.rules.scroll"),
            ({"rules": {"cart_over": "NaN"}}, "content.rules.cart_over"),
            ({"rules": {"until": "tomorrow"}}, "content.rules.until"),
            ({"limits": {"times": "often"}}, "content.limits.times"),
            ({"texts": {"<b>": {"title": "x"}}}, "content.texts"),
        ],
    )
    def test_a_wrong_part_is_named(self, company, content, place):
        answer = company.api("POST", "/forms", json={"name": "Wrong", "kind": "popup", "content": content})
        assert answer.status_code == 422 and place in answer.json["error"]["fields"]

    def test_what_lacks_something_is_not_shown(self, company):
        made = company.api("POST", "/forms", json={"name": "Bare", "kind": "popup"}).json
        assert made["lacking"]
        assert company.api("POST", f"/forms/{made['id']}/show").status_code == 422

    def test_a_name_stands_once_and_a_copy_has_its_own(self, company, form):
        assert company.api("POST", "/forms", json={"name": "Welcome", "kind": "embed"}).status_code == 409
        copy = company.api("POST", f"/forms/{form}/copy").json
        assert copy["state"] == "draft" and copy["name"] != "Welcome" and copy["content"]["texts"] == CONTENT["texts"]

    def test_it_goes_to_the_bin_with_what_was_sent_and_comes_back(self, company, form, drain):
        send(company, form)
        drain(company)
        mark = company.api("GET", f"/forms/{form}").headers["ETag"]
        assert company.api("DELETE", f"/forms/{form}", headers={"If-Match": mark}).status_code == 204
        assert told(company).json["forms"] == [] and send(company, form).status_code == 404
        [item] = company.api("GET", "/bin?kind=form").json["items"]
        assert company.api("POST", f"/bin/{item['id']}/restore").status_code in (200, 201, 204)
        assert len(submissions(company, form)) == 1 and len(told(company).json["forms"]) == 1

    def test_an_edit_is_in_the_history_and_undone(self, company, form):
        mark = company.api("GET", f"/forms/{form}").headers["ETag"]
        company.api("PATCH", f"/forms/{form}", json={"name": "Autumn"}, headers={"If-Match": mark})
        [entry] = [
            one for one in company.api("GET", "/audit?kind=form").json["items"] if one["action"] == "forms.edited"
        ]
        assert company.api("POST", f"/audit/{entry['id']}/undo").status_code in (200, 201, 204)
        assert company.api("GET", f"/forms/{form}").json["name"] == "Welcome"

    def test_another_company_sees_none_of_it(self, other_company, form):
        assert other_company.api("GET", f"/forms/{form}").status_code == 404
        assert other_company.api("GET", f"/forms/{form}/submissions").status_code == 404


def test_an_erased_person_is_in_no_submission(company, form, drain):
    send(company, form)
    drain(company)
    [ada] = customers(company)
    company.api("POST", f"/customers/{ada['id']}/data/erase", json={"reason": "asked"})
    drain(company)
    assert submissions(company, form) == []
