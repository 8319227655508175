"""What a member or a program may do and see, worked out from its role and its teams.

"Only their own" is the member's own records and, for who leads a team, those of that team and all below it. "The team's"
adds the teams one belongs to, with all below them.
"""

from __future__ import annotations

from uuid import UUID

from sqlalchemy import select

from saas.kit import access, errors
from saas.kit.access import Access
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.tenancy import roles
from saas.tenancy.models import ApiKey, Member
from saas.tenancy.team_models import Role, Team, TeamMember

KINDS = ("customer",)
"""The kinds of records that have an owner; what hangs on one of these is seen with it."""


NOTHING = Access(permissions=frozenset(), rows=dict.fromkeys(KINDS, access.OWN))


class MoreThanYouHold(errors.Forbidden):
    """Nobody gives, takes or changes rights beyond their own."""

    code = "more_than_you_hold"


def of_role(role: str, made: Role | None = None) -> Access:
    """Return what a role allows, before it is known who holds it; `made` is the company's own behind "custom"."""
    if made is None:
        return Access(permissions=frozenset(roles.PERMISSIONS.get(role, ())))
    return Access(
        permissions=frozenset(made.permissions) - roles.OWNERS,
        rows={kind: level for kind, level in made.rows.items() if level != access.ALL},
        hidden=frozenset(made.hidden), locked=frozenset(made.locked),
    )  # fmt: skip


def of_member(member: Member, made: Role | None = None) -> Access:
    """Return what a member may do and whose records they see."""
    held = of_role(member.role, made)
    owners, teams = _circle(member.id, held) if held.limited else ((), ())
    return Access(held.permissions, held.rows, member.id, owners, teams, held.hidden, held.locked)


def of_actor(kind: str, actor_id: str) -> Access:
    """Return what somebody may do who began something that goes on without them; nothing when they are gone."""
    if kind == "support":
        return NOTHING  # what staff begin goes on only while they are there
    model = {"member": Member, "key": ApiKey}.get(kind)
    if model is None:
        return access.FULL
    query = (
        select(model, Role)
        .outerjoin(Role, (Role.tenant_id == model.tenant_id) & (Role.id == model.role_id))
        .where(model.id == UUID(actor_id), (Member.removed_at if model is Member else ApiKey.revoked_at).is_(None))
    )
    row = db.session.execute(query).one_or_none()
    if row is None:
        return NOTHING
    held, made = row
    return of_member(held, made) if kind == "member" else of_key(held, made)


def of_key(key: ApiKey, made: Role | None = None) -> Access:
    """Return what a program's key may do. It is nobody's own, so it sees all rows; only who sees them all makes one."""
    held = of_role(key.role, made)
    allowed = held.permissions if key.scopes is None else roles.written_out(held.permissions) & frozenset(key.scopes)
    return Access(allowed, {}, None, (), (), held.hidden, held.locked)


def covers(mine: Access, theirs: Access) -> bool:
    """Tell whether one's rights include another's: every permission, as many rows, as many fields."""
    permissions = "*" in mine.permissions or theirs.permissions <= mine.permissions
    levels = access.LEVELS
    rows = all(
        levels.index(theirs.rows.get(kind, access.ALL)) >= levels.index(mine.rows.get(kind, access.ALL))
        for kind in KINDS
    )
    return permissions and rows and mine.hidden <= theirs.hidden and mine.locked <= theirs.locked | theirs.hidden


def require_covering(*theirs: Access) -> None:
    """Raise MoreThanYouHold unless the acting person holds all of this themselves."""
    if not all(covers(access.current(), one) for one in theirs):
        raise MoreThanYouHold(_("That is more than your own role allows. Ask an owner or administrator."))


def require_all_rows() -> None:
    """Raise MoreThanYouHold for who sees only some records: what they would change decides whose they see."""
    if access.current().limited:
        raise MoreThanYouHold(_("Only somebody who sees all customers can do that."))


def _circle(member_id: UUID, held: Access) -> tuple[tuple[UUID, ...], tuple[UUID, ...]]:
    """Return whose records a limited member sees, and the teams that something may be shared with for them to see it."""
    query = select(Team.id, Team.parent_id, TeamMember.member_id, TeamMember.manages).outerjoin(
        TeamMember, (TeamMember.tenant_id == Team.tenant_id) & (TeamMember.team_id == Team.id)
    )
    rows = db.session.execute(query).all()
    parents = {team: parent for team, parent, _who, _manages in rows}
    mine = {team for team, _parent, who, _manages in rows if who == member_id}
    led = {team for team, _parent, who, manages in rows if who == member_id and manages}
    seen = _below(parents, mine if access.TEAM in held.rows.values() else led)
    owners = {member_id, *(who for team, _parent, who, _manages in rows if team in seen and who is not None)}
    return tuple(sorted(owners)), tuple(sorted(_above(parents, mine) | _below(parents, led)))


def _below(parents: dict[UUID, UUID | None], teams: set[UUID]) -> set[UUID]:
    """Return the teams and all below them."""
    return {team for team in parents if teams & set(_way_up(parents, team))}


def _above(parents: dict[UUID, UUID | None], teams: set[UUID]) -> set[UUID]:
    """Return the teams and all above them."""
    return {above for team in teams for above in _way_up(parents, team)}


def _way_up(parents: dict[UUID, UUID | None], team: UUID) -> list[UUID]:
    way: list[UUID] = []
    here: UUID | None = team
    while here is not None and here not in way:
        way.append(here)
        here = parents.get(here)
    return way
