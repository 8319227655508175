"""Products as shops and programs send them, and finding them again."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import and_, or_, select

from saas.catalog import variants
from saas.catalog.events import ProductsChanged
from saas.catalog.items import KEYS, BadItem, cleaned
from saas.catalog.items import variant as variant_row
from saas.catalog.items import variants as variant_rows
from saas.catalog.models import NO_SOURCE, Product
from saas.catalog.moving import Moves
from saas.catalog.variants import Told
from saas.kit import access, clock, errors, identifiers, search, versions
from saas.kit import db as kit_db
from saas.kit.db import db
from saas.kit.events import announce
from saas.kit.records import CUSTOM
from saas.kit.text import gettext as _
from saas.tenancy import audit, bin, custom_values


class NoSuchProduct(errors.NotFound):
    """There is no such product."""


Message = tuple[datetime, dict[str, Any]]
"""The moment a message speaks of, and the columns it fills."""
BLANK = {
    "sku": "", "name": "", "name_sort": "", "description": "", "url": "", "image_url": "", "currency": "", "kind": "simple", "brand": "",
}  # fmt: skip
GOVERNED = {"images": "image_url", "sale_from": "sale_price", "sale_to": "sale_price", "stock_state": "stock"}
"""What has no right of its own, and the field whose right it goes by."""
LISTS = ("images", "categories", "tags", "cross_sell_keys", "up_sell_keys", "grouped_keys")


@dataclass
class Upserted:
    """What became of one item: status is created, updated, unchanged, stale or failed."""

    index: int
    id: UUID | None
    status: str
    error: str = ""


def upsert_many(items: Sequence[dict[str, Any]], source_id: UUID = NO_SOURCE) -> list[Upserted]:
    """Create or update products from items in the API's shape, and say of each what became of it.

    An item older than what is stored changes nothing; two items of one product are one, the later winning. `variants` of an
    item are all the variants its product has; `fetch` says that its shop must be asked for the rest of it, if this is news.
    """
    results = [Upserted(index, None, "failed") for index in range(len(items))]
    said = _read(items, results)
    held = {product.external_id: product for product in _locked(said.messages, source_id)}
    known = set(held)
    ids = {key: held[key].id if key in held else identifiers.new() for key in said.messages}
    taken = _left_out({ids[key]: messages for key, messages in said.messages.items()}) if said.governed else {}
    moves, values = Moves(), {product_id: {} for product_id in ids.values()}
    written: dict[UUID, str] = {}
    for key, messages in said.messages.items():
        if key in known:
            written[ids[key]] = _apply(held[key], messages, values[ids[key]], moves)
        else:
            held[key] = _made(key, ids[key], source_id)
            _apply(held[key], messages, values[ids[key]])
            db.session.add(held[key])
            written[ids[key]] = "created"
    db.session.flush()
    _write_variants({ids[key]: rows for key, rows in said.listed.items()}, _by_id(held), moves, written)
    for key in said.unfinished:
        if written[ids[key]] in ("created", "updated"):
            held[key].fetch_due_at = said.now
    for key, indexes in said.places.items():
        for index in indexes:
            results[index].id, results[index].status = ids[key], written[ids[key]]
            results[index].error = taken.get(ids[key], "")
    db.session.flush()
    custom_values.write_many("product", values)
    moves.tell()
    tell([product_id for product_id, status in written.items() if status in ("created", "updated")])
    return results


@dataclass
class _Said:
    """What a batch says of each product, by the shop's id: its columns and variants with the moments they speak of, which items
    say it, and of which the shop must be asked for the rest. `governed` tells whether any has values of the company's own fields."""

    now: datetime
    governed: bool
    messages: dict[str, list[Message]] = dataclasses.field(default_factory=dict)
    listed: dict[str, list[Told]] = dataclasses.field(default_factory=dict)
    places: dict[str, list[int]] = dataclasses.field(default_factory=dict)
    unfinished: set[str] = dataclasses.field(default_factory=set)


def _read(items: Sequence[dict[str, Any]], results: Sequence[Upserted]) -> _Said:
    """Return what can be written; the results of the other items say why not."""
    own, unread = custom_values.of_items("product", items)
    said = _Said(clock.now(), bool(own))
    for index, item in enumerate(items):
        try:
            if index in unread:
                raise BadItem(unread[index])
            _require_writable(item)
            row = cleaned(item) | ({"custom": own[index]} if own.get(index) else {})
            rows = variant_rows(item)
        except BadItem as error:
            results[index].error = str(error)
            continue
        key, at = row["external_id"], item.get("updated_at") or said.now + timedelta(microseconds=index)
        said.messages.setdefault(key, []).append((at, row))
        if item.get("fetch"):
            said.unfinished.add(key)
        if rows is not None:
            moments = [one.get("updated_at") or at for one in item["variants"]]
            told_of = Told(item.get("variants_at") or at, list(zip(moments, rows, strict=True)))
            said.listed.setdefault(key, []).append(told_of)
        said.places.setdefault(key, []).append(index)
    return said


def _made(key: str, product_id: UUID, source_id: UUID) -> Product:
    """Return a product of which nothing is known yet but its shop's id."""
    lists: dict[str, list[Any]] = {name: [] for name in LISTS}
    return Product(id=product_id, source_id=source_id, external_id=key, versions={}, custom={}, **BLANK, **lists)


def _write_variants(
    listed: dict[UUID, list[Told]], held: dict[UUID, Product], moves: Moves, written: dict[UUID, str]
) -> None:
    """Write the products' variants; a product is changed by that too."""
    for product_id in variants.write(listed, held, moves):
        if written[product_id] in ("unchanged", "stale"):
            written[product_id] = "updated"
            held[product_id].updated_at = clock.now()


def upsert_variant(item: dict[str, Any], *, product_key: str, source_id: UUID) -> bool:
    """Create or change one variant of a product that is known, told of alone; False when the product is not. Raises BadItem."""
    row = variant_row(item)
    product = next(iter(_locked([product_key], source_id)), None)
    if product is None:
        return False
    at, moves = item.get("updated_at") or clock.now(), Moves()
    if variants.write({product.id: [Told(at, [(at, row)], whole=False)]}, {product.id: product}, moves):
        product.updated_at = clock.now()
        db.session.flush()
        moves.tell()
        tell([product.id])
    db.session.flush()
    return True


def _by_id(held: dict[str, Product]) -> dict[UUID, Product]:
    return {product.id: product for product in held.values()}


def tell(product_ids: Sequence[UUID]) -> None:
    """Have the search and the rooms above learn that products changed."""
    search.touch("product", *product_ids)
    announce(*[
        ProductsChanged(product_ids=[str(one_id) for one_id in product_ids[start : start + 500]]) for start in range(0, len(product_ids), 500)
    ])  # fmt: skip


def _require_writable(item: dict[str, Any]) -> None:
    """Refuse fields that the acting member or key cannot change; a hidden one is refused like one that does not exist."""
    barred = access.locked("product")
    names = [*item, *(name for one in item.get("variants") or () for name in one)] if barred else ()
    for name in (GOVERNED.get(name, name) for name in names):
        if name in access.hidden("product"):
            raise BadItem(access.unknown(name))
        if name in barred and name != "external_id":
            raise BadItem(f"You can see “{name}” and not change it.")


def _locked(wanted: Iterable[str], source_id: UUID) -> list[Product]:
    query = select(Product).where(Product.source_id == source_id, Product.external_id.in_(list(wanted)))
    return list(db.session.scalars(query.order_by(Product.id).with_for_update()))


def _left_out(messages: dict[UUID, list[Message]]) -> dict[UUID, str]:
    """Take values away that must be each product's own and are another's already; returns what to say of the products."""
    wanted: dict[UUID, custom_values.Values] = {}
    for product_id, rows in messages.items():
        for _at, row in rows:
            wanted.setdefault(product_id, {}).update(row.get("custom", {}))
    said = {}
    for product_id, (field, _word) in custom_values.taken_by_others("product", wanted).items():
        said[product_id] = f"{field.name}: another product has this value already; it was left out."
        for _at, row in messages[product_id]:
            row["custom"] = {one: value for one, value in row.get("custom", {}).items() if one is not field}
    return said


def _held(product: Product, name: str) -> Any:
    return product.custom.get(name.removeprefix(CUSTOM)) if name.startswith(CUSTOM) else getattr(product, name)


def _apply(product: Product, messages: list[Message], told: custom_values.Values, moves: Moves | None = None) -> str:
    """Write what is newer, field by field; tells whether that changed anything, or all was older.

    Values of the company's own fields that were taken over are added to `told`, and what a known product cost to `moves`.
    """
    changed = moved = False
    for at, given in messages:
        own = {field.name: (field, value) for field, value in given.get("custom", {}).items()}
        row = {name: value for name, value in given.items() if name != "custom"}
        row |= custom_values.plainly(given.get("custom", {}))
        held = {name: _held(product, name) for name in row}
        newer, after = versions.newer(row, at=at, held=held, versions=product.versions)
        moved = moved or after != product.versions or held == row
        product.versions = after
        taken = dict(own[name] for name in newer if name in own)
        told |= taken
        product.custom = custom_values.merged(product.custom, taken)
        if moves is not None:
            moves.note(product, newer, held=product, at=at)
        for name, value in newer.items():
            if name not in own:
                setattr(product, name, value)
        changed = changed or bool(newer)
    return "updated" if changed else "unchanged" if moved else "stale"


def one(product_id: UUID | str, *, lock: bool = False) -> Product:
    """Return a product; raises NoSuchProduct."""
    return kit_db.one(Product, product_id, NoSuchProduct, lock=lock)


def by_external(keys: Iterable[str], source_id: UUID | None = None) -> dict[str, Product]:
    """Return products by their shop's id; the given source's own before any other source's."""
    wanted = [key for key in dict.fromkeys(keys) if key]
    if not wanted:
        return {}
    found: dict[str, Product] = {}
    for product in db.session.scalars(select(Product).where(Product.external_id.in_(wanted)).order_by(Product.id)):
        if product.external_id not in found or product.source_id == source_id:
            found[product.external_id] = product
    return found


def new_since(product_ids: Iterable[str], moment: datetime) -> list[Product]:
    """Return those of these products that are known only since a moment."""
    wanted = Product.id.in_([UUID(str(one_id)) for one_id in product_ids])
    return list(db.session.scalars(select(Product).where(wanted, Product.created_at > moment).order_by(Product.id)))


def by_key(keys: Iterable[tuple[str, str]], source_id: UUID) -> dict[tuple[str, str], UUID]:
    """Return product ids by (external id, sku): by the id of this source, then any source's, then by the article number."""
    wanted = list(dict.fromkeys(keys))
    products = by_external((external for external, _sku in wanted), source_id)
    skus = {sku for external, sku in wanted if external not in products and sku}
    by_sku = {}
    if skus:
        query = select(Product.sku, Product.id).where(Product.sku.in_(skus)).order_by(Product.id.desc())
        by_sku = dict(db.session.execute(query).all())
    found = {}
    for external, sku in wanted:
        product_id = products[external].id if external in products else by_sku.get(sku)
        if product_id is not None:
            found[external, sku] = product_id
    return found


class KnownAlready(errors.Conflict):
    """There is a product with this id already."""


def create(**fields: Any) -> Product:
    """Create a product by hand; raises KnownAlready or errors.Invalid."""
    access.require_writable("product", [name for name in fields if name not in ("custom", "external_id", "updated_at")])
    key = str(fields.get("external_id") or "")
    if db.session.scalar(select(Product.id).where(Product.source_id == NO_SOURCE, Product.external_id == key)):
        raise KnownAlready(fields={"external_id": ["Another product has this id already."]})
    custom_values.checked("product", fields.get("custom"))
    result = upsert_many([fields])[0]
    if result.id is None:
        raise errors.Invalid(result.error)
    audit.record(action="products.created", kind="product", record_id=result.id, after={"external_id": key})
    return one(result.id)


def change(product_id: UUID | str, **fields: Any) -> Product:
    """Change the given fields of a product; raises NoSuchProduct or errors.Invalid."""
    access.require_writable("product", [name for name in fields if name not in ("custom", "updated_at")])
    product = one(product_id, lock=True)
    try:
        row = cleaned({"external_id": product.external_id, **fields})
    except BadItem as error:
        raise errors.Invalid(str(error)) from None
    own = custom_values.checked("product", fields["custom"], record=product) if fields.get("custom") else {}
    before, moves = {name: getattr(product, name) for name in row}, Moves()
    moves.note(
        product, {name: value for name, value in row.items() if value != before[name]}, held=product, at=clock.now()
    )
    for name, value in row.items():
        setattr(product, name, value)
    changed = [*row, *(field.name for field in own)]
    product.versions = product.versions | dict.fromkeys(changed, versions.stamp(clock.now()))
    product.updated_at = clock.now()
    db.session.flush()
    before_own, after_own = custom_values.apply("product", product, own)
    was, now_held = audit.differing(_plain(before) | before_own, _plain(row) | after_own)
    if now_held:
        audit.record(action="products.edited", kind="product", record_id=product.id, before=was, after=now_held)
    moves.tell()
    search.touch("product", product.id)
    announce(ProductsChanged(product_ids=[str(product.id)]))
    return product


class FromAShop(errors.Conflict):
    """What a shop sells is deleted in the shop."""

    code, message = "from_a_shop", "This product comes from a shop; delete it there, or take it off sale."


def delete(product_id: UUID | str) -> None:
    """Put a product that was made by hand into the bin; lines of orders keep its name. Raises NoSuchProduct or FromAShop."""
    product = one(product_id, lock=True)
    if product.source_id != NO_SOURCE:
        raise FromAShop(_(FromAShop.message))
    audit.record(action="products.deleted", kind="product", record_id=product.id, before={"name": product.name})
    bin.put("product", {product.id: product.name})


def retire(*, external_ids: Iterable[str], source_id: UUID) -> int:
    """Take products and variants off sale because their shop deleted them; they stay, for orders tell of them. Returns how many."""
    keys, retired = list(external_ids), set()
    for product in _locked(keys, source_id):
        if product.active:
            product.active = False
            retired.add(product.id)
        product.versions = product.versions | {"active": versions.stamp(clock.now())}
    retired |= variants.retire(external_ids=keys, source_id=source_id, at=clock.now())
    db.session.flush()
    announce(*[ProductsChanged(product_ids=[str(product_id)]) for product_id in sorted(retired)])
    return len(retired)


def put_back(*, external_ids: Iterable[str], source_id: UUID) -> None:
    """Forget that their shop deleted products, for it fetched them out of its trash; it tells itself how they are sold now."""
    for product in _locked(list(external_ids), source_id):
        product.versions = {name: at for name, at in product.versions.items() if name != "active"}
    db.session.flush()


def by_sku(sku: str) -> list[Product]:
    """Return all products that have an article number, or a variant that has it: shops give one twice."""
    of_variants = {variant.product_id for variant in variants.by_sku(sku)}
    wanted = or_(Product.sku == sku, Product.id.in_(of_variants))
    return list(db.session.scalars(select(Product).where(wanted).order_by(Product.id))) if sku else []


def goes_with(product: Product) -> dict[str, list[Product]]:
    """Return what the shop says goes with a product, by `cross_sells`, `up_sells` and `grouped`; what has not come yet is left out."""
    return beside(product, [])[1]


def beside(product: Product, ids: Iterable[UUID]) -> tuple[dict[UUID, Product], dict[str, list[Product]]]:
    """Return products by their id, and what `goes_with` this product, in one look."""
    wanted, keys = list(ids), [key for column in KEYS.values() for key in getattr(product, column)]
    if not wanted and not keys:
        return {}, {name: [] for name in KEYS}
    same = and_(Product.source_id == product.source_id, Product.external_id.in_(keys))
    found = list(db.session.scalars(select(Product).where(or_(Product.id.in_(wanted), same)).order_by(Product.id)))
    known = {one.external_id: one for one in found if one.source_id == product.source_id}
    return {one.id: one for one in found}, {
        name: [known[key] for key in getattr(product, column) if key in known] for name, column in KEYS.items()
    }


def many(product_ids: Iterable[UUID]) -> dict[UUID, Product]:
    """Return products by their id."""
    ids = list(dict.fromkeys(product_ids))
    return {p.id: p for p in db.session.scalars(select(Product).where(Product.id.in_(ids)))} if ids else {}


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != "name_sort"}
