"""Which of the history the acting person may see: all of it, or what they did themselves and what is of records they see."""

from __future__ import annotations

from uuid import UUID

from saas.kit import access, errors, records, scope
from saas.kit.text import gettext as _
from saas.tenancy import audit
from saas.tenancy.audit import Told


def everything() -> bool:
    """Tell whether they may see the whole company's history."""
    return access.may("audit.read") and not access.current().limited


def require_listed(*, kind: str, record_id: str) -> None:
    """Refuse the whole company's history to who may not see all; a record's is for whoever sees the record.

    Raises access.MayNot, or what the record's room says of one that is not there.
    """
    if everything():
        return
    if not kind or not record_id:
        raise access.MayNot(_("Your role does not allow this. Ask an owner or administrator."))
    _require_record(kind, record_id)


def one(entry_id: UUID | str) -> Told:
    """Return an entry that they may see; one of a record they do not see is missing to them. Raises NoSuchEntry."""
    told = audit.one(entry_id)
    if everything() or (told.values.who is not None and told.entry.actor_id == scope.actor().id):
        return told
    try:
        _require_record(told.entry.record_kind, told.entry.record_id)
    except errors.Refusal:
        raise audit.NoSuchEntry from None
    return told


def _require_record(kind: str, record_id: str) -> None:
    access.require(f"{kind}s.read")
    records.kind(kind).one(record_id)
