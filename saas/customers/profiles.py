"""One customer at a time, as staff and programs work with them: open, create, change, delete."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import func, select

from saas.customers import arriving, asking, consent, facts, identity, merge_tree, owners, purposes, timeline, voices
from saas.customers.arriving import Upserted, upsert_many
from saas.customers.events import CustomersChanged
from saas.customers.models import NO_SOURCE, Customer, TimelineEntry
from saas.kit import access, clock, errors, scope, search, text, versions
from saas.kit import db as kit_db
from saas.kit.db import db
from saas.kit.events import announce
from saas.kit.text import gettext as _
from saas.tenancy import audit, bin, custom_values, limits

__all__ = ["Upserted", "change", "count", "create", "delete", "find_or_create", "one", "query", "upsert_many"]


class NoSuchCustomer(errors.NotFound):
    """There is no such customer."""


class KnownAlready(errors.Conflict):
    """Another customer has this address; `customer_id` is theirs."""

    message = "Another customer already has this e-mail address."
    sentence = "Another customer already has this address."

    def __init__(self, customer_id: UUID | None, field: str = "email") -> None:
        super().__init__(_(self.message), fields={field: [_(self.sentence)]})
        self.customer_id = customer_id


class ColleaguesCustomer(KnownAlready):
    """The address belongs to a customer whom the acting member does not see: that it is taken is all they learn."""

    code = "colleagues_customer"
    message = sentence = "This belongs to a colleague's customer."

    def __init__(self, field: str = "email") -> None:
        super().__init__(None, field)


class BadCustomer(errors.Invalid):
    """A field of the customer is out of range."""


def one(customer_id: UUID | str, *, lock: bool = False) -> Customer:
    """Return a customer, or for one that was merged who they are part of now; raises NoSuchCustomer."""
    try:
        return kit_db.one(Customer, customer_id, NoSuchCustomer, lock=lock)
    except NoSuchCustomer:
        winner = merge_tree.winner_of(customer_id)
        if winner is None:
            raise
        return kit_db.one(Customer, winner, NoSuchCustomer, lock=lock)


def query() -> Any:
    """Return a select of all customers."""
    return select(Customer)


def count() -> int:
    """Return how many customers the acting member sees."""
    return db.session.scalar(select(func.count()).select_from(Customer)) or 0


def _clean(fields: dict[str, Any]) -> dict[str, Any]:
    try:
        return arriving.cleaned(fields)
    except arriving.BadItem as error:
        raise BadCustomer(fields={"email": [_(str(error))]}) from None


def create(**fields: Any) -> Customer:
    """Create a customer by hand; raises BadCustomer, KnownAlready or OverLimit."""
    access.require_writable("customer", _given(fields))
    with access.lifted(reason="the plan counts all of the company's customers"):
        limits.require("contacts", used=count)
    row = _clean(fields)
    row.pop("owner_id", None)
    own = custom_values.checked("customer", fields.get("custom"))
    if not (
        row.get("email_norm")
        or row.get("external_id")
        or row.get("phone_norm")
        or row.get("last_name")
        or row.get("company")
    ):
        raise BadCustomer(fields={"email": [_("Give an e-mail address, a phone number or a name.")]})
    _refuse_known(row.get("email_norm"), None)
    if row.get("external_id"):
        with access.lifted(reason="a shop's number leads to one customer of the whole company"):
            held = identity.find("external", row["external_id"])
        if held is not None:
            raise _known(held, "external_id")
    owner = owners.mine_by_default(fields.get("owner_id"))
    customer = Customer(**row, note=(fields.get("note") or "")[:10_000], owner_id=owner)
    customer.name_sort = arriving.sort_name(row)
    db.session.add(customer)
    db.session.flush()
    _before, added = custom_values.apply("customer", customer, own, new=True)
    facts.ensure([customer.id])
    _link_names(customer)
    _apply_consent(customer, fields)
    search.touch("customer", customer.id)
    audit.record(action="customers.created", kind="customer", record_id=customer.id, after=_shown(row) | added)
    announce(CustomersChanged(customer_ids=[str(customer.id)]))
    return customer


def change(customer_id: UUID | str, **fields: Any) -> Customer:
    """Change the given fields of a customer; raises NoSuchCustomer, BadCustomer or KnownAlready."""
    access.require_writable("customer", _given(fields))
    customer = one(customer_id, lock=True)
    row = _clean(fields)
    row.pop("owner_id", None)
    for name in ("email", "phone", "external_id"):  # given and empty means: take it away
        if name in fields and not fields[name]:
            row[name] = None if name != "phone" else ""
            row[f"{name}_norm"] = row[name]
    row.pop("external_id_norm", None)
    if row.get("email_norm"):
        _refuse_known(row["email_norm"], customer.id)
    own = custom_values.checked("customer", fields["custom"], record=customer) if fields.get("custom") else {}
    if "note" in fields:
        row["note"] = (fields["note"] or "")[:10_000]
    if "email_norm" in row and customer.email_norm and row["email_norm"] != customer.email_norm:
        identity.unlink(customer.id, "email", customer.email_norm)
    voices.settle(customer.id)  # what people enter is said under no name
    before = {name: getattr(customer, name) for name in row}
    for name, value in row.items():
        setattr(customer, name, value)
    changed = [*row, *(field.name for field in own)]
    customer.versions = customer.versions | dict.fromkeys(changed, versions.stamp(clock.now()))
    customer.name_sort = arriving.sort_name({name: getattr(customer, name) for name in arriving.COLUMNS})
    customer.updated_at = clock.now()
    db.session.flush()
    before_own, after_own = custom_values.apply("customer", customer, own)
    _link_names(customer)
    _apply_consent(customer, fields)
    search.touch("customer", customer.id)
    was, now_held = audit.differing(_shown(before) | before_own, _shown(row) | after_own)
    if now_held:
        audit.record(action="customers.edited", kind="customer", record_id=customer.id, before=was, after=now_held)
    announce(CustomersChanged(customer_ids=[str(customer.id)]))
    if "owner_id" in fields:
        owners.hand_over(customer, to=fields["owner_id"])
    return customer


def delete(customer_id: UUID | str) -> None:
    """Put a customer into the bin, with all that is theirs; their orders stay, without a name. Raises NoSuchCustomer."""
    customer = one(customer_id, lock=True)
    audit.record(action="customers.deleted", kind="customer", record_id=customer.id, before={"name": customer.name})
    bin.put("customer", {customer.id: customer.name})


def find_or_create(
    *,
    email: str | None = None,
    external_id: str | None = None,
    source_id: UUID = NO_SOURCE,
    source: str = "shop",
    **fields: Any,
) -> UUID | None:
    """Return the customer of an address or a shop's id, created when new; None when neither can be read."""
    item = {"email": email, "external_id": external_id, **fields}
    return upsert_many([item], source_id, source=source)[0].id


def write_note(*, customer_id: UUID | str, words: str) -> TimelineEntry:
    """Add a note to a customer's timeline and return its entry; raises NoSuchCustomer or BadCustomer."""
    customer = one(customer_id)
    now, words = clock.now(), text.clean(words, most=500)
    if not words:
        raise BadCustomer(fields={"words": [_("Write something first.")]})
    noted = timeline.add(
        customer_id=customer.id,
        kind="note",
        at=now,
        title=words,
        key=f"note:{now.isoformat()}",
        details={"by": scope.actor().name},
    )
    return db.session.scalars(timeline.of(customer.id).where(TimelineEntry.id == noted)).one()


class NoReason(errors.Invalid):
    """Staff must say why they change what a customer agreed to."""


def say_consent(
    *, customer_id: UUID | str, state: str, reason: str, channel: str = "email", purpose: str = purposes.MAIN
) -> bool:
    """Record on a customer's behalf that they agree to something or no longer do, and why we believe it; tells whether that is news.

    Raises NoSuchCustomer, BadCustomer or NoReason.
    """
    customer = one(customer_id, lock=True)
    why = text.clean(reason, most=500)
    if state not in ("granted", "withdrawn"):
        raise BadCustomer(fields={"state": [_("Choose one of the values.")]})
    about = purposes.known({purpose}).get(purpose)
    if about is None or channel not in about.channels:
        raise BadCustomer(fields={"purpose": [_("Choose one of the values.")]})
    if not why:
        raise NoReason(fields={"reason": [_("Say how you know, such as “asked for it on the phone”.")]})
    held = consent.states(customer.id).get((channel, purpose))
    proof = {"reason": why, "by": scope.actor().name, "wording": about.words(customer.language)}
    wish = [(customer.id, state, None)]
    news = consent.record_many(wish, channel=channel, purpose=purpose, source="staff", proof=proof) == 1
    if news:
        key = "email" if (channel, purpose) == ("email", purposes.MAIN) else f"{channel}:{purpose}"
        audit.record(
            action="customers.consent", kind="customer", record_id=customer.id,
            before={key: held.state if held else "unknown"}, after={key: state, "reason": why},
        )  # fmt: skip
        announce(CustomersChanged(customer_ids=[str(customer.id)]))
        db.session.refresh(customer, ["email_consent"])
    return news


def hear_consent(
    *, customer_id: UUID | str, channel: str, purpose: str, state: str, at: datetime | None = None, wording: str = "", place: str = "",
    address: str = "", confirmed: bool = False,
) -> None:  # fmt: skip
    """Record what a customer said to a program of the company, with its proof; `state` ask has them asked by mail.

    Raises NoSuchCustomer or BadCustomer.
    """
    customer = one(customer_id, lock=True)
    about = purposes.known({purpose}).get(purpose)
    if about is None or channel not in about.channels:
        raise BadCustomer(fields={"purpose": [_("There is no such purpose for this channel.")]})
    if state == "ask":
        ask_consent(customer_id=customer.id, purpose=purpose)
        return
    given = {
        "wording": wording,
        "place": place,
        "address": address,
        "told_by": scope.actor().name,
        "confirmed": confirmed,
    }
    proof = {name: value for name, value in given.items() if value}
    said = [(customer.id, state, at)]
    if consent.record_many(said, channel=channel, purpose=purpose, source="api", proof=proof):
        announce(CustomersChanged(customer_ids=[str(customer.id)]))


def ask_consent(*, customer_id: UUID | str, purpose: str = purposes.MAIN) -> bool:
    """Ask a customer by mail whether they agree; tells whether they are asked, for nobody is asked again and again.

    Raises NoSuchCustomer or NoSuchPurpose.
    """
    customer, about = one(customer_id, lock=True), purposes.one(purpose)
    asked = asking.ask_many([customer.id], purpose=about, source="staff", proof={"by": scope.actor().name}) == 1
    if asked:
        audit.record(
            action="customers.consent_asked", kind="customer", record_id=customer.id, after={"purpose": purpose}
        )
    return asked


def tag(*, customer_id: UUID | str, add: str = "", remove: str = "") -> list[str]:
    """Put a tag on a customer or take one off; returns the tags. Raises NoSuchCustomer."""
    held = one(customer_id, lock=True).tags
    wanted = [one_tag for one_tag in held if one_tag != remove] + ([add] if text.clean(add, most=60) else [])
    return change(customer_id, tags=wanted).tags


def _given(fields: dict[str, Any]) -> list[str]:
    """Return the names of the fields that are given, as access knows them."""
    own = [f"custom.{key}" for key in fields.get("custom") or {}]
    return [{"consent": "email_consent"}.get(name, name) for name in fields if name != "custom"] + own


def _refuse_known(email_norm: str | None, own_id: UUID | None) -> None:
    if email_norm:
        with access.lifted(reason="an address is one customer's of the whole company"):
            held = db.session.scalar(select(Customer.id).where(Customer.email_norm == email_norm))
        if held is not None and held != own_id:
            raise _known(held)


def _known(customer_id: UUID, field: str = "email") -> KnownAlready:
    """Return the refusal for a name that leads to another customer, who may be one that the acting member does not see."""
    visible = db.session.scalar(select(Customer.id).where(Customer.id == customer_id))
    return KnownAlready(customer_id, field) if visible else ColleaguesCustomer(field)


def _link_names(customer: Customer) -> None:
    names = [("email", NO_SOURCE, customer.email_norm), ("external", customer.source_id, customer.external_id)]
    identity.link_many([(customer.id, kind, source, value) for kind, source, value in names if value])


def _apply_consent(customer: Customer, fields: dict[str, Any]) -> None:
    state = (fields.get("consent") or {}).get("email")
    if state in ("granted", "withdrawn"):
        consent.record_many([(customer.id, state, None)], source="api" if scope.actor().kind == "key" else "staff")
        db.session.refresh(customer, ["email_consent"])


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    """What the trace keeps: plain values, without the columns made for comparing."""
    hidden = ("email_norm", "phone_norm", "name_sort")
    return {name: value for name, value in row.items() if name not in hidden}
