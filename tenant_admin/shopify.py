"""Installing the house's app in a Shopify shop: to the page there where its owner agrees, and back with a permission.

What comes back is believed only when Shopify signed it, it is fresh, it names the shop we sent them to, and it carries the
word that this browser took along, once. No transaction is open while Shopify is asked.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, render_template, request, url_for
from flask import session as kept
from flask_babel import gettext as _

from saas.commerce import shops
from saas.commerce.connectors import past, shopify_oauth
from saas.kit import crypto, doors, errors, rates, scope, work
from saas.tenancy import ceremonies
from tenant_admin import frame
from tenant_admin import shops as shop_pages

pages = Blueprint("shopify", __name__)
STATE, KIND = "shopify_state", "shopify"


@pages.post("/shops/shopify")
@doors.open_to("member", "shops.edit", unit=False)
def begin() -> Any:
    """Lead somebody to the page where their shop's owner agrees."""
    given = request.form.get("url", "")
    try:
        if not shopify_oauth.offered():
            raise shops.BadShop(
                fields={"url": [_("Regulars has no app of its own at Shopify here. Use an app of your own.")]}
            )
        domain = shops.shopify_domain(given)
    except shops.BadShop as refusal:
        with work.unit():
            return shop_pages.form({"kind": "shopify", "url": given}, refusal.fields), 422
    return _to_shopify(domain)


# A page leads on, not a redirect: browsers hold the policy for forms (form-action) against every redirect after one.
def _to_shopify(domain: str) -> Response:
    state = ceremonies.begin(KIND, tenant_id=scope.tenant_id(), domain=domain)
    kept[STATE] = state
    page = render_template(
        "shops/to_shopify.html", address=shopify_oauth.consent_address(domain, state=state), domain=domain
    )
    return Response(page, headers={"Cache-Control": "no-store"})


@pages.get("/shops/shopify/return")
@doors.open_to("member", "shops.edit", unit=False)
def came_back() -> Any:
    """Take what Shopify sent back, exchange it for keys, and connect the shop or enter it again."""
    given = request.args.to_dict()
    if not given:
        return frame.go(url_for("shops.new", kind="shopify"))  # somebody opened the address by hand
    rates.require(f"shopify:{request.remote_addr}", "60/minute")
    domain = str(given.get("shop", "")).lower()
    try:
        mine = kept.pop(STATE, "")
        if not given.get("state") or not crypto.same(mine, given["state"]):
            raise ceremonies.Interrupted(_(ceremonies.Interrupted.message))
        begun = ceremonies.end(KIND, mine)
        shopify_oauth.require_signed(given)
        if begun["tenant_id"] != scope.tenant_id() or begun["domain"] != domain:
            raise ceremonies.Interrupted(_(ceremonies.Interrupted.message))
        keys = shopify_oauth.exchange(domain, given.get("code", ""))
        with work.unit():
            shop = _enter(domain, keys)
            frame.toast(_("%(name)s is connected. Its past is being fetched.", name=shop.name))
            return frame.go(url_for("shops.show", shop_id=shop.id))
    except (past.StoreRefused, ceremonies.Interrupted, shopify_oauth.NotFromShopify, errors.LimitReached) as refusal:
        with work.unit():
            return shop_pages.form({"kind": "shopify", "url": domain}, {"url": [_(refusal.message)]}), refusal.status


def _enter(domain: str, keys: dict[str, Any]) -> Any:
    held = shops.by_domain(domain)
    if held is not None:
        return shops.keep_access(held.id, keys, fetch=True)
    return shops.connect(kind="shopify", name=shops.first_name(domain), url=domain, held=keys)[0]


@pages.get("/shopify")
@doors.open_to("anyone", unit=False)
def from_shopify() -> Any:
    """Meet somebody who comes from Shopify itself (the app's address there), and lead them to connecting that shop."""
    try:
        shopify_oauth.require_signed(request.args.to_dict())
        domain = shops.shopify_domain(request.args.get("shop", ""))
    except (shopify_oauth.NotFromShopify, shops.BadShop):
        return frame.go(url_for("shops.new", kind="shopify"))
    return frame.go(url_for("shops.new", kind="shopify", shop=domain))
