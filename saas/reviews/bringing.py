"""Reviews that were written elsewhere: brought by a program, or fetched from a WooCommerce store and compared with it from then on.

A store tells of no review by itself and cannot be asked for what changed. So the newest are read once a day, and all once a
week; nothing of it is read inside a transaction. Nothing is announced of what is brought: it is the past.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import select

from saas.catalog import products
from saas.commerce import shops
from saas.commerce.connectors.delivery import plain
from saas.commerce.connectors.past import StoreBusy, StoreRefused
from saas.commerce.connectors.woocommerce_rest import Store
from saas.customers import identity
from saas.kit import clock, errors, http_out, identifiers, text, work
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.reviews import settings, summaries
from saas.reviews.models import Review, ReviewSettings
from saas.reviews.writing import MOST

log = logging.getLogger("regulars.reviews")
A_PAGE, BUDGET = 100, 30.0
LEASE, DAILY, WEEKLY, TROUBLE = timedelta(minutes=5), timedelta(days=1), timedelta(days=7), timedelta(hours=1)
SHOWN = {"approved": "published", "hold": "waiting"}
"""States of a store's review that are brought; spam and what lies in its bin are not."""


class CannotFetch(errors.Conflict):
    """The shop is no WooCommerce store, or has no keys."""

    code = "cannot_fetch"


class Brought:
    """What became of one: created, updated or unchanged, or failed with its reason."""

    def __init__(self, index: int, status: str, review_id: UUID | None = None, error: str = "") -> None:
        self.index, self.status, self.id, self.error = index, status, review_id, error


def bring_many(items: Sequence[Mapping[str, Any]], source_id: UUID, *, origin: str) -> list[Brought]:
    """Write reviews in the API's shape, each known by its `external_id`, and say of each what became of it.

    What people decided here about one stays; its words and stars are the source's. A doubled one of a batch counts once.
    """
    keys = [text.clean(str(item["external_id"]), most=200) for item in items]
    query = select(Review).where(Review.source_id == source_id, Review.external_id.in_(keys)).with_for_update()
    known = {review.external_id: review for review in db.session.scalars(query.order_by(Review.id))}
    sold = products.by_external([str(item["product"]) for item in items], source_id)
    norms = {_norm(item.get("email")) for item in items} - {""}
    people = {
        name[2]: found
        for name, found in identity.find_many([("email", identity.NO_SOURCE, norm) for norm in norms]).items()
    }
    results = []
    for index, (key, item) in enumerate(zip(keys, items, strict=True)):
        product = sold.get(str(item["product"]))
        if not key or product is None:
            results.append(
                Brought(index, "failed", error=_("There is no such product.") if key else _("It has no id."))
            )
            continue
        review, values = known.get(key), _values(item, product, people)
        if review is None:
            review = known[key] = Review(
                id=identifiers.new(), source_id=source_id, external_id=key, origin=origin, told=True, **values
            )
            review.held = ["shop"] if review.state == "waiting" else []
            db.session.add(review)
            results.append(Brought(index, "created", review.id))
        else:
            decided = {"email"}  # which retention may have emptied
            if review.decided_at is not None or review.answered_at is not None:
                decided |= {"state", "answer"}
            if not item.get("written_at"):
                decided |= {"written_at"}
            fresh = {
                name: value for name, value in values.items() if name not in decided and getattr(review, name) != value
            }
            if "product_id" in fresh:
                summaries.forget(review.product_id)  # what it was said of before
            for name, value in fresh.items():
                setattr(review, name, value)
            results.append(Brought(index, "updated" if fresh else "unchanged", review.id))
            if not fresh:
                continue
        summaries.forget(product.id)
    db.session.flush()
    return results


def _values(item: Mapping[str, Any], product: Any, people: Mapping[str, UUID]) -> dict[str, Any]:
    said = {name: text.clean(str(item.get(given) or ""), most=MOST[name]) for name, given in
            (("title", "title"), ("body", "text"), ("name", "name"), ("language", "language"))}  # fmt: skip
    norm, verified = _norm(item.get("email")), bool(item.get("verified"))
    return said | {
        "product_id": product.id, "product_key": product.external_id, "product_name": product.name, "stars": int(item["stars"]), "email": norm,
        "customer_id": people.get(norm) if verified else None, "verified": verified, "state": item.get("state") or "published",
        "written_at": item.get("written_at") or clock.now(), "answer": text.clean(str(item.get("answer") or ""), most=2000),
    }  # fmt: skip


def _norm(email: Any) -> str:
    try:
        return text.email(str(email or ""))
    except text.NotAnEmail:
        return ""


# From a store


def fetch(shop_id: UUID | str) -> ReviewSettings:
    """Have a store's reviews fetched now, and compared with it from then on; raises NoSuchShop or CannotFetch."""
    shop = shops.one(shop_id)
    if shop.kind != "woocommerce" or not shops.readable(shop):
        raise CannotFetch(_("Only the reviews of a WooCommerce store with keys can be fetched."))
    row = _row(shop.id) or ReviewSettings(id=shop.id, content={})
    db.session.add(row)
    row.content = row.content | {"due_at": clock.now().isoformat(), "page": 1, "whole": True, "trouble": ""}
    db.session.flush()
    return row


def stores() -> list[shops.Shop]:
    """Return the stores whose reviews can be fetched."""
    connected = db.session.scalars(shops.listed(kind="woocommerce")).all()
    return [shop for shop in connected if shops.readable(shop)]


def standing(shop_id: UUID) -> dict[str, Any]:
    """Return how far the fetching from a store is; empty where nobody ever asked for it."""
    row = _row(shop_id)
    return row.content if row is not None else {}


def _row(shop_id: UUID, *, lock: bool = False) -> ReviewSettings | None:
    query = select(ReviewSettings).where(ReviewSettings.id == shop_id)
    return db.session.scalars(query.with_for_update(skip_locked=True) if lock else query).one_or_none()


def due() -> list[tuple[int, UUID]]:
    """Return the stores that are to be read now; for work across all companies."""
    now = clock.now().isoformat()
    query = select(ReviewSettings.tenant_id, ReviewSettings.id, ReviewSettings.content).where(
        ReviewSettings.id != settings.ONLY
    )
    return [
        (tenant_id, shop_id)
        for tenant_id, shop_id, content in db.session.execute(query)
        if (content.get("due_at") or "~") <= now
    ]


def advance(tenant_id: int, shop_id: UUID, *, budget: float = BUDGET) -> int:
    """Read a store's reviews for a bounded time and write them; returns how many changed. Goes on where it was next time."""
    until, changed = time.monotonic() + budget, 0
    while time.monotonic() < until:
        with work.unit(tenant_id=tenant_id):
            row = _row(shop_id, lock=True)
            if row is None or (row.content.get("due_at") or "~") > clock.now().isoformat():
                break
            try:
                store = _store(shop_id)
            except (shops.NoSuchShop, CannotFetch):
                db.session.delete(row)
                break
            place = row.content
            row.content = place | {"due_at": (clock.now() + LEASE).isoformat()}
        params = {"per_page": A_PAGE, "page": place.get("page", 1), "order": "desc", "orderby": "date", "status": "all"}
        try:
            found, pages = store.call("GET", "/products/reviews", params=params)
            if not isinstance(found, list):
                raise StoreRefused("The store answered with something else than a list.")
        except (StoreRefused, StoreBusy, http_out.Unreachable) as problem:
            with work.unit(tenant_id=tenant_id):
                _later(shop_id, TROUBLE, trouble=problem.message)
            break
        with work.unit(tenant_id=tenant_id):
            changed += _took(shop_id, place, found, pages)
    return changed


def _store(shop_id: UUID) -> Store:
    shop = shops.one(shop_id)
    held = shops.access(shop) if shops.readable(shop) else None
    if held is None:
        raise CannotFetch
    return Store(
        shop.url, held.get("key", ""), held.get("secret", ""), root=held.get("root", ""), way=held.get("way", "")
    )


def _took(shop_id: UUID, place: Mapping[str, Any], bodies: Sequence[Any], pages: int) -> int:
    read = [one for one in map(_read, bodies) if one is not None]
    results = bring_many(read, shop_id, origin="shop")
    changed = sum(one.status in ("created", "updated") for one in results)
    page = place.get("page", 1)
    more = bool(bodies) and page < pages and (place.get("whole") or changed > 0)
    if more:
        _later(shop_id, timedelta(0), page=page + 1, trouble="")
        return changed
    now, last = clock.now(), place.get("whole_at")
    whole_at = now.isoformat() if place.get("whole") else last
    again = whole_at is None or datetime.fromisoformat(whole_at) < now + DAILY - WEEKLY
    _later(shop_id, DAILY, page=1, whole=again, whole_at=whole_at, done_at=now.isoformat(), trouble="")
    return changed


def _later(shop_id: UUID, wait: timedelta, **more: Any) -> None:
    row = _row(shop_id)
    if row is not None:
        row.content = row.content | more | {"due_at": (clock.now() + wait).isoformat()}
        db.session.flush()


def _read(body: Any) -> dict[str, Any] | None:
    """Return a store's review in the API's shape, or None for one that is not brought."""
    if not isinstance(body, dict) or not isinstance(body.get("id"), int) or body.get("status") not in SHOWN:
        return None
    stars = body.get("rating")
    if not isinstance(stars, int) or not 1 <= stars <= 5:
        return None  # a comment without stars
    return {
        "external_id": str(body["id"]), "product": str(body.get("product_id") or ""), "stars": stars, "title": "", "text": plain(str(body.get("review") or "")),
        "name": str(body.get("reviewer") or ""), "email": str(body.get("reviewer_email") or ""), "verified": body.get("verified") is True,
        "state": SHOWN[body["status"]], "written_at": moment(body.get("date_created_gmt") or body.get("date_created")),
    }  # fmt: skip


def moment(given: Any) -> datetime | None:
    """Return a moment as a store writes it, or None where it is none."""
    try:
        found = datetime.fromisoformat(str(given))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)
