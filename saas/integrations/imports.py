"""Bringing records from a file: what was brought, how it is read, what its columns mean, and setting off the work.

An import is set up in the open (every choice can be changed and looked at), tried on the whole file, and then done as long
work that can be stopped and undone. What its columns meant is remembered for the next file with the same headers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Select, delete, select
from sqlalchemy.dialects.postgresql import insert

from saas.commerce import shops
from saas.customers import profiles
from saas.integrations import guessing, import_rows, sheets, targets, workbooks
from saas.integrations.import_rows import Parsed, Parser
from saas.integrations.models import IMPORT_KINDS, Import, ImportEntry, ImportRecipe
from saas.integrations.sheets import Broken, Reading
from saas.integrations.taking_customers import Customers
from saas.integrations.taking_orders import Orders
from saas.integrations.taking_products import Products
from saas.kit import access, clock, errors, files, identifiers, records, scope, text, values
from saas.kit import db as kit_db
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.tenancy import custom_fields, limits, operations

TAKERS: dict[str, Any] = {"customer": Customers, "product": Products, "order": Orders}
PERMISSIONS = {"customer": "customers.edit", "product": "products.edit", "order": "orders.edit"}
KEPT = timedelta(days=31)
MEBIBYTE = 1024 * 1024
MOST_BYTES, LEAST_BYTES, PER_CONTACT = 1024 * MEBIBYTE, 32 * MEBIBYTE, 4096
SAMPLE, MOST_FIXES = 60, 2_000
MODES, REPEATED, EMPTY = ("both", "create", "update"), ("last", "first"), ("leave", "clear")
LIKELY = ("create", "same")
"""What becomes of a row that no rule knows and that is all but certainly a customer who is there."""
NEWEST = ((Import.created_at, "desc"), (Import.id, "desc"))
NEW = "new"
"""Stands for a field that is to be made for a column."""
KEYS = {
    "customer": ("email", "phone", "external_id", "name", "last_name", "company"), "product": ("external_id", "sku"), "order": ("external_id", "number"),
}  # fmt: skip


class NoSuchImport(errors.NotFound):
    """There is no such import."""


class NotReady(errors.Conflict):
    """The import cannot be tried or done as it stands; the sentence says what is missing."""

    code = "not_ready"


class BadSetting(errors.Invalid):
    """A choice is none of those there are."""


def most_bytes() -> int:
    """Return how large a file may be in the bound company's plan."""
    contacts = limits.most("contacts")
    return MOST_BYTES if contacts is None else max(LEAST_BYTES, min(MOST_BYTES, contacts * PER_CONTACT))


def listed(*, kind: str | None = None) -> Select:
    """Return a select of the imports the acting person may know of: who sees only their own customers, only their own imports."""
    allowed = [one for one in IMPORT_KINDS if access.may(PERMISSIONS[one]) and kind in (None, one)]
    query = select(Import).where(Import.kind.in_(allowed))
    return query.where(Import.made_by == scope.actor().id) if access.current().limited else query


def one(import_id: UUID | str, *, lock: bool = False) -> Import:
    """Return an import; raises NoSuchImport."""
    found = kit_db.one(Import, import_id, NoSuchImport, lock=lock)
    if (access.current().limited and found.made_by != scope.actor().id) or not access.may(PERMISSIONS[found.kind]):
        raise NoSuchImport
    return found


def of_operation(operation_id: UUID) -> Import | None:
    """Return the import that an operation tries or does."""
    return db.session.scalars(
        select(Import).where((Import.run_id == operation_id) | (Import.check_id == operation_id))
    ).one_or_none()


def begin(*, kind: str, name: str, chunks: Iterable[bytes]) -> Import:
    """Keep a file that is brought in pieces, and find out how it is read and what its columns mean.

    Raises BadSetting, files.TooLarge, sheets.BadFile or workbooks.BadWorkbook.
    """
    if kind not in IMPORT_KINDS:
        raise BadSetting(fields={"kind": [_("Choose one of the values.")]})
    access.require(PERMISSIONS[kind])
    most = most_bytes()
    try:
        file = files.write(chunks, name=text.clean(name, most=200) or "file", keep=KEPT, most=most)
    except files.TooLarge:
        raise files.TooLarge(
            _("This file is larger than %(most)s MB, which is what your plan takes at once.", most=most // MEBIBYTE)
        ) from None
    actor = scope.actor()
    held = Import(
        kind=kind, name=file.name, file_id=file.id, size=file.size, made_by=actor.id, made_by_name=actor.name,
        options=usual_options(kind), mapping={}, fixes={}, headers=[], reading={},
    )  # fmt: skip
    db.session.add(held)
    db.session.flush()
    path = import_rows.copy_of(file.id)
    _look(held, sheets.find(path, name=file.name))
    return held


def usual_options(kind: str) -> dict[str, Any]:
    """Return the options an import begins with."""
    return {
        "mode": "both",
        "repeated": "last",
        "empty": "leave",
        "likely": "create",
        "match": ["external_id", "email"] if kind == "customer" else [],
    }


def _look(held: Import, reading: Reading) -> None:
    """Settle how a file is read: its columns, what they mean, and how its dates and decimals are written."""
    path = import_rows.copy_of(held.file_id)
    held.reading, held.headers = reading.plain(), sheets.headers(path, reading)
    held.fixes = {}
    known = targets.of(held.kind)
    recipe = _recipe(held)
    if recipe is not None:
        held.mapping = {
            place: name for place, name in recipe.mapping.items() if name in known and int(place) < len(held.headers)
        }
        held.options = held.options | {
            name: value for name, value in recipe.options.items() if name != "consent_statement"
        }
        held.remembered = True
    else:
        sample = _sample(held)
        held.mapping = guessing.guess(held.headers, sample, known)
        columns = {
            name: [row[int(place)] for row in sample if row[int(place)].strip()] for place, name in held.mapping.items()
        }
        held.options = held.options | guessing.manner_of(columns, known)
        held.remembered = False
    db.session.flush()


def _sample(held: Import) -> list[list[str]]:
    return [cells for _line, cells in import_rows.first(held, SAMPLE) if not isinstance(cells, Broken)]


def _digest(held: Import) -> str:
    return hashlib.sha256(orjson.dumps([guessing.squeezed(name) for name in held.headers])).hexdigest()


def _recipe(held: Import) -> ImportRecipe | None:
    query = select(ImportRecipe).where(ImportRecipe.kind == held.kind, ImportRecipe.digest == _digest(held))
    return db.session.scalars(query).one_or_none()


def _remember(held: Import) -> None:
    row = {"tenant_id": scope.tenant_id(), "id": identifiers.new(), "kind": held.kind, "digest": _digest(held), "mapping": held.mapping,
           "options": {name: value for name, value in held.options.items() if name != "consent_statement"}, "created_at": clock.now(), "updated_at": clock.now()}  # fmt: skip
    statement = insert(ImportRecipe).values(row)
    renewed = {name: statement.excluded[name] for name in ("mapping", "options", "updated_at")}
    db.session.execute(statement.on_conflict_do_update(index_elements=["tenant_id", "kind", "digest"], set_=renewed))


def change_reading(import_id: UUID | str, **changes: Any) -> Import:
    """Read the file another way: encoding, delimiter, quote, header, sheet. What was not given is found anew where it depends.

    Raises NoSuchImport, NotReady, BadSetting, sheets.BadFile or workbooks.BadWorkbook.
    """
    held = _open_one(import_id)
    reading = import_rows.reading_of(held)
    wanted = {name: value for name, value in changes.items() if value is not None and getattr(reading, name) != value}
    allowed: dict[str, Any] = {
        "encoding": import_rows_encodings(),
        "delimiter": sheets.DELIMITERS,
        "quote": sheets.QUOTES,
        "header": range(51),
    }
    for name, value in wanted.items():
        if name in allowed and value not in allowed[name]:
            raise BadSetting(fields={name: [_("Choose one of the values.")]})
    if not wanted:
        return held
    made = Reading(**(reading.plain() | wanted))
    if "encoding" in wanted or "sheet" in wanted:
        found = sheets.refound(import_rows.copy_of(held.file_id), made)
        made = Reading(
            **(
                found.plain()
                | {name: value for name, value in wanted.items() if name in ("delimiter", "quote", "header")}
            )
        )
    _look(held, made)
    _outdate(held)
    return held


def import_rows_encodings() -> tuple[str, ...]:
    from saas.integrations import encodings

    return encodings.NAMES


def sheet_names(held: Import) -> list[str]:
    """Return the sheets of a workbook; none for other files."""
    return workbooks.sheets(import_rows.copy_of(held.file_id)) if held.reading.get("format") == "xlsx" else []


def change_mapping(import_id: UUID | str, mapping: Mapping[str, str]) -> Import:
    """Say what each column fills ({"0": "email"}); raises NoSuchImport, NotReady or BadSetting."""
    held = _open_one(import_id)
    known = targets.of(held.kind)
    found: dict[str, str] = {}
    for place, name in mapping.items():
        if not name:
            continue
        if name == NEW and place.isdigit() and int(place) < len(held.headers):
            name = _new_field(held, int(place))
            known = targets.of(held.kind)
        if name not in known or not place.isdigit() or int(place) >= len(held.headers):
            raise BadSetting(fields={place: [_("Choose one of the values.")]})
        if name in found.values():
            raise BadSetting(fields={place: [_("Two columns cannot fill the same field.")]})
        found[place] = name
    if found != held.mapping:
        held.mapping = found
        _outdate(held)
    return held


def may_make_fields(kind: str) -> bool:
    """Tell whether the acting person may make a field of the company's own for records of this kind."""
    return access.may("settings.edit") and kind in custom_fields.KINDS


def _new_field(held: Import, place: int) -> str:
    """Make a field of the company's own for a column, of the type its values look like; returns the field's name."""
    access.require("settings.edit")
    cells = [row[place] for row in _sample(held) if row[place].strip()]
    made = custom_fields.make(kind=held.kind, label=held.headers[place][:80], type=guessing.type_of(cells))
    return f"{records.CUSTOM}{made.key}"


def change_options(import_id: UUID | str, **given: Any) -> Import:
    """Change how the rows are taken; raises NoSuchImport, NotReady or BadSetting.

    mode, match, likely, repeated, empty, tags, constants, consent_statement, source_id, dates (dmy, mdy, ymd), decimal.
    """
    held = _open_one(import_id)
    options = dict(held.options)
    choices = {
        "mode": MODES,
        "repeated": REPEATED,
        "empty": EMPTY,
        "likely": LIKELY,
        "dates": ("", "dmy", "mdy", "ymd"),
        "decimal": ("", ".", ","),
    }
    for name, value in given.items():
        if name in choices:
            if value not in choices[name]:
                raise BadSetting(fields={name: [_("Choose one of the values.")]})
            options[name] = value
        elif name == "tags":
            options["tags"] = values.many(value)[:20]
        elif name == "match":
            options["match"] = _match(held.kind, value)
        elif name == "constants":
            options["constants"] = _constants(held, value)
        elif name == "consent_statement":
            options["consent_statement"] = text.clean(value, most=1000)
        elif name == "source_id":
            options["source_id"] = str(shops.one(value).id) if value else ""
        else:
            raise BadSetting(fields={name: [_("There is no such setting.")]})
    if options != held.options:
        held.options = options
        _outdate(held)
    return held


def match_rules(kind: str) -> dict[str, str]:
    """Return by what a record can be found: the name of the rule and its words."""
    if kind != "customer":
        return {}
    fields = records.kind(kind).fields()
    found = {name: str(fields[name].label) for name in ("external_id", "email", "phone") if name in fields}
    return found | {name: str(one.label) for name, one in fields.items() if one.custom and one.unique}


def _match(kind: str, wanted: Iterable[str]) -> list[str]:
    known = match_rules(kind)
    found = [name for name in known if name in set(wanted)]
    if kind == "customer" and not found:
        raise BadSetting(fields={"match": [_("Choose at least one.")]})
    return found


def _constants(held: Import, given: Mapping[str, str]) -> dict[str, str]:
    known = targets.of(held.kind)
    found = {}
    for name, said in given.items():
        if not said:
            continue
        if name not in known:
            raise BadSetting(fields={f"constants.{name}": [_("Choose one of the values.")]})
        try:
            known[name].read(said, values.PLAIN)
        except ValueError as error:
            raise BadSetting(fields={f"constants.{name}": [str(error)]}) from None
        found[name] = said
    return found


def fix(import_id: UUID | str, *, column: int, said: str, to: str, line: int | None = None) -> Import:
    """Mend a cell of the file as it is read: in one line, or wherever this column says the same. Raises NoSuchImport or NotReady."""
    held = _open_one(import_id)
    if not 0 <= column < len(held.headers):
        raise BadSetting(_("There is no such column."))
    by_value = {place: dict(words) for place, words in held.fixes.get("values", {}).items()}
    by_cell = dict(held.fixes.get("cells", {}))
    if sum(map(len, by_value.values())) + len(by_cell) >= MOST_FIXES:
        raise NotReady(_("Too many cells are mended already. Mend the others in the file and bring it again."))
    to = text.clean(to, most=2000)
    if line is None:
        by_value.setdefault(str(column), {})[said] = to
    else:
        by_cell[f"{line}:{column}"] = to
    held.fixes = {"values": by_value, "cells": by_cell}
    _outdate(held)
    return held


def _open_one(import_id: UUID | str) -> Import:
    held = one(import_id, lock=True)
    if held.run_id is not None:
        raise NotReady(_("This import has begun and cannot be changed any more."))
    return held


def _outdate(held: Import) -> None:
    """What a trial told holds no longer."""
    if held.check_id is not None:
        operation = operations.one(held.check_id)
        if operation.state in operations.GOING:
            operations.cancel(operation.id)
    held.check_id = None
    db.session.flush()


def preview(held: Import, *, most: int = 8) -> list[Parsed]:
    """Return the first rows with their values and what is wrong with them."""
    parser = Parser(held)
    return [parser.parse(row) for row in import_rows.first(held, most)]


def taker(held: Import) -> Any:
    """Return what takes the rows of an import."""
    return TAKERS[held.kind](
        held.options, import_id=held.id, mapped={name: int(place) for place, name in held.mapping.items()}
    )


def _require_ready(held: Import) -> None:
    filled = set(held.mapping.values()) | set(held.options.get("constants", {}))
    if not filled & set(KEYS[held.kind]):
        needed = {
            "customer": _("Say which column holds an e-mail address, a phone number, a number or a name."),
            "product": _("Say which column holds the product’s number in the shop or its article number."),
            "order": _("Say which column holds the order’s number."),
        }
        raise NotReady(needed[held.kind])
    if held.kind == "order" and "placed_at" not in filled:
        raise NotReady(_("Say which column holds the day of the order."))
    access.require_writable(
        held.kind, [name for name in filled if name in records.kind(held.kind).fields() and held.kind != "order"]
    )


def check(import_id: UUID | str) -> Import:
    """Begin to try an import on its whole file without changing anything; raises NoSuchImport or NotReady."""
    held = _open_one(import_id)
    _require_ready(held)
    _outdate(held)
    operation = operations.start(
        kind=f"imports.check_{held.kind}",
        params={"import_id": str(held.id)},
        title=_("Check of %(name)s", name=held.name),
    )
    held.check_id = operation.id
    db.session.flush()
    return held


def run(import_id: UUID | str) -> Import:
    """Begin an import in earnest; raises NoSuchImport, NotReady, or limits.OverLimit when the plan holds no more customers."""
    held = _open_one(import_id)
    _require_ready(held)
    total = None
    if held.check_id is not None:
        tried = operations.one(held.check_id)
        if tried.state == "done":
            total = tried.done
            if held.kind == "customer":
                limits.require(
                    "contacts", used=profiles.count(), wanted=tried.report.get("counts", {}).get("created", 0)
                )
    elif held.kind == "customer":
        limits.require("contacts", used=profiles.count())
    operation = operations.start(
        kind=f"imports.run_{held.kind}",
        params={"import_id": str(held.id)},
        total=total,
        title=_("Import of %(name)s", name=held.name),
    )
    held.run_id = operation.id
    db.session.flush()
    _remember(held)
    return held


def forget(import_id: UUID | str) -> None:
    """Throw away an import that has not begun, with its file."""
    held = _open_one(import_id)
    _outdate(held)
    files.remove(held.file_id)
    db.session.delete(held)
    db.session.flush()


def tidy() -> int:
    """Throw away imports whose files are gone and what undoing them needed; platform work over all tenants."""
    old = clock.now() - KEPT
    gone = select(Import.id).where(Import.created_at < old)
    db.session.execute(
        delete(ImportEntry).where(ImportEntry.import_id.in_(gone)).execution_options(synchronize_session=False)
    )
    return db.session.execute(
        delete(Import).where(Import.created_at < old - KEPT).execution_options(synchronize_session=False)
    ).rowcount
