"""The mail designs' pages: what campaigns can begin with, written in the same editor."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Blueprint, Response, render_template, request, url_for
from flask_babel import gettext as _

from saas.kit import doors, errors, work
from saas.kit import pages as paging
from saas.marketing import schemas, templates
from saas.tenancy import audit
from tenant_admin import frame
from tenant_admin.campaigns import previewing

LIMIT = 25
FIELDS = ("name", "subject", "source", "text_source")
pages = Blueprint("templates", __name__)


@pages.get("/designs")
@doors.open_to("member", "campaigns.read")
def index() -> str:
    """List the designs by name."""
    page = paging.page(templates.listed(), order=templates.BY_NAME, cursor=request.args.get("cursor"), limit=LIMIT)
    rows = [
        {"id": one.id, "name": one.name, "subject": one.subject, "at": one.updated_at}
        | {"faults": len(schemas.faults(one.compiled)["problems"])}
        for one in page.items
    ]
    return render_template("designs/index.html", rows=rows, next=page.next)


@pages.route("/designs/<template_id>", methods=["GET", "POST"])
@doors.open_to("member", "campaigns.edit")
def show(template_id: UUID | str) -> Any:
    """Show a design in the editor, or keep what was written."""
    design = templates.one(template_id)
    if request.method == "GET":
        return _editor(design, {name: getattr(design, name) for name in FIELDS})
    values = {name: request.form.get(name, "") for name in FIELDS}
    try:
        templates.change(design.id, **values)
    except (errors.Invalid, errors.Conflict) as error:
        work.forget()
        return _editor(design, values, error.fields, error.message), error.status
    frame.toast(_("Saved."))
    return frame.go(url_for("templates.show", template_id=design.id))


def _editor(design: Any, values: dict[str, Any], problems: dict | None = None, general: str | None = None) -> str:
    told = {"design": {"id": design.id, "name": design.name}, "people": previewing.people()}
    return render_template("designs/edit.html", **told, values=values, problems=problems or {}, general=general)


@pages.post("/designs/<template_id>/delete")
@doors.open_to("member", "campaigns.edit")
def delete(template_id: UUID | str) -> Response:
    """Put a design into the bin; campaigns that began with it stay as they are."""
    name = templates.one(template_id).name
    templates.delete(template_id)
    frame.toast(_("The design “%(name)s” is deleted", name=name), undo=frame.undo_url(audit.latest()))
    return frame.go(url_for("templates.index"))
