"""The letter that says that a webhook was switched off, to owners and administrators, each in their language."""

from __future__ import annotations

from saas.integrations import hook_words, hooks
from saas.tenancy import letters, tenants

KIND = next(iter(hook_words.HOOK_LETTERS))


def write_disabled(hook_id: str) -> None:
    """Tell a company's owners and administrators that a webhook was switched off, unless it is on again or gone."""
    try:
        hook = hooks.one(hook_id)
    except hooks.NoSuchHook:
        return
    if hook.state != "disabled":
        return
    values = {"company": tenants.current().name, "hook": hook.name, "reason": hook.reason}
    letters.write_to_staff(
        "hook_disabled", roles=("owner", "admin"), path=f"/settings/webhooks/{hook.id}", values=values
    )
