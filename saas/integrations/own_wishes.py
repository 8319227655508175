"""Doing what people ask for on their own page about their data, with the house's own means: the export of a person and the erasure."""

from __future__ import annotations

from uuid import UUID

from saas.customers import person_wishes
from saas.integrations import erasures, hook_words, persons
from saas.tenancy import letters, operations, tenants

OWN_LETTERS = tuple(hook_words.OWN_LETTERS)


def answer(*, request_id: str, what: str) -> None:
    """Begin to put together or to erase what is kept about somebody, and tell owners and administrators, naming nobody."""
    try:
        wish = person_wishes.one(request_id, lock=True)
    except person_wishes.NoSuchWish:
        return
    begin = {"data": persons.export, "erasure": erasures.erase}[what]
    wish.operation_id = begin(wish.customer_id).id


def write_asked(*, what: str) -> None:
    """Tell owners and administrators that somebody asked; the letter names nobody."""
    letter = OWN_LETTERS[OWN_LETTERS.index(f"own_{what}")]
    letters.write_to_staff(letter, roles=("owner", "admin"), path="/operations", values={"company": tenants.current().name})  # fmt: skip


def follow(*, operation_id: str, state: str) -> str | None:
    """Put the file of a finished export on the page of whoever asked for it; returns the wish, of which they are to be told."""
    wish = person_wishes.of_operation(UUID(operation_id))
    if wish is None or wish.what != "data" or state != "done":
        return None
    made = (operations.one(operation_id).report or {}).get("files") or []
    if not made:
        return None
    wish.file_id = UUID(made[0]["id"])
    return str(wish.id)
