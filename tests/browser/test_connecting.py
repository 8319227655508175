"""A shop's owner connects their WooCommerce shop by the guide: wrong address, wrong key, a key that may only read, then right."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from saas.kit import work
from tenant_admin import markup, vendor, words
from tests.companies import found_company
from tests.shopify_box import fetch
from tests.wordpress_box import reachable, woo  # noqa: F401

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
def page(company, reachable):  # noqa: F811
    """A browser signed in as the owner; a fault in its console fails the test."""
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"])
        context = browser.new_context(base_url=reachable, viewport={"width": 1280, "height": 900}, locale="en-GB")
        token = company.page.get_cookie("regulars_session").value
        context.add_cookies([{"name": "regulars_session", "value": token, "url": reachable}])
        page = context.new_page()
        faults: list[str] = []
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("console", lambda said: faults.append(said.text) if said.type in ("error", "warning") else None)
        yield page
        page.goto("about:blank")  # nothing of the page asks on while the server goes
        browser.close()
    assert faults == []


def step(page, name):
    return page.locator(f"#step-{name}")


def give_keys(page, key, secret):
    """Give keys, in the form that is folded away once there were good ones."""
    form = step(page, "keys")
    folded = form.locator("summary", has_text="Other keys")
    if folded.count():
        folded.click()
    form.get_by_label("Consumer key").fill(key)
    form.get_by_label("Consumer secret").fill(secret)
    form.get_by_role("button", name="Check the keys").click()


def test_a_shop_is_connected_by_the_guide_until_its_first_order_shows(app, company, drain, page, woo):  # noqa: F811
    woo.cron = woo.rings = False
    tea = woo.goods.add_product("Green tea")
    order = woo.goods.add_order(woo.goods.add_customer("ann@shopper.example"), [(tea, 2)])
    woo.keys["ck_reads"] = ("cs_reads", "read")

    page.goto("/shops/new")
    page.get_by_role("link", name="Choose WooCommerce").click()
    woo.wordpress = False
    page.get_by_label("Address of the shop").fill(f"{woo.url}/wp-admin/")
    page.get_by_role("button", name="Begin").click()
    expect(step(page, "address")).to_contain_text("is not made with WordPress")
    page.evaluate(AXE.read_text())
    found = page.evaluate("() => axe.run()")
    assert [(one["id"], [node["html"] for node in one["nodes"]]) for one in found["violations"]] == []
    woo.wordpress = True
    step(page, "address").get_by_role("button", name="Check the address").click()
    expect(step(page, "keys")).to_contain_text("reject_unsafe_urls")  # the file that lets WordPress call this machine
    step(page, "tracker").locator("summary").click()
    for width in (1280, 390):  # the code scrolls in its box, and the page does not
        page.set_viewport_size({"width": width, "height": 900})
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.set_viewport_size({"width": 1280, "height": 900})
    expect(step(page, "address")).to_contain_text("WooCommerce answer at")
    expect(step(page, "address")).to_contain_text("Europe/London")

    give_keys(page, "ck_wrong", "cs_wrong")
    expect(step(page, "keys")).to_contain_text("does not know this consumer key")
    give_keys(page, "ck_reads", "cs_reads")
    expect(step(page, "permissions")).to_contain_text("may only read")
    give_keys(page, "ck_box", "cs_box")
    expect(step(page, "webhooks")).to_contain_text("11 webhooks")

    expect(step(page, "delivery")).to_contain_text("once a minute")
    page.goto("/shops")  # leaves, and comes back to where it was
    page.get_by_role("link", name="Fern & Kettle").click()
    page.get_by_role("link", name="Go on connecting").click()
    expect(step(page, "delivery")).to_contain_text("once a minute")
    threading.Thread(target=woo.hooks.carry, daemon=True).start()  # its minute is over
    expect(step(page, "delivery")).to_contain_text("A signed message arrived")

    step(page, "past").get_by_role("button", name="Begin").click()
    expect(step(page, "past")).to_contain_text("It begins within half a minute")
    shop_id = page.url.split("/")[4]
    with app.app_context():
        assert fetch(company, shop_id)[0]["state"] == "done"
    drain(company)
    expect(step(page, "past")).to_contain_text("What was wished for is here")
    page.goto("/orders")
    expect(page.get_by_role("link", name=str(order)).first).to_be_visible()
    with app.app_context(), work.unit(tenant_id=company.tenant_id):
        from saas.commerce import shops

        assert shops.one(shop_id).currency == "GBP"
