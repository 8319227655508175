"""The demo shop with the real tracker and widget in a real Chromium; only the CRM behind them is a stand-in."""

import pytest

from tests.browser import shopfront
from tests.sandbox.test_shop import SECRET, Shop

pytestmark = pytest.mark.browser


@pytest.fixture
def collector():
    made = shopfront.Collector()
    yield made
    made.stop()


@pytest.fixture
def shop(tmp_path, collector):
    made = Shop(
        tmp_path / "shop.sqlite", f"--crm-url={collector.origin}", f"--site-key={shopfront.SITE_KEY}",
        "--hook-url=http://127.0.0.1:9/hooks/generic/token", f"--hook-secret={SECRET}",
    )  # fmt: skip
    yield made
    made.stop()


@pytest.fixture
def page():
    with shopfront.chromium() as browser:
        made = browser.new_page(viewport={"width": 1280, "height": 900})
        made.set_default_timeout(30_000)
        yield made


def test_a_shopper_agrees_looks_fills_a_cart_signs_in_and_buys(shop, collector, page):
    errors = []
    page.on("pageerror", lambda error: errors.append(str(error)))
    page.goto(shop.url)
    page.get_by_role("button", name="Accept all").click()
    page.get_by_role("navigation", name="Categories").get_by_role("link", name="Teapots & kettles").click()
    page.locator(".good a").first.click()
    page.get_by_role("button", name="Add to cart").click()
    page.get_by_role("link", name="Sign in").click()
    page.get_by_label("E-mail").fill("ada@example.com")
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("heading", name="Hello, Ada").wait_for()
    page.goto(f"{shop.url}/checkout")
    for label, text in {
        "First name": "Ada",
        "Last name": "Lake",
        "Street": "1 High St",
        "Postcode": "BS1",
        "City": "Bath",
    }.items():
        page.get_by_label(label).fill(text)
    page.get_by_role("button", name="Pay").click()
    page.get_by_role("heading", name="Thank you.").wait_for()

    told = ("checkout_started", "cart_updated", "identified", "product_viewed")
    collector.await_that(lambda: all(map(collector.events, told)) and len(collector.events("page_viewed")) >= 7)
    [viewed] = {event["product"] for event in collector.events("product_viewed")}
    [cart] = collector.events("cart_updated")
    [identified] = collector.events("identified")
    assert [item["product"] for item in cart["cart"]["items"]] == [viewed]
    assert identified["identity"]["email"] == "ada@example.com"
    assert len(identified["identity"]["signature"]) == 64
    assert {batch["consent"]["marketing"] for batch in collector.batches} == {True}
    order = shop.get("/desk")[1]
    assert "ada@example.com" in order
    assert errors == []


def test_nothing_is_sent_after_no_thanks(shop, collector, page):
    page.goto(shop.url)
    page.get_by_role("button", name="No, thanks").click()
    page.goto(f"{shop.url}/search?q=moss")
    page.locator(".good a").first.click()
    page.get_by_role("button", name="Add to cart").click()
    page.get_by_role("heading", name="Your cart", exact=True).wait_for()

    assert collector.batches == []
    assert not page.locator("#consent").is_visible()


def test_the_widget_shows_offers_with_the_shops_own_pictures(shop, collector, page):
    product = {"product": "fk-007", "name": "Moss mug", "url": f"{shop.url}/", "price": "16.00", "currency": "EUR"}
    reason = {"code": "together", "text": "37 others bought both"}
    image = f"{shop.url}/pictures/MUG-007.png"
    collector.offers = [{"offer": "o1", **product, "image_url": image, "reason": reason}]
    page.goto(shop.url)

    page.get_by_text("37 others bought both").wait_for()
    assert (
        page.evaluate("""() => new Promise(done => {
        const image = document.querySelector('[data-regulars-offers]').shadowRoot.querySelector('img');
        image.loading = 'eager';
        const look = () => image.complete ? done(image.naturalWidth) : setTimeout(look, 20);
        look();
    })""")
        == 480
    )
