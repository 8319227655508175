"""A company's own field in a real Chromium: made, filled in, a column, a filter, a segment; a view kept; two people at once."""

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
    people = [{"email": f"{name.lower()}@shop.example", "last_name": name} for name in ("Ada", "Bob", "Cyd")]
    ids = dict(zip(("Ada", "Bob", "Cyd"), send(company, "customers", *people), strict=True))
    send(company, "products", product(1))
    send(company, "orders", order(1, "ada@shop.example"))
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


class TestOwnField:
    def test_from_settings_to_form_list_filter_and_segment(self, visit, shop):
        page = visit("/settings/fields")
        page.fill("#f-label", "Level")
        page.select_option("#f-type", "choice")
        page.fill("#f-choices", "Gold\nSilver")
        page.click("button >> text=Make the field")
        expect(page.locator(".r-rows")).to_contain_text("Level")

        page.goto(page.url.split("/settings")[0] + f"/customers/{shop[2]['Ada']}/edit")
        page.select_option("select[name='custom.level']", "gold")
        page.click("button >> text=Save")
        expect(page.locator("#i-custom-level")).to_have_value("gold")

        page.goto(page.url.split("/customers")[0] + "/customers")
        page.click("[popovertarget=columns]")
        page.click("#columns >> text=Level")
        eye.ready(page)
        row = page.locator("tr", has_text="Bob")
        row.hover()
        row.locator(".r-cell-edit").click()
        row.locator(".r-cell select").select_option("silver")
        row.locator("[aria-label=Save]").click()
        expect(row.locator(".r-cell.is-saved")).to_contain_text("Silver")

        page.click("[popovertarget=add-filter]")
        page.click("#add-filter >> text=Something else")
        eye.ready(page)
        page.select_option("#ask-field", "custom.level")
        expect(page.locator("select#ask-value")).to_be_visible()
        page.select_option("#ask-value", "gold")
        page.click("dialog[open] button >> text=Filter")
        expect(page.locator(".r-chip").first).to_contain_text("Level is Gold")
        expect(page.locator("#list .r-row-link")).to_have_text(["Ada"])

        page.click("text=Make a segment of this")
        page.fill("#f-name", "Golden people")
        page.click("button >> text=Save the segment")
        expect(page.locator("h1")).to_contain_text("Golden people")
        expect(page.locator("main")).to_contain_text("Ada")

    def test_a_view_is_kept_under_a_name_and_found_among_the_tabs(self, visit):
        page = visit("/customers?where=orders_count.at_least.1&columns=city+orders&sort=name")
        page.click("button >> text=Keep as a view")
        page.fill("#view-name", "Buyers")
        page.click("dialog[open] button >> text=Keep the view")
        expect(page.locator(".r-tabs .is-active")).to_have_text("Buyers")
        page.click(".r-tabs >> text=Everybody")
        expect(page.locator("#list .r-row-link")).to_have_count(3)
        page.click(".r-tabs >> text=Buyers")
        expect(page.locator("#list .r-row-link")).to_have_text(["Ada"])
        page.click(".r-chip-x")
        expect(page.locator("#list .r-row-link")).to_have_count(3)
        page.click("button >> text=Keep the changes")
        expect(page.locator(".r-views-bar button >> text=Keep the changes")).to_have_count(0)

    def test_two_browsers_change_one_field(self, visit, shop):
        path = f"/customers/{shop[2]['Cyd']}"
        mine, theirs = visit(path), visit(path)
        theirs.fill("#i-city", "Leeds")
        theirs.keyboard.press("Tab")
        expect(theirs.locator(".r-inline-field.is-saved")).to_be_visible()
        mine.fill("#i-city", "Bath")
        mine.keyboard.press("Tab")
        clash = mine.locator(".r-clash")
        expect(clash).to_contain_text("Leeds")
        expect(clash).to_contain_text("Bath")
        expect(clash).to_contain_text("changed “City” meanwhile")
        assert faults(mine) == []
        clash.locator("button >> text=Take mine").click()
        expect(mine.locator("#i-city")).to_have_value("Bath")
        theirs.fill("#i-city", "York")
        theirs.keyboard.press("Tab")
        theirs.locator(".r-clash button >> text=Keep theirs").click()
        expect(theirs.locator("#i-city")).to_have_value("Bath")


@pytest.mark.parametrize(("viewport", "scheme", "lang"), [(WIDE, "light", "en"), (PHONE, "dark", "zh_Hans")])
def test_axe_has_nothing_to_say(visit, shop, viewport, scheme, lang):
    company = shop[0]
    made = company.api(
        "POST", "/fields/customer", json={"label": f"Grade {lang}", "type": "choice", "choices": ["A", "B"]}
    ).json
    company.api(
        "POST", "/fields/customer", json={"label": f"Sum {lang}", "type": "formula", "formula": "orders_count * 2"}
    )
    for path in ("/settings/fields?type=formula", f"/settings/fields/{made['id']}", f"/customers/{shop[2]['Ada']}", f"/customers/{shop[2]['Ada']}/edit",
                 f"/customers?columns=city+{made['name']}&where={made['name']}.is_empty", "/products?show=all", "/orders"):  # fmt: skip
        page = visit(path, viewport=viewport, scheme=scheme, lang=lang)
        eye.keep_picture(page, "fields" + re.sub(r"\W+", "-", path.split("?")[0]))
        assert faults(page) == [], path
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
