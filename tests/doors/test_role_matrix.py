"""What a role may not, neither door lets it (CVE-2024-47053): every role against every route of the pages and of the API.

Expected is what the role's permissions say; a refusal has to come before anything is done, so the database is compared too.
"""

from __future__ import annotations

import re
import uuid

import psycopg
import pytest

from saas.kit import access, doors, work
from saas.tenancy import api_keys, roles
from tests.companies import Company, add_member, found_company

METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")
ODD = frozenset({"customers.read", "reports.read"})


@pytest.fixture(scope="module")
def company(app) -> Company:
    return found_company(app)


def marked(app, kind: str):
    for rule in app.url_map.iter_rules():
        for method in sorted(rule.methods & set(METHODS)):
            entrance = doors.entrance_of(app.view_functions[rule.endpoint], method)
            # A route of any kind of record asks for that kind's permission itself, and names none here.
            if (
                entrance is not None
                and entrance.kind == kind
                and entrance.permission
                and not rule.endpoint.endswith("static")
            ):
                yield method, re.sub(r"<[^>]+>", lambda _match: str(uuid.uuid4()), rule.rule), entrance


def test_every_permission_that_a_route_asks_for_can_be_given(app):
    """The form for roles is made of the catalogue: what is not in it only owners could ever do."""
    asked = {entrance.permission for kind in ("member", "key") for _m, _p, entrance in marked(app, kind)}
    assert asked <= roles.every(), asked - roles.every()


def trace(database_urls, tenant_id: int) -> dict[str, int]:
    """Count the rows of every table of a tenant, past all walls."""
    with psycopg.connect(database_urls.admin, autocommit=True) as connection:
        tables = connection.execute(
            "SELECT c.relname FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attname = 'tenant_id'"
            " WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition"
            " AND c.relname NOT IN ('login_sessions', 'platform_acts')"
        ).fetchall()
        query = "SELECT count(*), coalesce(max(xmin::text::bigint), 0) FROM {} WHERE tenant_id = %s"
        return {name: connection.execute(query.format(f'"{name}"'), [tenant_id]).fetchone() for (name,) in tables}


@pytest.mark.parametrize("role", ["read_only", "sales", "marketer"])
def test_no_page_does_what_the_role_may_not(app, company, database_urls, role):
    browser = add_member(app, company, role=role)
    person = Company(app, company.tenant_id, "", "", "", browser)
    browser.get("/")
    headers = {"X-CSRFToken": person.csrf()}
    before, wrong, refused = trace(database_urls, company.tenant_id), [], 0
    for method, path, entrance in marked(app, "member"):
        if not roles.may(role, entrance.permission):
            status = browser.open(path, method=method, headers=headers).status_code
            refused += 1
            if status != 403:
                wrong.append((method, path, entrance.permission, status))
    assert wrong == [] and refused > 20
    assert trace(database_urls, company.tenant_id) == before


@pytest.mark.parametrize("role", ["read_only", "sales", "marketer"])
def test_no_program_does_what_its_role_may_not(app, company, database_urls, role):
    with app.app_context(), work.unit(tenant_id=company.tenant_id):
        _key, secret = api_keys.make(name=role, role=role)
    headers = {"Authorization": f"Bearer {secret}"}
    app.test_client().get("/api/v1/customers", headers=headers)
    before, wrong, allowed = trace(database_urls, company.tenant_id), [], 0
    for method, path, entrance in marked(app, "key"):
        may = roles.may(role, entrance.permission)
        if may and method != "GET":
            continue
        status = (
            app.test_client()
            .open(path, method=method, headers=headers, json={} if method != "GET" else None)
            .status_code
        )
        allowed += may
        if (status == 403) is may:
            wrong.append((method, path, entrance.permission, status))
    assert wrong == [] and allowed > 5
    assert {
        name: rows for name, rows in trace(database_urls, company.tenant_id).items() if name not in WRITTEN_BY_READING
    } == {name: rows for name, rows in before.items() if name not in WRITTEN_BY_READING}


WRITTEN_BY_READING = ("api_keys", "audit_reads", "usage_counts", "segments")
"""That a key was used, and what it read of people, is written down."""


def test_a_role_of_ones_own_opens_what_it_holds_and_nothing_else(app, company):
    from tests.rooms.tenancy import crew

    with app.app_context():
        made = crew.role(company.tenant_id, permissions=sorted(ODD))
        browser = crew.browser(app, company, crew.person(company.tenant_id, role=made)).page
    wrong = []
    for method, path, entrance in marked(app, "member"):
        if method == "GET" and "<" not in path:
            status = browser.get(path).status_code
            if (status == 403) is (entrance.permission in ODD):
                wrong.append((path, entrance.permission, status))
    assert wrong == []


def test_an_access_that_is_not_bound_is_the_platforms(app):
    assert access.current() is access.FULL and access.limiting() is None
