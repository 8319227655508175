"""Connecting a shop, step by step: what is done, what is wrong and what to do about it, seen while it happens.

The page keeps nothing of its own: every step's state is read from the shop's facts, so one may leave, come back, or watch a
colleague do it.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from saas import config
from saas.commerce import backfill, connecting, connecting_words, shops
from saas.integrations import deliveries_in
from saas.kit import clock, crypto, doors, rates, scope, work
from saas.tenancy import ceremonies
from tenant_admin import frame, wordpress_files
from tenant_admin import shops as shop_pages
from tenant_admin.shops_examples import generic_message, test_message

pages = Blueprint("guide", __name__)
KEYS_KIND, KEYS_SECONDS = "woocommerce_keys", 3600
USUAL, LATE = 90, 240
"""Seconds in which a delivery usually comes, and after which the page says what to look at."""


@pages.get("/shops/<shop_id>/connect")
@doors.open_to("member", "shops.read")
def show(shop_id: str) -> ResponseReturnValue:
    return page(shop_id)


def page(shop_id: str, *, values: dict[str, str] | None = None, wrong: dict[str, list[str]] | None = None) -> str:
    """Return the guide of a shop as it stands; `values` and `wrong` are of a form that was filled in wrongly."""
    shop = shops.one(shop_id)
    may = "shops.edit" in frame.viewer().rights
    steps = {"woocommerce": woocommerce, "shopify": shopify, "generic": generic}[shop.kind](shop)
    first = next((step for step in steps if step["state"] != "done" and not step.get("optional")), None)
    for step in steps:
        step["current"] = step is first or step["state"] in ("bad", "wait")
    return render_template(
        "shops/guide.html", shop=shop_pages.summary(shop), kind=shop.kind, steps=steps, may=may, values=values or {}, errors=wrong or {},
        done=sum(step["state"] == "done" for step in steps), finished=first is None,
        untried=may and connecting.next_step(shop) is not None and not connecting.going(shop), going=connecting.going(shop),
        live=connecting.going(shop) or (shop.kind != "woocommerce" and any(step.get("live") for step in steps)), doc=f"connect-{shop.kind}",
    )  # fmt: skip


def _step(key: str, title: str, state: str, words: str = "", **more: Any) -> dict[str, Any]:
    return {"key": key, "title": title, "state": state, "words": words, **more}


def tried(shop: Any, key: str, title: str, *, ready: bool) -> dict[str, Any]:
    """Return a step that is tried from here: done, bad or waiting as it was found, else now (`ready`) or later."""
    found = connecting.steps(shop).get(key)
    if found is None:
        return _step(key, title, "now" if ready else "later", tried=shop.kind == "woocommerce")
    state = {"good": "done", "bad": "bad", "wait": "wait"}[found["state"]]
    return _step(
        key, title, state, connecting_words.say(found["code"], found["values"]), at=connecting.when(found), code=found["code"],
        values=found["values"],
    )  # fmt: skip


def woocommerce(shop: Any) -> list[dict[str, Any]]:
    """Return the steps of a WooCommerce store."""
    good = {name for name, found in connecting.steps(shop).items() if found["state"] == "good"}
    address = tried(shop, "address", _("The address of the shop"), ready=True) | {"url": shop.url}
    if address["state"] == "done":
        told = address["values"]
        address["facts"] = [(_("Shop"), told["name"]), (_("Address"), told["url"]), (_("WooCommerce"), _version(shop)),
                            (_("Time zone"), told["zone"])]  # fmt: skip
    keys = tried(shop, "keys", _("Its keys"), ready="address" in good) | {
        "given": bool(shop.access_sealed), "approve": approve_address(shop) if "address" in good else None,
        "make": f"{connecting.site_of(shop)}/wp-admin/admin.php?page=wc-settings&tab=advanced&section=keys",
    }  # fmt: skip
    if keys["state"] == "done":
        keys["facts"] = [(_("Currency"), shop.currency)]
    us = config.get().public_url
    keys["calls"] = None if shop.checks.get("ping") or shop.last_delivery_at else wordpress_files.calls(us)
    hooks = tried(shop, "webhooks", _("Webhooks"), ready="permissions" in good)
    if hooks["state"] == "done":
        told = hooks["values"]
        hooks["facts"] = [
            (_("Made"), told["made"]),
            (_("Taken up again"), told["taken_up"]),
            (_("Reached us"), _ping(shop)),
        ]
    return [
        address, keys, tried(shop, "permissions", _("What the keys may do"), ready="keys" in good), hooks,
        signed(shop, ready="webhooks" in good) | {"calls": keys["calls"]}, past(shop, ready="permissions" in good),
        tracker(shop) | {"file": wordpress_files.on_pages(us, shop.site_key)},
    ]  # fmt: skip


def _version(shop: Any) -> str | None:
    """Return the store's version: from its pages, its orders, or the name its webhooks come under."""
    found = connecting.steps(shop)
    told = [found.get(name, {}).get("values", {}).get("version") for name in ("keys", "address")]
    return next((one for one in (shop.checks.get("ping", {}).get("version"), *told) if one), None)


def _ping(shop: Any) -> str:
    hooks, ping = shop.checks.get("webhooks"), shop.checks.get("ping")
    if ping:
        return _("yes")
    return _("not yet") if hooks and hooks["values"].get("made") else _("not asked")


def signed(shop: Any, *, ready: bool) -> dict[str, Any]:
    """Return the step of the first message with the right signature: seen, or how long it is awaited and what may be in the way."""
    step = tried(shop, "delivery", _("A signed message"), ready=ready)
    refusals = deliveries_in.refused_lately(shop.id)
    if step["state"] in ("wait", "now"):
        began = step.get("at")
        seconds = int((clock.now() - began).total_seconds()) if began else 0
        wrong = next((one for one in refusals if began is None or one.refused_at > began), None)
        step |= {
            "live": step["state"] == "wait" or shop.kind == "generic", "seconds": seconds, "usual": USUAL, "late": seconds > LATE,
            "unreached": shop.kind == "woocommerce" and not shop.checks.get("ping"), "wrong": wrong, "us": config.get().public_url,
        }  # fmt: skip
    return step


def past(shop: Any, *, ready: bool) -> dict[str, Any]:
    """Return the step in which a shop's past is fetched: chosen, on its way, or here."""
    fetch, title = shop_pages.fetching(shop), _("Its past")
    if fetch is None or fetch["state"] == "done" and not ready:
        return _step("past", title, "now" if ready else "later")
    if fetch["state"] in ("done", "cancelled"):
        return _step(
            "past",
            title,
            "done",
            _("What was wished for is here; from now on the shop is compared time and again."),
            fetch=fetch,
        )
    return _step("past", title, "wait", fetch=fetch, live=True)


def tracker(shop: Any) -> dict[str, Any]:
    """Return the step of the scripts on the shop's pages, which is done when a page was seen."""
    seen = shop.last_event_at
    words = (
        _("A visit arrived.") if seen else _("Optional: with it you see what shoppers look at, and they see offers.")
    )
    return _step(
        "tracker", _("Visits"), "done" if seen else "now", words, at=seen, optional=True, live=False, site_key=shop.site_key,
        crm=config.get().public_url,
    )  # fmt: skip


def generic(shop: Any) -> list[dict[str, Any]]:
    """Return the steps of a shop that sends JSON: seen from what it sent."""
    seen, secret, address = deliveries_in.kinds_seen(shop.id), shops.secret_of(shop), shops.hook_address(shop)
    first = signed(shop, ready=True)
    if first["state"] != "done" and (seen or shop.last_delivery_at):  # connected before such a step was kept
        first |= {"state": "done", "words": _("A signed message arrived."), "live": False}
    steps = [
        _step("places", _("Address and secret"), "done", address=address, secret=secret, site_key=shop.site_key),
        first | {"example": test_message(address, secret)},
    ]  # fmt: skip
    orders_there = shops.has_orders(shop.id)
    names = (
        ("product", _("The first product")),
        ("customer", _("The first customer")),
        ("order", _("The first order")),
    )
    for kind, title in names:
        number, at = seen.get(kind, (0, None))
        there = bool(number) or (kind == "order" and orders_there)
        example = None if there else generic_message(kind, shop)
        steps.append(_step(kind, title, "done" if there else "now", at=at, example=example, live=not there))
    return [*steps, tracker(shop)]


LACKS = {
    "read_all_orders": _l("orders older than sixty days (read_all_orders)"), "read_returns": _l("returns (read_returns)"),
    "read_inventory": _l("stock that moves by itself, so that people who wait hear later (read_inventory)"),
    "write_discounts": _l("codes of coupons (write_discounts)"), "read_fulfillments": _l("parcels (read_fulfillments)"),
    "read_products": _l("products (read_products)"), "read_customers": _l("customers (read_customers)"), "read_orders": _l("orders (read_orders)"),
}  # fmt: skip


def _lacking(shop: Any) -> str:
    """Return in words what the app may not do in the shop, and what to do about it."""
    missing = [str(LACKS[right]) for right in shop.reconciled.get("lacks") or () if right in LACKS]
    if not missing:
        return ""
    return _("The app has no right for: %(what)s. Add it to the app's scopes at Shopify and install the app again; the rest works.",
             what="; ".join(missing))  # fmt: skip


def shopify(shop: Any) -> list[dict[str, Any]]:
    """Return the steps of a Shopify shop, which its fetching goes through by itself."""
    fetch, hooks = shop_pages.fetching(shop), shop.reconciled.get("webhooks")
    entered = shops.readable(shop)
    begun = hooks is not None
    trouble = _(shop.trouble) if shop.trouble else ""
    keys = "bad" if trouble and not begun or not entered else "done" if begun else "wait"
    steps = [
        _step("install", _("The app in the shop"), "done" if entered else "bad", shop.url),
        _step("keys", _("What it may read"), keys, trouble if keys == "bad" else _lacking(shop), live=keys == "wait"),
        _step("webhooks", _("Webhooks"), "done" if begun else "later", _("Shopify tells us of orders, customers, products and carts.") if begun else ""),
    ]  # fmt: skip
    if fetch is not None:
        steps.append(past(shop, ready=True))
    first = signed(shop, ready=begun)
    if first["state"] != "done" and shop.last_delivery_at:
        first |= {"state": "done", "words": _("A signed message arrived."), "at": shop.last_delivery_at}
    elif first["state"] == "now":
        first |= {"words": _("It comes with the next order, or when you save a product in the shop."), "live": True}
    return [
        *steps,
        first,
        _step("privacy", _("Privacy law"), "now", optional=True, address=shops.hook_address(shop)),
        tracker(shop),
    ]


def approve_address(shop: Any) -> str | None:
    """Return where the store's owner hands out keys with one click, or None: both sides must be reached over https."""
    if not (shop.url.startswith("https://") and config.get().public_url.startswith("https://")):
        return None
    return url_for("guide.approve", shop_id=shop.id)


@pages.post("/shops/<shop_id>/connect/approve")
@doors.open_to("member", "shops.edit")
def approve(shop_id: str) -> ResponseReturnValue:
    """Lead to the page of the store on which its owner lets us have keys; they come to us by themselves."""
    shop = shops.one(shop_id)
    us = config.get().public_url
    ticket = ceremonies.begin(KEYS_KIND, seconds=KEYS_SECONDS, tenant_id=scope.tenant_id(), shop_id=str(shop.id))
    asked = {
        "app_name": "Regulars", "scope": "read_write", "user_id": ticket, "return_url": f"{us}{url_for('guide.show', shop_id=shop.id)}",
        "callback_url": f"{us}/hooks/woocommerce-keys",
    }  # fmt: skip
    root = shop.checks.get("address", {}).get("values", {}).get("root", "")
    where = f"{shop.url}{'/index.php' if '/index.php/' in root else ''}/wc-auth/v1/authorize?{urlencode(asked)}"
    return render_template("shops/to_woocommerce.html", address=where, name=shop.name)


@pages.post("/shops/<shop_id>/connect/address")
@doors.open_to("member", "shops.edit")
def address(shop_id: str) -> ResponseReturnValue:
    try:
        connecting.give_address(shop_id, request.form.get("url", ""))
    except shops.BadShop as refusal:
        return page(shop_id, values=request.form.to_dict(), wrong=refusal.fields), 422
    return frame.go(url_for("guide.show", shop_id=shop_id))


@pages.post("/shops/<shop_id>/connect/keys")
@doors.open_to("member", "shops.edit")
def keys(shop_id: str) -> ResponseReturnValue:
    given = {name: request.form.get(name, "") for name in ("consumer_key", "consumer_secret")}
    try:
        connecting.give_keys(shop_id, given["consumer_key"], given["consumer_secret"])
    except shops.BadShop as refusal:
        return page(shop_id, values={"consumer_key": given["consumer_key"]}, wrong=refusal.fields), 422
    return frame.go(url_for("guide.show", shop_id=shop_id))


@pages.post("/shops/<shop_id>/connect/check")
@doors.open_to("member", "shops.edit", unit=False)
def check(shop_id: str) -> ResponseReturnValue:
    """Try what was not tried yet, or again from the step `again`; the store is asked outside of any transaction."""
    rates.require(f"shop-check:{scope.tenant_id()}", "60/minute")
    connecting.run(shop_id, again=request.form.get("again") or None)
    with work.unit():
        if request.headers.get("HX-Request"):
            return page(shop_id)
        return frame.go(url_for("guide.show", shop_id=shop_id))


@pages.post("/shops/<shop_id>/connect/ring")
@doors.open_to("member", "shops.edit", unit=False)
def ring(shop_id: str) -> ResponseReturnValue:
    """Have the store's own clock work go on while its message is awaited: without visitors WordPress sleeps."""
    if rates.allow(f"shop-ring:{crypto.digest(shop_id)}", "4/minute"):
        connecting.ring(shop_id)
    return "", 204


@pages.post("/shops/<shop_id>/connect/past")
@doors.open_to("member", "shops.edit")
def bring(shop_id: str) -> ResponseReturnValue:
    """Begin to fetch as much of the past as was chosen."""
    shop = shops.one(shop_id)
    wished = request.form.get("past", "all")
    try:
        backfill.ask(shop.id, months=int(wished) if wished in ("3", "12", "24") else None)
        if wished == "none":
            backfill.cancel(shop.id)
    except backfill.NotFetchable as refusal:
        frame.toast(_(refusal.message), kind="warning")
    return frame.go(url_for("guide.show", shop_id=shop_id))
