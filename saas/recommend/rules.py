"""What people decide against the arithmetic: this product first, never that one, more of this category.

`offers` obeys what `compiled` makes of the rules; it is kept and travels like a model, so a change is obeyed everywhere
within two seconds and asks PostgreSQL nothing while shoppers wait.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Select, func, select

from saas.catalog import products
from saas.kit import clock, errors, text
from saas.kit import db as kit_db
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.recommend import shelf
from saas.recommend.models import RULE_KINDS, SLOTS, OfferRule
from saas.recommend.stock import number_of
from saas.tenancy import audit, bin

MOST_RULES = 500
FIELDS = ("kind", "slot", "product_id", "category", "position", "percent", "active", "starts_at", "ends_at", "note")


class NoSuchRule(errors.NotFound):
    """There is no such rule."""


class BadRule(errors.Invalid):
    """A field of the rule is out of range."""


def one(rule_id: UUID | str, *, lock: bool = False) -> OfferRule:
    """Return a rule; raises NoSuchRule."""
    return kit_db.one(OfferRule, rule_id, NoSuchRule, lock=lock)


def query(*, kind: str | None = None, slot: str | None = None, active: bool | None = None) -> Select:
    """Return a select of all rules, or of one kind, for one place, switched on or off."""
    wanted = {"kind": kind, "slot": slot, "active": active}
    return select(OfferRule).filter_by(**{name: value for name, value in wanted.items() if value is not None})


def some(rule_ids: Sequence[UUID | str]) -> list[OfferRule]:
    """Return those of these rules that there are (still)."""
    return list(db.session.scalars(select(OfferRule).where(OfferRule.id.in_([UUID(str(one)) for one in rule_ids]))))


ORDER = ((OfferRule.id, "desc"),)


def create(**fields: Any) -> OfferRule:
    """Make a rule (kind pin, hide or boost; slot "" means everywhere); raises BadRule or NoSuchProduct."""
    if (db.session.scalar(select(func.count()).select_from(OfferRule)) or 0) >= MOST_RULES:
        raise BadRule(_("There are %(most)s rules already; delete some first.", most=MOST_RULES))
    rule = OfferRule(kind="", slot="", category="", position=1, percent=200, active=True, note="")
    _write(rule, fields)
    db.session.add(rule)
    db.session.flush()
    audit.record(action="offer_rules.created", kind="offer_rule", record_id=rule.id, after=plain(rule))
    compiled()
    return rule


def change(rule_id: UUID | str, **fields: Any) -> OfferRule:
    """Change the given fields of a rule; raises NoSuchRule, BadRule or NoSuchProduct."""
    rule = one(rule_id, lock=True)
    held = plain(rule)
    _write(rule, fields)
    rule.updated_at = clock.now()
    db.session.flush()
    before, after = audit.differing(held, plain(rule))
    if after:
        audit.record(action="offer_rules.edited", kind="offer_rule", record_id=rule.id, before=before, after=after)
    compiled()
    return rule


def delete(rule_id: UUID | str) -> dict[str, Any]:
    """Put a rule into the bin and return what it said, so that it can be made again; raises NoSuchRule."""
    rule = one(rule_id, lock=True)
    held = plain(rule)
    audit.record(action="offer_rules.deleted", kind="offer_rule", record_id=rule.id, before=held)
    bin.put("offer_rule", {rule.id: title(held)})
    return held


def title(held: dict[str, Any]) -> str:
    """Return what a rule is called where nobody sees the product: in the bin and in the history."""
    what = {"pin": _("Pin a product"), "hide": _("Hide a product")}.get(held["kind"])
    return what or _("Favour %(category)s", category=held["category"])


def plain(rule: OfferRule) -> dict[str, Any]:
    """Return a rule as values that JSON can carry."""
    found = {name: getattr(rule, name) for name in FIELDS}
    return {
        name: value if isinstance(value, (int, str, bool, type(None))) else str(value) for name, value in found.items()
    }


def _write(rule: OfferRule, fields: dict[str, Any]) -> None:
    """Take over the given fields if they make sense together with the others; a refused rule stays as it was."""
    values = {name: fields[name] if name in fields else getattr(rule, name) for name in FIELDS}
    values["category"], values["note"] = text.clean(values["category"], most=120), text.clean(values["note"], most=500)
    values["slot"] = values["slot"] or ""
    if values["kind"] == "boost":
        values["product_id"] = None
    else:
        values["category"] = ""
    wrong = _wrong(values)
    if wrong:
        raise BadRule(fields=wrong)
    if values["product_id"] is not None:
        values["product_id"] = products.one(values["product_id"]).id
    for name, value in values.items():
        setattr(rule, name, value)


def _wrong(values: dict[str, Any]) -> dict[str, list[str]]:
    wrong: dict[str, list[str]] = {}
    if values["kind"] not in RULE_KINDS:
        wrong["kind"] = [_("Choose pin, hide or boost.")]
    elif values["kind"] == "boost" and not values["category"]:
        wrong["category"] = [_("Give the category to favour.")]
    elif values["kind"] != "boost" and values["product_id"] is None:
        wrong["product_id"] = [_("Choose a product.")]
    if values["slot"] and values["slot"] not in SLOTS:
        wrong["slot"] = [_("Choose one of the places, or all of them.")]
    if not 1 <= (values["position"] or 0) <= 20:
        wrong["position"] = [_("The place is a number from 1 to 20.")]
    if not 1 <= (values["percent"] or 0) <= 1000:
        wrong["percent"] = [_("The strength is a number from 1 to 1000 percent.")]
    if values["starts_at"] and values["ends_at"] and values["ends_at"] <= values["starts_at"]:
        wrong["ends_at"] = [_("The end must be after the beginning.")]
    return wrong


def compiled() -> None:
    """Put the bound tenant's active rules on the shelf, for `offers` to obey."""
    active = [
        _compact(rule)
        for rule in db.session.scalars(query().where(OfferRule.active).order_by(OfferRule.position, OfferRule.id))
    ]
    shelf.store("rules", orjson.dumps(active), notes={"rules": len(active)})


def _compact(rule: OfferRule) -> dict[str, Any]:
    return {
        "id": str(rule.id), "kind": rule.kind, "slot": rule.slot, "product": number_of(rule.product_id) if rule.product_id else None,
        "category": rule.category, "position": rule.position, "percent": rule.percent, "from": _seconds(rule.starts_at),
        "until": _seconds(rule.ends_at),
    }  # fmt: skip


def _seconds(moment: datetime | None) -> float | None:
    return None if moment is None else moment.timestamp()


class Orders:
    """The rules that hold for one place at one moment."""

    def __init__(self, rules: Sequence[dict[str, Any]] | None, *, slot: str, now: float) -> None:
        self.pinned: list[tuple[int, int]] = []
        self.hidden: set[int] = set()
        self.boosted: dict[str, float] = {}
        self._ids: dict[int | str, str] = {}
        for rule in rules or ():
            if rule["slot"] not in ("", slot) or (rule["from"] or 0) > now or (rule["until"] or now + 1) <= now:
                continue
            self._ids.setdefault(rule["category"] if rule["kind"] == "boost" else rule["product"], rule.get("id", ""))
            if rule["kind"] == "pin":
                self.pinned.append((rule["position"], rule["product"]))
            elif rule["kind"] == "hide":
                self.hidden.add(rule["product"])
            else:
                self.boosted[rule["category"]] = self.boosted.get(rule["category"], 1.0) * rule["percent"] / 100

    def behind(self, what: int | str) -> str:
        """Return the id of the rule about a product's number or a category, empty where there is none."""
        return self._ids.get(what, "")

    def favouring(self, categories: Sequence[str]) -> str:
        """Return the id of the rule that moves a product of these categories most, empty where none does."""
        found = [category for category in categories if category in self.boosted]
        most = max(found, key=lambda category: abs(self.boosted[category] - 1.0), default=None)
        return self._ids.get(most, "") if most is not None else ""

    def weight(self, categories: Sequence[str]) -> float:
        """Return by how much a product of these categories is favoured; 1 is not at all."""
        weight = 1.0
        for category in categories:
            weight *= self.boosted.get(category, 1.0)
        return weight
