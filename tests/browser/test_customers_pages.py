"""What staff do with customers and segments in a real Chromium: find, filter, edit in place, put a segment together."""

from __future__ import annotations

import logging
import re
import threading
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from tenant_admin import markup, vendor, words
from tests.companies import drain_outbox, found_company
from tests.doors.shop_data import crowd, indexed, order, product, send

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
    """A company with a small shop's past, served at an address."""
    words.compile_all()
    company = found_company(app)
    send(company, "products", product(1), product(2, name="Lamp", categories=["Light"]))
    send(
        company,
        "customers",
        *crowd(40),
        {"email": "ada@shop.example", "first_name": "Ada", "last_name": "Lovelace", "consent": {"email": "granted"}},
    )
    send(company, "orders", *(order(n, "ada@shop.example", days=n) for n in range(1, 31)), order(99, "c1@shop.example"))
    company.api(
        "POST",
        "/segments",
        json={
            "name": "Germans",
            "definition": {"match": "all", "conditions": [{"field": "country", "operator": "is", "value": "DE"}]},
        },
    )
    drain_outbox(app, company)
    indexed(company)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield company, f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture(scope="module")
def browser():
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        yield browser
        browser.close()


@pytest.fixture
def visit(browser, shop):
    """Return a function that opens a page as the owner; complaints of the console fail the test."""
    company, address = shop
    complaints, contexts = [], []

    def listen(message):
        if message.type in ("error", "warning") and "status of 422" not in message.text:
            complaints.append(message.text)

    def visit(path, *, size=WIDE, look="light", language="en-GB"):
        context = browser.new_context(viewport=size, color_scheme=look, locale=language)
        context.add_cookies(
            [{"name": "regulars_session", "value": company.page.get_cookie("regulars_session").value, "url": address}]
        )
        contexts.append(context)
        page = context.new_page()
        page.on("console", listen)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(address + path)
        page.wait_for_selector("html[data-ready]", state="attached")
        return page

    yield visit
    for context in contexts:
        context.close()
    assert complaints == []


def of(shop, kind: str, **query: str) -> str:
    company, _address = shop
    return company.api("GET", f"/{kind}", query_string=query).json["items"][0]["id"]


class TestCustomers:
    def test_a_filter_is_put_together_changed_and_taken_away(self, visit):
        page = visit("/customers?ask=new")
        page.select_option("#ask-field", "bought")
        expect(page.locator("#ask-operator option").first).to_have_text("in the last … days")
        page.select_option("#ask-matter", "category")
        page.fill("#ask-key", "Pots")
        page.fill("#ask-value", "60")
        page.click("#filter button[type=submit]")
        page.wait_for_url("**where=bought.in_last_days.60.category.Pots")
        expect(page.locator(".r-chip").first).to_contain_text("bought something of “Pots” in the last 60 days")
        expect(page.locator("#list tbody tr")).to_have_count(2)
        page.locator(".r-chip a").first.click()
        expect(page.locator("#ask-key")).to_have_value("Pots")
        page.keyboard.press("Escape")
        page.click(".r-chip-x")
        expect(page.locator("#list tbody tr")).to_have_count(25)

    def test_finding_sorting_and_opening_by_keyboard(self, visit):
        page = visit("/customers")
        page.fill(".r-filter-search input", "number000")
        expect(page.locator("#list tbody tr")).to_have_count(10)
        page.click("th >> text=Name")
        page.wait_for_url(re.compile("sort=name"))
        expect(page.locator("#list .r-row-link").first).to_have_text("Ada Number0000")
        page.locator("body").press("j")
        page.keyboard.press("j")
        page.keyboard.press("Enter")
        expect(page.locator("h1")).to_have_text("Ada Number0001")

    def test_a_person_is_changed_in_place(self, visit, shop):
        page = visit(f"/customers/{of(shop, 'customers', email='ada@shop.example')}")
        expect(page.locator("#offers .r-offers, #offers .r-empty")).to_be_visible()
        page.fill("#i-city", "Bath")
        page.keyboard.press("Tab")
        expect(page.locator(".r-inline-field.is-saved")).to_be_visible()
        page.fill("#i-email", "nonsense")
        page.keyboard.press("Tab")
        expect(page.locator(".r-inline-field .r-error")).to_contain_text("This is not an e-mail address.")
        page.fill("#tag-new", "loyal")
        page.keyboard.press("Enter")
        expect(page.locator(".r-tag")).to_contain_text("loyal")
        page.click("#older a")
        expect(page.locator(".r-event")).to_have_count(31)
        page.click(".r-kind >> text=Consent")
        expect(page.locator(".r-event")).to_have_count(1)
        page.reload()
        expect(page.locator("#i-city")).to_have_value("Bath")

    def test_the_box_of_ctrl_k_finds_by_kind(self, visit):
        page = visit("/orders")
        page.keyboard.press("Control+k")
        page.fill("#palette-input", "lovel")
        hit = page.locator("#palette-hits .r-hit[href*='/customers/']")
        expect(hit).to_contain_text("Ada Lovelace")
        page.keyboard.press("Enter")
        expect(page.locator("h1")).to_have_text("Ada Lovelace")


class TestSegments:
    def test_conditions_come_and_go_while_it_counts_along(self, visit):
        page = visit("/segments/new")
        expect(page.locator("#preview .r-stat-value")).to_have_text("2")
        page.fill("#c-0-value", "2")
        expect(page.locator("#preview .r-stat-value")).to_have_text("1")
        page.click("text=Add a condition")
        expect(page.locator("#c-1-field")).to_be_focused()
        page.select_option("#c-1-field", "email_consent")
        expect(page.locator("select#c-1-value")).to_be_visible()
        expect(page.locator("#preview .r-sub")).to_contain_text("and agreed to mails")
        expect(page.locator("#c-0-value")).to_have_value("2")
        page.click("text=Add a group")
        expect(page.locator("#c-2-0-field")).to_be_focused()
        page.click("[aria-label='Remove the group']")
        expect(page.locator(".r-group")).to_have_count(1)
        expect(page.locator("#add-")).to_be_focused()
        page.fill("#f-name", "Loyal")
        page.keyboard.press("Enter")
        expect(page.locator("h1")).to_contain_text("Loyal")
        expect(page.locator("#list tbody tr")).to_have_count(1)


@pytest.mark.parametrize(
    ("size", "look", "language"),
    [(WIDE, "light", "en-GB"), (WIDE, "dark", "zh-CN"), (PHONE, "light", "zh-CN"), (PHONE, "dark", "en-GB")],
)
def test_every_page_is_accessible_fits_and_is_in_one_language(visit, shop, size, look, language):
    customer, product_id = of(shop, "customers", email="ada@shop.example"), of(shop, "products")
    paths = (
        "/customers?where=country.is.DE", "/customers?ask=new", f"/customers/{customer}", f"/customers/{customer}/edit", "/customers/new",
        "/orders", f"/orders/{of(shop, 'orders')}", "/products", f"/products/{product_id}", f"/products/{product_id}/edit", "/segments",
        f"/segments/{of(shop, 'segments')}", "/segments/new?where=country.is.DE&where=bought.in_last_days.30.product.p1", "/search?q=pot",
    )  # fmt: skip
    for path in paths:
        page = visit(path, size=size, look=look, language=language)
        page.evaluate(AXE.read_text(encoding="utf-8"))
        page.evaluate(
            "Promise.all(document.getAnimations().filter((one) => one.effect.getTiming().iterations !== Infinity).map((one) => one.finished.catch(() => 0)))"
        )
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']}).then((result) => result.violations)")
        assert [(rule["id"], node["target"]) for rule in found for node in rule["nodes"]] == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), path
        if language == "zh-CN":
            assert re.search("[\u4e00-\u9fff]", page.inner_text("main")), path
        page.context.close()
