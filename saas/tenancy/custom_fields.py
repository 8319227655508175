"""A company's own fields: made, renamed, put in order, archived, and deleted for good only when that loses nothing unasked.

A field and each of its choices have a key that never changes, and records are kept under the keys: whatever is renamed,
merged or archived, no record is rewritten and nothing is lost.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any
from uuid import UUID

from babel.numbers import list_currencies
from sqlalchemy import distinct, func, select

from saas.kit import access, clock, errors, formulas, record_values, records, scope, text, work
from saas.kit import db as kit_db
from saas.kit.db import db
from saas.kit.records import CUSTOM, Choice, Field
from saas.kit.text import gettext as _
from saas.kit.text import later as _l
from saas.tenancy import audit, field_cache, limits
from saas.tenancy.models import CustomField, TenantSettings

KINDS = ("customer", "product", "order")
TYPES = ("text", "number", "money", "date", "choice", "choices", "yes_no", "link", "formula")
UNIQUE = ("text", "number")
GROUP = _l("Our own fields")
MOST_FIELDS, MOST_CHOICES = 200, 200
USUAL_LIMIT = 50
KEPT, CHANGED = "custom_fields", "custom_fields_changed"
SORTED = ("text", "number", "money", "date", "yes_no")


class NoSuchField(errors.NotFound):
    """There is no such field."""


class NoSuchChoice(errors.NotFound):
    """The field has no such choice."""


class BadField(errors.Invalid):
    """Something about the field is out of range; `fields` says what."""


class NameTaken(errors.Conflict):
    """Another field of this kind of record is called so."""


class StillUsed(errors.Conflict):
    """The field is needed elsewhere, or holds values that would be lost."""

    code = "still_used"


def one(field_id: UUID | str, *, lock: bool = False) -> CustomField:
    """Return a field; raises NoSuchField."""
    return kit_db.one(CustomField, field_id, NoSuchField, lock=lock)


def of_kind(kind: str, field_id: UUID | str) -> CustomField:
    """Return a field of this kind of record; raises NoSuchField."""
    row = one(field_id)
    if row.kind != kind:
        raise NoSuchField
    return row


def of(kind: str, *, archived: bool = True) -> list[CustomField]:
    """Return the fields of a kind of record in their order; asked once in a unit of work."""
    kept = db.session().info.setdefault(KEPT, {})
    if "all" not in kept:
        query = select(CustomField).order_by(CustomField.place, CustomField.id)
        kept["all"] = list(db.session.scalars(query))
    return [one for one in kept["all"] if one.kind == kind and (archived or one.archived_at is None)]


def _forget() -> None:
    """Have everybody read the fields anew: this unit at once, others when it has committed."""
    db.session.flush()
    kept = db.session().info
    kept.pop(KEPT, None)
    kept[CHANGED] = True
    tenant = scope.tenant_id()
    work.after_commit(lambda: field_cache.changed(tenant), key=(CHANGED, tenant))


def described(row: Any) -> Field:
    """Return a field as the catalogue holds it."""
    formula = formulas.Formula(row.formula) if row.type == "formula" else None
    return Field(
        f"{CUSTOM}{row.key}", row.type, row.label, editable=formula is None, required=row.required, personal=row.personal,
        choices=tuple(Choice(one["key"], one["label"], bool(one.get("archived")), one.get("into", "")) for one in row.choices),
        group=GROUP, currency=row.currency, help=row.help, unique=row.unique, id=row.id, formula=formula, kind=row.kind,
        sort=f"{CUSTOM}{row.key}" if row.type in SORTED else "",
    )  # fmt: skip


def _source(kind: str, archived: bool) -> Iterable[Field]:
    kept = db.session().info.setdefault(KEPT, {})
    if (kind, archived) not in kept:
        kept[kind, archived] = [
            described(row) for row in _plain_rows() if row.kind == kind and (archived or row.archived_at is None)
        ]
    return kept[kind, archived]


def _plain_rows() -> list[Any]:
    """Return the fields as they are committed, from memory that all processes share; a unit that changed them asks anew."""
    kept = db.session().info
    held = kept.setdefault(KEPT, {})
    if "plain" not in held:
        load = lambda: [_row(one) for kind in KINDS for one in of(kind)]  # noqa: E731
        rows = load() if kept.get(CHANGED) else field_cache.read(scope.tenant_id(), load)
        held["plain"] = [SimpleNamespace(**row, id=UUID(row["field_id"])) for row in rows]
    return held["plain"]


def _row(row: CustomField) -> dict[str, Any]:
    return shown(row) | {"field_id": str(row.id), "archived_at": row.archived_at and row.archived_at.isoformat()}


def _zone() -> str:
    kept = db.session().info
    if "zone" not in kept:
        kept["zone"] = db.session.scalar(select(TenantSettings.zone)) or "UTC"
    return kept["zone"]


records.custom_source(_source)
formulas.zone_source(_zone)


def make(
    *, kind: str, label: str, type: str, help: str = "", required: bool = False, unique: bool = False, personal: bool = False,
    currency: str = "", choices: Sequence[str] = (), formula: str = "", key: str = "",
) -> CustomField:  # fmt: skip
    """Make a field; raises BadField, NameTaken or OverLimit."""
    if kind not in KINDS:
        raise BadField(fields={"kind": [_("Choose one of the values.")]})
    if type not in TYPES:
        raise BadField(fields={"type": [_("Choose one of the values.")]})
    held = of(kind)
    _within_limit(held)
    row = CustomField(
        kind=kind,
        key=_stable(key or label, {one.key for one in held}),
        type=type,
        place=max((one.place for one in held), default=-1) + 1,
    )
    row.choices = []
    _fill(
        row,
        label=label,
        help=help,
        required=required,
        unique=unique,
        personal=personal,
        currency=currency,
        formula=formula,
    )
    if type in ("choice", "choices"):
        row.choices = _new_choices(choices, [])
        if not row.choices:
            raise BadField(fields={"choices": [_("Give at least one choice.")]})
    db.session.add(row)
    _forget()
    audit.record(action="fields.created", kind="field", record_id=row.id, after=shown(row))
    return row


def change(field_id: UUID | str, **given: Any) -> CustomField:
    """Change what a field is called and asks for (label, help, required, unique, personal, formula); its type and key stay.

    Raises NoSuchField, BadField or NameTaken.
    """
    row = one(field_id, lock=True)
    before = shown(row)
    if given.get("unique") and not row.unique:
        _refuse_doubles(row)
    turned = "unique" in given and bool(given["unique"]) != row.unique
    _fill(row, **given)
    row.updated_at = clock.now()
    _forget()
    if turned:
        record_values.mark_sole(_values(row.kind), row.id, unique=row.unique)
    audit.record(action="fields.edited", kind="field", record_id=row.id, before=before, after=shown(row))
    return row


def archive(field_id: UUID | str) -> CustomField:
    """Take a field out of forms and lists; its values stay. Raises NoSuchField or StillUsed."""
    row = one(field_id, lock=True)
    _refuse_read(row)
    if row.archived_at is None:
        row.archived_at = clock.now()
        _forget()
        audit.record(action="fields.archived", kind="field", record_id=row.id, before={"label": row.label})
    return row


def bring_back(field_id: UUID | str) -> CustomField:
    """Put an archived field back with all its values; raises NoSuchField or OverLimit."""
    row = one(field_id, lock=True)
    if row.archived_at is not None:
        _within_limit(of(row.kind))
        row.archived_at = None
        _forget()
        audit.record(action="fields.brought_back", kind="field", record_id=row.id, after={"label": row.label})
    return row


def reorder(kind: str, field_ids: Sequence[str]) -> None:
    """Put the fields of a kind into this order; those not named follow."""
    wanted = {str(one_id): place for place, one_id in enumerate(field_ids)}
    held = sorted(of(kind), key=lambda one: wanted.get(str(one.id), len(wanted) + one.place))
    for place, row in enumerate(held):
        row.place = place
    _forget()


def used(row: CustomField) -> int:
    """Return how many records hold a value in this field, whoever may see them."""
    if row.type == "formula":
        return 0
    table = _values(row.kind)
    with access.lifted(reason="whether a field may be deleted depends on every record"):
        return db.session.scalar(select(func.count(distinct(table.id))).where(table.field_id == row.id)) or 0


_users: list[Callable[[str, str], list[str]]] = []


def register_user(named: Callable[[str, str], list[str]]) -> None:
    """Have a field refuse to be deleted while others ask it: `named(kind, field name)` returns what they are called."""
    _users.append(named)


def delete(field_id: UUID | str, *, confirmation: str = "") -> None:
    """Delete a field for good. One that holds values wants its name typed, for they are lost with it.

    Raises NoSuchField, StillUsed or BadField.
    """
    row = one(field_id, lock=True)
    _refuse_read(row)
    askers = [name for named in _users for name in named(row.kind, f"{CUSTOM}{row.key}")]
    if askers:
        raise StillUsed(_("These segments ask this field: %(names)s. Change them first.", names=", ".join(askers[:5])))
    count = used(row)
    if count and text.fold(confirmation) != text.fold(row.label):
        raise BadField(
            fields={
                "confirmation": [_("Type the field's name: %(count)s records lose what they hold in it.", count=count)]
            }
        )
    if row.type != "formula":
        record_values.empty(records.kind(row.kind), row.id, row.key)
    audit.record(action="fields.deleted", kind="field", record_id=row.id, before=shown(row) | {"records": count})
    db.session.delete(row)
    _forget()


def add_choice(field_id: UUID | str, *, label: str) -> CustomField:
    """Add a choice at the end; raises NoSuchField or BadField."""
    row = _with_choices(field_id)
    return _choices_are(row, [*row.choices, *_new_choices([label], row.choices)])


def change_choice(
    field_id: UUID | str, key: str, *, label: str | None = None, archived: bool | None = None
) -> CustomField:
    """Rename a choice, archive it or bring it back; records keep it. Raises NoSuchField, NoSuchChoice or BadField."""
    row = _with_choices(field_id)
    held = _choice(row, key)
    others = [one for one in row.choices if one["key"] != key]
    after = dict(held)
    if label is not None:
        after["label"] = _choice_label(label, others)
    if archived is not None:
        after |= {"archived": archived}
        if not archived:
            after.pop("into", None)
    return _choices_are(row, [after if one["key"] == key else one for one in row.choices])


def merge_choice(field_id: UUID | str, key: str, *, into: str) -> CustomField:
    """Have one choice stand for another from now on: its records count as the other's, and bringing it back undoes that.

    Raises NoSuchField, NoSuchChoice or BadField.
    """
    row = _with_choices(field_id)
    _choice(row, key)
    target = _choice(row, into)
    if key == into or target.get("into"):
        raise BadField(fields={"into": [_("Choose another one that is in use.")]})
    moved = [
        one | {"archived": True, "into": into} if one["key"] == key or one.get("into") == key else one
        for one in row.choices
    ]
    return _choices_are(row, moved)


def reorder_choices(field_id: UUID | str, keys: Sequence[str]) -> CustomField:
    """Put a field's choices into this order; those not named follow."""
    row = _with_choices(field_id)
    wanted = {key: place for place, key in enumerate(keys)}
    return _choices_are(row, sorted(row.choices, key=lambda one: wanted.get(one["key"], len(wanted))))


def _with_choices(field_id: UUID | str) -> CustomField:
    row = one(field_id, lock=True)
    if row.type not in ("choice", "choices"):
        raise NoSuchChoice
    return row


def _choice(row: CustomField, key: str) -> dict[str, Any]:
    found = next((one for one in row.choices if one["key"] == key), None)
    if found is None:
        raise NoSuchChoice
    return found


def _choices_are(row: CustomField, choices: list[dict[str, Any]]) -> CustomField:
    before, row.choices, row.updated_at = row.choices, choices, clock.now()
    _forget()
    audit.record(
        action="fields.choices_changed",
        kind="field",
        record_id=row.id,
        before={"choices": before},
        after={"choices": choices},
    )
    return row


def _new_choices(labels: Iterable[str], held: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    made: list[dict[str, Any]] = []
    for label in labels:
        if not text.clean(label):
            continue
        name = _choice_label(label, [*held, *made])
        made.append({"key": _stable(name, {one["key"] for one in (*held, *made)}), "label": name})
    if len(held) + len(made) > MOST_CHOICES:
        raise BadField(fields={"choices": [_("A field has at most %(most)s choices.", most=MOST_CHOICES)]})
    return made


def _choice_label(label: str, others: Sequence[Mapping[str, Any]]) -> str:
    name = text.clean(label, most=120)
    if not name or any(sign in name for sign in ",，;；、\n"):
        raise BadField(fields={"choices": [_("A choice needs a name without commas.")]})
    if text.fold(name) in {text.fold(one["label"]) for one in others}:
        raise BadField(fields={"choices": [_("“%(name)s” is there already.", name=name)]})
    return name


def _stable(name: str, taken: set[str]) -> str:
    """Return a key made of a name that is not taken: plain letters, for keys stand in programs. Han characters are spelt."""
    from pypinyin import lazy_pinyin  # late: a quarter of a second and some 20 MB that most processes never need

    spelt = " ".join(lazy_pinyin(unicodedata.normalize("NFKC", name)[:80]))
    base = text.slug(spelt).replace("-", "_") or "value"
    base = base if base[0].isalpha() else f"v_{base}"
    key, number = base, 2
    while key in taken:
        key, number = f"{base}_{number}", number + 1
    return key


def _fill(row: CustomField, **given: Any) -> None:
    """Put what is given into a field, checked; raises BadField or NameTaken."""
    if "label" in given:
        row.label = _label(given["label"], row)
    if "help" in given:
        row.help = text.clean(given["help"], most=500)
    for name in ("required", "personal"):
        if name in given:
            setattr(row, name, bool(given[name]) and row.type != "formula")
    if "unique" in given:
        row.unique = bool(given["unique"]) and row.type in UNIQUE
    if given.get("currency") is not None and row.currency in (None, ""):
        row.currency = given["currency"] if row.type == "money" else ""
        if row.type == "money" and row.currency not in list_currencies():
            raise BadField(fields={"currency": [_("Choose a currency from the list.")]})
    if "formula" in given:
        row.formula = _formula(given["formula"], row) if row.type == "formula" else ""


def _label(given: str, row: CustomField) -> str:
    label = text.clean(given, most=80)
    if not label:
        raise BadField(fields={"label": [_("Give the field a name.")]})
    own = text.fold(label)
    built_in = {text.fold(str(one.label)) for one in records.kind(row.kind).built_in}
    others = {text.fold(one.label) for one in of(row.kind) if one is not row and one.id != row.id}
    if own in built_in or own in others:
        raise NameTaken(fields={"label": [_("There is a field of this name already.")]})
    return label


def _formula(given: str, row: CustomField) -> str:
    """Return a formula that can be worked out on this kind of record; raises BadField with the place."""
    try:
        with access.lifted(reason="a formula is checked against every field"):
            formulas.Formula(given).check(records.kind(row.kind), own=row.key)
    except formulas.BadFormula as error:
        raise BadField(fields={"formula": [str(error)]}) from None
    return given.strip()


def _within_limit(held: Sequence[CustomField]) -> None:
    allowed = min(limits.all_limits().get("custom_fields") or USUAL_LIMIT, MOST_FIELDS)
    if sum(one.archived_at is None for one in held) >= allowed:
        raise limits.OverLimit(_("Your plan holds %(most)s own fields for each kind of record.", most=allowed))


def _refuse_doubles(row: CustomField) -> None:
    """Refuse to make a field unique while two records hold the same value."""
    if record_values.has_doubles(_values(row.kind), row.id):
        raise BadField(fields={"unique": [_("Two records have the same value. Change that first.")]})


def _refuse_read(row: CustomField) -> None:
    for other in of(row.kind):
        if other.type == "formula" and f"{CUSTOM}{row.key}" in formulas.Formula(other.formula).reads(
            records.kind(row.kind)
        ):
            raise StillUsed(_("The formula of “%(name)s” reads this field. Change that first.", name=other.label))


def _values(kind: str) -> Any:
    return records.kind(kind).values


def shown(row: CustomField) -> dict[str, Any]:
    """Return a field as plain values, for programs and templates alike."""
    names = (
        "kind",
        "key",
        "label",
        "type",
        "help",
        "required",
        "unique",
        "personal",
        "currency",
        "formula",
        "place",
        "choices",
    )
    return {name: getattr(row, name) for name in names} | {"archived": row.archived_at is not None}
