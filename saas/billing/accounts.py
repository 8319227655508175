"""The company's account with us: its customer at Stripe, and how it stands. Held while anything about its plan changes."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from saas.billing import gateway
from saas.billing.models import Account
from saas.kit import clock, identifiers, scope
from saas.kit.db import db
from saas.tenancy import directory, tenants


def current() -> Account | None:
    """Return the bound company's account; None while it never asked for a plan."""
    return db.session.scalars(select(Account)).one_or_none()


def hold() -> Account:
    """Return the bound company's account, made where it is missing, and keep others from changing it until the commit."""
    made = insert(Account).values(
        tenant_id=scope.tenant_id(), id=identifiers.new(), standing="free", double=False, card="", card_expires="",
        created_at=clock.now(), updated_at=clock.now(),
    )  # fmt: skip
    db.session.execute(made.on_conflict_do_nothing(index_elements=["tenant_id"]))
    query = select(Account).with_for_update().execution_options(populate_existing=True)
    return db.session.scalars(query).one()


def become_customer(*, email: str) -> None:
    """Make the bound company a customer at Stripe unless it is one; its events are then known to be its own.

    The account must have been committed before, for its id is what makes asking twice the same question.
    """
    account = hold()
    if account.customer is None:
        company = tenants.current()
        name = f"{account.tenant_id}:{account.id}"
        attach(
            account, gateway.make_customer(account=name, name=company.name, email=email, asked_at=account.created_at)
        )


def attach(account: Account, customer: str) -> None:
    """Note which customer at Stripe the account is."""
    account.customer = customer
    directory.enter(kind="stripe_customer", key=customer, subject_id=account.id)


def detach(account: Account) -> None:
    """Forget the customer: it was deleted at Stripe. The next plan makes a new one, under another account's id."""
    if account.customer:
        directory.strike(kind="stripe_customer", key=account.customer)
    account.customer, account.card, account.card_expires = None, "", ""
