"""What comes back for a mail: opens, clicks, unsubscribing, bounces and complaints, each kept on the mail it is about.

Machines open and click too. An open by a privacy proxy or within seconds of the delivery says nothing about the
person and is kept apart; a click by a scanner is kept and not counted.
"""

from __future__ import annotations

import contextlib
import re
from datetime import timedelta
from uuid import UUID

from sqlalchemy import update

from saas.audiences import suppression
from saas.customers import consent, purposes
from saas.customers.purposes import Purpose
from saas.kit import clock, text
from saas.kit.db import db
from saas.marketing import landing, links, mailings, offer_cards, open_offers, people, pushing, rendering, tracking
from saas.marketing.models import MailEvent, MailingRecipient

PROXIES = re.compile(r"GoogleImageProxy|YahooMailProxy|ggpht\.com|^Mozilla/5\.0$", re.IGNORECASE)
BOTS = re.compile(
    r"bot\b|crawl|spider|scanner|preview|barracuda|mimecast|proofpoint|symantec|fireeye|trend ?micro|safelinks|curl/|wget/|python-|"
    r"go-http-client|java/|headless(?!chrome)|^$",
    re.IGNORECASE,
)
AT_ONCE = {"open": timedelta(seconds=5), "click": timedelta(seconds=1)}


def find(opened: links.Opened, *, lock: bool = False) -> MailingRecipient:
    """Return whom a good token names; raises LinkRefused when the mailing is gone."""
    try:
        found = mailings.recipient(opened.recipient_id, lock=lock)
    except mailings.NoSuchRecipient:
        raise links.LinkRefused() from None
    if found.mailing_id != opened.mailing_id:
        raise links.LinkRefused()
    return found


def _keep(
    recipient: MailingRecipient,
    kind: str,
    *,
    link: int | None = None,
    proxy: bool = False,
    bot: bool = False,
    detail: str = "",
) -> None:
    db.session.add(
        MailEvent(
            mailing_id=recipient.mailing_id,
            recipient_id=recipient.id,
            customer_id=recipient.customer_id,
            kind=kind,
            at=clock.now(),
            link=link,
            proxy=proxy,
            bot=bot,
            detail=text.clean(detail, most=300),
        )
    )


def _at_once(recipient: MailingRecipient, kind: str) -> bool:
    return recipient.sent_at is None or clock.now() - recipient.sent_at < AT_ONCE[kind]


def opened(token: links.Opened, *, browser: str) -> None:
    """Note that a mail's pixel was asked for; raises LinkRefused."""
    recipient = find(token, lock=True)
    proxy = bool(PROXIES.search(browser.strip())) or _at_once(recipient, "open")
    bot = not proxy and bool(BOTS.search(browser))
    _keep(recipient, "open", proxy=proxy, bot=bot, detail=browser)
    if not bot and not _at_once(recipient, "open"):
        open_offers.note_opening(recipient)
    if proxy or bot:
        recipient.proxy_opened_at = recipient.proxy_opened_at or clock.now()
        db.session.flush()
    elif recipient.opened_at is None:
        recipient.opened_at = clock.now()
        _tell(recipient, "mail_opened")


def clicked(token: links.Opened, *, browser: str, method: str = "GET") -> str:
    """Note a click and return the address it leads to, with the token that proves to the shop's page who came.

    Raises LinkRefused when the mail has no such link.
    """
    recipient = find(token, lock=True)
    address = target(recipient, token.link)
    bot = method == "HEAD" or bool(BOTS.search(browser)) or _at_once(recipient, "click")
    _keep(recipient, "click", link=token.link, bot=bot, detail=browser)
    if bot:
        db.session.flush()
        return address
    if token.link >= links.OFFERS:
        open_offers.note_click(recipient, token.link - links.OFFERS)
    recipient.opened_at = recipient.opened_at or clock.now()
    if recipient.clicked_at is None:
        recipient.clicked_at = clock.now()
        _tell(recipient, "mail_clicked")
    if recipient.customer_id is None:
        return address
    return landing.with_token(address, landing.token(mailing_id=recipient.mailing_id, recipient_id=recipient.id))


def offer_shown(token: links.Opened, *, browser: str, columns: int, method: str = "GET") -> offer_cards.Card | None:
    """Return what the picture of an offer shows at this opening, None for nothing; raises LinkRefused.

    A program that looks through mails, or fetches their pictures at the moment of delivery, is shown what was sent. A proxy that
    fetches them when somebody opens the mail is shown what is chosen now, but nobody's eyes are counted.
    """
    recipient = find(token)
    proxy, bot = bool(PROXIES.search(browser.strip())), bool(BOTS.search(browser)) or method == "HEAD"
    early = _at_once(recipient, "open")
    if open_offers.wants_choice(recipient) and not early and (proxy or not bot):
        recipient = find(token, lock=True)
        db.session.refresh(recipient)
        open_offers.choose(recipient)
    if not (proxy or bot or early):
        open_offers.note_sight(recipient)
    return open_offers.card(recipient, token.link, columns=columns)


def target(recipient: MailingRecipient, number: int) -> str:
    """Return where a link of somebody's mail leads, by what we kept and never by what the address says; raises
    LinkRefused.
    """
    if number >= links.OFFERS:
        return open_offers.target(recipient, number - links.OFFERS)
    found = mailings.link(recipient.mailing_id, number)
    if found is None:
        raise links.LinkRefused()
    if not found.personal and "{{" not in found.target:
        return found.target
    own = people.load([recipient.customer_id]) if recipient.customer_id else {}
    data = people.company() | own.get(recipient.customer_id, {"customer": {}, "cart": None})
    try:
        return tracking.target(tracking.Link(found.target, found.label, True), data)
    except rendering.templating.RenderFailed:
        raise links.LinkRefused() from None


def _tell(recipient: MailingRecipient, kind: str) -> None:
    db.session.flush()
    if recipient.customer_id is not None:
        pushing.tell(recipient, kind)
        pushing.count([recipient.customer_id])


def about(token: links.Opened) -> Purpose:
    """Return the purpose of somebody's mail; raises LinkRefused."""
    return purposes.one(mailings.one(find(token).mailing_id).purpose)


def customer_of(token: links.Opened) -> UUID:
    """Return whose mail it was, or who they are part of by now; raises LinkRefused when they are gone."""
    customer_id = find(token).customer_id
    if customer_id is None:
        raise links.LinkRefused()
    return customer_id


def unsubscribe(token: links.Opened, *, how: str, browser: str = "", everything: bool = False) -> None:
    """Take back somebody's consent to mails of this purpose, with the mail as its proof; raises LinkRefused.

    `everything` takes back their consent to news and offers too, without which nobody gets a mail of any purpose.
    """
    recipient = find(token, lock=True)
    purpose = mailings.one(recipient.mailing_id).purpose
    if recipient.unsubscribed_at is None:
        recipient.unsubscribed_at = clock.now()
        _keep(recipient, "unsubscribe", detail=how)
        _withdraw(recipient, purpose, how=how, browser=browser)
    if everything and purpose != purposes.MAIN:
        _withdraw(recipient, purposes.MAIN, how=how, browser=browser)
    db.session.flush()


def _withdraw(recipient: MailingRecipient, purpose: str, *, how: str, browser: str) -> None:
    proof = {
        "mailing_id": str(recipient.mailing_id),
        "recipient_id": str(recipient.id),
        "how": how,
        "browser": browser[:200],
    }
    if recipient.customer_id is not None:
        consent.withdraw(customer_id=recipient.customer_id, purpose=purpose, source=how, proof=proof)
    elif recipient.email:
        suppression.suppress(recipient.email, "unsubscribed")


def subscribe_again(token: links.Opened) -> None:
    """Take back an unsubscription of this very mail, when it was a mistake; raises LinkRefused."""
    recipient = find(token, lock=True)
    if recipient.unsubscribed_at is None:
        return
    recipient.unsubscribed_at = None
    _keep(recipient, "resubscribe")
    if recipient.customer_id is not None:
        proof = {"mailing_id": str(recipient.mailing_id), "recipient_id": str(recipient.id), "how": "undo"}
        for purpose in {mailings.one(recipient.mailing_id).purpose} | _withdrawn_here(recipient):
            consent.grant(customer_id=recipient.customer_id, purpose=purpose, source="undo", proof=proof)
    db.session.flush()


def _withdrawn_here(recipient: MailingRecipient) -> set[str]:
    """The purposes whose newest word is a withdrawal by this very mail."""
    return {
        purpose for (channel, purpose), said in consent.states(recipient.customer_id).items()
        if channel == "email" and said.state == "withdrawn" and said.proof.get("recipient_id") == str(recipient.id)
    }  # fmt: skip


def bounced(recipient_id: UUID, detail: str) -> None:
    """Note that an address does not exist, and have nobody write to it any more."""
    _stop(recipient_id, "bounce", detail)


def complained(recipient_id: UUID, detail: str = "") -> None:
    """Note that somebody called the mail spam, and never write to them again."""
    _stop(recipient_id, "complaint", detail)


def _stop(recipient_id: UUID, kind: str, detail: str) -> None:
    recipient = mailings.recipient(recipient_id, lock=True)
    column = {"bounce": MailingRecipient.bounced_at, "complaint": MailingRecipient.complained_at}[kind]
    held = getattr(recipient, column.key)
    if held is None:
        setattr(recipient, column.key, clock.now())
        _keep(recipient, kind, detail=detail)
        db.session.flush()
    if recipient.email:
        with contextlib.suppress(text.NotAnEmail):
            suppression.suppress(recipient.email, kind, detail=detail)


def reported(*, recipient_id: UUID, kind: str, detail: str) -> None:
    """Take the report of a mail relay about a mail of the bound company; one that is about no mail of ours is let
    go.
    """
    try:
        _stop(recipient_id, kind, detail)
    except mailings.NoSuchRecipient:
        return
    if kind == "bounce":
        failed = update(MailingRecipient).where(MailingRecipient.id == recipient_id, MailingRecipient.state == "sent")
        changed = failed.values(state="failed", reason=f"bounce: {detail}"[:500])
        db.session.execute(changed.execution_options(synchronize_session=False))
