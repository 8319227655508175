"""Single mails outside of a mailing: looked at in a browser, previewed for a customer, sent to oneself as a test."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from liquid.exceptions import LiquidError

from saas import config
from saas.customers import profiles
from saas.kit import clock, errors, identifiers, mail, mail_headers, smtp, smtp_server
from saas.kit.text import gettext as _
from saas.marketing import (
    campaigns,
    mail_coupons,
    mailings,
    open_offers,
    people,
    previews,
    rendering,
    senders,
    templating,
    tracking,
)
from saas.marketing.models import MailingRecipient
from saas.marketing.press import Press
from saas.tenancy import tenants

NOWHERE = "#unsubscribe"


class NotDelivered(errors.Unavailable):
    """The mail server did not take the mail."""

    code = "mail_not_delivered"


def company_name() -> str:
    """Return what the bound company calls itself."""
    return tenants.current().name


def as_page(recipient: MailingRecipient) -> str:
    """Return somebody's mail as a harmless web page; raises NoSuchRecipient when nothing is known of them any more."""
    known = people.load([recipient.customer_id]) if recipient.customer_id else {}
    if recipient.customer_id not in known:
        raise mailings.NoSuchRecipient
    press = Press(mailings.one(recipient.mailing_id))
    own = press.load([recipient.customer_id])[recipient.customer_id]
    own["offers"] = open_offers.as_sent(recipient)
    if (coupon := mail_coupons.shown(recipient)) is not None:
        own["coupon"] = coupon
    return previews.sandboxed(press.parts(recipient.id, own).html)


def person(
    customer_id: UUID | str | None, *, offers: int = 0, coupon_id: UUID | str | None = None, language: str = "en"
) -> dict[str, Any]:
    """Return what a mail would know of a customer, or of somebody made up, with an example of a coupon's code; raises
    NoSuchCustomer or NoSuchCoupon."""
    coupon = {"coupon": mail_coupons.example(coupon_id)}
    if not customer_id:
        return people.SAMPLE | people.company() | coupon
    found = profiles.one(customer_id)
    known = people.load([found.id], offers=offers, language=language)[found.id]
    return known | people.company() | {"campaign": {"name": ""}} | coupon


def preview(
    *,
    subject: str,
    source: str,
    text_source: str,
    language: str,
    customer_id: UUID | str | None = None,
    coupon_id: UUID | str | None = None,
    pictures: bool = False,
) -> tuple[rendering.Compiled, rendering.Parts | None]:
    """Compile what is written and fill it in for a customer; without parts when there are problems. With `pictures` offers are
    drawn as they are at an opening. Raises NoSuchCustomer.
    """
    written = {"subject": subject, "source": source, "text_source": text_source, "language": language}
    made = campaigns.compile_written(**written, sample=person(customer_id))
    if made.problems:
        return made, None
    data = person(customer_id, offers=made.offers, coupon_id=coupon_id, language=made.language)
    return made, filled(made, data, pictures=pictures)


def subject_line(source: str, data: dict[str, Any]) -> str:
    """Return a subject as somebody would read it; one that cannot be filled in as it is written."""
    template, faults = templating.read(source, part="subject", language=templating.TEXT_PART)
    if faults:
        return source
    try:
        return " ".join(template.fill(data).split()) or source
    except (LiquidError, ArithmeticError, ValueError, TypeError):
        return source


def filled(made: rendering.Compiled, data: dict[str, Any], *, pictures: bool = False) -> rendering.Parts:
    """Fill a compiled mail in for somebody, its links leading where they lead without us; raises RenderFailed.

    With `pictures` offers are drawn as they would be if the mail were opened now, and are part of it.
    """
    targets = [_target(link, data) for link in made.links]
    offers = data.get("offers") or []
    drawn = open_offers.drawn(offers, made.language) if pictures else [None] * len(offers)
    offers = [
        {name: value for name, value in offer.items() if name not in open_offers.OURS} | ({"live_image_url": picture} if picture else {})
        for offer, picture in zip(offers, drawn, strict=True)
    ]  # fmt: skip
    return rendering.Letter(made).fill(
        data | {"offers": offers, "view_url": "#", "preferences_url": "#", "portal_url": "#"},
        tracked=targets,
        unsubscribe_url=NOWHERE,
    )


def _target(link: tracking.Link, data: dict[str, Any]) -> str:
    try:
        return tracking.target(link, data)
    except templating.RenderFailed:
        return "#"


def send_test(campaign_id: UUID | str, *, to: str, customer_id: UUID | str | None = None) -> None:
    """Send a campaign as it is now to one address, filled in for a customer; nothing of it is counted or tracked.

    Raises NoSuchCampaign, NoSuchCustomer, AddressRefused, RenderFailed, NotVouchedFor or NotDelivered.
    """
    campaign = campaigns.one(campaign_id)
    made = rendering.Compiled.load(campaign.compiled) if campaign.compiled else rendering.Compiled()
    if made.problems:
        raise templating.RenderFailed(made.problems[0].sentence)
    parts = filled(made, person(customer_id, offers=made.offers, coupon_id=campaign.coupon_id, language=made.language))
    sender, address = senders.current(), mail_headers.address(to)
    frame = mail.Frame(
        sender_email=sender.email,
        sender_name=campaign.sender_name or sender.name,
        reply_to=campaign.reply_to or sender.reply_to,
        sample=parts.text,
    )
    number, domain = identifiers.new(), config.get().mail_domain
    message = frame.fill(
        to_email=address,
        subject=_("[Test] %(subject)s", subject=parts.subject),
        text=parts.text,
        html=parts.pieces,
        message_id=mail.message_id(local=f"test.{number.hex}", domain=domain),
        at=clock.now(),
    )
    envelope = smtp.Envelope(
        sender=senders.envelope_sender(f"test.{number.hex}", domain),
        recipient=message.recipient,
        data=message.as_bytes(signers=sender.signers, at=clock.now()),
    )
    hand_over(envelope)


def hand_over(envelope: smtp.Envelope) -> None:
    """Give one mail to the mail server now; raises NotDelivered."""
    with smtp.Client(
        smtp_server.server(config.get().smtp_url, timeouts=smtp_server.Timeouts(5, 10, 10, 10, 20))
    ) as client:
        outcome = client.send(envelope)
    if outcome.kind != smtp.ACCEPTED:
        raise NotDelivered(_("The mail server did not take it: %(answer)s", answer=outcome.text[:200]))
