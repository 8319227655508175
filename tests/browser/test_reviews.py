"""Reviews as people live them: an order arrives, a mail asks, a star is clicked, and the shop's page shows what was said."""

from __future__ import annotations

import gzip
import json
import re
import secrets
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.browser import eye, furnishing, running, shopfront
from tests.failures.copies import until

pytestmark = pytest.mark.browser
WORDS = {
    "title": "Reviews", "none": "No reviews yet", "of": "{stars} of 5 stars", "count": "{count} reviews", "one": "1 review", "verified": "Verified purchase",
    "helpful": "Helpful", "report": "Report", "reported": "Thank you, we look at it.", "more": "More reviews", "answer": "Answer of the shop", "newest": "Newest",
    "helpful_first": "Most helpful", "highest": "Best first", "lowest": "Worst first", "sort": "Order", "all": "All", "edited": "changed",
    "not_shown": "{count} not published", "checked": "How they are checked.", "write": "Write a review", "name": "Name", "email": "E-mail", "headline": "In one line",
    "text": "What should others know?", "send": "Send", "thanks": "Thank you. We look at it.", "stars": "Stars", "failed": "That did not work.", "unnamed": "Unnamed",
    "photo": "Picture of the buyer",
}  # fmt: skip
PLACE = (
    '<p style="height: 40px">Tea</p><div data-regulars-reviews data-product="tea-1"></div><p id="after">After it</p>'
)
OPEN = {"Access-Control-Allow-Origin": "*"}
STATE = "state => document.querySelector('[data-regulars-reviews]')?.dataset.regularsState === state"


def review(number, **changes):
    return {
        "id": f"r{number}", "stars": 4, "title": f"Title {number}", "text": "<img src=x onerror=window.broken=1> & more", "name": "Ada L.", "verified": True,
        "language": "en", "written_at": "2026-05-01T10:00:00+00:00", "edited": False, "helpful": 0, "photo": "", "answer": "", **changes,
    }  # fmt: skip


def shown(*items, **changes):
    stars = {str(n): sum(one["stars"] == n for one in items) for n in (5, 4, 3, 2, 1)}
    average = sum(one["stars"] for one in items) / len(items) if items else None
    ld = {
        "@context": "https://schema.org",
        "@type": "Product",
        "name": "</script><script>window.broken=1</script>",
        "aggregateRating": {"ratingValue": average},
    }
    return {
        "summary": {"count": len(items), "average": average, "stars": stars, "declined": {"5": 0, "4": 0, "3": 0, "2": 1, "1": 1}}, "items": list(items),
        "next": None, "json_ld": ld if items else None, "words": WORDS, "write": True, **changes,
    }  # fmt: skip


class Door(shopfront.Collector):
    """Our doors as far as reviews need them."""

    def __init__(self):
        super().__init__()
        self.told, self.votes = shown(review(1), review(2, stars=1, verified=False, answer="Sorry")), []

    def get(self, request):
        if request.path.startswith("/reviews"):
            self.questions.append(request.path)
            return shopfront.answer(request, 200, json.dumps(self.told), "application/json", OPEN)
        return super().get(request)

    def post(self, request, body):
        if request.path.startswith("/reviews"):
            self.votes.append((request.path, json.loads(body)))
            told = {"helpful": 1} if "helpful" in request.path else {"state": "taken"}
            return shopfront.answer(request, 200, json.dumps(told), "application/json", OPEN)
        return super().post(request, body)


@pytest.fixture(scope="module")
def chromium():
    with shopfront.chromium() as browser:
        yield browser


@pytest.fixture
def door():
    server = Door()
    yield server
    server.gate.set()
    server.stop()


@pytest.fixture
def shop(door):
    server = shopfront.Shop()
    policy = f"default-src 'none'; script-src 'nonce-tea' {door.origin}; connect-src {door.origin}; style-src 'nonce-tea'; img-src 'self' {door.origin} data:"
    head = f'<meta http-equiv="Content-Security-Policy" content="{policy}">'
    server.pages["/"] = shopfront.page_html(
        door, consent="ask", widget=True, body=PLACE, head=head, nonce="tea"
    ).replace('style="height: 40px"', "")
    yield server
    server.stop()


@pytest.fixture
def page(chromium):
    context = chromium.new_context(viewport={"width": 1100, "height": 800}, locale="en-GB")
    context.set_default_timeout(30_000)
    page = context.new_page()
    page.problems = []
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.on("console", lambda said: said.type == "error" and page.problems.append(said.text))
    yield page
    assert page.problems == []
    context.close()


def visit(page, shop, state="ready"):
    page.goto(shop.origin)
    page.wait_for_function(STATE, arg=state)


class TestOnTheShopsPage:
    def test_everything_is_shown_under_a_strict_policy_and_words_are_only_words(self, page, shop):
        visit(page, shop)
        expect(page.get_by_role("heading", name="Reviews")).to_be_visible()
        expect(page.get_by_text("2.5", exact=True)).to_be_visible()
        expect(page.get_by_text("2 reviews")).to_be_visible()
        expect(page.get_by_role("listitem")).to_have_count(2)
        expect(page.get_by_text("<img src=x onerror=window.broken=1> & more").first).to_be_visible()
        expect(page.get_by_text("Verified purchase")).to_have_count(1)
        expect(page.get_by_text("2 not published")).to_be_visible()
        expect(page.get_by_text("Sorry")).to_be_visible()
        ld = json.loads(page.locator('script[type="application/ld+json"]').text_content())
        assert ld["aggregateRating"] == {"ratingValue": 2.5}
        assert page.evaluate("window.broken") is None
        assert page.evaluate("document.scripts.length") == 4  # three of the page, one block of data

    def test_a_click_counts_with_an_id_of_this_browser_and_can_be_taken_back(self, page, shop, door):
        visit(page, shop)
        button = page.get_by_role("button", name="Helpful").first
        button.click()
        expect(button).to_have_attribute("aria-pressed", "true")
        expect(button).to_have_text("Helpful (1)")
        button.click()
        expect(button).to_have_attribute("aria-pressed", "false")
        page.get_by_role("button", name="Report").first.click()
        expect(page.get_by_text("Thank you, we look at it.")).to_be_visible()
        assert [(path, body.get("yes")) for path, body in door.votes] == [
            ("/reviews/r1/helpful", True),
            ("/reviews/r1/helpful", False),
            ("/reviews/r1/report", None),
        ]
        assert len({body["visitor"] for _path, body in door.votes}) == 1
        assert re.fullmatch("[0-9a-f]{32}", door.votes[0][1]["visitor"])

    def test_filtering_sorting_and_more(self, page, shop, door):
        door.told["next"] = "here"
        visit(page, shop)
        page.get_by_role("button", name="More reviews").click()
        expect(page.get_by_role("listitem")).to_have_count(4)
        page.get_by_role("button", name="5 ★ 0").click()
        expect(page.get_by_role("listitem")).to_have_count(2)
        page.get_by_role("combobox", name="Order").select_option("lowest")
        until(lambda: any("sort=lowest" in one and "stars=5" in one for one in door.questions))
        assert any("cursor=here" in one for one in door.questions)

    def test_whoever_is_there_can_write_and_hears_what_is_missing(self, page, shop, door):
        door.told = shown()
        visit(page, shop)
        expect(page.get_by_text("No reviews yet")).to_be_visible()
        assert page.locator('script[type="application/ld+json"]').count() == 0
        page.get_by_text("Write a review").click()
        page.get_by_role("combobox", name="Stars").select_option("5")
        for label, words in (("What should others know?", "Good tea"), ("Name", "Bo"), ("E-mail", "bo@example.com")):
            page.get_by_role("textbox", name=label).fill(words)
        page.get_by_role("button", name="Send").click()
        expect(page.get_by_text("Thank you. We look at it.").first).to_be_visible()
        ((path, body),) = door.votes
        assert (path, body["product"], body["stars"], body["email"], body["website"]) == (
            "/reviews",
            "tea-1",
            "5",
            "bo@example.com",
            "",
        )

    def test_nothing_jumps_where_it_is_longer_than_the_place_it_took(self, page, shop, door):
        door.told = shown(*[review(number) for number in range(10)])
        page.add_init_script(
            "new PerformanceObserver(list => list.getEntries().forEach(e => window.shifts = (window.shifts || 0) + e.value)).observe({type: 'layout-shift', buffered: true})"
        )
        shop.pages["/"] = shop.pages["/"].replace("<main>", "<main><canvas height=1000></canvas>")
        visit(page, shop)
        page.get_by_role("heading", name="Reviews").scroll_into_view_if_needed()
        assert page.evaluate("window.shifts || 0") < 0.05

    def test_without_a_place_the_script_is_not_fetched(self, page, shop, door):
        shop.pages["/"] = shop.pages["/"].replace("data-regulars-reviews", "data-nothing")
        asked = []
        page.on("request", lambda request: asked.append(request.url))
        page.goto(shop.origin)
        page.wait_for_function("() => window.regularsOffers")
        assert not [one for one in asked if "reviews.js" in one]

    def test_it_stays_under_eight_kilobytes_as_it_travels(self):
        assert len(gzip.compress((shopfront.SCRIPTS / "reviews.js").read_bytes(), 9)) < 8000

    @pytest.mark.skipif(not shopfront.AXE.exists(), reason="axe-core is installed by make setup")
    @pytest.mark.parametrize("theme", ["light", "dark"])
    @pytest.mark.parametrize("width", [390, 1100])
    def test_axe_has_nothing_to_say(self, page, shop, theme, width):
        page.set_viewport_size({"width": width, "height": 900})
        shop.pages["/"] = re.sub("<meta http-equiv[^>]*>", "", shop.pages["/"]).replace(
            "data-product", f'data-theme="{theme}" data-product'
        )
        visit(page, shop)
        page.get_by_text("Write a review").click()
        eye.keep_picture(page, f"reviews-widget-{theme}-{width}")
        page.evaluate(shopfront.AXE.read_text())
        found = page.evaluate("() => axe.run().then(result => result.violations)")
        assert [violation["id"] for violation in found] == [], json.dumps(found, indent=1)
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def connect(page, product, demo):
    """Have the shop's pages belong to the demo company, as its owner does at the desk; other tests connect it to theirs."""
    page.goto(f"{product.urls['shop']}/settings")
    for label, text in (
        ("Webhook address", demo["hook_url"]),
        ("Webhook secret", demo["hook_secret"]),
        ("Site key", demo["site_key"]),
    ):
        page.get_by_label(label, exact=True).fill(text)
    page.get_by_role("button", name="Save and connect").click()
    expect(page.get_by_text("Saved. The shop is connected.")).to_be_visible()


def test_from_the_parcel_to_the_shops_page(chromium, product, demo):
    mark, key = f"{secrets.randbelow(10**6):06}", demo["api_key"]
    api, thing = f"{product.urls['web']}/api/v1", "fk-007"
    email, now = f"ada-{mark}@arrived.example", datetime.now(UTC)
    body = json.dumps({"sources": {demo["shop"]: {"on": True, "delivered_days": 0}}}).encode()
    furnishing.ask(f"{api}/reviews/settings", key=key, method="PATCH", body=body)
    order = {
        "external_id": f"arrived-{mark}", "number": f"A{mark}", "placed_at": (now - timedelta(days=2)).isoformat(), "updated_at": now.isoformat(), "status": "fulfilled",
        "currency": "EUR", "customer": {"email": email, "first_name": "Ada", "last_name": "Lake", "language": "en"},
        "lines": [{"product": thing, "quantity": 1, "unit_price": "16.00"}],
        "fulfilments": [{"external_id": f"p-{mark}", "state": "delivered", "shipped_at": (now - timedelta(days=1)).isoformat(), "delivered_at": datetime.now(UTC).isoformat(), "updated_at": now.isoformat()}],
    }  # fmt: skip
    assert running.deliver(demo, {"type": "order.updated", "data": order}) in (200, 202)
    letter = product.mail(email, seconds=180)
    links = re.findall(r'href="([^"]+/m/r/[^"]+stars=4)"', letter["html"])
    assert len(links) == 1
    context = chromium.new_context(viewport=eye.WIDE, locale="en-GB")
    context.set_default_timeout(30_000)
    page = context.new_page()
    page.goto(links[0].replace("&amp;", "&"))
    expect(page.get_by_role("radio", name="4 of 5 stars")).to_be_checked()
    page.get_by_label("In one line").fill(f"Keeps tea warm {mark}")
    page.get_by_label("What should others know?").fill("The handle stays cool, too.")
    eye.keep_picture(page, "reviews-form")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Thank you. You can change it here whenever you like.")).to_be_visible()
    expect(page.get_by_text("It is shown in the shop.")).to_be_visible()
    connect(page, product, demo)
    product_url = running.read_json(f"{api}/products?external_id={thing}", key=key)["items"][0]["url"]
    page.goto(product_url)
    place = page.locator("[data-regulars-reviews]")
    place.scroll_into_view_if_needed()
    expect(place.get_by_role("heading", name=f"Keeps tea warm {mark}")).to_be_visible()
    expect(place.get_by_text("Ada L.").first).to_be_visible()
    expect(place.get_by_text("Verified purchase").first).to_be_visible()
    eye.keep_picture(page, "reviews-shop")
    context.close()
