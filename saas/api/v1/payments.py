"""Payments, disputes and payouts for programs: to be read; the payment vendor tells of them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint
from marshmallow import fields, validate

from saas.api import shapes
from saas.commerce import disputes, payment_accounts, payments, payouts
from saas.commerce import payment_schemas as schemas
from saas.kit import doors
from saas.tenancy import reads

blueprint = Blueprint("api_payments", __name__, description="What the company's own payment account tells")
MOST_LINES = 200


class PaymentQuery(shapes.ListQuery):
    """Which payments a list shows."""

    state = fields.String(validate=validate.OneOf(payments.STATES))
    customer_id = fields.UUID()
    order_id = fields.UUID()
    account_id = fields.UUID()
    currency = fields.String(validate=validate.Regexp(r"^[A-Z]{3}$"))
    joined = fields.Boolean(metadata={"description": "true: with an order; false: without"})
    disputed = fields.Boolean()
    since = fields.AwareDateTime()
    until = fields.AwareDateTime()


class DisputeQuery(shapes.ListQuery):
    """Which disputes a list shows."""

    state = fields.String(validate=validate.OneOf(schemas.DISPUTE_STATES))
    open = fields.Boolean(metadata={"description": "true: that have not ended"})
    customer_id = fields.UUID()
    since = fields.AwareDateTime()
    until = fields.AwareDateTime()


class PayoutQuery(shapes.ListQuery):
    """Which payouts a list shows."""

    state = fields.String(validate=validate.OneOf(schemas.PAYOUT_STATES))
    account_id = fields.UUID()
    since = fields.AwareDateTime()
    until = fields.AwareDateTime()


@blueprint.route("/payments")
@blueprint.arguments(PaymentQuery, location="query")
@blueprint.response(200, shapes.page_of(schemas.PaymentOut))
@doors.open_to("key", "orders.read")
def listed(query: dict[str, Any]) -> dict[str, Any]:
    """List payments, newest first."""
    payments.require_visible()
    page = payments.listed(**query)
    reads.note(kind="payment", count=len(page.items))
    return {"items": [schemas.payment_shown(row) for row in page.items], "next": page.next}


@blueprint.route("/payments/<payment_id>")
@blueprint.response(200, schemas.PaymentOut)
@doors.open_to("key", "orders.read")
def one(payment_id: UUID) -> Any:
    """Show a payment with its refunds."""
    payments.require_visible()
    row = payments.one(payment_id)
    reads.note(kind="payment", count=1)
    return schemas.payment_shown(row, payments.refunds_of([row.id]))


@blueprint.route("/disputes")
@blueprint.arguments(DisputeQuery, location="query")
@blueprint.response(200, shapes.page_of(schemas.DisputeOut))
@doors.open_to("key", "orders.read")
def list_disputes(query: dict[str, Any]) -> dict[str, Any]:
    """List disputes, newest first."""
    payments.require_visible()
    page = disputes.listed(**query)
    reads.note(kind="dispute", count=len(page.items))
    return {"items": [schemas.dispute_shown(row) for row in page.items], "next": page.next}


@blueprint.route("/disputes/<dispute_id>")
@blueprint.response(200, schemas.DisputeOut)
@doors.open_to("key", "orders.read")
def one_dispute(dispute_id: UUID) -> Any:
    """Show a dispute."""
    payments.require_visible()
    row = disputes.one(dispute_id)
    reads.note(kind="dispute", count=1)
    return schemas.dispute_shown(row)


@blueprint.route("/payouts")
@blueprint.arguments(PayoutQuery, location="query")
@blueprint.response(200, shapes.page_of(schemas.PayoutOut))
@doors.open_to("key", "orders.read")
def list_payouts(query: dict[str, Any]) -> dict[str, Any]:
    """List payouts, newest first."""
    payments.require_visible()
    page = payouts.listed(**query)
    return {"items": [schemas.payout_shown(row) for row in page.items], "next": page.next}


@blueprint.route("/payouts/<payout_id>")
@blueprint.response(200, schemas.PayoutOut)
@doors.open_to("key", "orders.read")
def one_payout(payout_id: UUID) -> Any:
    """Show a payout with the newest of what it is made of."""
    payments.require_visible()
    row = payouts.one(payout_id)
    return schemas.payout_shown(row, payouts.lines(row.id, limit=MOST_LINES).items)


@blueprint.route("/payment-accounts")
@blueprint.response(200, shapes.page_of(schemas.PaymentAccountOut))
@doors.open_to("key", "shops.read")
def list_accounts() -> dict[str, Any]:
    """List the connected payment accounts. People connect them, at the page."""
    return {"items": [schemas.account_shown(row) for row in payment_accounts.every()], "next": None}


@blueprint.route("/payment-accounts/<account_id>", methods=["PATCH"])
@blueprint.arguments(schemas.PaymentAccountChange)
@blueprint.response(200, schemas.PaymentAccountOut)
@doors.open_to("key", "shops.edit")
def change_account(body: dict[str, Any], account_id: UUID) -> Any:
    """Say which shop an account takes the money for."""
    return schemas.account_shown(payment_accounts.tie_to_shop(account_id, body["shop_id"]))


@blueprint.route("/payment-accounts/<account_id>/fetch", methods=["POST"])
@blueprint.response(200, schemas.PaymentAccountOut)
@doors.open_to("key", "shops.edit")
def fetch_account(account_id: UUID) -> Any:
    """Have an account's past fetched again, from the beginning."""
    return schemas.account_shown(payment_accounts.ask(account_id))
