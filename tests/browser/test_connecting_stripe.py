"""A shop's owner connects the shop's own Stripe account by the guided page: a wrong key, one that may too little, then a good one.

Stripe's stand-in answers; what it would tell by webhook is handed over by the test, signed as Stripe signs.
"""

from __future__ import annotations

import logging
import threading
from uuid import UUID

import pytest
from werkzeug.serving import make_server

from saas import config
from tenant_admin import markup, words
from tests.browser import eye, shopfront
from tests.companies import found_company
from tests.till import _till_box, till, way_to  # noqa: F401

playwright = pytest.importorskip("playwright.sync_api")
expect = playwright.expect
pytestmark = pytest.mark.browser

if not shopfront.AXE.exists() or not (markup.STATIC / "vendor" / "tabler.css").exists():
    pytest.skip("needs Chromium, npm ci and python -m tenant_admin.vendor", allow_module_level=True)


@pytest.fixture
def company(app):
    words.compile_all()
    return found_company(app)


@pytest.fixture
def served(app, monkeypatch):
    """The application at an address of its own."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    monkeypatch.setenv("PUBLIC_URL", f"http://127.0.0.1:{server.port}")
    config.get.cache_clear()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()
    monkeypatch.undo()
    config.get.cache_clear()


@pytest.fixture
def context(company, till, served):  # noqa: F811
    """The owner's browser, signed in."""
    with shopfront.chromium() as browser:
        context = browser.new_context(base_url=served, locale="en-GB", viewport=eye.WIDE)
        context.set_default_timeout(30_000)
        token = company.page.get_cookie("regulars_session").value
        context.add_cookies([{"name": "regulars_session", "value": token, "url": served}])
        yield context
        context.close()


def try_key(page, key):
    page.get_by_label("Restricted key", exact=True).fill(key)
    page.get_by_role("button", name="Try the key and connect").click()


def looked_at(looking, name):
    for size in (eye.WIDE, eye.PHONE):
        for look in ("light", "dark"):
            looking.look(name, size=size, look=look)
    looking.judge()
    looking.page.set_viewport_size(eye.WIDE)


def test_stripe_is_connected_by_the_guide_until_a_signed_payment_shows(app, company, drain, till, context):  # noqa: F811
    looking = eye.Eye(context)
    page = looking.page
    sold = till.pay(4900, receipt_email="ada@shop.example")
    looking.open("/payments")
    page.get_by_role("link", name="Connect Stripe").first.click()
    expect(page.get_by_text("Disputes: read")).to_be_visible()  # what the key has to be given is said before
    looking.expected = (200, 422)
    try_key(page, "pk_live_nothing")
    expect(
        page.get_by_text("This is no key of Stripe’s").or_(page.get_by_text("This is no key of Stripe's")).first
    ).to_be_visible()
    try_key(page, "rk_test_unknownkey")
    expect(page.get_by_text("Stripe does not accept this key").first).to_be_visible()
    try_key(page, till.shop.key(without=("payment_intents", "disputes")))
    expect(page.get_by_text("What the key may not do")).to_be_visible()
    expect(page.get_by_text("rak_dispute_read")).to_be_visible()
    looked_at(looking, "stripe-lacks")
    good = till.shop.key()
    try_key(page, good)
    steps = page.locator("main")
    for words_ in ("Everything can be read.", "Made at Stripe by us", "Nothing was told yet", till.shop.account):
        expect(steps.get_by_text(words_).first).to_be_visible()
    assert good not in page.content()
    looked_at(looking, "stripe-connected")
    account = UUID(page.url.rpartition("/")[2])
    with app.app_context():
        till.fetch(company, account)
    address, secret = way_to(app, company, account)
    till.handed |= {event["id"] for event in till.events()}
    till.pay(700, receipt_email="ada@shop.example")
    told = till.events()
    assert till.hand(told[-1], address, "whsec_of_somebody_else").status_code in (400, 401)
    page.reload()
    expect(steps.get_by_text("Nothing was told yet")).to_be_visible()
    for event in told:
        assert till.hand(event, address, secret).status_code == 200
    drain(company)
    page.reload()
    expect(steps.get_by_text("signed as it should be")).to_be_visible()
    looked_at(looking, "stripe-told")
    page.goto("/payments")
    expect(steps.get_by_text("€49.00").first).to_be_visible()
    expect(steps.get_by_text("€7.00").first).to_be_visible()
    assert looking.said() == [] and sold
