"""What a company says of itself: name, address, country, currency, zone, languages, and who its mails come from."""

from __future__ import annotations

import zoneinfo
from functools import lru_cache
from typing import Any

from babel import Locale, UnknownLocaleError
from babel.numbers import list_currencies
from sqlalchemy import func, update

from saas.kit import errors, mail_headers, scope, text
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.tenancy import audit, limits, tenants, undoing
from saas.tenancy.models import Tenant, TenantSettings

COMPANY = ("name", "address", "country", "currency", "zone", "languages")
SENDER = ("sender_name", "sender_email", "reply_to")
MOST_LANGUAGES = 20


class BadSettings(errors.Invalid):
    """A field of the company's settings is out of range; every such field is named."""


@lru_cache(maxsize=1)
def zones() -> frozenset[str]:
    """Return every time zone there is; reading them from disk is slow."""
    return frozenset(zoneinfo.available_timezones())


def shown() -> dict[str, Any]:
    """Return the bound company as plain values, for programs and templates alike."""
    tenant, held = tenants.current(), tenants.settings()
    fields = {name: getattr(held, name) for name in ("address", "country", "currency", "zone", "languages", "site_key")}
    sender = {"name": held.sender_name, "email": held.sender_email, "reply_to": held.reply_to}
    return {"id": tenant.id, "name": tenant.name, "state": tenant.state, "simulated": tenant.simulated,
            "created_at": tenant.created_at, "updated_at": max(tenant.updated_at, held.updated_at),
            "sender": sender, "limits": limits.all_limits()} | fields  # fmt: skip


def change_company(**fields: Any) -> None:
    """Change what is given of COMPANY; raises BadSettings."""
    _change(fields, COMPANY, _CHECKS)


def change_sender(**fields: Any) -> None:
    """Change what is given of SENDER; raises BadSettings. Another domain needs a key of its own."""
    held = tenants.settings()
    _change(fields, SENDER, _CHECKS)
    if held.dkim_domain and held.dkim_domain != domain_of(held.sender_email):
        held.dkim_domain, held.dkim_public = "", ""
        held.dkim_key_sealed, held.dkim_verified_at = None, None


def domain_of(email: str) -> str:
    """Return an address's domain as DNS knows it, or nothing."""
    return text.email(email).partition("@")[2] if email else ""


def _change(fields: dict[str, Any], allowed: tuple[str, ...], checks: dict[str, Any]) -> None:
    values, wrong = {}, {}
    for name, value in fields.items():
        if name not in allowed:
            raise BadSettings(fields={name: [_("There is no such setting.")]})
        try:
            values[name] = checks[name](value)
        except ValueError as error:
            wrong[name] = [str(error)]
    if wrong:
        raise BadSettings(fields=wrong)
    _write(values)


def _write(values: dict[str, Any]) -> None:
    held, tenant = tenants.settings(), tenants.current()
    before = {name: tenant.name if name == "name" else getattr(held, name) for name in values}
    changed = {name: value for name, value in values.items() if before[name] != value}
    if not changed:
        return
    if "name" in changed:
        renaming = update(Tenant).where(Tenant.id == scope.tenant_id())
        db.session.execute(renaming.values(name=changed["name"], updated_at=func.now()))
    for name, value in changed.items():
        if name in TenantSettings.__table__.columns:
            setattr(held, name, value)
    audit.record(
        action="settings.changed", kind="tenant", record_id=scope.tenant_id(),
        before={name: before[name] for name in changed}, after=changed,
    )  # fmt: skip


def _name(value: str) -> str:
    cleaned = text.clean(value, most=120)
    if not cleaned:
        raise ValueError(_("Give your company a name."))
    return cleaned


def _country(value: str) -> str:
    if value and (len(value) != 2 or value not in Locale("en").territories):
        raise ValueError(_("Choose a country from the list."))
    return value


def _currency(value: str) -> str:
    if value not in list_currencies():
        raise ValueError(_("Choose a currency from the list."))
    return value


def _zone(value: str) -> str:
    if value not in zones():
        raise ValueError(_("Choose a time zone from the list."))
    return value


def _languages(values: list[str]) -> list[str]:
    chosen = list(dict.fromkeys(values))
    try:
        known = [str(Locale.parse(value)) for value in chosen]
    except (UnknownLocaleError, ValueError):
        known = []
    if not chosen or known != chosen or len(chosen) > MOST_LANGUAGES:
        raise ValueError(_("Choose at least one language from the list."))
    return chosen


def _sender_name(value: str) -> str:
    return text.clean(value, most=120).replace("\n", " ")


def _address(value: str) -> str:
    """Return a mail address that can stand in a header, or nothing."""
    cleaned = text.clean(value, most=320)
    if not cleaned:
        return ""
    try:
        text.email(cleaned)
        return mail_headers.address(cleaned)
    except (text.NotAnEmail, mail_headers.AddressRefused):
        raise ValueError(_("This is not an e-mail address.")) from None


_CHECKS = {
    "name": _name, "address": lambda value: text.clean(value, most=500), "country": _country, "currency": _currency,
    "zone": _zone, "languages": _languages, "sender_name": _sender_name, "sender_email": _address, "reply_to": _address,
}  # fmt: skip


def _held(record_id: str, names: list[str]) -> dict[str, Any]:
    held, tenant = tenants.settings(), tenants.current()
    return {name: tenant.name if name == "name" else getattr(held, name) for name in names}


def _take_back(record_id: str, values: dict[str, Any]) -> None:
    """Write settings back as they were; those of the sender and those of the company each through their own door."""
    company = {name: value for name, value in values.items() if name in COMPANY}
    sender = {name: value for name, value in values.items() if name in SENDER}
    if company:
        change_company(**company)
    if sender:
        change_sender(**sender)


undoing.register_edit("settings.changed", kind="tenant", permission="settings.edit", read=_held, write=_take_back)
