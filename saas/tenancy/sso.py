"""A company's own sign-in: where it is, which mail domains it speaks for, and which people it lets in with which role.

The company can only ever let people into itself. It speaks for a domain when DNS says so, or when the owner's own verified
address is there and the domain is no public mail service.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import dns.exception
import dns.resolver
from sqlalchemy import delete, select

from saas import config
from saas.kit import addresses, clock, crypto, errors, scope, text
from saas.kit import db as kit_db
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.tenancy import audit, directory, made_roles, openid, sign_in_rules, tenants
from saas.tenancy.models import Login, Member, SsoConnection, SsoDomain, SsoIdentity

CODE, DOMAIN = "sso", "sso_domain"  # kinds in the directory
LABEL = "_regulars-sign-in"
MOST_DOMAINS = 20
SECONDS = 3.0
PUBLIC_MAIL = frozenset((
    "gmail.com", "googlemail.com", "outlook.com", "hotmail.com", "live.com", "msn.com", "yahoo.com", "yahoo.co.uk", "ymail.com",
    "icloud.com", "me.com", "mac.com", "aol.com", "gmx.de", "gmx.net", "gmx.com", "web.de", "t-online.de", "freenet.de",
    "mail.com", "mail.ru", "yandex.ru", "yandex.com", "proton.me", "protonmail.com", "tutanota.com", "zoho.com", "fastmail.com",
    "qq.com", "163.com", "126.com", "sina.com", "sohu.com", "foxmail.com", "aliyun.com", "139.com", "naver.com", "hey.com",
    "orange.fr", "free.fr", "laposte.net", "libero.it", "seznam.cz", "wp.pl", "o2.pl", "bluewin.ch", "comcast.net",
))  # fmt: skip


class BadConnection(errors.Invalid):
    """A field of the connection is wrong."""


class NotReady(errors.Conflict):
    """Something has to be done before people can come in this way; the sentence says what."""

    code = "not_ready"


class NoConnection(errors.NotFound):
    """The company has no sign-in of its own, or it is switched off."""


class NoSuchDomain(errors.NotFound):
    """There is no such domain here."""


@dataclass(frozen=True)
class Way:
    """All that is needed to lead somebody through a company's sign-in, outside any transaction."""

    tenant_id: int
    company: str
    issuer: str
    client: openid.Client
    enabled: bool


def current() -> SsoConnection | None:
    """Return the bound company's connection, if it has one."""
    return db.session.scalars(select(SsoConnection)).one_or_none()


def tenant_of(code: str) -> int:
    """Return whose sign-in an address leads to, before any tenant is bound; raises NoConnection."""
    place = directory.find(kind=CODE, key=code)
    if place is None:
        raise NoConnection
    return place.tenant_id


def tenants_of_domain(email: str) -> list[int]:
    """Return the companies that speak for an address's domain, before any tenant is bound."""
    try:
        domain = text.email(email).partition("@")[2]
    except text.NotAnEmail:
        return []
    return [place.tenant_id for place in directory.places(kind=DOMAIN, key=domain)]


def way(*, enabled: bool = True) -> Way:
    """Return the bound company's way in; raises NoConnection."""
    held = current()
    if held is None or (enabled and not held.enabled):
        raise NoConnection
    secret = crypto.unseal(held.secret_sealed, place=_place(held)) if held.secret_sealed else ""
    client = openid.Client(held.client_id, secret, redirect(held.code))
    return Way(scope.tenant_id(), tenants.current().name, held.issuer, client, held.enabled)


def redirect(code: str) -> str:
    """Return the one address a provider may send people back to."""
    return f"{config.get().public_url.rstrip('/')}/sso/return/{code}"


def start_address(code: str) -> str:
    """Return the address that leads the company's people to their sign-in."""
    return f"{config.get().public_url.rstrip('/')}/sso/{code}"


def save(*, issuer: str, client_id: str, secret: str, newcomer_role: str) -> SsoConnection:
    """Keep the connection; an empty secret leaves the one that is there. Another issuer has to be tried anew.

    Raises BadConnection.
    """
    issuer, client_id = text.clean(issuer, most=300), text.clean(client_id, most=300)
    wrong: dict[str, list[str]] = {}
    parts = addresses.split(issuer)
    if parts.scheme not in ("https", "http") or not parts.hostname:
        wrong["issuer"] = [_("Write the issuer as an address that begins with https://.")]
    if not client_id:
        wrong["client_id"] = [_("The provider gives you this when you register Regulars there.")]
    if newcomer_role and not _may_be_newcomer(newcomer_role):
        wrong["newcomer_role"] = [_("Choose one of the roles.")]
    if wrong:
        raise BadConnection(fields=wrong)
    held = current()
    before = _shown(held) if held else None
    if held is None:
        held = SsoConnection(code=crypto.new_token(16), issuer=issuer, client_id=client_id)
        db.session.add(held)
        db.session.flush()
        directory.enter(kind=CODE, key=held.code, subject_id=held.id)
    if held.issuer != issuer or held.client_id != client_id:
        held.tested_at = None
    held.issuer, held.client_id, held.newcomer_role = issuer, client_id, newcomer_role
    if secret:
        held.secret_sealed = crypto.seal(text.clean(secret, most=1000), place=_place(held))
    audit.record(action="sso.changed", kind="sso", record_id=held.id, before=before,
                 after=_shown(held) | {"secret_changed": bool(secret)})  # fmt: skip
    return held


def switch(on: bool) -> None:
    """Open or close this way in; raises NotReady. Closing it opens the other ways again."""
    held = current()
    if held is None:
        raise NotReady(_("Write down the provider first."))
    if on and not proven():
        raise NotReady(_("Show first that a mail domain is yours."))
    if on and held.tested_at is None:
        raise NotReady(_("Try the sign-in once yourself first, so that you know it works."))
    held.enabled = on
    if not on:
        tenants.settings().only_sso = False
    audit.record(action="sso.switched_on" if on else "sso.switched_off", kind="sso", record_id=held.id)


def require_only(on: bool, *, by: Any) -> None:
    """Make this the only way in, or one of several; raises NotReady or sign_in_rules.NotYourself."""
    held = current()
    if on and (held is None or not held.enabled):
        raise NotReady(_("Switch your own sign-in on first."))
    sign_in_rules.require_own_sign_in(on, by=by)


def note_tested() -> None:
    """Note that somebody came back through the provider as they should."""
    held = current()
    if held is not None:
        held.tested_at = clock.now()


def remove() -> None:
    """Forget the connection and who came through it; their logins stay, and the other ways in open again."""
    held = current()
    if held is None:
        return
    directory.strike(kind=CODE)
    db.session.execute(delete(SsoIdentity))
    db.session.delete(held)
    tenants.settings().only_sso = False
    audit.record(action="sso.removed", kind="sso", record_id=held.id, before=_shown(held))


def domains() -> list[SsoDomain]:
    """Return the company's mail domains, proven or not."""
    return list(db.session.scalars(select(SsoDomain).order_by(SsoDomain.domain)))


def proven() -> set[str]:
    """Return the domains the company speaks for."""
    return {held.domain for held in domains() if held.proven_at}


def add_domain(domain: str) -> SsoDomain:
    """Note a domain that the company wants to speak for; raises BadConnection."""
    try:
        norm = text.email(f"x@{text.clean(domain, most=253).lstrip('@')}").partition("@")[2]
    except text.NotAnEmail:
        raise BadConnection(fields={"domain": [_("This is not a domain.")]}) from None
    if norm in PUBLIC_MAIL:
        raise BadConnection(fields={"domain": [_("This domain belongs to a public mail service.")]})
    held = {item.domain: item for item in domains()}
    if norm in held:
        return held[norm]
    if len(held) >= MOST_DOMAINS:
        raise BadConnection(fields={"domain": [_("Remove a domain you do not need first.")]})
    made = SsoDomain(domain=norm, token=crypto.new_token(32))
    db.session.add(made)
    db.session.flush()
    audit.record(action="sso.domain_added", kind="sso_domain", record_id=made.id, after={"domain": norm})
    return made


def one_domain(domain_id: str) -> SsoDomain:
    return kit_db.one(SsoDomain, domain_id, NoSuchDomain, lock=True)


def entry(held: SsoDomain) -> tuple[str, str]:
    """Return name and text of the TXT entry that proves a domain."""
    return f"{LABEL}.{held.domain}", f"regulars-sign-in={held.token}"


def look_up(name: str, value: str, *, resolver: dns.resolver.Resolver | None = None) -> str:
    """Ask DNS for an entry, outside any unit of work: found, missing or unanswered."""
    try:
        answer = (resolver or dns.resolver.Resolver()).resolve(name, "TXT", lifetime=SECONDS)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return "missing"
    except dns.exception.DNSException:
        return "unanswered"
    texts = [b"".join(item.strings).decode("utf-8", "replace").strip() for item in answer]
    return "found" if any(crypto.same(said, value) for said in texts) else "missing"


def prove_by_dns(domain_id: str, found: str) -> bool:
    """Note what DNS said of a domain; tells whether the company speaks for it now."""
    held = one_domain(domain_id)
    if found == "found":
        _prove(held, "dns")
    return held.proven_at is not None


def prove_by_address(domain_id: str, *, login: Login) -> None:
    """Let the owner's own verified address prove its domain; raises NotReady."""
    held = one_domain(domain_id)
    member = db.session.scalars(select(Member).where(Member.login_id == login.id)).one_or_none()
    mine = login.email_norm.partition("@")[2] == held.domain and login.verified_at is not None
    if not mine or member is None or member.role != "owner" or held.domain in PUBLIC_MAIL:
        raise NotReady(_("Your own confirmed address is not at this domain. Use the DNS entry."))
    _prove(held, "address")


def remove_domain(domain_id: str) -> None:
    """Stop speaking for a domain; its people come in another way, or not at all. Raises NoSuchDomain."""
    held = one_domain(domain_id)
    directory.strike(kind=DOMAIN, key=held.domain)
    db.session.delete(held)
    audit.record(action="sso.domain_removed", kind="sso_domain", record_id=held.id, before={"domain": held.domain})


def _prove(held: SsoDomain, by: str) -> None:
    if held.proven_at is None:
        directory.enter(kind=DOMAIN, key=held.domain, subject_id=held.id)
    held.proven_at, held.proven_by = clock.now(), by
    audit.record(
        action="sso.domain_proven", kind="sso_domain", record_id=held.id, after={"domain": held.domain, "by": by}
    )


def _may_be_newcomer(role: str) -> bool:
    """Tell whether newcomers may get this role: any but owner and administrator, which somebody must give by hand."""
    try:
        return made_roles.chosen(role)[0] not in ("owner", "admin")
    except made_roles.NoSuchRole:
        return False


def _shown(held: SsoConnection) -> dict[str, Any]:
    return {"issuer": held.issuer, "client_id": held.client_id, "newcomer_role": held.newcomer_role}


def _place(held: SsoConnection) -> str:
    return f"{scope.tenant_id()}|sso_connections|secret_sealed|{held.id}"
