"""Webhooks through both doors: secrets shown once, other companies' out of reach, what came back never shown."""

from __future__ import annotations

import re
import uuid

import pytest

from saas.integrations import hooks, messages
from saas.kit import work
from tests.companies import add_member

URL = "http://127.0.0.1:9/hear"


@pytest.fixture
def made(company):
    return company.api("POST", "/webhooks", json={"url": URL, "topics": ["order.changed"], "name": "Till"}).json


class TestApi:
    def test_the_secret_is_shown_once(self, company, made):
        assert made["secret"].startswith("whsec_")
        assert "secret" not in company.api("GET", f"/webhooks/{made['id']}").json
        renewed = company.api("POST", f"/webhooks/{made['id']}/secret").json["secret"]
        assert renewed.startswith("whsec_") and renewed != made["secret"]

    def test_it_is_changed_paused_and_removed(self, company, made):
        path = f"/webhooks/{made['id']}"
        assert (
            company.api("PATCH", path, json={"state": "paused", "topics": ["product.changed"]}).json["state"]
            == "paused"
        )
        tag = company.api("GET", path).headers["ETag"]
        assert company.api("PATCH", path, json={"name": "Shelf"}, headers={"If-Match": tag}).status_code == 200
        assert company.api("PATCH", path, json={"name": "Late"}, headers={"If-Match": tag}).status_code == 412
        assert company.api("DELETE", path).status_code == 204
        assert company.api("GET", path).status_code == 404

    @pytest.mark.parametrize(
        "url",
        ["http://169.254.169.254/", "ftp://example.com", "http://10.0.0.1/x", "nonsense", "http://a:b@127.0.0.1/"],
    )
    def test_a_wrong_address_is_named(self, company, url):
        answer = company.api("POST", "/webhooks", json={"url": url, "topics": ["order.changed"]})
        assert answer.status_code == 422 and answer.json["error"]["fields"]["url"]

    def test_an_unknown_topic_is_named(self, company):
        answer = company.api("POST", "/webhooks", json={"url": URL, "topics": ["order.exploded"]})
        assert answer.status_code == 422 and any("topics" in name for name in answer.json["error"]["fields"])

    def test_messages_are_listed_with_their_attempts_and_replayed(self, company, made):
        message = company.api("POST", f"/webhooks/{made['id']}/ping").json
        listed = company.api("GET", f"/webhooks/{made['id']}/messages?state=waiting").json["items"]
        assert [one["id"] for one in listed] == [message["id"]] and listed[0]["attempts"] == []
        assert company.api("POST", f"/webhooks/{made['id']}/messages/{message['id']}/replay").json["state"] == "waiting"

    def test_a_message_of_another_webhook_is_missing(self, company, made):
        other = company.api("POST", "/webhooks", json={"url": URL, "topics": ["order.changed"]}).json
        message = company.api("POST", f"/webhooks/{other['id']}/ping").json
        assert company.api("POST", f"/webhooks/{made['id']}/messages/{message['id']}/replay").status_code == 404


class TestPages:
    def test_making_one_shows_its_secret_on_a_page_no_cache_keeps(self, company):
        answer = company.post(
            "/settings/webhooks/new", {"url": URL, "name": "<b>Till</b>", "topics": ["order.changed"]}
        )
        assert answer.headers["Cache-Control"] == "no-store" and "whsec_" in answer.text
        assert "&lt;b&gt;Till&lt;/b&gt;" in answer.text and "<b>Till" not in answer.text
        webhook_id = re.search(r"/settings/webhooks/([0-9a-f-]{36})", answer.text).group(1)
        shown = company.page.get(f"/settings/webhooks/{webhook_id}").text
        assert "whsec_" not in shown
        assert "&lt;b&gt;Till" in company.page.get("/settings/webhooks").text

    def test_a_wrong_form_keeps_what_was_typed(self, company):
        answer = company.post(
            "/settings/webhooks/new", {"url": "http://10.0.0.1/secret-path", "topics": ["order.changed"]}
        )
        assert answer.status_code == 422 and "secret-path" in answer.text and "private network" in answer.text

    def test_pause_ping_replay_and_remove(self, context, company, made):
        page = f"/settings/webhooks/{made['id']}"
        company.post(f"{page}/state", {"state": "paused"})
        assert "Paused" in company.page.get(page).text
        company.post(f"{page}/ping")
        assert "Test message" in company.page.get(page).text
        with work.unit(tenant_id=company.tenant_id):
            messages.tell_ids("order.changed", [str(uuid.uuid4())])
        assert company.post(f"{page}/remove").status_code == 303
        assert company.page.get(page).status_code == 404

    def test_without_the_right_there_is_no_way_in(self, app, company, made):
        marketer = add_member(app, company, role="marketer")
        assert marketer.get(f"/settings/webhooks/{made['id']}").status_code == 403
        assert marketer.get("/settings/webhooks").status_code == 403

    def test_another_company_does_not_find_it(self, context, other_company, company, made):
        assert other_company.page.get(f"/settings/webhooks/{made['id']}").status_code == 404
        assert other_company.post(f"/settings/webhooks/{made['id']}/remove").status_code == 404
        with work.unit(tenant_id=company.tenant_id):
            assert hooks.one(made["id"])
