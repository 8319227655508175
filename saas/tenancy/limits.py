"""What the plan allows, and how much is used. Billing writes the entitlements; every room asks here.

Shop data always enters; limits stop what people start: creating by hand, connecting shops, inviting, sending.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime

from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from saas.kit import clock, errors, identifiers, scope
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.tenancy.models import Entitlement, Tenant, UsageCount

NAMES = ("contacts", "mails_month", "events_month", "shops", "members")


class OverLimit(errors.LimitReached):
    """The plan allows no more; the sentence says how many it allows."""


class ReadOnly(errors.LimitReached):
    """The company's plan is not paid; its data can be read and exported but not changed."""


def set_all(*, limits: Mapping[str, int | None], source: str = "plan") -> None:
    """Write what the plan allows; None means without limit."""
    rows = [
        {"tenant_id": scope.tenant_id(), "id": identifiers.new(), "name": name, "most": most, "source": source}
        for name, most in limits.items()
    ]
    if not rows:
        return
    statement = insert(Entitlement).values(rows)
    given = statement.excluded
    db.session.execute(
        statement.on_conflict_do_update(
            index_elements=["tenant_id", "name"],
            set_={"most": given.most, "source": given.source, "updated_at": func.now()},
        )
    )


def most(name: str) -> int | None:
    """Return how many the plan allows; None without limit."""
    row = db.session.execute(select(Entitlement.most).where(Entitlement.name == name)).one_or_none()
    return row[0] if row else None


def require(name: str, *, used: int | Callable[[], int], wanted: int = 1) -> None:
    """Raise OverLimit unless `wanted` more than `used` are within the plan; what takes long to count is not counted without a limit."""
    allowed = most(name)
    if allowed is None:
        return
    held = used() if callable(used) else used
    if held + wanted > allowed:
        raise OverLimit(_sentence(name, allowed=allowed, used=held, wanted=wanted))


def _sentence(name: str, *, allowed: int, used: int, wanted: int) -> str | None:
    if name == "contacts":
        sentence = _("Your plan holds %(most)s customers and you have %(used)s. Choose a larger plan to add more.")
    elif name == "mails_month":
        sentence = _("Your plan sends %(most)s mails a month; %(used)s are used and this needs %(wanted)s.")
    elif name == "shops":
        sentence = _("Your plan connects %(most)s shops. Choose a larger plan to connect more.")
    elif name == "members":
        sentence = _("Your plan has room for %(most)s people. Choose a larger plan to invite more.")
    else:
        return None
    return sentence % {"most": allowed, "used": used, "wanted": wanted}


def require_writable() -> None:
    """Raise ReadOnly when the company may only read and export."""
    state = db.session.scalar(select(Tenant.state).where(Tenant.id == scope.tenant_id()))
    if state != "active":
        sentence = _("This company is read-only until its plan is paid. Everything can still be read and exported.")
        raise ReadOnly(sentence)


def set_state(state: str) -> None:
    """Make the bound tenant active, read_only or closed."""
    db.session.execute(update(Tenant).where(Tenant.id == scope.tenant_id()).values(state=state, updated_at=func.now()))


def period(moment: datetime | None = None) -> str:
    return (moment or clock.now()).strftime("%Y-%m")


def used(name: str) -> int:
    """Return this month's count of a metered thing."""
    query = select(UsageCount.used).where(UsageCount.name == name, UsageCount.period == period())
    return db.session.scalar(query) or 0


def count(name: str, *, by: int = 1, month: str | None = None) -> int:
    """Add to a month's count of a metered thing (this one's unless said) and return the new count."""
    statement = (
        insert(UsageCount)
        .values(tenant_id=scope.tenant_id(), id=identifiers.new(), name=name, period=month or period(), used=by)
        .on_conflict_do_update(index_elements=["tenant_id", "name", "period"], set_={"used": UsageCount.used + by})
        .returning(UsageCount.used)
    )
    return db.session.execute(statement).scalar_one()


def note_level(name: str, used: int) -> None:
    """Note how much there is now of something that is not counted up, so that past months can be shown: the last word counts."""
    statement = insert(UsageCount).values(
        tenant_id=scope.tenant_id(), id=identifiers.new(), name=name, period=period(), used=used
    )
    db.session.execute(
        statement.on_conflict_do_update(index_elements=["tenant_id", "name", "period"], set_={"used": used})
    )


def history(*, since: str) -> dict[tuple[str, str], int]:
    """Return what was counted of each thing in each month from `since` (YYYY-MM) on."""
    query = select(UsageCount.name, UsageCount.period, UsageCount.used).where(UsageCount.period >= since)
    return {(name, month): number for name, month, number in db.session.execute(query)}


def all_limits() -> dict[str, int | None]:
    """Return every entitlement by name."""
    return dict(db.session.execute(select(Entitlement.name, Entitlement.most)).all())
