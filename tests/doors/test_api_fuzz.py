"""Every address of the API with what a generator or an enemy sends: never a failure of ours, and answers as they are described."""

from __future__ import annotations

import json
import re
import uuid
from collections import Counter

import hypothesis
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests import strangers

EXAMPLES = 12
BUDGET = hypothesis.settings(
    max_examples=EXAMPLES, deadline=None, derandomize=True, database=None, phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)  # fmt: skip


CHECKS = [not_a_server_error, response_schema_conformance, content_type_conformance, status_code_conformance]


ORDER = {"GET": 0, "POST": 1, "PUT": 1, "PATCH": 1, "DELETE": 2}
"""What deletes comes last, so that everything else meets things that are there."""


def described(app):
    """Every operation of the description, none left out."""
    found = [one.ok() for one in schemathesis.openapi.from_wsgi("/api/v1/openapi.json", app).get_all_operations()]
    return sorted(found, key=lambda operation: ORDER[operation.method.upper()])


def known_ids(case, ids):
    """Put the ids of things that are there into the address, where the company has one of each kind."""
    own = {name: ids[strangers.NAMES[name]] for name in case.path_parameters or {} if strangers.NAMES.get(name) in ids}
    case.path_parameters = (case.path_parameters or {}) | own


def test_generated_requests_are_never_a_failure_and_answers_are_as_described(app):
    """Every second request names things that are there; fields that are asked for alone have a test of their own."""
    filled = strangers.filled_company(app)
    headers = {"Authorization": f"Bearer {filled.company.api_key}"}
    broken, asked, met = [], Counter(), Counter()

    def ask_one(label, case):
        if asked[label] % 2 == 0:
            known_ids(case, filled.ids)
        (case.query or {}).pop("fields", None)
        asked[label] += 1
        answer = case.call(headers=headers)
        met[label] += answer.status_code < 400
        case.validate_response(answer, checks=CHECKS)

    for operation in described(app):
        label = operation.label

        @BUDGET
        @hypothesis.given(case=operation.as_strategy())
        def ask(case):
            ask_one(label, case)  # noqa: B023  it is asked before the loop goes on

        try:
            ask()
        except* Exception as failures:
            broken += [f"{operation.label}: {failure}"[:1200] for failure in failures.exceptions]
    assert not broken, "\n\n".join(broken)
    spec = app.test_client().get("/api/v1/openapi.json").json
    promised = sum(method in spec["paths"][path] for path in spec["paths"] for method in map(str.lower, ORDER))
    assert len(asked) == promised and min(asked.values()) > 0
    assert sum(one > 0 for one in met.values()) > promised // 2, "most operations were met by a request that they take"
    print(f"{len(asked)} operations, {asked.total()} requests, {met.total()} of them taken")


DEEP = "[" * 20_000 + "]" * 20_000
NASTY = {
    "an endless number": '{"stock": ' + "9" * 400 + "}", "nothing": "null", "a number": "3", "a text": '"x"', "a list": "[]", "deep lists": DEEP, "deep objects": '{"a":' * 5000 + "1" + "}" * 5000,
    "not a number": '{"limit": NaN}', "no UTF-8": b"\xff\xfe\x00", "half a pair": '{"name": "\\ud800"}', "unfinished": '{"name": "x', "empty": "",
    "a very long name": json.dumps({"x" * 100_000: 1}),
}  # fmt: skip
VALUES = [
    None, True, -1, 0, 1.5, 10**18, 10**19, -(10**30), 1e308, "", " ", "\x00", "a\x00b", "\U0001f600" * 300, "\u202e\u0000", "x" * 100_000, "1e999999", "NaN",
    "-0", "9" * 400, "2026-02-30T25:61:61Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "'; DROP TABLE customers; --", "{{ 7 * 7 }}",
    "\u2028", "../../etc/passwd", [], [[]], [None], ["\x00"], {}, {"": ""}, {"email": {"email": {}}}, [{"a": 1}] * 3, ["x"] * 2000,
]  # fmt: skip


def some(place):
    """Every third nasty value, others for the next field: a third of the time, and every value meets every kind of field."""
    return VALUES[place % 3 :: 3]


def writing_routes(app):
    """[method, address] of everything in the API that takes a body, with ids that are nobody's."""
    described = described_bodies(app)
    for rule in app.url_map.iter_rules():
        if rule.rule.startswith("/api/v1/"):
            for method in sorted(rule.methods & {"POST", "PUT", "PATCH"}):
                if (method, re.sub(r"<[^>]+>", "{}", rule.rule)) in described:
                    yield method, re.sub(r"<[^>]+>", str(uuid.UUID(int=7)), rule.rule).removeprefix("/api/v1")


def described_bodies(app):
    """{(method, address with {} for ids): the fields a body must have} of every operation that takes one."""
    spec = app.test_client().get("/api/v1/openapi.json").json
    found = {}
    for path, operations in spec["paths"].items():
        for method, operation in operations.items():
            if isinstance(operation, dict) and "requestBody" in operation:
                body = operation["requestBody"]["content"].get("application/json", {}).get("schema", {})
                schema = spec["components"]["schemas"].get(body.get("$ref", "").rpartition("/")[2], body)
                found[method.upper(), re.sub(r"\{[^}]+\}", "{}", path)] = schema.get("required", [])
    return found


def own_things(company):
    """The things there are, each with the address of one of them, so that changes meet something."""
    bodies = {
        "customers": {"email": "a@shop.example"}, "products": {"external_id": "p1", "name": "Pot"},
        "orders": {"external_id": "o1", "placed_at": "2026-05-01T10:00:00Z", "currency": "EUR"},
        "segments": {"name": "All", "definition": {"match": "all", "conditions": []}}, "campaigns": {"name": "Spring"},
        "shops": {"kind": "generic", "name": "Shop"}, "recommendations/rules": {"kind": "boost", "category": "Mugs"},
    }  # fmt: skip
    for thing, body in bodies.items():
        made = company.api("POST", f"/{thing}", json=body)
        assert made.status_code == 201, (thing, made.json)
        yield thing, f"/{thing}/{made.json['id']}"


def fields_of(app, method, path):
    """The names of the fields that the description says a body has."""
    spec = app.test_client().get("/api/v1/openapi.json").json
    found = set()
    for described, operations in spec["paths"].items():
        if re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", described), "/api/v1" + path):
            body = (
                operations.get(method.lower(), {}).get("requestBody", {}).get("content", {}).get("application/json", {})
            )
            reference = body.get("schema", {}).get("$ref", "").rpartition("/")[2]
            found |= set(spec["components"]["schemas"].get(reference, {}).get("properties", {}))
    return sorted(found)


class TestHostileBodies:
    def test_what_is_no_good_body_at_all(self, app, company):
        broken, needed = [], described_bodies(app)
        assert len(list(writing_routes(app))) > 60
        for method, path in writing_routes(app):
            optional = needed.get((method, "/api/v1" + path)) == []
            for name, body in NASTY.items():
                answer = company.api(method, path, data=body, content_type="application/json")
                taken = answer.status_code < 400 and path != "/campaigns/preview" and not (optional and name == "empty")
                if answer.status_code >= 500 or taken:
                    broken.append((method, path, name, answer.status_code))
        assert broken == []

    def test_every_field_with_nasty_values(self, app, company):
        own = [(method, path) for _thing, path in own_things(company) for method in ("PATCH", "PUT")]
        making = [(method, path) for method, path in writing_routes(app) if "00000" not in path]
        broken = []
        for method, path in own + making:
            for place, field in enumerate(fields_of(app, method, path)):
                for value in some(place):
                    answer = company.api(method, path, data=json.dumps({field: value}), content_type="application/json")
                    if answer.status_code >= 500:
                        broken.append((method, path, field, str(value)[:40], answer.status_code))
        assert broken == []

    def test_every_field_of_a_good_body_with_every_nasty_value(self, company):
        line = {"product": "p1", "sku": "s", "name": "n", "quantity": 1, "unit_price": "2.50", "position": 0}
        refund = {"external_id": "r1", "amount": "1", "at": "2026-05-02T10:00:00Z", "reason": "x"}
        order = {"external_id": "o1", "placed_at": "2026-05-01T10:00:00Z", "currency": "EUR", "lines": [line], "refunds": [refund],
                 "customer": {"email": "a@shop.example"}}  # fmt: skip
        broken = []
        for value in VALUES:
            for inside, whole in (("lines", line), ("refunds", refund)):
                for field in whole:
                    body = json.dumps(order | {inside: [whole | {field: value}]})
                    for path in ("/orders", "/orders/bulk"):
                        sent = f'{{"items": [{body}]}}' if path.endswith("bulk") else body
                        answer = company.api("POST", path, data=sent, content_type="application/json")
                        if answer.status_code >= 500:
                            broken.append((path, field, str(value)[:40], answer.status_code))
        assert broken == []


class TestHostileQuestions:
    def test_every_parameter_of_every_list_with_nasty_values(self, app, company):
        spec = app.test_client().get("/api/v1/openapi.json").json
        broken = []
        for path, operations in spec["paths"].items():
            told = [
                spec["components"]["parameters"][one["$ref"].rpartition("/")[2]] if "$ref" in one else one
                for one in operations.get("get", {}).get("parameters", [])
            ]
            names = [one["name"] for one in told if one["in"] == "query"]
            address = re.sub(r"\{[^}]+\}", str(uuid.UUID(int=7)), path).removeprefix("/api/v1")
            for place, name in enumerate(names):
                for value in some(place):
                    answer = company.api(
                        "GET", address, query_string={name: value if isinstance(value, str) else str(value)[:5000]}
                    )
                    if answer.status_code >= 500:
                        broken.append((address, name, str(value)[:40], answer.status_code))
        assert broken == []

    @pytest.mark.parametrize(
        "wrong",
        ["%00", "..%2f..", "x" * 5000, "1", "00000000-0000-0000-0000-00000000000g", "%F0%9F%98%80", "{}", "' OR 1=1"],
    )
    def test_ids_that_are_none(self, app, company, wrong):
        broken = []
        for rule in app.url_map.iter_rules():
            if rule.rule.startswith("/api/v1/") and rule.arguments and "GET" in rule.methods:
                path = re.sub(r"<[^>]+>", wrong, rule.rule).removeprefix("/api/v1")
                if company.api("GET", path).status_code not in (404, 400):
                    broken.append(path[:80])
        assert broken == []


class TestOtherDoors:
    """The doors that strangers may knock at: /collect, /offers, the hooks."""

    @pytest.mark.parametrize("body", list(NASTY.values()), ids=list(NASTY))
    def test_bodies(self, company, body):
        client = company.app.test_client()
        for path in ("/collect", "/hooks/generic/" + "x" * 32, "/hooks/stripe"):
            assert 400 <= client.post(path, data=body).status_code < 500, path

    def test_every_field_of_an_event(self, company):
        fields = (
            "id",
            "type",
            "at",
            "url",
            "referrer",
            "title",
            "product",
            "query",
            "cart",
            "identity",
            "offer",
            "properties",
        )
        event = {
            "id": "e1",
            "type": "product_viewed",
            "at": "2026-05-01T10:00:00Z",
            "url": "https://shop.example/",
            "product": "p",
        }
        batch = {
            "site_key": company.site_key,
            "visitor": "visitor-0123456789",
            "consent": {"analytics": True, "marketing": True},
            "events": [event],
        }
        client = company.app.test_client()
        broken = []
        for value in VALUES:
            sent = [batch | {"events": [event | {field: value}]} for field in fields] + [
                batch | {field: value} for field in batch
            ]
            for body in sent:
                answer = client.post("/collect", data=json.dumps(body))
                if answer.status_code >= 500:
                    broken.append((str(body)[:200], answer.status_code))
            for name in ("site_key", "visitor", "slot", "product", "cart", "limit"):
                question = {
                    "site_key": company.site_key,
                    "visitor": "visitor-0123456789",
                    "slot": "home",
                    name: str(value)[:3000],
                }
                if client.get("/offers", query_string=question).status_code >= 500:
                    broken.append(("/offers", name, str(value)[:40]))
        assert broken == []
