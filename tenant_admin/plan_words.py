"""How plans, use and invoices are put into words for the plan's page; `plan.py` decides what is shown."""

from __future__ import annotations

from datetime import date, datetime
from math import ceil
from typing import Any

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from saas.billing.plans import PLANS, Plan
from saas.kit import clock
from tenant_admin import formats


def days_left(until: datetime | None) -> str:
    """Return "12 days left" for a day to come."""
    days = max(0, ceil((until - clock.now()).total_seconds() / 86_400)) if until else 0
    return ngettext("%(num)s day left", "%(num)s days left", days)


def banner(kind: str, until: datetime | None, name: str = "") -> dict[str, str]:
    """Return the tone, sentences and button of what every page says while something is wrong or about to end."""
    day, left, what = formats.day(until) if until else "", days_left(until), thing(name) if name else ""
    return {
        "unpaid": {"tone": "danger", "title": _("Read-only until the plan is paid."), "label": _("Pay or choose a plan"),
                   "text": _("Nothing is deleted: everything can be read and exported, and your shops' orders still arrive.")},
        "closing": {"tone": "danger", "title": _("This company is closed; it will be erased on %(day)s (%(left)s).", day=day, left=left),
                    "label": _("Reopen or export"), "text": _("Until then everything can be read and exported, and an owner can reopen it.")},
        "full": {"tone": "warning", "title": _("%(what)s: the plan is used up.", what=what), "label": _("See plans"),
                 "text": _("Nothing is lost: what your shops send still comes in.")},
        "nearly_full": {"tone": "info", "title": _("%(what)s: more than four fifths of the plan are used.", what=what),
                        "label": _("See the use"), "text": _("The plan's page shows when it will be full.")},
        "trial": {"tone": "info", "title": _("Your trial ends on %(day)s (%(left)s).", day=day, left=left), "label": _("Look at the plan"),
                  "text": _("Then the first month is charged; you can cancel until then.")},
        "trial_free": {"tone": "info", "title": _("Your trial ends on %(day)s (%(left)s).", day=day, left=left), "label": _("Look at the plan"),
                       "text": _("Enter a card to go on; otherwise your company goes on with the free plan.")},
        "past_due": {"tone": "warning", "title": _("The last payment failed."), "label": _("Look at the plan"),
                     "text": _("%(left)s: everything works until %(day)s; pay the invoice or use another card before that.", left=left, day=day)},
        "confirm": {"tone": "warning", "title": _("Your bank asks you to confirm the payment."), "label": _("Confirm the payment"),
                    "text": _("%(left)s: everything works until %(day)s.", left=left, day=day)},
        "double": {"tone": "warning", "title": _("Two plans are being paid."), "label": _("Look at the plan"),
                   "text": _("Cancel one of them under “Card and invoices”.")},
        "ending": {"tone": "info", "title": _("Your plan ends on %(day)s.", day=day), "label": _("Look at the plan"),
                   "text": _("After that your company goes on with the free plan.")},
    }[kind]  # fmt: skip


def thing(name: str) -> str:
    """Return what a meter is called."""
    return {
        "contacts": _("Customers"),
        "mails_month": _("Mails this month"),
        "events_month": _("Shop events this month"),
        "shops": _("Shops"),
        "members": _("People"),
    }[name]


def use(one: Any, full_on: date | None = None) -> dict[str, Any]:
    """Return one line of use: what, how much of how much, how urgent, and when it will be full."""
    name = thing(one.name)
    used = formats.number(one.used)
    note = (
        _("%(used)s, without limit", used=used)
        if one.most is None
        else _("%(used)s of %(most)s", used=used, most=formats.number(one.most))
    )
    tone = "danger" if one.share >= 1 and one.most is not None else "warning" if one.share >= 0.8 else "accent"
    return {"name": name, "note": note, "share": one.share, "tone": tone, "limited": one.most is not None,
            "full_on": full_on}  # fmt: skip


def forecast(one: Any, full_on: date | None) -> str:
    """Return in words when the limit will be reached."""
    if one.most is None:
        return _("Without limit.")
    if one.used >= one.most:
        return _("The limit is reached.")
    if full_on is None:
        return _("The limit will not be reached soon.")
    return _("If it goes on like this, the limit is reached on %(day)s.", day=formats.day(full_on))


def beyond_free(uses: list[Any]) -> list[str]:
    """Return what the company has more of than the free plan holds, such as "3,120 Customers"."""
    free = PLANS["free"].limits
    return [
        f"{formats.number(one.used)} {use(one)['name']}" for one in uses
        if not one.name.endswith("_month") and free[one.name] is not None and one.used > free[one.name]
    ]  # fmt: skip


def lines(plan: Plan) -> list[str]:
    """Return what a plan allows, a sentence each."""

    def counted(most: int | None, some: str, all_: str) -> str:
        return all_ if most is None else some % {"number": formats.number(most)}

    return [
        counted(plan.contacts, _("%(number)s customers"), _("Customers without limit")),
        counted(plan.mails_month, _("%(number)s mails a month"), _("Mails without limit")),
        counted(plan.events_month, _("%(number)s shop events a month"), _("Shop events without limit")),
        counted(plan.shops, _("1 shop") if plan.shops == 1 else _("%(number)s shops"), _("Shops without limit")),
        counted(plan.members, _("%(number)s people"), _("People without limit")),
        *([_("Each person more: %(price)s", price=formats.money(plan.seat_amount, plan.currency))] if plan.seat_amount else []),
    ]  # fmt: skip


def cards(
    mine: Plan | None, *, alive: list[Any], account: Any, owner: bool, may_try: bool = False
) -> list[dict[str, Any]]:  # fmt: skip
    """Return the plans side by side, each with what an owner can do; at most one of these acts is the primary one."""
    standing = account.standing if account else "free"
    late = bool(alive) and standing in ("past_due", "unpaid")
    shown, primary_is_free = [], not (late or (account and account.ends_at))
    for plan in PLANS.values():
        current = mine is not None and plan.key == mine.key and standing != "unpaid"
        larger = mine is None or plan.amount > mine.amount
        action = _action(plan, current=current, alive=alive, account=account, late=late) if owner else None
        if action and action.pop("may_lead", False) and larger and primary_is_free:
            action["kind"], primary_is_free = "primary", False
        shown.append({"key": plan.key, "name": plan.name, "amount": plan.amount, "currency": plan.currency,
                      "lines": lines(plan), "current": current, "action": action, "may_try": may_try and plan.amount and not current})  # fmt: skip
    return shown


def _action(plan: Plan, *, current: bool, alive: list[Any], account: Any, late: bool) -> dict[str, Any] | None:
    ending = bool(account and account.ends_at)
    if current:
        return (
            {"label": _("Keep this plan"), "post": url_for("plan.keep"), "kind": "primary"}
            if ending and plan.amount
            else None
        )
    if plan.amount == 0:
        can = (alive and not ending) or (account and account.standing == "unpaid")
        return {"label": _("Go on with %(plan)s", plan=plan.name), "dialog": "free"} if can else None
    if late or (ending and account.plan == plan.key):
        return None  # the invoice comes first
    if alive:
        return {
            "label": _("Change to %(plan)s", plan=plan.name),
            "url": url_for("plan_changes.show", plan=plan.key),
            "may_lead": True,
        }
    return {
        "label": _("Choose %(plan)s", plan=plan.name),
        "post": url_for("plan.choose", plan=plan.key),
        "may_lead": True,
    }


def invoice(row: Any) -> dict[str, Any]:
    """Return an invoice as plain values with its state in words."""
    tone, state = {
        "paid": ("good", _("Paid")), "open": ("warning", _("Open")), "void": ("grey", _("Void")),
        "uncollectible": ("danger", _("Not paid")), "draft": ("grey", _("Draft")),
    }[row.status]  # fmt: skip
    if row.dispute and row.dispute not in ("won", "warning_closed"):
        tone, state = "danger", _("Disputed")
    elif row.refunded_amount:
        tone, state = "info", _("Refunded") if row.refunded_amount >= row.total_amount else _("Partly refunded")
    elif row.status == "open" and row.asks_confirmation:
        state = _("Waits for your bank")
    return {"id": row.id, "number": row.number, "at": row.issued_at, "amount": row.total_amount, "due": row.due_amount,
            "currency": row.currency, "tone": tone, "state": state, "page": row.page_url,
            "pdf": url_for("plan.invoice_pdf", invoice_id=row.id) if row.pdf_url else None, "refunded": row.refunded_amount,
            "asks": row.asks_confirmation}  # fmt: skip
