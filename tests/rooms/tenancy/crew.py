"""A company with people: roles of its own, teams, and customers that belong to somebody."""

from __future__ import annotations

import itertools
import secrets
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from saas.kit import access, clock, scope, work
from saas.kit.db import db
from saas.tenancy import directory, founding, made_roles, members, rights, teams
from saas.tenancy.models import Member
from tests.companies import PASSWORD, Company, sign_in

_numbers = itertools.count(1)
SELLING = (
    "customers.read",
    "customers.edit",
    "customers.delete",
    "orders.read",
    "products.read",
    "segments.read",
    "reports.read",
)


@dataclass
class Person:
    """One of the company's people: their id, what to call them, and where they sign in."""

    id: UUID
    name: str
    email: str


def person(tenant_id: int, *, role: str = "sales", name: str = "") -> Person:
    """Hire somebody with a built-in role or, by its id, one of the company's own."""
    name = name or f"Person {next(_numbers)}"
    email = f"{secrets.token_hex(5)}@crew.example"
    with work.unit(tenant_id=None):
        login = founding.new_login(email=email, password=PASSWORD, verified=True)
        with work.acting_for(tenant_id):
            key, role_id = made_roles.chosen(role)
            member = Member(
                login_id=login.id,
                email=email,
                email_norm=email,
                name=name,
                role=key,
                role_id=role_id,
                joined_at=clock.now(),
            )
            db.session.add(member)
            db.session.flush()
            directory.enter(kind="member", key=str(login.id), subject_id=member.id)
            return Person(member.id, name, email)


def role(tenant_id: int, name: str = "", **values: Any) -> str:
    """Make a role of the company's own and return its id."""
    with work.unit(tenant_id=tenant_id):
        values = {"permissions": SELLING} | values
        return str(made_roles.create(name=name or f"Role {next(_numbers)}", **values).id)


def team(
    tenant_id: int,
    name: str,
    *,
    inside: UUID | None = None,
    people: tuple[Person, ...] = (),
    manager: Person | None = None,
) -> UUID:
    """Make a team with people in it."""
    with work.unit(tenant_id=tenant_id):
        made = teams.create(name=name, parent_id=inside).id
        for one in people:
            teams.put(team_id=made, member_id=one.id)
        if manager is not None:
            teams.put(team_id=made, member_id=manager.id, manages=True)
        return made


@contextmanager
def acting(tenant_id: int, who: Person):
    """Open a unit of work as somebody, the way the staff's door does."""
    with work.unit(tenant_id=tenant_id):
        held = members.acting(who.id).access
    with access.bound(held), work.unit(tenant_id=tenant_id, actor=scope.Actor("member", str(who.id), who.name)):
        yield held


def browser(app, company: Company, who: Person) -> Company:
    """Return the company as seen from somebody's browser: `page` and `post` are theirs."""
    return Company(app, company.tenant_id, who.email, company.api_key, company.site_key, sign_in(app, who.email))


__all__ = ["SELLING", "Person", "acting", "browser", "person", "rights", "role", "team"]
