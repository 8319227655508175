"""How plans, use and invoices are put into words for the plan's page; `plan.py` decides what is shown."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import url_for
from flask_babel import gettext as _

from saas.billing.plans import PLANS, Plan
from tenant_admin import formats


def banner(kind: str, until: datetime | None) -> dict[str, str]:
    """Return the tone, sentences and button of what every page says while something is wrong or about to end."""
    day = formats.day(until) if until else ""
    return {
        "unpaid": {"tone": "danger", "title": _("Read-only until the plan is paid."), "label": _("Pay or choose a plan"),
                   "text": _("Nothing is deleted: everything can be read and exported, and your shops' orders still arrive.")},
        "past_due": {"tone": "warning", "title": _("The last payment failed."), "label": _("Look at the plan"),
                     "text": _("Everything works until %(day)s; pay the invoice or use another card before that.", day=day)},
        "confirm": {"tone": "warning", "title": _("Your bank asks you to confirm the payment."), "label": _("Confirm the payment"),
                    "text": _("Everything works until %(day)s.", day=day)},
        "double": {"tone": "warning", "title": _("Two plans are being paid."), "label": _("Look at the plan"),
                   "text": _("Cancel one of them under “Card and invoices”.")},
        "ending": {"tone": "info", "title": _("Your plan ends on %(day)s.", day=day), "label": _("Look at the plan"),
                   "text": _("After that your company goes on with the free plan.")},
    }[kind]  # fmt: skip


def use(one: Any) -> dict[str, Any]:
    """Return one line of use: what, how much of how much, and how urgent."""
    name = {
        "contacts": _("Customers"),
        "mails_month": _("Mails this month"),
        "shops": _("Shops"),
        "members": _("People"),
    }[one.name]
    used = formats.number(one.used)
    note = (
        _("%(used)s, without limit", used=used)
        if one.most is None
        else _("%(used)s of %(most)s", used=used, most=formats.number(one.most))
    )
    tone = "danger" if one.share >= 1 and one.most is not None else "warning" if one.share >= 0.8 else "accent"
    return {"name": name, "note": note, "share": one.share, "tone": tone, "limited": one.most is not None}


def beyond_free(uses: list[Any]) -> list[str]:
    """Return what the company has more of than the free plan holds, such as "3,120 Customers"."""
    free = PLANS["free"].limits
    return [
        f"{formats.number(one.used)} {use(one)['name']}" for one in uses
        if one.name != "mails_month" and free[one.name] is not None and one.used > free[one.name]
    ]  # fmt: skip


def lines(plan: Plan) -> list[str]:
    """Return what a plan allows, a sentence each."""

    def counted(most: int | None, some: str, all_: str) -> str:
        return all_ if most is None else some % {"number": formats.number(most)}

    return [
        counted(plan.contacts, _("%(number)s customers"), _("Customers without limit")),
        counted(plan.mails_month, _("%(number)s mails a month"), _("Mails without limit")),
        counted(plan.shops, _("1 shop") if plan.shops == 1 else _("%(number)s shops"), _("Shops without limit")),
        counted(plan.members, _("%(number)s people"), _("People without limit")),
    ]  # fmt: skip


def cards(mine: Plan | None, *, alive: list[Any], account: Any, owner: bool) -> list[dict[str, Any]]:
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
                      "lines": lines(plan), "current": current, "action": action})  # fmt: skip
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
    label = _("Change to %(plan)s", plan=plan.name) if alive else _("Choose %(plan)s", plan=plan.name)
    return {"label": label, "post": url_for("plan.choose", plan=plan.key), "may_lead": True}


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
            "currency": row.currency, "tone": tone, "state": state, "page": row.page_url, "pdf": row.pdf_url,
            "asks": row.asks_confirmation}  # fmt: skip
