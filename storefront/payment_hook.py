"""Where Stripe tells us things of companies' own accounts: verified on the raw body, stored once, answered at once, taken afterwards.

An account that a key opens has an address and a secret of its own. Accounts connected by consent share the platform's address, and
the signed body names the account; several companies may have connected the same one.
"""

from __future__ import annotations

import logging
from uuid import UUID

from flask import Blueprint, request

from saas import config
from saas.commerce import payment_accounts, payments_inbox
from saas.commerce.connectors import stripe
from saas.kit import doors, errors, figures, rates, scope, work
from saas.tenancy import directory

door = Blueprint("payment_hook", __name__)
log = logging.getLogger("regulars.payments")
STRIPE = scope.Actor("automation", "stripe", "Stripe")
MOST_BYTES = 1_000_000


@door.post("/hooks/payments/<token>")
@doors.open_to("anyone", unit=False)
def told(token: str) -> tuple[dict, int]:
    """Take an event of one account: 200 when it is stored or was before; 401 for a wrong signature, 404 for nobody's address."""
    rates.require(f"hooks:payments:{token[:40]}", "6000/minute")
    raw = _body()
    with work.unit(tenant_id=None):
        place = directory.find(kind=payment_accounts.HOOK, key=token)
    if place is None or place.subject_id is None:
        raise payment_accounts.NoSuchAccount
    with work.unit(tenant_id=place.tenant_id, actor=STRIPE):
        account = payment_accounts.one(place.subject_id)
        secret, live = payment_accounts.hook_secret(account), account.live
    event = _read(raw, [secret] if secret else [])
    if event.live != live:
        return {"status": "other mode"}, 200
    return _stored(_store(place.tenant_id, place.subject_id, event))


@door.post("/hooks/payments")
@doors.open_to("anyone", unit=False)
def told_platform() -> tuple[dict, int]:
    """Take an event of an account that was connected by consent; 200 when it is stored, was before, or is nobody's here."""
    rates.require("hooks:payments", "60000/minute")
    secret = config.get().stripe_connect_webhook_secret
    event = _read(_body(), [secret] if secret else [])
    with work.unit(tenant_id=None):
        places = directory.places(kind=payment_accounts.ACCOUNT, key=event.account) if event.account else []
    if not places:
        return {"status": "nobody's"}, 200
    news = [_store(one.tenant_id, one.subject_id, event) for one in places if one.subject_id is not None]
    return _stored(any(news))


def _body() -> bytes:
    if (request.content_length or 0) > MOST_BYTES:
        raise errors.TooLarge
    return request.get_data(cache=True)


def _read(raw: bytes, secrets: list[str]) -> stripe.Told:
    try:
        return stripe.read_event(raw, request.headers.get("Stripe-Signature", ""), secrets)
    except errors.Refusal as refusal:
        log.warning("an event was refused: %s", refusal)
        figures.HOOKS_IN.labels("payments", "refused").inc()
        raise


def _store(tenant_id: int, account_id: UUID, event: stripe.Told) -> bool:
    with work.unit(tenant_id=tenant_id, actor=STRIPE):
        return payments_inbox.store(account_id, event)


def _stored(news: bool) -> tuple[dict, int]:
    figures.HOOKS_IN.labels("payments", "stored" if news else "known").inc()
    return {"status": "stored" if news else "known"}, 200
