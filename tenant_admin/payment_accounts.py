"""Connecting a company's own payment account: by consent at Stripe or by a restricted key, with every step tested in words.

Whoever connects confirms who they are first. Keys go in and never come out again. No transaction is open while Stripe is asked.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, render_template, request, url_for
from flask import session as kept
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from saas import config
from saas.commerce import payment_accounts, shops
from saas.commerce.connectors import past, stripe
from saas.kit import crypto, doors, rates, scope, work
from saas.tenancy import ceremonies
from tenant_admin import formats, frame, payment_words

pages = Blueprint("payment_accounts", __name__)
STATE, KIND = "stripe_state", "stripe"


@pages.get("/payments/accounts/new")
@doors.open_to("member", "shops.edit", fresh=True)
def new() -> ResponseReturnValue:
    """Ask how an account is to be connected."""
    return _form({})


def _form(wrong: dict[str, list[str]], *, shop_id: str = "") -> str:
    lacks = [(payment_words.permission(name.removeprefix("lacks.")), words[0]) for name, words in wrong.items() if name.startswith("lacks.")]  # fmt: skip
    choices = [("", _("Any of our shops")), *((str(shop.id), shop.name) for shop in shops.all_shops())]
    needed = sorted({payment_words.permission(name) for name in stripe.READS})
    return render_template(
        "payments/connect.html", errors={name: words for name, words in wrong.items() if not name.startswith("lacks.")}, lacks=lacks,
        shops=choices, shop_id=shop_id, by_consent=stripe.offered(), needed=needed,
    )  # fmt: skip


@pages.post("/payments/accounts/new")
@doors.open_to("member", "shops.edit", fresh=True, unit=False)
def connect() -> ResponseReturnValue:
    """Try a key and keep it; what is wrong with it is said in words."""
    rates.require(f"payment keys:{scope.tenant_id()}", "30/minute")
    shop_id = request.form.get("shop_id", "")
    try:
        tried = payment_accounts.try_key(request.form.get("key", ""))
    except payment_accounts.BadKey as refusal:
        with work.unit():
            return _form(refusal.fields, shop_id=shop_id), 422
    except past.StoreRefused as refusal:
        with work.unit():
            return _form({"key": [_(refusal.message)]}, shop_id=shop_id), 422
    return _enter(tried, shop_id)


def _enter(tried: payment_accounts.Tried, shop_id: str = "") -> ResponseReturnValue:
    with work.unit():
        account = payment_accounts.enter(tried, shop_id=shop_id or None)
        frame.toast(_("%(name)s is connected. Its past is being fetched.", name=account.name))
        return frame.go(url_for("payment_accounts.show", account_id=account.id))


# A page leads on, not a redirect: browsers hold the policy for forms (form-action) against every redirect after one.
@pages.post("/payments/accounts/consent")
@doors.open_to("member", "shops.edit", fresh=True, unit=False)
def begin() -> ResponseReturnValue:
    """Lead somebody to the page at Stripe where the account's owner agrees."""
    if not stripe.offered():
        with work.unit():
            return _form({"key": [_("Regulars is no platform at Stripe here. Use a restricted key.")]}), 422
    state = ceremonies.begin(KIND, tenant_id=scope.tenant_id())
    kept[STATE] = state
    address = stripe.consent_address(state=state, return_url=_return_address())
    return Response(render_template("payments/to_stripe.html", address=address), headers={"Cache-Control": "no-store"})


def _return_address() -> str:
    return f"{config.get().public_url.rstrip('/')}/payments/accounts/return"


@pages.get("/payments/accounts/return")
@doors.open_to("member", "shops.edit", unit=False)
def came_back() -> ResponseReturnValue:
    """Take what Stripe sent back: the word this browser took along, and a code that is exchanged once."""
    given = request.args.to_dict()
    if not given:
        return frame.go(url_for("payment_accounts.new"))  # somebody opened the address by hand
    rates.require(f"stripe:{request.remote_addr}", "60/minute")
    try:
        mine = kept.pop(STATE, "")
        if not given.get("state") or not crypto.same(mine, given["state"]):
            raise ceremonies.Interrupted(_(ceremonies.Interrupted.message))
        if ceremonies.end(KIND, mine)["tenant_id"] != scope.tenant_id():
            raise ceremonies.Interrupted(_(ceremonies.Interrupted.message))
        if given.get("error"):
            raise past.StoreRefused(_("Stripe says that nobody agreed, so nothing was connected."))
        tried = payment_accounts.try_consent(stripe.exchange(given.get("code", "")))
    except (past.StoreRefused, ceremonies.Interrupted) as refusal:
        with work.unit():
            return _form({"key": [_(refusal.message)]}), refusal.status
    return _enter(tried)


@pages.get("/payments/accounts/<account_id>")
@doors.open_to("member", "shops.read")
def show(account_id: str) -> ResponseReturnValue:
    """Show an account: each step of connecting with how it stands, and how far its past is."""
    account = payment_accounts.one(account_id)
    return _page(account, {})


def _page(account: Any, wrong: dict[str, list[str]]) -> str:
    choices = [("", _("Any of our shops")), *((str(shop.id), shop.name) for shop in shops.all_shops())]
    held = account.backfill
    shown = {
        "id": account.id, "name": account.name or account.account, "account": account.account, "country": account.country, "currency": account.currency,
        "live": account.live, "trouble": account.trouble, "way": account.way, "shop_id": str(account.shop_id or ""), "hint": account.key_hint,
        "last_told_at": account.last_told_at, "compared_at": account.compared_at,
    }  # fmt: skip
    return render_template(
        "payments/account.html", account=shown, steps=_steps(account), shops=choices, errors=wrong, fetch=_fetch(held),
        needs_secret=account.way == "key" and not account.hook_secret_sealed and account.trouble != "gone",
        address=payment_accounts.hook_address(account.hook_token) if account.hook_token else "", events=stripe.EVENTS,
        waiting=payment_accounts.not_understood(account.id),
    )  # fmt: skip


def _fetch(held: dict[str, Any]) -> dict[str, Any] | None:
    if not held.get("state"):
        return None
    names = {"payments": _("payments"), "charges": _("older charges"), "disputes": _("disputes"), "refunds": _("refunds"), "payouts": _("payouts")}  # fmt: skip
    done = [(names[kind], row["fetched"], row["failed"]) for kind, row in held.get("done", {}).items() if kind in names]
    return {"state": {"wanted": "waiting"}.get(held["state"], held["state"]), "done": sorted(done), "now": names.get(held.get("kind", ""), "")}  # fmt: skip


def _steps(account: Any) -> list[tuple[str, str, str]]:
    """Return the steps of connecting: what was tried, in words what came of it, and done, now or failed."""
    found = {one["name"]: one for one in payment_accounts.checks(account)}
    mode = _("real money") if account.live else _("test mode")
    where = ", ".join(part for part in (account.account, account.country, account.currency, mode) if part)
    by_key = account.way == "key"
    trouble = {
        "refused": _("Stripe does not accept the key any more. Enter a new one."),
        "gone": _("The permission was taken back at Stripe. Connect the account again to go on."),
    }.get(account.trouble)
    good = _("Accepted: %(hint)s", hint=account.key_hint) if by_key else _("The account’s owner agreed that we read it.")  # fmt: skip
    lacks = [payment_words.permission(name) for name, _permission in found["permissions"]["what"]]
    told = account.last_told_at
    if not by_key:
        heard = _("Stripe tells our platform what happens in the account.")
    elif account.endpoint:
        heard = _("Made at Stripe by us; it is switched on again should it ever be switched off.")
    else:
        heard = _("Made at Stripe by hand.") if account.hook_secret_sealed else _("The key may not make one. Allow it to write webhook endpoints and enter it again, or make one by hand as said below.")  # fmt: skip
    return [
        (_("Key") if by_key else _("Permission"), trouble or good, found["key"]["state"]),
        (_("Account"), where, "done"),
        (_("Rights"), _("Missing: %(names)s. What they would bring stays unknown.", names=_("; ").join(dict.fromkeys(lacks))) if lacks else _("Everything can be read."), found["permissions"]["state"]),
        (_("Webhook"), heard, found["webhook"]["state"]),
        (_("Signed round trip"), _("Stripe told us of something at %(when)s, signed as it should be.", when=formats.when(told)) if told else _("Nothing was told yet. The next payment shows whether it works."), found["round_trip"]["state"]),
    ]  # fmt: skip


@pages.post("/payments/accounts/<account_id>/shop")
@doors.open_to("member", "shops.edit")
def tie(account_id: str) -> ResponseReturnValue:
    """Say which shop an account takes the money for."""
    account = payment_accounts.tie_to_shop(account_id, request.form.get("shop_id") or None)
    frame.toast(_("Saved."))
    return frame.go(url_for("payment_accounts.show", account_id=account.id))


@pages.post("/payments/accounts/<account_id>/secret")
@doors.open_to("member", "shops.edit", fresh=True)
def keep_secret(account_id: str) -> ResponseReturnValue:
    """Keep the signing secret of a webhook endpoint that was made by hand."""
    try:
        account = payment_accounts.keep_secret(account_id, request.form.get("secret", ""))
    except payment_accounts.BadKey as refusal:
        return _page(payment_accounts.one(account_id), refusal.fields), 422
    frame.toast(_("Saved. The next payment shows whether it works."))
    return frame.go(url_for("payment_accounts.show", account_id=account.id))


@pages.post("/payments/accounts/<account_id>/fetch")
@doors.open_to("member", "shops.edit")
def fetch(account_id: str) -> ResponseReturnValue:
    """Have an account's past fetched again."""
    account = payment_accounts.ask(account_id)
    frame.toast(_("The past of %(name)s is being fetched. You can leave this page.", name=account.name))
    return frame.go(url_for("payment_accounts.show", account_id=account.id))


@pages.post("/payments/accounts/<account_id>/remove")
@doors.open_to("member", "shops.edit", fresh=True, unit=False)
def remove(account_id: str) -> ResponseReturnValue:
    """Let an account go, here and at Stripe; what came from it stays."""
    with work.unit():
        name = payment_accounts.one(account_id).name
        back = payment_accounts.remove(account_id)
    payment_accounts.give_back(back)
    with work.unit():
        frame.toast(_("%(name)s is disconnected. What came from it stays.", name=name))
        return frame.go(url_for("payments.index"))
