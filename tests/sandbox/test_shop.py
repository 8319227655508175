"""The demo shop as a shopper, its owner and the CRM meet it: a real process, real HTTP, a tiny local receiver."""

import base64
import email.message
import hashlib
import hmac
import html
import http.cookiejar
import json
import queue
import re
import subprocess
import sys
import threading
import urllib.error
import urllib.parse
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

SECRET = "whsec_" + base64.b64encode(b"a secret of the generic connector").decode()
VISITOR = "v" * 20
ADDRESS = {"first_name": "Ada", "last_name": "Smith", "street": "1 High St", "postcode": "BS1 1AA", "city": "Bristol",
           "country": "GB", "card": "4242 4242 4242 4242"}  # fmt: skip


class Receiver(ThreadingHTTPServer):
    """A CRM that only checks signatures; it answers with the next of `answers`, else 202."""

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.got, self.answers = queue.Queue(), []
        self.url = f"http://127.0.0.1:{self.server_port}/hooks/generic/token"

    def wait_for(self, kind, where=lambda data: True):
        while True:
            headers, message = self.got.get(timeout=60)
            if message["type"] == kind and where(message["data"]):
                return headers, message["data"]


class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        signed = f"{self.headers['webhook-id']}.{self.headers['webhook-timestamp']}.".encode() + body
        key = base64.b64decode(SECRET.removeprefix("whsec_"))
        right = "v1," + base64.b64encode(hmac.new(key, signed, hashlib.sha256).digest()).decode()
        status = 401 if self.headers["webhook-signature"] != right else (self.server.answers or [202]).pop(0)
        self.server.got.put((dict(self.headers, status=status), json.loads(body)))
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass


class Told:
    """As much of an answer as a cookie jar looks at."""

    def __init__(self, headers):
        self.headers = email.message.Message()
        for name, value in headers.items():
            self.headers[name] = value

    def info(self):
        return self.headers


class Shop:
    """A running shop; each Shop object is one shopper with cookies of their own."""

    def __init__(self, state, *options):
        command = [sys.executable, "-m", "sandbox.shop", "--port=0", f"--state={state}", "--scale=0.02", *options]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.url = re.search(r"http://[\d.:]+", self.process.stdout.readline()).group(0)
        self.forget()

    def forget(self):
        self.jar = http.cookiejar.CookieJar()
        self.web = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.jar))

    def remember(self, name, value):
        """Keep a cookie, as the tracker does in the browser."""
        answer = urllib.request.Request(self.url)
        self.jar.extract_cookies(Told({"Set-Cookie": f"{name}={value}; path=/"}), answer)

    def get(self, path, data=None, **headers):
        body = urllib.parse.urlencode(data).encode() if isinstance(data, dict) else data
        request = urllib.request.Request(self.url + path, data=body, headers=headers)
        try:
            with self.web.open(request, timeout=60) as answer:
                return answer.status, answer.read().decode("utf-8", "replace"), answer.url
        except urllib.error.HTTPError as refusal:
            with refusal:
                return refusal.code, refusal.read().decode(), refusal.url

    def connect(self, **settings):
        return self.get("/settings", json.dumps(settings).encode(), **{"Content-Type": "application/json"})

    def in_stock(self):
        """The product ids, slugs and prices of what can be bought on the first category's page."""
        page = self.get("/categories/mugs")[1]
        slug = re.findall(r'/products/([\w-]+)"', page)[0]
        product = re.search(r'name="product" value="([\w-]+)"', self.get(f"/products/{slug}")[1]).group(1)
        return product, slug

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=60)
        self.process.stdout.close()


def calls(page):
    """What the page tells the tracker."""
    found = re.search(r'<script type="application/json" id="calls">(.*?)</script>', page)
    return json.loads(html.unescape(found.group(1))) if found else []


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    shop = Shop(tmp_path_factory.mktemp("shop") / "shop.sqlite")
    yield shop
    shop.stop()


@pytest.fixture
def receiver():
    server = Receiver()
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def alone(running):
    """The shop with nobody to tell."""
    running.forget()
    running.connect(site_key="", hook_url="", hook_secret="", crm_url="")
    return running


@pytest.fixture
def shop(alone, receiver):
    """The shop connected to the receiver."""
    alone.connect(site_key="pk_test", hook_url=receiver.url, hook_secret=SECRET)
    yield alone
    alone.connect(site_key="", hook_url="", hook_secret="", crm_url="")


class TestPages:
    @pytest.mark.parametrize(
        "path",
        ["/", "/categories/lamps?collection=Moss&sort=price", "/search?q=moss+mugs", "/cart", "/account", "/settings",
         "/desk", "/healthz"],
    )  # fmt: skip
    def test_every_page_loads(self, alone, path):
        assert alone.get(path)[0] == 200

    @pytest.mark.parametrize("path", ["/products/none", "/categories/none", "/pictures/NONE-1.svg", "/orders/none"])
    def test_what_is_not_there_is_404(self, alone, path):
        assert alone.get(path)[0] == 404

    def test_pictures_come_as_svg_and_png(self, alone):
        assert alone.get("/pictures/MUG-001.svg")[1].startswith("<svg")
        assert "PNG" in alone.get("/pictures/MUG-001.png")[1][:8]

    def test_without_a_connection_no_foreign_script_is_loaded(self, alone):
        assert "tracker.js" not in alone.get("/")[1]

    def test_connected_pages_load_tracker_and_widget_and_say_what_is_looked_at(self, shop, receiver):
        product, slug = shop.in_stock()
        page = shop.get(f"/products/{slug}")[1]
        origin = receiver.url.removesuffix("/hooks/generic/token")

        assert f'src="{origin}/static/shop/tracker.js" data-site-key="pk_test" data-consent="ask"' in page
        assert f'src="{origin}/static/shop/widget.js"' in page
        assert (
            f'data-regulars-offers="product" data-title="Goes well with it" data-limit="4" data-product="{product}"'
            in page
        )
        assert calls(page) == [["product", {"id": product}]]
        assert calls(shop.get("/search?q=moss")[1]) == [["search", {"query": "moss"}]]

    def test_search_finds_by_every_word(self, alone):
        page = alone.get("/search?q=moss+mugs")[1]

        assert "Moss" in page
        assert not re.search(r'class="name">(?!Moss)', page)
        assert "Nothing fits" in alone.get("/search?q=moss+submarine")[1]

    def test_a_form_of_another_site_is_refused(self, alone):
        assert alone.get("/account/sign-in", {"email": "a@example.com"}, **{"Sec-Fetch-Site": "cross-site"})[0] == 403


class TestCart:
    def test_adding_tells_the_tracker_the_whole_cart_once(self, alone):
        product, _ = alone.in_stock()

        page = alone.get("/cart", {"product": product, "add": 1})[1]

        [[name, cart]] = calls(page)
        assert name == "cart"
        assert cart["items"] == [{"product": product, "quantity": 1, "price": cart["items"][0]["price"]}]
        assert re.fullmatch(r"\d+\.\d\d", cart["items"][0]["price"])
        assert cart["url"] == f"{alone.url}/cart/resume/{cart['id']}"
        assert calls(alone.get("/cart")[1]) == []

    def test_no_more_than_there_is_goes_in(self, alone):
        product, _ = alone.in_stock()

        page = alone.get("/cart", {"product": product, "quantity": 99_999})[1]

        assert "are left" in page

    def test_emptying_it_is_told_too(self, alone):
        product, _ = alone.in_stock()
        alone.get("/cart", {"product": product, "add": 1})

        page = alone.get("/cart", {"product": product, "quantity": 0})[1]

        assert calls(page)[0][1]["items"] == []
        assert "It is empty" in page

    def test_a_mail_brings_it_back_in_another_browser(self, alone):
        product, _ = alone.in_stock()
        [[_, cart]] = calls(alone.get("/cart", {"product": product, "add": 1})[1])
        alone.forget()

        assert "as you left it" in alone.get(cart["url"].removeprefix(alone.url))[1]


class TestBuying:
    def buy(self, shop, buyer="ada@example.com", **changes):
        product, _ = shop.in_stock()
        shop.get("/cart", {"product": product, "add": 1})
        shop.remember("rgl_visitor", VISITOR)
        return product, shop.get("/checkout", {"email": buyer, **ADDRESS, **changes})

    def test_the_order_customer_and_stock_are_told_signed(self, shop, receiver):
        product, (status, page, url) = self.buy(shop, newsletter="yes")

        headers, order = receiver.wait_for("order.updated")
        assert status == 200
        assert "Thank you" in page
        assert headers["status"] == 202
        assert url.endswith(order["external_id"])
        assert (order["status"], order["visitor"]) == ("paid", VISITOR)
        assert order["cart_id"].startswith("shop-cart-")
        assert order["customer"]["email"] == "ada@example.com"
        assert order["customer"]["consent"] == {"email": "granted"}
        assert [line["product"] for line in order["lines"]] == [product]
        told = receiver.wait_for("product.updated")[1]
        assert told["external_id"] == product
        assert told["image_url"] == f"{shop.url}/pictures/{told['sku']}.png"

    def test_a_guest_is_named_without_the_servers_signature(self, shop):
        _, (_, page, _) = self.buy(shop, buyer="guest@example.com")

        [[name, identity]] = calls(page)
        assert name == "identify"
        assert identity["email"] == "guest@example.com"
        assert "signature" not in identity

    def test_a_declined_card_and_missing_fields_make_no_order(self, shop, receiver):
        _, (status, page, _) = self.buy(shop, card="4000 0000 0000 0002", city="")

        assert status == 422
        assert "declined this card" in page
        assert "Please fill in the city." in page
        assert receiver.got.empty()

    def test_only_the_buyer_sees_the_order(self, shop):
        _, (_, _, url) = self.buy(shop)
        path = url.removeprefix(shop.url)

        assert shop.get(path)[0] == 200
        shop.forget()
        assert shop.get(path)[0] == 404
        assert shop.get(path + "/refund", {"reason": "x"})[0] == 404

    def test_asking_for_a_refund_tells_of_it_once(self, shop, receiver):
        _, (_, _, url) = self.buy(shop)
        path = url.removeprefix(shop.url) + "/refund"

        assert "on its way back" in shop.get(path, {"reason": "Arrived broken"})[1]
        assert "cannot be refunded" in shop.get(path, {"reason": "Arrived broken"})[1]

        order = receiver.wait_for("order.updated", lambda data: data["status"] == "refunded")[1]
        [refund] = order["refunds"]
        assert (refund["amount"], refund["reason"]) == (order["total"], "Arrived broken")


class TestSigningIn:
    def test_it_opens_an_account_and_proves_who_is_browsing(self, shop, receiver):
        _, page, _ = shop.get("/account/sign-in", {"email": " New.Person@Example.com "})

        customer = receiver.wait_for("customer.updated")[1]
        [[name, identity]] = calls(page)
        right = hmac.new(SECRET.encode(), f"identify:{identity['external_id']}".encode(), hashlib.sha256).hexdigest()
        assert (customer["email"], customer["first_name"]) == ("new.person@example.com", "New")
        assert name == "identify"
        assert identity == {"email": customer["email"], "external_id": customer["external_id"], "signature": right}
        assert calls(shop.get("/account")[1]) == []

    def test_somebody_of_the_simulated_past_finds_their_orders(self, alone):
        page = alone.get("/desk")[1]
        buyer = re.search(r"<td>([\w.]+\d+@example\.\w+)</td>", page).group(1)

        assert re.search(r"FK-1\d{4}", alone.get("/account/sign-in", {"email": buyer})[1])

    def test_nonsense_is_refused_and_kept_in_the_field(self, alone):
        status, page, _ = alone.get("/account/sign-in", {"email": "not an address"})

        assert status == 422
        assert 'value="not an address"' in page

    def test_stopping_the_newsletter_is_told(self, shop, receiver):
        shop.get("/account/sign-in", {"email": "reader@example.com", "newsletter": "yes"})
        shop.get("/account", {"first_name": "Rea", "last_name": "Der"})

        withdrawn = receiver.wait_for("customer.updated", lambda data: data["consent"]["email"] == "withdrawn")[1]
        assert withdrawn["first_name"] == "Rea"

    def test_signing_out_resets_the_tracker(self, alone):
        alone.get("/account/sign-in", {"email": "reader@example.com"})

        assert calls(alone.get("/account/sign-out", {})[1]) == [["reset"]]


class TestOwner:
    def test_connecting_sends_all_products(self, shop, receiver):
        shop.connect(hook_url=receiver.url, hook_secret=SECRET, tell=True)

        seen = {receiver.wait_for("product.updated")[1]["external_id"] for _ in range(200)}
        assert len(seen) == 200

    def test_the_recent_past_can_be_sent_too(self, shop, receiver):
        shop.connect(hook_url=receiver.url, hook_secret=SECRET, tell=True, past="recent")

        order = receiver.wait_for("order.updated")[1]
        assert order["external_id"].startswith("sim-o-")

    def test_settings_that_cannot_be_right_are_refused_by_field(self, alone):
        status, body, _ = alone.connect(site_key="rg_secret", hook_url="ftp://x", hook_secret="")

        assert status == 422
        assert set(json.loads(body)["error"]["fields"]) == {"site_key", "hook_url", "hook_secret"}

    def test_the_form_connects_as_well(self, alone, receiver):
        _, page, _ = alone.get("/settings", {"site_key": "pk_form", "hook_url": receiver.url, "hook_secret": SECRET})

        assert "The shop is connected." in page
        assert 'data-site-key="pk_form"' in page

    def test_a_changed_price_is_told(self, shop, receiver):
        product, _ = shop.in_stock()
        shop.get(f"/desk/products/{product}", {"price": "21.50", "stock": "7", "active": "yes"})

        told = receiver.wait_for("product.updated", lambda data: data["external_id"] == product)[1]
        assert (told["price"], told["stock"], told["active"]) == ("21.50", 7, True)

    def test_shipping_is_told(self, shop, receiver):
        order = re.search(
            r'action="/desk/orders/([\w-]+)"><button name="act" value="ship">', shop.get("/desk")[1]
        ).group(1)
        shop.get(f"/desk/orders/{order}", {"act": "ship"})

        assert receiver.wait_for("order.updated")[1]["status"] == "fulfilled"


class TestMessages:
    def test_a_failed_one_is_tried_again_under_the_same_id(self, shop, receiver):
        receiver.answers[:] = [500]
        shop.get("/account/sign-in", {"email": "again@example.com"})

        first, _ = receiver.wait_for("customer.updated")
        again, _ = receiver.wait_for("customer.updated")
        assert (first["status"], again["status"]) == (500, 202)
        assert first["webhook-id"] == again["webhook-id"]
        assert int(first["webhook-timestamp"]) <= int(again["webhook-timestamp"])

    def test_the_queue_outlives_a_killed_shop_and_a_deaf_crm(self, tmp_path, receiver):
        deaf = "http://127.0.0.1:9/hooks/generic/token"
        first = Shop(tmp_path / "shop.sqlite", f"--hook-url={deaf}", f"--hook-secret={SECRET}")
        first.get("/account/sign-in", {"email": "patient@example.com"})
        first.process.kill()
        first.process.wait(timeout=60)
        first.process.stdout.close()

        second = Shop(tmp_path / "shop.sqlite", f"--hook-url={receiver.url}")
        try:
            assert receiver.wait_for("customer.updated")[1]["email"] == "patient@example.com"
        finally:
            second.stop()
