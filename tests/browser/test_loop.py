"""The whole loop as people live it: a shop owner signs up, pays, connects her shop; shoppers buy; a mail brings one back.

Nothing here calls a function of ours: everything is read from pages and pressed on pages, by the owner in her browser and by
each shopper in theirs. What happens in the background is waited for on the page that shows it.
"""

import re
import secrets
from datetime import UTC, datetime, timedelta

import pytest
from playwright.sync_api import expect

from tests.browser import eye, shopfront
from tests.failures.copies import until

pytestmark = pytest.mark.browser

PATIENCE, BETWEEN_LOOKS = 240_000, 1_000
READING = timedelta(seconds=6)  # who opens a mail sooner after it came than this is taken for a machine
PASSWORD = "kettles and ferns for all"
ORDERED = re.compile(r"Orders\s+1\b")
SUBJECT = "Something warm for you"


class Loop:
    """The people and what they have in front of them."""

    def __init__(self, browser, product):
        self.browser, self.product, self.urls = browser, product, product.urls
        self.mark = secrets.token_hex(3)
        self.email = f"olivia-{self.mark}@loop.example"
        self.contexts, self.complaints = [], []
        self.owner = self.sit_down(self.urls["web"])

    def sit_down(self, base_url):
        """Somebody at a browser of their own; whatever its console complains of is kept."""
        context = self.browser.new_context(base_url=base_url, locale="en-GB", viewport=eye.WIDE)
        context.set_default_timeout(30_000)
        self.contexts.append(context)
        page = context.new_page()
        page.on("pageerror", lambda error: self.complaints.append(f"{page.url}: {error}"))
        page.on("console", lambda said: said.type == "error" and self.complaints.append(f"{page.url}: {said.text}"))
        return page

    def until(self, page, *, shows):
        """Look at a page again and again until it shows something."""
        self.look_until(
            page, lambda: page.locator("main").get_by_text(shows).filter(visible=True).first.is_visible(), what=shows
        )

    def look_until(self, page, holds, *, what):
        """Look at a page again and again, as somebody who waits for what happens elsewhere, until something holds."""
        for _look in range(PATIENCE // BETWEEN_LOOKS):
            if holds():
                return
            page.wait_for_timeout(BETWEEN_LOOKS)
            page.reload()
        raise AssertionError(f"{page.url} never showed {what}:\n{page.locator('main').inner_text()}")

    def picture(self, page, name):
        eye.keep_picture(page, f"loop-{name}")


@pytest.fixture
def loop(product):
    with shopfront.chromium() as browser:
        made = Loop(browser, product)
        yield made
        for number, context in enumerate(made.contexts):
            for page in context.pages:
                made.picture(page, f"last-{number}")
        for context in made.contexts:
            context.close()


class Shopper:
    """Somebody in the shop."""

    def __init__(self, loop, first, last, *, consent="Accept all"):
        self.loop, self.first, self.last = loop, first, last
        self.email = f"{first.lower()}-{loop.mark}@loop.example"
        self.page = loop.sit_down(loop.urls["shop"])
        self.page.goto("/")
        self.page.get_by_role("button", name=consent).click()

    def look_at(self, category, place=0):
        """Open a product and return its name."""
        self.page.get_by_role("navigation", name="Categories").get_by_role("link", name=category).click()
        self.page.locator(".good:not(:has(.tag)) a").nth(place).click()
        return self.page.get_by_role("heading", level=1).inner_text()

    def buy(self):
        """Put the product that is open into the cart and pay."""
        self.page.get_by_role("button", name="Add to cart").click()
        expect(self.page.get_by_role("heading", name="Your cart", exact=True)).to_be_visible()
        self.page.goto(f"{self.loop.urls['shop']}/checkout")
        given = {
            "E-mail": self.email,
            "First name": self.first,
            "Last name": self.last,
            "Street": "1 High Street",
            "Postcode": "BS1 1AA",
            "City": "Bath",
        }
        for label, text in given.items():
            self.page.get_by_label(label).fill(text)
        self.page.get_by_label("Send me news").check()
        self.page.get_by_role("button", name="Pay").click()
        expect(self.page.get_by_role("heading", name="Thank you.")).to_be_visible()


def sign_up(loop):
    page = loop.owner
    page.goto("/sign-up")
    page.get_by_label("Company").fill("Fern & Kettle of Olivia")
    page.get_by_label("Your name").fill("Olivia Owner")
    page.get_by_label("Email").fill(loop.email)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create the account").click()
    expect(page.get_by_role("heading", name="Look into your mailbox")).to_be_visible()
    letter = loop.product.mail(loop.email)
    page.goto(re.search(r"https?://\S+/verify/\S+", letter["text"]).group())
    page.get_by_role("button", name="Confirm and go in").click()
    expect(page.get_by_role("heading", name="Welcome to Regulars")).to_be_visible()
    loop.picture(page, "1-welcome")


def pay(loop):
    page = loop.owner
    page.goto("/plan")
    page.get_by_role("button", name="Choose Growth").click()
    page.wait_for_url(f"{loop.urls['stripe']}/**")
    for label, text in {
        "Card number": "4242 4242 4242 4242",
        "Expires": "12 / 34",
        "Security code": "123",
        "Name on card": "Olivia Owner",
    }.items():
        page.get_by_label(label).fill(text)
    loop.picture(page, "2-paying")
    page.get_by_role("button", name="Subscribe").click()
    page.wait_for_url(f"{loop.urls['web']}/**")
    expect(page.locator(".r-plan.is-current")).to_contain_text("Growth", timeout=PATIENCE)
    expect(page.locator("main")).to_contain_text("€49")
    loop.picture(page, "2-paid")


def connect(loop):
    page = loop.owner
    page.goto("/shops/new?kind=generic")
    page.get_by_label("Name").fill("Fern & Kettle")
    page.get_by_label("Address of the shop").fill(loop.urls["shop"])
    page.get_by_role("button", name="Connect", exact=True).click()
    expect(page.get_by_role("heading", name="Fern & Kettle")).to_be_visible()
    shop_page = page.url
    names = ("Webhook address", "Webhook secret", "Site key")
    secrets_of = {name: page.get_by_role("button", name=f"Copy: {name}").get_attribute("data-copy") for name in names}
    desk = loop.sit_down(loop.urls["shop"])
    desk.goto("/settings")
    for label, text in secrets_of.items():
        desk.get_by_label(label, exact=True).fill(text)
    desk.get_by_label("Send all products now").check()
    desk.get_by_role("button", name="Save and connect").click()
    expect(desk.get_by_text("Saved. The shop is connected.")).to_be_visible()
    page.goto("/products")
    loop.until(page, shows=re.compile("mug|cup|teapot|lamp", re.IGNORECASE))
    page.goto(shop_page)
    loop.picture(page, "3-connected")


def browse_and_buy(loop):
    """Ada and others buy; her profile fills and what is offered to her changes."""
    ada = Shopper(loop, "Ada", "Lake")
    bought = ada.look_at("Teapots & kettles")
    ada.look_at("Mugs & cups", 2)
    ada.look_at("Teapots & kettles")
    ada.buy()
    page = loop.owner
    open_profile(loop, ada)
    loop.until(page, shows=bought)
    loop.look_until(
        page, lambda: ORDERED.search(page.locator(".r-mini-tiles").inner_text()), what="the order in her value"
    )
    before = offers_of(page)
    others = []
    for first, place in (("Ben", 1), ("Cleo", 2), ("Dora", 3)):
        other = Shopper(loop, first, "River")
        other.look_at("Mugs & cups", place)
        other.buy()
        others.append(other)
    open_profile(loop, others[-1])
    open_profile(loop, ada)
    loop.look_until(page, lambda: offers_of(page) not in ([], before), what="other offers")
    after = offers_of(page)
    assert after and after != before
    assert not any(bought in offer for offer in after), "what was just bought is not offered"
    loop.until(page, shows=re.compile("Looked at"))
    loop.picture(page, "4-profile")
    ada.page.goto("/")
    card = ada.page.locator("[data-regulars-offers] a.card").first
    expect(card).to_be_visible(timeout=PATIENCE)
    loop.picture(ada.page, "4-shop")
    return [ada, *others]


def open_profile(loop, shopper):
    """Find somebody by their address and open their page; they may not have arrived yet."""
    page = loop.owner
    page.goto(f"/customers?q={shopper.email}")
    loop.until(page, shows=f"{shopper.first} {shopper.last}")
    page.get_by_role("link", name=f"{shopper.first} {shopper.last}").first.click()
    expect(page.get_by_role("heading", level=1)).to_have_text(f"{shopper.first} {shopper.last}")


def offers_of(page):
    """What the profile offers, once it has answered."""
    expect(page.locator("#offers .r-offers, #offers .r-empty, #offers [class*=empty]").first).to_be_visible()
    return page.locator("#offers .r-offers li").all_inner_texts()


def write_campaign(loop):
    page = loop.owner
    page.goto("/settings")
    page.get_by_label("Address").fill("1 High Street\nBath")
    page.get_by_role("button", name="Save").first.click()
    page.goto("/settings/sender")
    page.get_by_label("Name").fill("Olivia of Fern & Kettle")
    page.get_by_label("Address", exact=True).fill(f"hello@fern-{loop.mark}.example")
    page.get_by_role("button", name="Save").first.click()
    page.wait_for_load_state()

    page.goto("/segments/new")
    eye.ready(page)
    page.get_by_label("What", exact=True).first.select_option("email_consent")
    expect(page.get_by_label("Value", exact=True).first).to_be_visible()
    page.get_by_label("Value", exact=True).first.select_option("granted")
    page.get_by_label("Name", exact=True).fill("Agreed to mails")
    page.get_by_role("button", name="Save the segment").last.click()
    expect(page.get_by_role("heading", name="Agreed to mails")).to_be_visible()
    loop.until(page, shows="Ada Lake")
    loop.picture(page, "5-segment")

    page.goto("/campaigns/new")
    page.get_by_label("Name", exact=True).fill("Warm days")
    choice = page.get_by_label("Who gets it").locator("option", has_text="Agreed to mails").get_attribute("value")
    page.get_by_label("Who gets it").select_option(choice)
    page.get_by_role("radio").nth(1).check(force=True)
    page.get_by_role("button", name="Write the mail").click()
    page.get_by_label("Subject", exact=True).fill(SUBJECT)
    expect(page.locator("#look iframe")).to_be_visible(timeout=PATIENCE)
    loop.picture(page, "5-writing")
    page.get_by_role("button", name="Save and check").click()
    expect(page.get_by_text("Before it is sent")).to_be_visible()

    eye.ready(page)
    page.get_by_role("button", name="Send a test").first.click()
    page.get_by_role("dialog").get_by_label("To", exact=True).fill(loop.email)
    page.get_by_role("button", name="Send the test").click()
    loop.product.mail(loop.email, subject=SUBJECT)

    eye.ready(page)
    page.get_by_role("button", name="Send", exact=True).click()
    loop.picture(page, "5-before-sending")
    page.get_by_role("button", name=re.compile("^Send to .* now$")).click()
    expect(page.get_by_role("heading", name="Warm days")).to_be_visible()
    loop.look_until(page, lambda: not page.locator("#work *").count(), what="that all is sent")
    return page.url


def read_and_click(loop, shoppers):
    """One of those who got the mail reads it in the mailbox's page and follows its link into the shop."""
    reader = next(
        shopper for shopper in shoppers if loop.product.mails(shopper.email, SUBJECT)
    )  # some are held back by chance
    letter = loop.product.mail(reader.email, SUBJECT)
    page = loop.sit_down(loop.urls["mailbox"])
    page.goto(f"/?q={reader.email}")
    arrived = datetime.fromisoformat(letter["received_at"])
    until(lambda: datetime.now(UTC) - arrived > READING)
    page.locator("#list a", has_text=SUBJECT).first.click()
    expect(page.get_by_role("heading", name=SUBJECT)).to_be_visible()
    loop.picture(page, "6-mail")
    mail = page.frame_locator("#paper")
    expect(mail.locator("body")).to_contain_text("Fern & Kettle")
    link = mail.locator("a[href*='/m/c/']").first
    with page.expect_popup() as opened:
        link.click()
    landed = opened.value
    landed.wait_for_url(f"{loop.urls['shop']}/**")
    reader.page, reader.mailbox = landed, page
    return reader


def buy_again(loop, reader, report):
    """The click counts, the order that follows is attributed, and the lift says honestly that it is too early."""
    page = loop.owner
    accept = reader.page.get_by_role("button", name="Accept all")
    if accept.is_visible():
        accept.click()
    reader.look_at("Candles")
    reader.buy()
    page.goto(report)
    tile = page.locator(".r-tiles > *", has_text="Orders that followed")
    loop.look_until(page, lambda: tile.locator(".r-stat-value").inner_text() == "1", what="the order that followed")
    expect(page.locator(".r-tiles > *", has_text="Clicked")).to_contain_text("1 person")
    expect(page.locator("main")).to_contain_text(re.compile("Not enough yet to tell|Nobody was held back"))
    loop.picture(page, "7-report")


def leave(loop, reader):
    """The page behind the mail's link asks first; the mailbox's own button is one click, and the profile says so."""
    looking = eye.Eye(reader.page.context)
    letter = loop.product.mail(reader.email, SUBJECT)
    looking.page.goto(re.search(r"https?://[^\s)]+/m/u/[^\s)]+", letter["text"]).group())
    expect(looking.page.get_by_role("heading", name="Unsubscribe from our mails?")).to_be_visible()
    looking.judge()
    loop.picture(looking.page, "8-leaving")
    assert looking.said() == []
    reader.mailbox.get_by_role("button", name="Unsubscribe").click()
    expect(reader.mailbox.get_by_text("One-click unsubscribe: answered 200")).to_be_visible()
    page = loop.owner
    open_profile(loop, reader)
    loop.until(page, shows="No longer wants mails")
    loop.picture(page, "8-left")


def test_from_signing_up_to_the_money_back(loop):
    sign_up(loop)
    pay(loop)
    connect(loop)
    shoppers = browse_and_buy(loop)
    report = write_campaign(loop)
    reader = read_and_click(loop, shoppers)
    buy_again(loop, reader, report)
    leave(loop, reader)
    assert loop.complaints == []
