"""What a company asks consent for. News and offers are always there; it may add its own, such as birthday wishes by text message.

A purpose has the words people agree to, in each language the company writes; the ledger keeps those that were shown.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from saas.customers.models import ConsentPurpose
from saas.kit import clock, errors, text
from saas.kit.db import db
from saas.kit.text import gettext as _
from saas.tenancy import audit

MAIN = "marketing"
CHANNELS = ("email", "sms", "phone", "post")
MOST, LONGEST = 20, 2000


class NoSuchPurpose(errors.NotFound):
    """There is no such purpose."""


class BadPurpose(errors.Invalid):
    """The name, the channels or the words of a purpose are wrong."""


@dataclass(frozen=True)
class Purpose:
    """One purpose as everybody reads it; `wording` by language."""

    key: str
    name: str
    wording: dict[str, str]
    channels: tuple[str, ...]
    double_opt_in: bool
    archived: bool = False

    def words(self, language: str) -> str:
        """Return the words people agree to, in a language or else in any there is."""
        short = language.replace("_", "-").partition("-")[0]
        return (
            self.wording.get(language) or self.wording.get(short) or next(iter(self.wording.values()), "") or self.name
        )


def _main() -> Purpose:
    return Purpose(MAIN, _("News and offers"), {}, ("email",), False)


def listed(*, archived: bool = False) -> list[Purpose]:
    """Return the company's purposes, news and offers first; archived ones too when asked for."""
    rows = db.session.scalars(select(ConsentPurpose).order_by(ConsentPurpose.id))
    found = {row.key: _shown(row) for row in rows if archived or row.archived_at is None}
    return [found.pop(MAIN, _main()), *found.values()]


def one(key: str) -> Purpose:
    """Return a purpose by its key; raises NoSuchPurpose."""
    found = next((purpose for purpose in listed(archived=True) if purpose.key == key), None)
    if found is None:
        raise NoSuchPurpose
    return found


def known(keys: set[str]) -> dict[str, Purpose]:
    """Return the purposes of these keys that there are."""
    return {purpose.key: purpose for purpose in listed(archived=True) if purpose.key in keys}


def mailed(*, keep: str = MAIN) -> list[Purpose]:
    """Return the purposes that mails may be written for, and the one to keep whatever became of it."""
    return [one for one in listed(archived=True) if one.key == keep or ("email" in one.channels and not one.archived)]


def create(
    *, name: str, channels: list[str], wording: dict[str, str] | None = None, double_opt_in: bool = False
) -> Purpose:
    """Add a purpose; raises BadPurpose."""
    if len(listed(archived=True)) >= MOST:
        raise BadPurpose(_("A company has at most %(most)s purposes.", most=MOST))
    cleaned = _cleaned(name=name, channels=channels, wording=wording or {})
    row = ConsentPurpose(key=_key(cleaned["name"]), double_opt_in=double_opt_in, **cleaned)
    db.session.add(row)
    db.session.flush()
    audit.record(action="consent_purposes.created", kind="consent_purpose", record_id=row.key, after=_plain(row))
    return _shown(row)


def change(key: str, *, archived: bool | None = None, double_opt_in: bool | None = None, **fields: Any) -> Purpose:
    """Change a purpose's name, channels, words, or whether a click in a mail confirms it; raises NoSuchPurpose or BadPurpose."""
    held = one(key)
    row = db.session.scalars(select(ConsentPurpose).where(ConsentPurpose.key == key).with_for_update()).one_or_none()
    if row is None:
        row = ConsentPurpose(
            key=key,
            name=held.name,
            wording=dict(held.wording),
            channels=list(held.channels),
            double_opt_in=held.double_opt_in,
        )
        db.session.add(row)
        db.session.flush()
    before = _plain(row)
    wanted = {"name": row.name, "channels": row.channels, "wording": row.wording} | fields
    for name, value in _cleaned(**wanted).items():
        setattr(row, name, value)
    if double_opt_in is not None:
        row.double_opt_in = double_opt_in
    if archived is not None:
        if archived and key == MAIN:
            raise BadPurpose(_("News and offers stay: unsubscribing depends on it."))
        row.archived_at = clock.now() if archived else None
    db.session.flush()
    audit.record(
        action="consent_purposes.edited", kind="consent_purpose", record_id=key, before=before, after=_plain(row)
    )
    return _shown(row)


def _cleaned(*, name: str, channels: list[str], wording: dict[str, str]) -> dict[str, Any]:
    problems: dict[str, list[str]] = {}
    name = text.clean(name, most=80)
    if not name:
        problems["name"] = [_("Give it a name.")]
    wanted = [channel for channel in CHANNELS if channel in channels]
    if not wanted or len(wanted) != len(set(channels)):
        problems["channels"] = [_("Choose how you would write to them.")]
    words = {
        str(language)[:12]: text.clean(said, most=LONGEST)
        for language, said in wording.items()
        if said and said.strip()
    }
    if problems:
        raise BadPurpose(fields=problems)
    return {"name": name, "channels": wanted, "wording": words}


def _key(name: str) -> str:
    """Return a key of the name that no other purpose has."""
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    start = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:40] or "purpose"
    taken = {purpose.key for purpose in listed(archived=True)}
    return next(key for key in (start, *(f"{start}_{number}" for number in range(2, MOST + 3))) if key not in taken)


def _shown(row: ConsentPurpose) -> Purpose:
    return Purpose(
        row.key, row.name, dict(row.wording), tuple(row.channels), row.double_opt_in, row.archived_at is not None
    )


def _plain(row: ConsentPurpose) -> dict[str, Any]:
    return {
        "name": row.name, "channels": list(row.channels), "wording": dict(row.wording), "double_opt_in": row.double_opt_in,
        "archived": row.archived_at is not None,
    }  # fmt: skip
