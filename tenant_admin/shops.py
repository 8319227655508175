"""Shops: connecting one, seeing that it is well, and looking after what it delivered."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from saas import config
from saas.commerce import backfill, connecting, orders, play_money, refusal_words, shops, silence
from saas.commerce.connectors import shopify_oauth, woocommerce_address
from saas.integrations import deliveries_in
from saas.kit import access, doors, errors
from saas.kit import pages as paging
from saas.tenancy import audit
from tenant_admin import first_steps, frame

pages = Blueprint("shops", __name__)


def kind_names() -> dict[str, tuple[str, str]]:
    """Return the kinds of shop in the reader's language."""
    return {
        "shopify": ("Shopify", _("Orders, customers, products and carts, with their past.")),
        "woocommerce": ("WooCommerce", _("Orders, customers and products from WordPress, with their past.")),
        "generic": (_("Any store"), _("Sends JSON to us, signed. For your own shop, or one that is not in this list.")),
    }  # fmt: skip


KEYS = ("consumer_key", "consumer_secret", "client_id", "client_secret", "access_token")


def summary(shop: Any, *, silent: bool = False) -> dict[str, Any]:
    """Return what a list shows of a shop."""
    heard = [at for at in (shop.last_delivery_at, shop.last_event_at) if at is not None]
    return {
        "id": shop.id, "name": shop.name, "kind": kind_names()[shop.kind][0], "url": shop.url, "trouble": shop.trouble,
        "currency": shop.currency, "last_delivery_at": shop.last_delivery_at, "heard_at": max(heard, default=None),
        "state": standing(shop, silent=silent),
    }  # fmt: skip


def standing(shop: Any, *, silent: bool) -> str:
    """Return how a shop stands: stopped, trouble, silent, past (being fetched), connecting or live."""
    if shop.state == shops.PAUSED:
        return "stopped"
    if shop.trouble or shop.state == "uninstalled":
        return "trouble"
    if connecting.unfinished(shop):
        return "connecting"
    if shop.backfill.get("state") in ("wanted", "running", "waiting") and not shop.backfill.get("since"):
        return "past"
    if silent:
        return "silent"
    return "live" if shop.last_delivery_at or shop.last_event_at or shop.reconciled_at else "connecting"


@pages.get("/shops")
@doors.open_to("member", "shops.read")
def index() -> ResponseReturnValue:
    silent = {alarm.shop_id for alarm in silence.alarming()}
    rows = [summary(shop, silent=shop.id in silent) for shop in shops.all_shops()]
    return render_template("shops/index.html", shops=rows, back=shops.removed_lately())


@pages.get("/shops/new")
@doors.open_to("member", "shops.edit")
def new() -> ResponseReturnValue:
    kind = request.args.get("kind")
    values = {"kind": kind if kind in shops.SHOP_KINDS else None, "url": request.args.get("shop", "")[:200]}
    return form(values)


def form(values: dict[str, Any], wrong: dict[str, list[str]] | None = None) -> str:
    """Return the page on which a shop is connected; `wrong` says what is, by field."""
    return render_template(
        "shops/new.html", kinds=kind_names(), values=values, errors=wrong or {}, by_consent=shopify_oauth.offered()
    )


@pages.post("/shops/new")
@doors.open_to("member", "shops.edit")
def connect() -> ResponseReturnValue:
    """Connect a shop and lead on to the guide, which tries each step; of a WooCommerce store its address is enough to begin."""
    names = ("kind", "name", "url", "currency", "webhook_secret", *KEYS)
    values = {name: request.form.get(name, "").strip() for name in names}
    try:
        if values["kind"] == "woocommerce":
            values |= _begun(values)
        shop, _secret = shops.connect(
            **{
                name: value or ("" if name in ("kind", "name", "url", "currency") else None)
                for name, value in values.items()
            }
        )
    except shops.BadShop as refusal:
        return form(values, refusal.fields), 422
    return frame.go(url_for("guide.show", shop_id=shop.id))


def _begun(values: dict[str, str]) -> dict[str, str]:
    """Return the address of a store as it is understood, and a name until it says its own. Raises BadShop."""
    if not values["url"]:
        raise shops.BadShop(fields={"url": [_("Enter the address of the shop.")]})
    url = woocommerce_address.understood(values["url"])
    return {"url": url, "name": values["name"] or url.partition("://")[2]}


@pages.get("/shops/<shop_id>")
@doors.open_to("member", "shops.read")
def show(shop_id: str) -> ResponseReturnValue:
    shop = shops.one(shop_id)
    counts, (tests, newest) = deliveries_in.counts(shop.id), play_money.newest(shop.id)
    return render_template(
        "shops/show.html", tests=tests, newest_tests=[play_money.shown(one) for one in newest], count_tests=shop.count_tests, show_totals=access.readable("order", "total"), shop=summary(shop, silent=bool(silence.count_open(shop.id))), kind=shop.kind, counts=counts, refused=deliveries_in.refused_lately(shop.id),
        fetch=fetching(shop), can_fetch=shops.readable(shop), reconciled=shop.reconciled, reconciled_at=shop.reconciled_at,
        address=f"{config.get().public_url}/hooks/{shop.kind}/{shop.hook_token}", site_key=shop.site_key, secret=shops.secret_of(shop),
        crm=config.get().public_url, entered=shop.kind == "shopify" and shops.readable(shop), uninstalled=shop.state == "uninstalled", health=first_steps.address("shops.health", shop_id=shop.id),
    )  # fmt: skip


def fetching(shop: Any) -> dict[str, Any] | None:
    """Return how far the fetching of a shop's past is, or None when nobody asked for it."""
    held = shop.backfill
    if not held.get("state"):
        return None
    names = {
        "products": _("products"), "customers": _("customers"), "orders": _("orders"), "recent_orders": _("orders of the last 60 days"),
        "aged_orders": _("older orders"), "gone_orders": _("orders deleted in the shop"), "gone_products": _("products deleted in the shop"),
    }  # fmt: skip
    counted = held.get("done", {})
    order = [kind for kind in held.get("kinds") or names if kind in counted]  # JSON in the database keeps no order
    done = [
        (names.get(kind, kind), *(counted[kind][figure] for figure in ("fetched", "changed", "failed")))
        for kind in order
    ]
    return {
        "state": {"wanted": "waiting"}.get(held["state"], held["state"]), "share": backfill.share(held), "done": done,
        "now": names.get(held["kind"], ""),
    }  # fmt: skip


@pages.post("/shops/<shop_id>/fetch")
@doors.open_to("member", "shops.edit")
def fetch(shop_id: str) -> ResponseReturnValue:
    shop = shops.one(shop_id)
    try:
        backfill.ask(shop.id)
        frame.toast(_("The past of %(name)s is being fetched. You can leave this page.", name=shop.name))
    except backfill.NotFetchable as refusal:
        frame.toast(_(refusal.message), kind="warning")
    return frame.go(url_for("shops.show", shop_id=shop.id))


@pages.route("/shops/<shop_id>/settings", methods=["GET", "POST"])
@doors.open_to("member", "shops.edit")
def settings(shop_id: str) -> ResponseReturnValue:
    shop = shops.one(shop_id)
    values = {
        "name": shop.name,
        "url": shop.url,
        "currency": shop.currency,
        "coupons_url": shop.coupons_url,
        "count_tests": shop.count_tests,
    }
    if request.method == "GET":
        return render_template("shops/settings.html", shop=summary(shop), kind=shop.kind, values=values, errors={})
    given = {name: request.form.get(name, "").strip() for name in ("name", "url", "currency", "coupons_url", *KEYS)}
    before, wanted = shop.count_tests, "count_tests" in request.form
    given |= {"count_tests": wanted}
    try:
        shops.change(shop.id, **given)
    except errors.Invalid as refusal:
        return render_template(
            "shops/settings.html", shop=summary(shop), kind=shop.kind, values=given, errors=refusal.fields
        ), 422
    frame.toast(_("Saved.") if wanted == before else tests_said(orders.count_tests(shop.id, wanted), wanted))
    return frame.go(url_for("shops.show", shop_id=shop.id))


def tests_said(number: int, wanted: bool) -> str:
    """Return what happened to a shop's test orders when counting them was turned on or off."""
    if wanted:
        return _("Saved. Test orders count from now on. Fetch the past again for those that were left out.")
    return ngettext(
        "Saved. Test orders are left out from now on; %(num)s that was counted is cancelled.",
        "Saved. Test orders are left out from now on; %(num)s that were counted are cancelled.",
        number,
    )


@pages.post("/shops/<shop_id>/secret")
@doors.open_to("member", "shops.edit")
def renew_secret(shop_id: str) -> ResponseReturnValue:
    shop = shops.one(shop_id)
    shops.renew_secret(shop.id)
    frame.toast(_("There is a new secret. Enter it in the shop; the old one works until you renew again."))
    return frame.go(url_for("shops.show", shop_id=shop.id))


@pages.post("/shops/<shop_id>/pause")
@doors.open_to("member", "shops.edit")
def pause(shop_id: str) -> ResponseReturnValue:
    """Stop a shop for a while."""
    shop = shops.one(shop_id)
    shops.pause(shop.id)
    frame.toast(_("%(name)s is stopped. What it sends is kept and waits.", name=shop.name))
    return frame.go(url_for("shops.show", shop_id=shop.id))


@pages.post("/shops/<shop_id>/resume")
@doors.open_to("member", "shops.edit")
def resume(shop_id: str) -> ResponseReturnValue:
    """Go on with a shop that was stopped."""
    shop = shops.one(shop_id)
    shops.resume(shop.id)
    count = deliveries_in.take_waiting(shop.id)
    frame.toast(
        ngettext(
            "It goes on, with %(num)s message that waited.", "It goes on, with %(num)s messages that waited.", count
        )
    )
    return frame.go(url_for("shops.show", shop_id=shop.id))


@pages.post("/shops/<shop_id>/remove")
@doors.open_to("member", "shops.edit")
def remove(shop_id: str) -> ResponseReturnValue:
    name = shops.one(shop_id).name
    shops.remove(shop_id)
    frame.toast(_("%(name)s is disconnected. What came from it stays.", name=name), undo=frame.undo_url(audit.latest()))
    return frame.go(url_for("shops.index"))


@pages.post("/shops/<shop_id>/restore")
@doors.open_to("member", "shops.edit")
def restore(shop_id: str) -> ResponseReturnValue:
    """Connect a shop again that was disconnected, with the address and the keys it had."""
    shop = shops.restore(shop_id)
    frame.toast(_("%(name)s is connected again. What it did meanwhile is fetched, if it can be read.", name=shop.name))
    return frame.go(url_for("shops.show", shop_id=shop.id))


@pages.get("/shops/<shop_id>/deliveries")
@doors.open_to("member", "shops.read")
def deliveries(shop_id: str) -> ResponseReturnValue:
    shop = shops.one(shop_id)
    state = request.args.get("state")
    state = state if state in ("waiting", "done", "failed") else None
    page = paging.page(
        deliveries_in.of_shop(shop.id, state=state),
        order=deliveries_in.NEWEST,
        cursor=request.args.get("cursor"),
        limit=25,
    )
    rows = [
        {"id": one.id, "topic": one.topic, "resource": one.resource, "state": one.state, "reason": refusal_words.say(one.reason), "received_at": one.received_at,
         "attempts": one.attempts}
        for one in page.items
    ]  # fmt: skip
    return render_template(
        "shops/deliveries.html",
        shop=summary(shop),
        rows=rows,
        next=page.next,
        state=state,
        counts=deliveries_in.counts(shop.id),
    )


@pages.get("/shops/<shop_id>/deliveries/<delivery_id>")
@doors.open_to("member", "shops.read")
def delivery(shop_id: str, delivery_id: str) -> ResponseReturnValue:
    shop = shops.one(shop_id)
    found = deliveries_in.one(delivery_id, shop_id=shop.id)
    return render_template(
        "shops/delivery.html",
        shop=summary(shop),
        delivery=found,
        reason=refusal_words.say(found.reason),
        body=deliveries_in.readable(found),
    )


@pages.post("/shops/<shop_id>/deliveries/<delivery_id>/replay")
@doors.open_to("member", "shops.edit")
def replay(shop_id: str, delivery_id: str) -> ResponseReturnValue:
    shop = shops.one(shop_id)
    found = deliveries_in.replay(deliveries_in.one(delivery_id, shop_id=shop.id).id)
    if found.state == "done":
        frame.toast(_("Understood this time."))
    else:
        frame.toast(_("Still not understood: %(reason)s", reason=refusal_words.say(found.reason)), kind="warning")
    return frame.go(url_for("shops.delivery", shop_id=shop.id, delivery_id=found.id))


@pages.post("/shops/<shop_id>/deliveries/replay")
@doors.open_to("member", "shops.edit")
def replay_all(shop_id: str) -> ResponseReturnValue:
    shop = shops.one(shop_id)
    count = deliveries_in.replay_all_failed(shop.id)
    frame.toast(ngettext("%(num)s delivery is tried again.", "%(num)s deliveries are tried again.", count))
    return redirect(url_for("shops.deliveries", shop_id=shop.id), 303)
