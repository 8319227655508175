"""Forms and waiting buttons in a real Chromium, on a shop of another origin: consent first, at the right moment, never too often."""

import gzip
import json

import pytest
from playwright.sync_api import expect

from tests.browser import shopfront

pytestmark = pytest.mark.browser

WORDS = {
    "email": "E-mail", "first_name": "First name", "button": "Sign up", "close": "Close", "missing": "Please fill this in.",
    "bad_email": "Not an address.", "failed": "That did not work.", "thanks": "Thank you.", "mailed": "Look into your mailbox.",
    "coupon": "Your code", "stock": "Tell me when it is back", "price": "Tell me when it costs less", "title": "Ten percent", "text": "On all teas.",
}  # fmt: skip
LONG = '<p style="height: 4000px">Much to read</p>'
SHOWN = "[data-regulars-shown]"


def form(**changes):
    return {
        "id": "form-1", "kind": "popup", "version": 1, "fields": [{"name": "email", "required": True, "type": "email"}],
        "purposes": [{"key": "marketing", "required": True, "words": {"en": "Yes, write to me."}}], "words": {"en": WORDS}, "look": {},
        "rules": {"seconds": 20}, "limits": {"times": "once", "days": 7, "session_most": 1, "apart_seconds": 60}, **changes,
    }  # fmt: skip


@pytest.fixture(scope="module")
def chromium():
    with shopfront.chromium() as browser:
        yield browser


@pytest.fixture
def collector():
    server = shopfront.Collector()
    server.forms = {"forms": [form()], "watch": {"stock": True, "price": True, "words": {"en": WORDS}}}
    yield server
    server.gate.set()
    server.stop()


@pytest.fixture
def shop(collector):
    server = shopfront.Shop()
    for path, consent in (("/", "granted"), ("/asks", "ask")):
        server.pages[path] = shopfront.page_html(collector, consent=consent, widget=True, body=LONG)
    yield server
    server.stop()


@pytest.fixture
def context(chromium):
    context = chromium.new_context(viewport={"width": 1100, "height": 800})
    yield context
    context.close()


@pytest.fixture
def page(context):
    page = context.new_page()
    page.problems = []
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    page.clock.install()
    yield page
    assert page.problems == []


def visit(page, shop, path="/"):
    """This function will open a page and wait until its forms are armed; the clock runs on as usual meanwhile."""
    page.goto(shop.origin + path)
    page.wait_for_function("() => window.regularsFormsReady")


def stored(page):
    return page.evaluate("() => Object.keys(localStorage).filter(key => key.startsWith('rgl_forms'))")


class TestMoment:
    def test_after_some_time_on_the_page_and_not_before(self, page, shop, collector):
        collector.forms["forms"] = [form(rules={"seconds": 3000})]  # the clock runs on, so what is left is much
        visit(page, shop)
        page.clock.run_for(2_000_000)
        assert page.locator(SHOWN).count() == 0
        page.clock.run_for(1_000_000)
        page.get_by_role("dialog", name="Ten percent").wait_for()

    def test_when_enough_was_read(self, page, shop, collector):
        collector.forms["forms"] = [form(rules={"scroll": 50})]
        visit(page, shop)
        page.clock.run_for(60_000)
        assert page.locator(SHOWN).count() == 0
        page.evaluate("scrollTo(0, 3000)")
        page.get_by_role("dialog", name="Ten percent").wait_for()

    def test_when_the_pointer_leaves_to_the_top(self, page, shop, collector):
        collector.forms["forms"] = [form(rules={"exit": True})]
        visit(page, shop)
        leave = "y => document.documentElement.dispatchEvent(new MouseEvent('mouseleave', {clientY: y}))"
        page.evaluate(leave, 400)
        assert page.locator(SHOWN).count() == 0
        page.evaluate(leave, -1)
        page.get_by_role("dialog", name="Ten percent").wait_for()

    def test_when_the_cart_is_worth_it(self, page, shop, collector):
        collector.forms["forms"] = [form(rules={"cart_over": "50"})]
        visit(page, shop)
        put = "price => regulars('cart', {items: [{product: 'tea', quantity: 2, price}]})"
        page.evaluate(put, "20.00")
        assert page.locator(SHOWN).count() == 0
        page.evaluate(put, "25.00")
        page.get_by_role("dialog", name="Ten percent").wait_for()

    @pytest.mark.parametrize(
        ("rules", "there"),
        [
            ({"pages": [{"is": "contains", "value": "/sale"}]}, False), ({"pages": [{"is": "equals", "value": "/"}]}, True),
            ({"devices": "phone"}, False), ({"devices": "desktop"}, True), ({"languages": ["de"]}, False), ({"languages": ["en"]}, True),
            ({"until": "2020-01-01"}, False), ({"from": "2090-01-01"}, False), ({"known": "known"}, False), ({"known": "unknown"}, True),
            ({"visitors": "returning"}, False), ({"visitors": "new"}, True),
        ],
    )  # fmt: skip
    def test_only_where_the_rules_say(self, page, shop, collector, rules, there):
        collector.forms["forms"] = [form(rules={"seconds": 0, **rules})]
        visit(page, shop)
        page.clock.run_for(2_000)
        if there:
            page.locator(SHOWN).wait_for(state="attached")
        else:
            assert page.locator(SHOWN).count() == 0


class TestConsent:
    def test_before_a_yes_nothing_is_stored_or_told_of_being_shown(self, page, shop, collector):
        visit(page, shop, "/asks")
        page.clock.run_for(21_000)
        page.get_by_role("dialog", name="Ten percent").wait_for()
        assert stored(page) == [] and page.evaluate("sessionStorage.length") == 0
        assert collector.told == [] and collector.batches == []

    def test_without_consent_only_what_they_closed_is_remembered(self, page, shop):
        visit(page, shop, "/asks")
        page.clock.run_for(21_000)
        page.get_by_role("button", name="Close").click()
        assert list(page.evaluate("JSON.parse(localStorage.rgl_forms)['form-1']")) == ["closed"]
        visit(page, shop, "/asks")
        page.clock.run_for(30_000)
        assert page.locator(SHOWN).count() == 0

    def test_with_consent_being_shown_is_told_and_remembered(self, page, shop, collector):
        visit(page, shop)
        page.clock.run_for(21_000)
        collector.await_that(lambda: [one["what"] for one in collector.told] == ["shown"])
        assert "shown" in page.evaluate("JSON.parse(localStorage.rgl_forms)['form-1']")

    def test_with_global_privacy_control_no_more_is_remembered_than_without_consent(self, page, shop):
        page.add_init_script("Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})")
        visit(page, shop)
        page.clock.run_for(21_000)
        page.get_by_role("dialog", name="Ten percent").wait_for()
        assert stored(page) == []


class TestTried:
    ARM = "0190d3c8-0000-7000-8000-000000000001.b"
    MINE = {
        "arms": {"form-1": {"arm": ARM, "words": {"en": WORDS | {"title": "Fifteen percent"}}, "rules": {"seconds": 5}}}
    }

    def test_a_browser_that_agreed_is_shown_its_variant_tells_it_once_and_sends_it_along(self, page, shop, collector):
        collector.me = self.MINE
        collector.forms["forms"] = [form(limits={"times": "always", "session_most": 9, "apart_seconds": 0})]
        for _visit in range(2):
            visit(page, shop)
            page.clock.run_for(6_000)
            page.get_by_role("dialog", name="Fifteen percent").wait_for()
        collector.await_that(lambda: len(collector.told) == 2)
        assert [(one["what"], one.get("arm")) for one in collector.told] == [("shown", self.ARM), ("shown", None)]
        dialog = page.get_by_role("dialog", name="Fifteen percent")
        dialog.get_by_label("E-mail").fill("ada@example.com")
        dialog.get_by_label("Yes, write to me.").check()
        dialog.get_by_role("button", name="Sign up").click()
        page.get_by_role("heading", name="Thank you.").wait_for()
        [sent] = [one for one in collector.told if one["path"] == "/forms/form-1"]
        assert sent["arm"] == self.ARM

    @pytest.mark.parametrize("way", ["asks", "gpc"])
    def test_who_did_not_agree_or_says_no_by_their_browser_is_shown_the_form_as_it_is(self, page, shop, collector, way):
        collector.me = self.MINE
        if way == "gpc":
            page.add_init_script("Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})")
        visit(page, shop, "/asks" if way == "asks" else "/")
        page.clock.run_for(21_000)
        page.get_by_role("dialog", name="Ten percent").wait_for()
        assert not any("arm" in one for one in collector.told)


class TestHowOften:
    def test_after_some_days_it_comes_again(self, page, shop, collector):
        collector.forms["forms"] = [form(limits={"times": "days", "days": 2, "session_most": 9, "apart_seconds": 0})]
        visit(page, shop)
        page.clock.run_for(21_000)
        page.get_by_role("button", name="Close").click()
        visit(page, shop)
        page.clock.run_for(21_000)
        assert page.locator(SHOWN).count() == 0
        page.evaluate("localStorage.rgl_forms = JSON.stringify({'form-1': {closed: Date.now() - 3 * 864e5}})")
        visit(page, shop)
        page.clock.run_for(21_000)
        page.get_by_role("dialog", name="Ten percent").wait_for()

    def test_never_two_in_one_visit_where_one_is_the_limit(self, page, shop, collector):
        collector.forms["forms"] = [form(), form(id="form-2", rules={"seconds": 40})]
        visit(page, shop)
        page.clock.run_for(21_000)
        page.get_by_role("button", name="Close").click()
        page.clock.run_for(200_000)
        assert page.locator(SHOWN).count() == 0


class TestSending:
    def test_what_is_missing_is_said_and_then_it_is_sent(self, page, shop, collector):
        visit(page, shop)
        page.clock.run_for(21_000)
        dialog = page.get_by_role("dialog", name="Ten percent")
        dialog.get_by_role("button", name="Sign up").click()
        expect(dialog.get_by_text("Please fill this in.")).to_have_count(2)
        dialog.get_by_label("E-mail").fill("nonsense")
        dialog.get_by_role("button", name="Sign up").click()
        dialog.get_by_text("Not an address.").wait_for()
        dialog.get_by_label("E-mail").fill("ada@example.com")
        dialog.get_by_label("Yes, write to me.").check()
        dialog.get_by_role("button", name="Sign up").click()
        page.get_by_role("heading", name="Thank you.").wait_for()
        sent = next(one for one in collector.told if one["path"] == "/forms/form-1")
        assert sent["values"] == {"email": "ada@example.com"} and sent["purposes"] == ["marketing"]
        assert sent["saw"] == {"marketing": "Yes, write to me."} and sent["website"] == "" and sent["counted"] is True
        assert sent["visitor"] == page.evaluate("JSON.parse(localStorage.rgl_visitor)")

    def test_a_form_in_the_page_is_there_at_once_and_counts_when_it_is_seen(self, page, shop, collector):
        collector.forms["forms"] = [form(kind="embed")]
        body = '<div data-regulars-form="form-1"></div>'
        shop.pages["/"] = shopfront.page_html(collector, consent="granted", widget=True, body=body)
        visit(page, shop)
        page.get_by_role("heading", name="Ten percent").wait_for()
        collector.await_that(lambda: [one["what"] for one in collector.told] == ["shown"])


class TestWaiting:
    def test_a_button_asks_for_the_address_and_sends_the_wish(self, page, shop, collector):
        body = '<div data-regulars-watch="stock" data-product="lamp" data-variant="red"></div>'
        shop.pages["/"] = shopfront.page_html(collector, consent="granted", widget=True, body=body)
        collector.forms["forms"] = []
        visit(page, shop)
        page.get_by_role("button", name="Tell me when it is back").click()
        page.get_by_label("E-mail").fill("ada@example.com")
        page.get_by_role("button", name="Tell me when it is back").click()
        page.get_by_text("Look into your mailbox.").wait_for()
        [sent] = [one for one in collector.told if one["path"] == "/watches"]
        assert {name: sent[name] for name in ("kind", "product", "variant", "email")} == {
            "kind": "stock", "product": "lamp", "variant": "red", "email": "ada@example.com",
        }  # fmt: skip


class TestManners:
    def test_the_window_holds_the_focus_closes_by_escape_and_gives_it_back(self, page, shop):
        shop.pages["/"] = shop.pages["/"].replace("<h1>", '<button id="own">Own</button><h1>')
        visit(page, shop)
        page.locator("#own").focus()
        page.clock.run_for(21_000)
        page.get_by_role("dialog", name="Ten percent").wait_for()
        assert page.evaluate("document.activeElement.matches('[data-regulars-shown]')")
        page.keyboard.press("Escape")
        page.locator(SHOWN).wait_for(state="detached")
        assert page.evaluate("document.activeElement.id") == "own"

    @pytest.mark.parametrize("kind", ["popup", "flyout", "banner"])
    def test_nothing_moves_and_the_policy_is_kept(self, page, shop, collector, kind):
        collector.forms["forms"] = [form(kind=kind)]
        shop.headers["Content-Security-Policy"] = (
            f"default-src 'none'; script-src 'nonce-n1'; connect-src {collector.origin}; img-src data:; require-trusted-types-for 'script'"
        )
        shop.pages["/"] = shopfront.page_html(
            collector, consent="granted", widget=True, body=LONG.replace(' style="height: 4000px"', ""), nonce="n1"
        )
        page.on("console", lambda message: page.problems.append(message.text))
        page.add_init_script(
            "window.moved = []; new PerformanceObserver(list => moved.push(...list.getEntries().map(one => one.value)))"
            ".observe({type: 'layout-shift', buffered: true})"
        )
        visit(page, shop)
        page.clock.run_for(21_000)
        box = page.get_by_role("dialog", name="Ten percent")
        box.wait_for()
        assert box.evaluate("e => getComputedStyle(e).backgroundColor") == "rgb(255, 255, 255)"
        assert sum(page.evaluate("moved")) == 0

    @pytest.mark.parametrize("width", [320, 390, 1100])
    def test_a_window_leaves_a_margin_at_every_width_and_nothing_scrolls_sideways(self, page, shop, width):
        page.set_viewport_size({"width": width, "height": 640})
        visit(page, shop)
        page.clock.run_for(21_000)
        box = page.get_by_role("dialog", name="Ten percent").bounding_box()
        assert box["x"] >= 15 and box["x"] + box["width"] <= width - 15
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")

    def test_on_a_light_accent_of_the_shop_stands_the_ink_that_the_shop_says(self, page, shop, collector):
        body = '<div data-regulars-watch="stock" data-product="lamp"></div>'
        head = "<style>:root { --regulars-accent: #9fcbb0; --regulars-on-accent: #14201a; }</style>"
        shop.pages["/"] = shopfront.page_html(collector, consent="granted", widget=True, body=body, head=head)
        collector.forms["forms"] = []
        visit(page, shop)
        button = page.get_by_role("button", name="Tell me when it is back")
        assert button.evaluate("e => getComputedStyle(e).color") == "rgb(20, 32, 26)"

    @pytest.mark.skipif(not shopfront.AXE.exists(), reason="axe-core is installed by make setup")
    @pytest.mark.parametrize("kind", ["popup", "flyout", "banner"])
    def test_axe_has_nothing_to_say(self, page, shop, collector, kind):
        collector.forms["forms"] = [form(kind=kind)]
        page.emulate_media(reduced_motion="reduce")  # half faded in, a colour is another
        visit(page, shop)
        page.clock.run_for(21_000)
        page.get_by_role("dialog", name="Ten percent").wait_for()
        page.clock.resume()
        page.evaluate(shopfront.AXE.read_text())
        found = page.evaluate("() => axe.run().then(result => result.violations)")
        assert [violation["id"] for violation in found] == [], json.dumps(found, indent=1)

    def test_the_script_stays_under_eight_kilobytes_as_it_travels(self):
        assert len(gzip.compress((shopfront.SCRIPTS / "forms.js").read_bytes(), 9)) < 8000
