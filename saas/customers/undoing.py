"""How what was done to customers is undone, and how they go to the bin and come back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import select

from saas.customers import profiles
from saas.customers.events import CustomerDeleted, CustomersBinned, CustomersChanged
from saas.customers.models import Customer
from saas.kit import belongings, records, search
from saas.kit.db import db
from saas.kit.events import announce
from saas.kit.text import gettext as _
from saas.kit.text import later as _l
from saas.tenancy import bin, undoing


def held(record_id: str, names: Sequence[str]) -> dict[str, Any]:
    """Return what a customer's fields hold now, named as the history names them. Raises NoSuchCustomer."""
    customer = profiles.one(record_id, lock=True)
    own = customer.custom
    return {
        name: own.get(name.removeprefix(records.CUSTOM)) if name.startswith(records.CUSTOM) else getattr(customer, name, None)
        for name in names
    }  # fmt: skip


def change(record_id: str, values: dict[str, Any]) -> None:
    """Change a customer's fields, named as the history names them."""
    profiles.change(record_id, **records.kind("customer").arguments(values))


undoing.register_edit("customers.edited", kind="customer", permission="customers.edit", read=held, write=change)
undoing.register_edit("customers.handed_over", kind="customer", permission="customers.edit", read=held, write=change)
undoing.register_bin("customer", "customers", permission="customers.delete", delete=profiles.delete)


def _gone(ids: Sequence[UUID]) -> None:
    search.touch("customer", *ids)
    announce(CustomersBinned(customer_ids=[str(one) for one in ids]))


def _back(ids: Sequence[UUID]) -> None:
    search.touch("customer", *ids)
    announce(CustomersChanged(customer_ids=[str(one) for one in ids]))


def _ended(ids: Sequence[UUID], journals: Sequence[UUID]) -> None:
    announce(*[CustomerDeleted(customer_id=str(one)) for one in ids])


def _taken(clashes: Sequence[Any]) -> str:
    """Say who has the address by now; a colleague's customer is not named."""
    holder = db.session.scalars(select(Customer).where(Customer.id == clashes[0].holder)).one_or_none()
    if clashes[0].table != "customers" or holder is None:
        return _("Another customer has this address or number by now.")
    return _("The address %(email)s belongs to %(name)s by now.", email=holder.email, name=holder.name)


def _without(journal: UUID, record_id: UUID) -> None:
    belongings.amend(journal, "customers", record_id, {"email": None, "email_norm": None})


bin.register(
    bin.Kind(
        "customer",
        "customers",
        "customers.delete",
        "customers.restored",
        label=_l("Customer"),
        gone=_gone,
        back=_back,
        strict=("customer_values",),
        taken=_taken,
        without=_without,
    )  # fmt: skip
)
bin.at_the_end("customer", _ended)
