"""A changed role is taken back, unless it was changed again or the earlier role is gone; the refusal says which."""

from __future__ import annotations

import pytest

from saas.kit import work
from saas.tenancy import audit, made_roles, members, undoing
from tests.rooms.tenancy import crew


@pytest.fixture
def unit(company, context):
    return lambda: work.unit(tenant_id=company.tenant_id)


def change(member_id, role):
    members.change_role(member_id, role=role)
    return audit.latest()


def test_it_is_taken_back_and_that_too(company, unit):
    ann = crew.person(company.tenant_id, role="sales")
    with unit():
        entry = change(ann.id, "marketer")
    with unit():
        back = undoing.undo(entry)
        assert members.one(ann.id).role == "sales"
    with unit():
        undoing.undo(back)
        assert members.one(ann.id).role == "marketer"


def test_a_role_of_the_companys_own(company, unit):
    own = crew.role(company.tenant_id, "Closers")
    ann = crew.person(company.tenant_id, role=own)
    with unit():
        entry = change(ann.id, "sales")
    with unit():
        undoing.undo(entry)
        assert str(members.one(ann.id).role_id) == own


def test_changed_again_stands_in_the_way_and_is_named(company, unit):
    ann = crew.person(company.tenant_id, role="sales")
    with unit():
        entry = change(ann.id, "marketer")
        change(ann.id, "service")
    with unit(), pytest.raises(undoing.InTheWay) as refused:
        undoing.undo(entry)
    assert [(one.field, one.now) for one in refused.value.obstacles] == [("role", "service")]
    with unit():
        assert members.one(ann.id).role == "service"


def test_a_role_that_is_gone(company, unit):
    own = crew.role(company.tenant_id, "Closers")
    ann = crew.person(company.tenant_id, role=own)
    with unit():
        entry = change(ann.id, "sales")
        made_roles.delete(own)
    with unit(), pytest.raises(undoing.CannotUndo, match="Closers"):
        undoing.undo(entry)


def test_somebody_who_left(company, unit):
    ann = crew.person(company.tenant_id, role="sales")
    with unit():
        entry = change(ann.id, "marketer")
        members.remove(ann.id)
    with unit(), pytest.raises(undoing.CannotUndo):
        undoing.undo(entry)


def test_the_last_owner_stays_one(company, unit):
    ann = crew.person(company.tenant_id, role="sales")
    with unit():
        entry = change(ann.id, "owner")
        first = next(one for one in members.listed() if one.role == "owner" and one.id != ann.id)
        change(first.id, "admin")
    with unit(), pytest.raises(members.LastOwner):
        undoing.undo(entry)


def test_at_the_page_from_the_toast(app, company):
    with app.app_context():
        ann = crew.person(company.tenant_id, role="sales")
    company.post(f"/settings/members/{ann.id}/role", {"role": "marketer"})
    page = company.page.get("/settings/members").text
    entry = page.split("/undo/")[1][:36]
    assert company.post(f"/undo/{entry}").status_code == 303
    with app.app_context(), work.unit(tenant_id=company.tenant_id):
        assert members.one(ann.id).role == "sales"
    assert (
        "role_key" not in company.page.get(f"/history/{entry}").text
        and "Role key" not in company.page.get(f"/history/{entry}").text
    )
