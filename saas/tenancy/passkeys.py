"""Passkeys (WebAuthn): made on a person's device, bound to our address, and good without a password.

A passkey is asked to verify its person (finger, face or PIN), so one of them is two factors at once. The challenge is taken
once, and a counter that does not grow gives a copied key away.
"""

from __future__ import annotations

import ipaddress
import logging
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import orjson
import webauthn
from sqlalchemy import select
from webauthn.helpers import base64url_to_bytes, bytes_to_base64url
from webauthn.helpers.exceptions import WebAuthnException
from webauthn.helpers.structs import (
    AuthenticatorSelectionCriteria,
    AuthenticatorTransport,
    PublicKeyCredentialDescriptor,
    ResidentKeyRequirement,
    UserVerificationRequirement,
)

from saas import config
from saas.kit import clock, errors, text
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.tenancy import ceremonies
from saas.tenancy.models import Login, Passkey

log = logging.getLogger("regulars.passkeys")
MOST = 20
VERIFIED = UserVerificationRequirement.REQUIRED


class BadPasskey(errors.NotSignedIn):
    """The passkey is not one of ours, not this person's, or its answer is not genuine; which of these is not said."""

    code = "bad_passkey"
    message = "This passkey did not work. Try again, or sign in another way."


class NoSuchPasskey(errors.NotFound):
    """There is no such passkey of this person."""


class TooManyPasskeys(errors.Conflict):
    """A person has as many passkeys as anybody could need."""


@dataclass(frozen=True)
class Place:
    """The name passkeys are bound to and the address pages must have been loaded from."""

    name: str
    origin: str


def place() -> Place | None:
    """Return where passkeys work, from the public address; a bare number has no name to bind a passkey to.

    On one's own machine that name is localhost.
    """
    public = urlsplit(config.get().public_url)
    host, port = public.hostname or "", f":{public.port}" if public.port else ""
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return Place(host, f"{public.scheme}://{host}{port}")
    return Place("localhost", f"{public.scheme}://localhost{port}") if address.is_loopback else None


def of(login: Login) -> list[Passkey]:
    """Return a person's passkeys, oldest first."""
    return list(db.session.scalars(select(Passkey).where(Passkey.login_id == login.id).order_by(Passkey.id)))


def begin_making(login: Login) -> tuple[dict[str, Any], str]:
    """Return what the browser is told to make a passkey for this person, and the ticket of the ceremony."""
    here, held = _place(), of(login)
    if len(held) >= MOST:
        raise TooManyPasskeys(_("You have many passkeys. Remove one you do not use first."))
    options = webauthn.generate_registration_options(
        rp_id=here.name, rp_name="Regulars", user_name=login.email, user_display_name=login.name or login.email,
        user_id=login.id.bytes, exclude_credentials=[_described(key) for key in held],
        authenticator_selection=AuthenticatorSelectionCriteria(
            resident_key=ResidentKeyRequirement.REQUIRED, user_verification=VERIFIED
        ),
    )  # fmt: skip
    challenge = bytes_to_base64url(options.challenge)
    return _plain(options), ceremonies.begin("make-passkey", challenge=challenge, login_id=str(login.id))


def finish_making(login: Login, *, ticket: str | None, credential: str, name: str = "") -> Passkey:
    """Keep the passkey a browser made; raises Interrupted or BadPasskey."""
    begun, here = ceremonies.end("make-passkey", ticket), _place()
    if begun["login_id"] != str(login.id):
        raise BadPasskey(_(BadPasskey.message))
    try:
        made = webauthn.verify_registration_response(
            credential=credential, expected_challenge=base64url_to_bytes(begun["challenge"]), expected_rp_id=here.name,
            expected_origin=here.origin, require_user_verification=True,
        )  # fmt: skip
        transports = orjson.loads(credential).get("response", {}).get("transports") or []
    except (WebAuthnException, ValueError, KeyError, TypeError, AttributeError):
        raise BadPasskey(_(BadPasskey.message)) from None
    known = {item.value for item in AuthenticatorTransport}
    key = Passkey(
        login_id=login.id, credential_id=bytes_to_base64url(made.credential_id), sign_count=made.sign_count,
        public_key=made.credential_public_key, name=text.clean(name, most=60) or _("Passkey"),
        transports=[item for item in transports if item in known],
    )  # fmt: skip
    db.session.add(key)
    db.session.flush()
    return key


def begin_showing(login: Login | None = None) -> tuple[dict[str, Any], str]:
    """Return what the browser is told to show a passkey: any it has for us, or one of this person's."""
    here = _place()
    allowed = [_described(key) for key in of(login)] if login else []
    options = webauthn.generate_authentication_options(
        rp_id=here.name, allow_credentials=allowed or None, user_verification=VERIFIED
    )
    challenge = bytes_to_base64url(options.challenge)
    return _plain(options), ceremonies.begin(
        "show-passkey", challenge=challenge, login_id=str(login.id) if login else ""
    )


def finish_showing(*, ticket: str | None, credential: str, login: Login | None = None) -> Login:
    """Return the person whose passkey was shown, and note its use; raises Interrupted or BadPasskey.

    With `login` it must be theirs, and the ceremony must have been begun for them.
    """
    begun, here = ceremonies.end("show-passkey", ticket), _place()
    try:
        shown = orjson.loads(credential)
        key = _held(str(shown["id"]))
        handle = shown["response"].get("userHandle")
        if begun["login_id"] != (str(login.id) if login else ""):
            raise BadPasskey(_(BadPasskey.message))
        if key is None or (login is not None and key.login_id != login.id):
            raise BadPasskey(_(BadPasskey.message))
        if handle and UUID(bytes=base64url_to_bytes(handle)) != key.login_id:
            raise BadPasskey(_(BadPasskey.message))
        done = webauthn.verify_authentication_response(
            credential=credential, expected_challenge=base64url_to_bytes(begun["challenge"]), expected_rp_id=here.name,
            expected_origin=here.origin, credential_public_key=key.public_key,
            credential_current_sign_count=key.sign_count, require_user_verification=True,
        )  # fmt: skip
    except WebAuthnException as wrong:
        log.warning("a passkey was refused: %s", wrong)
        raise BadPasskey(_(BadPasskey.message)) from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadPasskey(_(BadPasskey.message)) from None
    key.sign_count, key.last_used_at = done.new_sign_count, clock.now()
    return db.session.scalars(select(Login).where(Login.id == key.login_id)).one()


def rename(login: Login, key_id: str, *, name: str) -> Passkey:
    """Call a passkey something else; raises NoSuchPasskey."""
    key = one(login, key_id)
    key.name = text.clean(name, most=60) or key.name
    return key


def remove(login: Login, key_id: str) -> None:
    """Forget a passkey; raises NoSuchPasskey."""
    db.session.delete(one(login, key_id))
    db.session.flush()


def one(login: Login, key_id: str) -> Passkey:
    """Return a passkey of this person; raises NoSuchPasskey for anybody else's."""
    try:
        query = select(Passkey).where(Passkey.id == UUID(key_id), Passkey.login_id == login.id)
    except ValueError:
        raise NoSuchPasskey from None
    found = db.session.scalars(query).one_or_none()
    if found is None:
        raise NoSuchPasskey
    return found


def _held(credential_id: str) -> Passkey | None:
    """Return the passkey, held so that its counter is compared with what the last use left."""
    query = select(Passkey).where(Passkey.credential_id == credential_id).with_for_update()
    return db.session.scalars(query).one_or_none()


def _described(key: Passkey) -> PublicKeyCredentialDescriptor:
    transports = [AuthenticatorTransport(item) for item in key.transports]
    return PublicKeyCredentialDescriptor(id=base64url_to_bytes(key.credential_id), transports=transports or None)


def _plain(options: Any) -> dict[str, Any]:
    return orjson.loads(webauthn.options_to_json(options))


def _place() -> Place:
    here = place()
    if here is None:
        raise BadPasskey(_("Passkeys need a name as the address of this page, not a number."))
    return here
