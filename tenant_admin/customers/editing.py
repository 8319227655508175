"""Making, changing and deleting customers: the forms, edits in place, tags, notes and what was agreed to."""

from __future__ import annotations

from typing import Any

from flask import render_template, request, url_for
from flask_babel import gettext as _
from marshmallow import ValidationError

from saas.customers import profiles
from saas.customers.schemas import CustomerIn
from saas.kit import access, doors, errors, records
from saas.tenancy import audit, limits
from tenant_admin import fields_shown, frame, inline
from tenant_admin.customers.record import customer_shown

FIELDS = (
    "first_name",
    "last_name",
    "email",
    "phone",
    "company",
    "language",
    "country",
    "city",
    "postcode",
    "address",
    "external_id",
)


@doors.open_to("member", "customers.edit")
def create():
    """Show the form of a new customer, or make one and show their page."""
    if request.method == "GET":
        return _form({"consent": "unknown"})
    values = _values()
    wish = request.form.get("consent", "unknown")
    try:
        fields = _loaded(values)
        customer = profiles.create(**fields, **_note(values))
        if wish == "granted":
            profiles.say_consent(customer_id=customer.id, state="granted", reason=request.form.get("reason", ""))
    except (errors.Invalid, errors.Conflict, errors.LimitReached) as error:
        return _refused(values | {"consent": wish}, error)
    frame.toast(_("%(name)s is a customer now", name=customer.name), undo=frame.undo_url(audit.latest()))
    return frame.go(url_for("customers.show", customer_id=customer.id))


@doors.open_to("member", "customers.edit")
def edit(customer_id: str):
    """Show a customer's form, or change them; what a colleague changed meanwhile is shown side by side."""
    customer = profiles.one(customer_id)
    held = customer_shown(customer) | fields_shown.held("customer", customer)
    if request.method == "GET":
        return _form(held | {"tags": ", ".join(customer.tags)}, customer=held)
    values = _values()
    clashes = _clashes(customer, held, values)
    if clashes:
        return _form(values, customer=held, clashes=clashes), 409
    try:
        profiles.change(customer_id, **_loaded(values), **_note(values))
    except (errors.Invalid, errors.Conflict) as error:
        return _refused(values, error, customer=held)
    frame.toast(_("Saved"), undo=frame.undo_url(audit.latest()))
    return frame.go(url_for("customers.show", customer_id=customer.id))


@doors.open_to("member", "customers.edit")
def tags(customer_id: str):
    """Put a tag on or take one off, and answer the tags."""
    profiles.tag(customer_id=customer_id, add=request.form.get("add", ""), remove=request.form.get("remove", ""))
    if not frame.is_partial():
        return frame.go(url_for("customers.show", customer_id=customer_id))
    return render_template(
        "customers/tags.html", locked=access.locked("customer"), customer=customer_shown(profiles.one(customer_id))
    )


@doors.open_to("member", "customers.edit", always=True)
def consent(customer_id: str):
    """Record what a customer told a colleague about mails, with how we know; that they want none also while nothing is paid."""
    profiles.one(customer_id)
    state = request.form.get("state", "")
    if state != "withdrawn":
        limits.require_writable()
    try:
        news = profiles.say_consent(customer_id=customer_id, state=state, reason=request.form.get("reason", ""))
    except errors.Invalid as error:
        frame.toast(next(iter(error.fields.values()))[0], kind="error")
        return frame.go(url_for("customers.show", customer_id=customer_id))
    said = {"granted": _("Noted: mails are welcome"), "withdrawn": _("Noted: no mails from now on")}[state]
    frame.toast(said if news else _("That was known already"), kind="done" if news else "info")
    return frame.go(url_for("customers.show", customer_id=customer_id))


@doors.open_to("member", "customers.edit")
def note(customer_id: str):
    """Add a note to the timeline."""
    profiles.one(customer_id)
    try:
        profiles.write_note(customer_id=customer_id, words=request.form.get("words", ""))
    except profiles.BadCustomer as error:
        frame.toast(error.fields["words"][0], kind="warning")
    return frame.go(url_for("customers.show", customer_id=customer_id))


@doors.open_to("member", "customers.delete")
def delete(customer_id: str):
    """Put a customer into the bin, from which the toast brings them back."""
    name = profiles.one(customer_id).name
    profiles.delete(customer_id)
    frame.toast(_("%(name)s is in the bin", name=name), undo=frame.undo_url(audit.latest()))
    return frame.go(url_for("customers.index"))


def _values() -> dict[str, Any]:
    """Return what the form holds, as it was typed: the fields that one may change."""
    locked = access.locked("customer")
    typed = {name: request.form.get(name, "") for name in (*FIELDS, "tags", "note") if name not in locked}
    return typed | fields_shown.sent("customer", request.form)


def _loaded(values: dict[str, Any]) -> dict[str, Any]:
    """Return the form's values as the room takes them; raises errors.Invalid with the fields."""
    given = {name: value for name, value in values.items() if name in FIELDS}
    if "tags" in values:
        given["tags"] = [tag.strip() for tag in values["tags"].replace("，", ",").split(",") if tag.strip()]
    own = {name: value for name, value in values.items() if name.startswith("custom.")}
    try:
        return CustomerIn().load(given) | ({"custom": fields_shown.custom("customer", own)} if own else {})
    except ValidationError as error:
        messages = {
            name: [str(one) for one in (found if isinstance(found, list) else found.values())]
            for name, found in error.messages.items()
        }
        raise errors.Invalid(fields=messages) from None


def _note(values: dict[str, Any]) -> dict[str, Any]:
    return {"note": values["note"]} if "note" in values else {}


def _clashes(customer: Any, held: dict[str, Any], values: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the fields that both this form and somebody else changed since the form was shown: all three values, who, when."""
    if request.form.get("version", held["version"]) == held["version"]:
        return []
    kind = records.kind("customer")
    labels = labelled() | fields_shown.labels("customer")
    theirs = {name: str(held.get(name) or "") for name in values} | {"tags": ", ".join(held["tags"])}
    rows = []
    for name, mine in values.items():
        was = request.form.get(f"was.{name}", "")
        if mine == was:
            values[name] = theirs[name]  # untouched here: what the colleague wrote stays
        elif theirs[name] not in (was, mine):
            field = kind.fields().get(name)
            three = {"original": was, "theirs": theirs[name], "mine": mine}
            told = {f"{side}_text": inline.worded(field, text) if field else text for side, text in three.items()}
            rows.append(
                {"name": name, "label": labels[name]} | three | told | inline.last_change(kind, customer, field)
            )
    return rows


def labelled() -> dict[str, str]:
    return {
        "first_name": _("First name"), "last_name": _("Last name"), "email": _("E-mail"), "phone": _("Phone"), "company": _("Company"),
        "language": _("Language"), "country": _("Country"), "city": _("City"), "postcode": _("Postcode"), "address": _("Address"),
        "external_id": _("Number in the shop"), "tags": _("Tags"), "note": _("Note"), "reason": _("How do you know?"),
    }  # fmt: skip


def _refused(values: dict[str, Any], error: errors.Refusal, **more: Any) -> tuple[str, int]:
    same = getattr(error, "customer_id", None)
    known = url_for("customers.show", customer_id=same) if same else None
    return _form(values, problems=error.fields, general=error.message, known=known, **more), error.status


def _form(values: dict[str, Any], **more: Any) -> str:
    return render_template(
        "customers/form.html",
        values=values,
        labels=labelled()
        | {name: label for name, label in fields_shown.labels("customer").items() if name.startswith("custom.")},
        own=fields_shown.inputs("customer", values),
        locked=access.locked("customer"),
        **{"problems": {}, "customer": None, "clashes": []} | more,
    )
