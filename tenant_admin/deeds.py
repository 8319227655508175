"""What was done, in words: actions, kinds of records, doors and values of the history in the reader's language."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from flask import current_app, g, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from saas.customers import owners
from saas.kit import access, records
from saas.tenancy import made_roles, roles, undoing
from saas.tenancy.audit import Told
from tenant_admin import formats, offer_words

KINDS = {
    "customer": _l("Customer"), "product": _l("Product"), "order": _l("Order"), "cart": _l("Cart"), "segment": _l("Segment"), "campaign": _l("Campaign"),
    "template": _l("Mail design"), "offer_rule": _l("Rule"), "offer_trial": _l("Trial"), "offer_slot": _l("Place"), "shop": _l("Shop"), "member": _l("Member"), "api_key": _l("API key"),
    "tenant": _l("Company"), "plan": _l("Plan"), "operation": _l("Background work"), "address": _l("Address"), "bin": _l("Bin"),
    "role": _l("Role"), "team": _l("Team"), "custom_field": _l("Field"), "hook": _l("Webhook"), "login": _l("Sign-in"),
    "import": _l("Import"), "view": _l("View"), "support": _l("Support access"), "page": _l("Page"), "sso": _l("Own sign-in"),
    "retention": _l("How long data is kept"), "erasure": _l("Erasure"), "consent_purpose": _l("Purpose"), "sso_domain": _l("Mail domain"), "sign_in": _l("Sign-in"),
    "return": _l("Return"), "coupon": _l("Coupon"), "review": _l("Review"), "review_settings": _l("Reviews"), "portal": _l("Page for shoppers"), "recommend_model": _l("Model"),
}  # fmt: skip
# the end of an action: what was done to a record of its kind
VERBS = {
    "created": _l("made"), "made": _l("made"), "edited": _l("changed"), "changed": _l("changed"), "deleted": _l("deleted"),
    "restored": _l("brought back"), "erased": _l("erased"), "removed": _l("removed"), "invited": _l("invited"), "joined": _l("joined"),
    "exported": _l("exported"), "read": _l("read by a program"), "launched": _l("launched"), "scheduled": _l("scheduled"),
    "unscheduled": _l("taken off the schedule"), "paused": _l("paused"), "resumed": _l("resumed"), "cancelled": _l("cancelled"),
    "consent": _l("consent changed"), "handed_over": _l("given to another owner"), "shared": _l("shared"), "unshared": _l("no longer shared"),
    "merged": _l("merged"), "unmerged": _l("taken apart again"), "imported": _l("imported"), "bulk_started": _l("many changed at once"),
    "bulk_delete_started": _l("many deleted at once"), "revoked": _l("revoked"), "added": _l("added"), "released": _l("released"), "pinned": _l("older version chosen"),
    "given": _l("coupon given"), "role_changed": _l("role changed"), "emptied": _l("emptied"), "founded": _l("founded"), "connected": _l("connected"),
    "renamed": _l("renamed"), "secret_renewed": _l("secret renewed"), "key_made": _l("key made"), "chosen": _l("chosen"), "kept": _l("kept"),
    "granted": _l("let in"), "withdrawn": _l("turned out"), "entered": _l("came in"), "refused": _l("tried to come in without consent"),
    "read_page": _l("page read"), "sent_form": _l("form sent"), "rules_changed": _l("rules changed"), "switched_on": _l("switched on"),
    "switched_off": _l("switched off"), "glass_broken": _l("an owner came in by password and second factor"),
    "domain_added": _l("domain added"), "domain_proven": _l("domain proven"), "domain_removed": _l("domain removed"),
    "person_tied": _l("person recognised"), "factor_reset": _l("second factor reset"),
    "ran": _l("old data removed"), "archived": _l("put away"), "stopped": _l("stopped"),
    "answered": _l("answered"), "decided": _l("decided"), "settings_changed": _l("settings changed"),
    "accepted": _l("took what was offered"), "declined": _l("did not want what was offered"),
    "taken_back": _l("answer taken back"),
}  # fmt: skip
DOORS = {
    "page": _l("on these pages"), "api": _l("through the API"), "shop": _l("by a shop or shopper"), "job": _l("in the background"),
    "staff": _l("by the platform's staff"),
}  # fmt: skip
ACTORS = {
    "member": _l("Member"), "key": _l("Program"), "shop": _l("Shop"), "shopper": _l("Shopper"), "automation": _l("Automation"),
    "platform": _l("Regulars"), "staff": _l("Support"),
    "support": _l("Support"), "visitor": _l("Visitor"),
}  # fmt: skip
LABELS = {
    "name": _l("Name"), "definition": _l("Conditions"), "subject": _l("Subject"), "source": _l("Text of the mail"), "text_source": _l("Plain text"),
    "count": _l("How many"), "filter": _l("Filter"), "fields": _l("Fields"), "format": _l("Format"), "email": _l("E-mail"), "role": _l("Role"),
    "reason": _l("Reason"), "title": _l("What"), "chosen": _l("Chosen by"), "do": _l("Action"), "field": _l("Field"), "value": _l("Value"),
    "price_micros": _l("Price"), "currency": _l("Currency"), "segment_id": _l("Segment"), "owner_id": _l("Owner"), "language": _l("Language"),
    "holdout_percent": _l("Held out"), "without_disputed": _l("Leave out customers with an open dispute"), "purpose": _l("Purpose"), "sender_name": _l("Sender"), "reply_to": _l("Answers go to"), "requests": _l("Requests"),
    "records": _l("Records"), "from": _l("From"), "address": _l("Address"), "country": _l("Country"), "zone": _l("Time zone"),
    "languages": _l("Languages"), "external_id": _l("Number in the shop"), "stock": _l("Stock"), "active": _l("On sale"),
    "until": _l("Until"), "may_edit": _l("May change things"), "issuer": _l("Issuer"), "client_id": _l("Client id"), "domain": _l("Domain"),
    "by": _l("By"), "newcomer_role": _l("Newcomers’ role"), "only_sso": _l("The only way in"), "secret_changed": _l("New secret"),
    "second_factor_required": _l("Second factor required"), "second_factor_from": _l("From which day on"),
    "url": _l("Address of the page"), "image_url": _l("Picture"), "description": _l("Description"), "categories": _l("Categories"),
    "tags": _l("Tags"), "sku": _l("Article number"), "kind": _l("Kind"), "slot": _l("Place"), "product_id": _l("Product"),
    "category": _l("Category"), "position": _l("Position"), "percent": _l("Strength"), "note": _l("Note"), "starts_at": _l("Begins"),
    "ends_at": _l("Ends"), "plan": _l("Plan"), "state": _l("State"), "sender_email": _l("Sender's address"), "version": _l("Version"),
    "parent_id": _l("Inside"), "rows": _l("Which customers they see"), "hidden": _l("Hidden fields"), "locked": _l("Fields they may only see"),
    "content": _l("What it shows"), "failed": _l("Failed"), "certificate": _l("Certificate of erasure"), "topics": _l("Tell of"),
    "scopes": _l("Rights"), "permissions": _l("What they may do"), "length": _l("For how long"), "channels": _l("Channels"),
    "wording": _l("Words people agree to"), "double_opt_in": _l("Confirm by a click in a mail"), "hint": _l("Begins with"), "type": _l("What it holds"),
    "choices": _l("Choices"), "label": _l("Name"), "required": _l("Needed"), "unique": _l("Each record its own"), "personal": _l("Tells something about a person"),
    "help": _l("What should be entered?"), "audience": _l("Who sees it"), "manager_id": _l("Manager"), "text": _l("Text of the mail"),
    "serving": _l("Version at work"), "fitted_at": _l("Learnt"), "held": _l("Held by hand"),
    "engine": _l("Engine"), "fallback": _l("If that is not enough"), "place": _l("Where"), "pinned": _l("Always first"),
    "buried": _l("Only where nothing else is left"), "picked": _l("Chosen by hand"), "excluded_tags": _l("Products with these tags"),
    "excluded_categories": _l("Products of these categories"), "least_stock": _l("At least in stock"), "least_margin": _l("At least left of the price"),
    "unknown_margin": _l("Also what has no cost"), "price_least": _l("Price from"), "price_most": _l("Price to"), "reduced_only": _l("Only what is reduced"),
    "category_cap": _l("Of each category at most"), "not_bought_days": _l("Not bought for"), "diversity": _l("Mixture"),
    "step_least": _l("A step up, at least"), "step_most": _l("A step up, at most"), "bundle": _l("Buy these together"),
}  # fmt: skip
# kind -> (endpoint, argument) of a record's page
PAGES = {
    "customer": ("customers.show", "customer_id"), "product": ("products.show", "product_id"), "order": ("orders.show", "order_id"),
    "segment": ("segments.show", "segment_id"), "campaign": ("campaigns.show", "campaign_id"), "template": ("templates.edit", "template_id"),
    "operation": ("operations.show", "operation_id"), "shop": ("shops.show", "shop_id"), "review": ("reviews.show", "review_id"),
}  # fmt: skip
LEVELS = {"all": _l("Everything"), "team": _l("The team's customers"), "own": _l("Only their own")}
LONGEST = 300
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)")


def action(name: str) -> str:
    """Return an action in words, such as "Customer: changed"."""
    plural, _dot, verb = name.partition(".")
    said = VERBS.get(verb)
    return f"{kind(singular(plural))}: {said or verb.replace('_', ' ')}"


def singular(plural: str) -> str:
    return {"audit": "bin", "bin": "bin", "plan": "plan", "settings": "tenant", "suppressions": "address"}.get(
        plural
    ) or plural.removesuffix("s")


def kind(name: str) -> str:
    return str(KINDS.get(name) or name.replace("_", " ").capitalize())


def page_of(kind_name: str, record_id: str) -> str | None:
    """Return the address of a record's page, or None when it has none."""
    endpoint, argument = PAGES.get(kind_name, ("", ""))
    return url_for(endpoint, **{argument: record_id}) if endpoint in current_app.view_functions and record_id else None


def title(told: Told) -> str:
    """Return what a record was called, as far as the entry tells."""
    for values in (told.after, told.before):
        for name in ("title", "name", "email", "hint"):
            if isinstance(values.get(name), str) and values[name]:
                return values[name][:120]
    return ""


def differences(told: Told) -> list[dict[str, Any]]:
    """Return the fields of an entry with what they held before and after, in words; those hidden from the reader are left out."""
    name = told.entry.record_kind
    before, after = access.shown(name, told.before), access.shown(name, told.after)
    labels, shown = undoing.field_labels(name), []
    for field in dict.fromkeys([*before, *after]):
        if field == "role_key":  # for whoever takes the change back; its name stands beside it
            continue
        was, now = value(name, field, before.get(field)), value(name, field, after.get(field))
        if was != now or not before:
            of_place = offer_words.SETTINGS.get(field) if name == "offer_slot" else None
            label = of_place or labels.get(field) or LABELS.get(field) or undoing.named(field)
            shown.append(
                {"field": str(label), "before": was, "after": now, "had": field in before, "has": field in after}
            )
    return shown


def value(kind_name: str, field: str, held: Any) -> str:
    """Return a value in words."""
    if held in (None, "", [], {}):
        return ""
    if field == "owner_id":
        return owners.names([UUID(held)]).get(UUID(held), str(held))
    if field == "kind":
        return kind(str(held))
    if field == "rows" and isinstance(held, dict):
        return "; ".join(f"{kind(name)}: {LEVELS.get(level, level)}" for name, level in held.items())
    if field in ("hidden", "locked", "fields") and isinstance(held, list):
        return ", ".join(_label(kind_name, str(one)) for one in held)[:LONGEST]
    if field in ("role", "newcomer_role"):
        named = {role.key: role.name for role in roles.described()}
        return named.get(str(held)) or _own_roles().get(str(held), str(held))
    known = _field(kind_name, field)
    if known is not None and known.custom:
        try:
            return known.write(records.unplain(held, known.type))[:LONGEST]
        except (ValueError, TypeError):
            pass
    if kind_name == "offer_slot" and field in offer_words.SETTINGS:
        return offer_words.said(field, held, {})[:LONGEST]
    if isinstance(held, bool):
        return _("yes") if held else _("no")
    if field == "price_micros" and isinstance(held, int):
        return f"{held / 1_000_000:.2f}"
    if isinstance(held, list) and all(isinstance(one, str) for one in held):
        return ", ".join(held)[:LONGEST]
    if isinstance(held, dict):
        return "; ".join(f"{name}: {value(kind_name, name, inner) or '–'}" for name, inner in held.items())[:LONGEST]
    if isinstance(held, list):
        return orjson.dumps(held).decode()[:LONGEST]
    text = str(held)
    if MOMENT.fullmatch(text):
        return formats.when(datetime.fromisoformat(text))
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def _own_roles() -> Mapping[str, str]:
    """Return the names of the company's own roles, asked once a page."""
    if "own_roles" not in g:
        g.own_roles = {str(role.id): role.name for role in made_roles.listed()}
    return g.own_roles


def _label(kind_name: str, field: str) -> str:
    """Return what a field is called on the pages; `field` may name its kind, as in "customer.phone"."""
    of, dot, name = field.rpartition(".")
    known = _field(of, name) if dot and of != "custom" else _field(kind_name, field)
    return str(known.label) if known is not None else undoing.named(name)


def _field(kind_name: str, field: str) -> records.Field | None:
    try:
        return records.kind(kind_name).fields().get(field)
    except records.NoSuchKind:
        return None


def who(told: Told) -> Mapping[str, str]:
    """Return who acted, in words: name, kind, door, address and browser."""
    held, entry = told.values.who or {}, told.entry
    name = (held.get("name") if held.get("name") != "visitor" else "") or (
        _("erased") if told.values.who_erased_in else str(ACTORS.get(entry.actor_kind, entry.actor_kind))
    )
    return {
        "name": name, "kind": str(ACTORS.get(entry.actor_kind, entry.actor_kind)), "door": str(DOORS.get(entry.door, entry.door)),
        "address": held.get("address", ""), "browser": held.get("browser", ""),
    }  # fmt: skip
