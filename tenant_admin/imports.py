"""Bringing a file: choosing it, saying what its columns mean, trying it, mending cells, taking it, and taking it back."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from flask import Blueprint, Response, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from saas.commerce import shops
from saas.customers import duplicates
from saas.integrations import failed_lines, imports, targets
from saas.kit import access, doors, errors, files
from saas.kit import pages as paging
from saas.tenancy import operations
from tenant_admin import duplicates as duplicate_words
from tenant_admin import entrance, frame
from tenant_admin.operations import estimate

pages = Blueprint("imports", __name__)
PIECE = 256 * 1024
FORM = 1024 * 1024  # what the form itself may take besides the file
KINDS = {"customer": _l("Customers"), "product": _l("Products"), "order": _l("Orders")}
STATES = {
    "created": ("good", _l("Added")), "updated": ("info", _l("Changed")), "unchanged": ("grey", _l("Unchanged")),
    "repeated": ("grey", _l("Repeated in the file")), "skipped": ("grey", _l("Left out")), "failed": ("danger", _l("Cannot be taken")),
}  # fmt: skip
DELIMITERS = ((",", _l("Comma")), (";", _l("Semicolon")), ("\t", _l("Tab")), ("|", _l("Bar")))
QUOTES = (('"', _l("Double quotes")), ("'", _l("Single quotes")), ("", _l("None")))
ENCODINGS = {
    "utf-8": "UTF-8", "utf-16-le": "UTF-16 LE", "utf-16-be": "UTF-16 BE", "cp1252": "Windows-1252", "gb18030": "GB18030 / GBK", "big5": "Big5",
    "shift_jis": "Shift JIS", "euc_kr": "EUC-KR", "cp1250": "Windows-1250", "cp1251": "Windows-1251", "cp1253": "Windows-1253", "cp1254": "Windows-1254",
    "koi8_r": "KOI8-R",
}  # fmt: skip


@pages.url_value_preprocessor
def take_more(endpoint: str | None, values: dict[str, Any] | None) -> None:
    """Let somebody who is signed in bring a large file; everybody else, and every other page, keeps the usual limit."""
    if endpoint == "imports.new" and request.method == "POST" and entrance.signed_in() is not None:
        request.max_content_length = imports.MOST_BYTES + FORM


@pages.get("/imports")
@doors.open_to("member", "customers.read")
def index() -> ResponseReturnValue:
    """Show what was brought, the newest first."""
    page = paging.page(imports.listed(), order=imports.NEWEST, cursor=request.args.get("cursor"), limit=25)
    return render_template("imports/index.html", rows=[_row(one) for one in page.items], next=page.next, kinds=_kinds())


def _kinds() -> list[tuple[str, str]]:
    return [(kind, str(label)) for kind, label in KINDS.items() if access.may(imports.PERMISSIONS[kind])]


def _row(held: Any) -> dict[str, Any]:
    return {"id": held.id, "name": held.name, "kind": str(KINDS[held.kind]), "at": held.created_at, "by": held.made_by_name,
            "state": "done" if held.run_id else "draft"}  # fmt: skip


@pages.route("/imports/new", methods=["GET", "POST"])
@doors.open_to("member", "customers.edit")
def new() -> ResponseReturnValue:
    """Show the form for a file, or keep the file and go on with its columns."""
    kind = request.values.get("kind", "customer")
    if request.method == "GET":
        return _new(kind)
    file = request.files.get("file")
    if file is None or not file.filename:
        return _new(kind, {"file": [_("Choose a file.")]}), 422
    try:
        held = imports.begin(kind=kind, name=file.filename, chunks=_pieces(file.stream))
    except (errors.Invalid, files.TooLarge) as refusal:
        return _new(kind, {"file": [refusal.message], **refusal.fields}), 422
    return frame.go(url_for("imports.show", import_id=held.id))


def _new(kind: str, wrong: dict[str, list[str]] | None = None) -> str:
    most = imports.most_bytes() // imports.MEBIBYTE
    return render_template("imports/new.html", kind=kind, kinds=_kinds(), errors=wrong or {}, most=most)


def _pieces(stream: Any) -> Iterator[bytes]:
    while piece := stream.read(PIECE):
        yield piece


@pages.get("/imports/<import_id>")
@doors.open_to("member", "customers.read")
def show(import_id: str) -> ResponseReturnValue:
    """Show an import as far as it is: set up, tried, under way, or done."""
    return _show(imports.one(import_id))


def _show(held: Any, wrong: dict[str, list[str]] | None = None, sentence: str = "") -> str:
    tried = operations.one(held.check_id) if held.check_id else None
    done = operations.one(held.run_id) if held.run_id else None
    known, setup = targets.of(held.kind), None
    if done is None:
        try:
            setup = _setup(held, known)
        except files.NoSuchFile:  # it was thrown away in time, or with a person who was erased
            sentence = _("The file is not kept any more. Bring it again.")
    return render_template(
        "imports/show.html", held=held, kind=str(KINDS[held.kind]), errors=wrong or {}, sentence=sentence, known=known, options=held.options,
        tried=tried and _work(tried), done=done and _work(done), setup=setup, states=STATES,
        labels={name: str(target.label) for name, target in known.items()}, back=url_for(f"{held.kind}s.index"),
    )  # fmt: skip


def _work(operation: Any) -> dict[str, Any]:
    """Return long work for the page: how far it is and what it told."""
    report = operation.report
    going = operation.state in operations.GOING
    counts = report.get("counts", {})
    undone = report.get("undo")
    return {
        "id": operation.id, "state": operation.state, "going": going, "done": operation.undone if operation.state == "undoing" else operation.done,
        "total": operation.total if operation.state != "undoing" else None, "failed": operation.failed, "error": operation.error,
        "counts": [(state, counts[state]) for state in STATES if counts.get(state)], "rows": sum(counts.values()),
        "takes": counts.get("created", 0) + counts.get("updated", 0), "reasons": [(_(why), times) for why, times in sorted(report.get("reasons", {}).items(), key=lambda pair: -pair[1])],
        "cells": report.get("cells", []), "shown": report.get("rows", []), "lines": report.get("lines_failed", [])[:50],
        "may_undo": operations.may_undo(operation), "undo_until": operation.undo_until, "may_cancel": operation.state in ("waiting", "running"),
        "estimate": estimate(operation) if going else None, "likely": _likely(report.get("likely")),
        "undone": undone and {"counts": undone["counts"], "reasons": [(_(why), times) for why, times in undone["reasons"].items()],
                              "examples": [dict(one, why=_said(one)) for one in undone["examples"]]},
    }  # fmt: skip


def _likely(told: dict[str, Any] | None) -> dict[str, Any] | None:
    """Return the rows that may be customers who are there, with their names as they are now."""
    if not told or not (told["certain"] or told["possible"]):
        return None
    there = duplicates.known(row["record_id"] for row in told["rows"])
    names = {str(key): customer.name for key, (customer, _figures) in there.items()}
    rows = [
        row | {"name": names[row["record_id"]], "why": duplicate_words.why(row["evidence"])}
        for row in told["rows"]
        if row["record_id"] in names
    ]
    return told | {"rows": rows}


def _said(kept: dict[str, str]) -> str:
    """Return a reason that was kept in English in the reader's language."""
    reason = kept["why"]
    return _(reason)


def _setup(held: Any, known: dict[str, Any]) -> dict[str, Any]:
    """Return what the form needs: the columns with examples, what they may fill, and the first rows as values."""
    rows = imports.preview(held)
    examples = [
        [row.cells[place][:60] for row in rows[:3] if place < len(row.cells) and row.cells[place].strip()]
        for place in range(len(held.headers))
    ]
    groups: dict[str, list[tuple[str, str]]] = {}
    for name, target in known.items():
        groups.setdefault(str(target.group), []).append((name, str(target.label)))
    columns = [
        {"place": place, "header": header, "examples": examples[place], "field": held.mapping.get(str(place), "")}
        for place, header in enumerate(held.headers)
    ]
    return {
        "columns": columns, "may_make": imports.may_make_fields(held.kind), "fields": list(groups.items()), "left": [one["header"] for one in columns if not one["field"]],
        "sheets": [(name, name) for name in imports.sheet_names(held)], "encodings": list(ENCODINGS.items()), "delimiters": DELIMITERS, "quotes": QUOTES,
        "match": list(imports.match_rules(held.kind).items()), "shops": [(str(shop.id), shop.name) for shop in shops.all_shops()],
        "rows": [_preview_row(row, held) for row in rows], "constants": [*held.options.get("constants", {}).items(), ("", "")],
    }  # fmt: skip


def _preview_row(row: Any, held: Any) -> dict[str, Any]:
    wrong = {place: _(sentence) for place, _name, sentence in row.problems}
    cells = [
        {"text": row.cells[int(place)][:80] if int(place) < len(row.cells) else "", "wrong": wrong.get(int(place))}
        for place in held.mapping
    ]
    return {"line": row.line, "cells": cells, "wrong": wrong.get(-1)}


@pages.post("/imports/<import_id>/settings")
@doors.open_to("member", "customers.edit")
def change(import_id: str) -> ResponseReturnValue:
    """Take what was chosen, and show what comes of it."""
    held = imports.one(import_id)
    try:
        if _reading_changed(held):
            held = imports.change_reading(import_id, **_reading())
        else:
            held = imports.change_mapping(
                import_id,
                {name.removeprefix("map."): value for name, value in request.form.items() if name.startswith("map.")},
            )
            held = imports.change_options(import_id, **_options(held))
    except errors.Refusal as refusal:
        return _show(imports.one(import_id), refusal.fields, refusal.message), 422
    if frame.is_partial():
        return _show(held)
    return frame.go(url_for("imports.show", import_id=import_id))


def _reading() -> dict[str, Any]:
    given = {name: request.form[name] for name in ("encoding", "delimiter", "quote", "sheet") if name in request.form}
    if "header" in request.form:
        given["header"] = request.form.get("header", type=int)
    return given


def _reading_changed(held: Any) -> bool:
    return any(value is not None and held.reading.get(name) != value for name, value in _reading().items())


def _options(held: Any) -> dict[str, Any]:
    form = request.form
    given: dict[str, Any] = {
        name: form[name]
        for name in ("mode", "likely", "repeated", "empty", "dates", "decimal", "tags", "source_id")
        if name in form
    }
    if held.kind == "customer":
        given["match"] = form.getlist("match")
        given["consent_statement"] = form.get("consent_statement", "") if form.get("consented") else ""
        if form.get("consented") and not given["consent_statement"].strip():
            raise imports.BadSetting(
                fields={"consent_statement": [_("Write down how they agreed, and to which words.")]}
            )
    names, said = form.getlist("constant_field"), form.getlist("constant_value")
    given["constants"] = {
        name: value.strip() for name, value in zip(names, said, strict=False) if name and value.strip()
    }
    return given


@pages.post("/imports/<import_id>/fix")
@doors.open_to("member", "customers.edit")
def fix(import_id: str) -> ResponseReturnValue:
    """Mend a cell, or every cell of the column that says the same, and try the file again."""
    form = request.form
    line = form.get("line", type=int) if form.get("only") else None
    column = form.get("column", type=int)
    imports.fix(
        import_id, column=-1 if column is None else column, said=form.get("said", ""), to=form.get("to", ""), line=line
    )
    if form.get("again"):
        imports.check(import_id)
    return frame.go(url_for("imports.show", import_id=import_id))


@pages.post("/imports/<import_id>/check")
@doors.open_to("member", "customers.edit")
def check(import_id: str) -> ResponseReturnValue:
    """Begin to try the whole file."""
    return _begin(import_id, imports.check)


@pages.post("/imports/<import_id>/likely")
@doors.open_to("member", "customers.edit")
def likely(import_id: str) -> ResponseReturnValue:
    """Choose what becomes of rows that are all but certainly customers who are there, and try the file again."""
    imports.change_options(import_id, likely=request.form.get("likely", ""))
    imports.check(import_id)
    return frame.go(url_for("imports.show", import_id=import_id))


@pages.post("/imports/<import_id>/run")
@doors.open_to("member", "customers.edit")
def run(import_id: str) -> ResponseReturnValue:
    """Begin to take the file."""
    return _begin(import_id, imports.run)


def _begin(import_id: str, act: Any) -> ResponseReturnValue:
    imports.one(import_id)
    try:
        act(import_id)
    except (imports.NotReady, errors.LimitReached) as refusal:
        frame.toast(refusal.message, kind="warning")
    return frame.go(url_for("imports.show", import_id=import_id))


@pages.post("/imports/<import_id>/stop")
@doors.open_to("member", "customers.edit")
def stop(import_id: str) -> ResponseReturnValue:
    """Stop what is under way after the step it is in."""
    held = imports.one(import_id)
    if held.run_id or held.check_id:
        operations.cancel(held.run_id or held.check_id)
    return frame.go(url_for("imports.show", import_id=import_id))


@pages.post("/imports/<import_id>/undo")
@doors.open_to("member", "customers.edit")
def undo(import_id: str) -> ResponseReturnValue:
    """Begin to take a whole import back."""
    held = imports.one(import_id)
    try:
        if held.run_id is None:
            raise operations.CannotUndo
        operations.undo(held.run_id)
    except operations.CannotUndo as refusal:
        frame.toast(_(refusal.message), kind="warning")
    return frame.go(url_for("imports.show", import_id=import_id))


@pages.post("/imports/<import_id>/forget")
@doors.open_to("member", "customers.edit")
def forget(import_id: str) -> ResponseReturnValue:
    """Throw a file away that was not taken."""
    held = imports.one(import_id)
    name = held.name
    imports.forget(import_id)
    frame.toast(_("%(name)s is thrown away", name=name))
    return frame.go(url_for("imports.index"))


@pages.get("/imports/<import_id>/failed")
@doors.open_to("member", "customers.edit")
def failed(import_id: str) -> Response:
    """Send the lines that could not be taken, to be mended and brought again."""
    chunks, name, content_type = failed_lines.of(imports.one(import_id), _)
    response = Response(b"".join(chunks), content_type=content_type)
    response.headers["Content-Disposition"] = f"attachment; filename*=UTF-8''{quote(name, safe='')}"
    response.headers["Cache-Control"] = "private, no-store"
    return response


def counted(rows: int) -> str:
    """Return how many rows a button takes, in words."""
    return ngettext("Import %(num)s row", "Import %(num)s rows", rows)


pages.add_app_template_global(counted, "rows_to_import")
