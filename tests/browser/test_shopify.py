"""A shop's owner installs the house's app as a person does it: from the page here to the page there and back."""

from __future__ import annotations

import logging
import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from werkzeug.serving import make_server

from saas import config
from tenant_admin import markup, vendor, words
from tests.companies import found_company
from tests.shopify_box import box, fetch, house_app  # noqa: F401

playwright = pytest.importorskip("playwright.sync_api")
pytestmark = pytest.mark.browser
expect = playwright.expect

CHROMIUM = Path("/usr/bin/chromium")
AXE = vendor.MODULES / "axe-core" / "axe.min.js"
if not CHROMIUM.exists() or not AXE.exists() or not (markup.STATIC / "vendor" / "tabler.css").exists():
    pytest.skip("needs Chromium, npm ci and python -m tenant_admin.vendor", allow_module_level=True)


@pytest.fixture
def company(app):
    words.compile_all()
    return found_company(app)


@pytest.fixture
def page(app, company, house_app, monkeypatch):  # noqa: F811
    """A browser signed in as the owner, where the house has an app at Shopify; a fault in its console fails the test."""
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    address = f"http://127.0.0.1:{server.server_port}"
    monkeypatch.setenv("PUBLIC_URL", address)
    config.get.cache_clear()
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        context = browser.new_context(base_url=address, viewport={"width": 1280, "height": 900}, locale="en-GB")
        context.add_cookies(
            [{"name": "regulars_session", "value": company.page.get_cookie("regulars_session").value, "url": address}]
        )
        page = context.new_page()
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda said: faults.append(said.text) if said.type in ("error", "warning") else None)
        yield page
        browser.close()
    server.shutdown()
    thread.join()
    server.server_close()
    assert [fault for fault in faults if "status of 422" not in fault] == []  # a form that was filled in wrongly


def test_a_shop_is_installed_from_the_page_and_its_past_arrives(app, company, page, box):  # noqa: F811
    box.things.now = datetime.now(UTC) - timedelta(days=3)
    box.things.add_order(box.things.add_customer("ann@shopper.example"), [(box.things.add_product("Green tea"), 2)])
    page.goto("/shops/new")
    page.get_by_role("link", name="Choose Shopify").click()
    install = page.locator("form", has=page.get_by_role("button", name="Go on to Shopify"))
    expect(page.get_by_role("heading", name="Install our app")).to_be_visible()
    page.evaluate(AXE.read_text())
    found = page.evaluate("() => axe.run()")
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found["violations"]] == []
    install.get_by_label("Address of the shop").fill("www.my-own-domain.example")
    install.get_by_role("button", name="Go on to Shopify").click()
    expect(page.get_by_text("ends in .myshopify.com").first).to_be_visible()
    install.get_by_label("Address of the shop").fill(box.domain)
    install.get_by_role("button", name="Go on to Shopify").click()
    page.get_by_role("button", name="Install").click()
    page.wait_for_url("**/shops/*-*")
    expect(page.get_by_text("Fetching the past").first).to_be_visible()
    shop_id = page.url.rpartition("/")[2]
    with app.app_context():
        assert fetch(company, shop_id)[0]["state"] == "done"
    page.reload()
    expect(page.get_by_text("Everything is here.")).to_be_visible()
    expect(page.get_by_role("heading", name="Fern & Kettle")).to_be_visible()
    told = page.get_by_role("listitem").filter(has_text="fetched").all_inner_texts()
    assert [line.partition(":")[0] for line in told] == [
        "products",
        "orders of the last 60 days",
        "customers",
        "orders",
    ]
    assert "1 fetched" in told[1]
    page.goto("/orders")
    expect(page.get_by_text("1001").first).to_be_visible()
