"""The tracker in a real Chromium, on a shop of another origin: consent first, nothing lost, nothing thrown."""

import json

import pytest

from tests.browser import shopfront
from tests.failures.copies import until

pytestmark = pytest.mark.browser

LIVE = "() => window.regulars && window.regulars.live"
GRANT = "regulars('consent', {analytics: true, marketing: true})"
COUNTS = """(() => {
  window.asked = window.unread = window.viewed = 0;
  const ask = window.fetch;
  window.fetch = (...call) => { asked++; unread++; return ask(...call).finally(() => unread--); };
  addEventListener('regulars', ({ detail: { state, events } }) => {
    viewed += state === 'recorded' && events.some(event => event.type === 'page_viewed');
  });
})()"""
"""What a page counts: how often it asked, how many answers it has not read, and the views of pages it recorded."""


@pytest.fixture(scope="module")
def chromium():
    with shopfront.chromium() as browser:
        yield browser


@pytest.fixture
def collector():
    server = shopfront.Collector()
    yield server
    server.stop()


@pytest.fixture
def shop(collector):
    server = shopfront.Shop()
    server.pages["/"] = shopfront.page_html(collector)
    server.pages["/agreed"] = shopfront.page_html(collector, consent="granted")
    yield server
    server.stop()


@pytest.fixture
def context(chromium):
    context = chromium.new_context()
    context.add_init_script(COUNTS)
    yield context
    context.close()


@pytest.fixture
def page(context):
    page = context.new_page()
    page.problems = []
    page.on("pageerror", lambda error: page.problems.append(str(error)))
    return page


def visit(page, shop, path="/"):
    page.goto(shop.origin + path)
    page.wait_for_function(LIVE)


def until_read(page):
    """This function will wait until a page has asked and has read every answer; it plans its next sending then."""
    until(lambda: page.evaluate("asked && !unread"))


def stop_the_clock(page):
    """This function will let the page's clock stand: its two seconds do not pass, however long the machine takes."""
    page.clock.install()
    page.clock.pause_at("2035-01-01")


def visit_at_once(page, shop, path="/"):
    """This function will open a page whose clock stands; a script that is fetched beside the page is there when it has loaded."""
    page.goto(shop.origin + path)
    page.wait_for_load_state()
    assert page.evaluate(LIVE)


def kinds(collector):
    return [event["type"] for event in collector.events()]


def keepsakes(page):
    return page.evaluate("() => [Object.keys(localStorage).sort(), document.cookie]")


class TestConsent:
    def test_nothing_is_sent_or_stored_before_the_visitor_agrees_and_all_is_sent_after(self, page, shop, collector):
        visit(page, shop)
        page.evaluate("regulars('product', {id: 'tea-1'})")
        page.wait_for_timeout(2500)  # longer than a batch waits
        assert collector.batches == []
        assert keepsakes(page) == [[], ""]
        page.evaluate(GRANT)
        collector.await_that(lambda: len(collector.events()) == 2)
        assert kinds(collector) == ["page_viewed", "product_viewed"]
        batch = collector.batches[0]
        assert batch["site_key"] == shopfront.SITE_KEY
        assert batch["consent"] == {"analytics": True, "marketing": True}
        assert batch["type"].startswith("text/plain")
        assert 16 <= len(batch["visitor"]) <= 64
        assert page.evaluate("JSON.parse(localStorage.rgl_visitor)") == batch["visitor"]
        assert f"rgl_visitor={batch['visitor']}" in page.evaluate("document.cookie")

    def test_a_refusal_drops_what_was_held_and_is_remembered(self, page, shop, collector):
        visit(page, shop)
        page.evaluate("regulars('consent', {analytics: false, marketing: false}); regulars('product', {id: 'tea-1'})")
        visit(page, shop)
        page.evaluate("regulars('product', {id: 'tea-2'})")
        page.wait_for_timeout(2500)
        assert collector.batches == []
        assert keepsakes(page) == [["rgl_consent"], ""]

    def test_withdrawing_forgets_the_visitor_and_agreeing_again_starts_a_new_one(self, page, shop, collector):
        visit(page, shop, "/agreed")
        collector.await_that(lambda: len(collector.events()) == 1)
        page.evaluate("regulars('consent', {analytics: false})")
        assert keepsakes(page) == [["rgl_consent"], ""]
        page.evaluate("regulars('product', {id: 'secret'})")
        page.evaluate(GRANT)
        page.evaluate("regulars('product', {id: 'open'})")
        collector.await_that(lambda: len(collector.events()) == 3)
        assert kinds(collector) == ["page_viewed", "page_viewed", "product_viewed"]  # they look at this page again
        assert collector.events()[2]["product"] == "open"
        assert collector.batches[0]["visitor"] != collector.batches[1]["visitor"]

    def test_a_yes_after_a_no_counts_the_page_on_which_it_is_given(self, page, shop, collector):
        visit(page, shop)
        page.evaluate("regulars('consent', {analytics: false})")
        page.evaluate(GRANT)
        page.evaluate(GRANT)  # a second yes adds nothing
        page.evaluate("regulars('product', {id: 'tea-1'})")
        collector.await_that(lambda: len(collector.events()) == 2)
        assert kinds(collector) == ["page_viewed", "product_viewed"]

    def test_a_remembered_yes_needs_no_second_call_and_keeps_the_visitor(self, page, shop, collector):
        visit(page, shop)
        page.evaluate(GRANT)
        collector.await_that(lambda: len(collector.events()) == 1)
        visit(page, shop)
        collector.await_that(lambda: len(collector.events()) == 2)
        assert len({batch["visitor"] for batch in collector.batches}) == 1

    def test_the_cookie_stands_in_where_storage_was_cleared(self, page, shop, collector):
        visit(page, shop, "/agreed")
        collector.await_that(lambda: len(collector.events()) == 1)
        page.evaluate("localStorage.clear()")
        visit(page, shop, "/agreed")
        collector.await_that(lambda: len(collector.events()) == 2)
        assert len({batch["visitor"] for batch in collector.batches}) == 1

    def test_held_events_are_the_newest_hundred_of_the_last_thirty_minutes(self, page, shop, collector):
        page.clock.install()
        visit(page, shop)
        page.clock.fast_forward("31:00")
        page.evaluate("for (let i = 0; i < 120; i++) regulars('product', {id: i})")
        page.evaluate(GRANT)
        for _ in range(5):  # five times twenty
            until_read(page)
            page.clock.fast_forward("00:03")
        collector.await_that(lambda: len(collector.events()) == 100)
        assert [event["product"] for event in collector.events()] == [str(i) for i in range(20, 120)]
        assert max(len(batch["events"]) for batch in collector.batches) == 20

    def test_an_answer_in_one_tab_holds_in_the_other(self, context, page, shop, collector):
        visit(page, shop)
        other = context.new_page()
        visit(other, shop)
        other.evaluate(GRANT)
        # one that is stored when the other tab hears of it may be sent by both; by its id it counts once
        collector.await_that(lambda: len(collector.events()) == 2)
        assert len({batch["visitor"] for batch in collector.batches}) == 1

    @pytest.mark.parametrize(
        "signal", ["'globalPrivacyControl', {get: () => true}", "'doNotTrack', {get: () => '1'}"], ids=["gpc", "dnt"]
    )
    def test_a_browser_that_says_no_to_marketing_is_heard(self, context, page, shop, collector, signal):
        context.add_init_script(f"Object.defineProperty(Navigator.prototype, {signal})")
        visit(page, shop, "/agreed")
        collector.await_that(lambda: collector.batches)
        assert collector.batches[0]["consent"] == {"analytics": True, "marketing": False}


class TestEvents:
    def test_each_call_arrives_in_the_shape_of_the_contract(self, page, shop, collector):
        visit(page, shop, "/agreed?utm_source=x")
        page.evaluate("""() => {
            regulars('product', {id: 42, properties: {colour: 'green', weight: 100}});
            regulars('search', {query: '绿茶'});
            const items = [{product: 42, quantity: 2, price: 0.1 + 0.2}];
            regulars('cart', {id: 'c1', url: '/cart', currency: 'EUR', items});
            regulars('checkout', {id: 'c1', currency: 'EUR', items: []});
            regulars('identify', {email: 'ann@example.com', signature: 'ab'});
            regulars('offer_seen', {offer: 'o1'});
            regulars('category', {id: 'Tea'});
            regulars('gift_wrapped', {paper: 'red'});
        }""")
        collector.await_that(lambda: len(collector.events()) == 9)
        view, product, search, cart, checkout, identified, seen, category, own = collector.events()
        assert (view["type"], view["url"], view["title"], view["referrer"]) == (
            "page_viewed",
            f"{shop.origin}/agreed?utm_source=x",
            "Tea shop",
            "",
        )
        assert (product["product"], product["properties"]) == ("42", {"colour": "green", "weight": 100})
        assert search["query"] == "绿茶"
        assert cart["cart"]["items"] == [{"product": "42", "quantity": 2, "price": "0.3"}]
        assert checkout["type"] == "checkout_started"
        assert identified["identity"] == {"email": "ann@example.com", "signature": "ab"}
        assert (seen["type"], seen["offer"]) == ("offer_seen", "o1")
        assert (category["type"], category["category"]) == ("category_viewed", "Tea")
        assert (own["type"], own["properties"]) == ("gift_wrapped", {"paper": "red"})
        assert len({event["id"] for event in collector.events()}) == 9
        assert all(event["at"].endswith("Z") and len(event["id"]) <= 64 for event in collector.events())
        assert not any("v" in event for event in collector.events())

    def test_calls_made_before_the_script_was_there_are_not_lost(self, page, shop, collector):
        early = "regulars('consent', {analytics: true, marketing: false}); regulars('product', {id: 'early'});"
        shop.pages["/early"] = shopfront.page_html(collector, calls=early)
        visit(page, shop, "/early")
        collector.await_that(lambda: len(collector.events()) == 2)
        assert kinds(collector) == ["page_viewed", "product_viewed"]
        assert collector.batches[0]["consent"]["marketing"] is False

    def test_pages_of_a_one_page_shop_are_seen_but_not_its_anchors(self, page, shop, collector):
        visit(page, shop, "/agreed")
        page.evaluate("history.pushState({n: 1}, '', '/tea/2')")
        until(lambda: page.evaluate("viewed") == 2)
        page.evaluate("location.hash = 'reviews'")
        page.wait_for_timeout(50)
        assert page.evaluate("history.state") is None and page.evaluate("location.pathname") == "/tea/2"
        page.go_back()
        page.go_back()
        collector.await_that(lambda: len(collector.events()) == 3)
        page.wait_for_timeout(2300)
        steps = [(event["url"], event["referrer"]) for event in collector.events()]
        assert [(url.removeprefix(shop.origin), before.removeprefix(shop.origin)) for url, before in steps] == [
            ("/agreed", ""),
            ("/tea/2", "/agreed"),
            ("/agreed", "/tea/2"),
        ]

    def test_a_second_copy_of_the_script_changes_nothing(self, page, shop, collector):
        visit(page, shop, "/agreed")
        page.add_script_tag(url=f"{collector.origin}/static/shop/tracker.js")
        collector.await_that(lambda: collector.batches)
        page.wait_for_timeout(2300)
        assert kinds(collector) == ["page_viewed"]


class TestSending:
    def test_twenty_events_leave_at_once_and_fewer_within_two_seconds(self, page, shop, collector):
        stop_the_clock(page)
        visit_at_once(page, shop, "/agreed")
        page.evaluate("for (let i = 0; i < 18; i++) regulars('product', {id: i})")
        page.wait_for_timeout(200)
        assert collector.batches == []
        page.evaluate("regulars('product', {id: 'last'})")
        collector.await_that(lambda: collector.batches)
        assert len(collector.batches[0]["events"]) == 20
        until_read(page)
        page.evaluate("regulars('product', {id: 'more'})")
        page.clock.run_for(2100)
        collector.await_that(lambda: len(collector.events()) == 21)

    def test_what_was_done_just_before_leaving_arrives_once(self, page, shop, collector):
        stop_the_clock(page)
        visit_at_once(page, shop, "/agreed")
        page.evaluate("regulars('product', {id: 'tea-1'}); regulars('offer_clicked', {offer: 'o1'})")
        page.goto("about:blank")
        collector.await_that(lambda: len(collector.events()) == 3)
        assert kinds(collector) == ["page_viewed", "product_viewed", "offer_clicked"]
        assert collector.batches[0]["type"].startswith("text/plain")
        visit_at_once(page, shop, "/agreed")
        page.clock.run_for(2100)
        collector.await_that(lambda: len(collector.events()) == 4)
        assert kinds(collector)[3] == "page_viewed"
        assert sum(len(batch["events"]) for batch in collector.batches) == 4

    def test_a_browser_without_beacons_sends_on_leaving_all_the_same(self, context, page, shop, collector):
        context.add_init_script("delete Navigator.prototype.sendBeacon")
        stop_the_clock(page)
        visit_at_once(page, shop, "/agreed")
        page.evaluate("regulars('product', {id: 'tea-1'})")
        page.goto("about:blank")
        collector.await_that(lambda: len(collector.events()) == 2)

    def test_events_wait_while_the_collector_is_down_and_go_when_it_is_back(self, page, shop, collector):
        visit(page, shop, "/agreed")
        collector.stop()
        with page.expect_event("requestfailed"):
            page.evaluate("regulars('product', {id: 'tea-1'})")
        page.evaluate("regulars('product', {id: 'tea-2'})")
        collector.start()
        collector.await_that(lambda: len(collector.events()) == 3)
        assert [e.get("product") for e in collector.events()] == [None, "tea-1", "tea-2"]
        page.wait_for_function("() => !localStorage.rgl_queue")
        assert page.problems == []

    def test_attempts_grow_rarer_while_the_collector_refuses(self, page, shop, collector):
        collector.status = 503
        stop_the_clock(page)
        visit_at_once(page, shop, "/agreed")
        for _ in range(40):
            page.clock.run_for(3000)
            until_read(page)
        assert 3 <= len(collector.batches) <= 7  # in two minutes; without back-off it would be forty
        ids = {event["id"] for batch in collector.batches for event in batch["events"]}
        assert len(ids) == 1

    def test_what_a_closed_tab_could_not_send_goes_from_the_next_page(self, context, page, shop, collector):
        collector.status = 429
        visit(page, shop, "/agreed")
        page.evaluate("regulars('product', {id: 'tea-1'})")
        until_read(page)
        visitor = collector.batches[0]["visitor"]
        page.close()
        collector.status = 202
        visit(context.new_page(), shop, "/agreed")
        collector.await_that(lambda: len(collector.events()) == 3)
        assert collector.events("product_viewed")[0]["product"] == "tea-1"
        assert {batch["visitor"] for batch in collector.batches} == {visitor}

    def test_a_batch_that_can_never_be_taken_is_not_tried_again(self, page, shop, collector):
        collector.status = 422
        visit(page, shop, "/agreed")
        collector.await_that(lambda: len(collector.batches) == 1)
        page.wait_for_function("() => !localStorage.rgl_queue")
        collector.status = 202
        page.evaluate("regulars('product', {id: 'next'})")
        collector.await_that(lambda: len(collector.events()) == 1)
        assert kinds(collector) == ["product_viewed"]

    def test_the_store_stays_small_and_a_giant_event_is_left_out(self, page, shop, collector):
        collector.status = 503
        visit(page, shop, "/agreed")
        page.evaluate("regulars('search', {query: 'x'.repeat(9000)})")
        page.evaluate("for (let i = 0; i < 300; i++) regulars('product', {id: i})")
        stored = page.evaluate("JSON.parse(localStorage.rgl_queue)")
        assert [event["product"] for event in stored] == [str(i) for i in range(200, 300)]

    def test_two_tabs_share_the_store_without_losing_each_others_events(self, context, page, shop, collector):
        collector.status = 503
        visit(page, shop, "/agreed")
        other = context.new_page()
        visit(other, shop, "/agreed")
        page.evaluate("regulars('product', {id: 'one'})")
        other.evaluate("regulars('product', {id: 'two'})")
        # what another tab wrote reaches this one's process a moment later
        both = "JSON.parse(localStorage.rgl_queue).map(e => e.product).filter(Boolean).sort().join() === 'one,two'"
        page.wait_for_function(both)

    def test_what_another_tab_wrote_over_is_put_back(self, context, page, shop, collector):
        """Two tabs that write at the same moment know nothing of each other's: the later would win."""
        collector.status = 503
        visit(page, shop, "/agreed")
        other = context.new_page()
        visit(other, shop, "/agreed")
        page.evaluate("regulars('product', {id: 'one'})")
        other.evaluate("""() => {
            regulars('product', {id: 'two'});
            const mine = JSON.parse(localStorage.rgl_queue).filter(e => e.product === 'two');
            localStorage.rgl_queue = JSON.stringify(mine);
        }""")
        both = "JSON.parse(localStorage.rgl_queue).map(e => e.product).filter(Boolean).sort().join() === 'one,two'"
        page.wait_for_function(both)


class TestIdentity:
    def test_the_token_of_a_mail_is_sent_and_leaves_the_address_as_it_was(self, page, shop, collector):
        visit(page, shop, "/agreed?a=b%20c&rgl=tok.en-1_x&utm=m#top")
        assert page.evaluate("location.href") == f"{shop.origin}/agreed?a=b%20c&utm=m#top"
        collector.await_that(lambda: len(collector.events()) == 2)
        identified, view = collector.events()
        assert (identified["type"], identified["identity"]) == ("identified", {"token": "tok.en-1_x"})
        assert "rgl" not in json.dumps(view)

    @pytest.mark.parametrize(
        ("before", "after"),
        [("?rgl=t", ""), ("?rgl=t&a=1", "?a=1"), ("?a=1&rgl=t", "?a=1"), ("?xrgl=t", "?xrgl=t"), ("?rgl=t#x", "#x")],
    )
    def test_only_the_token_is_taken_out(self, page, shop, before, after):
        visit(page, shop, "/" + before)
        assert page.evaluate("location.href") == f"{shop.origin}/{after}"

    def test_the_token_waits_for_consent_but_not_in_the_address(self, page, shop, collector):
        visit(page, shop, "/?rgl=tok")
        assert page.evaluate("location.href") == f"{shop.origin}/"
        page.evaluate(GRANT)
        collector.await_that(lambda: len(collector.events()) == 2)
        assert collector.events("identified")[0]["identity"] == {"token": "tok"}

    def test_signing_out_makes_the_next_person_somebody_else(self, page, shop, collector):
        stop_the_clock(page)
        visit_at_once(page, shop, "/agreed")
        page.evaluate("regulars('product', {id: 'mine'}); regulars('reset'); regulars('product', {id: 'yours'})")
        page.clock.run_for(2100)
        collector.await_that(lambda: len(collector.events()) == 3)
        first, second = collector.batches
        assert [e.get("product") for e in first["events"]] == [None, "mine"]
        assert [e.get("product") for e in second["events"]] == ["yours"]
        assert first["visitor"] != second["visitor"]
        until_read(page)  # leaving before the answer is there it would be sent again
        visit_at_once(page, shop, "/agreed")
        page.clock.run_for(2100)
        collector.await_that(lambda: len(collector.events()) == 4)
        assert collector.batches[2]["visitor"] == second["visitor"]

    def test_what_could_not_be_sent_before_signing_out_keeps_its_visitor(self, page, shop, collector):
        collector.status = 503
        visit(page, shop, "/agreed")
        until_read(page)
        page.evaluate("regulars('reset'); regulars('product', {id: 'yours'})")
        collector.status = 202
        collector.await_that(lambda: len(collector.events()) == 2)
        view, product = (next(b for b in collector.batches if e in b["events"]) for e in collector.events())
        assert view["visitor"] != product["visitor"]

    def test_the_shop_can_ask_who_the_visitor_is(self, page, shop, collector):
        visit(page, shop, "/agreed")
        asked = page.evaluate("new Promise(resolve => regulars('visitor', (id, key) => resolve([id, key])))")
        assert asked == [page.evaluate("JSON.parse(localStorage.rgl_visitor)"), shopfront.SITE_KEY]


class TestGoodManners:
    def test_no_call_however_wrong_throws_into_the_shop(self, page, shop, collector):
        visit(page, shop, "/agreed")
        page.evaluate("""() => {
            const loop = {}; loop.self = loop;
            regulars(); regulars(null); regulars('product'); regulars('cart', loop); regulars('search', {query: 10n});
            regulars('consent'); regulars('identify', Symbol('x')); regulars('visitor', () => { throw Error('shop'); });
            regulars('toString'); regulars('__proto__', {});
            localStorage.rgl_queue = '{broken'; regulars('page');
            localStorage.rgl_queue = '[1, null]'; regulars('page');
            regulars('product', {id: 'fine'});
        }""")
        collector.await_that(lambda: any(e.get("product") == "fine" for e in collector.events()))
        assert page.problems == []

    def test_a_browser_that_refuses_storage_is_served_all_the_same(self, context, page, shop, collector):
        context.add_init_script(
            "Object.defineProperty(window, 'localStorage', {get() { throw new DOMException('no', 'SecurityError'); }})"
        )
        visit(page, shop)
        page.evaluate(GRANT)
        page.evaluate("regulars('product', {id: 'tea-1'})")
        collector.await_that(lambda: len(collector.events()) == 2)
        assert len({batch["visitor"] for batch in collector.batches}) == 1
        assert page.problems == []

    def test_a_strict_content_security_policy_has_nothing_to_say(self, page, shop, collector):
        shop.headers["Content-Security-Policy"] = (
            f"default-src 'none'; script-src 'nonce-n1'; connect-src {collector.origin}; img-src data:; "
            "require-trusted-types-for 'script'"
        )
        shop.pages["/strict"] = shopfront.page_html(collector, consent="granted", nonce="n1")
        page.on("console", lambda message: page.problems.append(message.text))
        visit(page, shop, "/strict")
        collector.await_that(lambda: len(collector.events()) == 1)
        assert page.problems == []

    def test_the_script_stays_small_as_written(self):
        assert len((shopfront.SCRIPTS / "tracker.js").read_bytes()) < 6400
