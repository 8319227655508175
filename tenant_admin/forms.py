"""The pages of forms and pop-ups: a list with what each brought, the editor with its live preview, and one form's results."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson
from flask import Blueprint, Response, render_template, request, url_for
from flask_babel import gettext as _

from saas.commerce import coupons
from saas.customers import purposes
from saas.kit import access, doors, errors, work
from saas.kit import pages as paging
from saas.marketing import form_content, form_reports, form_shop, forms
from saas.tenancy import audit, tenants
from tenant_admin import form_fields, frame

LIMIT = 25
pages = Blueprint("forms", __name__)


@pages.get("/marketing/forms")
@doors.open_to("member", "campaigns.read")
def index() -> str:
    """List the forms with what each brought."""
    page = paging.page(forms.listed(), order=forms.NEWEST, cursor=request.args.get("cursor"), limit=LIMIT)
    figures = form_reports.of([form.id for form in page.items])
    rows = [
        {
            "id": form.id,
            "name": form.name,
            "kind": form_fields.kinds()[form.kind],
            "state": form.state,
            "at": form.updated_at,
        }
        | figures[form.id]
        for form in page.items
    ]
    return render_template("forms/index.html", rows=rows, next=page.next, currency=tenants.settings().currency)


@pages.route("/marketing/forms/new", methods=["GET", "POST"])
@doors.open_to("member", "campaigns.edit")
def create() -> Any:
    """Ask what it is called and how it is shown; then open the editor."""
    if request.method == "GET":
        return _beginning({"kind": "popup"})
    values = {name: request.form.get(name, "") for name in ("name", "kind")}
    try:
        made = forms.create(**values, content=form_fields.beginning())
    except (errors.Invalid, errors.Conflict) as error:
        work.forget()
        return _beginning(values, error.fields), error.status
    return frame.go(url_for("forms.edit", form_id=made.id))


def _beginning(values: dict[str, str], problems: dict | None = None) -> str:
    choices = [(kind, name, form_fields.kind_texts()[kind]) for kind, name in form_fields.kinds().items()]
    return render_template("forms/new.html", values=values, problems=problems or {}, kinds=choices)


@pages.route("/marketing/forms/<form_id>/edit", methods=["GET", "POST"])
@doors.open_to("member", "campaigns.edit")
def edit(form_id: UUID | str) -> Any:
    """Show the editor, or keep what was written."""
    form = forms.one(form_id)
    if request.method == "GET":
        return _editor(form, form.name, form.kind, form.content)
    name, kind, content = request.form.get("name", ""), request.form.get("kind", ""), form_fields.typed(request.form)
    try:
        forms.change(form.id, name=name, kind=kind, content=content)
    except (errors.Invalid, errors.Conflict) as error:
        work.forget()
        return _editor(forms.one(form_id), name, kind, content, error.fields), error.status
    frame.toast(_("Saved."))
    return frame.go(url_for("forms.show", form_id=form.id))


def _editor(form: Any, name: str, kind: str, content: dict[str, Any], problems: dict | None = None) -> str:
    known = purposes.listed()
    return render_template(
        "forms/edit.html", form={"id": form.id, "name": form.name}, name=name, kind=kind, content=content, problems=problems or {},
        kinds=list(form_fields.kinds().items()), tongues=form_fields.tongues(), fields=form_fields.askable(content),
        purposes=form_fields.consents(content, known), choices=form_fields.choices(), coupons=[(str(one.id), one.name) for one in coupons.open_ones()], labels=form_fields.labels(problems or {}),
    )  # fmt: skip


@pages.post("/marketing/forms/preview")
@doors.open_to("member", "campaigns.edit")
def preview() -> Response:
    """Answer the form that the editor holds as a shop's page would get it; nothing is kept."""
    kind = request.form.get("kind", "popup")
    content = form_content.read(form_fields.typed(request.form))
    told = form_shop.drawn(kind if kind in forms.KINDS else "popup", content)
    return Response(orjson.dumps(told), mimetype="application/json", headers={"Cache-Control": "no-store"})


@pages.get("/marketing/forms/<form_id>")
@doors.open_to("member", "campaigns.read")
def show(form_id: UUID | str) -> str:
    """Show what came of a form, how it gets into a page, and the newest that were sent."""
    form = forms.one(form_id)
    may_read = access.may("customers.read")
    page = (
        paging.page(
            form_reports.submissions(form.id), order=form_reports.NEWEST, cursor=request.args.get("cursor"), limit=LIMIT
        )
        if may_read
        else None
    )
    hidden = "email" in access.hidden("customer")
    rows = [
        {"id": sent.id, "customer_id": sent.customer_id, "name": _("Customer") if hidden else sent.email, "at": sent.sent_at,
         "confirmed": sent.confirmed_at is not None, "values": form_fields.told(sent.values, access.hidden("customer")), "won": sent.won,
         "page": sent.proof.get("place", "")}
        for sent in (page.items if page else ())
    ]  # fmt: skip
    return render_template(
        "forms/show.html", form={"id": form.id, "name": form.name, "state": form.state, "kind": form.kind}, lacking=form_content.lacking(form.content),
        kind=form_fields.kinds()[form.kind], figures=form_reports.of([form.id])[form.id], rows=rows, next=page.next if page else None,
        may_read=may_read, currency=tenants.settings().currency,
    )  # fmt: skip


@pages.post("/marketing/forms/<form_id>/show")
@doors.open_to("member", "campaigns.send")
def turn_on(form_id: UUID | str) -> Response:
    """Have it shown in the shops."""
    try:
        forms.show(form_id)
        frame.toast(_("It is shown in your shops within a minute or two."))
    except forms.NotReady as refusal:
        frame.toast(refusal.message, kind="error")
    return frame.go(url_for("forms.show", form_id=form_id))


@pages.post("/marketing/forms/<form_id>/hide")
@doors.open_to("member", "campaigns.send")
def turn_off(form_id: UUID | str) -> Response:
    """Show it no more."""
    forms.hide(form_id)
    frame.toast(_("It is not shown any more."))
    return frame.go(url_for("forms.show", form_id=form_id))


@pages.post("/marketing/forms/<form_id>/copy")
@doors.open_to("member", "campaigns.edit")
def copy(form_id: UUID | str) -> Response:
    """Make a draft of the same form."""
    made = forms.copy(form_id)
    frame.toast(_("Here is the copy."))
    return frame.go(url_for("forms.edit", form_id=made.id))


@pages.post("/marketing/forms/<form_id>/delete")
@doors.open_to("member", "campaigns.edit")
def delete(form_id: UUID | str) -> Response:
    """Put a form into the bin."""
    name = forms.one(form_id).name
    forms.delete(form_id)
    frame.toast(_("The form “%(name)s” is deleted", name=name), undo=frame.undo_url(audit.latest()))
    return frame.go(url_for("forms.index"))
