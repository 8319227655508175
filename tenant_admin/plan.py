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

from saas.billing import accounts, banner, checkouts, gateway, invoices, plans, subscriptions, usage
from saas.commerce import meter, shops
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
    if not found or not (handles_money or found["kind"] in ("unpaid", "closing")):
        return {}
    until = datetime.fromisoformat(found["until"]) if found["until"] else None
    leads = "closing.show" if found["kind"] == "closing" else "plan.index"
    said = plan_words.banner(found["kind"], until, found.get("name") or "")
    return said | {"url": url_for(leads) if handles_money else None, "kind": found["kind"]}


@pages.get("/plan")
@doors.open_to("member", "plan.read")
def index() -> str:
    """Show the plan, its use against the limits, the other plans, and the invoices."""
    account, alive, allowed = accounts.current(), subscriptions.alive(), limits.all_limits()
    mine = usage.plan(account, allowed=allowed)
    counted = usage.counted_lately()
    uses = measure(allowed, counted)
    past = usage.history(uses, counted)
    owing = invoices.unpaid()
    owner = "plan.edit" in (frame.viewer().rights or ("plan.edit",))
    return render_template(
        "plan/index.html", account=_account(account, alive), plan=_name(mine, alive),
        cards=plan_words.cards(
            mine, alive=alive, account=account, owner=owner, may_try=owner and not alive and not subscriptions.tried_before()
        ), trial_days=plans.TRIAL_DAYS,
        uses=[plan_words.use(one, usage.full_on(one, past[one.name])) for one in uses],
        seats=_seats(mine, alive, account) if owner else None,
        over=plan_words.beyond_free(uses), owing=owing and plan_words.invoice(owing), owner=owner, notice=read_banner(),
        invoices=[plan_words.invoice(one) for one in invoices.listed()], tabs=settings.tabs("plan.index"),
    )  # fmt: skip


def measure(allowed: usage.Limits, counted: usage.Counted | None = None) -> list[usage.Use]:
    """Return what is used of everything the plan counts."""
    return usage.measured(
        contacts=profiles.count(), shops=shops.count(), allowed=allowed, events_waiting=meter.waiting(), counted=counted
    )


def _seats(mine: plans.Plan | None, alive: list[Any], account: Any) -> int | None:
    """Return how many people are paid for beyond the plan's own number; None where none can be added now."""
    can = mine is not None and mine.seat_amount and alive and account.standing in ("active", "trialing")
    return account.seats if can else None


def _name(mine: plans.Plan | None, alive: list[Any]) -> str | None:
    """Return the plan's name as the company knows it: also while it is not granted because it is not paid."""
    subscribed = plans.one(alive[0].plan) if alive else mine
    return subscribed.name if subscribed else None


def _account(account: Any, alive: list[Any]) -> dict[str, Any]:
    names = ("standing", "ends_at", "renews_at", "card", "card_expires", "credit_amount")
    shown = {name: getattr(account, name, None) for name in names}
    paid = alive[0] if alive else None
    price = None
    if paid:
        price = {name: getattr(paid, name) for name in ("currency", "coupon", "collection_paused", "trial_end_at")}
        price |= {"amount": paid.price_amount}
    return shown | {"customer": bool(account and account.customer), "paid": price}


@pages.post("/plan/choose/<plan>")
@doors.open_to("member", "plan.edit", unit=False, fresh=True)
def choose(plan: str) -> Response:
    """Lead the owner to the page where the plan is paid, or to what a change of plan costs."""
    plans.one(plan)
    with work.unit():
        pays = any(row.status in ("trialing", "active") and row.plan != plan for row in subscriptions.alive())
    if pays and plans.one(plan).amount:
        return frame.go(url_for("plan_changes.show", plan=plan))

    def lead() -> str:
        with work.unit():
            checkout_id = checkouts.wish(plan=plan, trial=bool(request.form.get("trial")))
        with work.unit():
            accounts.become_customer(email=g.member.email)
        with work.unit():
            return checkouts.open_page(checkout_id, locale=stripes_locale())

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
            return checkouts.manage(locale=stripes_locale())

    return _go(lead)


@pages.get("/plan/invoices/<invoice_id>/pdf")
@doors.open_to("member", "plan.read")
def invoice_pdf(invoice_id: str) -> Response:
    """Hand on an invoice's PDF from Stripe; its address there is told to nobody."""
    invoice = invoices.one(invoice_id)
    if not invoice.pdf_url:
        raise invoices.NoSuchInvoice
    name = "".join(sign for sign in invoice.number if sign.isalnum() or sign in "-_") or "invoice"
    return Response(
        gateway.pdf(invoice.pdf_url), mimetype="application/pdf",
        headers={"Content-Disposition": f'attachment; filename="{name}.pdf"', "Cache-Control": "private, no-store"},
    )  # fmt: skip


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


def stripes_locale() -> str:
    return "zh" if str(get_locale()).startswith("zh") else "en"
