"""Making, changing and deleting customers: the forms, edits in place, tags, notes and what was agreed to."""

from __future__ import annotations

from typing import Any

from flask import Response, render_template, request, url_for
from flask_babel import gettext as _
from marshmallow import ValidationError

from saas.customers import profiles
from saas.customers.schemas import CustomerIn
from saas.kit import doors, errors
from tenant_admin import frame
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
IN_PLACE = (
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
    "note",
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
        customer = profiles.create(**fields, note=request.form.get("note", ""))
        if wish == "granted":
            profiles.say_consent(customer_id=customer.id, state="granted", reason=request.form.get("reason", ""))
    except (errors.Invalid, errors.Conflict, errors.LimitReached) as error:
        return _refused(values | {"consent": wish}, error)
    frame.toast(_("%(name)s is a customer now", name=customer.name))
    return frame.go(url_for("customers.show", customer_id=customer.id))


@doors.open_to("member", "customers.edit")
def edit(customer_id: str):
    """Show a customer's form, or change them; what a colleague changed meanwhile is shown side by side."""
    customer = profiles.one(customer_id)
    held = customer_shown(customer)
    if request.method == "GET":
        return _form(held | {"tags": ", ".join(customer.tags)}, customer=held)
    values = _values()
    clashes = _clashes(held, values)
    if clashes:
        return _form(values, customer=held, clashes=clashes), 409
    try:
        profiles.change(customer_id, **_loaded(values), note=request.form.get("note", ""))
    except (errors.Invalid, errors.Conflict) as error:
        return _refused(values, error, customer=held)
    frame.toast(_("Saved"))
    return frame.go(url_for("customers.show", customer_id=customer.id))


@doors.open_to("member", "customers.edit")
def field(customer_id: str):
    """Change one field in place; raises NoSuchCustomer, BadCustomer or KnownAlready."""
    profiles.one(customer_id)
    given = {name: request.form[name] for name in IN_PLACE if name in request.form}
    if len(given) != 1:
        raise errors.Invalid(_("Nothing was changed."))
    try:
        loaded = CustomerIn().load({name: value for name, value in given.items() if name != "note"})
    except ValidationError as error:
        raise errors.Invalid(error.messages and str(next(iter(error.messages.values()))[0])) from None
    try:
        profiles.change(customer_id, **(given if "note" in given else loaded))
    except (errors.Invalid, errors.Conflict) as error:
        if error.fields:
            error.message = next(iter(error.fields.values()))[0]
        raise
    return (
        Response(status=204)
        if request.headers.get("HX-Request")
        else frame.go(url_for("customers.show", customer_id=customer_id))
    )


@doors.open_to("member", "customers.edit")
def tags(customer_id: str):
    """Put a tag on or take one off, and answer the tags."""
    profiles.tag(customer_id=customer_id, add=request.form.get("add", ""), remove=request.form.get("remove", ""))
    if not frame.is_partial():
        return frame.go(url_for("customers.show", customer_id=customer_id))
    return render_template("customers/tags.html", customer=customer_shown(profiles.one(customer_id)))


@doors.open_to("member", "customers.edit")
def consent(customer_id: str):
    """Record what a customer told a colleague about mails, with how we know."""
    profiles.one(customer_id)
    state = request.form.get("state", "")
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
    """Delete a customer; the page has told what happens and asked."""
    name = profiles.one(customer_id).name
    profiles.delete(customer_id)
    frame.toast(_("%(name)s is deleted", name=name))
    return frame.go(url_for("customers.index"))


def _values() -> dict[str, Any]:
    """Return what the form holds, as it was typed."""
    return {name: request.form.get(name, "") for name in (*FIELDS, "tags", "note")}


def _loaded(values: dict[str, Any]) -> dict[str, Any]:
    """Return the form's values as the room takes them; raises errors.Invalid with the fields."""
    tags = [tag.strip() for tag in values["tags"].replace("，", ",").split(",") if tag.strip()]
    try:
        return CustomerIn().load({name: values[name] for name in FIELDS} | {"tags": tags})
    except ValidationError as error:
        messages = {
            name: [str(one) for one in (found if isinstance(found, list) else found.values())]
            for name, found in error.messages.items()
        }
        raise errors.Invalid(fields=messages) from None


def _clashes(held: dict[str, Any], values: dict[str, Any]) -> list[dict[str, str]]:
    """Return the fields that both this form and somebody else changed since the form was shown, with all three values."""
    if request.form.get("version", held["version"]) == held["version"]:
        return []
    labels = labelled()
    theirs = {name: str(held[name] or "") for name in FIELDS} | {"tags": ", ".join(held["tags"]), "note": held["note"]}
    rows = []
    for name, mine in values.items():
        was = request.form.get(f"was.{name}", "")
        if mine == was:
            values[name] = theirs[name]  # untouched here: what the colleague wrote stays
        elif theirs[name] not in (was, mine):
            rows.append({"name": name, "label": labels[name], "original": was, "theirs": theirs[name], "mine": mine})
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
        labels=labelled(),
        **{"problems": {}, "customer": None, "clashes": []} | more,
    )
