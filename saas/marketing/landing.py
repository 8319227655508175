"""Who lands in the shop from a mail: a click carries a signed token that the tracker shows us as a proof.

The token is put only on addresses of the company's own shops, for whoever holds it is taken for the customer.
"""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlunsplit
from uuid import UUID

from sqlalchemy import func, select

from saas.catalog.models import Product
from saas.commerce import recognition, shops
from saas.kit import addresses, clock, crypto, scope
from saas.kit.db import db
from saas.marketing import links
from saas.marketing.models import MailingRecipient

PARAMETER = "rgl"
GOOD_FOR = timedelta(days=60)
PRODUCTS_LOOKED_AT = 200


def key() -> bytes:
    """Return the key that signs the addresses in mails."""
    return crypto.derived_key("mail-links")


def read(token: str, kind: int) -> links.Opened:
    """Return what a token of a mail says; raises links.LinkRefused."""
    return links.read(token, keys=(key(),), kind=kind)


def token(*, mailing_id: UUID, recipient_id: UUID) -> str:
    """Return the token that proves to the tracker whose mail was clicked."""
    return links.make(
        key=key(), kind=links.LANDING, tenant_id=scope.tenant_id(), mailing_id=mailing_id, recipient_id=recipient_id
    )


def preferences_token(*, mailing_id: UUID | int, recipient_id: UUID | int) -> str:
    """Return the token that opens the preferences of whoever a mail went to, and nothing else of theirs."""
    return links.make(
        key=key(), kind=links.PREFERENCES, tenant_id=scope.tenant_id(), mailing_id=mailing_id, recipient_id=recipient_id
    )


def customer_of(given: str) -> UUID | None:
    """Return the customer of the bound tenant whom a landing token stands for, or None when it is not good (any
    more).
    """
    try:
        opened = read(given, links.LANDING)
    except links.LinkRefused:
        return None
    if opened.tenant_id != scope.tenant_id() or not isinstance(opened.recipient_id, UUID):
        return None
    query = select(MailingRecipient.customer_id).where(
        MailingRecipient.id == opened.recipient_id,
        MailingRecipient.mailing_id == opened.mailing_id,
        MailingRecipient.sent_at > clock.now() - GOOD_FOR,
    )
    return db.session.scalar(query)


recognition.register_token_reader(customer_of)


def with_token(address: str, landing_token: str) -> str:
    """Return the address with the token in its query, when it lies in one of the company's shops."""
    parts = addresses.split(address)
    if not parts.netloc or _host(address) not in own_hosts():
        return address
    query = f"{parts.query}&{PARAMETER}={landing_token}" if parts.query else f"{PARAMETER}={landing_token}"
    return urlunsplit(parts._replace(query=query))


def own_hosts() -> set[str]:
    """Return the host names of the company's shops; where a shop has no address, those of its products."""
    connected = shops.all_shops()
    hosts = {_host(shop.url) for shop in connected if shop.url}
    if not connected or any(not shop.url for shop in connected):
        some = (
            select(Product.url)
            .where(Product.url != "")
            .order_by(Product.id.desc())
            .limit(PRODUCTS_LOOKED_AT)
            .subquery()
        )
        origin = func.substring(some.c.url, "^https?://[^/?#]+")
        hosts |= {_host(found) for found in db.session.scalars(select(origin).distinct()) if found}
    return hosts - {""}


def _host(address: str) -> str:
    """The host with its port, so that two programs on one machine are told apart."""
    return addresses.split(address).netloc.rsplit("@", 1)[-1].lower().removeprefix("www.")
