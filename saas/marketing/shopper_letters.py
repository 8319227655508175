"""Letters to one shopper about what they asked for themselves: the link to their own page, a return, a copy of their data.

They answer a wish, so no consent is asked for; they carry no tracking and no advertising, and leave in the company's own name.
"""

from __future__ import annotations

import html
import string
from functools import lru_cache
from pathlib import Path
from typing import Any
from uuid import UUID

from saas import config
from saas.commerce import coupon_codes, coupon_shown, coupons, orders, return_requests, shops
from saas.customers import passes, person_wishes, profiles
from saas.customers.models import Customer
from saas.kit import clock, identifiers, mail, mail_headers, smtp
from saas.marketing import letters, senders, shopper_words
from saas.tenancy import tenants


def portal_url(path: str = "") -> str:
    """Return the address of the bound company's page for shoppers; nothing in it is secret."""
    return f"{config.get().public_url.rstrip('/')}/my/{tenants.settings().site_key}{path}"


def write_link(pass_id: str) -> None:
    """Send the link somebody asked for, if the address is a customer's. Raises NotDelivered, to be tried again."""
    found = passes.to_mail(pass_id)
    if found is None:
        return
    customer = profiles.one(found.customer_id)
    _send(customer, "link", to=found.email_norm, language=found.language, path=f"/in/{passes.token(found)}")
    found.mailed_at = clock.now()


def write_return(request_id: str, *, state: str = "asked") -> None:
    """Tell a shopper how a return of theirs stands."""
    try:
        request = return_requests.one(request_id)
        order = orders.one(request.order_id)
    except (return_requests.NoSuchReturn, orders.NoSuchOrder):
        return
    if request.customer_id is None:
        return
    things = ", ".join(f"{line['quantity']} × {line['name']}" for line in request.lines)
    values = {"number": order.number, "things": things, "words": "" if state == "asked" else request.answer}
    customer = profiles.one(request.customer_id)
    _send(customer, state, language=request.language, path="/requests", values=values)


def write_data(request_id: str) -> None:
    """Tell somebody that the copy of their data lies on their page."""
    try:
        wish = person_wishes.one(UUID(request_id))
    except person_wishes.NoSuchWish:
        return
    if wish.file_id is not None:
        _send(profiles.one(wish.customer_id), "data", language=wish.language, path="/requests")


def write_coupon(code_id: str, *, language: str) -> None:
    """Bring somebody the code they asked for by a form. Raises NotDelivered while its shop does not have it yet."""
    try:
        code = coupon_codes.one(code_id)
        coupon = coupons.one(code.coupon_id)
        customer = profiles.one(code.customer_id) if code.customer_id else None
    except (coupon_codes.NoSuchCode, coupons.NoSuchCoupon, profiles.NoSuchCustomer):
        return
    if code.state == "waiting" and coupon.state == "active":
        raise letters.NotDelivered("The shop does not have the code yet.")
    if customer is None or code.state != "ready":
        return
    values = {"code": code.code, "name": coupon.name, "until": ""}
    if code.ends_at is not None:
        tongue = shopper_words.tongue(language, customer.language, *tenants.settings().languages)
        values["until"] = shopper_words.UNTIL[tongue].format(day=coupon_shown.day(code.ends_at))
    try:
        shop_url = shops.one(coupon.shop_id).url
    except shops.NoSuchShop:
        return
    _send(customer, "coupon", path="", link=shop_url, language=language, values=values)


def _send(
    customer: Customer,
    letter: str,
    *,
    path: str,
    link: str = "",
    to: str = "",
    language: str = "",
    values: dict[str, Any] | None = None,
) -> None:
    try:
        address = mail_headers.address(to or customer.email or "")
    except mail_headers.AddressRefused:
        return
    tongue = shopper_words.tongue(language, customer.language, *tenants.settings().languages)
    words, company = shopper_words.LETTERS[letter][tongue], tenants.current().name
    given = {"company": company, **(values or {})}
    name = customer.first_name.strip()
    filled = {part: value.format(**given).strip() for part, value in words._asdict().items()} | {
        "greeting": shopper_words.GREETING[tongue].format(name=name) if name else shopper_words.NAMELESS[tongue],
        "company": company, "link": link or portal_url(path), "language": tongue.replace("_", "-"),
    }  # fmt: skip
    text = "\n\n".join([filled["greeting"], filled["says"], filled["link"], filled["small"], company])
    sender, number, domain = senders.current(), identifiers.new(), config.get().mail_domain
    frame = mail.Frame(sender_email=sender.email, sender_name=sender.name, reply_to=sender.reply_to, sample=text)
    message = frame.fill(
        to_email=address, subject=" ".join(filled["subject"].split()), text=text, at=clock.now(),
        html=_page().substitute({key: html.escape(value) for key, value in filled.items()}),
        message_id=mail.message_id(local=f"own.{number.hex}", domain=domain), headers={"Auto-Submitted": "auto-generated"},
    )  # fmt: skip
    letters.hand_over(
        smtp.Envelope(
            sender=senders.envelope_sender(f"own.{number.hex}", domain), recipient=message.recipient,
            data=message.as_bytes(signers=sender.signers, at=clock.now()),
        )
    )  # fmt: skip


@lru_cache(maxsize=1)
def _page() -> string.Template:
    return string.Template(Path(__file__).with_name("shopper.html").read_text(encoding="utf-8"))
