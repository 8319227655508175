"""Requests that programs may send twice: the first does it, every further one gets the first's answer.

A program names a request with a key of its own. The name is written in the transaction of the effect, so a repetition that
comes while the first is still at work waits for it, and what was rolled back may be tried again under the same name.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from saas.kit import clock, errors, identifiers, scope
from saas.kit.db import db
from saas.tenancy.models import ApiRequest

KEPT = timedelta(hours=24)
LONGEST = 255
MOST_BYTES = 1024 * 1024
"""A larger answer is not kept; a repetition is then told that it was done, without the answer."""


class BadName(errors.Refusal):
    """An idempotency key is empty or too long."""

    status, code, message = 400, "bad_idempotency_key", "An idempotency key has 1 to 255 characters."


class NamedAnother(errors.Refusal):
    """The idempotency key was used for another request."""

    status, code, message = 422, "idempotency_key_reused", "This idempotency key was used for another request."


@dataclass(frozen=True)
class Known:
    """A request that was done before, and what it was answered."""

    status: int
    headers: dict[str, Any]
    body: bytes


def fingerprint(*parts: bytes) -> str:
    """Return what tells two requests apart."""
    made = hashlib.sha256()
    for part in parts:
        made.update(len(part).to_bytes(8, "big") + part)
    return made.hexdigest()


def begin(*, name: str, fingerprint: str) -> Known | None:
    """Write down a named request of the acting key; returns the answer when it was done before.

    Raises BadName or NamedAnother. Waits for a request of the same name that is still at work.
    """
    if not 0 < len(name) <= LONGEST or not name.isprintable():
        raise BadName
    row = {
        "tenant_id": scope.tenant_id(), "id": identifiers.new(), "key_id": scope.actor().id, "name": name, "fingerprint": fingerprint,
        "headers": {},
    }  # fmt: skip
    if db.session.execute(insert(ApiRequest).values(row).on_conflict_do_nothing().returning(ApiRequest.id)).first():
        return None
    query = select(ApiRequest).where(ApiRequest.key_id == scope.actor().id, ApiRequest.name == name)
    held = db.session.scalars(query).one()
    if held.fingerprint != fingerprint:
        raise NamedAnother
    return Known(held.status or 200, held.headers, held.body or b"")


def keep(*, name: str, status: int, headers: dict[str, str], body: bytes) -> None:
    """Keep what a named request was answered."""
    values = {"status": status, "headers": headers, "body": body if len(body) <= MOST_BYTES else b"{}"}
    mine = update(ApiRequest).where(ApiRequest.key_id == scope.actor().id, ApiRequest.name == name)
    db.session.execute(mine.values(**values).execution_options(synchronize_session=False))


def tidy() -> int:
    """Throw away names whose time is over; platform work. Returns how many."""
    return db.session.execute(delete(ApiRequest).where(ApiRequest.asked_at < clock.now() - KEPT)).rowcount
