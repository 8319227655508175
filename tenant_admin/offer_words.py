"""What places for offers are called on pages: those that are built in, and those a company made."""

from __future__ import annotations

from saas.recommend import slots
from tenant_admin import recommend


def place_names() -> dict[str, str]:
    """Return the name of each place of the bound company by its key."""
    built_in = {key: str(name) for key, name in recommend.SLOTS.items()}
    return built_in | {row.key: row.name for row in slots.listed() if row.name}
