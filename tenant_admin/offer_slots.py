"""Places of offers: what each shows now, what is wanted there, and a preview for any customer or visitor while one decides."""

from __future__ import annotations

import re
from typing import Any
from uuid import UUID

from flask import Blueprint, render_template, request, url_for
from flask_babel import gettext as _

from saas.kit import access, doors, money, scope
from saas.kit.errors import Invalid
from saas.recommend import offers, places, reasons, slots, stock
from saas.recommend.places import BUILT_IN, Slot
from saas.recommend.slot_schemas import slot_plain
from saas.tenancy import audit, tenants
from tenant_admin import frame, offer_pickers, offer_words

pages = Blueprint("offer_slots", __name__, url_prefix="/recommendations/slots")

PICTURED = 5
TRIED = 8
VISITOR = re.compile(r"[A-Za-z0-9_-]{1,64}")
NUMBERS = tuple(slots.RANGES)
SWITCHES = ("active", "unknown_margin", "reduced_only", "bundle")
FALLBACKS = 3


@pages.get("")
@doors.open_to("member", "offers.read")
def index():
    """All places with what a stranger is shown there now."""
    catalogue = stock.catalogue(scope.tenant_id())
    example = next((catalogue.by_number[number].key for number in catalogue.newest), "")
    rows = [_row(row, example) for row in slots.listed()]
    return render_template("recommend/slots.html", rows=rows, tab="slots", may_edit=access.may("offers.edit"))


def _row(row: Any, example: str) -> dict[str, Any]:
    beside = example if row.place == "product" else ""
    tried = offers.preview(tenant_id=scope.tenant_id(), placed=slots.compact(row), product=beside, limit=PICTURED)
    return {
        "id": row.key, "name": _name(row), "key": row.key, "place": offer_words.PLACES[row.place], "own": row.key not in BUILT_IN,
        "engine": offer_words.SHORT[row.engine], "then": [offer_words.SHORT[one] for one in row.fallback],
        "shown": [{"name": one.product.name, "picture": one.product.image_url} for one in tried.chosen.items],
        "state": "inactive" if not row.active else "active", "changed": row.id is not None,
    }  # fmt: skip


def _name(row: Any) -> str:
    return row.name or str(offer_words.PLACES[row.place])


@pages.get("/new")
@doors.open_to("member", "offers.edit")
def new():
    """An empty place of the company's own."""
    return _form(slots.draft_of("home"), None)


@pages.post("/new")
@doors.open_to("member", "offers.edit")
def create():
    """Make a place."""
    try:
        row = slots.create(key=request.form.get("key", "").strip(), place=request.form.get("place", ""), **_fields())
    except Invalid as error:
        return _form(slots.draft_of("home"), None, errors=error.fields or {"name": [error.message]}), 422
    frame.toast(_("The place is made. Put its code on a page of your shop."))
    return frame.go(url_for("offer_slots.edit", slot_key=row.key))


@pages.get("/<slot_key>")
@doors.open_to("member", "offers.read")
def edit(slot_key: str):
    """One place, to change it and to see what it does."""
    row = slots.one(slot_key)
    return _form(slots.compact(row), row)


@pages.post("/<slot_key>")
@doors.open_to("member", "offers.edit")
def change(slot_key: str):
    """Change a place."""
    row = slots.one(slot_key)
    try:
        slots.change(slot_key, **_fields())
    except Invalid as error:
        return _form(slots.compact(row), row, errors=error.fields), 422
    frame.toast(_("Saved. Shoppers see it within two seconds."))
    return frame.go(url_for("offer_slots.edit", slot_key=slot_key))


@pages.post("/<slot_key>/delete")
@doors.open_to("member", "offers.edit")
def delete(slot_key: str):
    """Put a place into the bin, or have a built-in one be as it came."""
    held = slots.one(slot_key).id
    slots.delete(slot_key)
    word = _("The place is as it came.") if slot_key in BUILT_IN else _("The place is deleted.")
    frame.toast(word, undo=frame.undo_url(audit.latest()) if held else None)
    return frame.go(url_for("offer_slots.index"))


@pages.post("/preview")
@doors.open_to("member", "offers.read")
def preview():
    """What a place would show with what stands in the form; nothing is kept."""
    key = request.form.get("slot_key", "")
    try:
        slot = (
            slots.drafted(slots.one(key), **_fields())
            if key
            else slots.draft_of(request.form.get("place", ""), **_fields())
        )
    except Invalid as error:
        return render_template("recommend/slot_preview.html", wrong=_sentences(error), tried=None)
    return render_template("recommend/slot_preview.html", wrong=[], **_tried(slot, request.form))


def _sentences(error: Invalid) -> list[str]:
    return [sentence for several in (error.fields or {"": [error.message]}).values() for sentence in several]


def _tried(slot: Slot, asked: Any) -> dict[str, Any]:
    """Choose for whoever the form names, and say who that is."""
    who, visitor = asked.get("try_customer", "").strip(), asked.get("try_visitor", "").strip()
    people, product = offer_pickers.people(who), offer_pickers.product(asked.get("try_product", "").strip())
    cart, _unknown = _keys(asked.get("try_cart", ""))
    tried = offers.preview(
        tenant_id=scope.tenant_id(), placed=slot, product=product.key if product else "", customer_id=UUID(people[0]["id"]) if people else None,
        visitor=visitor if VISITOR.fullmatch(visitor) else "", cart=cart, query=asked.get("try_query", "").strip()[:200],
        limit=slot.count or TRIED, language=reasons.language_of(frame.language()),
    )  # fmt: skip
    about = [_("for %(name)s", name=people[0]["name"])] if people else [_("for somebody unknown")]
    about += [_("beside %(name)s", name=product.name)] if product else []
    missing = [
        text for text, found in ((who, people), (asked.get("try_product", "").strip(), product)) if text and not found
    ]
    return {
        "tried": [_shown(one) for one in tried.chosen.items], "left_out": [_left(one) for one in tried.left_out], "about": about,
        "bundle": _bundle(tried.chosen.bundle), "missing": missing, "active": slot.active,
    }  # fmt: skip


def _keys(lines: str) -> tuple[list[str], list[str]]:
    ids, unknown = offer_pickers.exactly(lines.split(","))
    catalogue = stock.catalogue(scope.tenant_id())
    return [catalogue.by_number[stock.number_of(UUID(one))].key for one in ids], unknown


def _bundle(bundle: offers.Bundle | None) -> dict[str, Any] | None:
    if bundle is None:
        return None
    return {"text": bundle.text, "micros": money.parse_micros(bundle.sum), "currency": bundle.product.currency}


def _shown(offer: offers.Offer) -> dict[str, Any]:
    product = offer.product
    return {
        "name": product.name, "picture": product.image_url, "link": url_for("products.show", product_id=product.id), "why": offer.reason_text,
        "engine": offer_words.SHORT.get(offer.engine, offer.engine), "micros": product.micros, "currency": product.currency,
    }  # fmt: skip


def _left(one: offers.LeftOut) -> dict[str, Any]:
    return {
        "name": one.product.name,
        "why": offer_words.LEFT_OUT.get(one.rule, one.rule),
        "engine": offer_words.SHORT.get(one.engine, one.engine),
    }


def _form(slot: Slot, row: Any, *, errors: dict[str, list[str]] | None = None):
    """Show the form with what was typed, or with what is kept; the preview beside it is of what is kept."""
    values = request.form.to_dict() | {"fallback": request.form.getlist("fallback")} if errors else _values(slot, row)
    if errors:
        values |= {name: name in request.form for name in SWITCHES}
    values["fallback"] = [*values["fallback"], "", "", ""][:FALLBACKS]
    try_product = _example(slot)
    asked = {"try_product": try_product} | request.args.to_dict()
    told = {re.sub(r"\..*", "", name): several for name, several in (errors or {}).items()}
    return render_template(
        "recommend/slot.html", values=values, errors=told, row=row, key=row.key if row is not None else None, title=_name(row) if row is not None else _("New place"),
        own=row is None or row.key not in BUILT_IN, changed=row is not None and row.id is not None, stands=slot.place,
        places=offer_words.PLACES, engines=offer_words.ENGINES, listed=offer_pickers.listed(), asked=asked, wrong=[],
        currency=slot.currency or tenants.settings().currency, limits=slots.MOST_OF, may_edit=access.may("offers.edit"),
        **_tried(slot, asked),
    )  # fmt: skip


def _example(slot: Slot) -> str:
    """Begin beside some product where the place stands beside one."""
    catalogue = stock.catalogue(scope.tenant_id())
    newest = catalogue.newest[:1] if slot.place == "product" else []
    return offer_pickers.label(catalogue.by_number[newest[0]]) if newest else ""


def _values(slot: Slot, row: Any) -> dict[str, Any]:
    kept = slot_plain(row) if row is not None else {name: getattr(slot, name) for name in places.NAMES}
    lists = {name: "\n".join(offer_pickers.labels(getattr(slot, name))) for name in slots.PRODUCTS}
    words = {name: ", ".join(getattr(slot, name)) for name in ("excluded_tags", "excluded_categories")}
    return kept | lists | words | {"fallback": list(slot.fallback), "place": slot.place}


def _fields() -> dict[str, Any]:
    """Read the form; what is no number or no product is left to the room to refuse."""
    form = request.form
    found: dict[str, Any] = {
        "name": form.get("name", ""), "engine": form.get("engine", ""), "fallback": [one for one in form.getlist("fallback") if one],
        "price_least": form.get("price_least", "").strip() or None, "price_most": form.get("price_most", "").strip() or None,
    }  # fmt: skip
    found |= {name: name in form for name in SWITCHES}
    found |= {name: _number(form.get(name), name) for name in NUMBERS}
    for name in ("excluded_tags", "excluded_categories"):
        found[name] = [one.strip() for one in form.get(name, "").split(",") if one.strip()]
    for name in slots.PRODUCTS:
        ids, unknown = offer_pickers.exactly(form.get(name, "").splitlines())
        found[name] = [*ids, *unknown]
    return found


def _number(text: str | None, name: str) -> int | None:
    text = (text or "").strip()
    if not text and name in slots.OPTIONAL:
        return None
    return int(text) if re.fullmatch(r"-?[0-9]{1,8}", text) else slots.RANGES[name][0] - 1
