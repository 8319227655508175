"""Erasing people wherever they are: one at their wish, many at once, whoever lies in the bin. What stays names no one.

A batch is one transaction that walks the marks of the columns (`kit.personal`) once for all in it; what lies outside the
database (live sessions, the search folder) follows right after the commit. A certificate says when, by whom and how many
rows where. The ids alone are kept, for the ledger by which a backup that comes back is made to forget them again.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import Select, func, insert, select

from saas.audiences import segments, suppression
from saas.commerce import recognition
from saas.customers import erased, joins, merge_tree, profiles
from saas.customers.events import CustomerDeleted
from saas.customers.models import Customer, ErasedPerson, Erasure
from saas.integrations import person_traces
from saas.kit import access, belongings, clock, errors, files, identifiers, personal, scope, search, text, valkey, work
from saas.kit import db as kit_db
from saas.kit.db import db
from saas.kit.events import announce
from saas.kit.personal import Traces
from saas.kit.text import gettext as _
from saas.kit.text import later as _l
from saas.recommend import browsers, shown
from saas.reviews import summaries
from saas.tenancy import audit, bin, frozen, operations
from saas.tenancy.models import BinItem, Operation

ERASE, ERASE_BINNED, ERASE_MANY = "customers.erase_person", "customers.erase_binned", "customers.erase_many"
TOGETHER = 500
"""People in one step: all tables are read once for them, which takes most of its time."""
WHY = "whoever is erased is erased wherever they are, also where a colleague does not look"
ZIPPED = (
    "application/zip",
    "application/vnd.openxmlformats",
    "application/vnd.apache.parquet",
    "application/octet-stream",
)
"""Files in which no word can be looked for; one made since the person is known may hold them."""


class OthersAddress(errors.Conflict):
    """Whoever lies in the bin has an address that is a customer's now; `holder` is that one, whose erasure reaches both."""

    code = "address_in_use"

    def __init__(self, sentence: str, *, holder: UUID) -> None:
        super().__init__(sentence)
        self.holder = holder


class WrongNumber(errors.Invalid):
    """How many it would be is not the number that was typed or sent."""


def erase(customer_id: UUID | str) -> Operation:
    """Begin to erase a person everywhere; returns the operation, whose result is the certificate. Raises NoSuchCustomer."""
    customer = profiles.one(customer_id)
    return operations.start(kind=ERASE, params={"customer_id": str(customer.id)}, total=1)


def erase_binned(item_id: UUID | str) -> Operation:
    """Begin to erase a deleted customer from the bin, without bringing them back. Raises NotInTheBin or OthersAddress."""
    item = bin.one(item_id, lock=True)
    if item.kind != "customer":
        raise bin.NotInTheBin
    access.require(bin.kind_of("customer").permission)
    _require_address(item)
    return operations.start(kind=ERASE_BINNED, params={"item_id": str(item.id)}, total=1)


def meant(*, definition: dict[str, Any] | None = None, ids: Sequence[UUID] | None = None) -> Select:
    """Return a select of the ids of whoever is meant: those chosen by hand, or all who fit a definition."""
    return segments.query(definition or segments.EVERYBODY) if ids is None else select(Customer.id).where(Customer.id.in_(ids))  # fmt: skip


def counted(who: Select) -> int:
    return db.session.scalar(select(func.count()).select_from(who.subquery())) or 0


def erase_many(who: Select, *, number: int) -> Operation:
    """Begin to erase everybody that `who` selects. `number` is how many whoever asks means. Raises WrongNumber."""
    access.require("customers.delete")
    operation = operations.start(kind=ERASE_MANY, params={})
    operation.total = frozen.freeze(operation, who, together=TOGETHER)
    if not operation.total:
        raise WrongNumber(fields={"number": [_("Nobody fits, so there is nothing to do.")]})
    if operation.total != number:
        sentence = _("It would be %(count)s people. Type that number to go on.", count=f"{operation.total:,}")
        raise WrongNumber(fields={"number": [sentence]})
    return operation


@operations.kind(ERASE, permission="customers.delete", title=_l("Erasing one person"))
def _erase_one(operation: Operation) -> bool:
    """Erase the person and write the certificate."""
    shown.write_pending()
    _tell(operation, erase_now(operation.params["customer_id"]))
    return False


@operations.kind(ERASE_BINNED, permission="customers.delete", title=_l("Erasing one person from the bin"))
def _erase_deleted(operation: Operation) -> bool:
    """Erase whoever lies in the bin and write the certificate."""
    shown.write_pending()
    _tell(operation, erase_binned_now(operation.params["item_id"]))
    return False


def _tell(operation: Operation, made: Erasure) -> None:
    operation.done = 1
    operation.params = {"erasure_id": str(made.id)}
    operation.report = {"certificate": {"id": str(made.id), "at": made.erased_at.isoformat()}, "told": made.told}


@operations.kind(ERASE_MANY, permission="customers.delete", title=_l("Erasing many people"))
def _erase_some(operation: Operation) -> bool:
    """Erase the next of those who are meant; all share a certificate."""
    part = operation.cursor.get("part", 0)
    ids = frozen.part(operation, part)
    if not ids:
        frozen.forget(operation)
        return False
    if part == 0:
        shown.write_pending()
    gone = erase_some(operation, ids)
    operation.cursor = operation.cursor | {"part": part + 1}
    operation.report = operation.report | {"lines": [[str(_("People erased")), operation.done + gone]]}
    operation.done += gone
    return True


def erase_some(operation: Operation, ids: Sequence[UUID]) -> int:
    """Erase these customers as part of long work, under its one certificate, and return how many.

    Who is not there any more, or not for the acting member to see, is noted as failed.
    """
    held = operation.cursor.get("erasure")
    there = _there(ids)
    missing = [one for one in ids if one not in set(there)]
    place = operation.done + operation.failed
    operations.note_failed(operation, [
        (place + number, {"id": str(one)}, _("This customer is not there any more, or not yours to see.")) for number, one in enumerate(missing, 1)
    ])  # fmt: skip
    if there:
        made = erase_now(*there, certificate_id=held)
        operation.cursor = operation.cursor | {"erasure": str(made.id)}
        operation.report = operation.report | {
            "certificate": {"id": str(made.id), "at": made.erased_at.isoformat()}, "told": made.told
        }  # fmt: skip
    return len(there)


def _there(ids: Sequence[UUID]) -> list[UUID]:
    return list(db.session.scalars(select(Customer.id).where(Customer.id.in_(ids)).order_by(Customer.id)))


def erase_now(*customer_ids: UUID | str, certificate_id: UUID | str | None = None) -> Erasure:
    """Erase people in the open unit of work, with what lies outside the database after its commit.

    Returns the certificate: a new one, or that of `certificate_id`, to which what is reached now is added. Raises
    NoSuchCustomer.
    """
    ids = [profiles.one(customer_ids[0]).id] if len(customer_ids) == 1 else _there([UUID(str(one)) for one in customer_ids])  # fmt: skip
    with access.lifted(reason=WHY):
        return _erase(person_traces.with_their_former_selves(person_traces.gather(ids)), certificate_id)


def erase_binned_now(item_id: UUID | str) -> Erasure:
    """Erase a deleted customer in the open unit of work; raises NotInTheBin or OthersAddress."""
    item = bin.one(item_id, lock=True)
    _require_address(item)
    with access.lifted(reason=WHY):
        return _erase(person_traces.with_their_former_selves(Traces(customers=()), [item]), None)


def _require_address(item: BinItem) -> None:
    """Refuse to erase half of somebody: whoever has the address now may be the same person."""
    emails, _phones = person_traces.written_in([item.journal], [item.record_id])
    with access.lifted(reason="an address belongs to one customer, whoever looks after them"):
        holder = db.session.scalar(select(Customer.id).where(Customer.email_norm.in_(emails)).limit(1))
    if holder is not None:
        raise OthersAddress(
            _("A customer in your list has this address by now. Erase them there: that reaches the bin too."),
            holder=holder,
        )


def _erase(traces: Traces, certificate_id: UUID | str | None) -> Erasure:
    belongings.lock(merge_tree.TABLE, list(traces.customers))
    norms = [norm for email in traces.emails if (norm := _norm(email))]
    reasons = suppression.reasons_for(norms)
    made = _certificate(certificate_id)
    since = db.session.scalar(select(func.min(Customer.created_at)).where(Customer.id.in_(traces.customers)))
    search.touch("customer", *traces.customers)
    search.touch("order", *traces.orders)
    _drop_merges(traces)
    binned = person_traces.orders_in_the_bin(traces.customers)
    bin.throw_away("order", binned)
    events, browsers = recognition.erase_stretches(traces.customers)
    judged = summaries.products_of(
        customers=traces.customers, emails=[one.lower() for one in traces.emails], orders=traces.orders
    )
    counts = personal.erase(traces)
    for product_id in judged:
        summaries.forget(product_id)
    counts["shop_events"] = counts.get("shop_events", 0) + events
    joins.derive(browsers)  # what is left there is whose it is without them
    counts["bin_items"] = counts.get("bin_items", 0) + len(binned)
    counts |= {"stored_files": _drop_files(traces, since)}
    counts["audit_values"] = audit.erase_person(
        kind="customer",
        record_ids=traces.customers,
        others=[("order", traces.orders), ("address", [erased.digest(norm) for norm in norms])],
    )
    erased.remember(norms, erasure_id=made.id, reasons=reasons)
    made.counts = {table: many for table, many in sorted(_sum(made.counts, counts).items()) if many}
    made.told = made.told | personal.mentioned(traces)
    made.people += _note_people(traces, made)
    db.session.flush()
    search.renew()
    announce(*[CustomerDeleted(customer_id=str(one)) for one in traces.customers])
    _record(traces, made, sum(counts.values()))
    tenant_id = scope.tenant_id()
    work.after_commit(lambda: _forget_live(tenant_id, traces))
    return made


def _certificate(certificate_id: UUID | str | None) -> Erasure:
    if certificate_id is not None:
        return kit_db.one(Erasure, certificate_id, errors.NotFound, lock=True)
    made = Erasure(id=identifiers.new(), erased_at=clock.now(), erased_by=scope.actor().name, people=0, counts={}, told={})  # fmt: skip
    db.session.add(made)
    db.session.flush()
    return made


def _sum(one: dict[str, int], other: dict[str, int]) -> dict[str, int]:
    return {table: one.get(table, 0) + other.get(table, 0) for table in {*one, *other}}


def _note_people(traces: Traces, made: Erasure) -> int:
    """Keep the ids, which lead to nobody any more, for the ledger; returns how many customers that were."""
    now = clock.now()
    db.session.execute(insert(ErasedPerson), [
        {"tenant_id": scope.tenant_id(), "id": identifiers.new(), "erasure_id": made.id, "customer": one, "erased_at": now} for one in traces.customers
    ])  # fmt: skip
    return len(traces.customers)


def _record(traces: Traces, made: Erasure, rows: int) -> None:
    """Say in the history that they were erased: in one entry, and of many also a line for each."""
    told = {"certificate": str(made.id), "rows": rows}
    if len(traces.customers) == 1:
        audit.record(action="customers.erased", kind="customer", record_id=traces.customers[0], after=told)
        return
    audit.record(action="customers.erased", kind="erasure", record_id=made.id, after=told | {"people": len(traces.customers)})  # fmt: skip
    audit.record_many([
        {"action": "customers.erased", "kind": "customer", "record_id": one, "after": {"certificate": str(made.id)}, "batch": made.id, "detail": True}
        for one in traces.customers
    ])  # fmt: skip


def _norm(email: str) -> str:
    try:
        return text.email(email)
    except text.NotAnEmail:
        return ""


def _drop_merges(traces: Traces) -> None:
    """Who they were before merges goes with the journals that could bring it back."""
    mine = set(traces.customers)
    belongings.forget([merge.id for merge in merge_tree.ever(list(traces.customers)) if merge.winner_id in mine])


def _drop_files(traces: Traces, known_since: datetime | None) -> int:
    """Remove the files in which somebody is written, and those that may hold them and cannot be looked through."""
    gone = 0
    words = traces.words
    finder = personal.Finder([word.encode() for word in words] + [word.encode("utf-16-le") for word in words])
    for file in files.kept():
        if file.content_type.startswith(ZIPPED):
            holds = known_since is None or file.created_at >= known_since
        else:
            holds = _holds(files.chunks(file.id), finder)
        if holds:
            files.remove(file.id)
            gone += 1
    return gone


def _holds(chunks: Iterator[bytes], finder: personal.Finder) -> bool:
    rest = b""
    for chunk in chunks:
        part = (rest + chunk).lower()
        if finder.stands(part):
            return True
        rest = part[-finder.longest :]
    return False


def _forget_live(tenant_id: int, traces: Traces) -> None:
    """Take people out of Valkey: live sessions, whose browser it is, what was bought."""
    names = [f"live:{tenant_id}:{one}" for one in traces.visitors] + [
        browsers.key(tenant_id, one) for one in traces.visitors
    ]
    names += [f"bought:{tenant_id}:{one}" for one in traces.customers]
    for start in range(0, len(names), 500):
        valkey.client().delete(*names[start : start + 500])


def certificate(erasure_id: UUID | str) -> Erasure:
    """Return the certificate of an erasure: when, by whom, and how many rows were reached where."""
    return kit_db.one(Erasure, erasure_id, errors.NotFound)
