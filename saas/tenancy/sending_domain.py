"""The domain a company's mails come from: its DKIM key, the DNS entries that vouch for it, and whether they are there.

The private key is sealed and never shown. In test mode (mail goes to a mailbox on this machine) nobody checks DNS, so
sending is not held up by it; the page says so instead of pretending that a made-up domain is verified.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

import dns.exception
import dns.resolver

from saas import config
from saas.kit import clock, crypto, dkim, errors, scope
from saas.kit.text import gettext as _
from saas.tenancy import audit, settings, tenants
from saas.tenancy.models import TenantSettings

LOCAL = ("127.0.0.1", "localhost", "::1")
SECONDS = 3.0  # for all answers of DNS to one question


class NoSenderAddress(errors.Conflict):
    """The address mails come from has to be chosen first; its domain is what the key vouches for."""

    code = "no_sender_address"


class NotVouchedFor(errors.Conflict):
    """The sender's domain does not vouch for our mails yet, so that mailboxes would refuse them."""

    code = "sender_not_verified"


@dataclass(frozen=True)
class Sender:
    """Who a company's mails come from, and the keys they are signed with."""

    name: str
    email: str
    reply_to: str
    signers: tuple[dkim.Signer, ...]


@dataclass(frozen=True)
class DnsEntry:
    """One TXT entry the company's domain should have; `kind` is dkim, spf or dmarc."""

    kind: str
    name: str
    value: str
    required: bool


def test_mode() -> bool:
    """Tell whether mail goes to a mailbox on this machine and to nobody's."""
    return not config.get().production and urlsplit(config.get().smtp_url).hostname in LOCAL


def own_address() -> str:
    """Return the address mails come from while a company has not chosen its own."""
    return f"shop-{scope.tenant_id()}@{config.get().mail_domain}"


def sender() -> Sender:
    """Return who the bound company's mails come from."""
    held = tenants.settings()
    signer = _signer(held)
    return Sender(
        name=held.sender_name or tenants.current().name, email=held.sender_email or own_address(),
        reply_to=held.reply_to, signers=(signer,) if signer else (),
    )  # fmt: skip


def require_ready() -> Sender:
    """Return who mails come from; raises NotVouchedFor when mailboxes would refuse them."""
    held = tenants.settings()
    if held.sender_email and held.dkim_verified_at is None and not test_mode():
        domain = settings.domain_of(held.sender_email)
        sentence = _("%(domain)s does not vouch for our mails yet. The settings show what to add.", domain=domain)
        raise NotVouchedFor(sentence)
    return sender()


def make_key() -> None:
    """Make a key for the sender's domain, under a name of its own so that mails already sent stay provable.

    Raises NoSenderAddress.
    """
    held = tenants.settings()
    if not held.sender_email:
        raise NoSenderAddress(_("Choose the address your mails come from first."))
    pem = dkim.create_key()
    held.dkim_domain = settings.domain_of(held.sender_email)
    held.dkim_selector = f"rg{int(clock.now().timestamp()):x}"
    held.dkim_key_sealed = crypto.seal(pem, place=_place(held))
    held.dkim_public = dkim.record(dkim.Signer(held.dkim_domain, held.dkim_selector, pem))
    held.dkim_verified_at = None
    audit.record(action="settings.key_made", kind="tenant", record_id=scope.tenant_id(),
                 after={"domain": held.dkim_domain, "selector": held.dkim_selector})  # fmt: skip


def _place(held: TenantSettings) -> str:
    return f"{scope.tenant_id()}|tenant_settings|dkim_key_sealed|{held.id}"


def _signer(held: TenantSettings) -> dkim.Signer | None:
    if held.dkim_key_sealed is None:
        return None
    return dkim.Signer(held.dkim_domain, held.dkim_selector, crypto.unseal(held.dkim_key_sealed, place=_place(held)))


def entries() -> list[DnsEntry]:
    """Return what the sender's domain should have in DNS; nothing before a key is made."""
    held = tenants.settings()
    if not held.dkim_public:
        return []
    domain = held.dkim_domain
    return [
        DnsEntry("dkim", f"{held.dkim_selector}._domainkey.{domain}", held.dkim_public, True),
        DnsEntry("spf", domain, f"v=spf1 include:{config.get().mail_domain} ~all", False),
        DnsEntry("dmarc", f"_dmarc.{domain}", "v=DMARC1; p=none", True),
    ]


def look_up(wanted: Iterable[DnsEntry], *, resolver: dns.resolver.Resolver | None = None) -> dict[str, str]:
    """Ask DNS for the entries, outside any unit of work: {kind: found, different, missing or unanswered}."""
    asked = resolver or dns.resolver.Resolver()
    return {entry.kind: _judge(entry, asked) for entry in wanted}


def _judge(entry: DnsEntry, resolver: dns.resolver.Resolver) -> str:
    try:
        answer = resolver.resolve(entry.name, "TXT", lifetime=SECONDS)
    except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
        return "missing"
    except dns.exception.DNSException:
        return "unanswered"
    texts = [b"".join(item.strings).decode("utf-8", "replace") for item in answer]
    begins = entry.value.split(";")[0].split(" ")[0].lower()
    ours = [found for found in texts if found.replace(" ", "").lower().startswith(begins)]
    if not ours:
        return "missing"
    return "found" if any(_vouches(entry, found) for found in ours) else "different"


def _vouches(entry: DnsEntry, found: str) -> bool:
    """Tell whether a text does what ours would: the same key, our servers among the allowed, any DMARC policy."""
    if entry.kind == "dkim":
        return _tag(found, "p") == _tag(entry.value, "p")
    if entry.kind == "spf":
        return entry.value.split(" ")[1].lower() in found.lower().split()
    return True


def _tag(record: str, name: str) -> str:
    pairs = (part.partition("=") for part in record.replace(" ", "").split(";"))
    return next((value for key, _is, value in pairs if key == name), "")


def note_checked(states: dict[str, str]) -> bool:
    """Note what DNS said; tells whether the domain vouches for our mails now. Silence changes nothing."""
    held = tenants.settings()
    needed = {states.get(entry.kind) for entry in entries() if entry.required}
    if needed == {"found"}:
        held.dkim_verified_at = held.dkim_verified_at or clock.now()
    elif "unanswered" not in needed:
        held.dkim_verified_at = None
    return held.dkim_verified_at is not None
