"""What payment vendors say in codes, in words: why a payment failed, what a dispute is about, what a key may not do."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

FAILURES = {
    "insufficient_funds": _l("Not enough money on the account"), "generic_decline": _l("The bank declined it and does not say why"),
    "card_declined": _l("The bank declined it and does not say why"), "do_not_honor": _l("The bank declined it and does not say why"),
    "expired_card": _l("The card has expired"), "incorrect_cvc": _l("The security code was wrong"), "invalid_cvc": _l("The security code was wrong"),
    "incorrect_number": _l("The card’s number was wrong"), "lost_card": _l("The card was reported lost"), "stolen_card": _l("The card was reported stolen"),
    "fraudulent": _l("The bank takes it for fraud"), "processing_error": _l("Something went wrong at the bank"),
    "authentication_required": _l("The payer did not confirm who they are"), "payment_intent_authentication_failure": _l("The payer did not confirm who they are"),
    "card_velocity_exceeded": _l("Too many payments with this card"), "highest_risk_level": _l("Blocked because of its risk"),
    "currency_not_supported": _l("The card does not take this currency"), "unknown": _l("Nobody said why"),
}  # fmt: skip
REASONS = {
    "fraudulent": _l("The card holder says they did not make it"), "duplicate": _l("Paid twice, they say"),
    "product_not_received": _l("It did not arrive, they say"), "product_unacceptable": _l("It was not as described, they say"),
    "subscription_canceled": _l("The subscription was cancelled before, they say"), "credit_not_processed": _l("Money promised back did not come, they say"),
    "unrecognized": _l("The card holder does not recognise it"), "general": _l("No reason given"),
}  # fmt: skip
PAYOUT_FAILURES = {
    "account_closed": _l("The bank account is closed"), "no_account": _l("There is no such bank account"), "insufficient_funds": _l("The balance at Stripe was too low"),
    "could_not_process": _l("The bank could not process it"), "declined": _l("The bank declined it"), "account_frozen": _l("The bank account is frozen"),
    "invalid_account_number": _l("The account number is wrong"), "debit_not_authorized": _l("The bank account does not allow it"),
}  # fmt: skip
RISKS = {"normal": _l("normal"), "elevated": _l("elevated"), "highest": _l("highest")}
KINDS = {
    "payment": _l("Payments"), "refund": _l("Refunds"), "dispute": _l("Disputes"), "fee": _l("Fees of Stripe"), "other": _l("Other"),
}  # fmt: skip
LACKING = {
    "payments": _l("PaymentIntents: read"), "charges": _l("Charges and Refunds: read"), "refunds": _l("Charges and Refunds: read"),
    "disputes": _l("Disputes: read"), "payouts": _l("Payouts: read"), "lines": _l("Balance transactions: read"),
    "webhooks": _l("Webhook Endpoints: write"),
}  # fmt: skip


def failure(code: str) -> str:
    """Return why a payment failed; a code nobody listed is shown as it is written."""
    return str(FAILURES.get(code) or code.replace("_", " ").capitalize())


def reason(code: str) -> str:
    """Return what a dispute is about."""
    return str(REASONS.get(code) or code.replace("_", " ").capitalize())


def payout_failure(code: str) -> str:
    """Return why a payout did not arrive."""
    return str(PAYOUT_FAILURES.get(code) or code.replace("_", " ").capitalize())


def permission(name: str) -> str:
    """Return how Stripe's page for restricted keys calls a permission."""
    return str(LACKING.get(name) or name)


def method(row) -> str:
    """Return how somebody paid: Visa ending in 4242."""
    brands = {"visa": "Visa", "mastercard": "Mastercard", "amex": "American Express", "jcb": "JCB", "unionpay": "UnionPay", "diners": "Diners Club"}  # fmt: skip
    names = {
        "card": _("Card"), "sepa_debit": _("SEPA direct debit"), "customer_balance": _("Bank transfer"), "ideal": "iDEAL",
        "paypal": "PayPal", "alipay": "Alipay", "wechat_pay": "WeChat Pay", "klarna": "Klarna", "link": "Link",
    }  # fmt: skip
    called = brands.get(row.brand) or (row.brand.replace("_", " ").title() if row.brand else "") or names.get(row.method) or row.method.replace("_", " ").capitalize()  # fmt: skip
    return _("%(name)s ending in %(digits)s", name=called, digits=row.last4) if row.last4 else called
