"""What the API promised stays: every version is compared with the recorded one, and what leaves is announced a year before.

The record is `docs/api-contract.json`. It grows by running this file with RECORD_API=1; the test refuses what shrinks.
"""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path

import pytest

from saas.api import history

RECORD = Path(__file__).parents[2] / "docs" / "api-contract.json"
METHODS = ("get", "post", "put", "patch", "delete")


def promise(spec: dict) -> dict:
    """This function will return what programs rely on: addresses, what they require, and what they answer."""

    def resolved(schema):
        schema = schema or {}
        return spec["components"]["schemas"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema

    def parameter(one):
        return spec["components"]["parameters"][one["$ref"].rpartition("/")[2]] if "$ref" in one else one

    found = {}
    for path, operations in sorted(spec["paths"].items()):
        for method in METHODS:
            if method not in operations:
                continue
            operation = operations[method]
            asked = [parameter(one) for one in (*operations.get("parameters", []), *operation.get("parameters", []))]
            body = operation.get("requestBody", {}).get("content", {}).get("application/json", {}).get("schema")
            good = {
                code: answer
                for code, answer in operation["responses"].items()
                if code.startswith("2") and isinstance(answer, dict)
            }
            answers = {}
            for code, answer in good.items():
                schema = resolved(answer.get("content", {}).get("application/json", {}).get("schema"))
                items = resolved(schema.get("properties", {}).get("items", {}).get("items"))
                answers[code] = sorted(
                    [*schema.get("properties", {}), *(f"items.{name}" for name in items.get("properties", {}))]
                )
            found[f"{method.upper()} {path}"] = {
                "parameters": sorted(p["name"] for p in asked),
                "required_parameters": sorted(p["name"] for p in asked if p.get("required")),
                "body": sorted(resolved(body).get("properties", {})),
                "required_body": sorted(resolved(body).get("required", [])),
                "answers": answers,
            }
    return found


def broken(before: dict, now: dict) -> list[str]:
    """This function will name every promise of `before` that `now` does not keep."""
    found = []
    for name, was in before.items():
        if name not in now:
            found.append(f"{name} is gone")
            continue
        is_now = now[name]
        for part in ("parameters", "body"):
            found += [f"{name} takes {gone} no more" for gone in sorted(set(was[part]) - set(is_now[part]))]
        for part in ("required_parameters", "required_body"):
            found += [f"{name} requires {new} now" for new in sorted(set(is_now[part]) - set(was[part]))]
        for code, fields in was["answers"].items():
            if code not in is_now["answers"]:
                found.append(f"{name} answers {code} no more")
            found += [
                f"{name} gives {gone} no more"
                for gone in sorted(set(fields) - set(is_now["answers"].get(code, fields)))
            ]
    return found


@pytest.fixture
def described(app):
    return promise(app.test_client().get("/api/v1/openapi.json").json)


def test_what_was_promised_is_kept(described):
    if os.environ.get("RECORD_API"):
        lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(what)}" for name, what in described.items())
        RECORD.write_text("{\n" + lines + "\n}\n", encoding="utf-8")
    assert broken(json.loads(RECORD.read_text(encoding="utf-8")), described) == []


@pytest.mark.parametrize("fault", ["gone", "parameter", "field", "required", "answer"])
def test_the_rule_sees_a_planted_fault(described, fault):
    later = json.loads(json.dumps(described))
    name = "POST /api/v1/customers"
    if fault == "gone":
        del later[name]
    elif fault == "parameter":
        later["GET /api/v1/customers"]["parameters"].remove("cursor")
    elif fault == "field":
        later[name]["body"].remove("email")
    elif fault == "required":
        later[name]["required_body"].append("phone")
    else:
        later[name]["answers"]["201"].remove("email")
    assert len(broken(described, later)) == 1


def test_what_leaves_is_announced_a_year_before():
    with pytest.raises(history.TooSoon):
        history.deprecated(since=date(2026, 11, 1), until=date(2027, 10, 1), instead="/api/v1/new")

    @history.deprecated(since=date(2026, 11, 1), until=date(2027, 11, 1), instead="/api/v1/new")
    def view():
        """This function will do nothing."""

    headers = history.leaving(view, "GET").headers()
    assert headers["Deprecation"] == "@1793491200" and headers["Sunset"] == "Mon, 01 Nov 2027 00:00:00 GMT"


def test_the_history_names_kinds_and_is_in_order():
    assert all(entry.kind in history.KINDS for entry in history.ENTRIES)
    assert [entry.on for entry in history.ENTRIES] == sorted((entry.on for entry in history.ENTRIES), reverse=True)


def test_the_history_is_a_page_and_in_the_description(app):
    client = app.test_client()
    page = client.get("/docs/api/changes").text
    told = client.get("/api/v1/openapi.json").json["info"]["x-changes"]
    assert all(entry["words"].split("(")[0].strip() in page.replace("&#39;", "'") for entry in told) and told
