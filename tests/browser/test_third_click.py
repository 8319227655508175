"""A shopper looks around in the shop: what the home page offers them follows, and the third click changes it."""

import urllib.parse

import pytest
from playwright.sync_api import expect

from tests.browser import eye, shopfront

pytestmark = pytest.mark.browser

CARDS = "[data-regulars-offers='home'] a.card"
PATIENCE = 240_000  # until what was looked at has arrived and is asked for


@pytest.fixture
def shopper(product, demo):
    """Somebody with a browser of their own, in the sandbox's shop, which is the demo company's and has learnt from its past."""
    product.command("saas", "learn", "--tenant", str(demo["tenant"]))
    with shopfront.chromium() as browser:
        context = browser.new_context(base_url=product.urls["shop"], locale="en-GB", viewport=eye.WIDE)
        context.set_default_timeout(30_000)
        page = context.new_page()
        page.goto("/settings")
        hook = product.urls["web"] + urllib.parse.urlsplit(demo["hook_url"]).path
        keys = {"Webhook address": hook, "Webhook secret": demo["hook_secret"], "Site key": demo["site_key"]}
        for label, text in keys.items():
            page.get_by_label(label, exact=True).fill(text)
        page.get_by_role("button", name="Save and connect").click()
        expect(page.get_by_text("Saved. The shop is connected.")).to_be_visible()
        yield page
        eye.keep_picture(page, "third-click")
        context.close()


def look_at(page, category, place, besides=()):
    """Click a product of a category and return its name; those that were offered are passed over."""
    page.get_by_role("navigation", name="Categories").get_by_role("link", name=category).click()
    page.wait_for_load_state()
    names = page.locator(".good:not(:has(.tag)) .name").all_inner_texts()
    name = [one for one in names if not any(one in offered for offered in besides)][place]
    page.locator(".good", has=page.get_by_text(name, exact=True)).get_by_role("link").click()
    expect(page.get_by_role("heading", level=1)).to_have_text(name)
    expect(page.locator("[data-regulars-offers='product']")).to_be_attached()
    return page.get_by_role("heading", level=1).inner_text()


def offered(page):
    """What the home page offers, with its reasons."""
    page.goto("/")
    expect(page.locator(CARDS).first).to_be_visible(timeout=PATIENCE)
    return page.locator(CARDS).all_inner_texts()


def offered_with(page, name):
    """Look at the home page until it speaks of a product: a view counts within a second, and this machine may be busy."""
    for _look in range(PATIENCE // 1000):
        found = offered(page)
        if any(name in one for one in found):
            return found
        page.wait_for_timeout(1000)
    raise AssertionError(f"{name} is not spoken of in {found}")


def test_the_third_click_changes_what_is_offered(shopper):
    page = shopper
    page.goto("/")
    page.get_by_role("button", name="Accept all").click()
    first = offered(page)
    look_at(page, "Mugs & cups", 0)
    second = look_at(page, "Mugs & cups", 1)
    after_two = offered_with(page, second)
    assert after_two != first
    third = look_at(page, "Teapots & kettles", 0, besides=after_two)
    after_three = offered_with(page, third)
    assert after_three != after_two
