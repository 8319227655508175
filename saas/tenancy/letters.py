"""The letters Regulars itself writes to people: confirm your address, choose a password, come and join.

Jobs call these, each for one event. The link is made here, at the last moment and from the address in the settings, so
that no token waits in a table and no forged Host header gets into a mail.
"""

from __future__ import annotations

import html
import logging
import string
from email.utils import parseaddr
from functools import lru_cache
from pathlib import Path
from uuid import UUID

from sqlalchemy import select

from saas import config
from saas.kit import clock, identifiers, mail, mail_headers, smtp, smtp_server
from saas.kit.db import db
from saas.tenancy import members, proofs, tenants
from saas.tenancy.letter_words import FOOT, GREETING, GREETING_NAMELESS, LETTERS, LINK_BELOW, Words
from saas.tenancy.models import Login, Member

log = logging.getLogger("regulars.letters")
TIMEOUTS = smtp_server.Timeouts(connect=5, reply=10, data=10, send=10, final=20)


class LetterDelayed(Exception):
    """The mail server did not take the letter; the outbox brings the event back and it is tried again."""


def write_verification(login_id: str) -> None:
    """Send a person the link that verifies their address, unless it is verified meanwhile."""
    login = _login(login_id)
    if login is not None and login.verified_at is None:
        _write_to(login, "verify", f"/verify/{proofs.for_login('verify', login)}")


def write_reset(login_id: str) -> None:
    """Send a person the link with which they choose a new password."""
    login = _login(login_id)
    if login is not None:
        _write_to(login, "reset", f"/reset/{proofs.for_login('reset', login)}")


def write_known(login_id: str) -> None:
    """Tell a person that somebody tried to sign up with their address."""
    login = _login(login_id)
    if login is not None:
        _write_to(login, "known", "/sign-in")


def write_password_changed(login_id: str) -> None:
    """Tell a person that their password was changed."""
    login = _login(login_id)
    if login is not None:
        _write_to(login, "password_changed", "/sign-in")


def write_factor_changed(login_id: str, *, what: str) -> None:
    """Tell a person what changed of their second factor; `what` names one of the letters that begin with factor_."""
    login = _login(login_id)
    if login is not None:
        _write_to(login, f"factor_{what}", "/account#second-factor")


def write_new_browser(login_id: str, *, browser: str, address: str) -> None:
    """Tell a person that a browser we had not seen signed in as them."""
    login = _login(login_id)
    if login is not None:
        _write_to(login, "new_browser", "/account#sessions", {"browser": browser, "address": address})


def write_invitation(member_id: str, *, invited_by: str, language: str) -> None:
    """Send the link of an invitation, unless it was taken back or accepted meanwhile."""
    try:
        member = members.one(UUID(member_id))
    except members.NoSuchMember:
        return
    if member.joined_at is not None:
        return
    values = {"invited_by": invited_by, "company": tenants.current().name}
    link = f"/invitations/{proofs.for_invitation(member)}"
    send("invite", to=member.email, name="", language=language, path=link, values=values)


def write_to_staff(kind: str, *, roles: tuple[str, ...], path: str, values: dict[str, str]) -> None:
    """Write a letter to everybody of the bound company who has one of these roles, each in their own language."""
    query = select(Login.email, Login.name, Login.language).join(Member, Member.login_id == Login.id)
    query = query.where(Member.role.in_(roles), Member.joined_at.is_not(None), Member.removed_at.is_(None))
    usual = tenants.settings().languages[0]
    for email, name, language in db.session.execute(query.order_by(Member.id)):
        send(kind, to=email, name=name, language=language or usual, path=path, values=values)


def _login(login_id: str) -> Login | None:
    return db.session.scalars(select(Login).where(Login.id == UUID(login_id))).one_or_none()


def _write_to(login: Login, kind: str, path: str, values: dict[str, str] | None = None) -> None:
    language = login.language or tenants.settings().languages[0]
    send(kind, to=login.email, name=login.name, language=language, path=path, values=values or {})


def send(kind: str, *, to: str, name: str, language: str, path: str, values: dict[str, str]) -> None:
    """Write one letter and hand it to the mail server; raises LetterDelayed when that should be tried again."""
    try:
        message = compose(kind, to=to, name=name, language=language, path=path, values=values)
    except mail_headers.AddressRefused as refused:
        log.warning("no letter (%s) can be written: %s", kind, refused)
        return
    sender = parseaddr(config.get().mail_from)[1]
    with smtp.Client(smtp_server.server(config.get().smtp_url, timeouts=TIMEOUTS)) as client:
        outcome = client.send(smtp.Envelope(sender=sender, recipient=message.recipient, data=message.as_bytes()))
    if outcome.kind == smtp.PERMANENT:
        log.warning("a letter (%s) was refused: %s %s", kind, outcome.code, outcome.text)
    elif outcome.kind != smtp.ACCEPTED:
        # also when the answer was lost: a second letter does less harm than none
        raise LetterDelayed(f"{outcome.stage}: {outcome.text}")


def compose(kind: str, *, to: str, name: str, language: str, path: str, values: dict[str, str]) -> mail.Message:
    """Return one letter as text and HTML; `path` is where its button leads, on our own public address."""
    tongue = language if language in LETTERS[kind] else "en"
    words = LETTERS[kind][tongue]
    plain = {key: " ".join(value.split())[:120] for key, value in values.items()}
    called = " ".join(name.split())
    filled = {
        "language": tongue.replace("_", "-"), "link": config.get().public_url.rstrip("/") + path,
        "greeting": GREETING[tongue].format(name=called) if called else GREETING_NAMELESS[tongue],
        "link_below": LINK_BELOW[tongue], "foot": FOOT[tongue],
    } | {part: getattr(words, part).format(**plain) for part in Words.__dataclass_fields__}  # fmt: skip
    text = "\n\n".join(filled[part] for part in ("greeting", "before", "link", "after", "foot"))
    sender_name, sender_email = parseaddr(config.get().mail_from)
    page = _page().substitute({key: html.escape(value) for key, value in filled.items()})
    frame = mail.Frame(sender_email=sender_email, sender_name=sender_name, sample=text)
    return frame.fill(
        to_email=to, subject=filled["subject"], text=text, html=page, at=clock.now(),
        message_id=mail.message_id(local=str(identifiers.new()), domain=config.get().mail_domain),
        headers={"Auto-Submitted": "auto-generated"},
    )  # fmt: skip


@lru_cache(maxsize=1)
def _page() -> string.Template:
    return string.Template(Path(__file__).with_name("letter.html").read_text(encoding="utf-8"))
