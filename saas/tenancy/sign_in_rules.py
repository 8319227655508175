"""What a company asks of its people when they sign in: a second factor from a day on, or its own sign-in and no other."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from saas.kit import clock, errors, scope
from saas.kit.text import gettext as _
from saas.tenancy import audit, sessions, tenants


class NotYourself(errors.Conflict):
    """Whoever asks for a second factor has to have one, or would lock themselves out."""

    code = "no_second_factor"


@dataclass(frozen=True)
class Rules:
    """What the company asks, as each request reads it with its member."""

    second_factor: bool = False
    second_factor_from: datetime | None = None
    only_sso: bool = False

    def second_factor_now(self) -> bool:
        """Tell whether nobody comes in without a second factor any more."""
        return self.second_factor and (self.second_factor_from is None or self.second_factor_from <= clock.now())

    def lacks_factor(self, who: sessions.SignedIn) -> bool:
        """Tell whether somebody has not shown what the company asks for or will ask for.

        Whoever came through the company's own sign-in was asked there, by the company.
        """
        return self.second_factor and who.confined_to is None and not (who.second_factor and who.has_factor)


def current() -> Rules:
    """Return the bound company's rules."""
    held = tenants.settings()
    return Rules(held.second_factor_required, held.second_factor_from, held.only_sso)


def require_second_factor(wanted: bool, *, since: datetime | None, by: sessions.SignedIn) -> None:
    """Ask everybody of the company for a second factor from a moment on (None: at once); raises NotYourself."""
    if wanted and not by.confined_to and not (by.has_factor and by.second_factor):
        raise NotYourself(_("Set up your own second factor first, or you would lock yourself out."))
    _change({"second_factor_required": wanted, "second_factor_from": since if wanted else None})


def require_own_sign_in(wanted: bool, *, by: sessions.SignedIn) -> None:
    """Let people in by the company's own sign-in only; owners keep a way in by password and second factor.

    Raises NotYourself.
    """
    if wanted and not by.has_factor:
        raise NotYourself(_("Set up your own second factor first: it is the way in when your provider is away."))
    _change({"only_sso": wanted})


def _change(values: dict[str, Any]) -> None:
    held = tenants.settings()
    before = {name: _plain(getattr(held, name)) for name in values}
    for name, value in values.items():
        setattr(held, name, value)
    after = {name: _plain(value) for name, value in values.items()}
    if before != after:
        audit.record(
            action="sign_in.rules_changed", kind="tenant", record_id=scope.tenant_id(), before=before, after=after
        )


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value
