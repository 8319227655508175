"""What shoppers live through on a shop's page, with a real mailbox between: a form, waiting for a product, a lower price, consent.

The shop is the sandbox's, connected as any other, and changed at its owner's desk. Everything is pressed where people press it; what
happens in the background is waited for where it shows.
"""

from __future__ import annotations

import json
import re
import secrets
import urllib.request
from datetime import UTC, datetime

import pytest
from playwright.sync_api import expect

from tests.browser import eye, running, shopfront
from tests.failures.copies import until
from tests.sandbox.test_shop import Shop

pytestmark = pytest.mark.browser
PATIENCE = 240
WORDS = "Yes, write to me about new glazes. I can take this back at any time."
SCANNER = "Mozilla/5.0 (compatible; SafeLinks; mail security)"
HOLDS_GPC = "Object.defineProperty(Navigator.prototype, 'globalPrivacyControl', {get: () => true})"


class House:
    """A company of its own with a shop: its owner in her browser, shoppers in theirs, and the company's programs."""

    def __init__(self, browser, product, shop):
        self.browser, self.product, self.shop = browser, product, shop
        self.mark, self.contexts, self.complaints = secrets.token_hex(3), [], []
        self.email, password = f"owner-{self.mark}@stories.example", "kettles and ferns for all"
        self.key = product.found(company=f"Stories {self.mark}", email=self.email, password=password)["api_key"]
        wanted = {"kind": "generic", "name": "Corner", "currency": "EUR", "url": shop.url, "coupons_url": f"{shop.url}/hooks/coupons"}  # fmt: skip
        self.place = self.ask("/shops", data=wanted)
        self.hook = {"hook_url": self.place["webhook_url"], "hook_secret": self.place["webhook_secret"]}
        running.read_json(f"{shop.url}/settings", data=self.hook | {"site_key": self.place["site_key"], "tell": True})
        until(lambda: len(self.ask("/products?limit=200")["items"]) >= 100, seconds=PATIENCE)
        self.owner = self.sit_down(product.urls["web"])
        self.owner.goto("/sign-in")
        self.owner.get_by_label("Email").fill(self.email)
        self.owner.get_by_label("Password", exact=True).fill(password)
        self.owner.get_by_role("button", name="Sign in", exact=True).click()
        self.owner.wait_for_url(lambda url: "/sign-in" not in url)
        self.owner.goto("/settings/sender")
        self.owner.get_by_label("Name").fill("Olivia of the corner")
        self.owner.get_by_label("Address", exact=True).fill(f"hello@stories-{self.mark}.example")
        self.owner.get_by_role("button", name="Save").first.click()
        self.owner.wait_for_load_state()

    def sit_down(self, base_url, **options):
        """Somebody at a browser of their own; whatever its console complains of is kept."""
        context = self.browser.new_context(**{"base_url": base_url, "locale": "en-GB", "viewport": eye.WIDE} | options)
        context.set_default_timeout(30_000)
        self.contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))
        page.on("console", lambda said: self.hear(page, said))
        return page

    def hear(self, page, said):
        of_no_page = said.location.get("url", "").endswith("/favicon.ico")  # a page behind a mail's link names no icon
        if said.type == "error" and not of_no_page:
            self.complaints.append(f"{page.url}: {said.text}")

    def shopper(self, answer="Accept all", **options):
        """Somebody in the shop, who has answered what it asks first."""
        page = self.sit_down(self.shop.url, **options)
        page.goto("/")
        page.get_by_role("button", name=answer).click()
        return page

    def ask(self, path, **options):
        return running.read_json(f"{self.product.urls['web']}/api/v1{path}", key=self.key, **options)

    def customer(self, email):
        return next(iter(self.ask(f"/customers?email={email}")["items"]), None)

    def at_the_desk(self, thing, *, price, stock):
        """Change a product as the shop's owner does; the shop tells Regulars by a webhook."""
        self.shop.get(f"/desk/products/{thing}", {"price": price, "stock": stock, "active": "yes"})
        known = lambda: self.ask(f"/products?external_id={thing}")["items"][0]  # noqa: E731
        until(lambda: str(known()["stock"]) == stock and float(known()["price"]) == float(price), seconds=PATIENCE)

    def letter(self, email, subject):
        """Wait for a mail and return its text and its only link that is a button."""
        return self.product.mail(email, subject, seconds=PATIENCE)

    def leave(self):
        for number, context in enumerate(self.contexts):
            for page in context.pages:
                eye.keep_picture(page, f"stories-last-{number}")
            context.close()


@pytest.fixture(scope="module")
def browser():
    with shopfront.chromium() as made:
        yield made


@pytest.fixture(scope="module")
def house(browser, product, tmp_path_factory):
    shop = Shop(tmp_path_factory.mktemp("stories") / "shop.sqlite")
    try:
        made = House(browser, product, shop)
        yield made
        made.leave()
        assert made.complaints == []
    finally:
        shop.stop()


def link_in(letter, way):
    """The link of ours in a mail, by the beginning of its path."""
    return re.search(rf"https?://[^\s)]+{way}[^\s)]*", letter["text"]).group()


def scan(url):
    """Follow a link as a mail scanner does: look first, then fetch; it presses no button."""
    for method in ("HEAD", "GET"):
        asked = urllib.request.Request(url, method=method, headers={"User-Agent": SCANNER})
        with urllib.request.urlopen(asked, timeout=30) as answer:
            assert answer.status == 200


def test_a_form_is_filled_confirmed_in_the_mailbox_and_stands_as_consent_with_its_evidence(house):
    coupon = house.ask("/coupons", data={
        "name": "Welcome", "kind": "percent", "percent": "10", "prefix": "hello", "pool": 3, "shop_id": house.place["id"],
    })["id"]  # fmt: skip
    until(lambda: house.ask(f"/coupons/{coupon}")["ready"] == 3, seconds=PATIENCE)
    content = {
        "fields": [{"name": "email"}, {"name": "first_name"}],
        "purposes": [{"key": "marketing", "required": True, "wording": {"en": WORDS}}],
        "texts": {"en": {"title": "A letter now and then", "button": "Send me the letter", "thanks": "Lovely."}},
        "after": {"coupon_id": coupon},
    }
    form = house.ask("/forms", data={"name": "In the page", "kind": "embed", "content": content})["id"]
    house.ask(f"/forms/{form}/show", data={})
    running.read_json(f"{house.shop.url}/settings", data={"form": form, **house.hook})
    ada = f"ada-{house.mark}@stories.example"
    page = house.shopper()
    box = page.get_by_role("region", name="A letter now and then")
    box.scroll_into_view_if_needed()
    box.get_by_role("button", name="Send me the letter").click()
    expect(box.get_by_text("Please fill this in.")).to_have_count(2)
    box.get_by_label("E-mail").press_sequentially(ada, delay=40)  # who is faster than a hand is taken for a machine
    box.get_by_label("First name").fill("Ada")
    box.get_by_label(WORDS).check()
    box.get_by_role("button", name="Send me the letter").click()
    box = page.get_by_role("region", name="Lovely.")  # the box speaks by its heading, which is another now
    expect(box.get_by_role("heading", name="Lovely.")).to_be_focused()
    code = box.locator(".code").inner_text()
    assert code.startswith("HELLO-")
    eye.keep_picture(page, "stories-form-sent")
    page.reload()
    expect(page.get_by_role("region", name="A letter now and then")).to_be_visible()
    assert code not in page.content() and page.get_by_text(code).count() == 0

    link = link_in(house.letter(ada, ""), "/m/y/")
    scan(link)
    assert house.customer(ada)["consent"] == {"email": "unknown"}
    clicked = house.sit_down(house.product.urls["web"])
    clicked.goto(link)
    expect(clicked.get_by_text(WORDS)).to_be_visible()
    clicked.get_by_role("button", name="Yes, I agree").click()
    expect(clicked.get_by_role("heading", name="Thank you")).to_be_visible()
    until(lambda: house.customer(ada)["consent"]["email"] == "granted", seconds=PATIENCE)
    brought = house.letter(ada, "code")
    assert code in brought["text"]

    owner = house.owner
    owner.goto(f"/customers/{house.customer(ada)['id']}/consents")
    for shown in (WORDS, house.shop.url, "confirmed by a click in a mail", "Clicked from", ada):
        expect(owner.locator("main").get_by_text(shown).first).to_be_visible()
    eye.keep_picture(owner, "stories-consents")
    [sent] = house.ask(f"/forms/{form}/submissions")["items"]
    assert sent["confirmed_at"] and sent["won"] and sent["agreed"] == ["marketing"]
    assert house.ask(f"/coupons/{coupon}")["given"] == 1


def wait_for_it(house, page, product, email, words):
    """Sign up beside a product and confirm in the mailbox, after a scanner was there."""
    page.goto(product["url"])
    button = page.get_by_role("button", name=words)
    button.click()
    page.get_by_label("E-mail").press_sequentially(email, delay=40)  # as above
    page.get_by_role("button", name=words).click()
    expect(page.get_by_text("Please look into your mailbox and confirm.")).to_be_visible()
    link = link_in(house.letter(email, "Please confirm"), "/m/w/")
    scan(link)
    [watch] = house.ask(f"/watches?product_id={product['id']}")["items"]
    assert watch["state"] == "asked"
    page.goto(link)
    page.get_by_role("button", name="Yes, tell me").click()
    expect(page.get_by_role("heading", name="You are on the list")).to_be_visible()


def goods(house, number):
    """One of the products, whoever else changes others."""
    return sorted(house.ask("/products?limit=200")["items"], key=lambda one: one["external_id"])[number]


def test_what_is_sold_out_comes_back_and_who_waited_is_told_once_with_a_link_to_it(house):
    product, bea = goods(house, 3), f"bea-{house.mark}@stories.example"
    house.at_the_desk(product["external_id"], price=product["price"], stock="0")
    page = house.shopper()
    page.goto(product["url"])
    expect(page.get_by_role("button", name="Sold out")).to_be_disabled()
    wait_for_it(house, page, product, bea, "Tell me when it is back")
    house.at_the_desk(product["external_id"], price=product["price"], stock="4")
    told = house.letter(bea, "is back")
    page.goto(link_in(told, re.escape(product["url"].partition("://")[2].partition("/")[2])))
    expect(page.get_by_role("heading", level=1, name=product["name"])).to_be_visible()
    expect(page.get_by_role("button", name="Add to cart")).to_be_enabled()
    until(lambda: house.ask(f"/watches?product_id={product['id']}")["items"][0]["state"] == "told", seconds=PATIENCE)
    page.goto(link_in(told, "/m/w/"))
    expect(page.get_by_text("There will be no other mail.")).to_be_visible()
    assert len(house.product.mails(bea, "is back")) == 1


def test_a_lower_price_in_another_currency_is_told_in_that_currency(house):
    product, cleo = goods(house, 5), f"cleo-{house.mark}@stories.example"

    def in_francs(price):
        names = ("external_id", "sku", "name", "url", "image_url", "categories", "tags", "stock", "active")
        data = {name: product[name] for name in names} | {"price": price, "currency": "CHF", "updated_at": datetime.now(UTC).isoformat()}  # fmt: skip
        running.deliver(house.hook, {"type": "product.updated", "data": data})
        known = lambda: house.ask(f"/products?external_id={product['external_id']}")["items"][0]  # noqa: E731
        until(lambda: (float(known()["price"]), known()["currency"]) == (float(price), "CHF"), seconds=PATIENCE)

    in_francs("48.00")
    page = house.shopper()
    wait_for_it(house, page, product, cleo, "Tell me when it costs less")
    in_francs("47.50")  # too little to write to anybody
    in_francs("36.00")
    told = house.letter(cleo, "costs less now")
    assert "36.00 CHF instead of 48.00 CHF" in told["text"]
    page.goto(link_in(told, re.escape(product["url"].partition("://")[2].partition("/")[2])))
    expect(page.get_by_role("heading", level=1, name=product["name"])).to_be_visible()
    assert len(house.product.mails(cleo, "costs less")) == 1


def watched(house):
    """Somebody new in the shop, and what their browser sends to us: how, where to, from which page, and with what."""
    page, left, web = house.sit_down(house.shop.url), [], house.product.urls["web"]
    page.on("request", lambda asked: asked.url.startswith(web) and left.append((asked, page.url)))
    return page, left


def look_around(house, page):
    for path in (goods(house, 7)["url"], f"{house.shop.url}/search?q=lamp"):
        page.goto(path)
        page.wait_for_function("() => window.regulars.live")
        page.wait_for_load_state("networkidle")


@pytest.mark.parametrize("answer", ["", "No, thanks"], ids=["not answered yet", "refused"])
def test_nothing_of_who_did_not_agree_leaves_the_shop_or_stays_in_the_browser(house, answer):
    page, left = watched(house)
    page.goto("/")
    if answer:
        page.get_by_role("button", name=answer).click()
    look_around(house, page)
    assert {asked.method for asked, _from in left} == {"GET"}
    assert not [asked.url for asked, _from in left if "/forms/me" in asked.url]
    pages: dict[str, set[str]] = {}
    for asked, came_from in left:
        for visitor in re.findall(r"[?&]visitor=([\w-]+)", asked.url):
            pages.setdefault(visitor, set()).add(came_from)
    assert all(len(where) == 1 for where in pages.values()), (
        "what asks for offers is of one page, so that nobody is known again"
    )
    kept, cookies = page.evaluate("() => [Object.keys(localStorage), document.cookie]")
    assert [key for key in kept if key.startswith("rgl_") and key != "rgl_consent"] == []
    assert "rgl_visitor" not in cookies


def test_who_agrees_with_global_privacy_control_on_is_counted_and_not_advertised_to(house):
    page, left = watched(house)
    page.add_init_script(HOLDS_GPC)
    page.goto("/")
    page.get_by_role("button", name="Accept all").click()
    with page.expect_response(lambda answer: "/collect" in answer.url) as answer:
        page.goto(goods(house, 7)["url"])
    assert answer.value.status == 202
    look_around(house, page)
    bodies = [json.loads(asked.post_data) for asked, _from in left if asked.url.endswith("/collect")]
    assert bodies and all(body["consent"] == {"analytics": True, "marketing": False} for body in bodies)
