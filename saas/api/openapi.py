"""Joining the API's parts: one OpenAPI description, one error shape, one way to sign in."""

from __future__ import annotations

import importlib
import pkgutil

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
    for endpoint in [name for name in app.view_functions if name.startswith("api-docs.")]:
        app.view_functions[endpoint] = doors.open_to("anyone", unit=False)(_plain(app.view_functions[endpoint]))


def _plain(view):
    """Wrap a bound method, which cannot carry the mark of who may enter."""

    def describe(**arguments):
        return view(**arguments)

    return describe
