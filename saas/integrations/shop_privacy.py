"""What privacy law asks of us through a shop, done with the house's own means: the export of a person, the erasure of one,
and the erasure of everybody who is known only through a shop that left.

Who is also a customer of another shop, or came without one, stays; of them goes what this shop told.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from saas.commerce import privacy, shops
from saas.customers import profiles
from saas.integrations import deliveries_in, erasures, hook_words, persons
from saas.kit.text import later as _l
from saas.recommend import shown
from saas.tenancy import audit, letters, operations, tenants

FORGET = "shops.forget"
LETTERS = tuple(hook_words.SHOP_LETTERS)


def answer(*, shop_id: str, what: str, customer_ids: Sequence[str]) -> None:
    """Begin to put together or to erase what is kept about these people; who is gone meanwhile needs nothing any more."""
    begin = {"data": persons.export, "erasure": erasures.erase}[what]
    for customer_id in customer_ids:
        try:
            operation = begin(customer_id)
        except profiles.NoSuchCustomer:
            continue
        audit.record(
            action=f"shops.asked_for_{what}", kind="shop", record_id=shop_id, after={"operation": str(operation.id)}
        )


def write_asked(*, shop_id: str, what: str, customer_ids: Sequence[str]) -> None:
    """Tell owners and administrators, who have to answer within thirty days; the letter names nobody."""
    try:
        shop = shops.one(shop_id, removed=True)
    except shops.NoSuchShop:
        return
    letter = f"person_{what}" if customer_ids else "person_unknown"
    letters.write_to_staff(
        LETTERS[LETTERS.index(letter)],
        roles=("owner", "admin"),
        path="/operations",
        values={"company": tenants.current().name, "shop": shop.name},
    )


def forget(*, shop_id: str) -> None:
    """Begin to erase everybody who is known only through a shop."""
    shop = shops.one(shop_id, removed=True)
    operations.start(kind=FORGET, params={"shop_id": str(shop.id), "name": shop.name})
    audit.record(action="shops.asked_to_be_forgotten", kind="shop", record_id=shop.id)


@operations.kind(FORGET, permission="customers.delete", title=_l("Erasing what came from a shop"))
def _forget_some(operation: Any) -> bool:
    """Erase or part from the shop the next of its customers; at the end goes what it delivered, and the shop."""
    source_id = UUID(operation.params["shop_id"])
    ids = privacy.of_shop(source_id, most=erasures.TOGETHER)
    if not ids:
        operation.report = operation.report | {"lines": [["customers", operation.done]]}
        deliveries_in.forget_shop(source_id)
        shops.forget(source_id)
        return False
    shown.write_pending()
    shared = privacy.known_elsewhere(ids, source_id)
    privacy.part(sorted(shared), source_id)
    alone = [one for one in ids if one not in shared]
    if alone:
        erasures.erase_some(operation, alone)
    operation.done += len(ids)
    return True
