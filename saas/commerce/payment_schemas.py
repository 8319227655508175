"""The shapes of payments, disputes, payouts and their accounts, out; and of the little that programs may change of an account."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from marshmallow import RAISE, Schema, fields, validate

from saas.commerce.payment_models import DISPUTE_STATES, LINE_KINDS, PAYMENT_STATES, PAYOUT_STATES, REFUND_STATES
from saas.kit import money


class PaymentRefundOut(Schema):
    """Money given back, as the payment vendor tells it."""

    key = fields.String()
    at = fields.AwareDateTime()
    state = fields.String(validate=validate.OneOf(REFUND_STATES))
    amount = fields.String()
    currency = fields.String()
    reason = fields.String()


class DisputeOut(Schema):
    """A card holder's bank takes money back unless the company answers by `due_at`."""

    id = fields.UUID()
    account_id = fields.UUID()
    key = fields.String()
    payment_id = fields.UUID(allow_none=True)
    customer_id = fields.UUID(allow_none=True)
    opened_at = fields.AwareDateTime()
    due_at = fields.AwareDateTime(allow_none=True)
    state = fields.String(validate=validate.OneOf(DISPUTE_STATES))
    inquiry = fields.Boolean()
    reason = fields.String()
    amount = fields.String()
    currency = fields.String()


class PaymentOut(Schema):
    """A payment; `fee` and `net` are in `settled_currency` and null while they are not known."""

    id = fields.UUID()
    account_id = fields.UUID()
    key = fields.String()
    charge = fields.String()
    order_id = fields.UUID(allow_none=True)
    customer_id = fields.UUID(allow_none=True)
    at = fields.AwareDateTime()
    state = fields.String(validate=validate.OneOf(PAYMENT_STATES))
    currency = fields.String()
    amount = fields.String()
    received = fields.String()
    refunded = fields.String()
    settled_currency = fields.String()
    fee = fields.String(allow_none=True)
    net = fields.String(allow_none=True)
    method = fields.String()
    brand = fields.String()
    last4 = fields.String()
    failure = fields.String()
    risk = fields.String()
    disputed = fields.Boolean()
    refunds = fields.List(fields.Nested(PaymentRefundOut))


class PayoutLineOut(Schema):
    """One movement that a payout holds."""

    key = fields.String()
    kind = fields.String(validate=validate.OneOf(LINE_KINDS))
    at = fields.AwareDateTime()
    amount = fields.String()
    fee = fields.String()
    net = fields.String()
    source = fields.String()


class PayoutOut(Schema):
    """Money on its way to the bank; `lines` of one payout are the newest 200, `listed` once all are known."""

    id = fields.UUID()
    account_id = fields.UUID()
    key = fields.String()
    made_at = fields.AwareDateTime()
    arrives_on = fields.Date(allow_none=True)
    state = fields.String(validate=validate.OneOf(PAYOUT_STATES))
    currency = fields.String()
    amount = fields.String()
    automatic = fields.Boolean()
    listed = fields.Boolean()
    failure = fields.String()
    lines = fields.List(fields.Nested(PayoutLineOut))


class PaymentAccountOut(Schema):
    """A connected account; keys and secrets are never told."""

    id = fields.UUID()
    vendor = fields.String()
    way = fields.String()
    account = fields.String()
    name = fields.String()
    country = fields.String()
    currency = fields.String()
    live = fields.Boolean()
    shop_id = fields.UUID(allow_none=True)
    trouble = fields.String()
    lacking = fields.List(fields.String())
    last_told_at = fields.AwareDateTime(allow_none=True)
    compared_at = fields.AwareDateTime(allow_none=True)


class PaymentAccountChange(Schema):
    """Which shop an account takes the money for; null: for any."""

    class Meta:
        unknown = RAISE

    shop_id = fields.UUID(required=True, allow_none=True)


def _plain(row: Any, schema: type[Schema], **more: Any) -> dict[str, Any]:
    names = schema().fields
    return {name: getattr(row, name) for name in names if name not in more and hasattr(row, name)} | more


def payment_shown(row: Any, refunds: Sequence[Any] = ()) -> dict[str, Any]:
    """Return a payment as plain values, for programs."""
    settled = row.settled_currency or row.currency
    return _plain(
        row, PaymentOut, amount=money.amount_text(row.amount, row.currency), received=money.amount_text(row.received_amount, row.currency),
        refunded=money.amount_text(row.refunded_amount, row.currency),
        fee=None if row.fee_amount is None else money.amount_text(row.fee_amount, settled),
        net=None if row.net_amount is None else money.amount_text(row.net_amount, settled),
        refunds=[_plain(one, PaymentRefundOut, amount=money.amount_text(one.amount, one.currency)) for one in refunds],
    )  # fmt: skip


def dispute_shown(row: Any) -> dict[str, Any]:
    """Return a dispute as plain values, for programs."""
    return _plain(row, DisputeOut, amount=money.amount_text(row.amount, row.currency))


def payout_shown(row: Any, lines: Sequence[Any] = ()) -> dict[str, Any]:
    """Return a payout as plain values, for programs."""
    return _plain(
        row, PayoutOut, amount=money.amount_text(row.amount, row.currency),
        lines=[
            _plain(one, PayoutLineOut, amount=money.amount_text(one.amount, row.currency), fee=money.amount_text(one.fee_amount, row.currency),
                   net=money.amount_text(one.net_amount, row.currency)) for one in lines
        ],
    )  # fmt: skip


def account_shown(row: Any) -> dict[str, Any]:
    """Return an account as plain values, for programs."""
    return _plain(row, PaymentAccountOut)
