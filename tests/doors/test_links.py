"""The addresses in mails, asked for as browsers, mail programs, scanners and forgers do."""

from __future__ import annotations

import hashlib
import hmac
import json
import re
from urllib.parse import parse_qs, urlsplit

import pytest

from saas.audiences import suppression
from saas.customers import consent, facts, profiles, timeline
from saas.kit import pool, scope
from saas.kit.db import db
from saas.marketing import landing
from tests.mailboxes import part
from tests.rooms.marketing.conftest import Sender, mail_server, mailbox, shop  # noqa: F401 - fixtures

PERSON = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140 Safari/537.36"}
APPLE, GMAIL = {"User-Agent": "Mozilla/5.0"}, {"User-Agent": "Mozilla/5.0 (via ggpht.com GoogleImageProxy)"}


@pytest.fixture
def sent(shop, mailbox, app):  # noqa: F811
    """A mail that somebody got some minutes ago, and a browser that knows nobody."""
    from saas.commerce import shops

    with shop.unit():
        shops.connect(kind="generic", name="Shop", url="https://shop.example")
    return Sent(app, shop, mailbox)


class Sent:
    def __init__(self, app, sender: Sender, box) -> None:
        self.shop, self.client = sender, app.test_client()
        [self.customer_id] = sender.people(1)
        self.mailing_id = sender.send()
        self.age()
        self.mail = box.mail("person0@")
        html = part(self.mail, "html")
        self.clicks = re.findall(r'href="http://[^/"]+(/m/c/[^"]+)"', html)
        self.pixel = re.search(r'src="http://[^/"]+(/m/o/[^"]+)"', html).group(1)
        self.leave = re.search(r"(/m/u/[\w-]+)", self.mail["List-Unsubscribe"]).group(1)

    def age(self) -> None:
        with pool.connection(tenant_id=self.shop.tenant_id) as connection:
            connection.execute("UPDATE mailing_recipients SET sent_at = sent_at - interval '10 minutes'")

    def row(self):
        [found] = self.shop.rows(self.mailing_id)
        return found

    def consent(self) -> str:
        with self.shop.unit():
            return profiles.one(self.customer_id).email_consent

    def kinds(self) -> list[str]:
        with self.shop.unit():
            return sorted(entry.kind for entry in db.session.scalars(timeline.of(self.customer_id)))


class TestClicks:
    def test_a_click_leads_to_the_shop_and_says_who_comes(self, sent):
        answer = sent.client.get(sent.clicks[0], headers=PERSON)
        address = urlsplit(answer.headers["Location"])
        assert answer.status_code == 303 and (address.netloc, address.path) == ("shop.example", "/new")
        with sent.shop.unit():
            assert landing.customer_of(parse_qs(address.query)["rgl"][0]) == sent.customer_id
            assert facts.of([sent.customer_id])[sent.customer_id].mails_clicked == 1
        assert sent.row().clicked_at and sent.row().opened_at and "mail_clicked" in sent.kinds()

    def test_a_personal_link_is_worked_out_at_the_click(self, sent):
        location = sent.client.get(sent.clicks[1], headers=PERSON).headers["Location"]
        assert location.startswith("https://shop.example/for/K%C3%B6ln?rgl=")

    def test_another_site_is_not_told_who_comes(self, shop, mailbox, app):  # noqa: F811
        body = '<mjml><mj-body><mj-section><mj-column><mj-text><a href="https://press.example/a?b=1">x</a></mj-text></mj-column></mj-section></mj-body></mjml>'
        shop.people(1)
        shop.send(source=body)
        [path] = re.findall(r'href="http://[^/"]+(/m/c/[^"]+)"', part(mailbox.mail("person0@"), "html"))
        assert app.test_client().get(path, headers=PERSON).headers["Location"] == "https://press.example/a?b=1"

    def test_a_scanner_is_led_on_and_not_counted(self, sent):
        for browser in ({"User-Agent": "Barracuda Sentinel"}, {"User-Agent": ""}):
            answer = sent.client.get(sent.clicks[0], headers=browser)
            assert answer.status_code == 303 and "rgl=" not in answer.headers["Location"]
        sent.client.head(sent.clicks[0], headers=PERSON)
        assert sent.row().clicked_at is None and "mail_clicked" not in sent.kinds()

    def test_a_token_of_another_company_finds_nothing_of_ours(self, sent, other_company):
        token = landing.links.make(
            key=landing.key(),
            kind=landing.links.CLICK,
            tenant_id=other_company.tenant_id,
            mailing_id=sent.mailing_id,
            recipient_id=sent.row().id,
        )
        assert sent.client.get(f"/m/c/{token}").status_code == 404

    @pytest.mark.parametrize("kind", ["c", "o", "u", "v"])
    def test_forged_tokens_are_unknown(self, sent, kind):
        good = sent.clicks[0].rsplit("/", 1)[1]
        for token in (good[:-1] + ("A" if good[-1] != "A" else "B"), "x", "%00", good + "A", "é"):
            assert sent.client.get(f"/m/{kind}/{token}").status_code == 404
        if kind != "c":
            assert sent.client.get(f"/m/{kind}/{good}").status_code == 404

    def test_a_landing_token_proves_nothing_to_another_company(self, sent, other_company):
        with sent.shop.unit():
            token = landing.token(mailing_id=sent.mailing_id, recipient_id=sent.row().id)
        with scope.tenant(other_company.tenant_id):
            assert landing.customer_of(token) is None
        assert landing.customer_of("nonsense") is None


class TestOpens:
    def test_an_open_counts_once(self, sent):
        for _again in range(2):
            answer = sent.client.get(sent.pixel, headers=PERSON)
        assert answer.mimetype == "image/gif" and "no-store" in answer.headers["Cache-Control"]
        with sent.shop.unit():
            assert facts.of([sent.customer_id])[sent.customer_id].mails_opened == 1
        assert sent.row().opened_at and "mail_opened" in sent.kinds()

    @pytest.mark.parametrize("browser", [APPLE, GMAIL])
    def test_a_privacy_proxy_is_kept_apart(self, sent, browser):
        sent.client.get(sent.pixel, headers=browser)
        assert sent.row().opened_at is None and sent.row().proxy_opened_at and "mail_opened" not in sent.kinds()

    def test_an_open_at_the_moment_of_delivery_is_a_machines(self, shop, mailbox, app):  # noqa: F811
        shop.people(1)
        mailing_id = shop.send()
        pixel = re.search(r'src="http://[^/"]+(/m/o/[^"]+)"', part(mailbox.mail("person0@"), "html")).group(1)
        app.test_client().get(pixel, headers=PERSON)
        [row] = shop.rows(mailing_id)
        assert row.opened_at is None and row.proxy_opened_at


class TestLeaving:
    def test_looking_changes_nothing(self, sent):
        page = sent.client.get(sent.leave)
        assert page.status_code == 200 and b'<form method="post">' in page.data and sent.consent() == "granted"

    def test_one_click_of_the_mail_program(self, sent):
        answer = sent.client.post(sent.leave, data={"List-Unsubscribe": "One-Click"})
        assert answer.status_code == 200 and "Set-Cookie" not in answer.headers and sent.consent() == "withdrawn"
        with sent.shop.unit():
            entry = consent.history(sent.customer_id)[0]
        assert (entry.state, entry.source, entry.proof["mailing_id"]) == (
            "withdrawn",
            "one_click",
            str(sent.mailing_id),
        )
        assert sent.row().unsubscribed_at and "consent" in sent.kinds()

    def test_twice_is_once(self, sent):
        for _again in range(2):
            assert b"You are unsubscribed" in sent.client.post(sent.leave, data={"page": "1"}).data
        with sent.shop.unit():
            assert [entry.state for entry in consent.history(sent.customer_id)] == ["withdrawn", "granted"]
        assert b"You are unsubscribed" in sent.client.get(sent.leave).data

    def test_it_can_be_taken_back(self, sent):
        sent.client.post(sent.leave, data={"page": "1"})
        assert b"subscribed again" in sent.client.post(sent.leave, data={"undo": "1"}).data
        assert sent.consent() == "granted" and sent.row().unsubscribed_at is None

    def test_undo_alone_grants_nothing(self, sent):
        with sent.shop.unit():
            consent.withdraw(customer_id=sent.customer_id, source="staff")
        sent.client.post(sent.leave, data={"undo": "1"})
        assert sent.consent() == "withdrawn"

    def test_the_page_speaks_chinese(self, sent):
        assert "退订" in sent.client.get(sent.leave, headers={"Accept-Language": "zh-CN"}).text


def test_the_mail_in_a_browser_is_harmless(sent):
    token = sent.mail["List-Unsubscribe"]
    view = landing.links.make(
        key=landing.key(),
        kind=landing.links.VIEW,
        tenant_id=sent.shop.tenant_id,
        mailing_id=sent.mailing_id,
        recipient_id=sent.row().id,
    )
    page = sent.client.get(f"/m/v/{view}")
    assert "Hello Ann0" in page.text and "script-src" not in page.headers["Content-Security-Policy"] and token
    assert page.headers["Content-Security-Policy"].startswith("sandbox")


class TestReports:
    @pytest.fixture
    def secret(self, monkeypatch):
        from saas import config

        monkeypatch.setenv("BOUNCE_SECRET", "shared with the relay")
        config.get.cache_clear()
        yield "shared with the relay"
        config.get.cache_clear()

    def post(self, sent, body, secret):
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        signature = hmac.new(secret.encode(), raw, hashlib.sha256).hexdigest()
        return sent.client.post("/hooks/mail", data=raw, headers={"X-Regulars-Signature": signature})

    @pytest.mark.parametrize("kind", ["complaint", "bounce"])
    def test_it_stops_all_further_mails(self, sent, secret, kind):
        body = {
            "message_id": sent.mail["Message-ID"],
            "recipient": "person0@mail.example",
            "kind": kind,
            "detail": "said no",
        }
        assert [self.post(sent, body, secret).status_code for _ in range(2)] == [200, 200]
        with sent.shop.unit():
            assert suppression.reasons_for(["person0@mail.example"]) == {"person0@mail.example": kind}
        assert sent.row().state == ("failed" if kind == "bounce" else "sent")

    def test_what_the_sandboxs_mailbox_posts_is_a_complaint(self, sent, secret):
        assert (
            self.post(
                sent, {"message_id": sent.mail["Message-ID"], "recipient": "person0@mail.example"}, secret
            ).status_code
            == 200
        )
        assert sent.row().complained_at

    def test_a_wrong_signature_is_refused(self, sent, secret):
        assert self.post(sent, {"message_id": sent.mail["Message-ID"]}, "another").status_code == 401
        assert sent.row().complained_at is None

    def test_without_a_secret_nothing_is_taken(self, sent):
        assert self.post(sent, {"message_id": sent.mail["Message-ID"]}, "").status_code == 401

    def test_reports_about_other_peoples_mails_are_let_go(self, sent, secret):
        for message_id in (
            "<abc@elsewhere.example>",
            f"<{'0' * 32}.{sent.shop.tenant_id}@x>",
            f"<{'0' * 32}.999999999@x>",
            "",
        ):
            assert self.post(sent, {"message_id": message_id}, secret).status_code == 200

    def test_nonsense_is_named(self, sent, secret):
        assert self.post(sent, b"{", secret).status_code == 400
        assert self.post(sent, [], secret).status_code == 422
        assert self.post(sent, {"message_id": "x", "kind": "love"}, secret).json["error"]["fields"].keys() == {"kind"}
