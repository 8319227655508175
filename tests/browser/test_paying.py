"""Paying as an owner sees it: a plan, a larger one for a price that is said before, a card that fails, grace, read-only, paid.

Stripe's stand-in lives on a test clock, so that a month passes between two clicks. Its events are handed over by the test.
"""

from __future__ import annotations

import dataclasses
import logging
import re
import threading

import pytest
from werkzeug.serving import make_server

from saas import config
from tenant_admin import markup, words
from tests.browser import eye, shopfront
from tests.companies import found_company
from tests.letters import mailbox
from tests.payments import DAY, HOUR, _box, payments

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
pytestmark = pytest.mark.browser
__all__ = ["_box", "mailbox", "payments"]
LOOKS = [(size, look) for size in (eye.WIDE, eye.PHONE) for look in ("light", "dark")]

if not shopfront.AXE.exists() or not (markup.STATIC / "vendor" / "tabler.css").exists():
    pytest.skip("needs Chromium, npm ci and python -m tenant_admin.vendor", allow_module_level=True)


@pytest.fixture
def served(app, payments, monkeypatch):
    """The application at an address of its own, whose forms may lead to Stripe's stand-in."""
    words.compile_all()
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    frame = app.extensions["frame"]
    monkeypatch.setitem(app.extensions, "frame", dataclasses.replace(frame, form_targets=(payments.box.url,)))
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    monkeypatch.setenv("PUBLIC_URL", f"http://127.0.0.1:{server.port}")
    config.get.cache_clear()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


class Owner:
    """The owner's two browsers, one in each language, and the pictures taken of what they show."""

    def __init__(self, browser, base, company):
        self.base, self.eyes = base, {}
        cookie = company.page.get_cookie("regulars_session").value
        for language, locale in eye.LANGUAGES.items():
            context = browser.new_context(base_url=base, locale=locale, viewport=eye.WIDE)
            context.set_default_timeout(30_000)
            context.add_cookies([{"name": "regulars_session", "value": cookie, "url": base}])
            self.eyes[language] = eye.Eye(context, known=eye.english_sentences() if language != "en" else frozenset())
        self.page = self.eyes["en"].page

    def look(self, path, name):
        """Look at a page in both languages, wide and phone, light and dark, as a critical person would."""
        for language, one in self.eyes.items():
            one.looking_at = f"{name} {language}"
            assert one.open(self.base + path)
            if language != "en":
                one.read_chinese()
            for size, look in LOOKS:
                one.look(f"paying-{name}-{language}", size=size, look=look)
            one.judge()

    def type_card(self, number="4242 4242 4242 4242"):
        fields = {"Card number": number, "Expires": "12 / 34", "Security code": "123", "Name on card": "Olivia Owner"}
        for label, text in fields.items():
            self.page.get_by_label(label).fill(text)


def test_from_choosing_over_a_failed_payment_to_read_only_and_paid_again(app, payments, served, mailbox):
    company = found_company(app, plan="free")
    clock = payments.put_on_clock(company)
    with shopfront.chromium() as browser:
        owner = Owner(browser, served, company)
        page = owner.page
        owner.look("/plan", "1-free")
        page.set_viewport_size(eye.WIDE)
        page.get_by_role("button", name="Choose Growth").click()
        page.wait_for_url(f"{payments.box.url}/**")
        owner.type_card()
        page.get_by_role("button", name="Subscribe").click()
        page.wait_for_url(f"{served}/**")
        payments.hand_all(company)
        expect(page.locator(".r-plan.is-current")).to_contain_text("Growth")

        page.get_by_role("link", name="Change to Scale").click()
        expect(page.locator("main")).to_contain_text("€200.00")
        owner.look("/plan/change/scale", "2-price")
        page.set_viewport_size(eye.WIDE)
        page.get_by_role("button", name="Change and pay €200.00 now").click()
        expect(page.locator(".r-plan.is-current")).to_contain_text("Scale")
        payments.hand_all(company)

        payments.use_card(company, "pm_card_chargeCustomerFail")
        end = payments.subscription(company)["items"].data[0].current_period_end
        payments.pass_to(clock, end + 2 * HOUR)
        payments.hand_all(company)
        owner.look("/plan", "3-grace")
        page.goto("/settings")
        expect(page.locator("main")).to_contain_text("21 days left")

        payments.pass_to(clock, end + 8 * DAY)
        payments.hand_all(company)
        owner.look("/plan", "4-read-only")
        page.goto("/customers")
        expect(page.locator("main")).to_contain_text("Read-only until the plan is paid.")
        assert company.api("POST", "/customers", json={"email": "a@example.com"}).status_code == 402

        page.set_viewport_size(eye.WIDE)
        page.goto("/plan")
        page.get_by_role("link", name=re.compile("Pay €249.00")).click()
        page.wait_for_url(f"{payments.box.url}/**")
        another = page.get_by_text("another card")
        if another.count():
            another.first.click()
        owner.type_card()
        page.get_by_role("button", name=re.compile("Pay")).last.click()
        expect(page.get_by_text("Invoice paid").first).to_be_visible()
        payments.hand_all(company)
        owner.look("/plan", "5-paid-again")
        expect(page.locator("main")).not_to_contain_text("Read-only")
        assert company.api("POST", "/customers", json={"email": "a@example.com"}).status_code == 201
        owner.look("/plan/use", "6-use")
        owner.look("/settings/close", "7-close")
        complaints = [line for one in owner.eyes.values() for line in one.said()]
        assert complaints == []
