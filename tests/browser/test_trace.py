"""Many customers changed at once and back again, one deleted and brought back from the toast, as a person does it in a browser."""

from __future__ import annotations

import logging
import re
import threading
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from saas.kit import scope
from saas.tenancy import operations
from tenant_admin import markup, vendor, words
from tests.browser import eye
from tests.companies import drain_outbox, found_company

playwright = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.browser
expect = playwright.expect

CHROMIUM = Path("/usr/bin/chromium")
AXE = vendor.MODULES / "axe-core" / "axe.min.js"
if not CHROMIUM.exists() or not AXE.exists() or not (markup.STATIC / "vendor" / "tabler.css").exists():
    pytest.skip("needs Chromium, npm ci and python -m tenant_admin.vendor", allow_module_level=True)


@pytest.fixture
def shop(app):
    """A company with 30 customers, 12 of them in Oslo, served at an address."""
    words.compile_all()
    company = found_company(app)
    people = [
        {"email": f"c{n}@shop.example", "first_name": f"Cleo{n}", "city": "Oslo" if n < 12 else "Rome"}
        for n in range(30)
    ]
    assert company.api("POST", "/customers/bulk", json={"items": people}).status_code == 200
    drain_outbox(app, company)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    yield company, f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def page(shop):
    """A browser signed in as the owner; a page that fails in its console fails the test."""
    company, address = shop
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        context = browser.new_context(base_url=address, viewport={"width": 1360, "height": 860}, locale="en-GB")
        context.add_cookies(
            [{"name": "regulars_session", "value": company.page.get_cookie("regulars_session").value, "url": address}]
        )
        page = context.new_page()
        faults: list[str] = []
        page.on("console", lambda message: faults.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: faults.append(str(error)))
        yield page
        browser.close()
        assert faults == []


def work(app, company, page) -> None:
    """Do what a worker does with the operation that the page shows."""
    page.wait_for_url(re.compile(r"/operations/"))
    with app.app_context(), scope.tenant(company.tenant_id):
        while operations.run(page.url.rpartition("/")[2]):
            pass


def cities(company, city: str) -> int:
    return len(company.api("GET", f"/customers?where=city.is.{city}").json["items"])


def good(page) -> None:
    """Ask axe about the page as it stands."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
    assert [(one["id"], [node["html"][:120] for node in one["nodes"]]) for one in found] == []


def test_all_that_fit_are_changed_and_undone(app, shop, page):
    company, _address = shop
    page.goto("/customers?where=city.is.Oslo")
    eye.ready(page)
    page.get_by_label("Choose all on this page").check()
    expect(page.locator("[data-bulk-count]")).to_contain_text("12")
    page.get_by_role("button", name="Change …").click()
    expect(page.get_by_text("12 customers are chosen")).to_be_visible()
    eye.ready(page)
    good(page)
    with page.expect_response("**/customers/bulk"):
        page.get_by_label("Field").select_option("city")
    expect(page.get_by_label("Field")).to_have_value("city")
    page.get_by_label("New value").fill("Bergen")
    page.get_by_role("button", name="Show what happens").click()
    expect(page.get_by_role("heading", name="Set City to “Bergen” for 12 customers")).to_be_visible()
    expect(page.get_by_role("cell", name="Oslo").first).to_be_visible()
    good(page)
    assert cities(company, "Bergen") == 0
    page.get_by_role("button", name="Set City to “Bergen” for 12 customers").click()
    work(app, company, page)
    page.reload()
    expect(page.get_by_text("Was so already")).to_be_visible()
    assert cities(company, "Bergen") == 12
    page.get_by_role("button", name="Undo all of it").click()
    work(app, company, page)
    page.reload()
    assert (cities(company, "Oslo"), cities(company, "Bergen")) == (12, 0)
    page.goto("/history")
    expect(page.locator("#list li").filter(has_text="many changed at once")).to_contain_text("undone")
    good(page)


def test_a_deleted_customer_comes_back_from_the_toast_and_the_bin(app, shop, page):
    company, _address = shop
    made = company.api("GET", "/customers?email=c3@shop.example").json["items"][0]["id"]
    page.goto(f"/customers/{made}")
    eye.ready(page).get_by_role("button", name="More").click()
    page.get_by_role("button", name="Delete").click()
    page.wait_for_url(re.compile(r"/customers$"))
    eye.ready(page)
    expect(page.locator(".r-toast")).to_contain_text("Cleo3 is in the bin")
    assert company.api("GET", f"/customers/{made}").status_code == 404
    page.locator(".r-toast").get_by_role("button", name="Undo").click()
    page.wait_for_url(re.compile(made))
    expect(page.get_by_role("heading", name="Cleo3")).to_be_visible()
    eye.ready(page)
    page.locator(".r-toast").get_by_role("button", name="Undo").click()  # and away again: an undo can be undone
    page.wait_for_url(re.compile(r"/bin$"))
    good(page)
    page.get_by_role("row").filter(has_text="Cleo3").get_by_role("button", name="Bring back").click()
    page.wait_for_url(re.compile(made))
    assert company.api("GET", f"/customers/{made}").status_code == 200


def test_a_change_in_place_is_undone_from_its_toast(app, shop, page):
    company, _address = shop
    made = company.api("GET", "/customers?email=c4@shop.example").json["items"][0]["id"]
    company.api("PATCH", f"/customers/{made}", json={"city": "Lima"})
    page.goto(f"/history?kind=customer&record={made}")
    page.get_by_role("button", name="Undo").first.click()
    expect(page.get_by_text("undid this").first).to_be_visible()
    good(page)
    assert company.api("GET", f"/customers/{made}").json["city"] == "Oslo"
