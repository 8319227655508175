"""A shopper's own data and wishes: what is known of them, putting it right, a copy of it, being forgotten, and all they asked for."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, redirect, request, stream_with_context
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from saas.commerce import finding, return_requests
from saas.customers import asking, person_wishes, portal_settings, preferences, profiles, purposes
from saas.kit import doors, errors, files, scope, work
from saas.tenancy import custom_values, operations
from storefront import portal_frame, portal_orders
from storefront.portal_frame import Here, show

door = Blueprint("portal_own", __name__, template_folder="templates")
FIELDS = {
    "first_name": (_l("First name"), "given-name"), "last_name": (_l("Last name"), "family-name"), "phone": (_l("Phone"), "tel"),
    "address": (_l("Street and number"), "street-address"), "postcode": (_l("Postcode"), "postal-code"), "city": (_l("City"), "address-level2"),
    "country": (_l("Country"), "country"), "language": (_l("Language"), "language"),
}  # fmt: skip
WORK = {
    "waiting": _l("Begins soon"), "running": _l("Being done"), "done": _l("Done"), "failed": _l("Did not work; the shop was told"),
    "cancelled": _l("Stopped by the shop"), "cancelling": _l("Stopped by the shop"),
}  # fmt: skip
NOTES = {
    "return": _l("We have your return; you get a mail as soon as it is answered."), "data": _l("Your copy is being made; you get a mail when it is here."),
    "saved": _l("Saved."), "taken_back": _l("Taken back."),
}  # fmt: skip


@door.get("/my/<site>/data")
@doors.open_to("anyone", unit=False)
@portal_frame.page(tab="data")
def data(here: Here) -> ResponseReturnValue:
    """Show what is known of them."""
    return _data(here)


@door.post("/my/<site>/data")
@doors.open_to("anyone", unit=False)
@portal_frame.page(tab="data")
def correct(here: Here) -> ResponseReturnValue:
    """Put their data right, as far as the company lets them."""
    wanted: dict[str, Any] = {
        name: request.form[name].strip() for name in here.settings.editable if name in request.form
    }
    birthday = _birthday(here)
    if birthday is not None and "birthday" in request.form:
        wanted["custom"] = {birthday.key: request.form["birthday"].strip() or None}
    try:
        profiles.change(here.customer.id, **wanted)
    except errors.Refusal as refusal:
        work.forget()
        here.customer = profiles.one(here.customer.id)
        return _data(here, refusal), refusal.status
    return redirect(here.url("portal_own.data", noted="saved"), 303)


@door.post("/my/<site>/data/export")
@doors.open_to("anyone", unit=False)
@portal_frame.page(tab="data")
def export(here: Here) -> ResponseReturnValue:
    """Have a copy of everything put together."""
    person_wishes.ask(customer_id=here.customer.id, what="data", language=here.locale)
    return redirect(here.url("portal_own.requests", noted="data"), 303)


@door.route("/my/<site>/data/erase", methods=["GET", "POST"])
@doors.open_to("anyone", unit=False)
@portal_frame.page(tab="data")
def erase(here: Here) -> ResponseReturnValue:
    """Show what being forgotten means, and begin with it when it is confirmed."""
    if request.method == "GET":
        return show(here, "erase", refused="")
    if not request.form.get("sure"):
        return show(here, "erase", refused=_("Tick the box if you are sure.")), 422
    person_wishes.ask(customer_id=here.customer.id, what="erasure", language=here.locale)
    return show(here, "erase", refused="", done=True)


@door.get("/my/<site>/requests")
@doors.open_to("anyone", unit=False)
@portal_frame.page(tab="requests")
def requests(here: Here) -> ResponseReturnValue:
    """Show all they asked for, and how each stands."""
    returns = return_requests.of_customer(here.customer.id)
    numbers = {one.id: one.number for one in finding.many([one.order_id for one in returns]).values()}
    names = {one.key: one.name for one in purposes.listed(archived=True)}
    return show(
        here, "requests", returns=[portal_orders.told(one) | {"number": numbers.get(one.order_id, "")} for one in returns],
        wishes=[_wish(one) for one in person_wishes.of_customer(here.customer.id)], note=_note(),
        questions=[{"about": names.get(one.purpose, one.purpose), "at": one.asked_at} for one in asking.waiting_for(here.customer.id)],
    )  # fmt: skip


@door.post("/my/<site>/requests/<request_id>/withdraw")
@doors.open_to("anyone", unit=False)
@portal_frame.page(tab="requests")
def withdraw(here: Here, request_id: str) -> ResponseReturnValue:
    """Take a return back."""
    return_requests.withdraw(request_id, customer_id=here.customer.id)
    return redirect(here.url("portal_own.requests", noted="taken_back"), 303)


@door.get("/my/<site>/requests/<request_id>/file")
@doors.open_to("anyone", unit=False)
@portal_frame.page(tab="requests")
def file(here: Here, request_id: str) -> ResponseReturnValue:
    """Hand over the copy of their data."""
    wish = person_wishes.one(request_id)
    if wish.customer_id != here.customer.id or wish.file_id is None:
        raise person_wishes.NoSuchWish
    held = files.one(wish.file_id)
    answer = Response(stream_with_context(files.streamed(scope.tenant_id(), held.id)), content_type=held.content_type)
    answer.headers["Content-Disposition"] = 'attachment; filename="my-data.zip"'
    return answer


def _data(here: Here, refusal: errors.Refusal | None = None) -> ResponseReturnValue:
    customer, typed = here.customer, request.form if refusal else {}
    birthday = _birthday(here)
    rows = [
        {"name": name, "label": str(label), "fill": fill, "value": typed.get(name, getattr(customer, name)), "may": name in here.settings.editable}
        for name, (label, fill) in FIELDS.items() if name in here.settings.editable or getattr(customer, name)
    ]  # fmt: skip
    own = [
        {"label": str(one.label), "value": one.write(one.of(customer))} for one in custom_values.own_fields("customer")
        if (birthday is None or one.key != birthday.key) and one.write(one.of(customer))
    ]  # fmt: skip
    return show(
        here, "data", rows=rows, own=own, email=customer.email or "", company_name=customer.company, errors=refusal.fields if refusal else {},
        birthday={"label": str(birthday.label), "value": typed.get("birthday", birthday.write(birthday.of(customer)))} if birthday else None,
        refused=refusal.message if refusal and not refusal.fields else "", centre=preferences.centre(customer, language=str(get_locale())),
        visits=finding.visits_of(customer.id), browsers=finding.browsers_of(customer.id), note=_note(), languages=_languages(),
        may_change=any(row["may"] for row in rows) or birthday is not None, count=finding.count_of(customer.id),
    )  # fmt: skip


def _languages() -> list[tuple[str, str]]:
    return list(portal_frame.TONGUES.items())


def _birthday(here: Here) -> Any:
    known = dict(portal_settings.birthday_fields())
    if here.settings.birthday_field not in known:
        return None
    return next(one for one in custom_values.own_fields("customer") if one.key == here.settings.birthday_field)


def _wish(wish: Any) -> dict[str, Any]:
    state, there = "waiting", False
    if wish.operation_id is not None:
        try:
            state = operations.one(wish.operation_id).state
        except operations.NoSuchOperation:
            state = "done"
    if wish.file_id is not None:
        try:
            there = files.one(wish.file_id).complete
        except errors.NotFound:
            there = False
    what = _("A copy of my data") if wish.what == "data" else _("Being forgotten")
    return {
        "id": wish.id,
        "what": what,
        "at": wish.asked_at,
        "state": str(WORK.get(state, WORK["running"])),
        "file": there,
    }


def _note() -> str:
    return str(NOTES.get(request.args.get("noted", ""), ""))
