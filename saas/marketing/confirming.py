"""The mail that asks whether somebody agrees (double opt-in): from the company's own address, in the person's language.

It carries no tracking and no advertising, only the words they would agree to and one button, as the law wants it.
"""

from __future__ import annotations

import html
import string
from functools import lru_cache
from pathlib import Path
from uuid import UUID

from saas import config
from saas.customers import asking, purposes
from saas.kit import clock, identifiers, mail, mail_headers, smtp
from saas.marketing import confirming_words, letters, senders
from saas.tenancy import tenants


def write(request_id: str) -> None:
    """Ask one person, unless the question was answered or is too old. Raises NotDelivered, to be tried again."""
    try:
        request = asking.one(UUID(request_id), lock=True)
    except asking.NoSuchRequest:
        return
    if request.mailed_at is not None or not asking.open_now(request):
        return
    try:
        address = mail_headers.address(request.email)
    except mail_headers.AddressRefused:
        return
    sender, company = senders.current(), tenants.current().name
    words = confirming_words.in_language(request.language or tenants.settings().languages[0])
    purpose = purposes.one(request.purpose)
    link = f"{config.get().public_url.rstrip('/')}/m/y/{asking.token(request)}"
    filled = {
        "language": words["language"], "link": link, "company": company, "wording": request.wording, "purpose": purpose.name,
    } | {part: words[part].format(company=company, purpose=purpose.name) for part in confirming_words.PARTS}  # fmt: skip
    text = "\n\n".join([filled["before"], request.wording, link, filled["after"]])
    frame = mail.Frame(sender_email=sender.email, sender_name=sender.name, reply_to=sender.reply_to, sample=text)
    number, domain = identifiers.new(), config.get().mail_domain
    message = frame.fill(
        to_email=address, subject=filled["subject"], text=text, at=clock.now(),
        html=_page().substitute({key: html.escape(value) for key, value in filled.items()}),
        message_id=mail.message_id(local=f"ask.{number.hex}", domain=domain), headers={"Auto-Submitted": "auto-generated"},
    )  # fmt: skip
    letters.hand_over(
        smtp.Envelope(
            sender=senders.envelope_sender(f"ask.{number.hex}", domain), recipient=message.recipient,
            data=message.as_bytes(signers=sender.signers, at=clock.now()),
        )
    )  # fmt: skip
    request.mailed_at = clock.now()


@lru_cache(maxsize=1)
def _page() -> string.Template:
    return string.Template(Path(__file__).with_name("confirming.html").read_text(encoding="utf-8"))
