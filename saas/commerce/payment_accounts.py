"""A company's own accounts at payment vendors: connected by consent or by a key, looked after, and let go.

Keys and secrets are sealed and never shown again. What is asked of the vendor is asked outside of any transaction.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from saas import config
from saas.commerce import shops
from saas.commerce.connectors import stripe
from saas.commerce.payment_models import PaymentAccount, PaymentTold
from saas.kit import clock, crypto, errors, identifiers, scope, text
from saas.kit import db as kit_db
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.tenancy import audit, directory

REFUSED, GONE = "refused", "gone"
"""What may be wrong with an account: its key is not taken any more, or its owner took the permission back."""
HOOK, ACCOUNT = "payment_hook", "payment_account"
WANTED = {"state": "wanted"}


class NoSuchAccount(errors.NotFound):
    """There is no such payment account."""


class BadKey(errors.Invalid):
    """The key cannot be used; `fields` says why."""


@dataclass(frozen=True)
class Tried:
    """A key or a consent that was tried: what account it opens, what it lacks, and where Stripe was told to tell us things."""

    way: str
    key: str
    about: stripe.About
    live: bool
    lacking: list[str]
    token: str = ""
    endpoint: str = ""
    secret: str = ""


def one(account_id: UUID | str, *, lock: bool = False, removed: bool = False) -> PaymentAccount:
    """Return a connected account, or with `removed` one that was let go too; raises NoSuchAccount."""
    found = kit_db.one(PaymentAccount, account_id, NoSuchAccount, lock=lock)
    if found.removed_at is not None and not removed:
        raise NoSuchAccount
    return found


def every() -> list[PaymentAccount]:
    """Return the connected accounts, oldest first."""
    query = select(PaymentAccount).where(PaymentAccount.removed_at.is_(None)).order_by(PaymentAccount.id)
    return list(db.session.scalars(query))


def any_ever() -> bool:
    """Tell whether the company ever connected one."""
    return db.session.scalar(select(PaymentAccount.id).limit(1)) is not None


def by_ids(ids: Sequence[UUID]) -> dict[UUID, PaymentAccount]:
    """Return accounts by their id, those that were let go too."""
    return {row.id: row for row in db.session.scalars(select(PaymentAccount).where(PaymentAccount.id.in_(list(ids))))}


def hook_address(token: str) -> str:
    """Return where Stripe tells us things of an account that a key opens."""
    return f"{config.get().public_url.rstrip('/')}/hooks/payments/{token}"


def try_key(key: str) -> Tried:
    """Try a key that somebody entered, step by step, and have Stripe tell us things; outside of a transaction.

    Raises BadKey naming what is missing, or StoreBusy.
    """
    key = key.strip()
    if not stripe.KEY.fullmatch(key):
        raise BadKey(fields={"key": [_("This is no key of Stripe's. A restricted key begins with rk_live_ or rk_test_.")]})  # fmt: skip
    way = stripe.Way(key)
    try:
        about = stripe.about(way)
    except stripe.KeyRefused as refusal:
        words = _("Also allow the key to read: %(names)s.", names="Connected account details") if refusal.lacks else _(refusal.message)  # fmt: skip
        raise BadKey(fields={"key": [words]}) from None
    lacks = stripe.lacking(way, webhooks=True)
    needed = [name for name in stripe.FIRST_NEEDED if name in lacks]
    if needed:
        raise BadKey(fields={"key": [_("The key is accepted, but may not read payments. Give it the permissions below at Stripe.")],
                             **{f"lacks.{name}": [stripe.READS[name][1]] for name in lacks}})  # fmt: skip
    token, endpoint, secret = crypto.new_token(32), "", ""
    if "webhooks" not in lacks:
        try:
            endpoint, secret = stripe.make_endpoint(way, url=hook_address(token))
        except stripe.StoreRefused:
            lacks.append("webhooks")
    return Tried("key", key, about, stripe.is_live(key), lacks, token, endpoint, secret)


def try_consent(account: str) -> Tried:
    """Look at an account whose owner agreed at Stripe; raises StoreRefused or StoreBusy."""
    way = stripe.by_consent(account)
    live = stripe.is_live(way.key)
    return Tried("consent", "", stripe.about(way), live, stripe.lacking(way, webhooks=False))


def enter(tried: Tried, *, shop_id: UUID | str | None = None) -> PaymentAccount:
    """Keep an account that was tried, or new keys of one that is here; its past is fetched. Raises NoSuchShop."""
    shop = shops.one(shop_id).id if shop_id else None
    query = select(PaymentAccount).where(
        PaymentAccount.account == tried.about.account, PaymentAccount.live == tried.live
    )
    held = db.session.scalars(query.order_by(PaymentAccount.id).limit(1).with_for_update()).one_or_none()
    again = held is not None
    if held is None:
        held = PaymentAccount(id=identifiers.new(), account=tried.about.account, live=tried.live, way=tried.way)
        db.session.add(held)
    held.way, held.name, held.country, held.currency = tried.way, tried.about.name, tried.about.country, tried.about.currency  # fmt: skip
    held.lacking, held.trouble, held.removed_at, held.backfill = tried.lacking, "", None, {**WANTED, "asked_at": clock.now().isoformat()}  # fmt: skip
    held.shop_id = shop or held.shop_id
    held.key_sealed = _seal(held.id, "key", tried.key) if tried.key else None
    held.key_hint = f"{tried.key[:8]}…{tried.key[-4:]}" if tried.key else ""
    held.hook_token, held.endpoint = tried.token, tried.endpoint
    held.hook_secret_sealed = _seal(held.id, "hook", tried.secret) if tried.secret else None
    db.session.flush()
    directory.strike(kind=HOOK, subject_id=held.id)
    directory.strike(kind=ACCOUNT, subject_id=held.id)
    if tried.token:
        directory.enter(kind=HOOK, key=tried.token, subject_id=held.id)
    else:
        directory.enter(kind=ACCOUNT, key=tried.about.account, subject_id=held.id)
    after = {"name": held.name, "account": held.account, "way": held.way, "live": held.live}
    audit.record(action="payment_accounts.entered_again" if again else "payment_accounts.connected", kind="payment_account", record_id=held.id, after=after)  # fmt: skip
    return held


def _place(account_id: UUID, column: str) -> str:
    return f"{scope.tenant_id()}|payment_accounts|{column}|{account_id}"


def _seal(account_id: UUID, column: str, secret: str) -> bytes:
    return crypto.seal(secret, place=_place(account_id, column))


def way_into(account: PaymentAccount) -> stripe.Way | None:
    """Return how an account is read, or None where there is no way any more."""
    if account.removed_at is not None or account.trouble == GONE:
        return None
    if account.way == "consent":
        return stripe.by_consent(account.account)
    if not account.key_sealed:
        return None
    return stripe.Way(crypto.unseal(account.key_sealed, place=_place(account.id, "key")))


def hook_secret(account: PaymentAccount) -> str:
    """Return what an account's webhooks are signed with, "" where nobody gave it."""
    if not account.hook_secret_sealed:
        return ""
    return crypto.unseal(account.hook_secret_sealed, place=_place(account.id, "hook"))


def keep_secret(account_id: UUID | str, secret: str) -> PaymentAccount:
    """Keep the signing secret of an address that was made by hand at Stripe; raises BadKey."""
    account, secret = one(account_id, lock=True), secret.strip()
    if not secret.startswith("whsec_") or not 12 <= len(secret) <= 200:
        raise BadKey(fields={"secret": [_("A signing secret begins with whsec_.")]})
    account.hook_secret_sealed = _seal(account.id, "hook", secret)
    account.lacking = [name for name in account.lacking if name != "webhooks"]
    audit.record(action="payment_accounts.secret_kept", kind="payment_account", record_id=account.id)
    db.session.flush()
    return account


def tie_to_shop(account_id: UUID | str, shop_id: UUID | str | None) -> PaymentAccount:
    """Say which shop an account takes the money for, or that it is for any; raises NoSuchAccount or NoSuchShop."""
    account = one(account_id, lock=True)
    before = {"shop_id": account.shop_id and str(account.shop_id)}
    account.shop_id = shops.one(shop_id).id if shop_id else None
    after = {"shop_id": account.shop_id and str(account.shop_id)}
    if before != after:
        audit.record(action="payment_accounts.edited", kind="payment_account", record_id=account.id, before=before, after=after)  # fmt: skip
    db.session.flush()
    return account


def remove(account_id: UUID | str) -> Tried | None:
    """Let an account go; what came from it stays. Returns what is to be given back at the vendor by `give_back`."""
    account = one(account_id, lock=True)
    way = way_into(account)
    back = None
    if way is not None:
        known = stripe.About(account.account, account.name, account.country, account.currency)
        back = Tried(account.way, way.key, known, account.live, [], endpoint=account.endpoint)
    _forget_ways(account)
    account.removed_at = clock.now()
    audit.record(action="payment_accounts.removed", kind="payment_account", record_id=account.id, before={"name": account.name})  # fmt: skip
    db.session.flush()
    return back


def give_back(back: Tried | None) -> None:
    """Have the vendor tell us nothing more, or give its owner's permission back; that it does not answer stops nobody."""
    if back is None:
        return
    try:
        if back.way == "consent":
            stripe.let_go(back.about.account)
        elif back.endpoint:
            stripe.drop_endpoint(stripe.Way(back.key), back.endpoint)
    except (stripe.StoreRefused, stripe.NotAtStripe):
        return


def _forget_ways(account: PaymentAccount) -> None:
    directory.strike(kind=HOOK, subject_id=account.id)
    directory.strike(kind=ACCOUNT, subject_id=account.id)
    account.key_sealed = account.hook_secret_sealed = None
    account.endpoint = account.hook_token = ""


def permission_gone(account_id: UUID) -> None:
    """Note that its owner took the permission back at the vendor. What came stays."""
    account = one(account_id, lock=True, removed=True)
    if account.trouble == GONE or account.removed_at is not None:
        return
    _forget_ways(account)
    account.trouble, account.backfill = GONE, {}
    audit.record(action="payment_accounts.permission_gone", kind="payment_account", record_id=account.id, before={"name": account.name})  # fmt: skip
    db.session.flush()


def note_told(account: PaymentAccount) -> None:
    account.last_told_at = clock.now()


def note_refused(account: PaymentAccount, refusal: stripe.KeyRefused) -> None:
    """Note that the vendor did not let us read: the key is not taken, or something it may not do is named."""
    name = next((name for name, (_where, permission) in stripe.READS.items() if permission == refusal.lacks), "")
    if not refusal.lacks:
        account.trouble = REFUSED
    elif name and name not in account.lacking:
        account.lacking = [*account.lacking, name]


def ask(account_id: UUID | str) -> PaymentAccount:
    """Have an account's past fetched (again), from the beginning; raises NoSuchAccount."""
    account = one(account_id, lock=True)
    account.backfill = {**WANTED, "asked_at": clock.now().isoformat()}
    db.session.flush()
    return account


def not_understood(account_id: UUID) -> int:
    """Return how many things were told that nobody could make sense of."""
    query = select(func.count()).select_from(PaymentTold).where(
        PaymentTold.account_id == account_id, PaymentTold.done_at.is_(None), PaymentTold.reason != ""
    )  # fmt: skip
    return db.session.scalar(query) or 0


def checks(account: PaymentAccount) -> list[dict[str, Any]]:
    """Return what connecting comes to, step by step: key, account, permissions, address, and a signed round trip; each with
    `name`, `state` (done, now, failed) and what is to be named."""
    listening = bool(account.hook_secret_sealed) or account.way == "consent"
    seen: datetime | None = account.last_told_at
    return [
        {"name": "key", "state": "failed" if account.trouble else "done", "what": account.key_hint},
        {"name": "account", "state": "done", "what": account.account},
        {"name": "permissions", "state": "failed" if set(account.lacking) - {"webhooks"} else "done", "what": [
            (name, stripe.READS[name][1]) for name in account.lacking if name != "webhooks"]},
        {"name": "webhook", "state": "done" if listening else "now", "what": account.endpoint},
        {"name": "round_trip", "state": "done" if seen else "now", "what": text.clean(seen.isoformat() if seen else "")},
    ]  # fmt: skip
