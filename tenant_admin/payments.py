"""Payments, disputes and payouts of the company's own accounts, as lists, and one of each with what it leads to."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from saas.commerce import disputes, orders, payment_accounts, payments, payouts
from saas.customers import finding as people
from saas.customers import profiles
from saas.kit import clock, doors
from tenant_admin import payment_words
from tenant_admin.markup import here

pages = Blueprint("payments", __name__)
LIMIT = 25
TABS = (("", _l("All")), ("succeeded", _l("Went through")), ("failed", _l("Failed")), ("disputed", _l("Disputed")), ("pending", _l("Not finished")))  # fmt: skip


@pages.get("/payments")
@doors.open_to("member", "orders.read")
def index() -> ResponseReturnValue:
    """List payments, newest first, with what they come to by currency."""
    payments.require_visible()
    wanted, chips = _wanted()
    accounts = payment_accounts.every()
    page = payments.listed(cursor=request.args.get("cursor"), limit=LIMIT, **wanted)
    sums = payments.summed(**wanted)
    return render_template(
        "payments/index.html", rows=_rows(page.items), next=page.next, sums=sums, chips=chips, tabs=_tabs(), q=request.args.get("q", ""),
        filtered=bool(wanted), accounts=[_account(one) for one in accounts], section="payments",
        newest=payments.MOST_SUMMED if sum(one["payments"] for one in sums) >= payments.MOST_SUMMED else None,
    )  # fmt: skip


def _wanted() -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Return what the address asks for, and a sentence for each filter."""
    wanted: dict[str, Any] = {}
    chips: list[dict[str, Any]] = []
    state = request.args.get("state")
    if state == "disputed":
        wanted["disputed"] = True
    elif state in payments.STATES:
        wanted["state"] = state
    if request.args.get("customer"):
        buyer = profiles.one(request.args["customer"])
        wanted["customer_id"] = buyer.id
        chips.append({"sentence": _("of %(name)s", name=buyer.name), "remove": here(customer=None)})
    if request.args.get("joined") in ("yes", "no"):
        wanted["joined"] = request.args["joined"] == "yes"
        chips.append({"sentence": _("with an order") if wanted["joined"] else _("without an order"), "remove": here(joined=None)})  # fmt: skip
    code = request.args.get("currency", "").upper()
    if len(code) == 3 and code.isalpha():
        wanted["currency"] = code
        chips.append({"sentence": _("in %(currency)s", currency=code), "remove": here(currency=None)})
    if request.args.get("q", "").strip():
        wanted["words"] = request.args["q"].strip()[:200]
    return wanted, chips


def _tabs() -> list[dict[str, Any]]:
    chosen = request.args.get("state", "")
    return [{"label": str(label), "url": url_for("payments.index", state=key or None), "active": key == chosen} for key, label in TABS]  # fmt: skip


def _rows(found: list[Any]) -> list[dict[str, Any]]:
    buyers = people.many([row.customer_id for row in found if row.customer_id])
    known = orders.many([row.order_id for row in found if row.order_id])
    return [_row(row, buyers.get(row.customer_id), known.get(row.order_id)) for row in found]


def _row(row: Any, buyer: Any, order: Any) -> dict[str, Any]:
    return {
        "id": row.id, "at": row.at, "state": "paid" if row.state == "succeeded" else row.state, "amount": row.amount, "currency": row.currency, "refunded": row.refunded_amount,
        "disputed": row.disputed, "method": payment_words.method(row), "failure": payment_words.failure(row.failure) if row.failure else "",
        "buyer": buyer.name if buyer else row.email or None, "buyer_id": buyer.id if buyer else None,
        "order_id": order.id if order else None, "number": order.number or order.external_id if order else row.number,
    }  # fmt: skip


def _account(account: Any) -> dict[str, Any]:
    return {
        "id": account.id, "name": account.name or account.account, "account": account.account, "live": account.live, "trouble": account.trouble,
        "lacking": account.lacking, "currency": account.currency, "country": account.country,
    }  # fmt: skip


@pages.get("/payments/<payment_id>")
@doors.open_to("member", "orders.read")
def show(payment_id: str) -> ResponseReturnValue:
    """Show a payment with its refunds, its dispute, its order and where it stands in the vendor's dashboard."""
    payments.require_visible()
    row = payments.one(payment_id)
    account = payment_accounts.one(row.account_id, removed=True)
    return render_template("payments/show.html", **_whole(row), account=_account(account), at_vendor=payments.dashboard(account, "payments", row.key))  # fmt: skip


def _whole(row: Any) -> dict[str, Any]:
    account = payment_accounts.by_ids([row.account_id])[row.account_id]
    buyers = people.many([row.customer_id] if row.customer_id else [])
    known = orders.many([row.order_id] if row.order_id else [])
    shown = _row(row, buyers.get(row.customer_id), known.get(row.order_id)) | {
        "key": row.key, "charge": row.charge, "email": row.email, "fee": row.fee_amount, "net": row.net_amount, "settled": row.settled_currency,
        "risk": str(payment_words.RISKS.get(row.risk, "")), "risky": row.risk in ("elevated", "highest"), "risk_score": row.risk_score, "received": row.received_amount,
    }  # fmt: skip
    return {
        "payment": shown, "refunds": [_refund(one) for one in payments.refunds_of([row.id])],
        "disputes": [_dispute(one, account) for one in payments.disputes_of([row.id])],
    }  # fmt: skip


def _refund(row: Any) -> dict[str, Any]:
    state = {"succeeded": "refunded"}.get(row.state, row.state)
    return {
        "amount": row.amount,
        "currency": row.currency,
        "at": row.at,
        "state": state,
        "told": row.refund_id is not None,
    }


def _dispute(row: Any, account: Any) -> dict[str, Any]:
    days = None if row.due_at is None else (row.due_at - clock.now()).total_seconds() / 86_400
    return {
        "id": row.id, "amount": row.amount, "currency": row.currency, "state": f"dispute_{row.state}", "reason": payment_words.reason(row.reason), "at": row.opened_at,
        "due_at": row.due_at, "days": days, "waits": row.state == "needs_answer", "inquiry": row.inquiry, "payment_id": row.payment_id,
        "url": payments.dashboard(account, "disputes", row.key) if account else None,
    }  # fmt: skip


@pages.get("/payments/disputes")
@doors.open_to("member", "orders.read")
def list_disputes() -> ResponseReturnValue:
    """List disputes: those that wait for an answer first, with the days that are left."""
    payments.require_visible()
    open_only = request.args.get("state") != "ended"
    first = disputes.to_answer() if open_only and not request.args.get("cursor") else []
    page = disputes.listed(open=open_only, cursor=request.args.get("cursor"), limit=LIMIT)
    rows = first + [row for row in page.items if row.id not in {one.id for one in first} and not (open_only and row.state == "needs_answer" and first)]  # fmt: skip
    accounts = payment_accounts.by_ids({row.account_id for row in rows})
    paid = payments.many([row.payment_id for row in rows if row.payment_id])
    buyers = people.many([row.customer_id for row in rows if row.customer_id])
    shown = []
    for row in rows:
        payment, buyer = paid.get(row.payment_id), buyers.get(row.customer_id)
        shown.append(_dispute(row, accounts.get(row.account_id)) | {"buyer": buyer.name if buyer else payment.email if payment else None})  # fmt: skip
    tabs = [
        {"label": _("Open"), "url": url_for("payments.list_disputes"), "active": open_only},
        {"label": _("Ended"), "url": url_for("payments.list_disputes", state="ended"), "active": not open_only},
    ]
    return render_template("payments/disputes.html", rows=shown, next=page.next, tabs=tabs, open_only=open_only, section="disputes")  # fmt: skip


@pages.get("/payments/payouts")
@doors.open_to("member", "orders.read")
def list_payouts() -> ResponseReturnValue:
    """List payouts, newest first."""
    payments.require_visible()
    page = payouts.listed(cursor=request.args.get("cursor"), limit=LIMIT)
    return render_template("payments/payouts.html", rows=[_payout(row) for row in page.items], next=page.next, section="payouts")  # fmt: skip


def _payout(row: Any) -> dict[str, Any]:
    return {
        "id": row.id, "made_at": row.made_at, "arrives_on": row.arrives_on, "state": row.state, "amount": row.amount, "currency": row.currency,
        "failure": payment_words.payout_failure(row.failure) if row.failure else "", "listed": row.listed, "automatic": row.automatic,
    }  # fmt: skip


@pages.get("/payments/payouts/<payout_id>")
@doors.open_to("member", "orders.read")
def payout(payout_id: str) -> ResponseReturnValue:
    """Show a payout: what it is made of, whether the sum is right, and each movement with its payment."""
    payments.require_visible()
    row = payouts.one(payout_id)
    account = payment_accounts.one(row.account_id, removed=True)
    made = payouts.parts(row.id)
    page = payouts.lines(row.id, cursor=request.args.get("cursor"))
    behind = payouts.behind(page.items, row.account_id)
    lines = [
        {"kind": str(payment_words.KINDS[line.kind]), "at": line.at, "amount": line.amount, "fee": line.fee_amount, "net": line.net_amount,
         "payment_id": behind[line.source].id if line.source in behind else None, "who": behind[line.source].email if line.source in behind else "",
         "number": behind[line.source].number if line.source in behind else ""}
        for line in page.items
    ]  # fmt: skip
    parts = [one | {"name": str(payment_words.KINDS[one["kind"]])} for one in made["kinds"]]
    return render_template(
        "payments/payout.html", payout=_payout(row), parts=parts, sum=made["sum"], right=made["sum"] == row.amount, lines=lines, next=page.next,
        at_vendor=payments.dashboard(account, "payouts", row.key),
    )  # fmt: skip


@pages.get("/orders/<order_id>/payments")
@doors.open_to("member", "orders.read")
def of_order(order_id: str) -> ResponseReturnValue:
    """The part of an order's page that tells how it was paid; nothing where nobody knows."""
    order = orders.one(order_id)
    found = [_whole(row) for row in payments.of_order(order.id)[:10]] if payments.visible() else []
    return render_template("payments/of_order.html", found=found)


@pages.get("/customers/<customer_id>/payments")
@doors.open_to("member", "customers.read")
def of_customer(customer_id: str) -> ResponseReturnValue:
    """The part of a customer's page that tells of failed payments and disputes; nothing where there are none."""
    customer = profiles.one(customer_id)
    found = [_whole(row) for row in payments.of_customer(customer.id)] if payments.visible() else []
    return render_template("payments/of_customer.html", found=found, customer_id=customer.id)
