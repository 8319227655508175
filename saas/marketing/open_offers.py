"""The offers of a mail at the moment when it is opened: chosen anew, in stock, and the same for picture and link.

A mail holds what was chosen when it was sent as text. Its pictures come from us, so they show what is chosen when they are asked
for; one choice serves all pictures of an opening and the clicks that follow, and is kept with the recipient. What was sent and is
still among the best keeps its place. A click leads to what the last pictures showed, else to what the text says, and never to
something sold out.

A mail that is written while a trial runs in mails remembers its arm. Somebody meets the trial when their mail is opened, by them or
by a proxy for them: a click is no meeting, or those who are shown nothing, and cannot click, would be fewer.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from babel import UnknownLocaleError
from babel.numbers import format_decimal
from sqlalchemy import select

from saas.customers.models import Customer
from saas.kit import clock, identifiers, scope
from saas.kit import db as kit_db
from saas.kit.db import db
from saas.kit.events import announce
from saas.marketing import landing, links, money_filter, offer_cards, people, previews
from saas.marketing.events import MailOffersSeen
from saas.marketing.models import MailingRecipient
from saas.recommend import offers, reasons, shown, slots, stock, trial_parts
from saas.recommend.stock import NO_SOURCE, Product
from saas.recommend.trial_parts import Part

AGAIN = timedelta(minutes=10)
"""For so long a choice is the choice of one opening, however often its pictures are asked for."""
OURS = ("product_id", "algorithm", "arm", "version")
"""What is known of an offer and is none of a template's business."""
PLACE = "mail"
Item = Mapping[str, Any]


def parts(customer_ids: Sequence[UUID]) -> dict[UUID, Part]:
    """Return the parts of these customers in the trial that runs in mails."""
    tenant_id = scope.tenant_id()
    return trial_parts.of_letters(tenant_id, slots.of(tenant_id, PLACE), customer_ids)


def remembered(offer: Item, language: str) -> dict[str, Any]:
    """Return what is kept of an offer that is sent."""
    reason = offer.get("reason") or {}
    return {
        "url": offer.get("url"), "product": offer.get("product"), "offer": offer.get("offer"), "id": offer.get("product_id"),
        "code": reason.get("code", ""), "why": reason.get("text", ""), "algorithm": offer.get("algorithm", ""), "language": language,
        **{name: offer[name] for name in ("arm", "version") if offer.get(name)},
    }  # fmt: skip


def drawable(sent: Sequence[Item], language: str) -> bool:
    """Tell whether this machine has the letters to draw these offers; where not, the mail shows them as text as ever."""
    return all(
        offer_cards.drawable(
            str(offer.get("name") or ""), str((offer.get("reason") or {}).get("text") or ""),
            money_filter.written(str(offer.get("price") or ""), str(offer.get("currency") or ""), language),
        )
        for offer in sent
    )  # fmt: skip


def drawn(chosen: Sequence[Item], language: str) -> list[str | None]:
    """Return the cards of offers as addresses that hold the picture itself, for a preview; None where a mail would show text."""
    if not drawable(chosen, language):
        return [None] * len(chosen)
    return [_held(_card(offer, language)) for offer in chosen]


def _card(offer: Item, language: str) -> offer_cards.Card:
    price = money_filter.written(str(offer.get("price") or ""), str(offer.get("currency") or ""), language)
    why = str((offer.get("reason") or {}).get("text") or "")
    judged = _judged(offer.get("stars"), offer.get("reviews"), language)
    return offer_cards.Card(str(offer.get("image_url") or ""), str(offer.get("name") or ""), price, why, judged=judged)


def _judged(stars: float | None, reviews: int | None, language: str) -> str:
    """Say how a product was judged, as "4.6 (12)" is written in a language; "" where nobody did."""
    if not reviews or not stars:
        return ""
    try:
        average = format_decimal(stars, "0.0", locale=language.replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        average = f"{stars:.1f}"
    return f"{average} ({reviews})"


def _held(card: offer_cards.Card) -> str | None:
    picture = offer_cards.drawn(card)
    return previews.DRAWN + base64.b64encode(picture).decode() if picture is not None else None


def as_sent(recipient: MailingRecipient) -> list[dict[str, Any]]:
    """Return the offers a mail was sent with, as a template wants them, with today's names and prices."""
    found = []
    for item in recipient.offers or ():
        product = _product(item)
        known = (
            {
                "name": product.name,
                "price": product.price,
                "currency": product.currency,
                "image_url": product.image_url,
                "stars": product.stars,
                "reviews": product.reviews,
            }
            if product
            else {}
        )
        found.append({
            "name": "", "price": "", "currency": "", "image_url": "", **known, "offer": item.get("offer"), "product": item.get("product"),
            "url": item.get("url"), "reason": {"code": item.get("code", ""), "text": item.get("why", "")},
        })  # fmt: skip
    return found


# At the opening


def wants_choice(recipient: MailingRecipient) -> bool:
    """Tell whether an opening now would be a new one: nothing is chosen, or long ago, or something of it is sold out.

    A mail that is older than its links are good for keeps what it showed last, and who was erased is chosen nothing for.
    """
    if recipient.customer_id is None or not recipient.offers:
        return False
    if recipient.sent_at is None or recipient.sent_at < clock.now() - landing.GOOD_FOR:
        return False
    held = recipient.offers_opened
    if held is None or not held["pictures"] or datetime.fromisoformat(held["at"]) < clock.now() - AGAIN:
        return True
    return any(item is not None and _offerable(item) is None for item in held["items"])


def choose(recipient: MailingRecipient) -> None:
    """Choose what this opening shows and keep it; the row is locked, and who came first has chosen for all."""
    if not wants_choice(recipient):
        return
    sent = recipient.offers or []
    wish = db.session.scalar(select(Customer.language).where(Customer.id == recipient.customer_id))
    language = reasons.drawn(wish or sent[0].get("language"))
    chosen = offers.choose(
        tenant_id=scope.tenant_id(), slot=PLACE, customer_id=recipient.customer_id, limit=len(sent), language=language,
        letter=recipient.offer_part or (),
    )  # fmt: skip
    recipient.offer_part = recipient.offer_part or list(chosen.met) or None
    fresh = [
        {"offer": str(one.id), "id": one.product.id, "product": one.product.key, "why": one.reason_text}
        for one in chosen.items
    ]
    _keep(recipient, _arranged(sent, fresh), request=chosen.request_id, pictures=True)


def _arranged(sent: Sequence[Item], fresh: list[dict[str, Any]]) -> list[dict[str, Any] | None]:
    """Leave in its place what was sent and is among the best still, and fill the other places in their order."""
    waiting = {one["id"]: one for one in fresh}
    places: list[dict[str, Any] | None] = [waiting.pop(item.get("id"), None) for item in sent]
    rest = iter(waiting.values())
    return [place or next(rest, None) for place in places]


def _keep(recipient: MailingRecipient, items: Sequence[Item | None], *, request: UUID, pictures: bool) -> None:
    recipient.offers_opened = {
        "at": clock.now().isoformat(), "request": str(request), "pictures": pictures, "seen": False, "items": list(items),
    }  # fmt: skip
    db.session.flush()


def note_opening(recipient: MailingRecipient) -> None:
    """A mail was opened, also one that shows nothing because of its arm: whoever got it has met the trial, once."""
    if recipient.customer_id is None or not trial_parts.going_on(scope.tenant_id(), PLACE, recipient.offer_part):
        return
    shown.note(
        tenant_id=scope.tenant_id(), request_id=identifiers.new(), slot=PLACE, visitor="", customer_id=recipient.customer_id,
        source=NO_SOURCE, items=[], met=recipient.offer_part or (),
    )  # fmt: skip


def note_sight(recipient: MailingRecipient) -> None:
    """Somebody looks at what was chosen: it counts as seen, once."""
    held = recipient.offers_opened
    if held is not None and held["pictures"] and not held["seen"]:
        recipient.offers_opened = {**held, "seen": True}
        db.session.flush()
        _tell([item["offer"] for item in held["items"] if item is not None], clicked=False)


def card(recipient: MailingRecipient, place: int, *, columns: int) -> offer_cards.Card | None:
    """Return what is drawn at a place; None where nothing can be offered. Raises LinkRefused for a place there never was."""
    sent = recipient.offers or []
    if recipient.customer_id is None or not sent:
        return None
    if place >= len(sent):
        raise links.LinkRefused()
    item = _shown(recipient)[place]
    product = _offerable(item)
    if product is None:
        return None
    language = str(sent[place].get("language") or "en")
    price = money_filter.written(product.price, product.currency, language)
    judged = _judged(product.stars, product.reviews, language)
    return offer_cards.Card(product.image_url, product.name, price, str(item.get("why") or ""), columns, judged)


def _shown(recipient: MailingRecipient) -> Sequence[Item]:
    """What the mail shows: the last choice of its pictures, else what was sent."""
    held = recipient.offers_opened
    items = held["items"] if held is not None else recipient.offers or []
    return [item or {} for item in items]


# At the click


def target(recipient: MailingRecipient, place: int) -> str:
    """Return where a click on an offer leads: to what is shown there, or to the shop when it is sold out or forgotten.

    Raises LinkRefused for a place there never was, and where no page is known to lead to.
    """
    items = _shown(recipient)
    if place >= people.MOST_OFFERS or (items and place >= len(items)):
        raise links.LinkRefused()
    product = _offerable(items[place]) if items else None
    if product is not None:
        return product.url
    home = str(people.company()["shop"]["url"] or "")
    others = (other.url for item in items if (other := _offerable(item)) is not None)
    found = home if home.startswith(("https://", "http://")) else next(others, None)
    if found is None:
        raise links.LinkRefused()
    return found


def note_click(recipient: MailingRecipient, place: int) -> None:
    """Keep that somebody clicked an offer; who clicks before any picture was shown has read the text, so that is the choice."""
    if recipient.customer_id is None or not recipient.offers:
        return
    if recipient.offers_opened is None:
        _take_text(recipient)
    item = _shown(recipient)[place]
    if item.get("offer"):
        _tell([item["offer"]], clicked=True)


def _take_text(recipient: MailingRecipient) -> None:
    request, going_on = identifiers.new(), trial_parts.going_on(scope.tenant_id(), PLACE, recipient.offer_part)
    items = [{**item, "offer": str(identifiers.new())} for item in recipient.offers or ()]
    _keep(recipient, items, request=request, pictures=False)
    shown.note(
        tenant_id=scope.tenant_id(), request_id=request, slot=PLACE, visitor="", customer_id=recipient.customer_id, source=NO_SOURCE,
        items=[
            [item["offer"], item["id"], item["product"], item["code"], item["why"], item["algorithm"], "", item.get("version", ""),
             item.get("arm", "") if going_on else ""]
            for item in items if item.get("id")
        ],
        met=(recipient.offer_part or ())[:1] if going_on else (),
    )  # fmt: skip


def _tell(offer_ids: Sequence[str], *, clicked: bool) -> None:
    announce(MailOffersSeen(offer_ids=list(offer_ids), at=clock.now().isoformat(), clicked=clicked))


def _product(item: Item) -> Product | None:
    catalogue = stock.catalogue(scope.tenant_id())
    product_id = kit_db.uuid(item.get("id") or "")
    if product_id is not None:
        return catalogue.by_number.get(stock.number_of(product_id))
    return catalogue.find(str(item.get("product") or ""))


def _offerable(item: Item) -> Product | None:
    product = _product(item)
    return product if product is not None and product.offerable else None
