"""What changed in the API, for people who wrote programs against it, and how something leaves it.

The rule: within v1 nothing that is described goes away or changes its meaning, and no new field becomes required. What has to
go is marked first: its answers carry a `Deprecation` date (RFC 9745) and a `Sunset` date (RFC 8594) at least twelve months
later, it stands here, and it stays until then. `tests/rules/test_api_contract.py` compares every version with the recorded one.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from email.utils import format_datetime
from typing import Any

NOTICE = timedelta(days=365)
KINDS = ("added", "changed", "deprecated", "removed")


@dataclass(frozen=True)
class Entry:
    """One change: when, what kind of change, which addresses, and what it means for a program."""

    on: date
    kind: str
    about: str
    words: str


ENTRIES = (
    Entry(date(2026, 11, 22), "added", "/recommendations/slots", "Places of your own and what is wanted for each, with a preview; offers tell the engine, a bundle and a variant. `limit` may be left out."),
    Entry(date(2026, 11, 22), "added", "/members, /teams, /roles", "Inviting people, their roles, the tree of teams, and roles of the company's own."),
    Entry(date(2026, 11, 22), "added", "/bin", "What was deleted: listed, brought back, thrown away for good."),
    Entry(date(2026, 11, 22), "added", "/views", "Ways to look at a list that everybody in the company has."),
    Entry(date(2026, 11, 22), "added", "/company, /sender", "The company's settings and who its mails come from can be changed, the domain's entries checked."),
    Entry(date(2026, 11, 22), "added", "/fields", "Own fields: choices, their order, deleting a field for good."),
    Entry(date(2026, 11, 22), "added", "/customers", "The timeline, notes, shares, merges, who somebody may be already, and looking through all for duplicates."),
    Entry(date(2026, 11, 22), "added", "/imports", "The first rows, mending cells, reading the file another way, stopping."),
    Entry(date(2026, 11, 22), "added", "/shops", "Fetching the past, a new secret, what was delivered, trying it again; `kind` narrows the list, which has pages now."),
    Entry(date(2026, 11, 22), "added", "/campaigns, /segments", "Looking at a mail or at whom conditions fit before it is kept; copying a campaign."),
    Entry(date(2026, 11, 22), "added", "/search", "The one search box."),
    Entry(date(2026, 11, 22), "added", "every list", "Filters where there were none: `name`, `kind`, `state`, `active`, `role`."),
    Entry(date(2026, 11, 22), "added", "/products/bulk_edit", "One change to many products, and at /orders/bulk_edit to many orders, tried first with `dry_run`. Files take the same filters as the lists."),
    Entry(date(2026, 11, 22), "added", "/carts", "Carts with their state: open, abandoned, recovered, bought or emptied."),
    Entry(date(2026, 11, 22), "added", "/audit", "The history: who did what, before and after, with a cursor; and taking an entry back."),
    Entry(date(2026, 11, 22), "added", "/customers/bulk_edit", "One change to many customers, told by filters, tried first with `dry_run`."),
    Entry(date(2026, 11, 22), "added", "/webhooks", "Addresses of yours are told of customers, orders and products (Standard Webhooks)."),
    Entry(date(2026, 11, 22), "added", "/changes", "A feed of what changed, with a cursor, for programs that keep a copy."),
    Entry(date(2026, 11, 22), "added", "/operations", "Long work: progress, what failed, stopping and undoing it."),
    Entry(date(2026, 11, 22), "added", "every POST", "An Idempotency-Key has a request done once, however often it is sent within a day."),
    Entry(date(2026, 11, 22), "added", "every GET", "`fields` names the fields you want; the answer carries only those."),
    Entry(date(2026, 11, 22), "added", "every answer", "RateLimit headers say how much a key may still ask."),
    Entry(date(2026, 11, 21), "added", "/api/v1", "The first version: customers, products, orders, segments, campaigns, templates, recommendations, reports, shops, company and plan."),
)  # fmt: skip
"""The newest first."""


def plain(entry: Entry) -> dict[str, str]:
    """Return an entry as it stands in the description that programs read."""
    return {"on": entry.on.isoformat(), "kind": entry.kind, "about": entry.about, "words": entry.words}


@dataclass(frozen=True)
class Leaving:
    """Since when something is deprecated, until when it stays, and what to use instead."""

    since: date
    until: date
    instead: str

    def headers(self) -> dict[str, str]:
        """Return what its answers carry."""
        since = datetime.combine(self.since, time(), UTC)
        until = datetime.combine(self.until, time(), UTC)
        return {
            "Deprecation": f"@{int(since.timestamp())}", "Sunset": format_datetime(until, usegmt=True),
            "Link": f'<{self.instead}>; rel="successor-version"',
        }  # fmt: skip


class TooSoon(ValueError):
    """Something would leave sooner than the rule allows. It is a mistake in the code."""


def deprecated(*, since: date, until: date, instead: str) -> Callable[[Callable], Callable]:
    """Mark a view of the API as leaving; `instead` is the address that takes its place. Raises TooSoon."""
    if until - since < NOTICE:
        raise TooSoon(f"what leaves stays for at least {NOTICE.days} days")

    def mark(view: Callable) -> Callable:
        view.leaving = Leaving(since, until, instead)
        return view

    return mark


def leaving(view: Any, method: str) -> Leaving | None:
    """Return when a view (a function, or a class with one method per verb) leaves, or None."""
    view_class = getattr(view, "view_class", None)
    if view_class is not None:
        view = getattr(view_class, method.lower(), None)
    return getattr(view, "leaving", None)
