"""One change to many customers: what to do, tried on a few, then begun in the background."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext as _

from saas.audiences import bulk_actions
from saas.kit import access, doors, errors, work
from saas.tenancy import members
from tenant_admin import entrance, frame
from tenant_admin.customers import listing

pages = Blueprint("bulk", __name__)
KEPT = ("ids", "all", "where", "view", "q")


@pages.post("/customers/bulk")
@doors.open_to("member", "customers.edit")
def customers() -> Any:
    """Ask what to do with the chosen, show what it would do, and with `go` begin; deletion of many asks who is there."""
    definition, chosen = listing.meant(request.form)
    try:
        who = bulk_actions.audience(definition=definition, ids=chosen)
    except bulk_actions.Nobody as refusal:
        frame.toast(_(refusal.message), kind="warning")
        return frame.go(url_for("customers.index"))
    given = {name: request.form.get(name, "") for name in ("do", "field", "value")}
    if not given["do"] or request.form.get("asking"):
        return _page(given, count=bulk_actions.counted(who))
    try:
        action = bulk_actions.read(given)
        if "go" not in request.form:
            return _page(given, seen=bulk_actions.preview(action, who))
        if given["do"] == "delete":
            entrance.require_fresh()
        operation = bulk_actions.start(action, who, told=_told(chosen))
    except (errors.Invalid, errors.Conflict, access.Locked) as refusal:
        work.forget()
        return _page(given, count=bulk_actions.counted(who), refusal=refusal), refusal.status
    return frame.go(url_for("operations.show", operation_id=operation.id))


def _told(chosen: list[Any] | None) -> Any:
    """Return how the customers were chosen, for the history: by hand, or by which filters."""
    return (
        "by hand"
        if chosen is not None
        else [*request.form.getlist("where"), *filter(None, [request.form.get("view")])] or "all"
    )


def _page(
    given: dict[str, str], *, seen: Any = None, count: int | None = None, refusal: errors.Refusal | None = None
) -> str:
    known = bulk_actions.fields()
    field = known.get(given["field"])
    return render_template(
        "bulk/customers.html", given=given, seen=seen and {"count": seen.count, "sentence": seen.sentence, "examples": seen.examples},
        count=seen.count if seen else count, actions=_actions(), fields=[(name, str(one.label)) for name, one in known.items()],
        choices=[(one.key, str(one.label)) for one in field.choices if not one.archived] if field is not None and given["do"] == "set" else [],
        shape=field.type if field is not None else "", people=[(str(one.id), one.name or one.email) for one in members.listed()] if given["do"] == "own" else [],
        kept=[(name, value) for name in KEPT for value in request.form.getlist(name) if value],
        problems=refusal.fields if refusal else {}, refused=_(refusal.message) if refusal and not refusal.fields else None,
    )  # fmt: skip


def _actions() -> list[tuple[str, str]]:
    """Return what this member may do with many."""
    locked = access.locked("customer")
    entries = [
        ("set", _("Set a field"), True), ("tag", _("Add a tag"), "tags" not in locked), ("untag", _("Take a tag off"), "tags" not in locked),
        ("own", _("Give them an owner"), "owner_id" not in locked), ("withdraw", _("Note that they want no mails"), "email_consent" not in locked),
        ("delete", _("Move them to the bin"), access.may("customers.delete")),
    ]  # fmt: skip
    return [(name, label) for name, label, may in entries if may]
