"""By what people are found: as customers now, as who they were before merges, from the bin, and by their names."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from uuid import UUID

from sqlalchemy import Text, and_, cast, or_, select

from saas.commerce.models import Order, Visitor
from saas.customers import identity, joins, merge_tree
from saas.customers.models import Customer
from saas.kit import belongings
from saas.kit.belongings.models import JournalRow
from saas.kit.db import db
from saas.kit.personal import Traces
from saas.marketing.models import MailingRecipient
from saas.tenancy import bin
from saas.tenancy.models import BinItem


def gather(customer_ids: Sequence[UUID], *, emails: Iterable[str] = (), phones: Iterable[str] = ()) -> Traces:
    """Return by what these customers are found; `emails` and `phones` are what is known of them besides."""
    under = merge_tree.below(*customer_ids)
    ids = [*customer_ids, *(merge.loser_id for merge in under)]
    addresses, numbers = set(emails), set(phones)
    columns = (Customer.email, Customer.email_norm, Customer.phone, Customer.phone_norm)
    for email, norm, *theirs in db.session.execute(select(*columns).where(Customer.id.in_(customer_ids))):
        addresses |= {norm, (email or "").lower()}
        numbers |= set(theirs)
    for merge in under:
        for _table, _key, row in belongings.rows(merge.id, table=merge_tree.TABLE):
            addresses |= {row.get("email_norm"), (row.get("email") or "").lower()}
            numbers |= {row.get("phone"), row.get("phone_norm")}
    names = identity.names_of(*customer_ids)
    addresses |= {name.value for name in names if name.kind == "email"}
    numbers |= {name.value for name in names if name.kind == "phone"}
    visitors = {name.value for name in names if name.kind == "visitor"}
    visitors |= set(db.session.scalars(select(Visitor.visitor).where(Visitor.customer_id.in_(ids))))
    visitors -= joins.shared(customer_ids)
    recipients = db.session.execute(
        select(MailingRecipient.id, MailingRecipient.email).where(MailingRecipient.customer_id.in_(ids))
    ).all()
    addresses |= {(address or "").lower() for _id, address in recipients}
    return Traces(
        customers=tuple(ids), orders=tuple(db.session.scalars(select(Order.id).where(Order.customer_id.in_(ids)))),
        recipients=tuple(key for key, _address in recipients), visitors=tuple(sorted(visitors)), emails=tuple(sorted(filter(None, addresses))),
        phones=tuple(sorted(filter(None, numbers))),
    )  # fmt: skip


def with_their_former_selves(traces: Traces, items: Sequence[BinItem] = ()) -> Traces:
    """Return the traces of these people and of whom the bin holds under one of their addresses, or as one of `items`.

    Those are put back, without their addresses, for the erasure in the same unit of work: so they go as completely as
    whoever was never deleted, and nobody sees them come back.
    """
    found = list(items)
    while found or (found := in_the_bin(traces.emails)):
        emails, phones = written_in([item.journal for item in found], [item.record_id for item in found])
        back = bin.put_back_to_erase("customer", found)
        traces = gather([*traces.customers, *back], emails=[*traces.emails, *emails], phones=[*traces.phones, *phones])
        found = []
    return traces


def in_the_bin(emails: Sequence[str]) -> list[BinItem]:
    """Return the deleted customers who have one of these addresses, of whoever deleted them."""
    if not emails or db.session.scalar(select(BinItem.id).where(BinItem.kind == "customer").limit(1)) is None:
        return []
    mine = or_(
        and_(JournalRow.table_name == "customers", JournalRow.record_id == BinItem.record_id, JournalRow.row["email_norm"].astext.in_(emails)),
        and_(JournalRow.table_name == "customer_identities", JournalRow.row["customer_id"].astext == cast(BinItem.record_id, Text),
             JournalRow.row["kind"].astext == "email", JournalRow.row["value"].astext.in_(emails)),
    )  # fmt: skip
    held = and_(JournalRow.journal == BinItem.journal, JournalRow.act == "taken", mine)
    query = select(BinItem).where(BinItem.kind == "customer", select(JournalRow.id).where(held).exists())
    return list(db.session.scalars(query.order_by(BinItem.id).with_for_update()))


def orders_in_the_bin(customer_ids: Sequence[UUID]) -> list[BinItem]:
    """Return the deleted orders of these customers: their lines in the bin say whose they were, and from which browser."""
    theirs = and_(
        JournalRow.journal == BinItem.journal, JournalRow.act == "taken", JournalRow.table_name == "orders", JournalRow.record_id == BinItem.record_id,
        JournalRow.row["customer_id"].astext.in_([str(one) for one in customer_ids]),
    )  # fmt: skip
    query = select(BinItem).where(BinItem.kind == "order", select(JournalRow.id).where(theirs).exists())
    return list(db.session.scalars(query.order_by(BinItem.id).with_for_update()))


def written_in(journals: Sequence[UUID], record_ids: Sequence[UUID]) -> tuple[set[str], set[str]]:
    """Return the addresses and numbers of customers who lie in journals: without them nobody would find what names them."""
    query = select(JournalRow.row).where(
        JournalRow.journal.in_(journals), JournalRow.act == "taken", JournalRow.table_name == "customers", JournalRow.record_id.in_(record_ids)
    )  # fmt: skip
    rows = list(db.session.scalars(query))
    emails = {row.get("email_norm") for row in rows} | {(row.get("email") or "").lower() for row in rows}
    phones = {row.get(name) for row in rows for name in ("phone", "phone_norm")}
    return set(filter(None, emails)), set(filter(None, phones))
