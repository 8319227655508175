"""A company's own account at Stripe: read only, by a restricted key of theirs or by their consent to our platform.

We charge nobody and give nothing back here. With a key, all calls are made with it; with consent, with the platform's own key and
the account named in each call. Beside the billing of our own plans this is the one file that speaks to Stripe's library.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

from saas import config
from saas.commerce.connectors import stripe_shapes as shapes
from saas.commerce.connectors.past import StoreBusy, StoreRefused
from saas.kit import clock, errors
from saas.kit.text import gettext as _

if TYPE_CHECKING:  # the library takes a while to import, and most processes never speak to Stripe
    import stripe

log = logging.getLogger("regulars.payments")
API_VERSION = "2026-10-28.endive"
TIMEOUT = (3.05, 15)
TOLERANCE = 300
AFTER_TROUBLE = 60.0
MANY = 100
READS = {
    "payments": ("payment_intents", "rak_payment_intent_read"), "charges": ("charges", "rak_charge_read"),
    "refunds": ("refunds", "rak_refund_read"), "disputes": ("disputes", "rak_dispute_read"),
    "payouts": ("payouts", "rak_payout_read"), "lines": ("balance_transactions", "rak_balance_transaction_read"),
    "webhooks": ("webhook_endpoints", "rak_webhook_write"),
}  # fmt: skip
"""What is read: its name here, the list it is in, and the permission a restricted key needs for it."""
FIRST_NEEDED = ("payments", "charges")
EVENTS = (
    "payment_intent.succeeded", "payment_intent.payment_failed", "payment_intent.canceled", "payment_intent.processing",
    "payment_intent.amount_capturable_updated", "charge.succeeded", "charge.failed", "charge.captured", "charge.updated", "charge.refunded",
    "refund.created", "refund.updated", "refund.failed", "charge.dispute.created", "charge.dispute.updated", "charge.dispute.closed",
    "charge.dispute.funds_withdrawn", "charge.dispute.funds_reinstated", "payout.created", "payout.updated", "payout.paid", "payout.failed",
    "payout.canceled", "payout.reconciliation_completed",
)  # fmt: skip
SEEN = ["latest_charge.balance_transaction"]
KEY = re.compile(r"(rk|sk)_(test|live)_[A-Za-z0-9_]{4,240}")
ACCOUNT = re.compile(r"acct_[A-Za-z0-9]{4,60}")


class NotAtStripe(errors.NotFound):
    """Stripe has no such object, or no longer."""


class KeyRefused(StoreRefused):
    """Stripe does not take the key (any more), or what it may do is not enough."""

    code = "key_refused"

    def __init__(self, message: str, *, lacks: str = "") -> None:
        super().__init__(message)
        self.lacks = lacks


class BadSignature(errors.Refusal):
    """A webhook that Stripe did not sign with this account's secret, or too long ago, or in the future."""

    status, code, message = 401, "bad_signature", "The signature is wrong or too old."


@dataclass(frozen=True)
class Way:
    """How an account is read: with a key of its own, or with the platform's key in the account's name."""

    key: str
    account: str | None = None

    @property
    def options(self) -> dict[str, str]:
        return {"stripe_account": self.account} if self.account else {}


@dataclass(frozen=True)
class About:
    """What Stripe says of an account."""

    account: str
    name: str
    country: str
    currency: str


@dataclass(frozen=True)
class Told:
    """What a webhook says: which object of which account to ask for. Nothing else of it is believed."""

    event: str
    kind: str
    account: str
    about: str
    object_id: str
    happened_at: datetime
    live: bool


@dataclass(frozen=True)
class Page:
    """Some of an account's past, newest first; `after` says where to go on, "" at its end."""

    found: list[dict[str, Any]]
    after: str


def offered() -> bool:
    """Tell whether the house is a platform at Stripe, so that accounts may be connected by consent."""
    settings = config.get()
    return bool(settings.stripe_client_id and settings.stripe_connect_webhook_secret)


def by_consent(account: str) -> Way:
    """Return the way into an account whose owner agreed."""
    return Way(config.get().stripe_secret_key, account)


def is_live(key: str) -> bool:
    return "_live_" in key[:8]


@lru_cache(maxsize=64)
def _client(key: str, base: str) -> stripe.StripeClient:
    import stripe

    stripe.enable_telemetry = False
    bases = dict.fromkeys(("api", "connect", "files", "meter_events"), base.rstrip("/")) if base else {}
    return stripe.StripeClient(
        key, stripe_version=API_VERSION, base_addresses=bases, max_network_retries=0, http_client=stripe.RequestsClient(timeout=TIMEOUT)
    )  # fmt: skip


def _whole(key: str) -> stripe.StripeClient:
    return _client(key, config.get().stripe_api_base)


@contextmanager
def _asking(way: Way) -> Iterator[Any]:
    """Yield version 1 of the API; raises KeyRefused, StoreBusy, NotAtStripe or StoreRefused in place of Stripe's errors."""
    import stripe

    try:
        yield _whole(way.key).v1
    except stripe.PermissionError as error:
        named = re.search(r"rak_\w+", str(error.user_message or ""))
        raise KeyRefused(_said(error, _("Stripe does not let us read this.")), lacks=named.group() if named else "") from error  # fmt: skip
    except stripe.AuthenticationError as error:
        raise KeyRefused(_("Stripe does not accept this key. Was it copied whole, and is it still there?")) from error
    except stripe.RateLimitError as error:
        raise StoreBusy(_("Stripe asks us to wait a moment."), seconds=_pause(error.headers), quiet=True) from error
    except stripe.InvalidRequestError as error:
        if error.code == "resource_missing":
            raise NotAtStripe from error
        log.warning("refused: %s (%s, %s)", error, error.code, error.param)
        raise StoreRefused(_said(error, _("Stripe refuses this."))) from error
    except (stripe.APIConnectionError, stripe.APIError) as error:
        log.warning("no answer: %s", error)
        raise StoreBusy(_("Stripe does not answer right now."), seconds=_pause(error.headers, AFTER_TROUBLE)) from error
    except stripe.StripeError as error:
        log.error("%s: %s", type(error).__name__, error)
        raise StoreRefused(_("Stripe refuses this.")) from error


def _said(error: stripe.StripeError, sentence: str) -> str:
    log.info("%s", error)
    return sentence


def _pause(headers: Mapping[str, str] | None, otherwise: float = 5.0) -> float:
    """Return how long Stripe wants to be left alone."""
    given = {str(name).lower(): str(value) for name, value in (headers or {}).items()}.get("retry-after", "")
    return min(max(float(given), 1.0), 3600.0) if re.fullmatch(r"\d{1,6}(\.\d+)?", given) else otherwise


def about(way: Way) -> About:
    """Return what account this is; raises KeyRefused or StoreBusy."""
    with _asking(way) as api:
        found = api.accounts.retrieve_current(None, way.options).to_dict()
    profile, settings = found.get("business_profile") or {}, (found.get("settings") or {}).get("dashboard") or {}
    name = profile.get("name") or settings.get("display_name") or found.get("email") or found["id"]
    return About(str(found["id"]), str(name)[:120], str(found.get("country") or ""), str(found.get("default_currency") or "").upper())  # fmt: skip


def lacking(way: Way, *, webhooks: bool) -> list[str]:
    """Return the permissions that are missing, by their name in READS, having tried each one; raises StoreBusy."""
    found = []
    for name, (where, _permission) in READS.items():
        if name == "webhooks" and not webhooks:
            continue
        try:
            with _asking(way) as api:
                getattr(api, where).list({"limit": 1}, way.options)
        except KeyRefused:
            found.append(name)
    return found


def make_endpoint(way: Way, *, url: str) -> tuple[str, str]:
    """Have Stripe tell us things at an address; returns its id and the secret it signs with. Raises KeyRefused or StoreRefused."""
    given = {"url": url, "enabled_events": list(EVENTS), "api_version": API_VERSION, "description": "Regulars"}
    with _asking(way) as api:
        made = api.webhook_endpoints.create(given, way.options)
        return made.id, made.secret


def drop_endpoint(way: Way, endpoint: str) -> None:
    """Have Stripe tell us nothing more at an address."""
    with _asking(way) as api:
        api.webhook_endpoints.delete(endpoint, None, way.options)


def endpoint_alive(way: Way, endpoint: str) -> bool:
    """Tell whether Stripe still tells us things, having switched the address on again where it was switched off."""
    try:
        with _asking(way) as api:
            found = api.webhook_endpoints.retrieve(endpoint, None, way.options)
            if found.status != "enabled":
                api.webhook_endpoints.update(endpoint, {"disabled": False}, way.options)
            return True
    except NotAtStripe:
        return False


def payment(way: Way, key: str) -> dict[str, Any]:
    """Ask for a payment as it is now: an intent, or a charge made without one. Raises NotAtStripe."""
    with _asking(way) as api:
        if key.startswith("pi_"):
            return shapes.payment(api.payment_intents.retrieve(key, {"expand": SEEN}, way.options).to_dict())
        return shapes.payment(api.charges.retrieve(key, {"expand": ["balance_transaction"]}, way.options).to_dict())


def payment_of_charge(way: Way, charge: str) -> str:
    """Return the key of the payment a charge is a try at."""
    with _asking(way) as api:
        found = api.charges.retrieve(charge, None, way.options).to_dict()
    return shapes.key_of(found.get("payment_intent")) or charge


def refund(way: Way, key: str) -> dict[str, Any]:
    with _asking(way) as api:
        return shapes.refund(api.refunds.retrieve(key, None, way.options).to_dict())


def dispute(way: Way, key: str) -> dict[str, Any]:
    with _asking(way) as api:
        return shapes.dispute(api.disputes.retrieve(key, None, way.options).to_dict())


def payout(way: Way, key: str) -> dict[str, Any]:
    with _asking(way) as api:
        return shapes.payout(api.payouts.retrieve(key, None, way.options).to_dict())


def payout_lines(way: Way, key: str, *, after: str = "") -> tuple[list[dict[str, Any]], str]:
    """Return some of what a payout is made of, and where to go on. Stripe tells it of automatic payouts only."""
    given = {"payout": key, "limit": MANY, **({"starting_after": after} if after else {})}
    with _asking(way) as api:
        found = api.balance_transactions.list(given, way.options).to_dict()
    rows = [shapes.line(one) for one in found["data"]]
    return rows, rows[-1]["key"] if found.get("has_more") and rows else ""


LISTED: dict[str, tuple[str, Sequence[str]]] = {
    "payments": ("payment_intents", ["data.latest_charge.balance_transaction"]), "charges": ("charges", ["data.balance_transaction"]),
    "refunds": ("refunds", ()), "disputes": ("disputes", ()), "payouts": ("payouts", ()),
}  # fmt: skip


def page(way: Way, kind: str, *, after: str = "", since: datetime | None = None) -> Page:
    """Return some of an account's past as Stripe has it, newest first; raises StoreBusy when it wants to be left alone."""
    where, seen = LISTED[kind]
    given: dict[str, Any] = {"limit": MANY, **({"starting_after": after} if after else {}), **({"expand": list(seen)} if seen else {})}  # fmt: skip
    if since is not None:
        given["created"] = {"gte": int(since.timestamp())}
    with _asking(way) as api:
        found = getattr(api, where).list(given, way.options).to_dict()
    data = found["data"]
    return Page(data, shapes.key_of(data[-1]) if found.get("has_more") and data else "")


def read_event(raw: bytes, signature: str, secrets: Sequence[str]) -> Told:
    """Read a webhook signed with one of these secrets; raises BadSignature or errors.Unreadable.

    The library lets a signature from the future pass, so the time is checked here on both sides.
    """
    import stripe

    try:
        body = raw.decode()
    except UnicodeDecodeError:
        raise errors.Unreadable(_("The body is not UTF-8 text.")) from None
    if not any(_signed(stripe, body, signature, secret) for secret in secrets):
        raise BadSignature
    try:
        return _told(json.loads(body))
    except (ValueError, KeyError, TypeError, AttributeError, shapes.Unmappable):
        raise errors.Unreadable(_("The body is not an event of Stripe's.")) from None


def _signed(library: Any, body: str, signature: str, secret: str) -> bool:
    try:
        library.WebhookSignature.verify_header(body, signature, secret, tolerance=None)
        at = int(next(part[2:] for part in signature.split(",") if part.startswith("t=")))
    except (library.SignatureVerificationError, StopIteration, ValueError):
        return False
    return abs(clock.now().timestamp() - at) <= TOLERANCE


def _told(event: dict[str, Any]) -> Told:
    found = event["data"]["object"]
    about, object_id = str(found["object"]), str(found.get("id") or "")
    if about == "charge" and found.get("payment_intent"):
        about, object_id = "payment_intent", shapes.key_of(found["payment_intent"])
    return Told(
        event=str(event["id"])[:200], kind=str(event["type"])[:100], account=str(event.get("account") or "")[:100], about=about[:60],
        object_id=object_id[:200], happened_at=shapes.moment(event["created"]), live=bool(event["livemode"]),
    )  # fmt: skip


def consent_address(*, state: str, return_url: str) -> str:
    """Return where an account's owner agrees that we may read it (docs.stripe.com/connect/oauth-reference)."""
    settings = config.get()
    base = settings.stripe_api_base.rstrip("/") or "https://connect.stripe.com"
    asked = {
        "response_type": "code", "client_id": settings.stripe_client_id, "scope": "read_only", "state": state, "redirect_uri": return_url,
    }  # fmt: skip
    return f"{base}/oauth/authorize?{urlencode(asked)}"


def exchange(code: str) -> str:
    """Return the account whose owner agreed; raises StoreRefused or StoreBusy."""
    from stripe import oauth_error

    way = Way(config.get().stripe_secret_key)
    with _asking(way):
        try:
            made = _whole(way.key).oauth.token({"grant_type": "authorization_code", "code": code}).to_dict()
        except oauth_error.OAuthError as error:
            log.warning("the code was refused: %s", error)
            raise StoreRefused(
                _("Stripe does not know this permission. Start again; a code is good for five minutes, once.")
            ) from error
    account = str(made.get("stripe_user_id") or "")
    if not ACCOUNT.fullmatch(account):
        raise StoreRefused(_("Stripe named no account."))
    return account


def let_go(account: str) -> None:
    """Give an account's permission back; that it was given back already is as well."""
    from stripe import oauth_error

    way, settings = Way(config.get().stripe_secret_key), config.get()
    with _asking(way):
        try:
            _whole(way.key).oauth.deauthorize({"client_id": settings.stripe_client_id, "stripe_user_id": account})
        except oauth_error.OAuthError as error:
            log.info("%s was given back already: %s", account, error)
