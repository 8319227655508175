"""Connected shops: their keys and secrets, whether they are well, and how they are told from each other."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Select, func, select

from saas.commerce.events import ShopConnected
from saas.commerce.models import SHOP_KINDS, Shop
from saas.kit import clock, crypto, errors, identifiers, scope, text
from saas.kit import db as kit_db
from saas.kit.db import db
from saas.kit.events import announce
from saas.kit.text import gettext as _
from saas.tenancy import audit, directory, limits


class NoSuchShop(errors.NotFound):
    """There is no such shop."""


class BadShop(errors.Invalid):
    """A field of the shop is out of range."""


def one(shop_id: UUID | str, *, lock: bool = False) -> Shop:
    """Return a connected shop; raises NoSuchShop."""
    found = kit_db.one(Shop, shop_id, NoSuchShop, lock=lock)
    if found.removed_at is not None:
        raise NoSuchShop
    return found


def listed(*, kind: str | None = None) -> Select:
    """Return a select of the connected shops, of one kind or of all; OLDEST is their order."""
    query = select(Shop).where(Shop.removed_at.is_(None))
    return query.where(Shop.kind == kind) if kind else query


OLDEST = ((Shop.id, "asc"),)


def all_shops() -> list[Shop]:
    """Return the connected shops, oldest first."""
    return list(db.session.scalars(listed().order_by(Shop.id)))


def count() -> int:
    return db.session.scalar(select(func.count()).select_from(Shop).where(Shop.removed_at.is_(None))) or 0


def _place(shop_id: UUID, column: str) -> str:
    return f"{scope.tenant_id()}|shops|{column}|{shop_id}"


def connect(
    *, kind: str, name: str, url: str = "", currency: str = "", webhook_secret: str | None = None,
    consumer_key: str | None = None, consumer_secret: str | None = None,
) -> tuple[Shop, str]:  # fmt: skip
    """Connect a shop and return it with its webhook secret, which is made here unless given; raises BadShop or OverLimit."""
    limits.require("shops", used=count())
    if kind not in SHOP_KINDS:
        raise BadShop(fields={"kind": [_("Choose one of the kinds of shop.")]})
    if not text.clean(name):
        raise BadShop(fields={"name": [_("Give the shop a name.")]})
    url = text.clean(url, most=500).rstrip("/")
    if url and not url.startswith(("https://", "http://")):
        raise BadShop(fields={"url": [_("The address must begin with https://.")]})
    secret = webhook_secret or crypto.new_token(32)
    shop_id = identifiers.new()
    shop = Shop(
        id=shop_id, kind=kind, name=text.clean(name, most=120), url=url, currency=currency.upper(),
        site_key=f"pk_{crypto.new_token(24)}", hook_token=crypto.new_token(32),
        secret_sealed=crypto.seal(secret, place=_place(shop_id, "secret")), backfill={}, reconciled={},
    )  # fmt: skip
    if consumer_key and consumer_secret:
        shop.access_sealed = _seal_access(shop_id, consumer_key, consumer_secret)
        shop.backfill = {
            "state": "wanted",
            "kind": "products",
            "page": 1,
            "done": {},
            "asked_at": clock.now().isoformat(),
        }
    db.session.add(shop)
    db.session.flush()
    directory.enter(kind="site_key", key=shop.site_key, subject_id=shop_id)
    directory.enter(kind="hook_token", key=shop.hook_token, subject_id=shop_id)
    audit.record(
        action="shops.connected", kind="shop", record_id=shop_id, after={"kind": kind, "name": shop.name, "url": url}
    )
    announce(ShopConnected(shop_id=str(shop_id)))
    return shop, secret


def _seal_access(shop_id: UUID, key: str, secret: str) -> bytes:
    return crypto.seal(orjson.dumps({"key": key, "secret": secret}).decode(), place=_place(shop_id, "access"))


def change(shop_id: UUID | str, **fields: Any) -> Shop:
    """Change a shop's name, address, currency or REST keys; raises NoSuchShop or BadShop."""
    shop = one(shop_id, lock=True)
    before = {name: getattr(shop, name) for name in ("name", "url", "currency")}
    for name, most in (("name", 120), ("url", 500), ("currency", 3)):
        if fields.get(name) is not None:
            setattr(shop, name, text.clean(fields[name], most=most))
    if fields.get("consumer_key") and fields.get("consumer_secret"):
        shop.access_sealed = _seal_access(shop.id, fields["consumer_key"], fields["consumer_secret"])
    db.session.flush()
    audit.record(
        action="shops.edited",
        kind="shop",
        record_id=shop.id,
        before=before,
        after={n: getattr(shop, n) for n in before},
    )
    return shop


def remove(shop_id: UUID | str) -> None:
    """Disconnect a shop: nothing more enters through it; what came stays. Raises NoSuchShop."""
    shop = one(shop_id, lock=True)
    shop.removed_at = clock.now()
    directory.strike(kind="site_key", subject_id=shop.id)
    directory.strike(kind="hook_token", subject_id=shop.id)
    audit.record(action="shops.removed", kind="shop", record_id=shop.id, before={"name": shop.name})
    db.session.flush()


def secret_of(shop: Shop) -> str:
    """Return a shop's webhook secret."""
    return crypto.unseal(shop.secret_sealed, place=_place(shop.id, "secret"))


def secrets(shop_id: UUID) -> list[str]:
    """Return the secrets a shop may sign with: the current one and, after a change, the one before. Empty when unknown."""
    shop = db.session.scalars(select(Shop).where(Shop.id == shop_id, Shop.removed_at.is_(None))).one_or_none()
    if shop is None:
        return []
    found = [secret_of(shop)]
    if shop.previous_secret_sealed:
        found.append(crypto.unseal(shop.previous_secret_sealed, place=_place(shop.id, "secret")))
    return found


def renew_secret(shop_id: UUID | str) -> str:
    """Give a shop a new webhook secret and return it; the old one is accepted until the next renewal."""
    shop = one(shop_id, lock=True)
    secret = crypto.new_token(32)
    shop.previous_secret_sealed, shop.secret_sealed = (
        shop.secret_sealed,
        crypto.seal(secret, place=_place(shop.id, "secret")),
    )
    audit.record(action="shops.secret_renewed", kind="shop", record_id=shop.id)
    db.session.flush()
    return secret


def access(shop: Shop) -> tuple[str, str] | None:
    """Return a shop's REST key and secret, or None when they were not given."""
    if not shop.access_sealed:
        return None
    held = orjson.loads(crypto.unseal(shop.access_sealed, place=_place(shop.id, "access")))
    return held["key"], held["secret"]


def note_delivery(shop_id: UUID) -> None:
    """Note that a shop delivered something just now."""
    shop = one(shop_id)
    shop.last_delivery_at = clock.now()
