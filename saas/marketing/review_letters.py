"""The mails that ask a buyer what they think of an order's things, and remind them once.

Each star is a link that opens the form with that star chosen; opening writes nothing, for programs that look through mails open
every link. They serve the order, carry no advertising and no tracking, and one click ends them for good.
"""

from __future__ import annotations

import html
import string
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from saas import config
from saas.audiences import suppression
from saas.commerce import orders
from saas.commerce.models import Order
from saas.customers import profiles
from saas.customers.models import Customer
from saas.kit import clock, identifiers, mail, mail_headers, smtp, text
from saas.marketing import letters, senders
from saas.reviews import asking, links, settings
from saas.reviews.models import ReviewRequest
from saas.reviews.writing import Item
from saas.tenancy import tenants

MOST_SHOWN = 10
WORDS: dict[str, dict[str, str]] = {
    "en": {
        "subject": "How do you like what you bought at {company}?",
        "text": "you have had your order {order} for some days now. What do you think of it? One click on a star is a beginning; your words help others, good or bad.",
        "remind_subject": "May we ask once more? Your order {order}",
        "greeting": "Hello {name},", "nameless": "Hello,", "star": "{stars} of 5 stars", "write": "Write a review",
        "small": "Whatever you write is shown, good or bad, as long as it keeps to the law. You can change it or take it back by the same link.",
        "stop": "Do not ask me again",
    },
    "zh": {
        "subject": "您对在 {company} 购买的商品还满意吗？",
        "text": "您收到订单 {order} 已有几天，感觉如何？点击星星即可开始评价；无论好评还是差评，您的评价都会帮助其他顾客。",
        "remind_subject": "再打扰您一次：您的订单 {order}",
        "greeting": "{name}，您好：", "nameless": "您好：", "star": "{stars} 星（共 5 星）", "write": "撰写评价",
        "small": "无论好坏，只要不违法，您的评价都会展示。您可以随时通过同一链接修改或撤回。",
        "stop": "不要再询问我",
    },
    "de": {
        "subject": "Wie gefällt Ihnen Ihr Einkauf bei {company}?",
        "text": "Sie haben Ihre Bestellung {order} nun seit einigen Tagen. Was halten Sie davon? Ein Klick auf einen Stern ist ein Anfang; Ihre Worte helfen anderen, ob gut oder schlecht.",
        "remind_subject": "Dürfen wir noch einmal fragen? Ihre Bestellung {order}",
        "greeting": "Guten Tag {name},", "nameless": "Guten Tag,", "star": "{stars} von 5 Sternen", "write": "Bewertung schreiben",
        "small": "Was Sie schreiben, wird gezeigt, ob gut oder schlecht, solange es nicht gegen Gesetze verstößt. Über denselben Link können Sie es ändern oder zurücknehmen.",
        "stop": "Nicht mehr fragen",
    },
}  # fmt: skip


def words(language: str, own: Mapping[str, Mapping[str, str]] | None = None) -> dict[str, str]:
    """Return the words of the mail in a language: the company's own subject and text before ours."""
    short = language.replace("_", "-").partition("-")[0].lower()
    held = own or {}
    return WORDS.get(short, WORDS["en"]) | dict(held.get(language) or held.get(short) or {})


def write(request_id: str) -> None:
    """Ask the buyer of an order, or remind them, unless something speaks against it by now. Raises NotDelivered, to be tried again."""
    try:
        request = asking.one(request_id, lock=True)
        order = orders.one(request.order_id)
    except (asking.NoSuchRequest, orders.NoSuchOrder):
        return
    if request.state not in ("planned", "asked"):
        return
    found = _sendable(request, order)
    if found is None:
        return
    customer, address, things = found
    _send(request, order, customer, address, things)
    asking.sent(request, remind_days=settings.held()["remind_days"])


def _sendable(request: ReviewRequest, order: Order) -> tuple[Customer, str, list[Item]] | None:
    """Return to whom and about what a mail goes, or write down why none goes now."""
    if not settings.of_source(order.source_id)["on"]:
        return asking.skip(request, "off")
    try:
        customer = profiles.one(order.customer_id) if order.customer_id else None
    except profiles.NoSuchCustomer:
        customer = None
    if customer is None:
        return asking.skip(request, "nobody")
    try:
        address = mail_headers.address(customer.email or "")
        norm = text.email(address)
    except (mail_headers.AddressRefused, text.NotAnEmail):
        return asking.skip(request, "no_address")
    if reason := suppression.reasons_for([norm]).get(norm) or asking.refusal(customer):
        return asking.skip(request, reason)
    until = asking.resting(customer.id)
    if until is not None:
        request.due_at = until
        return None
    things = asking.things(request, order)
    if not things:
        return asking.skip(request, "nothing_left")
    return customer, address, things


def _send(request: ReviewRequest, order: Order, customer: Customer, address: str, things: Sequence[Item]) -> None:
    company, sender = tenants.current().name, senders.current()
    language = customer.language or tenants.settings().languages[0]
    said, token = words(language, settings.held()["letters"]), links.made(request.tenant_id, order.id)
    name = customer.first_name.strip()
    blanks = {"company": company, "order": order.number, "name": name}
    subject = fill(said["remind_subject"] if request.state == "asked" else said["subject"], blanks)
    greeting = fill(said["greeting" if name else "nameless"], blanks)
    page = f"{config.get().public_url.rstrip('/')}/m/r/{token}"
    body, stop = fill(said["text"], blanks), f"{page}/stop"
    listed = [f"{item.product.name}\n{page}?item={item.product.id}" for item in things[:MOST_SHOWN]]
    plain = "\n\n".join([greeting, body, *listed, said["small"], f"{said['stop']}: {stop}", company])
    frame = mail.Frame(sender_email=sender.email, sender_name=sender.name, reply_to=sender.reply_to, sample=plain)
    number, domain = identifiers.new(), config.get().mail_domain
    filled = {
        "language": language.replace("_", "-"), "subject": subject, "company": company, "greeting": greeting, "body": body, "link": page,
        "button": said["write"], "small": said["small"], "stop": said["stop"], "stop_link": stop,
    }  # fmt: skip
    message = frame.fill(
        to_email=address, subject=subject, text=plain, at=clock.now(), html=drawn(filled, things[:MOST_SHOWN], page, said["star"]),
        message_id=mail.message_id(local=f"review.{number.hex}", domain=domain), unsubscribe_url=stop, headers={"Auto-Submitted": "auto-generated"},
    )  # fmt: skip
    letters.hand_over(
        smtp.Envelope(
            sender=senders.envelope_sender(f"review.{number.hex}", domain), recipient=message.recipient,
            data=message.as_bytes(signers=sender.signers, at=clock.now()),
        )
    )  # fmt: skip


def fill(said: str, blanks: Mapping[str, str]) -> str:
    """Return words with their blanks ({company}, {order}, {name}) filled in; other braces stay as they are."""
    for name in settings.BLANKS:
        said = said.replace(f"{{{name}}}", blanks[name])
    return " ".join(said.split())


def drawn(filled: Mapping[str, str], things: Sequence[Any], page: str, star: str) -> str:
    """Return the letter as HTML."""
    safe = {key: html.escape(value) for key, value in filled.items()}
    return _frame().substitute(safe | {"things": "".join(_thing(item.product, page, star) for item in things)})


def _thing(product: Any, page: str, star: str) -> str:
    address = product.picture if product.picture.startswith(("https://", "http://")) else ""
    picture = (
        f'<img src="{html.escape(address)}" alt="" width="72" height="72" style="border-radius:8px;object-fit:cover">'
        if address
        else ""
    )
    stars = "".join(
        f'<a href="{html.escape(f"{page}?item={product.id}&stars={number}")}" title="{html.escape(star.format(stars=number))}" '
        f'style="color:#b45309;text-decoration:none;font-size:30px;line-height:44px;padding:0 5px">&#9734;</a>'
        for number in range(1, 6)
    )
    return (
        '<table role="presentation" width="100%" style="margin:0 0 16px"><tr>'
        f'<td width="88" valign="top">{picture}</td><td valign="top"><span style="font-weight:bold">{html.escape(product.name)}</span><br>{stars}</td></tr></table>'
    )


@lru_cache(maxsize=1)
def _frame() -> string.Template:
    return string.Template(Path(__file__).with_name("review_letter.html").read_text(encoding="utf-8"))
