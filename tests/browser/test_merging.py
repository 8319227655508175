"""Two customers who are one in a real Chromium: merged by keys, undone, taken apart; one person's file, and erasing them."""

from __future__ import annotations

import logging
import re
import threading
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from tenant_admin import markup, vendor, words
from tests.browser import eye
from tests.companies import drain_outbox, found_company
from tests.doors.shop_data import order, product, send

playwright = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.browser
expect = playwright.expect

CHROMIUM = Path("/usr/bin/chromium")
AXE = vendor.MODULES / "axe-core" / "axe.min.js"
WIDE, PHONE = {"width": 1360, "height": 860}, {"width": 390, "height": 844}
if not CHROMIUM.exists() or not AXE.exists() or not (markup.STATIC / "vendor" / "tabler.css").exists():
    pytest.skip("needs Chromium, npm ci and python -m tenant_admin.vendor", allow_module_level=True)


@pytest.fixture(scope="module")
def shop(app):
    """A company with three customers, served at an address."""
    words.compile_all()
    company = found_company(app)
    people = [
        {"email": "ada.lovelace@gmail.com", "first_name": "Ada", "last_name": "Lovelace", "phone": "+49 30 1234567", "city": "London"},
        {"email": "adalovelace+shop@gmail.com", "first_name": "Ada", "last_name": "Lovelase", "phone": "030 1234567"},
        {"email": "grace@shop.example", "first_name": "Grace", "last_name": "Hopper"},
    ]  # fmt: skip
    ids = dict(zip(("ada", "again", "grace"), send(company, "customers", *people), strict=True))
    send(company, "products", product(1))
    send(
        company,
        "orders",
        order(1, "ada.lovelace@gmail.com"),
        order(2, "adalovelace+shop@gmail.com"),
        order(3, "grace@shop.example"),
    )
    drain_outbox(app, company)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield company, f"http://127.0.0.1:{server.port}", ids
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def chromium():
    with playwright.sync_playwright() as made:
        browser = made.chromium.launch(executable_path=str(CHROMIUM), args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def visit(chromium, shop):
    """Open a page as the owner, in a browser of its own each time; errors on the console fail the test."""
    company, address, _ids = shop
    contexts, troubles = [], []

    def open_page(path: str, *, viewport=WIDE, scheme="light", lang="en"):
        context = chromium.new_context(viewport=viewport, color_scheme=scheme, reduced_motion="reduce")
        contexts.append(context)
        token = company.page.get_cookie("regulars_session").value
        context.add_cookies(
            [
                {"name": "regulars_session", "value": token, "url": address},
                {"name": "lang", "value": lang, "url": address},
            ]
        )
        page = context.new_page()
        page.on(
            "console",
            lambda m: m.type == "error" and not re.search(r"status of (409|422)", m.text) and troubles.append(m.text),
        )
        page.on("pageerror", lambda error: troubles.append(str(error)))
        page.goto(address + path)
        page.wait_for_selector("html[data-ready]")
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert troubles == []


def faults(page) -> list[str]:
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
    return [f"{one['id']}: {node['html'][:140]}" for one in found for node in one["nodes"]]


def done(app, company):
    """Do the long work that waits."""
    from sqlalchemy import select

    from saas.kit import scope, work
    from saas.kit.db import db
    from saas.tenancy import operations
    from saas.tenancy.models import Operation

    with app.app_context(), scope.tenant(company.tenant_id):
        with work.unit():
            waiting = list(db.session.scalars(select(Operation.id).where(Operation.state == "waiting")))
        for one in waiting:
            while operations.run(one):
                pass


class TestMergeAndUnmerge:
    def test_by_keys_then_undone_then_merged_and_taken_apart_later(self, app, shop, visit):
        company, address, ids = shop
        page = visit("/customers/duplicates")
        expect(page.locator("#list")).to_contain_text("same phone number")
        assert faults(page) == []
        page.keyboard.press("j")
        page.keyboard.press("m")
        expect(page.get_by_role("heading", name="Are these one person?")).to_be_visible()
        eye.ready(page)
        assert faults(page) == []
        page.get_by_label("Lovelase").check()
        page.keyboard.press("m")
        expect(page.locator("body")).to_contain_text("are one customer now")
        expect(page.get_by_role("heading", level=1)).to_have_text(re.compile("Ada Lovelase"))
        eye.ready(page)
        with page.expect_response(re.compile("/undo/")):
            page.get_by_role("button", name="Undo").click()
        page.wait_for_load_state()
        page.goto(address + "/customers/duplicates")
        expect(page.locator("#list")).to_contain_text("Ada Lovelace")
        page.locator("#list tbody tr a").first.click()
        page.get_by_role("button", name="Merge").click()
        expect(page.locator("#sameness")).to_contain_text("Take apart")
        page.get_by_role("button", name=re.compile("apart")).click()
        expect(page.locator("body")).to_contain_text("is a customer of their own again")
        drain_outbox(app, company)
        assert company.api("GET", f"/customers/{ids['again']}").json["facts"]["orders_count"] == 1

    def test_whoever_is_typed_in_is_recognised_and_the_phone_is_enough(self, shop, visit):
        page = visit("/customers/new", viewport=PHONE)
        page.get_by_label("First name").fill("Ada")
        page.get_by_label("Last name").fill("Lovelace")
        page.get_by_label("E-mail").fill("ada.lovelace@googlemail.com")
        page.get_by_label("Phone").focus()
        expect(page.locator("#possible")).to_contain_text("They may be there already")
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    def test_in_chinese(self, shop, visit):
        page = visit("/customers/duplicates", lang="zh_Hans", scheme="dark")
        expect(page.get_by_role("heading", level=1)).to_have_text("重复客户")
        assert faults(page) == []


class TestOnePersonsData:
    def test_a_file_to_hand_over_then_erased_with_a_certificate(self, app, shop, visit):
        company, address, ids = shop
        page = visit(f"/customers/{ids['grace']}/data")
        assert faults(page) == []
        page.get_by_role("button", name="Put the file together").click()
        expect(page).to_have_url(re.compile("/operations/"))
        done(app, company)
        page.reload()
        with page.expect_download() as waiting:
            page.get_by_role("link", name="Download the file").click()
        assert waiting.value.suggested_filename.endswith(".zip")
        page.goto(f"{address}/customers/{ids['grace']}/data")
        page.get_by_label(re.compile("Type")).fill("Grace Hopper")
        page.get_by_role("button", name="Erase for good").click()
        expect(page).to_have_url(re.compile("/operations/"))
        done(app, company)
        page.reload()
        page.get_by_role("link", name="Certificate of erasure").click()
        expect(page.locator("main")).to_contain_text("Names they go by")
        assert faults(page) == []
        assert company.api("GET", f"/customers/{ids['grace']}").status_code == 404
