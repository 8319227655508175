"""Groups of customers told by conditions: made, changed, counted, and asked who belongs."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, select

from saas.audiences import conditions
from saas.audiences.models import Segment
from saas.customers.models import Customer, Facts
from saas.kit import access, clock, errors, pages, search, text
from saas.kit import db as kit_db
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.tenancy import audit, bin, custom_fields

EVERYBODY: dict[str, Any] = {"match": "all", "conditions": []}


class NoSuchSegment(errors.NotFound):
    """There is no such segment."""


class NameTaken(errors.Conflict):
    """Another segment has this name."""


class CannotAsk(errors.Forbidden):
    """A colleague's segment uses a field that the acting member must not see, so even its size would tell of it."""

    code = "cannot_ask"
    message = "This segment asks for something that your role does not show you."


class BadSegment(errors.Invalid):
    """A field of the segment is out of range."""


def one(segment_id: UUID | str, *, lock: bool = False) -> Segment:
    """Return a segment; raises NoSuchSegment."""
    return kit_db.one(Segment, segment_id, NoSuchSegment, lock=lock)


def _name(value: str, own_id: UUID | None) -> str:
    name = text.clean(value, most=120)
    if not name:
        raise BadSegment(fields={"name": [_("Give the segment a name.")]})
    held = db.session.scalar(select(Segment.id).where(Segment.name == name))
    if held is not None and held != own_id:
        raise NameTaken(fields={"name": [_("Another segment has this name.")]})
    return name


def create(*, name: str, definition: dict[str, Any]) -> Segment:
    """Make a segment; raises BadSegment, NameTaken or BadDefinition."""
    segment = Segment(name=_name(name, None), definition=conditions.check(definition))
    db.session.add(segment)
    db.session.flush()
    count_again(segment)
    search.touch("segment", segment.id)
    audit.record(action="segments.created", kind="segment", record_id=segment.id, after={"name": segment.name})
    return segment


def change(segment_id: UUID | str, *, name: str | None = None, definition: dict[str, Any] | None = None) -> Segment:
    """Change a segment's name or conditions; raises NoSuchSegment, BadSegment, NameTaken or BadDefinition."""
    segment = one(segment_id, lock=True)
    held = {"name": segment.name, "definition": segment.definition}
    if name is not None:
        segment.name = _name(name, segment.id)
    if definition is not None:
        segment.definition = conditions.check(definition)
    db.session.flush()
    if definition is not None:
        count_again(segment)
    search.touch("segment", segment.id)
    before, after = audit.differing(held, {"name": segment.name, "definition": segment.definition})
    if after:
        audit.record(action="segments.edited", kind="segment", record_id=segment.id, before=before, after=after)
    return segment


def delete(segment_id: UUID | str) -> None:
    """Put a segment into the bin; raises NoSuchSegment."""
    segment = one(segment_id, lock=True)
    audit.record(
        action="segments.deleted",
        kind="segment",
        record_id=segment.id,
        before={"name": segment.name, "definition": segment.definition},
    )
    bin.put("segment", {segment.id: segment.name})


def query(definition: dict[str, Any]) -> Select:
    """Return a select of the ids of those who belong; raises BadDefinition."""
    conditions.check(definition)
    found = select(Customer.id)
    if conditions.needs_facts(definition):
        found = found.join(Facts, (Facts.tenant_id == Customer.tenant_id) & (Facts.id == Customer.id))
    return found.where(conditions.whole(definition))


def count(definition: dict[str, Any]) -> int:
    """Return how many belong; raises BadDefinition."""
    return db.session.scalar(select(func.count()).select_from(query(definition).subquery())) or 0


def count_again(segment: Segment) -> int:
    """Count a segment's customers and keep the number with it: that of the whole company, whoever asks."""
    with access.lifted(
        reason="the number kept with a segment is the whole company's, and who sees less is not shown it"
    ):
        segment.size, segment.counted_at = count(segment.definition), clock.now()
        db.session.flush()
    return segment.size


def sizes(segments: Iterable[Segment]) -> dict[UUID, int | None]:
    """Return how many customers of each segment the acting member sees: None where the segment asks what they must not know.

    Who sees all customers gets the number that is kept; for others it is counted now.
    """
    return {segment.id: _size(segment) for segment in segments}


def asked(segment: Segment) -> dict[str, Any]:
    """Return a segment's definition; raises CannotAsk where it asks for a field that the acting member must not see."""
    try:
        return conditions.check(segment.definition)
    except conditions.BadDefinition:
        raise CannotAsk(_(CannotAsk.message)) from None


def _size(segment: Segment) -> int | None:
    try:
        asked(segment)
    except CannotAsk:
        return None
    return segment.size if access.limiting() is None else count(segment.definition)


def members(definition: dict[str, Any], *, cursor: str | None = None, limit: int = pages.LIMIT) -> pages.Page:
    """Return a page of the customers that belong, newest first."""
    found = select(Customer).where(Customer.id.in_(query(definition)))
    return pages.page(found, order=((Customer.created_at, "desc"), (Customer.id, "desc")), cursor=cursor, limit=limit)


def belongs(definition: dict[str, Any], customer_id: UUID) -> bool:
    """Tell whether one customer belongs right now."""
    return db.session.scalar(query(definition).where(Customer.id == customer_id)) is not None


def listed(*, name: str = "") -> Select:
    """Return a select of segments, or of those whose name holds this."""
    return select(Segment).where(Segment.name.icontains(name, autoescape=True)) if name else select(Segment)


BY_NAME = ((Segment.name, "asc"), (Segment.id, "asc"))


def asking(kind: str, field: str) -> list[str]:
    """Return the names of the segments that ask one of the company's own fields."""
    if kind != "customer":
        return []
    found = db.session.execute(select(Segment.name, Segment.definition).order_by(Segment.name)).all()
    return [name for name, definition in found if _asks(definition, field)]


def _asks(node: dict[str, Any], field: str) -> bool:
    return any(_asks(one, field) if "conditions" in one else one["field"] == field for one in node["conditions"])


custom_fields.register_user(asking)
