"""The card form: reading what was typed into it, and telling which field an error belongs to."""

import re
from typing import Any

from werkzeug.datastructures import MultiDict

from sandbox.stripe import errors
from sandbox.stripe.lifecycle import methods
from sandbox.stripe.store import Document
from sandbox.stripe.world import World

FIELD_OF = {
    "incorrect_number": "number",
    "invalid_expiry_month": "expiry",
    "invalid_expiry_year": "expiry",
    "expired_card": "expiry",
    "invalid_cvc": "cvc",
    "incorrect_cvc": "cvc",
}
COUNTRIES = {
    "DE": "Germany",
    "AT": "Austria",
    "BE": "Belgium",
    "CN": "China",
    "DK": "Denmark",
    "ES": "Spain",
    "FR": "France",
    "GB": "United Kingdom",
    "IE": "Ireland",
    "IT": "Italy",
    "NL": "Netherlands",
    "PL": "Poland",
    "PT": "Portugal",
    "SE": "Sweden",
    "CH": "Switzerland",
    "US": "United States",
}


def card(world: World, form: MultiDict[str, str], *, owner: Document | None, email: str | None = None) -> Document:
    """This function will make a payment method of the form, or refuse with the field that is wrong."""
    expiry = re.fullmatch(r"\s*(\d{1,2})\s*[/ -]?\s*(\d{2}|\d{4})\s*", form.get("expiry", ""))
    if not form.get("number", "").strip():
        raise errors.CardRefused("Your card number is incomplete.", code="incorrect_number")
    if expiry is None:
        raise errors.CardRefused("Your card's expiration date is incomplete.", code="invalid_expiry_month")
    typed = {
        "number": form["number"],
        "exp_month": int(expiry[1]),
        "exp_year": int(expiry[2]),
        "cvc": form.get("cvc", "").strip(),
    }
    details: dict[str, Any] = {
        "name": form.get("name") or None,
        "email": email,
        "address": {"country": form.get("country") or None},
    }
    return methods.from_card(world, card=typed, details=details, owner=owner)


def blame(refusal: errors.Refused) -> dict[str, str]:
    """This function will give the error by field; ``""`` is the form as a whole."""
    return {FIELD_OF.get(refusal.code or "", ""): refusal.message}
