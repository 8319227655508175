"""A shop's own account at Stripe's stand-in for tests, and a company that is connected to it."""

from __future__ import annotations

import copy
import json
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import pytest
import stripe

from saas import config
from saas.commerce import payment_accounts, payments_past
from saas.kit import work
from sandbox.stripe import answers
from sandbox.stripe.lifecycle import balance, returning
from sandbox.stripe.server import Box
from sandbox.stripe.shops import Shop
from tests.companies import Company, drain_outbox

CONNECT_SECRET = "whsec_of_the_platform"


@dataclass
class Till:
    """An account's world, Stripe's library to pay in it, and its events, handed over when the test wants."""

    app: Any
    box: Box
    shop: Shop
    api: Any
    handed: set[str] = field(default_factory=set)

    def pay(self, amount: int = 4900, currency: str = "eur", card: str = "pm_card_visa", **more: Any) -> str:
        """Make a payment and return its key; one that the bank declines stays as declined."""
        try:
            given = {"amount": amount, "currency": currency, "payment_method": card, "confirm": True, **more}
            return self.api.payment_intents.create(given).id
        except stripe.CardError as error:
            return error.error.payment_intent.id

    def refund(self, payment: str, amount: int | None = None) -> str:
        return self.api.refunds.create({"payment_intent": payment, **({"amount": amount} if amount else {})}).id

    def pay_out(self, currency: str = "eur", **more: Any) -> str:
        with self.shop.world.turn():
            return balance.pay_out(self.shop.world, currency=currency, **more)["id"]

    def settle(self, dispute: str, status: str) -> None:
        with self.shop.world.turn():
            returning.settle_dispute(self.shop.world, dispute=self.shop.world.one("dispute", dispute), status=status)

    def dispute_of(self, payment: str) -> str:
        return self.api.disputes.list({"payment_intent": payment}).data[0].id

    def events(self) -> list[dict]:
        """Return the events that were not handed over yet, oldest first."""
        world = self.shop.world
        with world.lock:
            found = [event for event in world.store.find("event") if event["id"] not in self.handed]
            return copy.deepcopy([answers.present(world, event) for event in found])

    def hand(self, event: dict, address: str, secret: str, *, at: int | None = None) -> Any:
        """Deliver one event as Stripe would and return our answer."""
        body = json.dumps(event)
        self.handed.add(event["id"])
        signed = stripe.WebhookSignature.generate_signature_header(body, secret, at)
        return self.app.test_client().post(address, data=body, headers={"Stripe-Signature": signed})

    def hand_all(self, company: Company, account: UUID, *, events: list[dict] | None = None) -> None:
        """Deliver what happened and have it taken."""
        address, secret = way_to(self.app, company, account)
        for event in self.events() if events is None else events:
            assert self.hand(event, address, secret).status_code == 200
        drain_outbox(self.app, company)

    def fetch(self, company: Company, account: UUID, *, rounds: int = 20) -> None:
        """Fetch until all is here, as though the pauses between had passed."""
        with self.app.app_context():
            for _round in range(rounds):
                if not payments_past.advance(company.tenant_id, account):
                    return
                with work.unit(tenant_id=company.tenant_id):
                    held = payment_accounts.one(account, lock=True)
                    held.backfill = {**held.backfill, "leased_until": None}


def way_to(app: Any, company: Company, account: UUID) -> tuple[str, str]:
    """Return where an account's events go and what they are signed with."""
    with app.app_context(), work.unit(tenant_id=company.tenant_id):
        held = payment_accounts.one(account)
        if held.way == "consent":
            return "/hooks/payments", CONNECT_SECRET
        return f"/hooks/payments/{held.hook_token}", payment_accounts.hook_secret(held)


def connect(app: Any, company: Company, key: str) -> UUID:
    """Connect a company by a key, and return the account's id."""
    with app.app_context():
        tried = payment_accounts.try_key(key)
        with work.unit(tenant_id=company.tenant_id):
            return payment_accounts.enter(tried).id


@pytest.fixture(scope="session")
def _till_box():
    """One stand-in for all tests of a process."""
    box = Box(state=":memory:").start(watching=False)
    yield box
    box.stop()


@pytest.fixture
def till(app, _till_box, monkeypatch):
    """An account with nothing in it, and our settings pointed at it."""
    _till_box.empty()
    monkeypatch.setenv("STRIPE_API_BASE", _till_box.url)
    monkeypatch.setenv("STRIPE_CLIENT_ID", "ca_regulars")
    monkeypatch.setenv("STRIPE_CONNECT_WEBHOOK_SECRET", CONNECT_SECRET)
    config.get.cache_clear()
    shop = _till_box.open_shop()
    bases = dict.fromkeys(("api", "connect", "files", "meter_events"), _till_box.url)
    api = stripe.StripeClient(shop.key(), base_addresses=bases, max_network_retries=0).v1
    yield Till(app, _till_box, shop, api)
    monkeypatch.undo()
    config.get.cache_clear()


@pytest.fixture
def account(app, company, till):
    """The id of the account, connected to the company by a key."""
    return connect(app, company, till.shop.key())
