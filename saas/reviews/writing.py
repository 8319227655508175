"""Writing, changing and withdrawing reviews: by the link about an order, on a shopper's own page, or on the shop's page.

Of an order there is one review a product, whatever is clicked how often; the order is held while it is written. Who bought
the same thing twice changes what they said, and is not counted twice.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from sqlalchemy import or_, select, update

from saas.catalog import products
from saas.catalog.models import Product
from saas.commerce import orders, return_requests
from saas.commerce.models import Order, OrderLine, Refund
from saas.customers import profiles, timeline
from saas.customers.models import Customer
from saas.kit import clock, errors, identifiers, text
from saas.kit import db as kit_db
from saas.kit.db import db
from saas.kit.events import announce
from saas.kit.text import gettext as _
from saas.reviews import rules, settings, summaries
from saas.reviews.events import ReviewPublished, ReviewWritten
from saas.reviews.models import Review, ReviewRequest

MOST = {"title": 120, "body": 5000, "name": 60, "email": 320, "language": 20}
MOST_PHOTO, MOST_ITEMS = 8 * 1024 * 1024, 60
UNBOUGHT = ("cancelled", "failed", "pending")
SAID = ("stars", "title", "body", "name", "language")


class NoSuchReview(errors.NotFound):
    """There is no such review."""


class BadReview(errors.Invalid):
    """Stars, a text or a picture that cannot be taken, or a product that is not in the order."""


class NotBought(errors.Conflict):
    """The order was cancelled or never paid, so there is nothing to judge."""

    code, message = "not_bought", "This order was cancelled, so there is nothing to review."


@dataclass(frozen=True)
class Item:
    """A thing of an order that can be judged: the product, the review there is of it, and whether all of it went back."""

    product: Product
    review: Review | None
    returned: bool


def one(review_id: UUID | str, *, lock: bool = False) -> Review:
    """Return a review; raises NoSuchReview."""
    return kit_db.one(Review, review_id, NoSuchReview, lock=lock)


def items(order: Order) -> list[Item]:
    """Return the things of an order that have a product, each once, in the order's own order."""
    lines = orders.lines_of([order.id])
    left = _left(order, lines)
    bought: dict[UUID, int] = {}
    for line in lines:
        if line.product_id is not None and line.quantity > 0:
            bought[line.product_id] = bought.get(line.product_id, 0) + left.get(line.position, 0)
    ids = list(bought)[:MOST_ITEMS]
    known, said = products.many(ids), _said(order, ids)
    return [Item(known[one], said.get(one), returned=bought[one] <= 0) for one in ids if one in known]


def _left(order: Order, lines: Sequence[OrderLine]) -> dict[int, int]:
    """How many pieces of each line are still the buyer's: less what was returned, and what was paid back piece by piece."""
    left = {one.position: one.left for one in return_requests.returnable(order, lines=lines)}
    if order.status == "refunded":
        return dict.fromkeys(left, 0)
    places = {str(line.position): line for line in lines} | {line.key: line for line in lines if line.key}
    for told in db.session.scalars(select(Refund.lines).where(Refund.order_id == order.id)):
        for part in told or ():
            line = places.get(str(part.get("line")))
            if line is not None:
                paid = line.quantity - abs(int(part.get("quantity") or 0))
                left[line.position] = min(left.get(line.position, 0), max(0, paid))
    return left


def _said(order: Order, product_ids: Sequence[UUID]) -> dict[UUID, Review]:
    """What the buyer said of these products: of this order, or else of an earlier one."""
    mine = Review.order_id == order.id
    if order.customer_id is not None:
        mine = or_(mine, (Review.customer_id == order.customer_id) & Review.verified)
    query = select(Review).where(mine, Review.product_id.in_(product_ids)).order_by(Review.written_at, Review.id)
    found: dict[UUID, Review] = {}
    for review in db.session.scalars(query):
        held = found.get(review.product_id)
        if held is None or held.order_id != order.id:
            found[review.product_id] = review
    return found


def shown_name(customer: Customer | None) -> str:
    """Return what is suggested to be shown of somebody: their first name and one letter."""
    if customer is None:
        return ""
    last = f"{customer.last_name[0]}." if customer.last_name and not text.EASTERN.match(customer.last_name) else ""
    return f"{customer.first_name} {last}".strip()


def write(order_id: UUID, given: Mapping[UUID, Mapping[str, Any]], *, origin: str = "mail") -> list[Review]:
    """Take what a buyer says of an order's products, new or changed; returns the reviews. The link is the proof of who it is.

    Each of `given` may have stars, title, body, name, language, photo (bytes) and drop_photo. Raises NoSuchOrder, NotBought or
    BadReview, and then nothing is taken.
    """
    order = orders.one(order_id, lock=True)
    if order.status in UNBOUGHT:
        raise NotBought(_(NotBought.message))
    known = {item.product.id: item for item in items(order)}
    problems: dict[str, list[str]] = {}
    cleaned = {}
    for product_id, values in given.items():
        if product_id not in known:
            problems[str(product_id)] = [_("This is not in the order.")]
            continue
        try:
            cleaned[product_id] = _cleaned(values)
        except BadReview as refusal:
            problems |= {f"{name}.{product_id}": told for name, told in refusal.fields.items()}
    if problems:
        raise BadReview(fields=problems)
    held = settings.held()
    found = [_keep(order, known[product_id], values, held, origin) for product_id, values in cleaned.items()]
    if found:
        _answered(order.id)
    return found


def _cleaned(values: Mapping[str, Any]) -> dict[str, Any]:
    problems: dict[str, list[str]] = {}
    stars = str(values.get("stars") or "")
    if stars not in ("1", "2", "3", "4", "5"):
        problems["stars"] = [_("Choose from one to five stars.")]
    found: dict[str, Any] = {name: text.clean(str(values.get(name) or ""), most=MOST[name]) for name in SAID[1:]}
    found |= {"stars": int(stars) if not problems else 0, "drop_photo": bool(values.get("drop_photo"))}
    if values.get("photo"):
        try:
            found["photo"] = picture(values["photo"])
        except NoPicture as refusal:
            problems["photo"] = [str(refusal)]
    if problems:
        raise BadReview(fields=problems)
    return found


class NoPicture(ValueError):
    """What somebody sent is too large, or no picture; the sentence says which."""


def picture(data: bytes) -> bytes:
    """Return a picture that somebody sent as a new one without anything hidden in it; raises NoPicture."""
    from saas.catalog import thumbnails  # its library is heavy, and few send a picture

    if len(data) > MOST_PHOTO:
        raise NoPicture(_("A picture has at most 8 megabytes."))
    try:
        made, _width, _height = thumbnails.made(data)
    except thumbnails.NoPicture:
        raise NoPicture(_("This is no JPEG, PNG, GIF or WebP picture, or it is broken.")) from None
    return made


def _keep(order: Order, item: Item, values: dict[str, Any], held: dict[str, Any], origin: str) -> Review:
    review, product, now = item.review, item.product, clock.now()
    new = review is None
    if review is None:
        review = Review(
            id=identifiers.new(), product_id=product.id, customer_id=order.customer_id, order_id=order.id, source_id=order.source_id,
            product_key=product.external_id, product_name=product.name, verified=True, origin=origin, state="waiting", written_at=now, **{name: values[name] for name in SAID},
        )  # fmt: skip
        db.session.add(review)
    photo = values.get("photo")
    changed = not new and (photo or values["drop_photo"] or any(getattr(review, name) != values[name] for name in SAID))
    if not new and not changed and review.state != "withdrawn":
        return review
    for name in SAID:
        setattr(review, name, values[name])
    if photo or values["drop_photo"]:
        review.photo, review.photo_mark = photo, hashlib.blake2b(photo, digest_size=12).hexdigest() if photo else ""
    if not new:
        review.edited_at = now
    _judge(review, held, new_photo=bool(photo))
    db.session.flush()
    _told(review, new=new)
    return review


def _judge(review: Review, held: Mapping[str, Any], *, new_photo: bool) -> None:
    """Publish a review or have it wait. What was declined waits again when it was changed, and a picture nobody looked at yet
    goes on waiting."""
    was, waited = review.state, "photo" in (review.held or []) and review.photo_mark != "" and review.state == "waiting"
    review.held = rules.held(review, held, new_photo=new_photo or waited)
    if was == "declined":
        review.held = [*review.held, "edited"]
    review.state = "waiting" if review.held else "published"
    review.reason, review.words, review.decided_at = "", "", None


def _told(review: Review, *, new: bool) -> None:
    about = {
        "review_id": str(review.id), "product_id": str(review.product_id or ""), "customer_id": str(review.customer_id or ""),
        "stars": review.stars, "verified": review.verified,
    }  # fmt: skip
    if new:
        announce(ReviewWritten(**about))
    summaries.forget(review.product_id)
    note_published(review)
    if review.customer_id is not None:
        timeline.add(
            customer_id=review.customer_id, kind="review", at=review.written_at, link=f"/marketing/reviews/{review.id}", key=str(review.id),
            title=_("%(stars)s stars for %(name)s", stars=review.stars, name=review.product_name),
            details={"stars": review.stars, "product": review.product_name, "state": review.state},
        )  # fmt: skip


def note_published(review: Review) -> None:
    """Announce a review when it is shown for the first time."""
    if review.state == "published" and not review.told:
        review.told = True
        announce(ReviewPublished(
            review_id=str(review.id), product_id=str(review.product_id or ""), customer_id=str(review.customer_id or ""), stars=review.stars,
            verified=review.verified,
        ))  # fmt: skip


def _answered(order_id: UUID) -> None:
    """Who has written is not reminded."""
    mine = update(ReviewRequest).where(ReviewRequest.order_id == order_id)
    done = mine.values(state="written", written_at=clock.now(), due_at=None)
    db.session.execute(done.execution_options(synchronize_session=False))


def withdraw(review_id: UUID | str, *, order_id: UUID | None = None, customer_id: UUID | None = None) -> Review:
    """Take a review back at the wish of whoever wrote it: by the link about its order, or signed in. Raises NoSuchReview."""
    review = one(review_id, lock=True)
    if order_id is not None:
        order = orders.one(order_id)
        mine = review.order_id == order.id or (review.verified and review.customer_id is not None and review.customer_id == order.customer_id)  # fmt: skip
    else:
        mine = customer_id is not None and review.customer_id == customer_id
    if not mine:
        raise NoSuchReview
    review.state, review.held, review.edited_at = "withdrawn", [], clock.now()
    db.session.flush()
    _told(review, new=False)
    return review


def of_customer(customer_id: UUID, *, most: int = 100) -> list[Review]:
    """Return what a customer wrote, the newest first."""
    query = select(Review).where(Review.customer_id == customer_id).order_by(Review.written_at.desc(), Review.id.desc())
    return list(db.session.scalars(query.limit(most)))


def from_page(given: Mapping[str, Any], product: Product, *, language: str = "") -> Review:
    """Take what somebody says of a product on the shop's page: nobody knows whether they bought it, so it always waits.

    Raises BadReview.
    """
    values = _cleaned({**given, "photo": None, "language": language})
    problems: dict[str, list[str]] = {}
    email = text.clean(str(given.get("email") or ""), most=MOST["email"])
    try:
        text.email(email)
    except text.NotAnEmail:
        problems["email"] = [_("This is not an e-mail address.")]
    if not values["name"]:
        problems["name"] = [_("Please fill this in.")]
    if len(values["body"]) < 3:
        problems["body"] = [_("Please fill this in.")]
    if problems:
        raise BadReview(fields=problems)
    norm = text.email(email)
    open_now = select(Review).where(Review.product_id == product.id, Review.email == norm, Review.origin == "page")
    review = db.session.scalars(open_now.with_for_update()).first()
    new = review is None
    if review is None:
        review = Review(
            id=identifiers.new(), product_id=product.id, source_id=product.source_id, product_key=product.external_id, product_name=product.name,
            verified=False, origin="page", state="waiting", email=norm, **{name: values[name] for name in SAID},
        )  # fmt: skip
        db.session.add(review)
    elif review.state == "waiting":
        for name in SAID:
            setattr(review, name, values[name])
        review.edited_at = clock.now()
    else:
        return review  # what somebody has looked at is not changed by whoever types the same address
    review.held = rules.held(review, settings.held(), new_photo=False)
    db.session.flush()
    _told(review, new=new)
    return review


def buyer(order: Order) -> Customer | None:
    """Return whose order it is, if they are there."""
    return profiles.one(order.customer_id) if order.customer_id is not None else None
