"""What to offer a customer next, for whoever sells to them or answers them, and what they said to it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import render_template, request, url_for
from flask_babel import get_locale
from flask_babel import gettext as _

from saas.catalog import products
from saas.customers import profiles
from saas.kit import access, doors, money, pages, scope
from saas.recommend import answers, offers, reasons
from saas.tenancy import audit
from tenant_admin import frame
from tenant_admin.happenings import DECLINES

OFFERS, ANSWERED = 4, 5
PLACE = "home"


@doors.open_to("member", "customers.read")
def offer(customer_id: str):
    """Answer what to offer a customer next, each with its reason, and what they said lately; asked for by the page once it stands."""
    customer = profiles.one(customer_id)
    said = pages.page(answers.query(customer_id=customer.id), order=answers.ORDER, cursor=None, limit=ANSWERED).items
    taken = {str(one.product_id) for one in said if one.verdict == "accepted"}
    chosen = offers.choose(
        tenant_id=scope.tenant_id(), slot=PLACE, customer_id=customer.id, limit=OFFERS + len(taken), record=False,
        language=reasons.of_them(str(get_locale())),
    )  # fmt: skip
    fresh = [one for one in chosen.items if one.product.id not in taken][:OFFERS]
    known = products.many([one.product_id for one in said])
    address = customer.email if access.readable("customer", "email") else ""
    return render_template(
        "customers/offers.html", customer_id=customer.id, offers=[_offered(one, customer.id) for one in fresh],
        answered=[_answered(one, known[one.product_id], address) for one in said if one.product_id in known],
    )  # fmt: skip


def _offered(one: Any, customer_id: UUID) -> dict[str, Any]:
    product = one.product
    price = money.parse_amount(product.price, product.currency) if product.price and product.currency else None

    def say(**said: str) -> str:
        about = {"code": one.reason_code, "algorithm": one.algorithm}
        return url_for("customers.answer", customer_id=customer_id, product_id=product.id, **said, **about)

    return {
        "id": product.id, "name": product.name, "image": product.image_url, "price": price, "currency": product.currency,
        "why": one.reason_text, "accept": say(verdict="accepted"), "decline": say(verdict="declined"),
        "reasons": [{"label": str(words), "post": say(verdict="declined", reason=reason)} for reason, words in DECLINES.items()],
    }  # fmt: skip


def _answered(one: Any, product: Any, address: str | None) -> dict[str, Any]:
    """Return an answer as the card shows it; of what was taken the link to send, where the product has one."""
    link = product.url if one.verdict == "accepted" and product.url.startswith(("https://", "http://")) else ""
    return {
        "id": one.id, "product_id": product.id, "name": product.name, "verdict": one.verdict, "until": one.until,
        "reason": str(DECLINES.get(one.reason, "")), "link": link, "address": address if link else "",
    }  # fmt: skip


@doors.open_to("member", "customers.edit")
def answer(customer_id: str, product_id: str):
    """Write down with one click what a customer said to an offer; the toast takes it back."""
    said = request.args
    given = answers.say(
        customer_id=customer_id, product_id=product_id, verdict=said.get("verdict", ""), reason=said.get("reason", ""), slot=PLACE,
        offer_code=said.get("code", "") if said.get("code") in reasons.WORDS else "", algorithm=said.get("algorithm", ""),
    )  # fmt: skip
    name = products.one(given.product_id).name
    words = _("Noted: %(name)s was taken", name=name) if given.verdict == "accepted" else _("Noted: %(name)s is not offered again for now", name=name)  # fmt: skip
    frame.toast(words, undo=frame.undo_url(audit.latest()))
    return frame.go(url_for("customers.show", customer_id=given.customer_id))


@doors.open_to("member", "customers.edit")
def take_back(customer_id: str, answer_id: str):
    """Take an answer back that was a mistake."""
    customer = profiles.one(customer_id)
    if answers.one(answer_id).customer_id != customer.id:
        raise answers.NoSuchAnswer
    answers.take_back(answer_id)
    frame.toast(_("It may be offered again"), undo=frame.undo_url(audit.latest()))
    return frame.go(url_for("customers.show", customer_id=customer.id))
