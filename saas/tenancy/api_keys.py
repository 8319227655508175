"""Keys with which programs sign in: shown once, kept as digests, revoked at any moment."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import or_, select

from saas.kit import clock, crypto, errors
from saas.kit.db import db, one
from saas.kit.text import gettext as _
from saas.tenancy import audit, directory, made_roles, rights, roles
from saas.tenancy.models import ApiKey


class NoSuchKey(errors.NotFound):
    """There is no such key."""


class BadKey(errors.Invalid):
    """A scope or the end of a key is wrong."""


def make(
    *, name: str, made_by: UUID | None = None, role: str = "owner", scopes: Sequence[str] | None = None, days: int | None = None,
) -> tuple[ApiKey, str]:  # fmt: skip
    """Make a key and return it with its secret text, which cannot be read again.

    `role` is a built-in role's key or the id of the company's own: what programs with it may do and which fields they see;
    they see all rows. `scopes` narrows that to some permissions (`customers.read`), `days` says when the key ends; None: all,
    and never. Nobody makes a key that may do more than they. Raises NoSuchRole, MoreThanYouHold or BadKey.
    """
    if scopes is not None and (not scopes or not set(scopes) <= roles.every()):
        raise BadKey(fields={"scopes": [_("Choose what the key may do.")]})
    if days is not None and not 1 <= days <= 3650:
        raise BadKey(fields={"days": [_("Give a number of days between 1 and 3,650.")]})
    rights.require_all_rows()
    chosen = made_roles.chosen(role)
    rights.require_covering(made_roles.access_of(*chosen))
    hint = crypto.new_token(8)
    secret = f"rg_{hint}_{crypto.new_token(43)}"
    key = ApiKey(name=name or _("Key"), hint=hint, digest=crypto.digest(secret), made_by=made_by)
    key.role, key.role_id = chosen
    key.scopes = sorted(set(scopes)) if scopes is not None else None
    key.expires_at = clock.now() + timedelta(days=days) if days is not None else None
    db.session.add(key)
    db.session.flush()
    directory.enter(kind="api_key", key=secret, subject_id=key.id)
    audit.record(
        action="api_keys.made",
        kind="api_key",
        record_id=key.id,
        after={
            "name": key.name,
            "hint": hint,
            "role": made_roles.name_of(*chosen),
            "scopes": key.scopes,
            "until": key.expires_at and key.expires_at.isoformat(),
        },
    )
    return key, secret


def live(key_id: UUID) -> ApiKey | None:
    """Return the bound tenant's key if it is neither revoked nor at its end, and note that it was used."""
    open_still = or_(ApiKey.expires_at.is_(None), ApiKey.expires_at > clock.now())
    query = select(ApiKey).where(ApiKey.id == key_id, ApiKey.revoked_at.is_(None), open_still)
    key = db.session.scalars(query).one_or_none()
    if key is not None and (key.last_used_at is None or key.last_used_at < clock.now() - timedelta(minutes=5)):
        key.last_used_at = clock.now()
    return key


def all_keys() -> list[ApiKey]:
    return list(db.session.scalars(select(ApiKey).order_by(ApiKey.id.desc())))


def revoke(key_id: UUID | str) -> ApiKey:
    """Make a key useless from now on; raises NoSuchKey."""
    key = one(ApiKey, key_id, NoSuchKey, lock=True)
    if key.revoked_at is None:
        key.revoked_at = clock.now()
        directory.strike(kind="api_key", subject_id=key.id)
        audit.record(action="api_keys.revoked", kind="api_key", record_id=key.id)
    return key
