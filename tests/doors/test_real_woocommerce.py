"""What real WooCommerce stores do otherwise than one would think, each as its PHP has it: taken without a word, told in another
language, delivered of what is gone, checked over the address as the store knows itself."""

from __future__ import annotations

import socket
from uuid import UUID

import pytest

from saas import config
from saas.commerce import backfill, shops
from saas.commerce.connectors import woocommerce, woocommerce_address
from saas.commerce.connectors.woocommerce_rest import RESTORED, TOPICS
from saas.commerce.refusal_words import Reason
from saas.integrations import deliveries_in
from saas.kit import http_out, work
from sandbox.wordpress.server import KEY, SECRET, Box
from tests.doors.test_shop_guide import begin, connect, give_keys, states, tried, wait_for_signed
from tests.shopify_box import fetch
from tests.wordpress_box import reachable, woo  # noqa: F401

GERMAN = {
    "The API key provided does not have write permissions.": "Der API-Schlüssel hat keine Schreibrechte.",
    "The API key provided does not have read permissions.": "Der API-Schlüssel hat keine Leserechte.",
    "Invalid timestamp.": "Ungültiger Zeitstempel.",
}


def carried(woo, drain, company):  # noqa: F811
    """Have what waits in the store leave, and take what came."""
    wait_for_signed(woo)
    woo.hooks.carry()
    drain(company)


def order_states(company):
    return {one["number"]: one["status"] for one in company.api("GET", "/orders").json["items"]}


class TestTrash:
    def test_an_order_fetched_out_of_the_trash_is_what_it_was_and_may_be_deleted_again(
        self, company, drain, woo, reachable
    ):  # noqa: F811
        tea = woo.goods.add_product("Green tea")
        connect(company, woo)
        number = woo.goods.add_order(0, [(tea, 1)], email="ann@shopper.example")
        carried(woo, drain, company)
        for _turn in range(2):  # the second deletion has the very body of the first
            woo.goods.trash("orders", number)
            carried(woo, drain, company)
            assert order_states(company) == {str(number): "cancelled"}
            woo.goods.restore("orders", number)
            carried(woo, drain, company)
            assert order_states(company) == {str(number): "paid"}

    def test_a_product_fetched_out_of_the_trash_is_on_sale_again(self, company, drain, woo, reachable):  # noqa: F811
        tea = woo.goods.add_product("Green tea")
        connect(company, woo)
        for _turn in range(2):
            woo.goods.touch("products", tea, {})
            carried(woo, drain, company)
            assert [one["active"] for one in company.api("GET", "/products").json["items"]] == [True]
            woo.goods.trash("products", tea)
            carried(woo, drain, company)
            assert [one["active"] for one in company.api("GET", "/products").json["items"]] == [False]
            woo.goods.restore("products", tea)
            carried(woo, drain, company)
            assert [one["active"] for one in company.api("GET", "/products").json["items"]] == [True]

    def test_a_store_that_does_not_know_the_word_restored_goes_without(self, company, reachable):  # noqa: F811
        old = Box(version="3.5.10", cron=True).start()
        try:
            guide, found = connect(company, old)
            assert found["webhooks"] == "webhooks_good"
            assert sorted(hook["topic"] for hook in old.hooks.held.values()) == sorted(TOPICS)
            assert "(9 webhooks)" in company.page.get(guide).text
        finally:
            old.stop()

    def test_a_newer_one_is_asked_for_it(self, company, woo, reachable):  # noqa: F811
        connect(company, woo)
        assert {hook["topic"] for hook in woo.hooks.held.values()} == {*TOPICS, *RESTORED}


class TestDeliveries:
    @pytest.mark.parametrize("version", ["3.5.10", "10.0.2"])
    def test_what_is_gone_before_its_message_leaves_is_answered_well_and_waits_nowhere(
        self,
        company,
        drain,
        reachable,
        version,  # noqa: F811
    ):
        store = Box(version=version, cron=True).start()
        try:
            guide, _found = connect(company, store)
            store.carried.wait(30)
            number = store.goods.add_order(0, [(store.goods.add_product("Tea"), 1)], email="ann@shopper.example")
            del store.goods.orders[number]
            store.hooks.carry()
            told = [one for one in store.hooks.sent if one["topic"] == "order.created"]
            assert [one["status"] for one in told if b"webhook_id" not in one["raw"]] == [200]
            drain(company)
            with company.app.app_context(), work.unit(tenant_id=company.tenant_id):
                assert deliveries_in.counts(UUID(guide.split("/")[2]))["failed"] == 0
            assert order_states(company) == {}
        finally:
            store.stop()

    @pytest.mark.parametrize(
        ("body", "reason"),
        [
            (
                {"code": "woocommerce_rest_cannot_view", "message": "No.", "data": {"status": 401}},
                Reason("hook_not_allowed"),
            ),
            ({"order": {"id": 5, "order_number": "5"}}, Reason("hook_legacy")),
            ({"code": "x", "data": []}, "The body has no id."),
        ],
    )
    def test_a_delivery_that_says_nothing_says_why(self, company, app, body, reason):
        from saas.commerce.connectors.past import Origin

        with app.app_context(), work.unit(tenant_id=company.tenant_id):
            shop, _secret = shops.connect(kind="woocommerce", name="Woo", url="https://shop.example")
            with pytest.raises(woocommerce.Unmappable, match=reason[:40].replace("(", ".")):
                woocommerce.take(body, topic="order.updated", origin=Origin(shop.id, "GBP"))


class TestKeys:
    def test_a_store_that_speaks_german_is_understood(self, company, woo):  # noqa: F811
        woo.tongue = GERMAN
        woo.keys["ck_reads"], woo.keys["ck_writes"] = ("cs_reads", "read"), ("cs_writes", "write")
        guide = begin(company, woo.url)
        give_keys(company, guide, "ck_reads", "cs_reads")
        assert tried(company, guide)["permissions"] == "read_only"
        give_keys(company, guide, "ck_writes", "cs_writes")
        assert tried(company, guide)["keys"] == "write_only"

    @pytest.mark.parametrize("ahead", [-3600, 3600])
    @pytest.mark.parametrize("tongue", [{}, GERMAN])
    def test_a_clock_that_is_wrong_is_named_in_any_language(self, company, woo, ahead, tongue):  # noqa: F811
        woo.ahead, woo.tongue = ahead, tongue
        guide = begin(company, woo.url)
        give_keys(company, guide)
        assert tried(company, guide)["keys"] == "clock"

    def test_where_application_passwords_are_in_use_an_unknown_key_is_an_unknown_key(self, company, woo, monkeypatch):  # noqa: F811
        from saas.commerce.connectors import woocommerce_ways

        monkeypatch.setattr(woocommerce_ways, "to_try", lambda _url: (woocommerce_ways.BASIC, woocommerce_ways.QUERY))
        woo.tls = woo.application_passwords = True
        guide = begin(company, woo.url)
        give_keys(company, guide, "ck_nobody", "cs_nobody")
        assert tried(company, guide)["keys"] == "wrong_keys"


class TestAddresses:
    def test_a_store_that_calls_itself_localhost_is_connected_by_its_number_too(self, company, drain, woo, reachable):  # noqa: F811
        woo.home = woo.url.replace("127.0.0.1", "localhost")
        guide, found = connect(company, woo)  # the number was entered, and the signature is over the name
        assert (found["keys"], found["permissions"], found["webhooks"]) == (
            "keys_good",
            "permissions_good",
            "webhooks_good",
        )
        assert company.api("GET", guide.removesuffix("/connect")).json["url"] == woo.home

    def test_a_store_entered_by_a_program_is_looked_up_before_its_signature_is_made(self, app, company, woo, reachable):  # noqa: F811
        woo.home = woo.url.replace("127.0.0.1", "localhost")
        woo.permalinks = "index"
        woo.goods.add_order(0, [(woo.goods.add_product("Tea"), 1)], email="ann@shopper.example")
        made = company.api("POST", "/shops", json={
            "kind": "woocommerce", "name": "Woo", "url": woo.url, "consumer_key": KEY, "consumer_secret": SECRET,
        }).json  # fmt: skip
        with app.app_context():
            state, trouble = fetch(company, made["id"])[:2]
        assert (state["state"], trouble) == ("done", "")
        assert len(company.api("GET", "/orders").json["items"]) == 1

    def test_wordpress_in_a_folder_of_its_own_is_rung_there(self, company, woo, reachable):  # noqa: F811
        woo.site = f"{woo.url}/wp"
        woo.cron = False
        woo.goods.add_product("Green tea")
        guide, found = connect(company, woo)
        assert (
            states(company, guide)["delivery"] == "delivery_good"
        )  # wp-cron.php of the pages' folder would not have had it leave
        give_keys(company, guide, "ck_nobody", "cs_nobody")
        assert tried(company, guide)["keys"] == "wrong_key"
        assert f"{woo.url}/wp/wp-admin/admin.php?page=wc-settings" in company.page.get(guide).text.replace("&amp;", "&")

    def test_a_name_of_this_machine_alone_may_be_spoken_to_plainly_while_developing(self, app, monkeypatch):
        monkeypatch.setattr(http_out, "judge", lambda url: ["127.0.0.1"] if "shop.test" in url else ["93.184.216.34"])
        woocommerce_address._require_safe("http://shop.test:8080")
        with pytest.raises(woocommerce_address.Bad, match="no_https"):
            woocommerce_address._require_safe("http://shop.example")

    def test_the_next_address_of_a_name_is_called_where_nobody_listens_at_the_first(self, app, monkeypatch, woo):  # noqa: F811
        real, port = socket.getaddrinfo, int(woo.url.rsplit(":", 1)[1])

        def both(host, *more, **named):
            if host != "localhost":
                return real(host, *more, **named)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (one, port)) for one in ("127.0.0.9", "127.0.0.1")]

        monkeypatch.setattr(socket, "getaddrinfo", both)
        assert http_out.call("GET", f"http://localhost:{port}/").status == 200

    def test_a_slash_behind_our_own_address_is_not_doubled(self):
        assert config.load({"PUBLIC_URL": "http://127.0.0.1:9000/ "}).public_url == "http://127.0.0.1:9000"


class TestWebhooks:
    def test_a_webhook_that_was_woken_falls_asleep_at_the_next_failure_and_is_woken_again(
        self, app, company, woo, reachable
    ):  # noqa: F811
        guide, _found = connect(company, woo)
        wait_for_signed(woo)
        shop_id = guide.split("/")[2]
        hook = next(one for one in woo.hooks.held.values() if one["topic"] == "order.updated")
        hook |= {"status": "disabled", "failures": 6}
        with app.app_context():
            company.post(f"{guide}/past", {"past": "all"})
            fetch(company, shop_id)
            assert (hook["status"], hook["failures"]) == ("active", 6)
            woo.hooks.forged = "another"
            number = woo.goods.add_order(0, [(woo.goods.add_product("Tea"), 1)], email="ann@shopper.example")
            woo.goods.touch("orders", number, {})
            woo.hooks.carry()
            assert hook["status"] == "disabled"
            with work.unit(tenant_id=company.tenant_id):
                backfill.compare(shop_id)
            fetch(company, shop_id)
            assert hook["status"] == "active"

    def test_until_wordpress_lets_its_messages_out_the_page_says_what_to_put_where(self, company, woo, reachable):  # noqa: F811
        woo.goods.add_product("Green tea")
        woo.hooks.lets_out = False
        guide, found = connect(company, woo)
        wait_for_signed(woo)
        assert found["delivery"] == "delivery_touched"
        page = company.page.get(guide).text
        assert "wp-content/mu-plugins" in page
        assert reachable in page
        woo.hooks.lets_out = True
        woo.goods.touch("products", next(iter(woo.goods.products)), {})
        woo.hooks.carry()
        assert states(company, guide)["delivery"] == "delivery_good"
