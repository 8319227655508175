"""A coupon as people live it: made on its page, got by a form, entered at the shop's checkout, and seen as used."""

from __future__ import annotations

import re
import secrets

import pytest
from playwright.sync_api import expect

from tests.browser import eye, running, shopfront
from tests.failures.copies import until
from tests.sandbox.test_shop import Shop

pytestmark = pytest.mark.browser
PATIENCE = 240


@pytest.fixture
def shop(tmp_path):
    made = Shop(tmp_path / "shop.sqlite")
    yield made
    made.stop()


def ask(product, demo, path, **options):
    return running.read_json(f"{product.urls['web']}/api/v1{path}", key=demo["api_key"], **options)


def connect(product, demo, shop):
    """Connect a shop of its own to the demo company, which tells it codes, and hears of its orders."""
    wanted = {
        "kind": "generic",
        "name": f"Corner {secrets.randbelow(10**6)}",
        "currency": "EUR",
        "url": shop.url,
        "coupons_url": f"{shop.url}/hooks/coupons",
    }
    made = ask(product, demo, "/shops", data=wanted)
    told = {"hook_url": made["webhook_url"], "hook_secret": made["webhook_secret"], "site_key": made["site_key"]}
    running.read_json(f"{shop.url}/settings", data=told)
    return made


def test_a_coupon_is_made_got_by_a_form_used_at_the_checkout_and_seen_as_used(product, demo, shop):
    place = connect(product, demo, shop)
    with shopfront.chromium() as browser:
        owner = browser.new_context(base_url=product.urls["web"], locale="en-GB", viewport=eye.WIDE).new_page()
        owner.set_default_timeout(30_000)
        owner.goto("/sign-in")
        owner.get_by_label("Email").fill(demo["email"])
        owner.get_by_label("Password", exact=True).fill(demo["password"])
        owner.get_by_role("button", name="Sign in", exact=True).click()
        owner.wait_for_url(lambda url: "/sign-in" not in url)
        owner.goto("/coupons/new")
        eye.keep_picture(owner, "coupons-new")
        owner.get_by_label("Name", exact=True).fill("Thank you for coming")
        owner.get_by_label("Shop", exact=True).select_option(place["id"])
        owner.get_by_label("Percent", exact=True).fill("10")
        owner.get_by_label("Prefix").fill("back")
        owner.get_by_label("Kept ready in the shop").fill("3")
        owner.get_by_role("button", name="Make the coupon").click()
        expect(owner.get_by_role("heading", name="Thank you for coming")).to_be_visible()
        coupon = owner.url.rpartition("/")[2]
        until(lambda: ask(product, demo, f"/coupons/{coupon}")["ready"] == 3, seconds=PATIENCE)
        code = send_form(product, demo, place, coupon)
        assert code.startswith("BACK-")
        buy(browser, shop, code)
        until(lambda: ask(product, demo, f"/coupons/{coupon}")["used"] == 1, seconds=PATIENCE)
        owner.reload()
        row = owner.get_by_role("row").filter(has_text=code)
        expect(row.get_by_text("Used", exact=True)).to_be_visible()
        expect(row.get_by_role("link", name=re.compile("FK-"))).to_be_visible()
        expect(owner.get_by_role("heading", name="1 of 1 given codes were used")).to_be_visible()
        eye.keep_picture(owner, "coupons-show")


def send_form(product, demo, place, coupon):
    """Send a form that gives the coupon, as a visitor of the shop does, and return the code that is shown."""
    content = {
        "fields": [{"name": "email"}],
        "texts": {"en": {"title": "Ten percent", "thanks": "Thank you."}},
        "after": {"coupon_id": coupon},
    }
    form = ask(
        product, demo, "/forms", data={"name": f"Codes {secrets.randbelow(10**6)}", "kind": "embed", "content": content}
    )["id"]
    ask(product, demo, f"/forms/{form}/show", data={})
    told = {
        "site_key": place["site_key"],
        "language": "en",
        "took": 4000,
        "values": {"email": "ada-codes@shop.example"},
        "purposes": [],
        "url": "https://shop.example/",
    }
    answer = running.read_json(f"{product.urls['web']}/forms/{form}", data=told)
    ask(product, demo, f"/forms/{form}/hide", data={})
    return answer["coupon"]


def buy(browser, shop, code):
    """Buy the first thing that is there with a code."""
    page = browser.new_context(viewport=eye.WIDE).new_page()
    page.set_default_timeout(30_000)
    page.goto(shop.url)
    page.get_by_role("navigation", name="Categories").get_by_role("link").first.click()
    page.locator(".good:not(:has(.tag)) a").first.click()
    page.get_by_role("button", name="Add to cart").click()
    page.goto(f"{shop.url}/checkout")
    given = {
        "E-mail": "ada-codes@shop.example",
        "First name": "Ada",
        "Last name": "Lake",
        "Street": "1 High St",
        "Postcode": "BS1",
        "City": "Bath",
    }
    for label, text in given.items():
        page.get_by_label(label).fill(text)
    page.get_by_label("Discount code").fill(code.lower())
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_text("Your code")).to_be_visible()
    page.get_by_role("button", name="Pay").click()
    expect(page.get_by_role("heading", name="Thank you.")).to_be_visible()
    expect(page.get_by_text("Discount", exact=True)).to_be_visible()
    eye.keep_picture(page, "coupons-bought")
