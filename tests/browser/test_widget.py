"""The widget in a real Chromium, on a shop of another origin: offers appear, nothing jumps, no foreign script runs."""

import gzip
import json

import pytest

from tests.browser import shopfront

pytestmark = pytest.mark.browser

HOME = '<div data-regulars-offers="home" data-limit="4"></div>'
STATE = "state => document.querySelector('[data-regulars-offers]').dataset.regularsState === state"
BLOCK = "() => document.querySelector('[data-regulars-offers]').getBoundingClientRect().toJSON()"
PIXEL = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEAAAIBRAA7"


def offer(number, **changes):
    return {
        "offer": f"o{number}",
        "product": f"tea-{number}",
        "name": f"Green tea {number}",
        "url": f"/tea/{number}",
        "image_url": "",
        "price": "12.50",
        "currency": "EUR",
        "reason": {"code": "bought_together", "text": "Because you looked at Oolong; 37 others bought both"},
        **changes,
    }


@pytest.fixture(scope="module")
def chromium():
    with shopfront.chromium() as browser:
        yield browser


@pytest.fixture
def collector():
    server = shopfront.Collector()
    server.offers = [offer(number) for number in range(1, 5)]
    yield server
    server.gate.set()
    server.stop()


@pytest.fixture
def shop(collector):
    server = shopfront.Shop()
    server.pages["/"] = shopfront.page_html(collector, consent="granted", widget=True, body=HOME)
    yield server
    server.stop()


@pytest.fixture
def page(chromium):
    context = chromium.new_context(viewport={"width": 1100, "height": 800})
    page = context.new_page()
    page.problems = []
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    yield page
    context.close()


def visit(page, shop, path="/", state="ready"):
    page.goto(shop.origin + path)
    page.wait_for_function(STATE, arg=state)


class TestShowing:
    def test_cards_show_picture_name_price_reason_and_open_the_product(self, page, shop, collector):
        collector.offers[0]["image_url"] = PIXEL.replace("data:", "https://data.invalid/")
        visit(page, shop)
        cards = page.get_by_role("group", name="Recommended for you").get_by_role("listitem")
        assert cards.count() == 4
        link = cards.nth(1).get_by_role("link")
        assert link.inner_text().split("\n") == ["G", "Green tea 2", "€12.50", offer(2)["reason"]["text"]]
        assert link.get_attribute("href") == f"{shop.origin}/tea/2"
        question = collector.questions[0]
        assert question["site_key"] == shopfront.SITE_KEY
        assert (question["slot"], question["limit"]) == ("home", "4")
        assert question["visitor"] == page.evaluate("JSON.parse(localStorage.rgl_visitor)")

    def test_the_attributes_of_the_place_become_the_question(self, page, shop, collector):
        details = 'data-product="tea-9" data-cart="c1" data-limit="2" data-title="With it"'
        body = f'<div data-regulars-offers="cart" {details}></div>'
        shop.pages["/cart"] = shopfront.page_html(collector, consent="granted", widget=True, body=body)
        visit(page, shop, "/cart")
        question = collector.questions[0]
        assert {name: question[name] for name in ("slot", "product", "cart", "limit")} == {
            "slot": "cart",
            "product": "tea-9",
            "cart": "c1",
            "limit": "2",
        }
        assert page.get_by_role("heading", name="With it").is_visible()

    @pytest.mark.parametrize(
        ("lang", "price", "currency", "shown"),
        [
            ("de", "1234.50", "EUR", "1.234,50\xa0€"),
            ("en", "1200.00", "JPY", "¥1,200"),
            ("zh-CN", "12.50", "CNY", "¥12.50"),
            ("en", "0.004", "USD", "$0.004"),
            ("en", "3", "no money", "3 no money"),
        ],
    )
    def test_prices_are_written_as_the_page_s_language_does(self, page, shop, collector, lang, price, currency, shown):
        collector.offers = [offer(1, price=price, currency=currency)]
        shop.pages["/"] = shop.pages["/"].replace('lang="en"', f'lang="{lang}"')
        visit(page, shop)
        assert page.locator(".price").inner_text() == shown

    def test_a_chinese_page_gets_a_chinese_label(self, page, shop):
        shop.pages["/"] = shop.pages["/"].replace('lang="en"', 'lang="zh-CN"')
        visit(page, shop)
        assert page.get_by_role("group", name="为您推荐").count() == 1

    def test_the_reasons_are_asked_for_in_the_page_s_language_whatever_the_browser_s(self, page, shop, collector):
        shop.pages["/"] = shop.pages["/"].replace('lang="en"', 'lang="de-AT"')
        visit(page, shop)
        assert collector.questions[0]["lang"] == "de-AT"

    def test_waiting_takes_the_place_of_the_cards_so_that_nothing_jumps(self, page, shop, collector):
        collector.gate.clear()
        visit(page, shop, state="loading")
        assert page.get_by_role("link").count() == 0
        waiting = page.evaluate(BLOCK)
        assert waiting["height"] > 200
        collector.gate.set()
        page.wait_for_function(STATE, arg="ready")
        assert page.evaluate(BLOCK) == waiting

    def test_long_names_and_no_reason_keep_the_same_height(self, page, shop, collector):
        collector.gate.clear()
        visit(page, shop, state="loading")
        waiting = page.evaluate(BLOCK)
        collector.offers = [offer(1, name="A very long name " * 20), offer(2, reason=None), offer(3, name="茶")]
        collector.gate.set()
        page.wait_for_function(STATE, arg="ready")
        assert page.evaluate(BLOCK) == waiting

    def test_stars_stand_beside_the_price_and_are_read_as_a_sentence_in_the_page_s_language(
        self, page, shop, collector
    ):
        collector.gate.clear()
        visit(page, shop, state="loading")
        waiting = page.evaluate(BLOCK)
        collector.offers = [
            offer(1, stars=4.6, reviews=12), offer(2, stars=5, reviews=1204, price="1234567.89"), offer(3, stars=None, reviews=0), offer(4),
        ]  # fmt: skip
        collector.gate.set()
        page.wait_for_function(STATE, arg="ready")
        assert page.evaluate(BLOCK) == waiting
        drawn = page.get_by_role("img", name="reviews")
        assert [one.get_attribute("aria-label") for one in drawn.all()] == [
            "4.6 of 5, 12 reviews",
            "5.0 of 5, 1,204 reviews",
        ]
        assert drawn.first.inner_text() == "★ 4.6 (12)"
        shop.pages["/"] = shop.pages["/"].replace('lang="en"', 'lang="de"')
        visit(page, shop)
        page.get_by_role("img", name="4,6 von 5, 12 Bewertungen").wait_for()

    @pytest.mark.parametrize("value", ["4.6", "<b>5</b>", {}, -1, "NaN"])
    def test_nonsense_for_stars_is_no_stars_and_breaks_nothing(self, page, shop, collector, value):
        collector.offers = [offer(1, stars=value, reviews=value)]
        visit(page, shop)
        assert page.get_by_role("link", name="Green tea 1").count() == 1 and page.problems == []
        assert page.get_by_role("img", name="reviews").count() == (value == "4.6")

    @pytest.mark.parametrize("case", ["empty", "error", "nonsense", "down"])
    def test_nothing_is_shown_where_there_is_nothing(self, page, shop, collector, case):
        if case == "empty":
            collector.offers = []
        elif case == "error":
            collector.offers_status = 500
            collector.offers = None
        elif case == "nonsense":
            collector.offers = "no list"
        else:
            page.route("**/offers?*", lambda route: route.abort())
        shop.pages["/"] = shop.pages["/"].replace("<h1>", '<p style="height: 900px"></p><h1>')
        visit(page, shop, state="empty")
        assert page.evaluate(BLOCK)["height"] == 0
        assert page.problems == []

    def test_a_place_under_the_reader_s_eyes_folds_up_when_it_is_out_of_view(self, page, shop, collector):
        collector.offers = []
        shop.pages["/"] = shop.pages["/"].replace("</main>", '<p style="height: 3000px">More</p></main>')
        visit(page, shop, state="held")
        assert page.evaluate(BLOCK)["height"] > 200
        page.evaluate("scrollTo(0, 1e6)")
        page.wait_for_function(STATE, arg="empty")
        assert page.evaluate(BLOCK)["height"] == 0

    def test_what_the_shop_put_there_stays_where_there_is_nothing_to_offer(self, page, shop, collector):
        collector.offers_status, collector.offers = 500, None
        shop.pages["/"] = shop.pages["/"].replace("></div>", "><p>Our own choice</p></div>")
        visit(page, shop, state="empty")
        assert page.get_by_text("Our own choice").is_visible()

    def test_what_the_shop_put_there_gives_way_to_offers(self, page, shop, collector):
        shop.pages["/"] = shop.pages["/"].replace("></div>", "><p>Our own choice</p></div>")
        visit(page, shop)
        assert not page.get_by_text("Our own choice").is_visible()
        assert page.locator("a.card").count() == 4

    @pytest.mark.parametrize("answered", ["offers", "nothing", "error"])
    def test_nothing_moves_when_the_style_sheet_keeps_the_space(self, page, shop, collector, answered):
        collector.gate.clear()
        below = '<p id="below">Below</p><p style="height: 2000px">More</p>'
        style = "[data-regulars-offers]:not([data-regulars-state=empty]) { min-height: 420px }"
        shop.pages["/"] = shopfront.page_html(
            collector,
            consent="granted",
            widget=True,
            body=HOME + below + HOME.replace("home", "discover"),
            head=f"<style>{style}</style>",
        )
        page.add_init_script(
            "window.moved = []; new PerformanceObserver(list => moved.push(...list.getEntries().map(one => one.value)))"
            ".observe({type: 'layout-shift', buffered: true})"
        )
        page.goto(shop.origin + "/")
        page.wait_for_function(STATE, arg="loading")
        page.wait_for_function(
            "() => new Promise(go => requestAnimationFrame(() => requestAnimationFrame(() => go(true))))"
        )
        if answered != "offers":
            collector.offers, collector.offers_status = [], 500 if answered == "error" else 200
        collector.gate.set()
        page.wait_for_function(STATE, arg="ready" if answered == "offers" else "held")
        page.wait_for_function(
            "() => new Promise(go => requestAnimationFrame(() => requestAnimationFrame(() => go(true))))"
        )
        assert sum(page.evaluate("moved")) == 0

    def test_a_place_far_below_asks_only_when_the_reader_comes_near(self, page, shop, collector):
        body = f'<p style="height: 5000px">Much to read</p>{HOME}'
        shop.pages["/"] = shopfront.page_html(collector, consent="granted", widget=True, body=body)
        visit(page, shop, state="loading")
        collector.await_that(lambda: collector.events("page_viewed"))
        assert collector.questions == []
        page.evaluate("scrollTo(0, 4500)")
        page.wait_for_function(STATE, arg="ready")
        assert len(collector.questions) == 1

    def test_the_thank_you_page_asks_for_what_goes_with_the_order(self, page, shop, collector):
        body = '<div data-regulars-offers="thank-you" data-bought="tea-1,tea-2"></div>'
        shop.pages["/"] = shopfront.page_html(collector, consent="granted", widget=True, body=body)
        visit(page, shop)
        assert collector.questions[0]["slot"] == "thank-you"
        assert collector.questions[0]["bought"] == "tea-1,tea-2"

    def test_a_place_of_the_shops_own_is_asked_by_its_key_with_what_the_page_is_about(self, page, shop, collector):
        body = '<div data-regulars-slot="under-the-article" data-title="With it"></div>'
        calls = "regulars('product', {id: 'tea-9'})"
        shop.pages["/"] = shopfront.page_html(collector, consent="granted", widget=True, body=body, calls=calls)
        collector.beside = {"bundle": {"text": "Buy these together: Tea and Pot", "sum": "37.50", "currency": "EUR"}}
        page.goto(shop.origin + "/")
        collector.await_that(lambda: any(one.get("product") == "tea-9" for one in collector.questions))
        question = next(one for one in collector.questions if one.get("product") == "tea-9")
        assert question["slot"] == "under-the-article"
        assert "limit" not in question
        page.locator(".bundle", has_text="Buy these together: Tea and Pot – €37.50").wait_for()
        assert page.get_by_role("heading", name="With it").is_visible()
        page.evaluate("document.querySelector('[data-regulars-slot]').dataset.regularsSlot = 'another'")
        collector.await_that(lambda: any(one["slot"] == "another" for one in collector.questions))

    @pytest.mark.parametrize("way", ["attribute", "call"])
    def test_the_search_page_asks_for_what_was_searched(self, page, shop, collector, way):
        given = ' data-query="green tea"' if way == "attribute" else ""
        call = "regulars('search', {query: 'green tea'})" if way == "call" else ""
        body = f'<div data-regulars-offers="search"{given}></div>'
        shop.pages["/"] = shopfront.page_html(collector, consent="granted", widget=True, body=body, calls=call)
        page.goto(shop.origin + "/")
        collector.await_that(lambda: any(one.get("query") == "green tea" for one in collector.questions))

    def test_another_page_of_an_app_asks_anew(self, page, shop, collector):
        visit(page, shop)
        collector.offers = [offer(9, name="On the next page")]
        page.evaluate("history.pushState({}, '', '/next')")
        page.locator(".name", has_text="On the next page").wait_for()

    def test_the_label_is_in_the_page_s_language_and_runs_its_way(self, page, shop):
        shop.pages["/"] = shop.pages["/"].replace('lang="en"', 'lang="ar" dir="rtl"')
        visit(page, shop)
        group = page.get_by_role("group", name="موصى به لك")
        assert group.evaluate("e => getComputedStyle(e).direction") == "rtl"
        assert page.locator(".name").first.evaluate("e => getComputedStyle(e).direction") == "ltr"

    def test_forms_are_fetched_only_where_the_shop_has_some(self, page, shop, collector):
        visit(page, shop)
        collector.await_that(lambda: collector.asked_forms == 1)
        page.wait_for_function(
            "() => performance.getEntriesByType('resource').some(one => one.name.includes('/forms?'))"
        )
        assert (
            page.evaluate(
                "performance.getEntriesByType('resource').filter(one => one.name.endsWith('forms.js')).length"
            )
            == 0
        )

    def test_a_picture_that_does_not_load_gives_way_to_a_letter(self, page, shop, collector):
        collector.offers = [offer(1, name="青茶", image_url=f"{shop.origin}/missing.png")]
        visit(page, shop)
        page.locator(".image", has_text="青").wait_for()
        assert page.locator("img").count() == 0

    def test_phone_and_wide_pages_scroll_only_downwards(self, page, shop):
        for width in (320, 390, 1100):
            page.set_viewport_size({"width": width, "height": 800})
            visit(page, shop)
            assert page.evaluate("document.documentElement.scrollWidth") <= width
            columns = page.evaluate(
                "getComputedStyle(document.querySelector('[data-regulars-offers]').shadowRoot.querySelector('ul'))"
                ".gridTemplateColumns.split(' ').length"
            )
            assert columns >= 4 if width == 1100 else columns == 2

    def test_a_place_that_is_added_later_is_filled_too(self, page, shop, collector):
        shop.pages["/"] = shopfront.page_html(collector, consent="granted", widget=True)
        page.goto(shop.origin + "/")
        page.wait_for_function("() => window.regulars.live && window.regularsOffers")
        page.evaluate("html => document.querySelector('main').insertAdjacentHTML('beforeend', html)", HOME)
        page.wait_for_function(STATE, arg="ready")


class TestTheming:
    def test_the_shop_s_styles_do_not_reach_the_cards_but_its_variables_do(self, page, shop):
        style = "a, span { color: red !important; display: none !important } div { --regulars-radius: 3px }"
        shop.pages["/"] = shop.pages["/"].replace("</head>", f"<style>{style}</style></head>")
        visit(page, shop)
        card = page.locator("a.card").first
        assert card.is_visible()
        assert card.evaluate("a => getComputedStyle(a).borderRadius") == "3px"

    def test_the_cards_take_the_shop_s_own_colour_unless_told_otherwise(self, page, shop):
        body = '<body style="background: #111; color: rgb(250, 240, 230)">'
        shop.pages["/"] = shop.pages["/"].replace("<body>", body)
        visit(page, shop)
        assert page.locator(".name").first.evaluate("e => getComputedStyle(e).color") == "rgb(250, 240, 230)"

    @pytest.mark.parametrize("scheme", ["light", "dark"])
    def test_auto_follows_the_visitor_s_device(self, page, shop, scheme):
        page.emulate_media(color_scheme=scheme)
        shop.pages["/"] = shop.pages["/"].replace("data-limit", 'data-theme="auto" data-limit')
        visit(page, shop)
        back = page.evaluate("getComputedStyle(document.querySelector('[data-regulars-offers]')).backgroundColor")
        assert back == {"light": "rgb(255, 255, 255)", "dark": "rgb(22, 24, 29)"}[scheme]


class TestReporting:
    def test_an_offer_is_seen_once_it_is_on_the_screen_and_only_once(self, page, shop, collector):
        shop.pages["/"] = shop.pages["/"].replace(HOME, '<p style="height: 1200px"></p>' + HOME)
        visit(page, shop)
        collector.await_that(lambda: collector.events("page_viewed"))
        page.wait_for_timeout(300)
        page.evaluate("scrollTo(0, 1e6)")
        collector.await_that(lambda: len(collector.events("offer_seen")) == 4)
        page.evaluate("scrollTo(0, 0)")
        page.wait_for_timeout(100)
        page.evaluate("scrollTo(0, 1e6)")
        page.wait_for_timeout(2300)
        assert [event["offer"] for event in collector.events("offer_seen")] == ["o1", "o2", "o3", "o4"]

    def test_a_click_is_told_although_the_page_is_left(self, page, shop, collector):
        shop.pages["/tea/2"] = "<!doctype html><title>Tea 2</title>"
        visit(page, shop)
        page.get_by_role("link").nth(1).click()
        page.wait_for_url("**/tea/2")
        collector.await_that(lambda: collector.events("offer_clicked"))
        assert [event["offer"] for event in collector.events("offer_clicked")] == ["o2"]

    def test_enter_on_the_keyboard_is_a_click(self, page, shop, collector):
        shop.pages["/tea/1"] = "<!doctype html><title>Tea 1</title>"
        visit(page, shop)
        page.keyboard.press("Tab")
        page.keyboard.press("Enter")
        page.wait_for_url("**/tea/1")
        collector.await_that(lambda: collector.events("offer_clicked"))
        assert collector.events("offer_clicked")[0]["offer"] == "o1"

    def test_nothing_is_told_before_consent_and_the_visitor_asked_for_is_nobody_yet(self, page, shop, collector):
        shop.pages["/"] = shopfront.page_html(collector, widget=True, body=HOME)
        visit(page, shop)
        page.wait_for_timeout(2300)
        assert collector.batches == []
        first = collector.questions[0]["visitor"]
        visit(page, shop)
        assert collector.questions[-1]["visitor"] != first


class TestRefreshing:
    def test_a_viewed_product_changes_the_offers_beside_it_at_once(self, page, shop, collector):
        collector.offers = lambda query: [offer(query.get("product", "none"), name=f"Goes with {query.get('product')}")]
        shop.pages["/"] = shopfront.page_html(
            collector, consent="granted", widget=True, body='<div data-regulars-offers="product" data-limit="1"></div>'
        )
        visit(page, shop)
        page.evaluate("regulars('product', {id: 'tea-7'})")
        page.locator(".name", has_text="Goes with tea-7").wait_for()
        page.evaluate("document.querySelector('[data-regulars-offers]').dataset.product = 'tea-8'")
        page.locator(".name", has_text="Goes with tea-8").wait_for()

    def test_elsewhere_they_change_when_the_view_has_arrived(self, page, shop, collector):
        visit(page, shop)
        collector.offers = [offer(9, name="Changed")]
        page.evaluate("regulars('product', {id: 'tea-7'})")
        page.locator(".name", has_text="Changed").wait_for()
        assert collector.events("product_viewed")

    def test_a_page_that_names_its_product_asks_only_once(self, page, shop, collector):
        shop.pages["/"] = shopfront.page_html(
            collector,
            consent="granted",
            widget=True,
            calls="regulars('product', {id: 'tea-7'})",
            body='<div data-regulars-offers="product" data-product="tea-7"></div>',
        )
        visit(page, shop)
        collector.await_that(lambda: collector.events("product_viewed"))
        page.wait_for_timeout(300)
        assert len(collector.questions) == 1

    def test_cards_under_the_hand_stay_where_they_are(self, page, shop, collector):
        visit(page, shop)
        page.get_by_role("link").first.focus()
        collector.offers = [offer(9, name="Changed")]
        page.evaluate("regulars('product', {id: 'tea-7'})")
        collector.await_that(lambda: collector.events("product_viewed"))
        page.wait_for_timeout(300)
        assert page.locator(".name").count() == 4


class TestTrust:
    def test_no_name_reason_price_or_address_runs_a_script(self, page, shop, collector):
        attack = '"><img src=x onerror="window.hacked=1"><script>window.hacked=1</script>'
        collector.offers = [
            offer(1, name=attack, reason={"code": "x", "text": attack}, price=attack, currency=attack),
            offer(2, url="javascript:window.hacked=1"),
            offer(3, url="data:text/html,<script>opener.hacked=1</script>"),
            offer(4, image_url="javascript:window.hacked=1"),
            offer(5, url=" java\nscript:window.hacked=1"),
            offer(6, url=None),
        ]
        visit(page, shop)
        assert [link.get_attribute("href") for link in page.get_by_role("link").all()] == [
            f"{shop.origin}/tea/1",
            f"{shop.origin}/tea/4",
        ]
        assert attack in page.locator(".name").first.inner_text()
        assert page.locator("img").count() == 0
        page.wait_for_timeout(200)
        assert page.evaluate("window.hacked") is None

    def test_a_strict_content_security_policy_has_nothing_to_say(self, page, shop, collector):
        shop.headers["Content-Security-Policy"] = (
            f"default-src 'none'; script-src 'nonce-n1'; connect-src {collector.origin}; img-src data:; "
            "require-trusted-types-for 'script'"
        )
        shop.pages["/"] = shopfront.page_html(collector, consent="granted", widget=True, body=HOME, nonce="n1")
        page.on("console", lambda message: page.problems.append(message.text))
        visit(page, shop)
        collector.await_that(lambda: len(collector.events("offer_seen")) == 4)
        assert page.locator("a.card").first.evaluate("a => getComputedStyle(a).display") == "flex"
        assert page.problems == []

    def test_the_widget_waits_quietly_without_the_tracker(self, page, shop, collector):
        shop.pages["/"] = shopfront.page_html(collector, widget=True, body=HOME).replace("tracker.js", "missing.js")
        page.route("**/missing.js", lambda route: route.abort())
        visit(page, shop, state="loading")
        assert page.problems == []

    def test_the_script_stays_under_eight_kilobytes_as_it_travels(self):
        assert len(gzip.compress((shopfront.SCRIPTS / "widget.js").read_bytes(), 9)) < 8000


@pytest.mark.skipif(not shopfront.AXE.exists(), reason="axe-core is installed by make setup")
class TestAccessibility:
    @pytest.mark.parametrize("theme", ["light", "dark"])
    @pytest.mark.parametrize("width", [390, 1100])
    @pytest.mark.parametrize("state", ["loading", "ready"])
    def test_axe_has_nothing_to_say(self, page, shop, collector, theme, width, state):
        page.set_viewport_size({"width": width, "height": 800})
        places = HOME.replace("data-limit", f'data-theme="{theme}" data-limit') + HOME.replace("home", "discover")
        shop.pages["/"] = shopfront.page_html(collector, consent="granted", widget=True, body=places)
        if state == "loading":
            collector.gate.clear()
        collector.offers[0] |= {"stars": 4.6, "reviews": 12}
        visit(page, shop, state=state)
        page.evaluate(shopfront.AXE.read_text())
        found = page.evaluate("() => axe.run().then(result => result.violations)")
        assert [violation["id"] for violation in found] == [], json.dumps(found, indent=1)
