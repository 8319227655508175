"""Every route says who may enter, and another tenant's ids are answered like ids that never were."""

from __future__ import annotations

import re
import uuid

import pytest

from saas.kit import doors
from tests import strangers

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


LEADS_ON = {"GET /"}
"""Asks for a right itself and leads whoever lacks it to a page that is theirs: everybody begins somewhere."""


def routes(app):
    for rule in app.url_map.iter_rules():
        if not rule.endpoint.endswith("static"):
            for method in sorted(rule.methods & set(METHODS)):
                yield rule, method


def test_every_route_says_who_may_enter(app):
    silent = [
        f"{method} {rule.rule}"
        for rule, method in routes(app)
        if doors.entrance_of(app.view_functions[rule.endpoint], method) is None
    ]
    assert silent == []


def test_a_route_for_members_or_keys_names_its_permission(app):
    bare = [
        f"{method} {rule.rule}"
        for rule, method in routes(app)
        if (entrance := doors.entrance_of(app.view_functions[rule.endpoint], method))
        and entrance.kind in ("member", "key") and not entrance.permission
    ]  # fmt: skip
    assert set(bare) == LEADS_ON


def test_nobody_enters_a_closed_route_without_signing_in(app):
    client = app.test_client()
    for rule, method in routes(app):
        entrance = doors.entrance_of(app.view_functions[rule.endpoint], method)
        if entrance.kind in ("member", "person", "staff", "key"):
            path = re.sub(r"<[^>]+>", str(uuid.uuid4()), re.sub(r"<int:[^>]+>", "1", rule.rule))
            answer = client.open(path, method=method)
            assert answer.status_code in (302, 303, 401, 403), (method, rule.rule, answer.status_code)


@pytest.fixture(scope="module")
def filled(app):
    """A company that has one of everything a route can name."""
    return strangers.filled_company(app)


def test_another_tenants_id_is_answered_like_a_random_one(app, filled, other_company):
    """For every route with an id: 404, and the same bytes as for an id that never was."""
    tried, offenders = 0, []
    for rule, method in routes(app):
        entrance = doors.entrance_of(app.view_functions[rule.endpoint], method)
        names = list(rule.arguments)
        if entrance.kind not in ("member", "key") or not names:
            continue
        for foreign in strangers.addresses(rule, filled.ids):
            random = re.sub(r"<[^>]+>", lambda _match: str(uuid.uuid4()), rule.rule)
            theirs, nobodys = (strangers.call(other_company, entrance.kind, method, path) for path in (foreign, random))
            if not theirs.status_code == nobodys.status_code == 404:
                offenders.append((method, rule.rule, theirs.status_code, nobodys.status_code))
            elif _without_own_address(theirs.data, foreign) != _without_own_address(nobodys.data, random):
                offenders.append((method, rule.rule, "other bytes"))
            tried += 1
    assert offenders == [], offenders
    assert tried > 100


def _without_own_address(body: bytes, path: str) -> bytes:
    """Leave out what an answer repeats of the request itself, and the page's nonce."""
    body = body.replace(path.encode(), b"").replace(path.rsplit("/", 1)[-1].encode(), b"")
    return re.sub(rb'(nonce|csrf-token|value|content)="[^"]*"', b"", body)
