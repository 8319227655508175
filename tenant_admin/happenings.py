"""What happened with a customer, as the timeline shows it: in the reader's language, with a picture and where it leads.

Rooms write a plain English title and the details; whatever has its details is said anew here, the rest as it was written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from saas.kit import money as amounts
from tenant_admin import formats, payment_words, states

# kind -> icon, tone
LOOKS = {
    "order": ("receipt", "good"), "refund": ("receipt-refund", "warning"), "visit": ("eye", None), "cart": ("shopping-cart", "warning"),
    "mail_sent": ("mail", None), "mail_opened": ("mail-opened", "info"), "mail_clicked": ("click", "info"),
    "consent": ("mail-check", "accent"), "note": ("note", "accent"), "identified": ("fingerprint", None), "offer": ("sparkles", "info"),
    "change": ("edit", None), "payment": ("credit-card", "danger"), "dispute": ("credit-card", "warning"), "review": ("star", "accent"),
}  # fmt: skip
# What one may look at alone: key -> (name, kinds)
KINDS = {
    "orders": (_l("Orders"), ("order", "refund", "payment", "dispute")),
    "shop": (_l("In the shop"), ("visit", "cart", "identified", "offer")),
    "mails": (_l("Mails"), ("mail_sent", "mail_opened", "mail_clicked")),
    "consent": (_l("Consent"), ("consent",)),
    "notes": (_l("Notes"), ("note",)),
    "reviews": (_l("Reviews"), ("review",)),
}
MAILS = {
    "mail_sent": _l("Got the mail “%(name)s”"),
    "mail_opened": _l("Opened “%(name)s”"),
    "mail_clicked": _l("Clicked in “%(name)s”"),
}
DECLINES = {
    "has_it": _l("Has it already"), "too_expensive": _l("Too expensive"), "not_now": _l("Not now"), "not_liked": _l("Does not like it"),
    "other": _l("Another reason"),
}  # fmt: skip
"""Why somebody declined an offer."""
SOURCES = {
    "staff": _l("entered by a colleague"), "api": _l("through the API"), "shop": _l("told by the shop"), "checkout": _l("at the checkout"),
    "link": _l("by the link in a mail"), "unsubscribe": _l("by the link in a mail"), "one_click": _l("by one click in the mail program"),
    "complaint": _l("marked our mail as unwanted"),
}  # fmt: skip


def entry(row: Any) -> dict[str, Any]:
    """Return a row of the timeline as `ui.timeline` wants it."""
    icon, tone = LOOKS.get(row.kind, ("point", None))
    teller = TELLERS.get(row.kind)
    title, text = teller(row.details) if teller and row.details else ("", None)
    if row.kind in MAILS and "“" in row.title:  # only the title holds what the mail is called
        title = str(MAILS[row.kind]) % {"name": row.title.partition("“")[2].rpartition("”")[0]}
    if row.kind == "order" and row.details.get("status") in ("cancelled", "failed"):
        tone = None
    if row.kind == "cart" and row.details.get("state") != "left":
        tone = None
    return {
        "at": row.at, "icon": icon, "tone": tone, "title": title or row.title, "text": text, "url": _address(row),
        "who": row.details.get("by") if row.kind == "note" else None,
    }  # fmt: skip


def _address(row: Any) -> str | None:
    """Return where an entry leads: only ever a page of our own."""
    return row.link if row.link.startswith("/") and not row.link.startswith(("//", "/\\")) else None


def spoken(amount: str | None, currency: str | None) -> str:
    """Return a decimal text of the details as money."""
    if not amount or not currency:
        return ""
    return formats.money(amounts.parse_amount(amount, currency), currency)


def _order(details: Mapping[str, Any]) -> tuple[str, str | None]:
    if not details.get("number"):
        return "", None
    status = details.get("status")
    total = spoken(details.get("total"), details.get("currency"))
    title = _("Ordered for %(total)s", total=total) if total else _("Ordered")
    number = _("Order %(number)s", number=details["number"])
    said = states.describe(status)[1] if status and status not in ("paid", "fulfilled") else None
    return title, _("%(number)s · %(state)s", number=number, state=said) if said else number


def _refund(details: Mapping[str, Any]) -> tuple[str, str | None]:
    amount = spoken(details.get("amount"), details.get("currency"))
    if not amount:
        return "", None
    title = _("Got %(amount)s back for order %(number)s", amount=amount, number=details.get("number", ""))
    return title, details.get("reason") or None


def _payment(details: Mapping[str, Any]) -> tuple[str, str | None]:
    amount = spoken(details.get("amount"), details.get("currency"))
    return (_("A payment of %(amount)s failed", amount=amount), payment_words.failure(str(details.get("failure") or ""))) if amount else ("", None)  # fmt: skip


def _dispute(details: Mapping[str, Any]) -> tuple[str, str | None]:
    amount = spoken(details.get("amount"), details.get("currency"))
    if not amount:
        return "", None
    reason, state = (
        payment_words.reason(str(details.get("reason") or "")),
        states.describe(f"dispute_{details.get('state')}")[1],
    )
    return _("A dispute about %(amount)s: %(state)s", amount=amount, state=state), reason


def _visit(details: Mapping[str, Any]) -> tuple[str, str | None]:
    names = [str(one.get("name") or one.get("product")) for one in details.get("products") or ()]
    more = int(details.get("more") or 0)
    if not names:
        title = _("Visited the shop")
    else:
        title = _("Looked at %(names)s", names=_(", ").join(names))
        if more:
            title = ngettext("%(title)s and %(num)s more thing", "%(title)s and %(num)s more things", more, title=title)
    minutes = int(details.get("minutes") or 0)
    return title, ngettext("Stayed for %(num)s minute", "Stayed for %(num)s minutes", minutes) if minutes else None


def _cart(details: Mapping[str, Any]) -> tuple[str, str | None]:
    pieces = int(details.get("pieces") or 0)
    titles = {
        "ordered": _("Ordered what was in the cart"), "emptied": _("Emptied the cart"),
        "left": ngettext("Put %(num)s thing in the cart", "Put %(num)s things in the cart", pieces),
    }  # fmt: skip
    amount = spoken(details.get("amount"), details.get("currency")) if details.get("state") == "left" else ""
    return titles.get(str(details.get("state")), ""), _("Worth %(amount)s", amount=amount) if amount else None


def _consent(details: Mapping[str, Any]) -> tuple[str, str | None]:
    titles = {"granted": _("Agreed to receive mails"), "withdrawn": _("No longer wants mails")}
    return titles.get(str(details.get("state")), ""), source(details.get("source"))


def _identified(details: Mapping[str, Any]) -> tuple[str, str | None]:
    if "proven" not in details:
        return "", None
    return (_("Recognised in a browser") if details["proven"] else _("Named in a browser, not proven")), None


def _review(details: Mapping[str, Any]) -> tuple[str, str | None]:
    if "stars" not in details:
        return "", None
    withdrawn = _("Taken back by the shopper") if details.get("state") == "withdrawn" else None
    return _("%(stars)s of 5 stars for %(name)s", stars=details["stars"], name=details.get("product", "")), withdrawn


def source(name: str | None) -> str | None:
    """Return where something was said, in words."""
    return str(SOURCES.get(name, name)) if name else None


def kinds(active: str, customer_id: Any) -> list[dict[str, Any]]:
    """Return the choice of kinds over a timeline."""
    return [
        {
            "label": str(label),
            "url": url_for("customers.show", customer_id=customer_id, kind=key or None),
            "active": key == active,
        }
        for key, label in (("", _("All")), *((key, name) for key, (name, _kinds) in KINDS.items()))
    ]


def _offer(details: Mapping[str, Any]) -> tuple[str, str | None]:
    if details.get("verdict") not in ("accepted", "declined"):
        return "", None
    name, why = str(details.get("name") or ""), DECLINES.get(str(details.get("reason") or ""))
    title = (
        _("Took %(name)s, which was offered", name=name)
        if details["verdict"] == "accepted"
        else _("Declined %(name)s", name=name)
    )
    return title, " · ".join(filter(None, [why and str(why), details.get("note"), details.get("by")])) or None


TELLERS = {
    "offer": _offer,
    "order": _order,
    "refund": _refund,
    "payment": _payment,
    "dispute": _dispute,
    "visit": _visit,
    "cart": _cart,
    "consent": _consent,
    "identified": _identified,
    "review": _review,
}
