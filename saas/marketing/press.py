"""Writes, frames and signs the mails of one mailing: what is the same for all is made once, the rest per person."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from saas import config
from saas.kit import clock, dkim, mail, scope, smtp
from saas.marketing import landing, links, mail_coupons, open_offers, people, rendering, senders
from saas.marketing.models import Mailing
from saas.recommend.trial_parts import Part

MESSAGE_ID = re.compile(r"^<?([0-9a-f]{32})\.(\d{1,18})@")


class Press:
    """Everything a worker needs to write the mails of a mailing; made in an open unit of work."""

    def __init__(self, mailing: Mailing) -> None:
        self.sender = senders.current()
        self.domain = config.get().mail_domain
        self.letter = rendering.Letter(rendering.Compiled.load(mailing.compiled))
        self.links = len(self.letter.compiled.links)
        self.offers = self.letter.compiled.offers
        self.parts_in_trial: dict[UUID, Part] = {}
        self.brings_codes = mailing.coupon_id is not None
        self.everybody = people.company() | {"campaign": {"name": mailing.name}}
        self.addresses = links.Addresses(
            base_url=config.get().public_url, key=landing.key(), tenant_id=scope.tenant_id(), mailing_id=mailing.id
        )
        company = self.everybody["company"]["name"]
        self.frame = mail.Frame(
            sender_email=mailing.sender_email,
            sender_name=mailing.sender_name or company,
            reply_to=mailing.reply_to,
            list_id=f"news.{scope.tenant_id()}.{self.domain}",
            list_name=company,
            feedback_id=f"{mailing.id.hex[:12]}:{scope.tenant_id()}:campaign:regulars",
            sample=self.letter.compiled.text,
        )

    def load(self, customer_ids: Sequence[UUID]) -> dict[UUID, dict[str, Any]]:
        """Return what the mail may say of these people, and have them take part in the trial of offers that runs."""
        self.parts_in_trial = open_offers.parts(customer_ids) if self.offers else {}
        return people.load(
            customer_ids, offers=self.offers, carts="cart" in self.letter.compiled.html + self.letter.compiled.subject,
            language=self.letter.compiled.language, parts=self.parts_in_trial,
        )  # fmt: skip

    def part(self, customer_id: UUID | None) -> list[str] | None:
        """Return what a person's mail has to remember of the trial that its offers were chosen in."""
        found = self.parts_in_trial.get(customer_id) if customer_id else None
        return list(found.met) if found else None

    def codes(self, recipient_ids: Sequence[UUID]) -> tuple[dict[UUID, dict[str, Any]], set[UUID], set[UUID]]:
        """Return recipients' codes, who has to wait for theirs, and whose is good no more; nothing where no mail brings one."""
        return mail_coupons.load(recipient_ids) if self.brings_codes else ({}, set(), set())

    def remembered(self, data: Mapping[str, Any]) -> list[dict[str, Any]] | None:
        """Return what has to be kept of a person's offers, so that clicks on them find their way and pictures know what was sent."""
        return [open_offers.remembered(offer, self.letter.compiled.language) for offer in data["offers"]] or None

    def data(self, recipient_id: UUID, own: Mapping[str, Any]) -> dict[str, Any]:
        """Return all that Liquid may read for one recipient, offers with the addresses that come back to us."""
        addresses = self.addresses.offers(recipient_id, len(own["offers"]))
        pictures = self.addresses.pictures(recipient_id, len(own["offers"]))
        if not open_offers.drawable(own["offers"], self.letter.compiled.language):
            pictures = [None] * len(pictures)
        offers = [
            {
                **{name: value for name, value in offer.items() if name not in open_offers.OURS},
                "url": address,
                "live_image_url": picture,
            }
            for offer, address, picture in zip(own["offers"], addresses, pictures, strict=True)
        ]
        view = self.addresses.address(links.VIEW, recipient_id)
        own_page = self.addresses.address(links.PREFERENCES, recipient_id)
        return {
            **self.everybody, **own, "offers": offers, "view_url": view, "preferences_url": own_page, "portal_url": own_page,
        }  # fmt: skip

    def parts(self, recipient_id: UUID, own: Mapping[str, Any]) -> rendering.Parts:
        """Write one person's subject, HTML and text; raises RenderFailed."""
        return self.letter.fill(
            self.data(recipient_id, own),
            tracked=self.addresses.tracked(recipient_id, self.links),
            unsubscribe_url=self.addresses.address(links.UNSUBSCRIBE, recipient_id),
            open_url=self.addresses.address(links.OPEN, recipient_id),
        )

    def envelope(
        self, *, recipient_id: UUID, email: str, own: Mapping[str, Any], at: datetime | None = None
    ) -> smtp.Envelope:
        """Make one person's mail, signed; raises RenderFailed, AddressRefused or HeaderRefused."""
        parts, moment = self.parts(recipient_id, own), at or clock.now()
        message = self.frame.fill(
            to_email=email,
            to_name=own["customer"].get("name") or "",
            subject=parts.subject,
            text=parts.text,
            html=parts.pieces,
            at=moment,
            message_id=message_id(recipient_id, self.domain),
            unsubscribe_url=self.addresses.address(links.UNSUBSCRIBE, recipient_id),
        )
        return self.signed(message, sender=senders.envelope_sender(recipient_id.hex, self.domain), at=moment)

    def signed(self, message: mail.Message, *, sender: str, at: datetime) -> smtp.Envelope:
        """Return the mail as it goes over the wire."""
        return smtp.Envelope(
            sender=sender, recipient=message.recipient, data=message.as_bytes(signers=self.signers, at=at)
        )

    @property
    def signers(self) -> tuple[dkim.Signer, ...]:
        return self.sender.signers


def message_id(recipient_id: UUID, domain: str) -> str:
    """Return the Message-ID of a recipient's mail, the same however often it is sent."""
    return mail.message_id(local=f"{recipient_id.hex}.{scope.tenant_id()}", domain=domain)


def read_message_id(text: str) -> tuple[int, UUID] | None:
    """Return tenant and recipient that a Message-ID of ours names, or None for somebody else's."""
    found = MESSAGE_ID.match(text.strip())
    return (int(found.group(2)), UUID(hex=found.group(1))) if found else None
