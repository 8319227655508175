"""The API's reference as a page, drawn from the same description that programs read at /api/v1/openapi.json."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, current_app, render_template
from flask.typing import ResponseReturnValue

from saas import config
from saas.kit import doors

pages = Blueprint("api_docs", __name__)
METHODS = ("get", "post", "put", "patch", "delete")


@pages.get("/docs/api")
@doors.open_to("anyone", unit=False)
def show() -> ResponseReturnValue:
    return render_template("api_docs/show.html", groups=groups(description()), base=f"{config.get().public_url}/api/v1")


@pages.get("/docs/api/changes")
@doors.open_to("anyone", unit=False)
def changes() -> ResponseReturnValue:
    """Show what changed in the API, and the rule by which something leaves it."""
    return render_template("api_docs/changes.html", entries=description()["info"]["x-changes"])


def description() -> dict[str, Any]:
    """Return the API's OpenAPI description."""
    return current_app.extensions["flask-smorest"]["apis"][""]["ext_obj"].spec.to_dict()


def groups(spec: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the operations by their group, each with what it takes and gives."""
    found: dict[str, list[dict[str, Any]]] = {}
    for path, operations in spec["paths"].items():
        for method in METHODS:
            if method in operations:
                operation = operations[method]
                tag = (operation.get("tags") or [""])[0]
                found.setdefault(tag, []).append(
                    _shown(path, method, operation, operations.get("parameters", []), spec)
                )
    about = {tag["name"]: tag.get("description", "") for tag in spec.get("tags", [])}
    return [
        {"key": tag, "name": tag.removeprefix("api_").capitalize(), "about": about.get(tag, ""), "operations": ops}
        for tag, ops in found.items()
    ]


def _shown(
    path: str, method: str, operation: dict[str, Any], shared: list[dict[str, Any]], spec: dict[str, Any]
) -> dict[str, Any]:
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
    good = next((answer for code, answer in operation.get("responses", {}).items() if code.startswith("2")), {})
    gives = good.get("content", {}).get("application/json", {}).get("schema") if isinstance(good, dict) else None
    asked = [
        {"name": p["name"], "kind": _kind(p.get("schema", {})), "required": p.get("required", False), "about": p.get("description", "")}
        for p in (*shared, *operation.get("parameters", [])) if "name" in p
    ]  # fmt: skip
    return {
        "path": path, "method": method.upper(), "summary": operation.get("summary", ""), "parameters": asked,
        "takes": _fields(body, spec), "gives": _fields(gives, spec), "id": f"{method}-{path.strip('/').replace('/', '-')}",
    }  # fmt: skip


def _resolve(schema: dict[str, Any] | None, spec: dict[str, Any]) -> dict[str, Any]:
    if not schema:
        return {}
    if "$ref" in schema:
        return spec["components"]["schemas"].get(schema["$ref"].rsplit("/", 1)[-1], {})
    return schema


def _fields(schema: dict[str, Any] | None, spec: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the fields of an object, and of the items of a list of objects, one level deep."""
    whole = _resolve(schema, spec)
    required = whole.get("required", [])
    rows = []
    for name, field in whole.get("properties", {}).items():
        rows.append(
            {"name": name, "kind": _kind(field), "required": name in required, "about": field.get("description", "")}
        )
        inner = _resolve(field.get("items") or (field if "$ref" in field else None), spec)
        rows += [
            {"name": f"{name}.{key}", "kind": _kind(value), "required": key in inner.get("required", []), "about": value.get("description", "")}
            for key, value in inner.get("properties", {}).items()
        ]  # fmt: skip
    return rows


def _kind(schema: dict[str, Any]) -> str:
    kind = schema.get("type", "object" if "$ref" in schema else "")
    names = [name for name in (kind if isinstance(kind, list) else [kind]) if name != "null"]
    if schema.get("enum"):
        return " | ".join(str(choice) for choice in schema["enum"] if choice is not None)
    return " | ".join(names) + (f" ({schema['format']})" if schema.get("format") else "")
