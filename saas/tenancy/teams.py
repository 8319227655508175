"""Teams: a tree of the company's people. A manager sees the records of the team and of all below it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import delete as delete_rows
from sqlalchemy import func, select, update

from saas.kit import db as kit_db
from saas.kit import errors, text
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.tenancy import audit, members, rights
from saas.tenancy.models import Member
from saas.tenancy.team_models import Team, TeamMember

MOST, DEEPEST = 500, 10


class NoSuchTeam(errors.NotFound):
    """There is no such team in this company."""


class BadTeam(errors.Invalid):
    """The name of a team is missing, or its place in the tree cannot be."""


class TeamKnown(errors.Conflict):
    """Another team has this name."""

    code = "team_known"


def one(team_id: UUID | str, *, lock: bool = False) -> Team:
    """Return a team; raises NoSuchTeam."""
    return kit_db.one(Team, team_id, NoSuchTeam, lock=lock)


def tree() -> list[dict[str, Any]]:
    """Return all teams as plain values, each followed by those inside it, with its depth, manager and people."""
    teams = list(db.session.scalars(select(Team).order_by(Team.name_norm, Team.id)))
    people = _people()
    inside: dict[UUID | None, list[Team]] = {}
    for team in teams:
        inside.setdefault(team.parent_id, []).append(team)
    found: list[dict[str, Any]] = []

    def walk(parent: UUID | None, depth: int) -> None:
        for team in inside.get(parent, ()):
            mine = people.get(team.id, [])
            found.append({
                "id": team.id, "name": team.name, "parent_id": team.parent_id, "depth": depth, "members": mine,
                "manager": next((person for person in mine if person["manages"]), None),
            })  # fmt: skip
            walk(team.id, depth + 1)

    walk(None, 0)
    return found


def _people() -> dict[UUID, list[dict[str, Any]]]:
    query = (
        select(TeamMember.team_id, TeamMember.manages, Member.id, Member.name, Member.email)
        .join(Member, (Member.tenant_id == TeamMember.tenant_id) & (Member.id == TeamMember.member_id))
        .where(Member.removed_at.is_(None))
        .order_by(TeamMember.manages.desc(), Member.name, Member.id)
    )
    found: dict[UUID, list[dict[str, Any]]] = {}
    for team, manages, member, name, email in db.session.execute(query):
        found.setdefault(team, []).append({"id": member, "name": name or email, "email": email, "manages": manages})
    return found


def names(team_ids: Iterable[UUID]) -> dict[UUID, str]:
    """Return what teams are called, by id."""
    return dict(db.session.execute(select(Team.id, Team.name).where(Team.id.in_(list(team_ids)))).all())


def names_by_member() -> dict[UUID, list[dict[str, Any]]]:
    """Return the teams of each person, by name, and whether they lead them."""
    query = (
        select(TeamMember.member_id, Team.id, Team.name, TeamMember.manages)
        .join(Team, (Team.tenant_id == TeamMember.tenant_id) & (Team.id == TeamMember.team_id))
        .order_by(Team.name_norm, Team.id)
    )
    found: dict[UUID, list[dict[str, Any]]] = {}
    for member, team, name, manages in db.session.execute(query):
        found.setdefault(member, []).append({"id": team, "name": name, "manages": manages})
    return found


def create(*, name: str, parent_id: UUID | str | None = None) -> Team:
    """Make a team, at the top or inside another; raises BadTeam, TeamKnown, NoSuchTeam or MoreThanYouHold."""
    rights.require_all_rows()
    if (db.session.scalar(select(func.count()).select_from(Team)) or 0) >= MOST:
        raise BadTeam(_("A company can have %(most)s teams.", most=MOST))
    team = Team(**_named(name, None), parent_id=_parent(parent_id, None))
    db.session.add(team)
    db.session.flush()
    audit.record(action="teams.created", kind="team", record_id=team.id, after=_shown(team))
    return team


def change(team_id: UUID | str, *, name: str | None = None, parent_id: UUID | str | None | bool = False) -> Team:
    """Rename a team or move it in the tree (`parent_id` None: to the top; left out: it stays).

    Raises NoSuchTeam, BadTeam, TeamKnown or MoreThanYouHold.
    """
    rights.require_all_rows()
    # All of them, so that two moves at the same moment cannot close a circle.
    db.session.execute(select(Team.id).order_by(Team.id).with_for_update())
    team = one(team_id)
    before = _shown(team)
    if name is not None:
        for column, value in _named(name, team.id).items():
            setattr(team, column, value)
    if not isinstance(parent_id, bool):
        team.parent_id = _parent(parent_id, team.id)
    db.session.flush()
    if _shown(team) != before:
        audit.record(action="teams.edited", kind="team", record_id=team.id, before=before, after=_shown(team))
    return team


def dissolve(team_id: UUID | str) -> None:
    """Take a team apart: those inside it move up to where it was, its people keep their other teams and their records.

    Raises NoSuchTeam or MoreThanYouHold.
    """
    rights.require_all_rows()
    team = one(team_id, lock=True)
    db.session.execute(update(Team).where(Team.parent_id == team.id).values(parent_id=team.parent_id))
    audit.record(action="teams.dissolved", kind="team", record_id=team.id, before=_shown(team))
    db.session.delete(team)
    db.session.flush()


def put(*, team_id: UUID | str, member_id: UUID | str, manages: bool = False) -> None:
    """Put somebody into a team, or make them its manager in place of whoever was.

    Raises NoSuchTeam, NoSuchMember or MoreThanYouHold.
    """
    rights.require_all_rows()
    team, member = one(team_id, lock=True), members.one(member_id)
    if manages:
        db.session.execute(
            update(TeamMember).where(TeamMember.team_id == team.id, TeamMember.manages).values(manages=False)
        )
    held = _place(team.id, member.id)
    if held is None:
        db.session.add(TeamMember(team_id=team.id, member_id=member.id, manages=manages))
    else:
        held.manages = manages
    db.session.flush()
    audit.record(
        action="teams.person_added", kind="team", record_id=team.id,
        after={"member": member.email_norm, "manages": manages},
    )  # fmt: skip


def take_out(*, team_id: UUID | str, member_id: UUID | str) -> None:
    """Take somebody out of a team; raises NoSuchTeam, NoSuchMember or MoreThanYouHold."""
    rights.require_all_rows()
    team, member = one(team_id), members.one(member_id)
    gone = db.session.execute(
        delete_rows(TeamMember)
        .where(TeamMember.team_id == team.id, TeamMember.member_id == member.id)
        .returning(TeamMember.id)
    ).first()
    if gone is None:
        raise members.NoSuchMember
    audit.record(action="teams.person_removed", kind="team", record_id=team.id, before={"member": member.email_norm})


def _place(team_id: UUID, member_id: UUID) -> TeamMember | None:
    query = select(TeamMember).where(TeamMember.team_id == team_id, TeamMember.member_id == member_id)
    return db.session.scalars(query.execution_options(populate_existing=True)).one_or_none()


def _named(name: str, own_id: UUID | None) -> dict[str, str]:
    clean = text.clean(name, most=80)
    if not clean:
        raise BadTeam(fields={"name": [_("Give the team a name.")]})
    held = db.session.scalar(select(Team.id).where(Team.name_norm == text.fold(clean)))
    if held is not None and held != own_id:
        sentence = _("Another team has this name.")
        raise TeamKnown(sentence, fields={"name": [sentence]})
    return {"name": clean, "name_norm": text.fold(clean)}


def _parent(parent_id: UUID | str | None, own_id: UUID | None) -> UUID | None:
    """Return the team to be inside of, when that closes no circle and is not too deep."""
    if not parent_id:
        return None
    parents = dict(db.session.execute(select(Team.id, Team.parent_id)).all())
    wanted = one(parent_id).id
    way = [wanted]
    while parents.get(way[-1]) is not None and len(way) <= DEEPEST:
        way.append(parents[way[-1]])
    if own_id in way:
        raise BadTeam(fields={"parent_id": [_("A team cannot be inside itself.")]})
    if len(way) + _height(parents, own_id) > DEEPEST:
        raise BadTeam(fields={"parent_id": [_("Teams can be nested %(most)s deep.", most=DEEPEST)]})
    return wanted


def _height(parents: dict[UUID, UUID | None], own_id: UUID | None) -> int:
    """Return how many levels a team brings along, itself among them."""
    level, height = {own_id}, 1
    while own_id is not None and (level := {team for team, parent in parents.items() if parent in level}):
        height += 1
    return height


def _shown(team: Team) -> dict[str, Any]:
    return {"name": team.name, "parent_id": str(team.parent_id) if team.parent_id else None}
