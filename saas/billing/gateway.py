"""The one file that speaks to Stripe (or, where STRIPE_API_BASE says so, to its stand-in), through Stripe's own library.

It takes and gives plain values. Whatever goes wrong becomes a refusal a person can read; what was asked with a key of
ours may be asked again and happens once (docs.stripe.com/api/idempotent_requests).
"""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urljoin, urlsplit

from saas import config
from saas.billing import snapshots
from saas.billing.plans import PLANS, Plan
from saas.kit import clock, errors, http_out
from saas.kit.text import gettext as _

if TYPE_CHECKING:  # the library takes a while to import, and most processes never speak to Stripe
    import stripe

log = logging.getLogger("regulars.stripe")
API_VERSION = "2026-10-28.endive"
TIMEOUT = (3.05, 10)  # seconds to connect, and to wait for an answer; asked twice, a page waits half a minute at worst
RETRIES = 1
TOLERANCE = 300  # seconds between our clock and a webhook's signature, into the past and into the future
SEEN_IN_FULL = [
    "default_payment_method", "customer.invoice_settings.default_payment_method", "discounts.source.coupon",
]  # fmt: skip


class StripeAway(errors.Unavailable):
    """Stripe does not answer, or not us. What was asked may or may not have happened; asking again is safe."""

    code = "payments_unavailable"
    message = "Payments do not answer right now. Try again in a moment; nothing is charged twice."


class Declined(errors.Refusal):
    """The bank refuses the card."""

    status, code, message = 402, "card_declined", "The card was declined."


class StripeRefused(errors.Conflict):
    """Stripe does not do this; the log says why."""

    code = "payment_refused"
    message = "The payment service refused this. Look at the plan's page to see how things stand."


class NotAtStripe(errors.NotFound):
    """Stripe has no such object, or no longer."""


class BadSignature(errors.Refusal):
    """A webhook that Stripe did not sign, or too long ago, or in the future."""

    status, code, message = 401, "bad_signature", "The signature is wrong or too old."


class WrongMode(errors.Refusal):
    """A test event reached the live service, or the other way round."""

    status, code, message = 400, "wrong_mode", "This event is of the other mode, test or live."


@dataclass(frozen=True)
class Told:
    """What a webhook says: which object to ask for, and whose it is. Nothing else of it is believed."""

    event: str
    kind: str
    happened_at: datetime
    object_id: str
    customer: str | None
    subscription: str | None
    charge: str | None
    checkout: str | None


@lru_cache(maxsize=4)
def _client(key: str, base: str) -> stripe.StripeClient:
    import stripe

    stripe.enable_telemetry = False
    bases = dict.fromkeys(("api", "connect", "files", "meter_events"), base.rstrip("/")) if base else {}
    return stripe.StripeClient(
        key, stripe_version=API_VERSION, base_addresses=bases, max_network_retries=RETRIES,
        http_client=stripe.RequestsClient(timeout=TIMEOUT),
    )  # fmt: skip


@contextmanager
def _asking() -> Iterator[Any]:
    """Yield version 1 of the API; raises our refusals in place of Stripe's errors."""
    import stripe

    settings = config.get()
    try:
        yield _client(settings.stripe_secret_key, settings.stripe_api_base).v1
    except stripe.CardError as error:
        raise Declined(error.user_message or _(Declined.message)) from error
    except (stripe.AuthenticationError, stripe.PermissionError) as error:
        log.error("our key is refused: %s", error)
        raise StripeAway(_(StripeAway.message)) from error
    except stripe.InvalidRequestError as error:
        log.warning("refused: %s (%s, %s)", error, error.code, error.param)
        raise (
            NotAtStripe() if error.code == "resource_missing" else StripeRefused(_(StripeRefused.message))
        ) from error
    except (stripe.APIConnectionError, stripe.RateLimitError, stripe.APIError) as error:
        log.warning("no answer: %s", error)
        raise StripeAway(_(StripeAway.message)) from error
    except stripe.StripeError as error:
        log.error("%s: %s", type(error).__name__, error)
        raise StripeRefused(_(StripeRefused.message)) from error


def live() -> bool:
    """Tell whether our key moves real money."""
    return config.get().stripe_secret_key.startswith(("sk_live_", "rk_live_"))


def _ours(found: Any) -> Any:
    """Refuse an object of the other mode: a test key that was swapped for a live one must not mix two worlds."""
    if bool(found.get("livemode")) != live():
        log.error("%s is of the other mode, test or live", found.get("id"))
        raise WrongMode
    return found


def product_of(plan: Plan) -> str:
    """Return the product's id at Stripe, which is of our choice, so that a plan is found from any of its prices."""
    return f"regulars_{plan.key}"


def plan_of(product: str) -> Plan | None:
    """Return the plan that a product of Stripe's stands for."""
    return PLANS.get(product.removeprefix("regulars_")) if product.startswith("regulars_") else None


def price(plan: Plan) -> str:
    """Return the id of the plan's price, made where it is missing; another amount takes over the lookup key."""
    with _asking() as api:
        found = api.prices.list({"lookup_keys": [plan.lookup_key], "active": True}).data
        if found and (found[0].unit_amount, found[0].currency.upper()) == (plan.amount, plan.currency):
            return found[0].id
        if not found:
            _make_product(api, plan)
        wanted = {
            "product": product_of(plan), "currency": plan.currency.lower(), "unit_amount": plan.amount,
            "recurring": {"interval": "month"}, "lookup_key": plan.lookup_key, "transfer_lookup_key": True,
        }  # fmt: skip
        return api.prices.create(wanted, {"idempotency_key": _key("price", wanted)}).id


def seat_price(plan: Plan) -> str:
    """Return the id of the price of one person more, made where it is missing."""
    key = f"{snapshots.SEAT_PRODUCT}_{plan.key}_monthly"
    with _asking() as api:
        found = api.prices.list({"lookup_keys": [key], "active": True}).data
        if found and (found[0].unit_amount, found[0].currency.upper()) == (plan.seat_amount, plan.currency):
            return found[0].id
        _make_product_once(api, snapshots.SEAT_PRODUCT, "Regulars: one more person")
        wanted = {
            "product": snapshots.SEAT_PRODUCT, "currency": plan.currency.lower(), "unit_amount": plan.seat_amount,
            "recurring": {"interval": "month"}, "lookup_key": key, "transfer_lookup_key": True,
        }  # fmt: skip
        return api.prices.create(wanted, {"idempotency_key": _key("price", wanted)}).id


def _make_product(api: Any, plan: Plan) -> None:
    _make_product_once(api, product_of(plan), f"Regulars {plan.name}")


def _make_product_once(api: Any, product: str, name: str) -> None:
    import stripe

    try:
        api.products.create({"id": product, "name": name})
    except stripe.InvalidRequestError as error:
        if error.code != "resource_already_exists":
            raise


def _key(kind: str, wanted: dict[str, Any]) -> str:
    """Return the idempotency key of something that is made once for all companies."""
    return f"{kind}:{hashlib.sha256(json.dumps(wanted, sort_keys=True).encode()).hexdigest()}"


def make_customer(*, account: str, name: str, email: str, asked_at: datetime) -> str:
    """Return the id of the customer of one of our accounts, which is made where it is missing.

    Made with the account alone, for a key must not come twice with different values; Stripe forgets keys after a day, so
    a question asked long ago is looked up first.
    """
    with _asking() as api:
        old = clock.now() - asked_at > timedelta(hours=20)
        known = api.customers.search({"query": f'metadata["account"]:"{account}"'}).data if old else []
        made = known[0] if known else api.customers.create(
            {"metadata": {"account": account}}, {"idempotency_key": f"customer:{account}"}
        )  # fmt: skip
        return api.customers.update(made.id, {"name": name, "email": email}).id


def open_checkout(
    *, key: str, customer: str, plan: Plan, success_url: str, cancel_url: str, locale: str, trial_days: int = 0
) -> snapshots.Session:
    """Open a page on which the customer subscribes to a plan; the same `key` gives the same page.

    A trial asks for no card, and ends by itself where none was given until then.
    """
    given = {
        "mode": "subscription", "customer": customer, "client_reference_id": key, "locale": locale,
        "line_items": [{"price": price(plan), "quantity": 1}], "success_url": success_url, "cancel_url": cancel_url,
        "customer_update": {"address": "auto", "name": "auto"}, "billing_address_collection": "required",
        "tax_id_collection": {"enabled": True}, "allow_promotion_codes": True,
    }  # fmt: skip
    if trial_days:
        ending = {"end_behavior": {"missing_payment_method": "cancel"}}
        given |= {
            "payment_method_collection": "if_required",
            "subscription_data": {"trial_period_days": trial_days, "trial_settings": ending},
        }
    with _asking() as api:
        made = api.checkout.sessions.create(given, {"idempotency_key": f"checkout:{key}:{_key('as', given)}"[:255]})
        return snapshots.session(made.to_dict())


def open_pages(customer: str) -> list[snapshots.Session]:
    """Return the customer's pages that can be paid on now: also one whose opening we never heard the answer of."""
    with _asking() as api:
        found = api.checkout.sessions.list({"customer": customer, "status": "open", "limit": 100}).data
        return [snapshots.session(one.to_dict()) for one in found]


def checkout(stripe_id: str) -> snapshots.Session:
    """Ask for a checkout page as it is now; raises NotAtStripe."""
    with _asking() as api:
        return snapshots.session(api.checkout.sessions.retrieve(stripe_id).to_dict())


def close_checkout(stripe_id: str) -> snapshots.Session:
    """Close a page nobody shall pay on any more, and return how it stands: complete when somebody was faster."""
    try:
        with _asking() as api:
            return snapshots.session(api.checkout.sessions.expire(stripe_id).to_dict())
    except StripeRefused:
        return checkout(stripe_id)


def portal_url(*, customer: str, return_url: str, locale: str, change: tuple[str, str, Plan] | None = None) -> str:
    """Return a way into the Billing Portal.

    `change` (subscription, its item, the plan wanted) leads straight to the page that says what the change costs today.
    """
    given: dict[str, Any] = {
        "customer": customer,
        "return_url": return_url,
        "locale": locale,
        "configuration": _portal(),
    }
    if change is not None:
        subscription, item, plan = change
        confirm = {"subscription": subscription, "items": [{"id": item, "price": price(plan), "quantity": 1}]}
        given["flow_data"] = {
            "type": "subscription_update_confirm", "subscription_update_confirm": confirm,
            "after_completion": {"type": "redirect", "redirect": {"return_url": return_url}},
        }  # fmt: skip
    with _asking() as api:
        return api.billing_portal.sessions.create(given).url


def _portal() -> str:
    """Return the portal's configuration, made where it is missing: cards, invoices, plans, and ending at a period's end."""
    products = [{"product": product_of(plan), "prices": [price(plan)]} for plan in PLANS.values() if plan.amount]
    features = {
        "customer_update": {"enabled": True, "allowed_updates": ["email", "name", "address", "tax_id"]},
        "invoice_history": {"enabled": True}, "payment_method_update": {"enabled": True},
        "subscription_cancel": {"enabled": True, "mode": "at_period_end"},
        "subscription_update": {"enabled": True, "default_allowed_updates": ["price"], "products": products,
                                "proration_behavior": "always_invoice"},
    }  # fmt: skip
    mark = _key("portal", features)
    with _asking() as api:
        for found in api.billing_portal.configurations.list({"active": True, "limit": 100}).auto_paging_iter():
            if found.to_dict()["metadata"].get("regulars") == mark[-40:]:
                return found.id
        given = {"features": features, "metadata": {"regulars": mark[-40:]}}
        return api.billing_portal.configurations.create(given, {"idempotency_key": mark}).id


def subscription(stripe_id: str) -> snapshots.Subscription:
    """Ask for a subscription as it is now; raises NotAtStripe."""
    with _asking() as api:
        found = api.subscriptions.retrieve(stripe_id, {"expand": SEEN_IN_FULL})
        return snapshots.subscription(_ours(found.to_dict()))


def subscriptions_of(customer: str) -> list[str]:
    """Return the ids of all subscriptions a customer ever had, the newest first."""
    with _asking() as api:
        return [one.id for one in api.subscriptions.list({"customer": customer, "status": "all", "limit": 100}).data]


def all_subscriptions() -> Iterator[snapshots.Subscription]:
    """Yield every subscription that has not ended, of all companies, a hundred in each question."""
    with _asking() as api:
        given = {"limit": 100, "expand": ["data.discounts.source.coupon"]}
        for one in api.subscriptions.list(given).auto_paging_iter():
            yield snapshots.subscription(one.to_dict())


def now_of(stripe_id: str) -> datetime:
    """Return the time a subscription lives in: ours, or in test mode that of its test clock, which changes are dated by."""
    if live():
        return clock.now()
    with _asking() as api:
        found = api.subscriptions.retrieve(stripe_id, {"expand": ["test_clock"]}).to_dict()
    held = found.get("test_clock")
    return snapshots.moment(held["frozen_time"]) if isinstance(held, dict) else clock.now()


def preview(stripe_id: str, *, items: list[dict[str, Any]], at: datetime) -> snapshots.Preview:
    """Return what a change of these items would cost at a moment; nothing is changed by asking."""
    details = {"items": items, "proration_behavior": "always_invoice", "proration_date": int(at.timestamp())}
    with _asking() as api:
        found = api.invoices.create_preview({"subscription": stripe_id, "subscription_details": details})
        return snapshots.preview(found.to_dict())


def change(stripe_id: str, *, items: list[dict[str, Any]], at: datetime, key: str) -> None:
    """Change a subscription to exactly these items and charge the difference at once; raises Declined and changes nothing
    when the bank refuses or asks its holder. Quantities are set, never added to, so asking twice is the same."""
    given = {
        "items": items, "proration_behavior": "always_invoice", "proration_date": int(at.timestamp()),
        "payment_behavior": "error_if_incomplete",
    }  # fmt: skip
    with _asking() as api:
        api.subscriptions.update(stripe_id, given, {"idempotency_key": f"change:{key}:{_key('as', given)}"[:255]})


def redeem(stripe_id: str, *, code: str) -> bool:
    """Give a subscription the discount of a promotion code; False when there is no such code now."""
    with _asking() as api:
        found = api.promotion_codes.list({"code": code, "active": True, "limit": 1}).data
        if not found:
            return False
        api.subscriptions.update(stripe_id, {"discounts": [{"promotion_code": found[0].id}]})
        return True


def pdf(url: str) -> bytes:
    """Fetch an invoice's PDF from Stripe, or its stand-in, and from nobody else; raises StripeAway."""
    for _hop in range(3):
        if not _is_stripes(url):
            log.error("a PDF at %s is not Stripe's", urlsplit(url).hostname)
            break
        try:
            answer = http_out.call("GET", url)
        except http_out.Unreachable as error:
            raise StripeAway(_(StripeAway.message)) from error
        if answer.status == 200 and answer.body.startswith(b"%PDF-"):
            return answer.body
        url = urljoin(url, answer.headers.get("Location", ""))
    raise StripeAway(_(StripeAway.message))


def _is_stripes(url: str) -> bool:
    parts, base = urlsplit(url), urlsplit(config.get().stripe_api_base)
    host = parts.hostname or ""
    return (bool(base.netloc) and parts.netloc == base.netloc) or (
        parts.scheme == "https" and host.endswith(".stripe.com")
    )


def end_at_period_end(stripe_id: str, *, end: bool) -> None:
    """Let a subscription end with the period that is paid, or take that back."""
    with _asking() as api:
        api.subscriptions.update(stripe_id, {"cancel_at_period_end": end})


def end_now(stripe_id: str) -> None:
    """End a subscription at once, with nothing given back: it is not paid."""
    with _asking() as api:
        api.subscriptions.cancel(stripe_id)


def invoice(stripe_id: str) -> snapshots.Invoice:
    """Ask for an invoice as it is now; raises NotAtStripe."""
    with _asking() as api:
        found = api.invoices.retrieve(stripe_id, {"expand": ["payments.data.payment.payment_intent"]})
        return snapshots.invoice(_ours(found.to_dict()))


def charge(stripe_id: str) -> snapshots.Charge:
    with _asking() as api:
        return snapshots.charge(api.charges.retrieve(stripe_id).to_dict())


def invoices_paid_by(payment_intent: str) -> list[str]:
    """Return the ids of the invoices that a payment paid."""
    with _asking() as api:
        given = {"payment": {"type": "payment_intent", "payment_intent": payment_intent}}
        found = api.invoice_payments.list(given).to_dict()["data"]
        return [invoice_id for one in found if (invoice_id := snapshots.reference(one["invoice"]))]


def dispute_status(stripe_id: str) -> str:
    with _asking() as api:
        return api.disputes.retrieve(stripe_id).status


def read_event(raw: bytes, signature: str) -> Told:
    """Read a webhook; raises BadSignature, errors.Unreadable, or WrongMode.

    The library lets a signature from the future pass, so the time is checked here on both sides.
    """
    import stripe

    try:
        body = raw.decode()
        stripe.WebhookSignature.verify_header(body, signature, config.get().stripe_webhook_secret, tolerance=None)
        at = int(next(part[2:] for part in signature.split(",") if part.startswith("t=")))
    except UnicodeDecodeError:
        raise errors.Unreadable(_("The body is not UTF-8 text.")) from None
    except (stripe.SignatureVerificationError, StopIteration, ValueError):
        raise BadSignature from None
    if abs(clock.now().timestamp() - at) > TOLERANCE:
        raise BadSignature
    try:
        return _told(json.loads(body))
    except (ValueError, KeyError, TypeError, AttributeError, OverflowError):
        raise errors.Unreadable(_("The body is not an event of Stripe's.")) from None


def _told(event: dict[str, Any]) -> Told:
    if bool(event["livemode"]) != live():
        raise WrongMode
    found = event["data"]["object"]
    kind, is_a = event["type"], found["object"]
    parent = (found.get("parent") or {}).get("subscription_details") or {} if is_a == "invoice" else found
    subscription_id = found["id"] if is_a == "subscription" else snapshots.reference(parent.get("subscription"))
    charge_id = found["id"] if is_a == "charge" else snapshots.reference(found.get("charge"))
    return Told(
        event=event["id"], kind=kind, happened_at=snapshots.moment(event["created"]), object_id=str(found.get("id") or ""),
        customer=found["id"] if is_a == "customer" else snapshots.reference(found.get("customer")),
        subscription=subscription_id, charge=charge_id,
        checkout=found.get("client_reference_id") if is_a == "checkout.session" else None,
    )  # fmt: skip
