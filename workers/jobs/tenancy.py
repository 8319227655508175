"""Letters to people, and what strangers asked for."""

from __future__ import annotations

from saas.kit import work
from saas.tenancy import letters, signup


def take_wish(*, email: str, wish: str, **_: object) -> None:
    """Note what somebody who knows only an address asked for; nothing happens when nobody has that address."""
    with work.unit(tenant_id=None):
        signup.take_wish(email=email, wish=wish)


def write_verification(*, login_id: str, **_: object) -> None:
    """Send the link that verifies an address."""
    letters.write_verification(login_id)


def write_reset(*, login_id: str, **_: object) -> None:
    """Send the link for a new password."""
    letters.write_reset(login_id)


def write_known(*, login_id: str, **_: object) -> None:
    """Tell somebody that they have an account already."""
    letters.write_known(login_id)


def write_password_changed(*, login_id: str, **_: object) -> None:
    """Tell somebody that their password was changed."""
    letters.write_password_changed(login_id)


def write_factor_changed(*, login_id: str, what: str, **_: object) -> None:
    """Tell somebody what changed of their second factor."""
    letters.write_factor_changed(login_id, what=what)


def write_new_browser(*, login_id: str, browser: str, address: str, **_: object) -> None:
    """Tell somebody that a browser we had not seen signed in as them."""
    letters.write_new_browser(login_id, browser=browser, address=address)


def write_invitation(*, member_id: str, invited_by: str, language: str, **_: object) -> None:
    """Send an invitation."""
    letters.write_invitation(member_id, invited_by=invited_by, language=language)
