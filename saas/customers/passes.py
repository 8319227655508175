"""How a shopper comes to their own page without a password: they type their address and get a link by mail.

A link works once, within half an hour, and opens that browser for a day. It is bound to the company and to the address it
went to: whenever the page is asked for, that address must still lead to the customer. So it follows a merge to whoever they
are part of now, and after the merge was taken back it opens nothing of the other one's. What a campaign carries is no such
link (it opens only the preferences, for mails are passed on).
"""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from sqlalchemy import delete, select

from saas.customers.events import PortalAsked
from saas.customers.models import Customer, Identity, PortalPass
from saas.kit import clock, crypto, errors, identifiers, scope, text
from saas.kit import db as kit_db
from saas.kit.db import db
from saas.kit.events import announce
from saas.kit.text import gettext as _

LINK, DAY, KEPT = timedelta(minutes=30), timedelta(days=1), timedelta(days=2)
TOKEN = "portal"


class NoSuchPass(errors.NotFound):
    """This link was not made by us, or the customer is gone."""

    code, message = "link_not_found", "This link is not valid. Perhaps it was cut off when it was copied."


class Spent(errors.Refusal):
    """The link was used already, or is too old."""

    status, code, message = 410, "link_spent", "This link was used already or is too old. Ask for a new one."


class NoAddress(errors.Invalid):
    """What was typed is no e-mail address."""


def ask(*, email: str, language: str = "") -> PortalPass:
    """Have a link sent to an address, if it is a customer's; whether it is, only the mailbox learns. Raises NoAddress."""
    try:
        norm = text.email(email)
    except text.NotAnEmail as error:
        raise NoAddress(fields={"email": [_(str(error))]}) from None
    now = clock.now()
    db.session.execute(delete(PortalPass).where(PortalPass.asked_at < now - KEPT))
    made = PortalPass(id=identifiers.new(), email_norm=norm, language=language[:20], asked_at=now)
    db.session.add(made)
    db.session.flush()
    announce(PortalAsked(pass_id=str(made.id)))
    return made


def owner(email_norm: str) -> UUID | None:
    """Return the customer whom an address leads to for sure, or None: their own, or one that was shown to be theirs."""
    own = db.session.scalar(select(Customer.id).where(Customer.email_norm == email_norm))
    if own is not None:
        return own
    proven = select(Identity.customer_id).where(
        Identity.kind == "email", Identity.value == email_norm, Identity.proven.is_(True)
    )
    return db.session.scalar(proven.limit(1))


def to_mail(pass_id: UUID | str) -> PortalPass | None:
    """Return a pass that is to be mailed, its customer found; None for an address of nobody, of which nothing is kept."""
    try:
        found = one(pass_id, lock=True)
    except NoSuchPass:
        return None
    if found.mailed_at is not None or clock.now() > found.asked_at + LINK:
        return None
    found.customer_id = owner(found.email_norm)
    if found.customer_id is None:
        db.session.delete(found)
    db.session.flush()
    return found if found.customer_id else None


def token(found: PortalPass) -> str:
    """Return what the link in the mail carries."""
    return crypto.sign(TOKEN, [found.tenant_id, found.id.hex])


def one(pass_id: UUID | str, *, lock: bool = False) -> PortalPass:
    """Return a pass; raises NoSuchPass."""
    return kit_db.one(PortalPass, pass_id, NoSuchPass, lock=lock)


def read(given: str) -> UUID:
    """Return which pass of the bound company a token is; raises NoSuchPass for another company's, forged and very old ones."""
    held = crypto.read_signed(TOKEN, given, max_age=int(KEPT.total_seconds()))
    try:
        tenant_id, pass_id = held
        if int(tenant_id) == scope.tenant_id():
            return UUID(hex=pass_id)
    except (TypeError, ValueError):
        pass
    raise NoSuchPass


def waiting(given: str) -> PortalPass:
    """Return the pass of a link that can still be opened; raises NoSuchPass or Spent."""
    found = one(read(given), lock=True)
    if found.customer_id is None or owner(found.email_norm) != found.customer_id:
        raise NoSuchPass
    if found.opened_at is not None or clock.now() > found.asked_at + LINK:
        raise Spent(_(Spent.message))
    return found


def open_with(given: str, *, browser: str = "") -> str:
    """Use a link up and return what the browser's cookie holds for the next day; raises NoSuchPass or Spent."""
    found, cookie = waiting(given), crypto.new_token()
    found.opened_at = clock.now()
    found.session, found.ends_at = crypto.digest(cookie), found.opened_at + DAY
    found.browser = text.clean(browser, most=200)
    db.session.flush()
    return cookie


def of_cookie(cookie: str | None) -> tuple[PortalPass, Customer] | None:
    """Return the pass of the bound company that a browser's cookie stands for and whose it is; None when it is not good (any
    more)."""
    if not cookie:
        return None
    query = select(PortalPass, Customer).join(Customer, Customer.id == PortalPass.customer_id)
    row = db.session.execute(
        query.where(PortalPass.session == crypto.digest(cookie), PortalPass.ends_at > clock.now())
    ).one_or_none()
    if row is None:
        return None
    found, customer = row
    own = customer.email_norm == found.email_norm or owner(found.email_norm) == customer.id
    return (found, customer) if own else None


def end(found: PortalPass) -> None:
    """Sign a browser out."""
    found.session, found.ends_at = None, clock.now()
    db.session.flush()


def form_token(found: PortalPass) -> str:
    """Return what every form of a signed-in browser carries, so that no other site can send one in its name."""
    return crypto.mac("portal-form", f"{found.tenant_id}:{found.session}".encode(), length=16).hex()
