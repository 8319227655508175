"""What marketing does when an address is taken off a customer: what was sent by it and to it goes along."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select, update

from saas.customers import splitting, timeline
from saas.customers.models import Join
from saas.kit.db import db
from saas.marketing import pushing
from saas.marketing.models import FormSubmission, MailEvent, MailingRecipient, ProductWatch

Entry = tuple[str, datetime, str]


def sets(customer_id: UUID) -> Iterable[frozenset[UUID]]:
    """Forms and mails go by one address each, which says nothing of which names belong together."""
    return ()


def split(split: splitting.Split) -> None:
    """Give forms, wishes to be told and mails of these addresses to whose they are, with what the timeline says of them."""
    if not split.emails:
        return
    mine = func.lower
    moved = {
        model: split.give(model, mine(model.email).in_(split.emails))
        for model in (FormSubmission, ProductWatch, MailingRecipient)
    }
    _give_joins(split, moved)
    events = split.give(MailEvent, MailEvent.recipient_id.in_(moved[MailingRecipient]))
    split.moved.pop("mail_events", None)
    if events or any(moved.values()):
        timeline.give(_entries(moved), holder=split.holder, to=split.back)


def _give_joins(split: splitting.Split, moved: dict[Any, list[UUID]]) -> None:
    """Browsers in which these forms were sent, or these wishes told, were theirs."""
    sent = select(FormSubmission.id, FormSubmission.visitor).where(FormSubmission.id.in_(moved[FormSubmission]))
    told = select(ProductWatch.id, ProductWatch.visitor, ProductWatch.product_id, ProductWatch.kind)
    refs = [ref for key, _visitor in db.session.execute(sent) for ref in (str(key), f"{key}:confirmed")]
    for key, _visitor, product, kind in db.session.execute(told.where(ProductWatch.id.in_(moved[ProductWatch]))):
        refs += [f"watch:{product}:{kind}", f"watch:{key}:confirmed"]
    if refs:
        theirs = update(Join).where(Join.customer_id == split.holder, Join.way == "form", Join.ref.in_(refs))
        given = theirs.values(customer_id=split.back, self_id=split.back)
        db.session.execute(given.execution_options(synchronize_session=False))


def _entries(moved: dict[Any, list[UUID]]) -> list[Entry]:
    """Return what timelines say of these rows."""
    sent = select(FormSubmission.id, FormSubmission.sent_at).where(FormSubmission.id.in_(moved[FormSubmission]))
    found: list[Entry] = [("identified", at, f"form:{key}") for key, at in db.session.execute(sent)]
    told = select(ProductWatch.id, ProductWatch.confirmed_at).where(ProductWatch.id.in_(moved[ProductWatch]))
    found += [("identified", at, f"watch:{key}") for key, at in db.session.execute(told) if at is not None]
    columns = (MailingRecipient.sent_at, MailingRecipient.opened_at, MailingRecipient.clicked_at)
    mails = select(MailingRecipient.id, *columns).where(MailingRecipient.id.in_(moved[MailingRecipient]))
    for key, *moments in db.session.execute(mails):
        kinds = zip(("mail_sent", "mail_opened", "mail_clicked"), moments, strict=True)
        found += [(kind, at, str(key)) for kind, at in kinds if at is not None]
    return found


def settle(customer_ids: Sequence[UUID]) -> None:
    """Count anew what mails they got."""
    pushing.count(list(customer_ids))


splitting.follow(splitting.Follower(sets=sets, split=split, settle=settle))
