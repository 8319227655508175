"""The plan's page: what the company uses and pays, and the ways to Stripe's pages, where cards are typed.

Whoever comes back from paying waits here until Stripe has told us; the way back itself grants nothing. Views that ask
Stripe open their own units of work, so that what was asked is written down before it is asked.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from flask import Blueprint, Response, g, render_template, request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _

from saas.billing import accounts, banner, checkouts, invoices, plans, subscriptions, usage
from saas.commerce import shops
from saas.customers import profiles
from saas.kit import doors, errors, scope, work
from saas.tenancy import limits
from tenant_admin import frame, plan_words, settings

pages = Blueprint("plan", __name__)
PATIENCE = 90  # seconds a page waits before it says that this takes longer than usual


@pages.app_context_processor
def give_banner() -> dict[str, Any]:
    return {"plan_banner": read_banner}


def read_banner() -> dict[str, Any]:
    """Return what every page says about the plan to this viewer, or nothing."""
    who = frame.viewer()
    if who is None or scope.tenant_or_none() is None:
        return {}
    found = banner.read()
    handles_money = who.rights is None or "plan.read" in who.rights
    if not found or not (handles_money or found["kind"] == "unpaid"):
        return {}
    until = datetime.fromisoformat(found["until"]) if found["until"] else None
    return plan_words.banner(found["kind"], until) | {"url": url_for("plan.index") if handles_money else None}


@pages.get("/plan")
@doors.open_to("member", "plan.read")
def index() -> str:
    """Show the plan, its use against the limits, the other plans, and the invoices."""
    account, alive, allowed = accounts.current(), subscriptions.alive(), limits.all_limits()
    mine = usage.plan(account, allowed=allowed)
    uses = usage.measured(contacts=profiles.count(), shops=shops.count(), allowed=allowed)
    owing = invoices.unpaid()
    owner = "plan.edit" in (frame.viewer().rights or ("plan.edit",))
    return render_template(
        "plan/index.html", account=_account(account, alive), plan=_name(mine, alive),
        cards=plan_words.cards(mine, alive=alive, account=account, owner=owner), uses=[plan_words.use(one) for one in uses],
        over=plan_words.beyond_free(uses), owing=owing and plan_words.invoice(owing), owner=owner, notice=read_banner(),
        invoices=[plan_words.invoice(one) for one in invoices.listed()], tabs=settings.tabs("plan.index"),
    )  # fmt: skip


def _name(mine: plans.Plan | None, alive: list[Any]) -> str | None:
    """Return the plan's name as the company knows it: also while it is not granted because it is not paid."""
    subscribed = plans.one(alive[0].plan) if alive else mine
    return subscribed.name if subscribed else None


def _account(account: Any, alive: list[Any]) -> dict[str, Any]:
    names = ("standing", "ends_at", "renews_at", "card", "card_expires")
    shown = {name: getattr(account, name, None) for name in names}
    paid = alive[0] if alive else None
    price = {"amount": paid.price_amount, "currency": paid.currency} if paid else None
    return shown | {"customer": bool(account and account.customer), "paid": price}


@pages.post("/plan/choose/<plan>")
@doors.open_to("member", "plan.edit", unit=False, fresh=True)
def choose(plan: str) -> Response:
    """Lead the owner to the page where the plan is paid, or the change of plan confirmed."""
    plans.one(plan)

    def lead() -> str:
        with work.unit():
            checkout_id = checkouts.wish(plan=plan)
        with work.unit():
            accounts.become_customer(email=g.member.email)
        with work.unit():
            return checkouts.open_page(checkout_id, locale=_stripes_locale())

    return _go(lead)


@pages.post("/plan/free")
@doors.open_to("member", "plan.edit", unit=False, fresh=True)
def go_free() -> Response:
    """Go on with the free plan, at the end of what is paid."""
    return _settled(subscriptions.go_free, _("Your plan goes on until the end of the month you paid for."))


@pages.post("/plan/keep")
@doors.open_to("member", "plan.edit", unit=False, fresh=True)
def keep() -> Response:
    """Keep a plan that was about to end."""
    return _settled(subscriptions.keep, _("Your plan goes on."))


@pages.post("/plan/manage")
@doors.open_to("member", "plan.edit", unit=False, fresh=True)
def manage() -> Response:
    """Lead the owner to the page of card, invoices and address."""

    def lead() -> str:
        with work.unit():
            return checkouts.manage(locale=_stripes_locale())

    return _go(lead)


@pages.get("/plan/return/<checkout_id>")
@doors.open_to("member", "plan.read")
def come_back(checkout_id: str) -> str | Response:
    """Wait for Stripe to tell of the payment. Each third look asks Stripe, in case the telling got lost."""
    checkout = checkouts.one(checkout_id)
    asked = max(0, request.args.get("asked", 0, int))
    if checkout.state in checkouts.OPEN and asked % 3 == 2:
        checkout = _ask(checkout)
    account = accounts.current()
    if account is not None and account.plan == checkout.plan and account.standing != "unpaid":
        frame.toast(_("You are on %(plan)s now.", plan=plans.one(checkout.plan).name))
        return frame.go(url_for("plan.index"))
    state = "failed" if checkout.state in ("expired", "replaced") else "waiting" if asked < PATIENCE else "paused"
    poll = url_for("plan.come_back", checkout_id=checkout_id, asked=asked + 1)
    return render_template("plan/return.html", state=state, poll=poll, plan=plans.one(checkout.plan).name)


def _ask(checkout: Any) -> Any:
    try:
        return checkouts.refresh(accounts.hold(), checkout.id)
    except (errors.Unavailable, errors.Conflict, errors.NotFound):
        return checkout  # the next look asks again


def _go(lead: Any) -> Response:
    """Send the browser where `lead` says; a refusal is said on the plan's page."""
    try:
        return frame.go(lead())
    except (errors.Unavailable, errors.Conflict, errors.Invalid) as refusal:
        frame.toast(refusal.message, kind="error")
        return frame.go(url_for("plan.index"))


def _settled(act: Any, sentence: str) -> Response:
    def lead() -> str:
        with work.unit():
            act()
            ends = next((row.ends_at for row in subscriptions.alive() if row.ends_at), None)
        frame.toast(sentence if ends or act is subscriptions.keep else _("You are on the free plan now."))
        return url_for("plan.index")

    return _go(lead)


def _stripes_locale() -> str:
    return "zh" if str(get_locale()).startswith("zh") else "en"
