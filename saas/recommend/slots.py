"""What people decide for the places of a shop: those that are built in, and those the shop makes for its own pages.

`of` is what offers ask: from memory, without a query when warm. The settings are kept in `offer_slots` and travel on the shelf like
a model, so a change is obeyed everywhere within two seconds.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from saas.catalog import products
from saas.kit import clock, errors, identifiers, money, scope, text
from saas.kit import db as kit_db
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.recommend import places, shelf
from saas.recommend.places import BUILT_IN, ENGINES, SLOTS, Slot
from saas.recommend.slot_models import OfferSlot
from saas.recommend.stock import number_of
from saas.tenancy import audit, bin, tenants

MOST_SLOTS = 50
MOST_OF = {
    "pinned": 20,
    "buried": 200,
    "picked": 100,
    "excluded_tags": 100,
    "excluded_categories": 100,
    "fallback": 5,
}
"""How long the lists of one place may be."""
RANGES = {
    "count": (1, 20), "least_stock": (1, 1_000_000), "least_margin": (-1000, 100), "category_cap": (1, 20), "not_bought_days": (0, 3650),
    "diversity": (0, 100), "step_least": (0, 1000), "step_most": (0, 1000),
}  # fmt: skip
OPTIONAL = ("count", "least_margin", "category_cap", "not_bought_days", "price_least", "price_most")
PRODUCTS = ("pinned", "buried", "picked")
NOBODY = UUID(int=0)  # what is no id is the id of nothing
KEY = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])?")
FIELDS = tuple(name for name in places.NAMES if name not in ("key", "place"))
"""What may be changed of a place; its key is written in the shop's pages and stays, and so does where it stands."""


class NoSuchSlot(errors.NotFound):
    """There is no such place."""


class BadSlot(errors.Invalid):
    """A setting is out of range."""


def of(tenant_id: int, key: str) -> Slot:
    """Return what a company wants for a place, built in or made by itself; raises NoSuchSlot. Asks no database when warm."""
    kept = shelf.get(tenant_id, "slots")
    found = kept.get(key) if kept else None
    found = found or BUILT_IN.get(key)
    if found is None:
        raise NoSuchSlot
    return found


def listed() -> list[OfferSlot]:
    """Return the bound company's places: the built-in ones, changed or as they came, then its own, the oldest first."""
    held = {row.key: row for row in db.session.scalars(select(OfferSlot).order_by(OfferSlot.id))}
    built_in = [held.pop(key, None) or _as_it_came(key) for key in SLOTS]
    return [*built_in, *held.values()]


def one(key: str, *, lock: bool = False) -> OfferSlot:
    """Return a place; a built-in one that nobody changed has no id. Raises NoSuchSlot."""
    if not KEY.fullmatch(key):
        raise NoSuchSlot
    query = select(OfferSlot).where(OfferSlot.key == key)
    row = db.session.scalars(query.with_for_update() if lock else query).one_or_none()
    if row is None and key in BUILT_IN:
        return _as_it_came(key)
    if row is None:
        raise NoSuchSlot
    return row


def by_id(slot_id: UUID | str, *, lock: bool = False) -> OfferSlot:
    """Return a place by its id, as the history and the bin name it; raises NoSuchSlot."""
    return kit_db.one(OfferSlot, slot_id, NoSuchSlot, lock=lock)


def _as_it_came(key: str) -> OfferSlot:
    return _filled(BUILT_IN[key])


def _filled(slot: Slot) -> OfferSlot:
    values = {name: getattr(slot, name) for name in places.NAMES}
    return OfferSlot(**{name: list(value) if isinstance(value, tuple) else value for name, value in values.items()})


def create(*, place: str, key: str = "", **fields: Any) -> OfferSlot:
    """Make a place of the company's own, standing in one of the built-in ones; without a key it is made of the name. Raises BadSlot."""
    _alone()
    held = set(db.session.scalars(select(OfferSlot.key)))
    if len(held - set(SLOTS)) >= MOST_SLOTS:
        raise BadSlot(_("There are %(most)s places already; delete some first.", most=MOST_SLOTS))
    name = text.clean(fields.get("name"), most=120)
    key = key or _free_key(name, held)
    wrong = _wrong_key(key, held) | ({} if place in SLOTS else {"place": [_("Choose where it stands.")]})
    if not name:
        wrong["name"] = [_("Give it a name.")]
    if wrong:
        raise BadSlot(fields=wrong)
    row = _filled(Slot(key, place))
    _write(row, fields)
    return _added(row)


def _added(row: OfferSlot) -> OfferSlot:
    row.id = identifiers.new()
    db.session.add(row)
    db.session.flush()
    audit.record(action="offer_slots.created", kind="offer_slot", record_id=row.id, after=plain(row))
    compiled()
    return row


def _free_key(name: str, held: set[str]) -> str:
    base = text.slug(name, most=34) or "place"
    taken = held | set(SLOTS)
    return next(key for key in (base, *(f"{base}-{n}" for n in range(2, MOST_SLOTS + 20))) if key not in taken)


def _wrong_key(key: str, held: set[str]) -> dict[str, list[str]]:
    if not KEY.fullmatch(key):
        return {"key": [_("1 to 40 small letters, digits and “-”.")]}
    if key in held or key in SLOTS:
        return {"key": [_("Another place has this key.")]}
    return {}


def change(key: str, **fields: Any) -> OfferSlot:
    """Change the given settings of a place; raises NoSuchSlot or BadSlot."""
    _alone()
    return _changed(one(key, lock=True), fields)


def change_by_id(slot_id: UUID | str, **fields: Any) -> OfferSlot:
    """Change the given settings of a place that the history names."""
    _alone()
    return _changed(by_id(slot_id, lock=True), fields)


def _changed(row: OfferSlot, fields: Mapping[str, Any]) -> OfferSlot:
    held = plain(row)
    _write(row, fields)
    before, after = audit.differing(held, plain(row))
    if not after:
        return row
    if row.id is None:
        return _added(row)
    row.updated_at = clock.now()
    db.session.flush()
    audit.record(action="offer_slots.edited", kind="offer_slot", record_id=row.id, before=before, after=after)
    compiled()
    return row


def delete(key: str) -> None:
    """Put a place of the company's own into the bin, and have a built-in one be as it came; raises NoSuchSlot."""
    row = one(key, lock=True)
    if row.id is not None:
        _delete(row)


def delete_by_id(slot_id: UUID | str) -> None:
    """Delete a place that the history names."""
    _delete(by_id(slot_id, lock=True))


def _delete(row: OfferSlot) -> None:
    audit.record(action="offer_slots.deleted", kind="offer_slot", record_id=row.id, before=plain(row))
    bin.put("offer_slot", {row.id: row.name or row.key})


def plain(row: OfferSlot) -> dict[str, Any]:
    """Return a place as values that JSON can carry; products by their ids, prices as decimal texts."""
    found = {name: getattr(row, name) for name in places.NAMES}
    for name in ("price_least", "price_most"):
        found[name] = None if found[name] is None else money.micros_text(found[name])
    return {name: [str(one) for one in value] if isinstance(value, list) else value for name, value in found.items()}


def drafted(row: OfferSlot, **fields: Any) -> Slot:
    """Return what a place would be with other settings, for a preview; nothing is kept, and it needs no name. Raises BadSlot."""
    draft = OfferSlot(**{name: getattr(row, name) for name in places.NAMES})
    _write(draft, {**fields, "name": row.key or "-"})
    return compact(draft)


def settled(row: OfferSlot, **fields: Any) -> dict[str, Any]:
    """Return settings as a place would keep them, as plain values, for an arm of a trial; nothing is kept. Raises BadSlot."""
    draft = OfferSlot(**{name: getattr(row, name) for name in places.NAMES})
    _write(draft, {**fields, "name": row.key or "-"})
    priced = any(fields.get(name) is not None for name in ("price_least", "price_most"))
    kept = plain(draft)
    return {name: kept[name] for name in (*fields, *(("currency",) if priced and "currency" not in fields else ()))}


def compacted(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return such settings as they travel: products by their numbers, prices in millionths."""
    found = dict(settings)
    for name in PRODUCTS:
        if name in found:
            found[name] = [number_of(_id(one)) for one in found[name]]
    for name in ("price_least", "price_most"):
        if name in found:
            found[name] = _micros(found[name])
    return found


def draft_of(place: str, **fields: Any) -> Slot:
    """Return what a place that is not made yet would be, for a preview; raises BadSlot."""
    if place not in SLOTS:
        raise BadSlot(fields={"place": [_("Choose where it stands.")]})
    return drafted(_filled(Slot("", place)), **fields)


def compact(row: OfferSlot) -> Slot:
    """Return a place as it travels."""
    values = {name: getattr(row, name) for name in places.NAMES}
    for name in PRODUCTS:
        values[name] = [number_of(product_id) for product_id in values[name]]
    return places.slot_of(values)


def compiled() -> None:
    """Put the bound company's places on the shelf, for `offers` to obey."""
    db.session.flush()
    kept = {row.key: compact(row) for row in db.session.scalars(select(OfferSlot).order_by(OfferSlot.id))}
    shelf.store("slots", places.packed(kept), notes={"slots": len(kept)})


def _alone() -> None:
    """Keep two people from making a place of the same key at the same moment, and from counting at the same moment."""
    lock = func.hashtextextended("recommend.slots", scope.tenant_id())
    db.session.execute(select(func.pg_advisory_xact_lock(lock)))


def _write(row: OfferSlot, fields: Mapping[str, Any]) -> None:
    """Take over the given settings if they make sense together with the others; a refused place stays as it was."""
    values = {name: fields[name] if name in fields else getattr(row, name) for name in FIELDS}
    values["name"] = text.clean(values["name"], most=120)
    wrong: dict[str, list[str]] = {}
    for name in MOST_OF:
        values[name] = list(dict.fromkeys(_cleaned(name, values[name] or ())))
        if len(values[name]) > MOST_OF[name]:
            wrong[name] = [_("At most %(most)s.", most=MOST_OF[name])]
    for name in ("price_least", "price_most"):
        try:
            values[name] = _micros(values[name])
        except ValueError:
            wrong[name] = [_("Give an amount such as 12.50.")]
    values["fallback"] = [one for one in values["fallback"] if one != values["engine"]]
    wrong |= _wrong(row, values, set(wrong))
    for name in PRODUCTS:
        missing = _missing(values[name], getattr(row, name)) if name not in wrong else False
        if missing:
            wrong[name] = [_("There is no such product.")]
    if wrong:
        raise BadSlot(fields=wrong)
    if not values["currency"] and (values["price_least"] is not None or values["price_most"] is not None):
        values["currency"] = tenants.settings().currency
    for name, value in values.items():
        setattr(row, name, value)


def _cleaned(name: str, listed: Iterable[Any]) -> list[Any]:
    if name in PRODUCTS:
        return [_id(one) for one in listed]
    return [one for one in (text.clean(one, most=120) for one in listed) if one]


def _id(given: Any) -> UUID:
    try:
        return UUID(str(given))
    except ValueError:
        return NOBODY


def _missing(wanted: list[UUID], held: list[UUID]) -> bool:
    """Tell whether a product was put in that is not there; those that are gone since may stay."""
    added = [one for one in wanted if one not in held]
    return len(products.many(added)) < len(added)


def _micros(value: Any) -> int | None:
    if value is None or value == "":
        return None
    return value if isinstance(value, int) else money.parse_micros(value)


def _wrong(row: OfferSlot, values: dict[str, Any], known: set[str]) -> dict[str, list[str]]:
    wrong: dict[str, list[str]] = {}
    if values["engine"] not in ENGINES:
        wrong["engine"] = [_("Choose one of the engines.")]
    if not set(values["fallback"]) <= set(ENGINES):
        wrong["fallback"] = [_("Choose among the engines.")]
    if row.key not in BUILT_IN and not values["name"]:
        wrong["name"] = [_("Give it a name.")]
    for name, (least, most) in RANGES.items():
        value = values[name]
        if value is None and name in OPTIONAL:
            continue
        if not isinstance(value, int) or not least <= value <= most:
            wrong[name] = [_("A number from %(least)s to %(most)s.", least=least, most=most)]
    if "step_most" not in wrong and "step_least" not in wrong and values["step_most"] < values["step_least"]:
        wrong["step_most"] = [_("The most must not be less than the least.")]
    if values["currency"] and not re.fullmatch(r"[A-Z]{3}", values["currency"]):
        wrong["currency"] = [_("Three capital letters, such as EUR.")]
    prices = values["price_least"], values["price_most"]
    if not known & {"price_least", "price_most"}:
        if None not in prices and prices[1] < prices[0]:
            wrong["price_most"] = [_("The most must not be less than the least.")]
        if any(price is not None and price < 0 for price in prices):
            wrong["price_least"] = [_("A price is not less than nothing.")]
    return wrong
