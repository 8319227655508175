"""What the company asks consent for, and what one customer agreed to with the proof of each."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext as _

from saas.customers import asking, consent, preferences, profiles, purposes
from saas.kit import access, doors, errors
from saas.marketing import form_trials, forms
from saas.tenancy import limits, tenants
from tenant_admin import choices, frame
from tenant_admin.settings import render

pages = Blueprint("consents", __name__)


def source_names() -> dict[str, str]:
    """Return where a consent came from, in the reader's language."""
    return {
        "staff": _("recorded by staff"), "shop": _("told by the shop"), "api": _("told by a program"), "import": _("from an import"),
        "double_opt_in": _("confirmed by a click in a mail"), "one_click": _("unsubscribed with one click"), "unsubscribe": _("unsubscribed on the page"),
        "undo": _("taken back by themselves"), "merge": _("from a merge"), "form": _("on a form"), "portal": _("on their own page"),
    }  # fmt: skip


@pages.get("/settings/consent")
@doors.open_to("member", "settings.read")
def index() -> Any:
    """Show what the company asks consent for."""
    return render("consent", purposes=purposes.listed(archived=True), channels=choices.channels(), most=purposes.MOST)


@pages.route("/settings/consent/new", methods=["GET", "POST"])
@doors.open_to("member", "settings.edit")
def make() -> Any:
    """Show the form of a new purpose, or add one."""
    if request.method == "GET":
        return _form(None, {"channels": ["email"], "wording": {}})
    try:
        purposes.create(**_typed())
    except purposes.BadPurpose as refusal:
        return _form(None, _typed(), refusal)
    frame.toast(_("Saved"))
    return frame.go(url_for("consents.index"))


@pages.route("/settings/consent/<key>", methods=["GET", "POST"])
@doors.open_to("member", "settings.edit")
def edit(key: str) -> Any:
    """Show a purpose's form, or change it."""
    held = purposes.one(key)
    if request.method == "GET":
        values = {
            "name": held.name,
            "channels": held.channels,
            "wording": held.wording,
            "double_opt_in": held.double_opt_in,
        }
        return _form(held, values)
    try:
        purposes.change(key, **_typed())
    except purposes.BadPurpose as refusal:
        return _form(held, _typed(), refusal)
    frame.toast(_("Saved"))
    return frame.go(url_for("consents.index"))


@pages.post("/settings/consent/<key>/archive")
@doors.open_to("member", "settings.edit")
def archive(key: str) -> Any:
    """Ask for a purpose no more, or again; what people said stays in the ledger."""
    purposes.change(key, archived=request.form.get("back") is None)
    frame.toast(
        _("It is asked for again.")
        if request.form.get("back")
        else _("It is not asked for any more; what people said stays.")
    )
    return frame.go(url_for("consents.index"))


@pages.get("/customers/<customer_id>/consents")
@doors.open_to("member", "customers.read")
def ledger(customer_id: str) -> Any:
    """Show what a customer agreed to, each entry with its proof."""
    return _ledger(customer_id)


@pages.post("/customers/<customer_id>/consents")
@doors.open_to("member", "customers.edit", always=True)
def record(customer_id: str) -> Any:
    """Record what a customer told a colleague, with how we know; that they want none also while nothing is paid."""
    if request.form.get("state") != "withdrawn":
        limits.require_writable()
    access.require_writable("customer", ["email_consent"])
    purpose, _dot, channel = request.form.get("about", "").partition(".")
    wish = {"state": request.form.get("state", ""), "reason": request.form.get("reason", "")}
    try:
        news = profiles.say_consent(customer_id=customer_id, channel=channel, purpose=purpose, **wish)
    except errors.Invalid as refusal:
        return _ledger(customer_id, refusal, wish | {"about": request.form.get("about")})
    frame.toast(_("Noted") if news else _("That was known already"), kind="done" if news else "info")
    return frame.go(url_for("consents.ledger", customer_id=customer_id))


@pages.post("/customers/<customer_id>/consents/ask")
@doors.open_to("member", "customers.edit")
def ask(customer_id: str) -> Any:
    """Have a customer asked by mail."""
    access.require_writable("customer", ["email_consent"])
    if profiles.ask_consent(customer_id=customer_id, purpose=request.form.get("purpose", purposes.MAIN)):
        frame.toast(_("They are asked by mail; only their click counts."))
    else:
        frame.toast(_("They were asked lately, or have no address."), kind="warning")
    return frame.go(url_for("consents.ledger", customer_id=customer_id))


def _typed() -> dict[str, Any]:
    form = request.form
    wording = {name.removeprefix("wording."): said for name, said in form.items() if name.startswith("wording.")}
    return {
        "name": form.get("name", ""), "channels": form.getlist("channels"), "wording": wording,
        "double_opt_in": form.get("double_opt_in") is not None,
    }  # fmt: skip


def _form(held: Any, values: dict[str, Any], refusal: errors.Refusal | None = None) -> Any:
    spoken = dict(choices.languages())
    tongues = [(code, spoken.get(code, code)) for code in tenants.settings().languages]
    return render("consent_form", refusal, purpose=held, values=values, channels=choices.channels(), tongues=tongues)


def _ledger(customer_id: str, refusal: errors.Invalid | None = None, typed: dict[str, Any] | None = None) -> Any:
    access.require_readable("customer", ["email_consent"])
    customer = profiles.one(customer_id)
    known, names, sources = purposes.listed(archived=True), choices.channels(), source_names()
    titles = {purpose.key: purpose.name for purpose in known}
    held, said = consent.states(customer.id), consent.history(customer.id)
    shown = forms.known({one.proof["form_id"] for one in said if one.proof.get("form_id")})
    linked = shown if access.may("campaigns.read") else set()
    rows = [
        {"channel": names.get(one.channel, one.channel), "purpose": titles.get(one.purpose, one.purpose), "state": one.state, "at": one.at,
         "source": sources.get(one.source, one.source), "proof": _form_of(one.proof, linked) + _proof(one.proof)}
        for one in said
    ]  # fmt: skip
    states = [
        {"channel": names[channel], "purpose": purpose.name, "key": purpose.key, "is_mail": channel == "email",
         "state": held[channel, purpose.key].state if (channel, purpose.key) in held else "unknown"}
        for purpose in known if not purpose.archived for channel in purpose.channels
    ]  # fmt: skip
    about = [
        (f"{one.key}.{channel}", f"{one.name} · {names[channel]}")
        for one in known
        if not one.archived
        for channel in one.channels
    ]
    rhythms = {"weekly": _("At most one mail a week"), "monthly": _("At most one mail a month")}
    seldom = [(titles.get(key, key), rhythms[value]) for key, value in preferences.rhythms_of(customer.id).items() if value in rhythms]  # fmt: skip
    page = render_template(
        "customers/consents.html", seldom=seldom, paused_until=preferences.paused_until(customer.id), customer={"id": customer.id, "name": customer.name, "email": "" if "email" in access.hidden("customer") else customer.email},
        rows=rows, states=states, about=about, asked={one.purpose: one.asked_at for one in asking.waiting_for(customer.id)},
        values=typed or {}, errors=refusal.fields if refusal else {}, may_edit=access.may("customers.edit") and "email_consent" not in access.locked("customer"),
    )  # fmt: skip
    return (page, refusal.status) if refusal else page


def _form_of(proof: dict[str, Any], linked: set[str]) -> list[tuple[str, ...]]:
    """Return by which form it came, in which version, and which variant of a trial they saw."""
    if not proof.get("form"):
        return []
    name, form_id = proof["form"], proof.get("form_id", "")
    seen = _("%(form)s, version %(number)s", form=name, number=proof["version"]) if proof.get("version") else name
    told: list[tuple[str, ...]] = [
        (_("Form"), seen, *([url_for("forms.show", form_id=form_id)] if form_id in linked else []))
    ]
    if proof.get("arm"):
        variant = form_trials.arm_name({"key": proof["arm"], "name": proof.get("variant", "")})
        told.append((_("In a trial, as"), variant))
    return told


def _proof(proof: dict[str, Any]) -> list[tuple[str, str]]:
    """Return a proof in words, what is not empty."""
    words = {
        "wording": _("The words"), "reason": _("How we know"), "by": _("By"), "place": _("Where"), "address": _("From address"),
        "asked_at": _("Asked"), "mailed_at": _("Mail sent"), "email": _("Sent to"), "confirmed_from": _("Clicked from"), "browser": _("Browser"), "told_by": _("By"),
    }  # fmt: skip
    return [(label, str(proof[name])) for name, label in words.items() if proof.get(name)]
