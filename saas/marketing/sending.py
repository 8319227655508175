"""Working off a mailing: freeze who is in it, write and hand over ten mails at a time, settle, until nothing is due.

Any number of workers may be at one mailing; each may die at any moment (see `ledger`). A worker stays for some
seconds and then lets other mailings have a turn; whether anybody is at work is told by `progress_at`, and who finds a
mailing that
nobody works on rings for it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from saas import config
from saas.kit import errors, identifiers, smtp, smtp_server, work
from saas.kit.db import db
from saas.marketing import campaigns, freezing, ledger, mail_coupons, mailings, responses
from saas.marketing.ledger import Claimed, Outcome
from saas.marketing.models import MailingRecipient
from saas.marketing.press import Press
from saas.tenancy import limits

log = logging.getLogger("regulars.mailings")
HANDFUL, ARMFUL = 10, 100
AWAY = ("connect", "greeting", "starttls", "auth")
AWAY_WAIT = 30


def run(mailing_id: UUID, *, seconds: float = 10) -> bool:
    """Work on a mailing of the bound company for some seconds; tells whether something is still due now."""
    until = time.monotonic() + seconds
    while _frozen_some(mailing_id):
        if time.monotonic() > until:
            return True
    ledger.expire(mailing_id)
    with work.unit():
        state = mailings.one(mailing_id).state
    if state == "cancelled":
        ledger.drop_rest(mailing_id)
    elif state == "sending":
        _send(mailing_id, until)
    return _finish(mailing_id)


def _frozen_some(mailing_id: UUID) -> bool:
    with work.unit():
        return freezing.freeze_some(mailing_id)


def _send(mailing_id: UUID, until: float) -> None:
    with work.unit():
        press = Press(mailings.one(mailing_id))
    hand = ledger.Hand(mailing_id, identifiers.new())
    server = smtp_server.server(config.get().smtp_url)
    with smtp.Client(server) as client:
        try:
            while time.monotonic() < until:
                rows = hand.claim(most=ARMFUL)
                if not rows or not _deliver(rows, press=press, hand=hand, client=client):
                    break
        finally:
            ledger.surely(hand.release)


def _deliver(rows: Sequence[Claimed], *, press: Press, hand: ledger.Hand, client: smtp.Client) -> bool:
    """Send an armful, a handful at a time; False when somebody paused it or the mail server is away."""
    with work.unit():
        ids = [row.customer_id for row in rows if row.customer_id]
        known, barred = press.load(ids), freezing.changed_their_minds(hand.values["mailing"], ids)
        codes, early, late = press.codes([row.id for row in rows])
    waiting, settled = (
        True,
        [Outcome(row.id, "skipped", barred[row.customer_id], tried=0) for row in rows if row.customer_id in barred],
    )
    rows = [row for row in rows if row.customer_id not in barred]
    settled += [
        Outcome(row.id, "queued", mail_coupons.WAITS, tried=0, wait=mail_coupons.LONGER)
        for row in rows
        if row.id in early
    ]
    settled += [Outcome(row.id, "skipped", mail_coupons.STOPPED, tried=0) for row in rows if row.id in late]
    source = iter([row for row in rows if row.id not in early and row.id not in late])
    while waiting and (handful := list(islice(source, HANDFUL))):
        settled += [
            Outcome(row.id, "skipped", "customer_deleted", tried=0) for row in handful if row.customer_id not in known
        ]
        handful = [row for row in handful if row.customer_id in known]
        taken = hand.advance(
            settled=settled,
            taken=[(row.id, press.remembered(known[row.customer_id]), press.part(row.customer_id)) for row in handful],
        )
        mine = {
            row.id: known[row.customer_id] | ({"coupon": codes[row.id]} if row.id in codes else {})
            for row in handful if row.id in taken
        }  # fmt: skip
        settled = list(_hand_over([row for row in handful if row.id in taken], mine, press=press, client=client))
        waiting = bool(taken or not handful) and not any(one.state == "queued" and one.tried == 0 for one in settled)
    hand.advance(settled=settled)
    return waiting


def _hand_over(
    rows: Sequence[Claimed], mine: Mapping[UUID, dict[str, Any]], *, press: Press, client: smtp.Client
) -> Iterator[Outcome]:
    refused: list[Outcome] = []
    places: dict[int, Claimed] = {}
    for envelope, outcome in client.send_many(_written(rows, mine, press, refused, places)):
        row = places.pop(id(envelope))
        if outcome.recipient_is_bad:
            with work.unit():
                responses.bounced(row.id, f"{outcome.code} {outcome.text}")
        yield judged(row.id, outcome)
    yield from refused


def _written(
    rows: Sequence[Claimed],
    mine: Mapping[UUID, dict[str, Any]],
    press: Press,
    refused: list[Outcome],
    places: dict[int, Claimed],
) -> Iterator[smtp.Envelope]:
    """Write the mails one by one, as the server takes them; a mail that cannot be written is refused and goes
    nowhere.
    """
    for row in rows:
        try:
            envelope = press.envelope(recipient_id=row.id, email=row.email, own=mine[row.id])
        except (errors.Refusal, ValueError, TypeError) as error:
            refused.append(Outcome(row.id, "failed", f"not_written: {getattr(error, 'message', None) or error}"[:500]))
            continue
        places[id(envelope)] = row
        yield envelope


def judged(recipient_id: UUID, outcome: smtp.Outcome) -> Outcome:
    """Return what the mail server's answer means for the ledger."""
    said = f"{outcome.code} {outcome.text}".strip("0 ")[:500]
    if outcome.kind == smtp.ACCEPTED:
        return Outcome(recipient_id, "sent")
    if outcome.kind == smtp.UNKNOWN:
        return Outcome(recipient_id, "unknown", said)
    if outcome.kind == smtp.TEMPORARY:
        away = outcome.stage in AWAY
        return Outcome(recipient_id, "queued", said, tried=0 if away else 1, wait=AWAY_WAIT if away else 60)
    return Outcome(
        recipient_id,
        "failed",
        f"bounce: {said}" if outcome.recipient_is_bad else said,
        bounced=outcome.recipient_is_bad,
    )


def _finish(mailing_id: UUID) -> bool:
    """Close a mailing that has nothing left; tells whether something is due now."""
    with work.unit():
        left = select(MailingRecipient.id).where(
            MailingRecipient.mailing_id == mailing_id, MailingRecipient.state.in_(mailings.OPEN_STATES)
        )
        if db.session.scalar(left.limit(1)) is None:
            _close(mailing_id)
            return False
        due = left.where(MailingRecipient.state == "queued", MailingRecipient.due_at <= func.now())
        return mailings.one(mailing_id).state == "sending" and db.session.scalar(due.limit(1)) is not None


def _close(mailing_id: UUID) -> None:
    mailing = mailings.one(mailing_id, lock=True)
    if mailing.finished_at is not None or (mailing.frozen_at is None and mailing.state != "cancelled"):
        return
    mailing.finished_at = func.now()
    if mailing.state == "cancelled":
        mail_coupons.take_back(mailing)
        unused = mailing.reserved - freezing.queued(mailing_id)
        limits.count("mails_month", by=-unused)
        mailing.reserved -= unused
    else:
        mailing.state = "done"
        campaigns.one(mailing.campaign_id, lock=True).state = "done"
    db.session.flush()
