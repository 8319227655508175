"""Whose site key this is, for the shoppers' hot paths: remembered in this process for half a minute.

A key that was taken away is therefore refused after at most that long.
"""

from __future__ import annotations

import re
import time

from saas.kit import errors, work
from saas.tenancy import directory

SHAPE = re.compile(r"pk_[A-Za-z0-9]{24}")
SECONDS, MOST = 30.0, 10_000
_known: dict[str, tuple[float, directory.Place]] = {}


class UnknownSiteKey(errors.NotSignedIn):
    """Nobody has this site key."""

    code, message = "unknown_site_key", "Nobody has this site key. It stands on the shop's page in Regulars."


def find(site_key: str) -> directory.Place:
    """Return the tenant and shop of a site key; a company's own key has no shop. Raises UnknownSiteKey."""
    known = remembered(site_key)
    if known is not None:
        return known
    place = None
    if SHAPE.fullmatch(site_key):
        with work.unit(tenant_id=None):
            place = directory.find(kind="site_key", key=site_key)
    if place is None:
        _known.pop(site_key, None)
        raise UnknownSiteKey
    if len(_known) >= MOST:
        _known.clear()
    _known[site_key] = (time.monotonic() + SECONDS, place)
    return place


def remembered(site_key: str) -> directory.Place | None:
    """Return the tenant and shop of a site key that was asked for lately; None sends the caller to `find`."""
    held = _known.get(site_key)
    return held[1] if held is not None and held[0] > time.monotonic() else None
