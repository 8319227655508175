"""How long data is kept, as a person sets it in a browser: looked at, confirmed by a name, done at night, switched off."""

from __future__ import annotations

import logging
import threading
from datetime import timedelta
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from saas.customers import profiles, timeline
from saas.kit import clock, work
from saas.tenancy import tenants
from tenant_admin import markup, vendor, words
from tests.companies import found_company, run_operations
from workers.jobs import retention as night

playwright = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.browser
expect = playwright.expect

CHROMIUM = Path("/usr/bin/chromium")
AXE = vendor.MODULES / "axe-core" / "axe.min.js"
if not CHROMIUM.exists() or not AXE.exists() or not (markup.STATIC / "vendor" / "tabler.css").exists():
    pytest.skip("needs Chromium, npm ci and python -m tenant_admin.vendor", allow_module_level=True)


@pytest.fixture
def shop(app):
    """A company with a customer of whom three entries are two years old, served at an address."""
    words.compile_all()
    company = found_company(app)
    with app.app_context(), work.unit(tenant_id=company.tenant_id):
        ada = profiles.create(email="ada@shop.example").id
        for days in (700, 701, 702, 0):
            timeline.add(customer_id=ada, kind="note", at=clock.now() - timedelta(days=days), title="x", key=str(days))
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
        page.on(
            "console",
            lambda message: (
                faults.append(message.text) if message.type == "error" and "422" not in message.text else None
            ),
        )
        page.on("pageerror", lambda error: faults.append(str(error)))
        yield page
        browser.close()
        assert faults == []


def good(page) -> None:
    """Ask axe about the page as it stands."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run({resultTypes: ['violations']})")["violations"]
    assert [(one["id"], [node["html"][:120] for node in one["nodes"]]) for one in found] == []


def test_from_looking_to_the_first_night(app, shop, page):
    company, _address = shop
    with app.app_context(), work.unit(tenant_id=company.tenant_id):
        name = tenants.current().name
    page.goto("/settings/data")
    expect(page.get_by_text("kept for good")).to_have_count(5)
    good(page)
    page.get_by_role("link", name="Timelines of customers").click()
    page.get_by_label("Keep it for").select_option("12")
    page.get_by_role("button", name="Show what would go").click()
    expect(page.get_by_role("heading", name="What would go now, kept for 12 months")).to_be_visible()
    expect(page.locator("dl.r-facts")).to_contain_text("3")
    expect(page.get_by_text("gone for good")).to_be_visible()
    good(page)
    page.get_by_label("Type the company's name").fill("Somebody else")
    page.get_by_role("button", name="Keep it for 12 months only").click()
    expect(page.get_by_text("Type the company's name as it stands here.").first).to_be_visible()
    page.get_by_label("Type the company's name").fill(name)
    page.get_by_role("button", name="Keep it for 12 months only").click()
    page.wait_for_url("**/settings/data")
    expect(page.get_by_text("kept for 12 months", exact=True)).to_be_visible()
    with app.app_context():
        night.run_due(run_at=clock.now().isoformat())
        run_operations(company)
    page.reload()
    expect(page.get_by_text("Entries: 3")).to_be_visible()
    good(page)
    page.get_by_role("link", name="Timelines of customers").first.click()
    page.get_by_role("button", name="Keep everything again").click()
    page.wait_for_url("**/settings/data")
    expect(page.get_by_text("kept for good")).to_have_count(5)
