"""Customers who may be one person: the queue, side by side, merging field by field, and taking apart again."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

from flask import Blueprint, Response, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from saas.customers import duplicate_work, duplicates, merge_tree, merging, profiles, unmerging
from saas.kit import access, doors, errors, records
from saas.kit import pages as paging
from saas.tenancy import audit
from tenant_admin import frame

pages = Blueprint("duplicates", __name__)
STATES = {"open": _l("To look at"), "skipped": _l("Put off"), "different": _l("Two people")}
REASONS = {
    "mail_same": _l("same e-mail address"), "mail_role": _l("same shared address of a firm"), "mail_local": _l("same name in the e-mail, another provider"),
    "mail_number": _l("the e-mail is the name and a number, another provider"), "mail_name": _l("the e-mail is only the name, another provider"), "mail_typo": _l("e-mails differ by one letter"), "mail_other": _l("different e-mails"),
    "phone_same": _l("same phone number"), "phone_other": _l("different phone numbers"), "name_same": _l("same name"), "name_swapped": _l("same name, the other way round"),
    "name_close": _l("names differ by a letter or an initial"), "name_family": _l("same family name, one without a given name"),
    "name_given_differs": _l("another given name"), "name_family_differs": _l("another family name"), "name_other": _l("different names"),
    "address_same": _l("same address"), "address_other": _l("different addresses"), "postcode_same": _l("same postcode"), "place_other": _l("different places"),
    "city_same": _l("same city"), "country_other": _l("different countries"), "company_same": _l("same company"), "company_other": _l("different companies"),
}  # fmt: skip
AGAINST = ("_other", "_differs")
MOVED = {
    "orders": _l("Orders"), "timeline_entries": _l("Entries of the timeline"), "visits": _l("Visits"), "carts": _l("Carts"), "consents": _l("Words on consent"),
    "customer_identities": _l("Names they go by"), "visitors": _l("Browsers"), "mailing_recipients": _l("Mails"), "mail_events": _l("Answers to mails"),
    "offers_shown": _l("Offers shown"), "offer_trial_people": _l("Trials of offers"), "offer_answers": _l("Answers to offers"), "customer_shares": _l("Shares"),
}  # fmt: skip


def why(reasons: list[str]) -> list[dict[str, Any]]:
    """Return evidence in words, each with whether it speaks for one person."""
    return [{"text": str(REASONS[one]), "speaks_for": not one.endswith(AGAINST)} for one in reasons if one in REASONS]


@pages.get("/customers/duplicates")
@doors.open_to("member", "customers.read")
def index() -> str:
    """Show the pairs to look at, the likeliest first, or those put off or told apart."""
    state = request.args.get("state", "open")
    state = state if state in STATES else "open"
    page = paging.page(
        duplicates.queue(state=state), order=duplicates.ORDER, cursor=request.args.get("cursor"), limit=25
    )
    known = duplicates.known({key for pair in page.items for key in (pair.one_id, pair.other_id)})
    rows = [_row(pair, known) for pair in page.items if pair.one_id in known and pair.other_id in known]
    counts = duplicates.counts()
    scan = duplicate_work.latest()
    return render_template(
        "duplicates/index.html", rows=rows, next=page.next, counts=counts, state=state, scan=scan,
        tabs=[{"label": str(label), "url": url_for("duplicates.index", state=key), "active": key == state, "count": counts[key]} for key, label in STATES.items()],
    )  # fmt: skip


def _row(pair: Any, known: dict[UUID, Any]) -> dict[str, Any]:
    winner, loser = duplicates.winner_of({key: known[key] for key in (pair.one_id, pair.other_id)})
    hidden = access.hidden("customer")
    return {
        "id": pair.id, "name": known[winner][0].name, "score": pair.score / 1000, "why": why(pair.evidence), "state": pair.state,
        "two": [
            {"id": key, "name": known[key][0].name, "orders": known[key][1].orders_count if known[key][1] else 0,
             "facts": [getattr(known[key][0], name) for name in ("email", "phone", "city") if name not in hidden and getattr(known[key][0], name)]}
            for key in (winner, loser)
        ],
    }  # fmt: skip


@pages.post("/customers/duplicates/scan")
@doors.open_to("member", "customers.edit")
def scan() -> Any:
    """Begin to look at who changed since the last look, or through everybody."""
    begun = duplicate_work.scan() if request.form.get("everybody") else duplicate_work.scan_news()
    return frame.go(url_for("operations.show", operation_id=begun.id))


@pages.post("/customers/duplicates/merge")
@doors.open_to("member", "customers.delete")
def merge_safe() -> Any:
    """Begin to merge all pairs that are all but certain."""
    if not duplicates.counts()["safe"]:
        frame.toast(_("No pair is all but certain."), kind="info")
        return frame.go(url_for("duplicates.index"))
    return frame.go(url_for("operations.show", operation_id=duplicate_work.merge_safe().id))


@pages.post("/customers/duplicates/reopen")
@doors.open_to("member", "customers.edit")
def reopen() -> Any:
    """Put what was put off back into the queue."""
    many = duplicates.reopen_skipped()
    frame.toast(ngettext("%(num)s pair is to be looked at again", "%(num)s pairs are to be looked at again", many))
    return frame.go(url_for("duplicates.index"))


@pages.post("/customers/duplicates/<pair_id>/decide")
@doors.open_to("member", "customers.edit")
def decide(pair_id: str) -> Any:
    """Put a pair off, tell the two apart for good, or take that back."""
    state = request.form.get("state", "")
    pair = duplicates.one(pair_id)
    if state not in STATES:
        raise errors.Invalid(_("Choose one of the values."))
    before = pair.state
    duplicates.decide(pair.id, state)
    said = {"skipped": _("Put off"), "different": _("They stay two people"), "open": _("Back in the queue")}[state]
    frame.toast(said, undo=url_for("duplicates.redecide", pair_id=pair.id, state=before))
    return frame.go(url_for("duplicates.index", state=request.form.get("of") or None))


@pages.post("/customers/duplicates/<pair_id>/decide/<state>")
@doors.open_to("member", "customers.edit")
def redecide(pair_id: str, state: str) -> Any:
    """Take a decision back, from the toast."""
    pair = duplicates.one(pair_id)
    duplicates.decide(pair.id, state if state in STATES else "open")
    frame.toast(_("Back in the queue"))
    return frame.go(url_for("duplicates.index"))


@pages.get("/customers/duplicates/<pair_id>")
@doors.open_to("member", "customers.read")
def compare(pair_id: str) -> str:
    """Show two customers side by side, to choose what stays of each."""
    pair = duplicates.one(pair_id)
    known = duplicates.known([pair.one_id, pair.other_id])
    if len(known) < 2:
        raise duplicates.NoSuchPair
    winner, loser = duplicates.winner_of(known)
    if request.args.get("turned"):
        winner, loser = loser, winner
    return _side_by_side(winner, loser, pair)


@pages.get("/customers/<customer_id>/merge/<other_id>")
@doors.open_to("member", "customers.read")
def choose(customer_id: str, other_id: str) -> str:
    """Show any two customers side by side; the first stays."""
    return _side_by_side(profiles.one(customer_id).id, profiles.one(other_id).id, None)


def _side_by_side(winner: UUID, loser: UUID, pair: Any) -> str:
    plan = merging.plan(winner_id=winner, loser_id=loser)
    labels = {name: str(field.label) for name, field in records.kind("customer").fields().items()}
    rows = [
        field | {"label": labels.get(field["name"], field["name"]), "winner": _said(field["winner"]), "loser": _said(field["loser"])}
        for field in plan.fields if field["winner"] or field["loser"]
    ]  # fmt: skip
    return render_template(
        "duplicates/compare.html", plan=plan, winner=plan.winner, loser=plan.loser, pair=pair and {"id": pair.id, "score": pair.score / 1000, "why": why(pair.evidence)},
        rows=rows, moves=moves(plan.moves), turn=url_for("duplicates.compare", pair_id=pair.id, turned=None if request.args.get("turned") else 1) if pair
        else url_for("duplicates.choose", customer_id=loser, other_id=winner),
    )  # fmt: skip


def _said(value: str | None) -> str:
    """Return a value as people read it; a company's own field is kept as JSON."""
    if not value:
        return ""
    try:
        read = json.loads(value)
    except ValueError:
        return value
    return (
        ", ".join(map(str, read))
        if isinstance(read, list)
        else str(read)
        if not isinstance(read, (int, float))
        else value
    )


def moves(counts: dict[str, int]) -> list[tuple[str, int]]:
    """Return what moves, in words."""
    return [(str(MOVED.get(name, name)), many) for name, many in sorted(counts.items(), key=lambda one: -one[1])]


@pages.post("/customers/<customer_id>/merge/<other_id>")
@doors.open_to("member", "customers.delete")
def merge(customer_id: str, other_id: str) -> Any:
    """Make the other part of the customer, with the chosen values."""
    choices = {name.removeprefix("keep."): value for name, value in request.form.items() if name.startswith("keep.")}
    made = merging.merge(winner_id=customer_id, loser_id=other_id, choices=choices)
    name = profiles.one(made.winner_id).name
    frame.toast(
        _("%(one)s and %(other)s are one customer now", one=name, other=made.loser_name),
        undo=frame.undo_url(audit.latest()),
    )
    return frame.go(url_for("customers.show", customer_id=made.winner_id))


@pages.post("/customers/merges/<merge_id>/undo")
@doors.open_to("member", "customers.delete")
def unmerge(merge_id: str) -> Any:
    """Take a merge apart again."""
    try:
        parted = unmerging.unmerge(merge_id, different="different" in request.form)
    except errors.Conflict as refusal:
        frame.toast(refusal.message, kind="error")
        return frame.go(request.referrer or url_for("customers.index"))
    back = profiles.one(parted.back)
    labels = {name: str(field.label) for name, field in records.kind("customer").fields().items()}
    said = _("%(name)s is a customer of their own again", name=back.name)
    if parted.kept:
        said += _(
            "; changed since and left as it is: %(fields)s",
            fields=", ".join(labels.get(name, name) for name in parted.kept),
        )
    frame.toast(said, undo=frame.undo_url(audit.latest()), kind="warning" if parted.kept else "done")
    return frame.go(url_for("customers.show", customer_id=parted.back))


@pages.get("/customers/<customer_id>/sameness")
@doors.open_to("member", "customers.read")
def sameness(customer_id: str) -> str | Response:
    """Answer who a customer was merged with and who they may be too; asked for by the customer's page once it stands."""
    customer = profiles.one(customer_id)
    merges = [
        {"id": one.id, "name": one.loser_name, "at": one.made_at, "by": one.made_by, "moves": moves(one.moved)}
        for one in merge_tree.about(customer.id)
    ]
    pairs = duplicates.of_customer(customer.id)
    known = duplicates.known({key for pair in pairs for key in (pair.one_id, pair.other_id)})
    alike = [
        {"id": pair.id, "name": known[other][0].name, "customer_id": other, "score": pair.score / 1000, "why": why(pair.evidence)}
        for pair in pairs if (other := pair.other_id if pair.one_id == customer.id else pair.one_id) in known
    ]  # fmt: skip
    return render_template("duplicates/sameness.html", merges=merges, alike=alike, customer_id=customer.id)


@pages.post("/customers/possible")
@doors.open_to("member", "customers.read")
def possible() -> str:
    """Answer who the customer that is being typed in may be already."""
    item = {
        name: request.form.get(name, "")[:500]
        for name in ("first_name", "last_name", "email", "phone", "company", "address", "postcode", "city", "country")
    }
    found = duplicates.similar(item, but=_uuid(request.form.get("but")))
    return render_template(
        "duplicates/possible.html",
        found=[{"id": one.customer.id, "name": one.customer.name, "why": why(list(one.reasons))} for one in found],
    )


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text or "")
    except ValueError:
        return None
