"""Forms on the shops' pages, for programs: made, changed, shown, and what was sent by them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask.views import MethodView
from flask_smorest import Blueprint
from marshmallow import fields, validate

from saas.api import entrance, shapes
from saas.kit import doors, pages
from saas.marketing import form_reports, form_schemas, forms
from saas.marketing.form_schemas import FormIn, FormOut, FormReportOut, SubmissionOut
from saas.tenancy import reads

blueprint = Blueprint("api_forms", __name__, description="Forms and pop-ups on the shops' pages")


class FormQuery(shapes.ListQuery):
    """Which forms a list shows."""

    state = fields.String(load_default=None, validate=validate.OneOf(forms.STATES))
    name = shapes.Text(120, load_default="", metadata={"description": "what the name holds"})


class FormCreate(FormIn):
    """A new form."""

    name = fields.String(required=True, validate=validate.Length(1, 120))
    kind = fields.String(required=True, validate=validate.OneOf(forms.KINDS))


def version(form: Any) -> str:
    return entrance.etag(form.id, form.version, form.state)


def answered(form: Any) -> tuple[dict[str, Any], int, dict[str, str]]:
    return form_schemas.shown(form), 200, {"ETag": f'"{version(form)}"'}


@blueprint.route("/forms")
class Forms(MethodView):
    @blueprint.arguments(FormQuery, location="query")
    @blueprint.response(200, shapes.page_of(FormOut))
    @doors.open_to("key", "campaigns.read")
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List forms, the last changed first."""
        select = forms.listed(state=query["state"], name=query["name"])
        page = pages.page(select, order=forms.NEWEST, cursor=query["cursor"], limit=query["limit"])
        return {"items": [form_schemas.shown(form) for form in page.items], "next": page.next}

    @blueprint.arguments(FormCreate)
    @blueprint.response(201, FormOut)
    @doors.open_to("key", "campaigns.edit")
    def post(self, item: dict[str, Any]) -> dict[str, Any]:
        """Make a form; nobody sees it before it is shown."""
        return form_schemas.shown(forms.create(**item))


@blueprint.route("/forms/<form_id>")
class OneForm(MethodView):
    @blueprint.response(200, FormOut)
    @doors.open_to("key", "campaigns.read")
    def get(self, form_id: UUID) -> Any:
        """Show a form; the ETag is its version."""
        return answered(forms.one(form_id))

    @blueprint.arguments(FormIn)
    @blueprint.response(200, FormOut)
    @doors.open_to("key", "campaigns.edit")
    def patch(self, item: dict[str, Any], form_id: UUID) -> Any:
        """Change the given fields, and of the content the given parts; shops show it within a minute or two."""
        entrance.require_match(version(forms.one(form_id, lock=True)))
        return answered(forms.change(form_id, **item))

    @blueprint.response(204)
    @doors.open_to("key", "campaigns.edit")
    def delete(self, form_id: UUID) -> None:
        """Put a form with what was sent by it into the bin."""
        entrance.require_match(version(forms.one(form_id, lock=True)))
        forms.delete(form_id)


@blueprint.route("/forms/<form_id>/show", methods=["POST"])
@blueprint.response(200, FormOut)
@doors.open_to("key", "campaigns.send")
def show(form_id: UUID) -> dict[str, Any]:
    """Have it shown in the shops; 422 with what it lacks."""
    return form_schemas.shown(forms.show(form_id))


@blueprint.route("/forms/<form_id>/hide", methods=["POST"])
@blueprint.response(200, FormOut)
@doors.open_to("key", "campaigns.send")
def hide(form_id: UUID) -> dict[str, Any]:
    """Show it no more; what was sent stays."""
    return form_schemas.shown(forms.hide(form_id))


@blueprint.route("/forms/<form_id>/copy", methods=["POST"])
@blueprint.response(201, FormOut)
@doors.open_to("key", "campaigns.edit")
def copy(form_id: UUID) -> dict[str, Any]:
    """Make a draft of the same form."""
    return form_schemas.shown(forms.copy(form_id))


@blueprint.route("/forms/<form_id>/report")
@blueprint.response(200, FormReportOut)
@doors.open_to("key", "campaigns.read")
def report(form_id: UUID) -> dict[str, Any]:
    """Tell what came of it."""
    form = forms.one(form_id)
    return form_reports.of([form.id])[form.id]


@blueprint.route("/forms/<form_id>/submissions")
@blueprint.arguments(shapes.ListQuery, location="query")
@blueprint.response(200, shapes.page_of(SubmissionOut))
@doors.open_to("key", "customers.read")
def submissions(query: dict[str, Any], form_id: UUID) -> dict[str, Any]:
    """List what was sent by it, newest first."""
    select = form_reports.submissions(forms.one(form_id).id)
    page = pages.page(select, order=form_reports.NEWEST, cursor=query["cursor"], limit=query["limit"])
    reads.note(kind="customer", count=len(page.items))
    return {"items": [form_schemas.submission_shown(sent) for sent in page.items], "next": page.next}
