"""Finding the product and the customer somebody means while they try offers out: by name, by the shop's id, by address."""

from __future__ import annotations

import re
from collections.abc import Iterable

from saas.customers import profiles
from saas.kit import db as kit_db
from saas.kit import scope, search
from saas.recommend import stock

MOST_LISTED = 400  # products suggested while one types


def people(text: str) -> list[dict[str, str]]:
    """Return the customers somebody may mean, the likeliest first."""
    if not text:
        return []
    try:
        known = profiles.one(text)
        return [{"id": str(known.id), "name": known.name}]
    except profiles.NoSuchCustomer:
        hits = search.find(scope.tenant_id(), text, kinds=["customer"], limit=5)
        return [{"id": str(hit.id), "name": hit.title} for hit in hits]


def listed() -> list[str]:
    """Suggest products while one types, by name and the shop's id."""
    every = stock.catalogue(scope.tenant_id()).by_number.values()
    return [label(product) for product in sorted(every, key=lambda one: one.name)[:MOST_LISTED] if product.name]


def label(product: stock.Product) -> str:
    return f"{product.name} ({product.key})"


def product(text: str) -> stock.Product | None:
    """Find the product that was typed or chosen: by label, id, the shop's id, the exact name, or a name that begins so."""
    if not text:
        return None
    catalogue = stock.catalogue(scope.tenant_id())
    every = sorted(catalogue.by_number.values(), key=lambda one: (len(one.name), one.key))
    low = text.lower()
    tests = (
        lambda one: label(one) == text, lambda one: one.id == text, lambda one: one.key == text, lambda one: one.name.lower() == low,
        lambda one: one.name.lower().startswith(low), lambda one: low in one.name.lower(),
    )  # fmt: skip
    return next((one for test in tests for one in every if test(one)), None)


def exactly(lines: Iterable[str]) -> tuple[list[str], list[str]]:
    """Find products by label, id, the shop's id or whole name: the ids of those found in their order, and what was not found."""
    every = list(stock.catalogue(scope.tenant_id()).by_number.values())
    known = {one.name.lower(): one.id for one in every} | {one.key.lower(): one.id for one in every}
    known |= {label(one).lower(): one.id for one in every} | {one.id: one.id for one in every}
    wanted = [line for line in (re.sub(r"\s+", " ", line).strip() for line in lines) if line]
    found = [known[line.lower()] for line in wanted if line.lower() in known]
    return list(dict.fromkeys(found)), [line for line in wanted if line.lower() not in known]


def labels(numbers: Iterable[int]) -> list[str]:
    """Return what products are called in a form; those that are gone are left out."""
    catalogue = stock.catalogue(scope.tenant_id())
    return [label(one) for number in numbers if (one := catalogue.by_number.get(number)) is not None]


def named(ids: Iterable[str]) -> list[str]:
    """Return what products are called that are given by their ids; one that is gone stays the id it was."""
    catalogue = stock.catalogue(scope.tenant_id())
    found = ((one, kit_db.uuid(one)) for one in map(str, ids))
    known = ((one, catalogue.by_number.get(stock.number_of(made)) if made else None) for one, made in found)
    return [label(product) if product is not None else one for one, product in known]
