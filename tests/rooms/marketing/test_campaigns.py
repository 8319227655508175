"""Campaigns through the rooms and the programs' door: written, checked, scheduled, launched, looked at."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from saas.audiences import segments
from saas.kit import clock
from saas.marketing import campaigns, launching, letters, mailings, templates
from saas.tenancy import audit, tenants
from tests.mailboxes import part
from tests.rooms.marketing.conftest import BODY

BROKEN = BODY.replace("{{ customer.city }}", "{% if %}")


def write(company, **fields):
    answer = company.api(
        "POST", "/campaigns", json={"name": "Spring", "subject": "Hi", "source": BODY, "holdout_percent": 0} | fields
    )
    assert answer.status_code == 201, answer.json
    return answer.json


class TestWriting:
    def test_a_broken_mail_is_kept_with_its_place_and_never_leaves(self, shop):
        made = write(shop.company, source=BROKEN, segment_id=str(shop.segment_id))
        [problem] = made["problems"]
        assert (problem["part"], problem["line"]) == ("body", 3) and problem["column"] > 1
        shop.people(1)
        answer = shop.company.api("POST", f"/campaigns/{made['id']}/launch")
        assert answer.status_code == 422 and problem["sentence"] in answer.json["error"]["message"]

    def test_another_body_is_compiled_anew(self, shop):
        made = write(shop.company, source=BROKEN)
        changed = shop.company.api("PATCH", f"/campaigns/{made['id']}", json={"source": BODY}).json
        assert changed["problems"] == [] and changed["version"] == 2

    def test_fields_out_of_range_are_named(self, shop):
        for fields, name in (
            ({"holdout_percent": 51}, "holdout_percent"),
            ({"reply_to": "nobody"}, "reply_to"),
            ({"sender_name": "a\nb"}, "sender_name"),
            ({"name": " "}, "name"),
            ({"colour": "red"}, "colour"),
        ):
            answer = shop.company.api(
                "POST", "/campaigns", json={"name": "x", "subject": "Hi", "source": BODY} | fields
            )
            assert answer.status_code == 422 and name in answer.json["error"]["fields"], (fields, answer.json)
        for field in ("segment_id", "template_id"):
            assert shop.company.api("POST", "/campaigns", json={"name": "x", field: str(uuid4())}).status_code == 404

    def test_a_design_gives_what_is_not_written(self, shop):
        design = shop.company.api(
            "POST", "/templates", json={"name": "Letter", "subject": "From the design", "source": BODY}
        ).json
        made = shop.company.api(
            "POST", "/campaigns", json={"name": "x", "template_id": design["id"], "subject": "Own"}
        ).json
        assert (made["subject"], made["source"]) == ("Own", BODY)
        assert shop.company.api("DELETE", f"/templates/{design['id']}").status_code == 204
        assert shop.company.api("GET", f"/campaigns/{made['id']}").json["template_id"] is None

    def test_two_who_change_it_at_once_do_not_overwrite_each_other(self, shop):
        made = write(shop.company)
        tag = shop.company.api("GET", f"/campaigns/{made['id']}").headers["ETag"]
        shop.company.api("PATCH", f"/campaigns/{made['id']}", json={"subject": "New"})
        late = shop.company.api("PATCH", f"/campaigns/{made['id']}", json={"subject": "Old"}, headers={"If-Match": tag})
        assert late.status_code == 412

    def test_a_name_is_one_designs_only(self, shop):
        with shop.unit():
            templates.create(name="Letter", source=BODY)
        with pytest.raises(templates.NameTaken), shop.unit():
            templates.create(name="Letter")


class TestLaunching:
    def test_it_says_what_is_missing(self, shop):
        with shop.unit():
            made = campaigns.create(name="Empty")
            failing = [check.key for check in launching.checks(made) if check.good is False]
        assert failing == ["segment", "template"]
        with pytest.raises(launching.NotReady, match="Choose who gets it"), shop.unit():
            launching.launch(made.id)

    def test_nobody_to_write_to_is_said_before(self, shop):
        shop.people(3, consent="unknown")
        with pytest.raises(launching.NotReady, match="Nobody in this segment can get a mail"):
            shop.launch()

    def test_launched_it_is_not_changed_nor_launched_again(self, shop):
        shop.people(1)
        campaign_id = shop.campaign()
        shop.launch(campaign_id)
        for act in (launching.launch, campaigns.delete, lambda key: campaigns.change(key, subject="New")):
            with pytest.raises((launching.WrongState, campaigns.NotChangeable)), shop.unit():
                act(campaign_id)

    def test_what_was_launched_does_not_follow_later_changes(self, shop, mailbox):
        shop.people(2)
        mailing_id = shop.launch()
        with shop.unit():
            segments.change(
                shop.segment_id,
                definition={"match": "all", "conditions": [{"field": "city", "operator": "is", "value": "Rome"}]},
            )
            tenants.settings().sender_name = "Another"
        shop.work(mailing_id)
        assert shop.states(mailing_id) == {"sent": 2} and "North & Pine" in mailbox.mail("person0@")["From"]

    def test_the_trace_says_who_launched_it(self, shop):
        shop.people(1)
        made = write(shop.company, segment_id=str(shop.segment_id))
        assert shop.company.api("POST", f"/campaigns/{made['id']}/launch").status_code == 202
        with shop.unit():
            acts = [
                (told.entry.action, told.entry.actor_kind)
                for told in audit.of_record(kind="campaign", record_id=made["id"])
            ]
        assert acts[0] == ("campaigns.launched", "key")

    def test_a_copy_is_a_draft_of_its_own(self, shop):
        shop.people(1)
        campaign_id = shop.campaign()
        shop.launch(campaign_id)
        with shop.unit():
            made = campaigns.copy(campaign_id)
        assert (made.state, made.name, made.source, made.id != campaign_id) == ("draft", "Spring (copy)", BODY, True)


class TestSchedule:
    def sweep(self):
        from workers.jobs import marketing

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(marketing, "ring", lambda *_, **__: None)
            patch.setattr(marketing, "ring_for_notes", lambda *_: None)
            marketing.sweep(run_at=clock.now().isoformat())

    def test_it_is_launched_when_its_moment_has_come(self, shop):
        shop.people(1)
        campaign_id = shop.campaign()
        with shop.unit():
            launching.schedule(campaign_id, at=clock.now() + timedelta(hours=2))
        self.sweep()
        with shop.unit():
            assert campaigns.one(campaign_id).state == "scheduled"
        with clock.travel(to=clock.now() + timedelta(hours=3)):
            self.sweep()
        with shop.unit():
            assert campaigns.one(campaign_id).state == "sending" and mailings.of_campaign(campaign_id)

    def test_what_cannot_be_launched_becomes_a_draft_with_the_reason(self, shop):
        campaign_id = shop.campaign()
        with shop.unit():
            launching.schedule(campaign_id, at=clock.now() + timedelta(minutes=1))
        with clock.travel(to=clock.now() + timedelta(hours=3)):
            self.sweep()
        with shop.unit():
            made = campaigns.one(campaign_id)
        assert made.state == "draft" and made.trouble.startswith("Nobody in this segment")

    def test_the_past_is_refused_and_a_plan_can_be_dropped(self, shop):
        campaign_id = shop.campaign()
        with pytest.raises(campaigns.BadCampaign), shop.unit():
            launching.schedule(campaign_id, at=clock.now() - timedelta(minutes=1))
        with shop.unit():
            launching.schedule(campaign_id, at=clock.now() + timedelta(minutes=1))
            assert launching.cancel(campaign_id).state == "draft"


class TestSingleMails:
    def test_a_test_comes_filled_in_for_a_customer_and_leads_straight_there(self, shop, mailbox):
        [customer_id] = shop.people(1)
        made = write(shop.company, subject="For {{ customer.first_name }}")
        body = {"to": "me@shop.example", "customer_id": str(customer_id)}
        assert shop.company.api("POST", f"/campaigns/{made['id']}/test", json=body).status_code == 204
        mail = mailbox.mail("me@shop")
        assert mail["Subject"] == "[Test] For Ann0" and "https://shop.example/for/K%C3%B6ln" in part(mail, "html")

    def test_a_test_to_nowhere_is_said(self, shop, mailbox):
        made = write(shop.company)
        answer = shop.company.api("POST", f"/campaigns/{made['id']}/test", json={"to": "bounce@shop.example"})
        assert answer.status_code == 503 and "No such mailbox" in answer.json["error"]["message"]

    def test_the_preview_needs_nothing_saved(self, shop):
        [customer_id] = shop.people(1)
        with shop.unit():
            made, parts = letters.preview(
                subject="Hi", source=BODY, text_source="", language="en", customer_id=customer_id
            )
        assert made.problems == () and "Hello Ann0" in parts.html


class TestDoor:
    def test_a_campaign_from_end_to_end(self, shop, mailbox, drain):
        shop.people(4)
        made = write(shop.company, segment_id=str(shop.segment_id), holdout_percent=0)
        path = f"/campaigns/{made['id']}"
        assert shop.company.api("GET", f"{path}/report").status_code == 404
        told = shop.company.api("POST", f"{path}/launch").json
        assert told["state"] == "sending"
        assert shop.company.api("POST", f"{path}/pause").json["state"] == "paused"
        assert shop.company.api("POST", f"{path}/resume").json["state"] == "sending"
        shop.work(told["mailing"]["id"])
        told = shop.company.api("GET", path).json
        assert told["state"] == "done" and told["mailing"]["recipients"] == {"sent": 4}
        report = shop.company.api("GET", f"{path}/report").json
        assert (report["sent"], report["orders"], report["revenue"]) == (4, 0, "0.00")
        assert report["lift"]["sentence"].startswith("Nobody was held back")
        assert len(shop.company.api("GET", f"{path}/recipients?state=sent").json["items"]) == 4
        assert [item["id"] for item in shop.company.api("GET", "/campaigns?state=done").json["items"]] == [made["id"]]
        assert shop.company.api("DELETE", path).status_code == 204

    def test_a_full_plan_answers_402(self, shop):
        from saas.tenancy import limits

        shop.people(3)
        with shop.unit():
            limits.set_all(limits={"mails_month": 1})
        made = write(shop.company, segment_id=str(shop.segment_id), holdout_percent=0)
        answer = shop.company.api("POST", f"/campaigns/{made['id']}/launch")
        assert answer.status_code == 402 and "sends 1 mails a month" in answer.json["error"]["message"]
