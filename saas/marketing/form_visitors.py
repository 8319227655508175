"""What a form may know of the browser it is shown in: whether somebody proved it to be theirs, and has subscribed."""

from __future__ import annotations

from saas.customers import identity, profiles

NOBODY = {"known": False, "subscribed": False}


def standing(visitor: str) -> dict[str, bool]:
    """Return how a browser stands; one that is only claimed is nobody's, for anybody could have typed that address."""
    found = identity.visitor(visitor) if visitor else None
    if found is None or not found[1]:
        return dict(NOBODY)
    return {"known": True, "subscribed": profiles.one(found[0]).email_consent == "granted"}
