"""How long the company keeps what it no longer needs: its rules, what each would take now, and what the last nights took."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request, url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from saas import config
from saas.integrations import retention
from saas.kit import access, doors
from saas.tenancy import tenants
from tenant_admin import frame
from tenant_admin.settings import render

pages = Blueprint("retention", __name__)


def names() -> dict[str, tuple[str, str]]:
    """Return what each rule is called and what it does."""
    return {
        "browsing": (
            _("Browsing"),
            _("What browsers looked at: single events, visits, and browsers nobody knows. Figures of customers stay until they are counted anew."),
        ),
        "strangers": (
            _("People who never bought"),
            _("Who never ordered, and of whom there was no sign since: no visit, no open or click, no consent, no note. They are erased everywhere, with a certificate of each night."),
        ),
        "timeline": (
            _("Timelines of customers"),
            _("What happened with a customer, entry by entry. Orders, consents and figures stay."),
        ),
        "recipients": (
            _("Addresses in old mailings"),
            _("The address each mail of a finished mailing went to, what it offered, and what came back in words. The figures of the campaign stay."),
        ),
        "deliveries": (
            _("Deliveries and messages"),
            _("What shops told us and what webhooks were told. What still waits stays."),
        ),
    }  # fmt: skip


def tables() -> dict[str, str]:
    """Return what the parts of a rule are called."""
    return {
        "shop_events": _("Browsing events"), "visits": _("Visits"), "visitors": _("Unknown browsers"), "customers": _("People"),
        "timeline_entries": _("Entries"), "mailing_recipients": _("Addresses"), "mail_events": _("Opens, clicks and returns"), "reviews": _("Addresses of who wrote reviews"),
        "deliveries_in": _("Deliveries of shops"), "deliveries_refused": _("Refused deliveries"), "deliveries_out": _("Messages to webhooks"),
    }  # fmt: skip


def time(number: int, unit: str) -> str:
    """Return a time in words."""
    if unit == retention.DAYS:
        return ngettext("%(number)s day", "%(number)s days", number, number=number)
    return ngettext("%(number)s month", "%(number)s months", number, number=number)


@pages.get("/settings/data")
@doors.open_to("member", "settings.read")
def index() -> Any:
    """Show the rules and what the last nights took."""
    known, parts = names(), tables()
    rules = [
        {"key": rule.key, "name": known[rule.key][0], "text": known[rule.key][1], "made_by": rule.made_by, "changed_at": rule.changed_at,
         "time": time(rule.number, rule.unit) if rule.number else None}
        for rule in retention.listed()
    ]  # fmt: skip
    runs = [
        {"id": run.id, "rule": known.get(run.params["rule"], (run.title,))[0], "state": run.state, "at": run.started_at or run.created_at,
         "taken": [(parts.get(name, name), count) for name, count in run.report.get("taken", {}).items()], "failed": run.failed}
        for run in retention.runs()
    ]  # fmt: skip
    return render("data", rules=rules, runs=runs, months=config.get().browsing_months, may_change=_may_change())


@pages.get("/settings/data/<rule>")
@doors.open_to("member", "settings.edit")
def edit(rule: str) -> Any:
    """Show one rule, and what a time would take now."""
    return _form(rule)


@pages.post("/settings/data/<rule>")
@doors.open_to("member", "settings.edit", fresh=True)
def switch_on(rule: str) -> Any:
    """Switch a rule on; the company's name was typed."""
    typed = request.form.get("number", "")
    try:
        made = retention.switch_on(rule, number=_number(typed), name=request.form.get("name", ""))
    except retention.BadRule as refusal:
        return _form(rule, refusal)
    frame.toast(_("It is kept for %(time)s; what is older goes tonight.", time=time(made.number or 0, made.unit)))
    return frame.go(url_for("retention.index"))


@pages.post("/settings/data/<rule>/off")
@doors.open_to("member", "settings.edit")
def switch_off(rule: str) -> Any:
    """Keep everything again."""
    retention.switch_off(rule)
    frame.toast(_("Everything is kept again. What is gone stays gone."))
    return frame.go(url_for("retention.index"))


def _number(text: str) -> int:
    return int(text) if text.isdecimal() and len(text) < 6 else 0


def _may_change() -> bool:
    return access.may("settings.edit") and access.may("customers.delete")


def _form(key: str, refusal: retention.BadRule | None = None) -> Any:
    rule, parts = retention.one(key), tables()
    number = _number(request.values.get("number", "")) or rule.number
    shown = None
    if number in rule.choices:
        found = retention.preview(key, number)
        shown = found | {
            "time": time(number, rule.unit),
            "counts": [(parts[name], count) for name, count in found["counts"].items()],
        }
    return render(
        "data_rule", refusal, rule={"key": key, "on": rule.number is not None, "time": rule.number and time(rule.number, rule.unit)},
        name=names()[key][0], text=names()[key][1], number=number, preview=shown, company=tenants.current().name, may_change=_may_change(),
        choices=[(one, time(one, rule.unit)) for one in rule.choices],
    )  # fmt: skip
