"""Joining the API's parts: one OpenAPI description, one error shape, one way to sign in."""

from __future__ import annotations

import importlib
import pkgutil
from typing import Any

from flask import Flask
from flask_smorest import Api, Blueprint

from saas.api import around, entrance, history, reading, shapes, v1
from saas.kit import doors

PREFIX = "/api/v1"
UPLOADS = 8 * 1024 * 1024
ABOUT = (
    "Every POST takes an `Idempotency-Key` header: the same request under the same key is done once within a day. Every GET takes "
    "`fields`, a list of field names with commas between them. `RateLimit` headers say how much a key may still ask."
)
EVERYWHERE = {
    "get": ("fields", {
        "in": "query", "schema": {"type": "string", "maxLength": 2000}, "example": "id",
        "description": "only these fields, with commas between them, such as id,email,facts.orders_count",
    }),
    "post": ("Idempotency-Key", {
        "in": "header", "schema": {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[!-~]+$"},
        "description": "any name for this request: under it the request is done once within a day",
    }),
}  # fmt: skip
"""What `around` takes with every request of a method: the parameter's name and how it is described."""
Blueprint.ARGUMENTS_PARSER = reading.Reader()


class Description(Api):
    """The API without the library's own error answers: `kit.failures` answers every door alike."""

    ERROR_SCHEMA = shapes.Failure

    def _register_error_handlers(self) -> None:
        """Leave errors to kit.failures."""


def register(app: Flask) -> None:
    """Put every module of `saas.api.v1` that has a `blueprint` on the map, and describe it."""
    app.config.update(
        API_TITLE="Regulars", API_VERSION="v1", OPENAPI_VERSION="3.1.0", OPENAPI_URL_PREFIX=PREFIX,
        OPENAPI_JSON_PATH="openapi.json", OPENAPI_SWAGGER_UI_PATH=None,
    )  # fmt: skip
    api = Description(app)
    api.spec.components.security_scheme("key", {"type": "http", "scheme": "bearer"})
    api.spec.options["security"] = [{"key": []}]
    api.spec.options["info"] = {"description": ABOUT, "x-changes": [history.plain(entry) for entry in history.ENTRIES]}
    entrance.install()
    around.install()
    app.after_request(around.rate_headers)
    for found in pkgutil.iter_modules(v1.__path__):
        part = importlib.import_module(f"saas.api.v1.{found.name}")
        blueprint: Blueprint | None = getattr(part, "blueprint", None)
        if blueprint is not None:
            api.register_blueprint(blueprint, url_prefix=PREFIX)
    _describe_everywhere(api)
    for endpoint in [name for name in app.view_functions if name.startswith("api-docs.")]:
        app.view_functions[endpoint] = doors.open_to("anyone", unit=False)(_plain(app.view_functions[endpoint]))


def _describe_everywhere(api: Api) -> None:
    """Add to the description what every request takes, so that clients made of it can send it."""
    for name, about in EVERYWHERE.values():
        api.spec.components.parameter(name, about["in"], {"name": name} | about)
    for operations in api.spec._paths.values():
        for method, (name, _about) in EVERYWHERE.items():
            if method in operations and _is_json(operations[method]):
                operations[method].setdefault("parameters", []).append({"$ref": f"#/components/parameters/{name}"})


def _is_json(operation: dict[str, Any]) -> bool:
    """Tell whether an operation answers JSON, of which fields can be left out."""
    good = [answer for code, answer in operation["responses"].items() if str(code).startswith("2")]
    return not any("content" in answer and "application/json" not in answer["content"] for answer in good)


def _plain(view):
    """Wrap a bound method, which cannot carry the mark of who may enter."""

    def describe(**arguments):
        return view(**arguments)

    return describe
