"""Connecting a shop step by step: each step is tried on the shop itself, and what came of it is kept with the shop.

What is done is read from what is there (the address, the keys, what was found out, what arrived), so that one may leave and come
back, and two may look at once. A step's result is written by one statement of its own, for a delivery may come while another
step is tried. While the steps are tried no transaction is open, and a lease on the database's clock keeps a second click out.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import cast, func, select, update
from sqlalchemy.dialects.postgresql import JSONB

from saas.commerce import shops
from saas.commerce.connectors import woocommerce_address, woocommerce_checks
from saas.commerce.connectors.found import Bad, Found, Waiting
from saas.commerce.connectors.woocommerce_rest import Store
from saas.commerce.models import Shop
from saas.kit import clock, errors, work
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.tenancy import audit

STEPS = ("address", "keys", "permissions", "webhooks", "delivery")
LEASE, BUDGET = timedelta(seconds=90), 20.0
LEASED = "leased_until"


class NotGuided(errors.Refusal):
    """Only a WooCommerce shop is connected in steps that can be tried from here; others tell of themselves."""

    status, code, message = (
        422,
        "not_guided",
        "The steps of this kind of shop are seen from what it sends; there is nothing to try.",
    )


def steps(shop: Shop) -> dict[str, dict[str, Any]]:
    """Return what is known of each step that was tried: state (good, wait, bad), code, values and at."""
    return {name: shop.checks[name] for name in STEPS if name in shop.checks}


def when(found: dict[str, Any]) -> datetime:
    """Return when a step came to what it came to."""
    return datetime.fromisoformat(found["at"])


def going(shop: Shop) -> bool:
    """Tell whether somebody's check is under way."""
    until = shop.checks.get(LEASED)
    return bool(until) and datetime.fromisoformat(until) > clock.now()


def next_step(shop: Shop) -> str | None:
    """Return the first step that has all it needs and was not tried yet, or None: everything was, one is bad, or keys are missing."""
    if shop.kind != "woocommerce":
        return None
    for name in STEPS:
        if name == "address" and not shop.url or name == "keys" and not shop.access_sealed:
            return None
        found = shop.checks.get(name)
        if found is None:
            return name
        if found["state"] == "bad":
            return None
    return None


def unfinished(shop: Shop) -> bool:
    """Tell whether a shop's steps were begun and are not all well; one that was connected by a program has none."""
    tried = steps(shop)
    if shop.kind != "woocommerce" or not (tried or not shop.access_sealed):
        return False
    return any(tried.get(name, {}).get("state") != "good" for name in STEPS)


def site_of(shop: Shop) -> str:
    """Return where a store's WordPress lies itself, with its admin, as far as it told."""
    return str(shop.checks.get("address", {}).get("values", {}).get("site") or shop.url)


def keep(shop_id: UUID, **results: Any) -> None:
    """Write results of steps beside those that are there; None takes one away."""
    gone = [name for name, value in results.items() if value is None]
    told = {name: value for name, value in results.items() if value is not None}
    after = Shop.checks.op("||")(cast(told, JSONB))
    for name in gone:
        after = after.op("-")(name)
    db.session.execute(
        update(Shop).where(Shop.id == shop_id).values(checks=after).execution_options(synchronize_session=False)
    )
    db.session.expire_all()


def _written(found: Found | Bad) -> dict[str, Any]:
    return {"state": found.state, "code": found.code, "values": found.values, "at": clock.now().isoformat()}


def note_signed(shop: Shop, *, topic: str) -> None:
    """Note that a delivery with the right signature came, unless that was known."""
    if shop.checks.get("delivery", {}).get("state") != "good":
        keep(shop.id, delivery=_written(Found("delivery_good", topic=topic or "ping")))


def note_refused(shop: Shop) -> None:
    """Note that a shop does not take our keys any more, so that its guide asks for new ones."""
    if shop.kind == "woocommerce" and shop.checks.get("keys", {}).get("state") != "bad":
        keep(shop.id, keys=_written(Bad("keys_ended")))


def note_ping(shop: Shop, *, agent: str = "") -> None:
    """Note that the shop reached our address, by a ping that proves nothing else."""
    version = agent.removeprefix("WooCommerce/").partition(" ")[0] if agent.startswith("WooCommerce/") else ""
    keep(shop.id, ping={"at": clock.now().isoformat(), "version": version[:20]})


def give_address(shop_id: UUID | str, url: str) -> None:
    """Take another address of a shop; everything is tried anew. Raises NoSuchShop or BadShop."""
    shop = shops.one(shop_id, lock=True)
    understood = woocommerce_address.understood(url)
    if not url.strip() or len(understood) < len("http://a"):
        raise shops.BadShop(fields={"url": [_("Enter the address of the shop.")]})
    shops.change(shop.id, url=understood)
    _forget(shop.id, "address")


def give_keys(shop_id: UUID | str, key: str, secret: str) -> None:
    """Take the keys of a shop's REST API; what depends on them is tried anew. Swapped ones are understood. Raises BadShop."""
    shop = shops.one(shop_id, lock=True)
    key, secret = key.strip(), secret.strip()
    if key.startswith("cs_") and secret.startswith("ck_"):
        key, secret = secret, key
    wrong = {}
    if not key:
        wrong["consumer_key"] = [_("Enter the consumer key. It begins with ck_.")]
    if not secret:
        wrong["consumer_secret"] = [_("Enter the consumer secret. It begins with cs_.")]
    if wrong:
        raise shops.BadShop(fields=wrong)
    held = shops.access(shop) or {}
    shops.keep_access(shop.id, {"key": key, "secret": secret, "root": held.get("root", "")})
    shop.trouble = ""
    audit.record(action="shops.keys_given", kind="shop", record_id=shop.id)
    _forget(shop.id, "keys")


def _forget(shop_id: UUID, step: str) -> None:
    later = STEPS[STEPS.index(step) :]
    keep(shop_id, **dict.fromkeys(later))


def run(shop_id: UUID | str, *, again: str | None = None, budget: float = BUDGET) -> bool:
    """Try the steps of a shop from the first that was not tried (or, with `again`, from that one), until one is bad, time is
    over or all are done; tells whether anything was tried. Opens its own units of work. Raises NoSuchShop or NotGuided."""
    with work.unit():
        shop = shops.one(shop_id, lock=True)
        if shop.kind != "woocommerce":
            raise NotGuided
        if going(shop):
            return False
        shop_id = shop.id
        if again in STEPS:
            _forget(shop_id, again)
        keep(shop_id, **{LEASED: (db.session.scalar(select(func.now())) + LEASE).isoformat()})
    until = time.monotonic() + budget
    try:
        while time.monotonic() < until and (step := _next(shop_id)) is not None:
            if not _try(shop_id, step, lambda: time.monotonic() < until):
                break
    finally:
        with work.unit():
            keep(shop_id, **{LEASED: None})
    return True


def _next(shop_id: UUID) -> str | None:
    with work.unit():
        return next_step(shops.one(shop_id))


def _try(shop_id: UUID, step: str, go_on: Callable[[], bool]) -> bool:
    """Try one step and keep what came of it; False when it has to be gone on with later."""
    with work.unit():
        shop = shops.one(shop_id)
        held, url = shops.access(shop) or {}, shop.url
        site = site_of(shop)
        address, secret, former = shops.hook_address(shop), shops.secret_of(shop), shops.former_addresses(shop)
    store = Store(url, held.get("key", ""), held.get("secret", ""), root=held.get("root", ""), way=held.get("way", ""))
    try:
        found: Found | Bad | None
        if step == "address":
            found = woocommerce_address.look(url)
            store = _at(store, found)
        elif step == "keys":
            store, found = woocommerce_checks.keys(_at(store, None, root=_known_root(shop_id) or store.root, way=""))
        elif step == "permissions":
            found = woocommerce_checks.permissions(store)
        elif step == "webhooks":
            found = woocommerce_checks.webhooks(store, address=address, secret=secret, former=former, go_on=go_on)
        else:
            with work.unit():
                keep(
                    shop_id, delivery=_written(Waiting("delivery_touched", product="…"))
                )  # it may come before we have the answer
            found = woocommerce_checks.touch(store, site=site)
    except Bad as bad:
        found = bad
    if found is None:
        return False
    with work.unit():
        _take_over(shop_id, step, found, store)
    return True


def _at(store: Store, found: Found | None, **more: str) -> Store:
    if found is not None:
        more = {"url": found.values["url"], "root": found.values["root"]}
    return Store(
        more.get("url", store.url),
        store.key,
        store.secret,
        root=more.get("root", store.root),
        way=more.get("way", store.way),
    )


def _known_root(shop_id: UUID) -> str:
    with work.unit():
        return str(shops.one(shop_id).checks.get("address", {}).get("values", {}).get("root", ""))


def _take_over(shop_id: UUID, step: str, found: Found | Bad, store: Store) -> None:
    """Keep what a step came to, and with the shop what it told of itself."""
    shop = shops.one(shop_id, lock=True)
    if step == "delivery" and shop.checks.get("delivery", {}).get("state") == "good":
        return  # it has come meanwhile
    if step == "address" and found.state == "good":
        shops.note_about(shop_id, url=found.values["url"], name=found.values["name"])
    if step in ("address", "keys") and found.state == "good" and store.key:
        shops.keep_access(shop_id, {"key": store.key, "secret": store.secret, "root": store.root, "way": store.way})
    if step == "keys" and found.state == "good":
        shops.note_about(shop_id, currency=found.values["currency"])
        shop.trouble = ""
    db.session.flush()
    keep(shop_id, **{step: _written(found)})


def ring(shop_id: UUID | str) -> None:
    """Have a shop's WordPress do what waits. Opens its own unit of work. Raises NoSuchShop."""
    with work.unit():
        shop = shops.one(shop_id)
        site, waits = site_of(shop), shop.checks.get("delivery", {}).get("state") == "wait"
    if waits and shop.kind == "woocommerce":
        woocommerce_checks.ring(site)
