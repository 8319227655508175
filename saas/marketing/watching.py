"""Who wants to be told when a product is back or costs less: asked, confirmed by a click in a mail, told once, or over.

Where few came back, few are told at a time, those who asked first; the next are told when there is still something left some
hours later.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Select, func, select, update

from saas.catalog import products
from saas.catalog.models import Product, ProductVariant
from saas.customers import facts, identity, profiles, timeline
from saas.kit import clock, crypto, errors, identifiers, money, rates, text
from saas.kit import db as kit_db
from saas.kit.db import db
from saas.kit.events import announce
from saas.kit.text import gettext as _
from saas.marketing import form_intake, watch_settings
from saas.marketing.events import WatchAsked, WatchDue
from saas.marketing.form_intake import Sender
from saas.marketing.models import WATCH_KINDS, WATCH_STATES, ProductWatch
from saas.tenancy import tenants

KINDS, STATES, WAITING = WATCH_KINDS, WATCH_STATES, ("asked", "waiting")
NEWEST = ((ProductWatch.asked_at, "desc"), (ProductWatch.id, "desc"))
TOKEN, A_BATCH, MOST_EACH = "watch", 200, 50
UNANSWERED = timedelta(days=14)
YEARS = int(timedelta(days=3650).total_seconds())


class NoSuchWatch(errors.NotFound):
    """This link was not made by us, or what it is about is gone."""

    code, message = "link_not_found", "This link is not valid. Perhaps it was cut off when it was copied."


class BadWatch(errors.Invalid):
    """The product, the kind or the address is missing or cannot be right."""


def one(watch_id: UUID | str, *, lock: bool = False) -> ProductWatch:
    """Return a watch; raises NoSuchWatch."""
    return kit_db.one(ProductWatch, watch_id, NoSuchWatch, lock=lock)


def ask(given: Mapping[str, Any], sender: Sender, *, tenant_id: int) -> dict[str, str]:
    """Take the wish of somebody in a shop and return what is said to them, the same whether they are known or not.

    Who is proven in their browser and gives no address waits at once; everybody else is asked by mail. Raises BadWatch.
    """
    kind, product = str(given.get("kind") or ""), _product(given, sender)
    if kind not in KINDS or not watch_settings.held()[kind]:
        raise BadWatch(fields={"kind": [_("Choose one of the values.")]})
    if product is None:
        raise BadWatch(fields={"product": [_("There is no such product.")]})
    visitor = form_intake.visitor(given.get("visitor"))
    if not given.get("email"):
        customer_id = _proven(visitor)
        if customer_id is None:
            raise BadWatch(fields={"email": [_("Please fill this in.")]})
        _start(
            customer_id,
            profiles.one(customer_id).email or "",
            product,
            kind,
            given,
            sender,
            visitor=visitor,
            confirmed=True,
        )
        return {"state": "waiting"}
    email = text.clean(str(given["email"]), most=320)
    try:
        norm = text.email(email)
    except text.NotAnEmail:
        raise BadWatch(fields={"email": [_("This is not an e-mail address.")]}) from None
    if form_intake.machine(given) or not rates.allow(f"watch-mail:{tenant_id}:{norm}", "12/hour"):
        return {"state": "taken"}
    language = text.clean(str(given.get("language") or ""), most=12)
    customer_id = identity.find("email", norm) or profiles.find_or_create(
        email=email, source="form", language=language[:2]
    )
    if customer_id is not None:
        _start(customer_id, email, product, kind, given, sender, visitor=visitor, confirmed=False)
        if visitor:
            identity.bind_visitor(visitor, customer_id, proven=False, evidence=form_intake.evidence(
                ref=f"watch:{product.id}:{kind}", shop_id=sender.source_id, url=text.clean(str(given.get("url") or ""), most=2000)))  # fmt: skip
    return {"state": "taken"}


def _product(given: Mapping[str, Any], sender: Sender) -> Product | None:
    key = text.clean(str(given.get("product") or ""), most=200)
    found = products.by_external([key], sender.source_id) if sender.source_id else {}
    return (found or products.by_external([key])).get(key) if key else None


def _proven(visitor: str) -> UUID | None:
    """Return the customer whom a browser is proven to be, if they have an address."""
    found = identity.visitor(visitor) if visitor else None
    if found is None or not found[1]:
        return None
    return found[0] if profiles.one(found[0]).email else None


def _start(
    customer_id: UUID, email: str, product: Product, kind: str, given: Mapping[str, Any], sender: Sender, *, visitor: str, confirmed: bool
) -> None:  # fmt: skip
    """Write the wish down, unless they wait for the same already; of too many nothing is kept."""
    facts.hold([customer_id])
    variant = text.clean(str(given.get("variant") or ""), most=200)
    theirs = select(ProductWatch).where(
        ProductWatch.customer_id == customer_id, ProductWatch.state.in_((*WAITING, "due"))
    )
    open_now = db.session.scalars(theirs.with_for_update()).all()
    same = next(
        (one for one in open_now if (one.product_id, one.variant, one.kind) == (product.id, variant, kind)), None
    )
    now = clock.now()
    if same is not None:
        if confirmed and same.state == "asked":
            same.state, same.confirmed_at = "waiting", now
        elif same.state == "asked" and (same.mailed_at is None or same.mailed_at < now - timedelta(hours=24)):
            same.mailed_at = None
            announce(WatchAsked(watch_id=str(same.id)))
        return
    if len(open_now) >= MOST_EACH:
        return
    price = price_of(product, variant)
    made = ProductWatch(
        id=identifiers.new(), customer_id=customer_id, product_id=product.id, variant=variant, kind=kind, email=email,
        language=text.clean(str(given.get("language") or ""), most=12), visitor=visitor, price_micros=price, currency=currency_of(product),
        state="waiting" if confirmed else "asked", asked_at=now, confirmed_at=now if confirmed else None,
        expires_at=now + timedelta(days=watch_settings.held()["expires_days"]),
        proof={"place": text.clean(str(given.get("url") or ""), most=2000), "address": sender.address, "browser": text.clean(sender.browser, most=200)},
    )  # fmt: skip
    db.session.add(made)
    db.session.flush()
    if not confirmed:
        announce(WatchAsked(watch_id=str(made.id)))
    else:
        look(product.id)


def token(watch: ProductWatch) -> str:
    """Return what the links in the mails carry."""
    return crypto.sign(TOKEN, [watch.tenant_id, watch.id.hex])


def read(given: str) -> tuple[int, UUID]:
    """Return the tenant and the watch of a token; raises NoSuchWatch."""
    held = crypto.read_signed(TOKEN, given, max_age=YEARS)
    try:
        tenant_id, watch_id = held
        return int(tenant_id), UUID(hex=watch_id)
    except (TypeError, ValueError):
        raise NoSuchWatch from None


def confirm(watch_id: UUID, *, address: str, browser: str) -> ProductWatch:
    """Take the click in the mail as their word; a second click changes nothing. Raises NoSuchWatch."""
    watch = one(watch_id, lock=True)
    if watch.state == "asked" and clock.now() < watch.asked_at + UNANSWERED:
        watch.state, watch.confirmed_at = "waiting", clock.now()
        watch.proof = watch.proof | {"confirmed_from": address, "confirmed_by": browser[:200]}
        product = products.one(watch.product_id)
        timeline.add(
            customer_id=watch.customer_id, kind="identified", at=watch.confirmed_at, title=_title(watch.kind, product.name),
            key=f"watch:{watch.id}", details={"product": str(product.id)},
        )  # fmt: skip
        if watch.visitor and watch.proof.get("address") == address:
            identity.bind_visitor(watch.visitor, watch.customer_id, proven=True, evidence=form_intake.evidence(
                ref=f"watch:{watch.id}:confirmed", shop_id=product.source_id, url=watch.proof.get("place", "")))  # fmt: skip
        db.session.flush()
        look(watch.product_id)
    return watch


def _title(kind: str, name: str) -> str:
    return (
        _("Waits for %(name)s", name=name) if kind == "stock" else _("Waits for a lower price of %(name)s", name=name)
    )


def standing(watch: ProductWatch) -> str:
    """Return how a wish stands for who had it: ask, waiting, told, ended or late."""
    if watch.state == "asked":
        return "ask" if clock.now() < watch.asked_at + UNANSWERED else "late"
    return {"due": "waiting", "expired": "late"}.get(watch.state, watch.state)


def end(watch_id: UUID | str) -> ProductWatch:
    """Tell them no more; raises NoSuchWatch."""
    watch = one(watch_id, lock=True)
    if watch.state in (*WAITING, "due"):
        watch.state = "ended"
        db.session.flush()
    return watch


def currency_of(product: Product) -> str:
    """Return the currency of a product's price: the shop's own, or the company's where it says none."""
    return product.currency or tenants.settings().currency


def _variant(product: Product, key: str) -> ProductVariant | None:
    query = select(ProductVariant).where(ProductVariant.product_id == product.id, ProductVariant.external_id == key)
    return db.session.scalars(query).one_or_none() if key else None


def price_of(product: Product, key: str) -> int | None:
    """Return what a product costs now, or one of its variants by the shop's id, in millionths."""
    variant = _variant(product, key)
    return variant.price_micros if variant is not None and variant.price_micros is not None else product.price_micros


def _left(product: Product, key: str) -> int | None:
    """Return how many there are to be sold: 0 when it cannot be bought, None when nobody counts."""
    variant = _variant(product, key)
    if not product.active or (key and variant is None and not product.available):
        return 0
    thing = variant or product
    return thing.stock if thing.available else 0


def come(watch: ProductWatch, product: Product, settings: Mapping[str, Any]) -> bool:
    """Tell whether what somebody waits for is so now."""
    if _left(product, watch.variant) == 0:
        return False
    if watch.kind == "stock":
        return True
    now = price_of(product, watch.variant)
    same = watch.currency == currency_of(product)
    return (
        now is not None
        and watch.price_micros is not None
        and same
        and watch_settings.drop_enough(watch.price_micros, now, settings)
    )


def look(product_id: UUID | str) -> int:
    """Have those told for whom a product is back, or cheap enough, as many as there are enough of; returns how many."""
    product = db.session.scalars(select(Product).where(Product.id == UUID(str(product_id)))).one_or_none()
    if product is None:
        return 0
    query = select(ProductWatch).where(ProductWatch.product_id == product.id, ProductWatch.state == "waiting")
    waiting = db.session.scalars(
        query.order_by(ProductWatch.asked_at, ProductWatch.id).limit(2000).with_for_update()
    ).all()
    settings, told = watch_settings.held(), []
    for variant in dict.fromkeys(watch.variant for watch in waiting):
        ready = [one for one in waiting if one.variant == variant and come(one, product, settings)]
        room = _room(product, variant, settings) if ready else 0
        told += ready[:room]
    for watch in told:
        watch.state = "due"
        watch.told_at = clock.now()
    db.session.flush()
    announce(*[WatchDue(watch_id=str(watch.id)) for watch in told])
    return len(told)


def _room(product: Product, variant: str, settings: Mapping[str, Any]) -> int:
    """Return how many more may be told now: so many for each that is left, less those told in the last hours."""
    left = _left(product, variant)
    if left is None:
        return A_BATCH
    lately = clock.now() - timedelta(hours=settings["again_hours"])
    told = select(func.count()).select_from(ProductWatch).where(
        ProductWatch.product_id == product.id, ProductWatch.variant == variant, ProductWatch.state.in_(("due", "told")),
        ProductWatch.told_at > lately,
    )  # fmt: skip
    return max(0, min(A_BATCH, left * settings["per_item"] - (db.session.scalar(told) or 0)))


def sweep() -> None:
    """Tell the next where something is left some hours later, and let go of what is over; for the bound company."""
    now = clock.now()
    late = (ProductWatch.state == "waiting") & (ProductWatch.expires_at <= now)
    silent = (ProductWatch.state == "asked") & (ProductWatch.asked_at <= now - UNANSWERED)
    gone = update(ProductWatch).where(late | silent).values(state="expired")
    db.session.execute(gone.execution_options(synchronize_session=False))
    waiting = select(ProductWatch.product_id).where(ProductWatch.state == "waiting").distinct().limit(500)
    for product_id in db.session.scalars(waiting).all():
        look(product_id)


def waiting_somewhere() -> list[int]:
    """Return the companies for which somebody waits; for work across all of them."""
    return list(db.session.scalars(select(ProductWatch.tenant_id).where(ProductWatch.state.in_(WAITING)).distinct()))


def listed(*, state: str | None = None, kind: str | None = None, product_id: UUID | None = None) -> Select:
    """Return a select of watches."""
    query = select(ProductWatch)
    for column, value in (
        (ProductWatch.state, state),
        (ProductWatch.kind, kind),
        (ProductWatch.product_id, product_id),
    ):
        if value:
            query = query.where(column == value)
    return query


def demand(*, kind: str | None = None, limit: int = 100) -> list[dict[str, Any]]:
    """Return what is waited for most: each product (and variant) with how many wait and how many were told."""
    wait, told = _count(ProductWatch.state.in_(("waiting", "due"))), _count(ProductWatch.state == "told")
    query = (
        select(ProductWatch.product_id, ProductWatch.variant, ProductWatch.kind, wait.label("waiting"), told.label("told"),
               func.min(ProductWatch.asked_at).label("since"), Product.name, Product.stock, Product.price_micros, Product.currency)
        .join(Product, (Product.tenant_id == ProductWatch.tenant_id) & (Product.id == ProductWatch.product_id))
        .group_by(ProductWatch.product_id, ProductWatch.variant, ProductWatch.kind, Product.name, Product.stock, Product.price_micros, Product.currency)
        .order_by(wait.desc(), func.min(ProductWatch.asked_at), ProductWatch.product_id)
        .limit(limit)
    )  # fmt: skip
    if kind:
        query = query.where(ProductWatch.kind == kind)
    return [
        {"product_id": row.product_id, "name": row.name, "variant": row.variant, "kind": row.kind, "waiting": row.waiting, "told": row.told,
         "since": row.since, "stock": row.stock, "currency": row.currency or tenants.settings().currency,
         "price": money.micros_text(row.price_micros) if row.price_micros is not None else None}
        for row in db.session.execute(query)
    ]  # fmt: skip


def _count(condition: ColumnElement[bool]) -> ColumnElement[int]:
    return func.count().filter(condition)
