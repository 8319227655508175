"""The Stripe stand-in for its own tests: started on a free port, spoken to with Stripe's own library."""

import http.server
import json
import queue
import re
import threading
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path

import pytest
import stripe

from sandbox.stripe.server import Box
from sandbox.stripe.world import Rules

SECRET = "whsec_only_for_these_tests"
KEY = "sk_test_regulars"


class Receiver:
    """Somebody who is told of events: keeps each delivery, and answers what the test wants."""

    def __init__(self):
        self.deliveries: queue.Queue = queue.Queue()
        self.answers: list[int] = []
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = outer.answers.pop(0) if outer.answers else 200
                self.send_response(status)
                self.end_headers()
                outer.deliveries.put((status, dict(self.headers), body))

            def log_message(self, *args):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/webhooks/stripe"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()

    def wait_for(self, type: str, *, seconds: float = 60) -> stripe.Event:
        """The next event of a type that was taken, its signature checked by Stripe's library."""
        while True:
            status, headers, body = self.deliveries.get(timeout=seconds)
            event = stripe.Webhook.construct_event(body, headers["Stripe-Signature"], SECRET)
            if event.type == type and status == 200:
                return event

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Person:
    """A browser without a window: opens pages, sends forms, follows redirects inside the box and stops at its edge."""

    def __init__(self, base: str):
        self.base = base

    def open(self, url: str, form: dict | None = None) -> "Page":
        class Stop(urllib.request.HTTPRedirectHandler):
            def redirect_request(inner, request, file, code, message, headers, target):
                target = urllib.parse.urljoin(request.full_url, target)
                if not target.startswith(self.base):
                    raise Left(target)
                return urllib.request.Request(target)

        opener = urllib.request.build_opener(Stop)
        data = None if form is None else urllib.parse.urlencode(form).encode()
        try:
            with opener.open(urllib.parse.urljoin(self.base, url), data) as answer:
                return Page(answer.status, answer.read().decode("utf-8", "replace"), answer.url)
        except urllib.error.HTTPError as problem:
            with problem:
                return Page(problem.code, problem.read().decode(), problem.url)
        except Left as left:
            return Page(303, "", left.url)


class Left(Exception):
    def __init__(self, url: str):
        super().__init__(url)
        self.url = url


class Page:
    def __init__(self, status: int, text: str, url: str):
        self.status, self.html, self.url = status, text, url
        self.text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", text)).replace("&#39;", "'")


def raw(url: str, *, path: str, method: str = "GET", body: str | None = None, **headers: str) -> tuple[int, dict, dict]:
    """A request without the library: status, headers, body."""
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    request = urllib.request.Request(url + path, method=method, data=body and body.encode(), headers=sent)
    try:
        with urllib.request.urlopen(request) as answer:
            return answer.status, dict(answer.headers), json.loads(answer.read())
    except urllib.error.HTTPError as problem:
        with problem:
            return problem.code, dict(problem.headers), json.loads(problem.read())


def client_of(url: str) -> stripe.StripeClient:
    """Stripe's own client, pointed at the stand-in."""
    bases = {"api": url, "connect": url, "files": url, "meter_events": url}
    return stripe.StripeClient(KEY, base_addresses=bases, max_network_retries=0)


@pytest.fixture
def receiver():
    made = Receiver()
    yield made
    made.close()


@pytest.fixture
def box(tmp_path: Path, receiver: Receiver):
    made = Box(
        state=tmp_path / "stripe.sqlite",
        webhook_url=receiver.url,
        webhook_secret=SECRET,
        rules=Rules(webhook_delays=(0.05, 0.1, 0.2)),
    ).start()
    yield made
    made.stop()


@pytest.fixture
def api(box: Box) -> stripe.StripeClient:
    return client_of(box.url)


@pytest.fixture
def person(box: Box) -> Person:
    return Person(box.url)


class Shop:
    """What most tests need: a product, two monthly prices and a yearly one."""

    def __init__(self, api: stripe.StripeClient):
        self.api = api
        product = api.v1.products.create({"name": "Growth", "description": "For shops that grow"})
        self.growth = self.price(product.id, 4900, lookup_key="growth_monthly")
        self.growth_yearly = self.price(product.id, 49000, interval="year", lookup_key="growth_yearly")
        scale = api.v1.products.create({"name": "Scale"})
        self.scale = self.price(scale.id, 9900, lookup_key="scale_monthly")
        setup = api.v1.products.create({"name": "Set-up"})
        self.setup = api.v1.prices.create({"product": setup.id, "currency": "eur", "unit_amount": 5000})

    def price(
        self, product: str, amount: int, *, interval: str = "month", lookup_key: str | None = None
    ) -> stripe.Price:
        given = {"product": product, "currency": "eur", "unit_amount": amount, "recurring": {"interval": interval}}
        return self.api.v1.prices.create({**given, "lookup_key": lookup_key} if lookup_key else given)

    def customer(self, card: str | None = "pm_card_visa", *, clock: str | None = None) -> stripe.Customer:
        """A customer with this card as default, on a test clock when one is named."""
        given = {"email": "owner@example.com", "name": "Ada Owner"}
        if clock:
            given["test_clock"] = clock
        if card:
            given |= {"payment_method": card, "invoice_settings": {"default_payment_method": card}}
        return self.api.v1.customers.create(given)


@pytest.fixture
def shop(api: stripe.StripeClient) -> Shop:
    return Shop(api)
