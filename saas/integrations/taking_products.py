"""Products from a file, through the catalogue's own door for many: it cleans, matches by the shop's id and keeps versions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import Text, select

from saas.catalog import products
from saas.catalog.items import PRICES
from saas.catalog.models import NO_SOURCE, Product, ProductValue
from saas.customers.bulk import Written
from saas.integrations.import_rows import Parsed, too_few
from saas.integrations.outcomes import Decided, Outcome
from saas.kit import arrays, record_values, records
from saas.kit.db import db

CHUNK = 500


class Products:
    """Takes products for one import."""

    kind = "product"
    model = Product
    together = None
    room: int | None = None

    def __init__(self, options: dict[str, Any], *, import_id: UUID, mapped: Mapping[str, int]) -> None:
        self.options, self.import_id = options, import_id
        self.source_id = UUID(options["source_id"]) if options.get("source_id") else NO_SOURCE
        self.mode = options.get("mode", "both")
        self.tags = tuple(options.get("tags", ()))
        fields = records.kind("product").fields()
        self.own = {name: fields[name] for name in fields if name.startswith("custom.")}

    def _item(self, row: Parsed) -> dict[str, Any]:
        item: dict[str, Any] = {}
        for name, value in row.values.items():
            if name in self.own:
                continue
            if value is None:
                empty = name in PRICES or name == "stock"
                item[name] = None if empty else [] if name in ("categories", "tags") else ""
            elif name in PRICES:
                item[name] = f"{value:f}"
            elif name == "stock":
                item[name] = int(value)
            else:
                item[name] = list(value) if isinstance(value, tuple) else value
        if item.get("price") is None:
            item.pop("price", None)
        if not item.get("active"):
            item.pop("active", None) if item.get("active") == "" else None
        if self.tags:
            item["tags"] = [*item.get("tags", ()), *self.tags]
        return item

    def decide(self, rows: Sequence[Parsed], *, trial: bool = False) -> Decided:
        """Say what becomes of each row; changes nothing."""
        decided = Decided(work={})
        items: list[tuple[Outcome, dict[str, Any]]] = []
        for row in rows:
            outcome = Outcome(row, "created")
            decided.outcomes.append(outcome)
            if row.problems:
                outcome.state, outcome.reason = "failed", row.reason
            else:
                items.append((outcome, self._item(row)))
        by_sku = self._by_sku(
            [item["sku"] for _outcome, item in items if item.get("sku") and not item.get("external_id")]
        )
        for _outcome, item in items:
            if not item.get("external_id") and item.get("sku"):
                item["external_id"] = by_sku.get(item["sku"], item["sku"])
        held = self._held([item["external_id"] for _outcome, item in items if item.get("external_id")])
        for outcome, item in items:
            key = item.get("external_id")
            if not key:
                outcome.state, outcome.reason = "failed", too_few()
                continue
            try:
                columns = products.cleaned(item)
            except products.BadItem as error:
                outcome.state, outcome.reason = "failed", str(error)
                continue
            self._judge(outcome, item, columns, held.get(key), decided.work)
        return decided

    def _judge(
        self, outcome: Outcome, item: dict[str, Any], columns: dict[str, Any], held: Any, work: dict[str, Any]
    ) -> None:
        key = columns["external_id"]
        own = {name: value for name, value in outcome.row.values.items() if name in self.own}
        if key in work:
            outcome.state, outcome.record_id = "repeated", held.id if held is not None else None
            if self.options.get("repeated") != "first":
                work[key][1].update(item)
                work[key][2].update(own)
            return
        if held is None:
            outcome.after = columns
            if self.mode == "update":
                outcome.state = "skipped"
                return
        else:
            outcome.record_id = held.id
            kept = {self.own[name].key: self.own[name].plain(value) for name, value in own.items()}
            outcome.after = {name: value for name, value in columns.items() if getattr(held, name) != value}
            outcome.before = {name: getattr(held, name) for name in outcome.after}
            changed = {name: value for name, value in kept.items() if held.custom.get(name) != value}
            if changed:
                outcome.after["custom"], outcome.before["custom"] = (
                    changed,
                    {name: held.custom.get(name) for name in changed},
                )
            outcome.state = "skipped" if self.mode == "create" else "updated" if outcome.after else "unchanged"
            if outcome.state != "updated":
                return
        work[key] = (outcome, item, own)

    def _held(self, keys: Sequence[str]) -> dict[str, Product]:
        query = select(Product).where(
            Product.source_id == self.source_id, Product.external_id == arrays.among(list(keys), Text)
        )
        return {product.external_id: product for product in db.session.scalars(query)} if keys else {}

    def _by_sku(self, skus: Sequence[str]) -> dict[str, str]:
        query = select(Product.sku, Product.external_id).where(
            Product.source_id == self.source_id, Product.sku == arrays.among(list(skus), Text)
        )
        return dict(db.session.execute(query).all()) if skus else {}

    @staticmethod
    def leave(decided: Decided, outcome: Outcome) -> None:
        """Do nothing to the product of an outcome after all."""
        decided.work = {key: one for key, one in decided.work.items() if one[0] is not outcome}

    def keys(self, decided: Decided) -> list[tuple[Outcome, list[str]]]:
        """Return what each row is known by, so that a trial notices repetitions across batches."""
        return [(outcome, [key]) for key, (outcome, _item, _own) in decided.work.items()]

    def write(self, decided: Decided) -> list[Written]:
        """Write what was decided; returns what was done to each product."""
        everything = list(decided.work.values())
        written: list[Written] = []
        for start in range(0, len(everything), CHUNK):
            some = everything[start : start + CHUNK]
            results = products.upsert_many([item for _outcome, item, _own in some], self.source_id)
            kept = products.many([one.id for one in results if one.id])
            own_values = {}
            for (outcome, _item, own), result in zip(some, results, strict=True):
                if result.id is None:
                    outcome.state, outcome.reason = "failed", result.error
                    continue
                product = kept[result.id]
                outcome.record_id = result.id
                if own:
                    plain = {self.own[name].key: self.own[name].plain(value) for name, value in own.items()}
                    product.custom = {
                        name: value for name, value in {**product.custom, **plain}.items() if value is not None
                    }
                    own_values[product.id] = {self.own[name]: value for name, value in own.items()}
                made = outcome.state == "created"
                after = None if made else {
                    name: product.custom and {key: product.custom.get(key) for key in (outcome.after or {})["custom"]} if name == "custom" else getattr(product, name)
                    for name in outcome.after or {}
                }  # fmt: skip
                written.append(Written(product.id, made, product.updated_at, None if made else outcome.before, after))
            db.session.flush()
            record_values.write(ProductValue, own_values)
            moved = {product.id: product.updated_at for product in kept.values()}
            written = [
                Written(one.record_id, one.made, moved.get(one.record_id, one.at), one.before, one.after)
                for one in written
            ]
            for product in kept.values():  # what was written is not kept in mind
                db.session.expunge(product)
        return written
