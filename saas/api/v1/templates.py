"""Mail designs for programs."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask.views import MethodView
from flask_smorest import Blueprint

from saas.api import entrance, shapes
from saas.kit import doors, pages
from saas.marketing import schemas, templates
from saas.marketing.schemas import TemplateIn, TemplateOut

blueprint = Blueprint("api_templates", __name__, description="Designs that campaigns begin with")


class TemplateQuery(shapes.ListQuery):
    """Which designs a list shows."""

    name = shapes.Text(120, load_default="", metadata={"description": "what the name holds"})


def version(design: Any) -> str:
    return entrance.etag(design.id, design.updated_at)


def answered(design: Any) -> tuple[dict[str, Any], int, dict[str, str]]:
    return schemas.template_shown(design), 200, {"ETag": f'"{version(design)}"'}


@blueprint.route("/templates")
class Templates(MethodView):
    @blueprint.arguments(TemplateQuery, location="query")
    @blueprint.response(200, shapes.page_of(TemplateOut))
    @doors.open_to("key", "campaigns.read")
    def get(self, query: dict[str, Any]) -> dict[str, Any]:
        """List designs by name."""
        page = pages.page(templates.listed(name=query.pop("name")), order=templates.BY_NAME, **query)
        return {"items": [schemas.template_shown(design) for design in page.items], "next": page.next}

    @blueprint.arguments(TemplateIn)
    @blueprint.response(201, TemplateOut)
    @doors.open_to("key", "campaigns.edit")
    def post(self, item: dict[str, Any]) -> dict[str, Any]:
        """Keep a design; a faulty one is kept with its problems."""
        return schemas.template_shown(templates.create(**{"name": ""} | item))


@blueprint.route("/templates/<template_id>")
class OneTemplate(MethodView):
    @blueprint.response(200, TemplateOut)
    @doors.open_to("key", "campaigns.read")
    def get(self, template_id: UUID) -> Any:
        """Show a design; the ETag is its version."""
        return answered(templates.one(template_id))

    @blueprint.arguments(TemplateIn)
    @blueprint.response(200, TemplateOut)
    @doors.open_to("key", "campaigns.edit")
    def patch(self, item: dict[str, Any], template_id: UUID) -> Any:
        """Change the given fields; campaigns that began with it stay as they are."""
        entrance.require_match(version(templates.one(template_id, lock=True)))
        return answered(templates.change(template_id, **item))

    @blueprint.response(204)
    @doors.open_to("key", "campaigns.edit")
    def delete(self, template_id: UUID) -> None:
        """Delete a design."""
        entrance.require_match(version(templates.one(template_id, lock=True)))
        templates.delete(template_id)
