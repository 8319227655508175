"""Connected shops: their keys and secrets, whether they are well, and how they are told from each other."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any
from uuid import UUID

import orjson
from sqlalchemy import Select, func, select

from saas import config
from saas.commerce.events import ShopConnected
from saas.commerce.models import SHOP_KINDS, Order, Shop
from saas.kit import clock, crypto, errors, http_out, identifiers, scope, text
from saas.kit import db as kit_db
from saas.kit.db import db
from saas.kit.events import announce
from saas.kit.text import gettext as _
from saas.tenancy import audit, directory, limits


class NoSuchShop(errors.NotFound):
    """There is no such shop."""


class BadShop(errors.Invalid):
    """A field of the shop is out of range."""


PAUSED = "paused"
"""The state of a connected shop that was stopped by its people for a while."""
FORGOTTEN = "—"
GONE = "gone"
"""The way into a shop that took it back."""
WANTED = {"state": "wanted", "kind": "", "place": {}, "done": {}}
"""A past that is to be fetched from its beginning."""
DOMAIN = re.compile(r"[a-z0-9][a-z0-9-]{0,80}\.myshopify\.com")
LOOPBACK = re.compile(r"127\.0\.0\.1(:\d{1,5})?|localhost(:\d{1,5})?")


def one(shop_id: UUID | str, *, lock: bool = False, removed: bool = False) -> Shop:
    """Return a connected shop, or with `removed` one that was disconnected too; raises NoSuchShop."""
    found = kit_db.one(Shop, shop_id, NoSuchShop, lock=lock)
    if found.removed_at is not None and not removed:
        raise NoSuchShop
    return found


def shopify_domain(given: str) -> str:
    """Return name.myshopify.com for what people call their Shopify shop: its name, an address of it or of its admin.

    On a machine for development it may be a loopback address. Raises BadShop.
    """
    word = text.clean(given, most=500).lower().removeprefix("https://").removeprefix("http://")
    if word.startswith("admin.shopify.com/store/"):
        word = word.removeprefix("admin.shopify.com/store/").partition("/")[0]
    word = word.partition("/")[0]
    if config.get().outgoing_private_hosts and LOOPBACK.fullmatch(word):
        return word
    word = word if "." in word else f"{word}.myshopify.com"
    if not DOMAIN.fullmatch(word):
        raise BadShop(
            fields={
                "url": [_("Give the address that ends in .myshopify.com. Shopify shows it under Settings, Domains.")]
            }
        )
    return word


def listed(*, kind: str | None = None) -> Select:
    """Return a select of the connected shops, of one kind or of all; OLDEST is their order."""
    query = select(Shop).where(Shop.removed_at.is_(None))
    return query.where(Shop.kind == kind) if kind else query


OLDEST = ((Shop.id, "asc"),)


def all_shops() -> list[Shop]:
    """Return the connected shops, oldest first."""
    return list(db.session.scalars(listed().order_by(Shop.id)))


def removed_lately() -> list[Shop]:
    """Return the shops that were disconnected in the last thirty days and can be connected again, the last first."""
    query = select(Shop).where(Shop.removed_at > clock.now() - timedelta(days=30), Shop.name != FORGOTTEN)
    return list(db.session.scalars(query.order_by(Shop.removed_at.desc()).limit(20)))


def count() -> int:
    return db.session.scalar(select(func.count()).select_from(Shop).where(Shop.removed_at.is_(None))) or 0


def _place(shop_id: UUID, column: str) -> str:
    return f"{scope.tenant_id()}|shops|{column}|{shop_id}"


def connect(
    *, kind: str, name: str, url: str = "", currency: str = "", webhook_secret: str | None = None,
    consumer_key: str | None = None, consumer_secret: str | None = None, client_id: str | None = None,
    client_secret: str | None = None, access_token: str | None = None, held: dict[str, Any] | None = None, coupons_url: str = "",
) -> tuple[Shop, str]:  # fmt: skip
    """Connect a shop and return it with its webhook secret, which is made here unless given; raises BadShop or OverLimit.

    A Shopify shop is entered by the keys of an app that its owner made there, or `held`, what the house's own app was given.
    """
    limits.require("shops", used=count())
    if kind not in SHOP_KINDS:
        raise BadShop(fields={"kind": [_("Choose one of the kinds of shop.")]})
    if not text.clean(name):
        raise BadShop(fields={"name": [_("Give the shop a name.")]})
    url = text.clean(url, most=500).rstrip("/")
    if kind != "shopify" and url and not url.startswith(("https://", "http://")):
        raise BadShop(fields={"url": [_("The address must begin with https://.")]})
    keys = held
    if kind == "shopify":
        keys = keys or _own_app(url, client_id, client_secret, access_token)
        url = f"https://{keys['domain']}"
    elif consumer_key and consumer_secret:
        keys = {"key": consumer_key, "secret": consumer_secret}
    secret = webhook_secret or crypto.new_token(32)
    shop_id = identifiers.new()
    shop = Shop(
        id=shop_id, kind=kind, name=text.clean(name, most=120), url=url, currency=currency.upper(),
        site_key=f"pk_{crypto.new_token(24)}", hook_token=crypto.new_token(32),
        secret_sealed=crypto.seal(secret, place=_place(shop_id, "secret")), backfill={}, reconciled={},
        coupons_url=_coupons_address(kind, coupons_url),
    )  # fmt: skip
    if keys:
        shop.access_sealed = _seal_access(shop_id, keys)
        shop.backfill = {**WANTED, "asked_at": clock.now().isoformat()}
    db.session.add(shop)
    db.session.flush()
    if kind == "shopify":
        directory.strike(kind="shopify_domain", key=keys["domain"])
        directory.enter(kind="shopify_domain", key=keys["domain"], subject_id=shop_id)
    directory.enter(kind="site_key", key=shop.site_key, subject_id=shop_id)
    directory.enter(kind="hook_token", key=shop.hook_token, subject_id=shop_id)
    audit.record(
        action="shops.connected", kind="shop", record_id=shop_id, after={"kind": kind, "name": shop.name, "url": url}
    )
    announce(ShopConnected(shop_id=str(shop_id)))
    return shop, secret


def _coupons_address(kind: str, given: str) -> str:
    """Return the address where a shop of any kind is told codes of coupons; empty where it fetches them. Raises BadShop."""
    address = text.clean(given, most=500)
    if kind != "generic" or not address:
        return ""
    try:
        http_out.judge(address)
    except http_out.Unreachable as refusal:
        raise BadShop(fields={"coupons_url": [_(refusal.message)]}) from None
    return address


def _own_app(url: str, client_id: str | None, client_secret: str | None, access_token: str | None) -> dict[str, Any]:
    """Return the keys of an app that the shop's owner made: its secret signs deliveries, its id or a token lets us read."""
    domain = shopify_domain(url)
    wrong: dict[str, list[str]] = {}
    if not client_secret:
        wrong["client_secret"] = [_("Enter the app's client secret. Shopify signs with it what it sends us.")]
    if not client_id and not access_token:
        wrong["client_id"] = [_("Enter the app's client ID, or the access token of an older app.")]
    if wrong:
        raise BadShop(fields=wrong)
    way = {"way": "token", "token": access_token} if access_token else {"way": "own", "client_id": client_id}
    return {"domain": domain, "client_secret": client_secret, **way}


def _seal_access(shop_id: UUID, keys: dict[str, Any]) -> bytes:
    return crypto.seal(orjson.dumps(keys).decode(), place=_place(shop_id, "access"))


def by_domain(domain: str) -> Shop | None:
    """Return the company's connected Shopify shop of a domain, or None."""
    known = [place.subject_id for place in directory.places(kind="shopify_domain", key=domain)]
    query = select(Shop).where(Shop.id.in_(known), Shop.removed_at.is_(None)).order_by(Shop.id.desc()).limit(1)
    return db.session.scalars(query).one_or_none()


def keep_access(shop_id: UUID | str, keys: dict[str, Any], *, fetch: bool = False) -> Shop:
    """Keep a shop's new keys; with `fetch` it was just entered again and what was missed is fetched. Raises NoSuchShop."""
    shop = one(shop_id, lock=True)
    shop.access_sealed = _seal_access(shop.id, keys)
    if fetch:
        shop.trouble, shop.state = "", "connected"
        shop.backfill = {**WANTED, "asked_at": clock.now().isoformat()}
    db.session.flush()
    return shop


def uninstalled(shop_id: UUID) -> None:
    """Note that a shop took back what lets us read it. What came stays until the shop asks for it to be erased."""
    shop = one(shop_id, lock=True, removed=True)
    held = access(shop) or {}
    left = {name: held[name] for name in ("domain", "client_id", "client_secret", "previous_secret") if name in held}
    shop.access_sealed = _seal_access(shop.id, {**left, "way": GONE})  # the secret still proves what comes at last
    shop.backfill, shop.state = {}, "uninstalled"
    shop.trouble = "Regulars was uninstalled in the shop, so nothing arrives from there. Connect it again to go on."
    audit.record(action="shops.uninstalled", kind="shop", record_id=shop.id, before={"name": shop.name})
    db.session.flush()


def note_about(shop_id: UUID, *, url: str = "", currency: str = "", name: str = "") -> None:
    """Take over what a shop says of itself: the address of its pages, and its currency and name unless they were chosen here."""
    shop = one(shop_id, lock=True)
    if name and shop.name == first_name(shop.url.partition("://")[2]):
        shop.name = text.clean(name, most=120)
    shop.url, shop.currency = text.clean(url, most=500).rstrip("/") or shop.url, shop.currency or currency
    db.session.flush()


def has_orders(shop_id: UUID) -> bool:
    """Tell whether any order came from a shop."""
    return db.session.scalar(select(select(Order.id).where(Order.source_id == shop_id).exists())) or False


def hook_address(shop: Shop) -> str:
    """Return the address that a shop's webhooks go to."""
    return f"{config.get().public_url}/hooks/{shop.kind}/{shop.hook_token}"


def former_addresses(shop: Shop) -> list[str]:
    """Return where webhooks of this store went while it was connected before, as a shop that was disconnected since."""
    query = select(Shop.hook_token).where(Shop.removed_at.is_not(None), Shop.kind == shop.kind, Shop.url == shop.url)
    base = f"{config.get().public_url}/hooks/{shop.kind}/"
    return [base + token for token in db.session.scalars(query.order_by(Shop.removed_at.desc()).limit(20))]


def first_name(domain: str) -> str:
    """Return what a shop is called until it says its name itself."""
    return domain.removesuffix(".myshopify.com")


def change(shop_id: UUID | str, **fields: Any) -> Shop:
    """Change a shop's name, address, currency or keys; raises NoSuchShop or BadShop."""
    shop = one(shop_id, lock=True)
    before = {name: getattr(shop, name) for name in ("name", "url", "currency", "count_tests")}
    for name, most in (("name", 120), ("url", 500), ("currency", 3)):
        if fields.get(name) is not None:
            setattr(shop, name, text.clean(fields[name], most=most))
    if fields.get("consumer_key") and fields.get("consumer_secret"):
        shop.access_sealed = _seal_access(shop.id, {"key": fields["consumer_key"], "secret": fields["consumer_secret"]})
        shop.checks = {name: value for name, value in shop.checks.items() if name in ("address", "ping")}
        shop.trouble = ""
    if fields.get("coupons_url") is not None:
        shop.coupons_url = _coupons_address(shop.kind, fields["coupons_url"])
    if fields.get("count_tests") is not None:
        shop.count_tests = bool(fields["count_tests"])
    if shop.url != before["url"]:
        shop.checks = {}
    if shop.kind == "shopify" and (
        fields.get("client_secret") or fields.get("access_token") or fields.get("client_id")
    ):
        _change_app(shop, fields)
    db.session.flush()
    audit.record(
        action="shops.edited",
        kind="shop",
        record_id=shop.id,
        before=before,
        after={n: getattr(shop, n) for n in before},
    )
    return shop


def _change_app(shop: Shop, fields: dict[str, Any]) -> None:
    """Take over new keys of an own app; the secret from before stays good, for Shopify signs with it a while longer."""
    held = access(shop) or {}
    secret = fields.get("client_secret") or held.get("client_secret")
    domain = held.get("domain") or shop.url
    keys = _own_app(domain, fields.get("client_id") or held.get("client_id"), secret, fields.get("access_token"))
    if held.get("client_secret") not in (None, secret):
        keys["previous_secret"] = held["client_secret"]
    keep_access(shop.id, keys, fetch=not readable(shop))


def pause(shop_id: UUID | str) -> None:
    """Stop a shop for a while: what it delivers is kept and waits, and nothing is fetched. Raises NoSuchShop."""
    shop = one(shop_id, lock=True)
    if shop.state != PAUSED:
        shop.state = PAUSED
        audit.record(action="shops.paused", kind="shop", record_id=shop.id)
    db.session.flush()


def resume(shop_id: UUID | str) -> None:
    """Go on with a paused shop. Raises NoSuchShop."""
    shop = one(shop_id, lock=True)
    if shop.state == PAUSED:
        shop.state = "connected"
        audit.record(action="shops.resumed", kind="shop", record_id=shop.id)
    db.session.flush()


def remove(shop_id: UUID | str) -> None:
    """Disconnect a shop: nothing more enters through it; what came stays. Raises NoSuchShop."""
    shop = one(shop_id, lock=True)
    shop.removed_at = clock.now()
    directory.strike(kind="site_key", subject_id=shop.id)
    directory.strike(kind="hook_token", subject_id=shop.id)
    audit.record(action="shops.removed", kind="shop", record_id=shop.id, before={"name": shop.name})
    db.session.flush()


def restore(shop_id: UUID | str) -> Shop:
    """Connect a shop again that was disconnected, with the address and key it had. Raises NoSuchShop, or OverLimit."""
    shop = one(shop_id, lock=True, removed=True)
    if shop.removed_at is None:
        return shop
    if shop.name == FORGOTTEN:
        raise NoSuchShop
    limits.require("shops", used=count())
    if shop.removed_at < clock.now() - timedelta(days=30) or shop.state == "uninstalled":
        raise NoSuchShop
    shop.removed_at = None
    directory.enter(kind="site_key", key=shop.site_key, subject_id=shop.id)
    directory.enter(kind="hook_token", key=shop.hook_token, subject_id=shop.id)
    audit.record(action="shops.restored", kind="shop", record_id=shop.id, after={"name": shop.name})
    db.session.flush()
    return shop


def forget(shop_id: UUID) -> None:
    """Take a shop's name and address away for good: it asked for that. Its row stays, since orders point at it."""
    shop = one(shop_id, lock=True, removed=True)
    for kind in ("site_key", "hook_token", "shopify_domain"):
        directory.strike(kind=kind, subject_id=shop.id)
    shop.name, shop.url, shop.trouble, shop.access_sealed, shop.backfill = FORGOTTEN, "", "", None, {}
    shop.removed_at = shop.removed_at or clock.now()
    db.session.flush()


def secret_of(shop: Shop) -> str:
    """Return a shop's webhook secret."""
    return crypto.unseal(shop.secret_sealed, place=_place(shop.id, "secret"))


def secrets(shop_id: UUID) -> list[str]:
    """Return the secrets a shop may sign with: the current one and, after a change, the one before. Empty when unknown."""
    shop = db.session.scalars(select(Shop).where(Shop.id == shop_id, Shop.removed_at.is_(None))).one_or_none()
    return secrets_of(shop) if shop is not None else []


def secrets_of(shop: Shop) -> list[str]:
    """Return the secrets a shop at hand may sign with; none when it was disconnected."""
    if shop.removed_at is not None:
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


def readable(shop: Shop) -> bool:
    """Tell whether a shop's past can be read: it has keys and an address, and has not taken them back."""
    return bool(shop.access_sealed and shop.url) and shop.state != "uninstalled"


def access(shop: Shop) -> dict[str, Any] | None:
    """Return the keys a shop is read with, or None when it has none: key and secret, or what a Shopify app was given."""
    if not shop.access_sealed:
        return None
    return orjson.loads(crypto.unseal(shop.access_sealed, place=_place(shop.id, "access")))
