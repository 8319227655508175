"""Connecting a shop step by step, tried on a store in a box over real HTTP."""

from __future__ import annotations

import json
import re
from urllib.parse import parse_qs, urlsplit

import pytest

from saas.commerce import connecting, shops
from saas.commerce.connectors import woocommerce_address, woocommerce_ways
from saas.kit import work
from sandbox.wordpress.server import KEY, SECRET, Box
from tests.doors.test_hooks import ORDER, deliver
from tests.shopify_box import fetch
from tests.wordpress_box import reachable, woo  # noqa: F401


def begin(company, url):
    """Begin to connect a store and return the guide's address."""
    made = company.post("/shops/new", {"kind": "woocommerce", "url": url})
    assert made.status_code == 303, made.text
    return made.location


def tried(company, guide, **form):
    """Have the steps tried and return what they came to, by their names."""
    assert company.post(f"{guide}/check", form).status_code == 303
    return states(company, guide)


def states(company, guide):
    answer = company.api("GET", guide.replace("/connect", "/checks")).json
    return {one["step"]: one["code"] for one in answer["steps"]}


def give_keys(company, guide, key=KEY, secret=SECRET):
    assert company.post(f"{guide}/keys", {"consumer_key": key, "consumer_secret": secret}).status_code == 303


def connect(company, store):
    guide = begin(company, store.url)
    give_keys(company, guide)
    return guide, tried(company, guide)


def wait_for_signed(store):
    """Wait until what the store tells by a thread of its own has been answered."""
    store.carried.wait(30)


class TestWooCommerce:
    def test_each_step_says_what_is_wrong_until_the_first_order_is_here(self, app, company, drain, woo, reachable):  # noqa: F811
        tea = woo.goods.add_product("Green tea")
        woo.goods.add_order(woo.goods.add_customer("ann@shopper.example"), [(tea, 2)])
        woo.keys["ck_reads"] = ("cs_reads", "read")
        guide = begin(company, f"{woo.url}/wp-admin/edit.php?post_type=shop_order")
        assert tried(company, guide) == {"address": "address_good"}
        page = company.page.get(guide).text
        assert "Fern &amp; Kettle" in page
        assert "10.0.2" in page
        give_keys(company, guide, "ck_nobody", "cs_nobody")
        assert tried(company, guide)["keys"] == "wrong_key"
        give_keys(company, guide, KEY, "cs_other")
        assert tried(company, guide)["keys"] == "wrong_secret"
        give_keys(company, guide, "cs_reads", "ck_reads")  # the wrong way round
        assert tried(company, guide) == {"address": "address_good", "keys": "keys_good", "permissions": "read_only"}
        assert "choose Read/Write" in company.page.get(guide).text
        give_keys(company, guide)
        found = tried(company, guide)
        assert (found["permissions"], found["webhooks"]) == ("permissions_good", "webhooks_good")
        wait_for_signed(woo)
        assert states(company, guide)["delivery"] == "delivery_good"
        assert {hook["secret"] for hook in woo.hooks.held.values()} != {"unknown"}
        assert "How much of its past" in company.page.get(guide).text
        assert company.post(f"{guide}/past", {"past": "all"}).status_code == 303
        with app.app_context():
            assert fetch(company, guide.split("/")[2])[0]["state"] == "done"
        drain(company)
        assert [one["total"] for one in company.api("GET", "/orders").json["items"]] == ["25.00"]
        shop = company.api("GET", guide.removesuffix("/connect")).json
        assert (shop["name"], shop["currency"], shop["url"]) == ("Fern & Kettle", "GBP", woo.url)

    @pytest.mark.parametrize(
        ("given", "understood"),
        [
            ("shop.example", "https://shop.example"),
            (" https://Shop.Example/ ", "https://shop.example"),
            ("https://shop.example/wp-admin/admin.php?page=wc-settings", "https://shop.example"),
            ("shop.example/wp-login.php", "https://shop.example"),
            ("https://shop.example/blog/wp-json/wc/v3", "https://shop.example/blog"),
            ("http://127.0.0.1:8080/wp-admin", "http://127.0.0.1:8080"),
            ("localhost:8080", "http://localhost:8080"),
        ],
    )
    def test_an_address_is_understood_as_people_paste_it(self, app, given, understood):
        assert woocommerce_address.understood(given) == understood

    @pytest.mark.parametrize(
        ("change", "code"),
        [
            ({"wordpress": False}, "no_wordpress"),
            ({"woocommerce": False}, "no_woocommerce"),
            ({"permalinks": "plain"}, "plain_permalinks"),
            ({"permalinks": "index"}, "address_good"),
        ],
    )
    def test_what_stands_at_an_address_is_named(self, company, woo, change, code):  # noqa: F811
        for name, value in change.items():
            setattr(woo, name, value)
        assert tried(company, begin(company, woo.url)) == {"address": code}

    def test_a_redirect_is_followed_to_where_the_shop_is(self, company, woo):  # noqa: F811
        moved = Box().start()
        moved.moved_to = woo.url
        try:
            guide = begin(company, moved.url)
            assert tried(company, guide) == {"address": "address_good"}
        finally:
            moved.stop()
        assert company.api("GET", guide.removesuffix("/connect")).json["url"] == woo.url

    @pytest.mark.parametrize("to", ["http://[", "ftp://shop.example", "javascript:alert(1)//"])
    def test_a_redirect_to_no_address_is_told(self, company, woo, to):  # noqa: F811
        woo.moved_to = to
        assert tried(company, begin(company, woo.url)) == {"address": "not_an_address"}

    @pytest.mark.parametrize(
        ("address", "code"),
        [
            ("http://127.0.0.1:9", "silent"),
            ("https://no-such-shop.invalid", "no_host"),
            ("http://192.168.0.9", "no_https"),
            ("https://10.0.0.9", "private"),
        ],
    )
    def test_an_address_that_cannot_be_used_is_told_why(self, company, address, code):
        assert tried(company, begin(company, address)) == {"address": code}

    def test_without_development_settings_plain_http_is_refused(self, app, monkeypatch, settings_in_environment):
        from saas import config
        from saas.commerce.connectors.found import Bad

        monkeypatch.setenv("OUTGOING_PRIVATE_HOSTS", "0")
        config.get.cache_clear()
        try:
            with pytest.raises(Bad, match="no_https"):
                woocommerce_address.look("http://127.0.0.1:8080")
            assert woocommerce_address.understood("127.0.0.1:8080") == "https://127.0.0.1:8080"
        finally:
            monkeypatch.undo()
            config.get.cache_clear()

    def test_a_host_that_takes_the_header_away_is_shown_the_keys_as_parameters(
        self, company, woo, reachable, monkeypatch
    ):  # noqa: F811
        monkeypatch.setattr(woocommerce_ways, "to_try", lambda _url: (woocommerce_ways.BASIC, woocommerce_ways.QUERY))
        woo.tls = woo.strips_header = True
        guide, found = connect(company, woo)
        assert (found["keys"], found["webhooks"]) == ("keys_good_stripped", "webhooks_good")
        assert "Authorization header" in company.page.get(guide).text

    def test_webhooks_of_before_are_taken_up_and_doubled_ones_deleted_while_others_stay(
        self, company, other_company, woo, reachable
    ):  # noqa: F811
        guide, _found = connect(company, woo)
        first = set(woo.hooks.held)
        double = next(iter(woo.hooks.held.values()))
        woo.hooks.create({"topic": double["topic"], "delivery_url": double["delivery_url"]})
        woo.hooks.create({"topic": "order.created", "delivery_url": "https://elsewhere.example/hook"})
        connect(other_company, woo)
        count = len(woo.hooks.held)
        company.post(f"{guide.removesuffix('/connect')}/remove")
        again, found = connect(company, woo)
        assert found["webhooks"] == "webhooks_good"
        assert len(woo.hooks.held) == count - 1  # the doubled one
        address = company.api("GET", again.removesuffix("/connect")).json["webhook_url"]
        ours = [hook for hook in woo.hooks.held.values() if hook["delivery_url"] == address]
        assert len(ours) == len({hook["topic"] for hook in ours}) == len(first)
        assert len(first & {hook["id"] for hook in ours}) == len(first) - 1  # of the doubled ones the newer was kept

    def test_a_message_that_waits_for_the_cron_is_awaited_and_found_on_coming_back(self, company, woo, reachable):  # noqa: F811
        woo.goods.add_product("Green tea")
        woo.cron = woo.rings = False
        guide, found = connect(company, woo)
        assert found["delivery"] == "delivery_touched"
        page = company.page.get(guide).text
        assert "once a minute" in page
        assert "every 2s" in page
        woo.hooks.carry()
        assert states(company, guide)["delivery"] == "delivery_good"
        assert "every 2s" not in company.page.get(guide).text

    def test_a_message_signed_with_another_secret_is_told_of(self, company, woo, reachable):  # noqa: F811
        woo.goods.add_product("Green tea")
        woo.cron = woo.rings = False
        guide, _found = connect(company, woo)
        woo.hooks.forged = "somebody-elses"
        woo.hooks.carry()
        assert states(company, guide)["delivery"] == "delivery_touched"
        assert "was turned away" in company.page.get(guide).text

    def test_a_second_click_while_steps_are_tried_does_nothing(self, company, app, woo):  # noqa: F811
        guide = begin(company, woo.url)
        shop_id = guide.split("/")[2]
        with app.app_context():
            with work.unit(tenant_id=company.tenant_id):
                connecting.keep(shops.one(shop_id).id, **{connecting.LEASED: "2999-01-01T00:00:00+00:00"})
            assert tried(company, guide) == {}
            assert "This is being tried" in company.page.get(guide).text
            with work.unit(tenant_id=company.tenant_id):
                connecting.keep(shops.one(shop_id).id, **{connecting.LEASED: None})
        assert tried(company, guide) == {"address": "address_good"}

    def test_keys_that_the_owner_agrees_to_come_by_themselves_once(self, company, woo, reachable, monkeypatch):  # noqa: F811
        guide = begin(company, woo.url)
        tried(company, guide)
        page = company.post(f"{guide}/approve").text
        asked = {
            name: values[0]
            for name, values in parse_qs(
                urlsplit(re.search(r"url=([^\"]+)\"", page)[1].replace("&amp;", "&")).query
            ).items()
        }
        assert (asked["scope"], asked["callback_url"]) == ("read_write", f"{reachable}/hooks/woocommerce-keys")
        assert woo.grant(asked).startswith(asked["return_url"])
        assert tried(company, guide)["keys"] == "keys_good"
        assert woo.grant(asked) is None  # the ticket was for once

    def test_a_reader_sees_the_steps_and_no_form(self, app, company, woo):  # noqa: F811
        from tests.companies import add_member

        guide = begin(company, woo.url)
        reader = add_member(app, company, role="read_only")
        page = reader.get(guide)
        assert page.status_code == 200
        assert b"consumer_key" not in page.data


class TestGeneric:
    def test_a_shop_is_checked_off_by_what_it_sends(self, company, drain):
        made = company.post("/shops/new", {"kind": "generic", "name": "Own shop"})
        guide, shop_id = made.location, made.location.split("/")[2]
        page = company.page.get(guide).text
        secret = re.search(r"<code>(\w{32})</code>", page)[1]
        assert "openssl" in page
        shop = company.api("GET", f"/shops/{shop_id}").json | {"webhook_secret": secret}
        assert deliver(company, shop, {"type": "ping"}, secret="wrong").status_code == 401
        assert "was turned away" in company.page.get(guide).text
        assert deliver(company, shop, {"type": "ping"}, message_id="m0").status_code == 200
        assert states(company, guide) == {"delivery": "delivery_good"}
        deliver(company, shop, {"type": "order.created", "data": ORDER}, message_id="m1")
        drain(company)
        done = re.findall(r'<li[^>]* class="is-(\w+)" id="step-(\w+)"', company.page.get(guide).text)
        assert {step: state for state, step in done} == {
            "places": "done", "delivery": "done", "product": "now", "customer": "now", "order": "done", "tracker": "now",
        }  # fmt: skip

    def test_its_steps_cannot_be_tried_from_here(self, company):
        made = company.api("POST", "/shops", json={"kind": "generic", "name": "Own shop"}).json
        assert company.api("POST", f"/shops/{made['id']}/checks", json={}).status_code == 422

    def test_the_message_to_paste_is_signed_as_it_must_be(self, company, reachable, tmp_path):  # noqa: F811
        import subprocess

        made = company.post("/shops/new", {"kind": "generic", "name": "Own shop"})
        page = company.page.get(made.location).text
        import html

        command = html.unescape(re.search(r"<pre tabindex=\"0\"><code>(body=.*?)</code></pre>", page, re.DOTALL)[1])
        done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False, timeout=60)
        assert json.loads(done.stdout) == {"status": "known"}, done
        assert states(company, made.location) == {"delivery": "delivery_good"}
