"""Webhooks of the company: addresses of its own that are told what happens, signed as Standard Webhooks 1.0 describes."""

from __future__ import annotations

import base64
import secrets
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

from sqlalchemy import Select, select, update

from saas.integrations.models import DeliveryOut, Hook
from saas.kit import clock, crypto, errors, http_out, identifiers, scope, text
from saas.kit import db as kit_db
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.tenancy import audit

TOPICS = (
    "customer.changed", "customer.deleted", "order.changed", "product.changed", "address.suppressed", "review.written", "review.published",
    "coupon.given", "coupon.redeemed", "shop.repaired",
)  # fmt: skip
ROTATION = timedelta(hours=24)
"""How long messages carry a signature of the secret before, too."""
MOST = 20
NEWEST = [(Hook.id, "desc")]


class NoSuchHook(errors.NotFound):
    """There is no such webhook."""


class BadHook(errors.Invalid):
    """The address, the name or the topics of a webhook are wrong."""


class TooManyHooks(errors.Conflict):
    """A company has a bounded number of webhooks."""

    code = "too_many_hooks"


def one(hook_id: UUID | str, *, lock: bool = False) -> Hook:
    """Return a webhook; raises NoSuchHook."""
    return kit_db.one(Hook, hook_id, NoSuchHook, lock=lock)


def query(*, state: str | None = None) -> Select:
    """Return a select of the company's webhooks, of one state or of all; there are at most MOST."""
    return select(Hook).where(Hook.state == state) if state else select(Hook)


def listed() -> list[Hook]:
    """Return the company's webhooks, the newest first."""
    return list(db.session.scalars(query().order_by(Hook.id.desc())))


def telling(topic: str) -> list[UUID]:
    """Return the webhooks that want to hear of a topic now or, when they are paused, later."""
    wanting = select(Hook.id, Hook.topics).where(Hook.state.in_(("active", "paused")))
    return [hook_id for hook_id, topics in db.session.execute(wanting) if topic in topics]


def make(*, url: str, topics: list[str], name: str = "") -> tuple[Hook, str]:
    """Make a webhook and return it with its secret; raises BadHook or TooManyHooks."""
    if len(listed()) >= MOST:
        raise TooManyHooks(_("A company has at most %(most)s webhooks.", most=MOST))
    cleaned = _cleaned(url=url, topics=topics, name=name)
    hook_id, secret = identifiers.new(), _new_secret()
    hook = Hook(id=hook_id, secret_sealed=crypto.seal(secret, place=_place(hook_id)), **cleaned)
    db.session.add(hook)
    db.session.flush()
    audit.record(action="hooks.made", kind="hook", record_id=hook.id, after=_shown(hook))
    return hook, secret


def change(hook_id: UUID | str, **fields: Any) -> Hook:
    """Change a webhook's address, name or topics, or pause it and let it go on (`state`); raises NoSuchHook or BadHook."""
    hook = one(hook_id, lock=True)
    before, state = _shown(hook), fields.pop("state", None)
    for name, value in _cleaned(**({"url": hook.url, "topics": hook.topics, "name": hook.name} | fields)).items():
        setattr(hook, name, value)
    if state is not None:
        _set_state(hook, state)
    db.session.flush()
    audit.record(action="hooks.edited", kind="hook", record_id=hook.id, before=before, after=_shown(hook))
    return hook


def remove(hook_id: UUID | str) -> None:
    """Remove a webhook with its messages; raises NoSuchHook."""
    hook = one(hook_id, lock=True)
    audit.record(action="hooks.removed", kind="hook", record_id=hook.id, before=_shown(hook))
    db.session.delete(hook)
    db.session.flush()


def secret_of(hook: Hook) -> str:
    """Return a webhook's secret."""
    return crypto.unseal(hook.secret_sealed, place=_place(hook.id, hook.tenant_id))


def secrets_of(hook: Hook) -> list[str]:
    """Return the secrets that sign a message now: the current one first, and for a day the one before."""
    found = [secret_of(hook)]
    if (
        hook.previous_secret_sealed is not None
        and hook.previous_until is not None
        and clock.now() < hook.previous_until
    ):
        found.append(crypto.unseal(hook.previous_secret_sealed, place=_place(hook.id, hook.tenant_id)))
    return found


def renew_secret(hook_id: UUID | str) -> str:
    """Give a webhook a new secret and return it; for a day messages are signed with both."""
    hook = one(hook_id, lock=True)
    secret = _new_secret()
    hook.previous_secret_sealed, hook.previous_until = hook.secret_sealed, clock.now() + ROTATION
    hook.secret_sealed = crypto.seal(secret, place=_place(hook.id))
    db.session.flush()
    audit.record(action="hooks.secret_renewed", kind="hook", record_id=hook.id)
    return secret


def _set_state(hook: Hook, state: str) -> None:
    """Pause a webhook, or let it go on: then what waited is due at once."""
    if state not in ("active", "paused"):
        raise BadHook(fields={"state": [_("Choose one of the values.")]})
    if state == "active" and hook.state != "active":
        hook.reason, hook.failing_since, hook.not_before = "", None, None
        waiting = update(DeliveryOut).where(DeliveryOut.hook_id == hook.id, DeliveryOut.state == "waiting")
        db.session.execute(waiting.values(due_at=clock.now()).execution_options(synchronize_session=False))
    hook.state = state


def _cleaned(*, url: str, topics: list[str], name: str) -> dict[str, Any]:
    problems: dict[str, list[str]] = {}
    url = (url or "").strip()
    try:
        if len(url) > 2000:
            raise http_out.Unreachable("The address is too long.")
        http_out.judge(url)
    except http_out.Unreachable as refusal:
        problems["url"] = [_(refusal.message)]
    wanted = [topic for topic in TOPICS if topic in topics]
    if not wanted or len(wanted) != len(set(topics)):
        problems["topics"] = [_("Choose what to tell of.")]
    if problems:
        raise BadHook(fields=problems)
    return {"url": url, "topics": wanted, "name": text.clean(name, most=80) or urlsplit(url).hostname or url}


def _shown(hook: Hook) -> dict[str, Any]:
    return {"name": hook.name, "url": hook.url, "topics": hook.topics, "state": hook.state}


def _new_secret() -> str:
    return "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()


def _place(hook_id: UUID, tenant_id: int | None = None) -> str:
    return f"{tenant_id or scope.tenant_id()}|hooks|secret|{hook_id}"
