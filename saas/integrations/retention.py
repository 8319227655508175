"""How long a company keeps what it no longer needs: rules of its own, all off until somebody switches one on.

A rule looks at one kind of data, takes what is older than its time each night, and is never undone. What a rule may take is
written once, as parts (`retention_parts`); the preview counts with the same conditions the work removes by.
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Text, cast, func, literal, select, union_all

from saas.integrations import retention_parts as parts
from saas.integrations.models import RetentionRule
from saas.kit import access, clock, errors, scope
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.tenancy import audit, operations, tenants
from saas.tenancy.models import Operation

KIND = "retention.run"
DAYS, MONTHS = "days", "months"
LAST = 5


class NoSuchRule(errors.NotFound):
    """There is no such rule."""


class BadRule(errors.Invalid):
    """The time to keep, or the name that confirms it, is wrong."""


@dataclass(frozen=True)
class Rule:
    """A rule as everybody reads it; `number` None is off. `choices` are the times that can be chosen, in `unit`."""

    key: str
    unit: str
    choices: tuple[int, ...]
    number: int | None = None
    made_by: str = ""
    changed_at: datetime | None = None

    @property
    def before(self) -> datetime | None:
        """From when on everything is kept."""
        return None if self.number is None else boundary(self.number, self.unit)


KNOWN = {
    rule.key: rule
    for rule in (
        Rule("browsing", MONTHS, (1, 2, 3, 6, 9, 12)),
        Rule("strangers", MONTHS, (6, 12, 18, 24, 36, 60, 120)),
        Rule("timeline", MONTHS, (6, 12, 18, 24, 36, 60, 120)),
        Rule("recipients", MONTHS, (3, 6, 12, 18, 24, 36, 60)),
        Rule("deliveries", DAYS, (1, 3, 7, 14, 21)),
    )
}


def boundary(number: int, unit: str) -> datetime:
    """Return the moment so many days or calendar months ago."""
    now = clock.now()
    if unit == DAYS:
        return now - timedelta(days=number)
    passed = now.year * 12 + now.month - 1 - number
    year, month = passed // 12, passed % 12 + 1
    return now.replace(year=year, month=month, day=min(now.day, monthrange(year, month)[1]))


def listed() -> list[Rule]:
    """Return every rule, switched on or not."""
    held = {row.rule: row for row in db.session.scalars(select(RetentionRule))}
    return [_shown(rule, held.get(rule.key)) for rule in KNOWN.values()]


def one(key: str) -> Rule:
    """Return a rule; raises NoSuchRule."""
    found = next((rule for rule in listed() if rule.key == key), None)
    if found is None:
        raise NoSuchRule
    return found


def _shown(rule: Rule, row: RetentionRule | None) -> Rule:
    if row is None:
        return rule
    return Rule(rule.key, rule.unit, rule.choices, row.number, row.made_by, row.updated_at)


def preview(key: str, number: int | None = None) -> dict[str, Any]:
    """Return how much of what would go now, and the oldest of it; changes nothing. Raises NoSuchRule or BadRule.

    Without a number it is the time the rule has; a rule that is off has none.
    """
    rule = one(key)
    before = boundary(_time(rule, number or rule.number), rule.unit)
    asked = [
        select(
            literal(part.name, Text).label("name"), func.count().label("count"), cast(func.min(part.moment), Text).label("oldest")
        ).select_from(part.model).where(part.old(before))
        for part in parts.PARTS[rule.key]
    ]  # fmt: skip
    rows = db.session.execute(union_all(*asked)).all()
    oldest = [datetime.fromisoformat(row.oldest) for row in rows if row.oldest]
    return {
        "before": before, "counts": {row.name: row.count for row in rows}, "total": sum(row.count for row in rows),
        "oldest": min(oldest, default=None),
    }  # fmt: skip


def switch_on(key: str, *, number: int, name: str) -> Rule:
    """Have a rule take what is older, from tonight on. `name` is the company's, typed: what goes never comes back.

    Raises NoSuchRule or BadRule.
    """
    access.require("customers.delete")
    rule = one(key)
    problems = {}
    if number not in rule.choices:
        problems["number"] = [_("Choose how long to keep it.")]
    if name.strip().casefold() != tenants.current().name.strip().casefold():
        problems["name"] = [_("Type the company's name as it stands here.")]
    if problems:
        raise BadRule(fields=problems)
    row = db.session.scalars(select(RetentionRule).where(RetentionRule.rule == key).with_for_update()).one_or_none()
    if row is None:
        row = RetentionRule(rule=key, number=number)
        db.session.add(row)
    row.number, row.unit, row.made_by = number, rule.unit, scope.actor().name
    db.session.flush()
    told = {"number": number, "unit": rule.unit}
    before = None if rule.number is None else told | {"number": rule.number}
    audit.record(action="retention.switched_on", kind="retention", record_id=key, before=before, after=told)
    return one(key)


def switch_off(key: str) -> Rule:
    """Keep everything of a kind again; what is under way stops after the step it is in. Raises NoSuchRule."""
    rule = one(key)
    row = db.session.scalars(select(RetentionRule).where(RetentionRule.rule == key).with_for_update()).one_or_none()
    if row is not None:
        db.session.delete(row)
        db.session.flush()
        told = {"number": rule.number, "unit": rule.unit}
        audit.record(action="retention.switched_off", kind="retention", record_id=key, before=told)
    for operation in operations.going(KIND):
        if operation.params["rule"] == key:
            operations.cancel(operation.id)
    return one(key)


def _time(rule: Rule, number: int | None) -> int:
    if number is None or number not in rule.choices:
        raise BadRule(fields={"number": [_("Choose how long to keep it.")]})
    return number


def start_due() -> list[Operation]:
    """Begin the bound company's work of tonight: one operation for each rule that has something to take."""
    under_way = {operation.params["rule"] for operation in operations.going(KIND)}
    return [
        operations.start(
            kind=KIND, params={"rule": rule.key, "before": rule.before.isoformat()}, title=str(parts.TITLES[rule.key])
        )
        for rule in listed()
        if rule.before is not None and rule.key not in under_way and anything(rule.key, rule.before)
    ]  # fmt: skip


def anything(key: str, before: datetime) -> bool:
    """Tell whether a rule has anything to take."""
    return any(
        db.session.scalar(select(part.model.id).select_from(part.model).where(part.old(before)).limit(1)) is not None
        for part in parts.PARTS[key]
    )


def runs() -> list[Operation]:
    """Return the last runs of all rules, newest first."""
    query = select(Operation).where(Operation.kind == KIND).order_by(Operation.id.desc()).limit(LAST * len(KNOWN))
    return list(db.session.scalars(query))


def companies() -> list[int]:
    """Return the companies with a rule; for the night, in a unit of work over all of them."""
    return list(db.session.scalars(select(RetentionRule.tenant_id).distinct()))
