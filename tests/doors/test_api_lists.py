"""Every list of the API: fields asked for alone, filters, pages; and every record by itself."""

from __future__ import annotations

import re

import pytest

from tests import strangers

WHOLE = {
    "/consent-purposes": "at most twenty", "/retention-rules": "five rules", "/roles": "at most fifty", "/teams": "all of them are one tree",
    "/fields/{kind}": "a kind's own", "/customers/{customer_id}/consents": "the ledger of one person is read whole",
    "/customers/{customer_id}/merges": "of one customer", "/customers/{customer_id}/shares": "at most fifty", "/imports/{import_id}/rows": "the first few, as many as asked",
    "/operations/{operation_id}/failures": "of one operation, in the order of its source", "/segments/{segment_id}/customers": "the segment is the filter",
    "/forms/{form_id}/submissions": "of one form, the newest first", "/forms/{form_id}/trials": "of one form, the newest first", "/payment-accounts": "a handful at most",
    "/products/{product_id}/prices": "of one product", "/products/{product_id}/variants": "of one product",
    "/recommendations": "a handful, best first", "/shops/{shop_id}/coupon-codes": "all that the shop is to take", "/shops/{shop_id}/test-orders": "the tests of one shop", "/recommendations/slots": "fifty-seven at most", "/recommendations/slots/{slot_key}/preview": "a handful, best first", "/recommendations/models": "a handful of kinds", "/reports/best_products": "a report", "/reports/goes_with": "a report",
}  # fmt: skip
"""Lists without a filter, and why they need none."""
OWN_WAYS = {
    "/changes": "an old place is answered 410, and tested with the feed",
    "/campaigns/{campaign_id}/recipients": "before the launch there is nothing to page through",
}
"""Paged lists that answer a cursor of nobody's in a way of their own."""
PLAIN = {"limit", "cursor", "fields"}


def lists(spec):
    """[address, its operation] of every GET that answers `items`."""
    for path, operations in sorted(spec["paths"].items()):
        answer = operations.get("get", {}).get("responses", {}).get("200", {})
        schema = answer.get("content", {}).get("application/json", {}).get("schema", {})
        shown = resolved(spec, schema).get("properties", {})
        if "items" in shown and "id" not in shown:  # a cart has items too, and is one thing
            yield path.removeprefix("/api/v1"), operations["get"]


def resolved(spec, schema):
    return spec["components"]["schemas"][schema["$ref"].rpartition("/")[2]] if "$ref" in schema else schema


def names_of(spec, operation):
    """The names of the parameters an operation takes in its query."""
    known = spec["components"]["parameters"]
    asked = [known[one["$ref"].rpartition("/")[2]] if "$ref" in one else one for one in operation["parameters"]]
    return {one["name"] for one in asked if one["in"] == "query"}


@pytest.fixture(scope="module")
def spec(app):
    return app.test_client().get("/api/v1/openapi.json").json


@pytest.fixture(scope="module")
def filled(app):
    return strangers.filled_company(app)


def address(path, ids):
    return re.sub(r"\{([^}]+)\}", lambda found: ids[strangers.NAMES[found[1]]], path)


def test_every_list_can_be_narrowed_or_says_why_it_need_not(spec):
    bare = {path for path, operation in lists(spec) if not names_of(spec, operation) - PLAIN}
    assert bare <= WHOLE.keys(), bare - WHOLE.keys()
    assert WHOLE.keys() <= {path for path, _operation in lists(spec)}


def test_every_list_gives_only_the_fields_that_are_asked_for(spec, filled):
    wrong, tried = [], 0
    asked = {"/search": {"q": "shop"}}
    for path, _operation in lists(spec):
        at = address(path, filled.ids)
        whole = filled.company.api("GET", at, query_string=asked.get(path))
        if whole.status_code != 200:
            wrong.append((path, whole.status_code))
            continue
        for item in whole.json["items"][:1]:
            tried += 1
            one = next(iter(item))
            alone = filled.company.api("GET", at, query_string=asked.get(path, {}) | {"fields": one})
            if alone.status_code != 200 or any(found.keys() != {one} for found in alone.json["items"]):
                wrong.append((path, one, alone.status_code))
            if (
                filled.company.api("GET", at, query_string=asked.get(path, {}) | {"fields": "nonsense"}).status_code
                != 422
            ):
                wrong.append((path, "nonsense is taken"))
    assert wrong == [], wrong
    assert tried > 20


def test_every_paged_list_goes_on_where_it_stopped_and_refuses_a_foreign_cursor(spec, filled):
    wrong = []
    for path, operation in lists(spec):
        if not names_of(spec, operation) >= {"limit", "cursor"} or path in OWN_WAYS:
            continue
        at = address(path, filled.ids)
        first = filled.company.api("GET", f"{at}?limit=1").json
        if len(first["items"]) > 1:
            wrong.append((path, "more than asked for"))
        if first["next"]:
            second = filled.company.api("GET", f"{at}?limit=1&cursor={first['next']}").json
            if second["items"] == first["items"]:
                wrong.append((path, "the same again"))
        if filled.company.api("GET", f"{at}?cursor=nonsense").status_code != 400:
            wrong.append((path, "a cursor of nobody's"))
    assert wrong == [], wrong
