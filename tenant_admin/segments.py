"""The segments' pages: which groups there are, who belongs, and the editor that counts along while conditions are put together."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, current_app, g, render_template, request, url_for
from flask_babel import gettext as _

from saas.audiences import conditions as rules
from saas.audiences import filters, segments
from saas.catalog import finding as goods
from saas.catalog import products
from saas.commerce import event_names
from saas.kit import doors, errors
from saas.kit import pages as paging
from saas.tenancy import audit
from tenant_admin import conditions, frame, sentences
from tenant_admin.customers import listing

LIMIT, SAMPLE, KNOWN_PRODUCTS = 25, 5, 200
pages = Blueprint("segments", __name__)


@pages.get("/segments")
@doors.open_to("member", "segments.read")
def index():
    """List the segments by name, each with what its customers have in common."""
    page = paging.page(segments.listed(), order=segments.BY_NAME, cursor=request.args.get("cursor"), limit=LIMIT)
    names = _product_names({"conditions": [segment.definition for segment in page.items]})
    sizes = segments.sizes(page.items)
    rows = [_shown(segment, names) | {"size": sizes[segment.id]} for segment in page.items]
    return render_template("segments/index.html", rows=rows, next=page.next)


@pages.route("/segments/new", methods=["GET", "POST"])
@doors.open_to("member", "segments.edit")
def create():
    """Show the editor, from a list's filters if they come along, or make the segment."""
    if request.method == "GET":
        return _editor(
            _from_filters() or {"match": "all", "conditions": [conditions.fresh()]},
            name=request.args.get("name", ""),
        )
    return _edited(None)


@pages.get("/segments/<segment_id>")
@doors.open_to("member", "segments.read")
def show(segment_id: str):
    """Show who belongs right now, a page at a time."""
    segment = segments.one(segment_id)
    segments.asked(segment)
    page = filters.listed(segment.definition, cursor=request.args.get("cursor"), limit=LIMIT)
    count = segments.count(segment.definition)
    rows = [listing.row(*pair) for pair in page.items]
    return render_template(
        "segments/show.html", segment=_shown(segment, _product_names(segment.definition)), rows=rows, next=page.next, count=count,
        columns=listing.columns_of(listing.USUAL), send_url=_send_url(segment.id),
    )  # fmt: skip


@pages.route("/segments/<segment_id>/edit", methods=["GET", "POST"])
@doors.open_to("member", "segments.edit")
def edit(segment_id: str):
    """Show a segment's editor, or change it."""
    segment = segments.one(segment_id)
    if request.method == "GET":
        return _editor(segments.asked(segment), name=segment.name, segment=segment)
    return _edited(segment)


@pages.post("/segments/<segment_id>/delete")
@doors.open_to("member", "segments.edit")
def delete(segment_id: str):
    """Put a segment into the bin; its customers stay as they are."""
    name = segments.one(segment_id).name
    segments.delete(segment_id)
    frame.toast(_("The segment “%(name)s” is deleted", name=name), undo=frame.undo_url(audit.latest()))
    return frame.go(url_for("segments.index"))


@pages.post("/segments/preview")
@doors.open_to("member", "segments.read")
def preview():
    """Answer how many fit what the form holds so far, and a few of them."""
    return render_template("segments/preview.html", **_counted(conditions.read(request.form)))


def _edited(segment: Any):
    """Carry out what was pressed: change the tree and show it again, or keep the segment."""
    tree, name = conditions.read(request.form), request.form.get("name", "")
    act = request.form.get("do", "")
    if act != "save":
        return _editor(conditions.change(tree, act), name=name, segment=segment, focus=_focus(tree, act))
    definition = conditions.finished(tree, g.member.currency)
    wrong = conditions.troubles(definition)
    if wrong:
        return _editor(tree, name=name, segment=segment, wrong=wrong), 422
    try:
        if segment is None:
            segment = segments.create(name=name, definition=definition)
        else:
            segment = segments.change(segment.id, name=name, definition=definition)
    except (errors.Invalid, errors.Conflict) as error:
        return _editor(tree, name=name, segment=segment, problems=error.fields, general=error.message), error.status
    frame.toast(_("The segment “%(name)s” is saved", name=segment.name))
    return frame.go(url_for("segments.show", segment_id=segment.id))


def _focus(tree: dict[str, Any], act: str) -> str:
    """Return the id of what gets the keyboard after a button changed the tree: the new row, or the button to add another."""
    verb, _colon, place = act.partition(":")
    if verb not in ("add", "group", "remove"):
        return ""
    if verb == "remove":
        parent = place.rpartition(".")[0]
        return f"add-{parent.replace('.', '-')}"
    group = conditions.at(tree, place)
    if group is None:
        return ""
    row = f"{place}.{len(group['conditions']) - 1}".strip(".") + (".0" if verb == "group" else "")
    return f"c-{row.replace('.', '-')}-field"


def _editor(
    tree: dict[str, Any], *, name: str, segment: Any = None, wrong: dict[str, str] | None = None, **more: Any
) -> str:
    known = goods.listed(limit=KNOWN_PRODUCTS, active=True).items
    return render_template(
        "segments/editor.html", tree=_drawn(tree, wrong or {}), name=name, segment={"id": segment.id, "name": segment.name} if segment else None,
        fields=sentences.fields(), known_products=[(product.external_id, product.name) for product in known],
        known_categories=sorted({category for product in known for category in product.categories}), known_events=event_names.known(),
        **{"problems": {}, "general": None, "focus": "", **more}, **_counted(tree),
    )  # fmt: skip


def _drawn(tree: dict[str, Any], wrong: dict[str, str], place: str = "") -> dict[str, Any]:
    """Return the tree as the template draws it, every node with its place."""
    nodes = []
    for index, node in enumerate(tree["conditions"]):
        here = f"{place}{index}"
        inner = (
            _drawn(node, wrong, f"{here}.")
            if "conditions" in node
            else conditions.shape(node) | {"trouble": wrong.get(here)}
        )
        nodes.append(inner | {"place": here})
    return {
        "match": tree.get("match", "all"),
        "nodes": nodes,
        "place": place.rstrip("."),
        "may_nest": place.count(".") + 1 < rules.DEEPEST,
    }


def _counted(tree: dict[str, Any]) -> dict[str, Any]:
    definition = conditions.complete(conditions.finished(tree, g.member.currency))
    page = filters.listed(definition, limit=SAMPLE)
    return {
        "count": segments.count(definition), "sample": [listing.row(*pair) for pair in page.items],
        "sentence": sentences.whole(definition, _product_names(definition)), "everybody": not definition["conditions"],
    }  # fmt: skip


def _from_filters() -> dict[str, Any] | None:
    """Return what a list was filtered by; filters that cannot be understood are left out."""
    found = []
    for text in request.args.getlist("where")[: filters.MOST]:
        try:
            found.append(filters.read(text))
        except filters.BadFilter:
            continue
    return {"match": "all", "conditions": found} if found else None


def _shown(segment: Any, names: dict[str, str]) -> dict[str, Any]:
    return {
        "id": segment.id, "name": segment.name, "size": segment.size, "counted_at": segment.counted_at,
        "sentence": sentences.whole(segment.definition, names), "send_url": _send_url(segment.id),
    }  # fmt: skip


def _send_url(segment_id: Any) -> str | None:
    """Return where a campaign to a segment begins, for those who may make one."""
    rights = frame.viewer().rights or frozenset()
    if "campaigns.edit" not in rights or "campaigns.create" not in current_app.view_functions:
        return None
    return url_for("campaigns.create", segment=segment_id)


def _product_names(definition: dict[str, Any]) -> dict[str, str]:
    keys = list(sentences.products_in(definition))
    return {key: product.name for key, product in products.by_external(keys).items()} if keys else {}
