"""Who may use the API: a program with a key of its tenant, in `Authorization: Bearer`."""

from __future__ import annotations

import hashlib

from flask import request

from saas.kit import doors, errors, rates, scope, work
from saas.tenancy import api_keys, directory, limits, rights


class BadKey(errors.NotSignedIn):
    """The key is missing, unknown or revoked."""

    message = "Send a valid API key as “Authorization: Bearer <key>”."


class KeyMayNot(errors.Forbidden):
    """The key's role does not include what the route needs."""

    message = "This key may not do that. Make one with a role that includes it."


def install() -> None:
    """Register the guard for programs."""
    doors.guard("key")(admit)


def admit(entrance: doors.Entrance) -> doors.Admitted:
    """Find the tenant of the request's key; writing also needs the tenant to be paid up.

    The key's role must include what the route needs. Raises BadKey, KeyMayNot or TooOften.
    """
    kind, _blank, key = request.headers.get("Authorization", "").partition(" ")
    if kind.lower() != "bearer" or not key:
        raise BadKey
    with work.unit(tenant_id=None):
        place = directory.find(kind="api_key", key=key.strip())
    if place is None or place.subject_id is None:
        rates.require(f"bad-key:{request.remote_addr}", "60/minute")
        raise BadKey
    with work.unit(tenant_id=place.tenant_id):
        found = api_keys.live(place.subject_id)
        if found is None:
            raise BadKey
        held = rights.of_actor("key", str(found.id)) if found.role_id else rights.of_key(found)
        if entrance.permission and not held.may(entrance.permission):
            raise KeyMayNot
        if request.method not in ("GET", "HEAD") and not entrance.always:
            limits.require_writable()
        actor = scope.Actor("key", str(found.id), found.name)
    return doors.Admitted(place.tenant_id, actor, held)


def etag(*parts: object) -> str:
    """Return the version tag of a record from what changes with it, such as its updated_at."""
    return hashlib.blake2b("|".join(map(str, parts)).encode(), digest_size=12).hexdigest()


def require_match(current: str) -> None:
    """Raise Stale when the request's If-Match names another version than the current one."""
    wanted = request.if_match
    if wanted and not wanted.star_tag and not wanted.contains(current):
        raise errors.Stale
