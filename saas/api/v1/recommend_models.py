"""The models behind recommendations, for programs: which fits there are, which serves, and going back to an older one."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask.views import MethodView
from flask_smorest import Blueprint

from saas.kit import doors
from saas.recommend import model_versions
from saas.recommend.schemas import FittedModelOut, ModelsOut, model_plain

blueprint = Blueprint(
    "api_recommend_models", __name__, description="What recommendations are learnt from, and its versions"
)


@blueprint.route("/recommendations/models")
class Models(MethodView):
    @blueprint.response(200, ModelsOut)
    @doors.open_to("key", "offers.read")
    def get(self) -> dict[str, Any]:
        """List the kinds of models with their last fits, the newest first."""
        found = model_versions.listed()
        return {
            "items": [
                {"kind": kind, "fits": [model_plain(row) for row in rows]} for kind, rows in sorted(found.items())
            ]
        }


@blueprint.route("/recommendations/models/<model_id>")
class OneModel(MethodView):
    @blueprint.response(200, FittedModelOut)
    @doors.open_to("key", "offers.read")
    def get(self, model_id: UUID) -> dict[str, Any]:
        """Show one fit."""
        return model_plain(model_versions.one(model_id))


@blueprint.route("/recommendations/models/<model_id>/pin")
class Pin(MethodView):
    @blueprint.response(200, FittedModelOut)
    @doors.open_to("key", "offers.edit")
    def post(self, model_id: UUID) -> dict[str, Any]:
        """Have this fit serve within two seconds and hold it there: newer fits wait until it is released."""
        return model_plain(model_versions.pin(model_id))


@blueprint.route("/recommendations/models/<model_id>/release")
class Release(MethodView):
    @blueprint.response(200, FittedModelOut)
    @doors.open_to("key", "offers.edit")
    def post(self, model_id: UUID) -> dict[str, Any]:
        """Hold this fit no longer: the newest serves, which is returned, and each that follows it."""
        return model_plain(model_versions.release(model_id))
