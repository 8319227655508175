"""The guide to the API names only addresses that are there, and every part of the API is in it."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

GUIDE = Path(__file__).parents[2] / "docs" / "api.md"
NAMED = re.compile(r"(GET|POST|PUT|PATCH|DELETE) (/[A-Za-z0-9_/<>. \-']*)")
SAID = re.compile(r"^/(fields|retention-rules)/[a-z]+")
"""Where the guide says a kind of record or a rule by its name."""


def codes(guide: str) -> list[str]:
    """Return what stands in code, in blocks and in lines."""
    blocks = re.findall(r"```.*?```", guide, flags=re.DOTALL)
    return blocks + re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", guide, flags=re.DOTALL))


def named(guide: str) -> set[tuple[str, str]]:
    """Return what the guide names in code as [method, address], with * for what differs from call to call."""
    found = set()
    for code in codes(guide):
        for method, path in NAMED.findall(code):
            path = re.sub(r"<[^>]*>", "*", path).split(" ")[0].rstrip("/.")
            found.add((method, SAID.sub(r"/\1/*", path.removeprefix("/api/v1"))))
    return found


def known(spec: dict) -> set[tuple[str, str]]:
    """Return what the description has, in the same form."""
    return {
        (method.upper(), re.sub(r"\{[^}]+\}", "*", path.removeprefix("/api/v1")))
        for path, operations in spec["paths"].items() for method in operations
    }  # fmt: skip


def strange(guide: str, spec: dict) -> list[str]:
    """Name what the guide says that is not there, and the parts of the API it does not name."""
    there = known(spec)
    wrong = [f"{method} {path} is not there" for method, path in sorted(named(guide) - there) if path != "/docs/api"]
    parts = {path.split("/")[1] for _method, path in there}
    told = {path for code in codes(guide) for path in re.findall(r"(?:^|[ (,])/([a-z_-]+)", code)}
    return wrong + [f"/{part} is not in the guide" for part in sorted(parts - told) if part != "openapi.json"]


@pytest.fixture(scope="module")
def spec(app):
    return app.test_client().get("/api/v1/openapi.json").json


def test_the_guide_is_right_and_whole(spec):
    assert strange(GUIDE.read_text(encoding="utf-8"), spec) == []


def test_the_rule_sees_a_planted_fault(spec):
    guide = GUIDE.read_text(encoding="utf-8")
    assert strange(guide + "\n`POST /customers/<id>/explode`", spec) == ["POST /customers/*/explode is not there"]
    assert strange(guide.replace("/search", "/find"), spec)[-1] == "/search is not in the guide"
