"""Codes from an authenticator app (TOTP, RFC 6238): set up, proven once, and each code taken once.

The secret is sealed for its login. The number of the last accepted time step is kept, for the same code would otherwise be
good for a minute and a half to whoever looked over a shoulder.
"""

from __future__ import annotations

import io
import re

import pyotp
import segno

from saas.kit import clock, crypto, errors
from saas.kit.text import gettext as _
from saas.tenancy.models import Login

STEP, AROUND = 30, 1  # seconds; steps before and after now that are taken, for clocks differ
ISSUER = "Regulars"


class WrongCode(errors.Invalid):
    """The code is wrong, too old, or was used already; which of these is not said."""


def begin(login: Login) -> None:
    """Give a person a new secret that opens nothing before a code of it is shown."""
    login.totp_sealed = crypto.seal(pyotp.random_base32(), place=_place(login))
    login.totp_confirmed_at, login.totp_step = None, None


def secret(login: Login) -> str:
    """Return the secret of a login that has begun, for the page on which it is set up."""
    return crypto.unseal(login.totp_sealed, place=_place(login)) if login.totp_sealed else ""


def picture(login: Login) -> str:
    """Return the secret as a QR code, an SVG element that needs no style of its own."""
    address = pyotp.TOTP(secret(login)).provisioning_uri(name=login.email, issuer_name=ISSUER)
    drawn = io.BytesIO()
    segno.make(address, error="m", micro=False).save(
        drawn, kind="svg", xmldecl=False, svgns=True, scale=5, border=2, omitsize=True, svgclass="r-qr", lineclass=None,
        light="#fff",
    )  # fmt: skip
    return drawn.getvalue().decode()


def prove(login: Login, code: str) -> None:
    """Turn codes on for a person whose app shows the right one; raises WrongCode."""
    if not login.totp_sealed or not _take(login, code):
        raise WrongCode(fields={"code": [_("This is not the code your app shows now. Wait for the next one.")]})
    login.totp_confirmed_at = clock.now()


def accept(login: Login, code: str) -> bool:
    """Tell whether a code is good now, and use it up. The login is held by the caller."""
    return login.totp_confirmed_at is not None and _take(login, code)


def forget(login: Login) -> None:
    """Turn codes off."""
    login.totp_sealed = login.totp_confirmed_at = login.totp_step = None


def _take(login: Login, code: str) -> bool:
    digits = re.sub(r"\s", "", code or "")
    if not re.fullmatch(r"[0-9]{6}", digits):
        return False
    counted, now = pyotp.HOTP(secret(login)), int(clock.now().timestamp()) // STEP
    found = [step for step in range(now - AROUND, now + AROUND + 1) if crypto.same(counted.at(step), digits)]
    later = [step for step in found if login.totp_step is None or step > login.totp_step]
    if not later:
        return False
    login.totp_step = later[0]
    return True


def _place(login: Login) -> str:
    return f"login|logins|totp_sealed|{login.id}"
