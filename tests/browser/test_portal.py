"""A shopper at her own page, in a browser without scripts: in by a link from the mailbox, her order, a return, her data, her preferences."""

from __future__ import annotations

import logging
import os
import re
import threading
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from werkzeug.serving import make_server

from saas.commerce import orders, return_requests
from saas.customers import consent, portal_settings, preferences, profiles, purposes
from saas.kit import clock, work
from tenant_admin import vendor, words
from tests.companies import run_operations
from tests.mailboxes import part
from tests.rooms.marketing.conftest import mail_server, mailbox, shop  # noqa: F401 - fixtures

playwright = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.browser
expect = playwright.expect

CHROMIUM = Path("/usr/bin/chromium")
AXE = vendor.MODULES / "axe-core" / "axe.min.js"
if not CHROMIUM.exists() or not AXE.exists():
    pytest.skip("needs Chromium and npm ci", allow_module_level=True)
ADA = "ada@shop.example"


@pytest.fixture
def place(shop, mailbox, app):  # noqa: F811
    """A company with Ada, two orders of hers and two topics, served at an address."""
    words.compile_all()
    with shop.unit():
        ada = profiles.create(email=ADA, first_name="Ada", last_name="Lovelace", city="London").id
        consent.grant(customer_id=ada, source="staff", proof={"reason": "asked"})
        purposes.create(
            name="Tastings", channels=["email", "sms"], wording={"en": "Four evenings a year with new teas."}
        )
        portal_settings.change(color="#7c2d12")
        for number, status, parcels in (("1001", "fulfilled", []), ("1002", "paid", [{
            "external_id": "f1", "state": "in_transit", "carrier": "DHL", "tracking_number": "00340", "tracking_url": "https://parcels.example/00340", "lines": [],
        }])):  # fmt: skip
            orders.record({
                "external_id": number, "number": number, "placed_at": clock.now() - timedelta(days=3), "status": status, "currency": "EUR", "customer": {"email": ADA},
                "lines": [{"product": "p1", "name": "Teapot with a long name that has to break somewhere", "quantity": 2, "unit_price": "10.00"},
                          {"product": "p2", "name": "Cup", "quantity": 1, "unit_price": "4.00"}], "shipping": "5.00", "fulfilments": parcels,
            })  # fmt: skip
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield f"http://127.0.0.1:{server.port}", f"/my/{shop.company.site_key}", ada
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def page(place):
    """A browser that runs no script of any page; what its console complains of fails the test."""
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        context = browser.new_context(
            base_url=place[0], viewport={"width": 1280, "height": 860}, locale="en-GB", bypass_csp=False
        )
        context.set_default_timeout(30_000)
        page = context.new_page()
        faults: list[str] = []
        page.on(
            "console",
            lambda said: (
                faults.append(said.text)
                if said.type == "error" and not re.search("status of 4(04|10|22)", said.text)
                else None
            ),
        )
        page.on("pageerror", lambda error: faults.append(str(error)))
        yield page
        browser.close()
        assert faults == []


def look(page, name: str) -> None:
    """Look at the page wide and on the phone, light and dark: nothing scrolls sideways and axe has nothing to say."""
    for width in (1280, 390):
        for scheme in ("light", "dark"):
            page.set_viewport_size({"width": width, "height": 860})
            page.emulate_media(color_scheme=scheme)
            assert not page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth"), (
                name
            )
            page.evaluate(AXE.read_text())
            found = page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
            assert [(one["id"], [node["html"][:120] for node in one["nodes"]]) for one in found] == [], (
                name,
                width,
                scheme,
            )
            if folder := os.environ.get("REGULARS_PICTURES"):
                page.screenshot(path=Path(folder) / f"portal-{name}-{width}-{scheme}.png", full_page=True)
    page.set_viewport_size({"width": 1280, "height": 860})
    page.emulate_media(color_scheme="light")


def enter(page, place, box, settle) -> None:
    """Ask for a link, take it out of the mailbox and open it."""
    page.goto(place[1])
    page.get_by_label("E-mail address").fill(ADA)
    page.get_by_role("button", name="Send me a link").click()
    expect(page.get_by_role("heading", name="Look into your mailbox")).to_be_visible()
    settle()
    link = re.search(r"http://\S+/in/\S+", part(box.mail("ada@"), "plain")).group()
    page.goto(urlsplit(link).path)
    page.get_by_role("button", name="Open my page").click()
    expect(page.get_by_role("heading", name="My orders")).to_be_visible()


def test_from_the_mailbox_to_orders_a_return_data_and_preferences(page, place, shop, mailbox, drain):  # noqa: F811
    settle = lambda: drain(shop.company)  # noqa: E731
    page.goto(place[1])
    look(page, "begin")
    enter(page, place, mailbox, settle)
    look(page, "orders")
    expect(page.get_by_text("On its way")).to_be_visible()
    page.get_by_role("link", name="Order 1002").click()
    expect(page.get_by_role("link", name="Follow the parcel")).to_have_attribute(
        "href", "https://parcels.example/00340"
    )
    page.get_by_label("Teapot").fill("1")
    page.get_by_label("Why?").select_option("damaged")
    page.get_by_label("Anything we should know?").fill("The lid is cracked.")
    look(page, "order")
    page.get_by_role("button", name="Ask to send it back").click()
    expect(page.get_by_role("status")).to_contain_text("We have your return")
    look(page, "requests")
    with shop.unit():
        [asked] = return_requests.of_customer(place[2])
        return_requests.answer(asked.id, state="accepted", words="Use the box it came in.")
    settle()
    assert "Please send it back" in mailbox.mail("ada@")["Subject"]
    page.reload()
    expect(page.get_by_text("Accepted: please send it")).to_be_visible()
    page.get_by_role("link", name="My data").click()
    look(page, "data")
    page.get_by_label("City").fill("Paris")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("Saved.")
    expect(page.get_by_label("City")).to_have_value("Paris")
    page.get_by_role("button", name="Ask for a copy").click()
    expect(page.get_by_role("status")).to_contain_text("Your copy is being made")
    settle()
    run_operations(shop.company)
    settle()
    page.reload()
    with page.expect_download() as download:
        page.get_by_role("link", name="Download").click()
    assert download.value.suggested_filename == "my-data.zip"
    page.get_by_role("link", name="Preferences").click()
    look(page, "preferences")
    group = page.get_by_role("group", name="News and offers")
    expect(group.get_by_label("By mail", exact=True)).to_be_checked()
    group.get_by_label("How often by mail").select_option("weekly")
    page.get_by_role("group", name="Tastings").get_by_label("By text message").check()
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_contain_text("Saved.")
    page.get_by_role("button", name="Take a break").click()
    expect(page.get_by_role("heading", name="No mails until")).to_be_visible()
    with shop.unit():
        assert preferences.rhythms_of(place[2]) == {"marketing": "weekly"} and preferences.paused_until(place[2])
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("button", name="Send me a link")).to_be_visible()


def test_a_forged_and_a_used_link_and_being_forgotten(page, place, shop, mailbox, drain, app):  # noqa: F811
    settle = lambda: drain(shop.company)  # noqa: E731
    assert page.goto(f"{place[1]}/in/forged").status == 404
    expect(page.get_by_role("alert")).to_have_text("This did not work")
    look(page, "forged")
    enter(page, place, mailbox, settle)
    page.goto(f"{place[1]}/orders?lang=zh_Hans")
    expect(page.get_by_role("heading", name="我的订单")).to_be_visible()
    for name, address in {
        "data": "/data",
        "preferences": "/preferences",
        "requests": "/requests",
        "erase": "/data/erase",
        "orders": "/orders",
    }.items():
        page.goto(place[1] + address)
        look(page, f"{name}-zh")
    page.goto(f"{place[1]}/data?lang=en")
    link = re.search(r"http://\S+/in/\S+", part(mailbox.mail("ada@"), "plain")).group()
    assert page.goto(urlsplit(link).path).status == 410
    expect(page.get_by_text("This link was used already")).to_be_visible()
    page.goto(f"{place[1]}/data")
    page.get_by_role("link", name="Be forgotten").click()
    page.get_by_role("button", name="Erase everything about me").click()
    expect(page.get_by_role("alert")).to_have_text("Tick the box if you are sure.")
    page.get_by_label("Yes, I am sure").check()
    page.get_by_role("button", name="Erase everything about me").click()
    expect(page.get_by_role("heading", name="You are being forgotten")).to_be_visible()
    settle()
    run_operations(shop.company)
    page.goto(f"{place[1]}/orders")
    expect(page.get_by_role("button", name="Send me a link")).to_be_visible()
    with app.app_context(), work.unit(tenant_id=shop.tenant_id), pytest.raises(profiles.NoSuchCustomer):
        profiles.one(place[2])
