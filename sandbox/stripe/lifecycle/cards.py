"""Stripe's test cards (docs.stripe.com/testing): what each number is and how its bank behaves.

No number is ever kept, only the card's looks and the name of its behaviour.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Any

from sandbox.stripe import errors

# behaviour -> (code, decline_code, sentence); what a bank may say.
DECLINES = {
    "generic": ("card_declined", "generic_decline", "Your card was declined."),
    "insufficient_funds": ("card_declined", "insufficient_funds", "Your card has insufficient funds."),
    "lost": ("card_declined", "lost_card", "Your card was declined."),
    "stolen": ("card_declined", "stolen_card", "Your card was declined."),
    "fraudulent": ("card_declined", "fraudulent", "Your card was declined."),
    "velocity": ("card_declined", "card_velocity_exceeded",
                 "Your card was declined for making repeated attempts too frequently or exceeding its amount limit."),
    "expired": ("expired_card", "expired_card", "Your card has expired."),
    "cvc": ("incorrect_cvc", "incorrect_cvc", "Your card's security code is incorrect."),
    "processing": ("processing_error", "processing_error",
                   "An error occurred while processing your card. Try again in a little bit."),
    "live": ("card_declined", "test_mode_live_card",
             "Your card was declined. Your request was in test mode, but used a non test card. "
             "For a list of valid test cards, visit: https://stripe.com/docs/testing."),
}  # fmt: skip

# number -> behaviour; a number of the brands below that is not here is an ordinary card that works.
BEHAVIOURS = {
    "4000000000000002": "decline:generic",
    "4000000000009995": "decline:insufficient_funds",
    "4000000000009987": "decline:lost",
    "4000000000009979": "decline:stolen",
    "4000000000000069": "decline:expired",
    "4000000000000127": "decline:cvc",
    "4000000000000119": "decline:processing",
    "4000000000006975": "decline:velocity",
    "4100000000000019": "decline:fraudulent",
    "4000000000000341": "later:generic",
    "4000002500003155": "authenticate:once",
    "4000002760003184": "authenticate:always",
    "4000000000003220": "authenticate:always",
    "4000000000003063": "authenticate:always",
    "4000008260003178": "authenticate:insufficient_funds",
    "4000008400001629": "authenticate:generic",
    "4000000000000259": "dispute:fraudulent",
    "4000000000002685": "dispute:product_not_received",
    "4000000000001976": "dispute:inquiry",
    "4000000000005126": "refund:fails",
    "4000000000007726": "refund:pending",
}
GOOD = {
    "4242424242424242", "4000056655665556", "4000003720000278", "4000007640000003", "4000001240000000",
    "4000008260000000", "4000002760000016", "4000002500000003", "4000001560000002", "4000003440000004",
    "4000000000000077", "4000000000003055",
    "5555555555554444", "2223003122003222", "5200828282828210", "5105105105105100",
    "378282246310005", "371449635398431", "6011111111111117", "6011000990139424", "3056930009020004",
    "36227206271667", "3566002020360505", "6200000000000005",
}  # fmt: skip
COUNTRIES = {"4000008260": "GB", "4000002760": "DE", "4000002500": "FR", "4000001560": "CN", "4000003440": "HK",
             "4000007640": "TH", "4000001240": "CA", "4000003720": "IE", "4000008400": "US"}  # fmt: skip
FUNDING = {"4000056655665556": "debit", "5200828282828210": "debit", "5105105105105100": "prepaid"}

# The names that stand for a card where no number may be typed: pm_card_visa, tok_visa and so on.
NAMED = {
    "visa": "4242424242424242",
    "visa_debit": "4000056655665556",
    "mastercard": "5555555555554444",
    "mastercard_debit": "5200828282828210",
    "mastercard_prepaid": "5105105105105100",
    "amex": "378282246310005",
    "discover": "6011111111111117",
    "diners": "3056930009020004",
    "jcb": "3566002020360505",
    "unionpay": "6200000000000005",
    "gb": "4000008260000000",
    "de": "4000002760000016",
    "cn": "4000001560000002",
    "chargeDeclined": "4000000000000002",
    "visa_chargeDeclined": "4000000000000002",
    "chargeDeclinedInsufficientFunds": "4000000000009995",
    "visa_chargeDeclinedInsufficientFunds": "4000000000009995",
    "visa_chargeDeclinedLostCard": "4000000000009987",
    "visa_chargeDeclinedStolenCard": "4000000000009979",
    "chargeDeclinedExpiredCard": "4000000000000069",
    "chargeDeclinedIncorrectCvc": "4000000000000127",
    "chargeDeclinedProcessingError": "4000000000000119",
    "visa_chargeDeclinedVelocityLimitExceeded": "4000000000006975",
    "chargeDeclinedFraudulent": "4100000000000019",
    "chargeCustomerFail": "4000000000000341",
    "authenticationRequiredOnSetup": "4000002500003155",
    "authenticationRequired": "4000002760003184",
    "threeDSecure2Required": "4000000000003220",
    "threeDSecureRequired": "4000000000003063",
    "authenticationRequiredChargeDeclinedInsufficientFunds": "4000008260003178",
    "threeDSecureRequiredChargeDeclined": "4000008400001629",
    "createDispute": "4000000000000259",
    "createDisputeProductNotReceived": "4000000000002685",
    "createDisputeInquiry": "4000000000001976",
    "refundFail": "4000000000005126",
    "pendingRefund": "4000000000007726",
}


@dataclass(frozen=True)
class Verdict:
    """What the bank says: go ahead, show that it is you, or no."""

    kind: str
    decline: str = ""

    def refusal(self) -> errors.CardRefused:
        """This function will make the refusal to raise for a decline."""
        code, decline_code, sentence = DECLINES[self.decline]
        return errors.CardRefused(sentence, code=code, decline_code=decline_code if code == "card_declined" else None)


OK, AUTHENTICATE = Verdict("ok"), Verdict("authenticate")


def brand_of(number: str) -> str:
    """This function will tell the brand from a number's first digits."""
    for pattern, brand in (("4", "visa"), ("5[1-5]|2[2-7]", "mastercard"), ("3[47]", "amex"),
                           ("6011|65|64", "discover"),
                           ("30|36|38", "diners"), ("35", "jcb"), ("62", "unionpay")):  # fmt: skip
        if re.match(pattern, number):
            return brand
    return "unknown"


def luhn(number: str) -> bool:
    """This function will tell whether the check digit is right (ISO/IEC 7812-1)."""
    digits = [int(digit) for digit in reversed(number)]
    return sum(digits[0::2]) % 10 == -sum(sum(divmod(2 * digit, 10)) for digit in digits[1::2]) % 10


def read(*, number: str, exp_month: int, exp_year: int, cvc: str | None, now: tuple[int, int]) -> dict[str, Any]:
    """This function will give the typed card, or refuse it as Stripe does; ``now`` is (year, month)."""
    number = re.sub(r"[\s-]", "", number or "")
    if not re.fullmatch(r"\d{12,19}", number) or not luhn(number):
        raise errors.CardRefused("Your card number is incorrect.", code="incorrect_number", param="number")
    if not 1 <= (exp_month or 0) <= 12:
        raise errors.CardRefused(
            "Your card's expiration month is invalid.", code="invalid_expiry_month", param="exp_month"
        )
    exp_year = exp_year + 2000 if 0 <= (exp_year or -1) < 100 else exp_year
    if (exp_year, exp_month) < now or exp_year > now[0] + 50:
        raise errors.CardRefused(
            "Your card's expiration year is invalid.", code="invalid_expiry_year", param="exp_year"
        )
    brand = brand_of(number)
    if cvc is not None and not re.fullmatch(r"\d{4}" if brand == "amex" else r"\d{3}", cvc):
        raise errors.CardRefused("Your card's security code is invalid.", code="invalid_cvc", param="cvc")
    return make(number, exp_month=exp_month, exp_year=exp_year, cvc=cvc)


def make(number: str, *, exp_month: int, exp_year: int, cvc: str | None = "123") -> dict[str, Any]:
    """This function will give the ``card`` part of a payment method, with its behaviour beside it."""
    brand = brand_of(number)
    return {
        "_behaviour": BEHAVIOURS.get(number, "ok" if number in GOOD else "decline:live"),
        "brand": brand,
        "checks": {
            "address_line1_check": None,
            "address_postal_code_check": None,
            "cvc_check": "pass" if cvc else "unchecked",
        },
        "country": COUNTRIES.get(number[:10], "US"),
        "display_brand": brand,
        "exp_month": exp_month,
        "exp_year": exp_year,
        "fingerprint": hashlib.sha256(b"sandbox" + number.encode()).hexdigest()[:16],
        "funding": FUNDING.get(number, "credit"),
        "generated_from": None,
        "last4": number[-4:],
        "networks": {"available": [brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }


def named(name: str, *, year: int) -> dict[str, Any] | None:
    """This function will give the card behind ``pm_card_visa`` or ``tok_visa``, or None."""
    number = NAMED.get(name.removeprefix("pm_card_").removeprefix("tok_"))
    return make(number, exp_month=12, exp_year=year + 5) if number else None


def setting_up(behaviour: str, *, authenticated: bool) -> Verdict:
    """This function will say what the bank answers when a card is saved for later."""
    kind, _, detail = behaviour.partition(":")
    if kind == "decline":
        return Verdict("decline", detail)
    if kind == "authenticate" and not authenticated:
        return AUTHENTICATE
    return OK


def paying(behaviour: str, *, authenticated: bool, off_session: bool, prepared: bool) -> Verdict:
    """This function will say what the bank answers to a charge; ``prepared``: the card was set up for later use."""
    kind, _, detail = behaviour.partition(":")
    if kind in ("decline", "later"):
        return Verdict("decline", detail)
    if kind == "authenticate":
        if detail == "once" and off_session and prepared:
            return OK
        if not authenticated:
            return AUTHENTICATE
        if detail in DECLINES:
            return Verdict("decline", detail)
    return OK
