"""Stripe's stand-in for tests of billing: started on a free port, its events handed over by the test when it wants.

No webhook address is given to it, so a test decides whether an event comes once, twice, late, or never.
"""

from __future__ import annotations

import copy
import json
import re
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import pytest
import stripe

from saas import config
from sandbox.stripe import answers
from sandbox.stripe.server import Box
from sandbox.stripe.world import Rules
from tests.companies import Company, drain_outbox, found_company

CARD = {
    "email": "ada@example.com",
    "number": "4242 4242 4242 4242",
    "expiry": "12 / 34",
    "cvc": "123",
    "name": "Ada Owner",
    "country": "DE",
}
DAY, HOUR = 86_400, 3600
START = 1_769_817_600


@dataclass
class Payments:
    """The stand-in, Stripe's library to look into it, and a person's browser on its pages."""

    app: Any
    box: Box
    secret: str
    api: Any
    handed: set[str] = field(default_factory=set)

    def events(self, prefix: str = "") -> list[dict]:
        """Return the events that were not handed over yet, oldest first."""
        world = self.box.world
        with world.lock:
            found = [event for event in world.store.find("event") if event["id"] not in self.handed]
            wanted = [answers.present(world, event) for event in found if event["type"].startswith(prefix)]
        return sorted(copy.deepcopy(wanted), key=lambda event: event["created"])

    def hand(self, event: dict, *, at: int | None = None, secret: str | None = None) -> Any:
        """Deliver one event as Stripe would and return our answer."""
        body = json.dumps(event)
        self.handed.add(event["id"])
        signed = stripe.WebhookSignature.generate_signature_header(body, secret or self.secret, at)
        return self.app.test_client().post("/hooks/stripe", data=body, headers={"Stripe-Signature": signed})

    def hand_all(self, company: Company, *, order: Any = None) -> None:
        """Deliver everything that happened and have it taken."""
        events = self.events()
        for event in order(events) if order else events:
            assert self.hand(event).status_code == 200
        drain_outbox(self.app, company)

    def open(self, url: str, form: dict | None = None) -> tuple[int, str, str]:
        """Open a page of the stand-in and return status, text and where it led, which may be out to us."""
        data = None if form is None else urllib.parse.urlencode(form).encode()
        opener = urllib.request.build_opener(_StayInside(self.box.url))
        try:
            with opener.open(urllib.parse.urljoin(self.box.url, url), data, timeout=20) as answer:
                return answer.status, _words(answer.read()), answer.url
        except urllib.error.HTTPError as problem:
            with problem:
                return problem.code, _words(problem.read()), problem.headers.get("Location") or problem.url

    def pay(self, url: str, **changes: str) -> tuple[int, str, str]:
        """Fill in the page for paying as a person would."""
        return self.open(url, {**CARD, **changes})

    def subscribe(self, company: Company, plan: str = "growth", **changes: str) -> str:
        """Choose a plan on our page, pay on Stripe's, and hand over what happened; returns the way back."""
        url = company.post(f"/plan/choose/{plan}").headers["Location"]
        _status, _text, back = self.pay(url, **changes)
        self.hand_all(company)
        return back

    def subscription(self, company: Company) -> Any:
        """Return the company's newest subscription as Stripe has it."""
        customer = self.customer(company)
        return self.api.subscriptions.list({"customer": customer, "status": "all"}).data[0]

    def customer(self, company: Company) -> str | None:
        from saas.billing import accounts

        return inside(self.app, company, lambda: getattr(accounts.current(), "customer", None))

    def use_card(self, company: Company, card: str) -> None:
        """Make a card the one that is charged next, such as one that fails."""
        customer = self.customer(company)
        bad = self.api.payment_methods.attach(card, {"customer": customer})
        self.api.customers.update(customer, {"invoice_settings": {"default_payment_method": bad.id}})
        self.api.subscriptions.update(self.subscription(company).id, {"default_payment_method": bad.id})

    def put_on_clock(self, company: Company) -> str:
        """Make the company a customer that lives on a test clock, and return the clock."""
        from saas.billing import accounts

        clock = self.api.test_helpers.test_clocks.create({"frozen_time": START}).id
        customer = self.api.customers.create({"email": company.email, "name": "Test Company", "test_clock": clock}).id
        inside(self.app, company, lambda: accounts.attach(accounts.hold(), customer))
        return clock

    def pass_to(self, clock: str, moment: int) -> None:
        now = self.api.test_helpers.test_clocks.retrieve(clock).frozen_time
        while now < moment:
            now = min(moment, now + 50 * DAY)
            self.api.test_helpers.test_clocks.advance(clock, {"frozen_time": now})


class _StayInside(urllib.request.HTTPRedirectHandler):
    """Follows redirects within the stand-in and stops where one leads out of it."""

    def __init__(self, base: str):
        self.base = base

    def redirect_request(self, request, file, code, message, headers, target):
        target = urllib.parse.urljoin(request.full_url, target)
        return urllib.request.Request(target) if target.startswith(self.base) else None


def _words(page: bytes) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.decode("utf-8", "replace"))).replace("&#39;", "'")


def inside(app: Any, company: Company, act: Any) -> Any:
    """Run something in a unit of work of the company's."""
    from saas.kit import work

    with app.app_context(), work.unit(tenant_id=company.tenant_id):
        return act()


def path_of(url: str) -> str:
    """Return the path and query of one of our own addresses, for the test client."""
    parts = urllib.parse.urlsplit(url)
    return parts.path + (f"?{parts.query}" if parts.query else "")


@pytest.fixture(scope="session")
def _box(tmp_path_factory) -> Iterator[Box]:
    """One stand-in for all tests of a process: starting and stopping one took half of what a test took."""
    box = Box(state=":memory:").start(watching=False)
    yield box
    box.stop()


@pytest.fixture
def payments(app, _box, monkeypatch) -> Iterator[Payments]:
    """The stand-in with nothing in it, and our settings pointed at it."""
    _box.empty(rules=Rules(retry_days=(3, 4), after_dunning="unpaid"))
    monkeypatch.setenv("STRIPE_API_BASE", _box.url)
    monkeypatch.setenv("STRIPE_WEBHOOK_SECRET", "whsec_only_for_these_tests")
    config.get.cache_clear()
    yield Payments(app, _box, "whsec_only_for_these_tests", _client(_box.url))
    monkeypatch.undo()
    config.get.cache_clear()


@lru_cache(maxsize=2)
def _client(url: str) -> Any:
    bases = dict.fromkeys(("api", "connect", "files", "meter_events"), url)
    return stripe.StripeClient("sk_test_tests", base_addresses=bases, max_network_retries=0).v1


@pytest.fixture
def free_company(app) -> Company:
    """A company on the free plan, as sign-up leaves it."""
    return found_company(app, plan="free")
