"""Coupons: the list with what each came to, making one, one with its codes, giving and stopping; and a customer's codes."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from flask import Blueprint, Response, render_template, request, stream_with_context, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from flask_babel import ngettext

from saas.commerce import coupon_codes, coupon_numbers, coupon_writing, coupons, orders, refusal_words, shops
from saas.customers import finding as people
from saas.customers import profiles
from saas.kit import access, clock, doors, errors, money, work
from saas.kit import pages as paging
from saas.tenancy import audit, tenants
from tenant_admin import formats, frame

pages = Blueprint("coupons", __name__)
LIMIT, CHUNK = 25, 1000
KINDS = {"percent": _l("Percent off"), "amount": _l("An amount off"), "shipping": _l("Free shipping")}
CODE_STATES = {
    "waiting": ("warning", _l("On its way to the shop")), "ready": ("info", _l("Ready")), "used": ("good", _l("Used")),
    "stopping": ("warning", _l("Being stopped")), "stopped": ("grey", _l("Stopped")), "gone": ("danger", _l("Deleted in the shop")),
    "failed": ("danger", _l("Refused by the shop")), "over": ("grey", _l("Run out")),
}  # fmt: skip
SHOWN = {
    "given": _l("Given"), "used": _l("Used"), "open": _l("Unused"), "waiting": _l("On their way"), "stopped": _l("Stopped"), "over": _l("Run out"),
}  # fmt: skip
WAYS = {
    "campaign": _l("Campaigns"),
    "form": _l("Forms and pop-ups"),
    "member": _l("By hand"),
    "program": _l("Programs"),
}
FIELDS = (
    "name",
    "shop_id",
    "kind",
    "percent",
    "amount",
    "least",
    "starts_at",
    "ends_at",
    "days",
    "uses",
    "per_customer",
    "prefix",
    "pool",
)


@pages.get("/coupons")
@doors.open_to("member", "campaigns.read")
def index() -> Any:
    """List the coupons, newest first, with what each came to."""
    state = request.args.get("state") if request.args.get("state") in coupons.STATES else None
    page = paging.page(
        coupons.listed(state=state), order=coupons.NEWEST, cursor=request.args.get("cursor"), limit=LIMIT
    )
    figures = coupon_numbers.of([one.id for one in page.items])
    names = {shop.id: shop.name for shop in shops.all_shops()}
    tabs = [
        {"label": str(label), "url": url_for("coupons.index", state=key), "active": key == state}
        for key, label in ((None, _l("All")), ("active", _l("Given now")), ("stopped", _l("Stopped")))
    ]
    rows = [_row(one, figures[one.id]) | {"shop": names.get(one.shop_id)} for one in page.items]
    return render_template(
        "coupons/index.html", rows=rows, next=page.next, tabs=tabs, filtered=state is not None, shops=bool(names),
        worth=_shown_money(),
    )  # fmt: skip


def _shown_money() -> bool:
    return not access.hidden("order") & {"total", "total_amount"}


def _row(coupon: Any, figures: coupon_numbers.Numbers) -> dict[str, Any]:
    over = coupon.state == "active" and coupons.over(coupon)
    return {
        "id": coupon.id, "name": coupon.name, "worth": worth(coupon), "state": "over" if over else coupon.state, "trouble": refusal_words.say(coupon.trouble),
        "figures": figures,
    }  # fmt: skip


def worth(coupon: Any) -> str:
    """Return in words what a coupon gives."""
    if coupon.kind == "percent":
        return _("%(percent)s %% off", percent=coupons.percent_text(coupon))
    if coupon.kind == "shipping":
        return _("Free shipping")
    return _(
        "%(amount)s %(currency)s off",
        amount=money.amount_text(coupon.off_amount, coupon.currency),
        currency=coupon.currency,
    )


@pages.route("/coupons/new", methods=["GET", "POST"])
@doors.open_to("member", "campaigns.edit")
def create() -> Any:
    """Ask what it gives, and make it."""
    known = shops.all_shops()
    if request.method == "GET":
        first = {
            "kind": "percent",
            "percent": "10",
            "uses": "1",
            "per_customer": "1",
            "pool": "50",
            "shop_id": str(known[0].id) if known else "",
        }
        return _form(first, known)
    values: dict[str, Any] = {name: request.form.get(name, "") for name in FIELDS} | {
        "alone": bool(request.form.get("alone"))
    }
    values |= {name: request.form.get(name, "") for name in ("products", "categories")}
    try:
        terms = {name: value or None for name, value in values.items() if name not in ("name", "shop_id", "kind")}
        lists = {name: [part.strip() for part in values[name].splitlines()] for name in ("products", "categories")}
        if terms["ends_at"]:
            terms["ends_at"] = f"{terms['ends_at']}T23:59:59"
        made = coupons.create(name=values["name"], shop_id=values["shop_id"], kind=values["kind"], **(terms | lists))
    except (errors.Invalid, errors.NotFound) as refusal:
        work.forget()
        problems = getattr(refusal, "fields", None) or {"shop_id": [_("Choose a shop.")]}
        return _form(values, known, problems, refusal.message), 422
    frame.toast(_("Made. Its codes are on their way to the shop.") if made.pool else _("Made."))
    return frame.go(url_for("coupons.show", coupon_id=made.id))


def _form(values: dict[str, Any], known: list[Any], problems: dict | None = None, general: str | None = None) -> str:
    return render_template(
        "coupons/new.html", values=values, problems=problems or {}, general=general, kinds=[(key, str(label)) for key, label in KINDS.items()],
        shops=[(str(one.id), one.name) for one in known], currency=tenants.settings().currency,
        labels={
            "name": _("Name"), "percent": _("Percent"), "amount": _("Amount"), "least": _("Least value"), "ends_at": _("Last day"),
            "starts_at": _("First day"), "days": _("Days"), "prefix": _("Prefix"), "uses": _("Uses"), "pool": _("Kept ready"),
            "per_customer": _("Codes a person"), "shop_id": _("Shop"),
        },
    )  # fmt: skip


@pages.get("/coupons/<coupon_id>")
@doors.open_to("member", "campaigns.read")
def show(coupon_id: str) -> Any:
    """Show a coupon with its figures, its way from given to used, and its codes."""
    coupon = coupons.one(coupon_id)
    figures, ways = coupon_numbers.of([coupon.id])[coupon.id], coupon_numbers.by_way(coupon.id)
    wanted = request.args.get("shown") if request.args.get("shown") in SHOWN else None
    words = request.args.get("q", "")[:60]
    query = coupon_codes.listed(coupon.id, shown=wanted, words=words)
    page = paging.page(query, order=coupon_codes.NEWEST, cursor=request.args.get("cursor"), limit=LIMIT)
    uses = coupon_codes.used_of([one.id for one in page.items])
    bought = orders.many([use.order_id for found in uses.values() for use in found])
    holders = people.many([one.customer_id for one in page.items if one.customer_id])
    tabs = [
        {"label": str(label), "url": url_for("coupons.show", coupon_id=coupon.id, shown=key), "active": key == wanted}
        for key, label in ((None, _l("All")), *SHOWN.items())
    ]
    try:
        shop = shops.one(coupon.shop_id).name
    except shops.NoSuchShop:
        shop = None
    return render_template(
        "coupons/show.html", coupon={"id": coupon.id, "name": coupon.name, "pool": coupon.pool}, worth=worth(coupon), one=_row(coupon, figures),
        figures=figures, terms=_terms(coupon, shop), shop=shop, tabs=tabs, q=words, filtered=bool(wanted or words), next=page.next,
        money=_shown_money(), funnel=_funnel(figures, ways), codes=[_code(one, uses.get(one.id, []), bought, holders, coupon.uses) for one in page.items],
        states=CODE_STATES,
    )  # fmt: skip


def _terms(coupon: Any, shop: str | None) -> list[tuple[str, str]]:
    """Return what a coupon says, as pairs of a word and its value, without what it does not say."""
    told = coupons.told(coupon)
    days = (
        ngettext("%(num)s day after it is given", "%(num)s days after it is given", coupon.days)
        if coupon.days
        else None
    )
    pairs = [
        (_("Shop"), shop or _("not connected any more")), (_("Gives"), worth(coupon)),
        (_("Orders from"), f"{told['least']} {coupon.currency}" if told["least"] else None),
        (_("Only for"), ", ".join([*coupon.product_keys, *coupon.categories])), (_("Not with others"), _("yes") if coupon.alone else None),
        (_("From"), formats.day(coupon.starts_at) if coupon.starts_at else ""), (_("Until"), formats.day(coupon.ends_at) if coupon.ends_at else ""), (_("Good for"), days),
        (_("Uses a code"), str(coupon.uses)), (_("Codes a person"), str(coupon.per_customer)), (_("Prefix"), coupon.prefix),
        (_("Kept ready"), str(coupon.pool)),
    ]  # fmt: skip
    return [(label, value) for label, value in pairs if value]


def _funnel(figures: coupon_numbers.Numbers, ways: dict[str, tuple[int, int]]) -> dict[str, Any] | None:
    """Return the picture: given and used, by the way they were given."""
    if not figures.given:
        return None
    keys = [key for key in WAYS if key in ways]
    return {
        "x": [str(WAYS[key]) for key in keys],
        "series": [
            {"name": _("Given"), "values": [ways[key][0] for key in keys]}, {"name": _("Used"), "values": [ways[key][1] for key in keys]},
        ],
    }  # fmt: skip


def _code(
    code: Any, uses: list[Any], bought: dict[Any, Any], holders: dict[Any, Any], good_for: int = 0
) -> dict[str, Any]:
    counted = [use for use in uses if use.counted]
    times = len(counted)
    told = _("Used %(times)s times, good for %(most)s: the shop let it pass.", times=times, most=good_for)
    over = code.ends_at is not None and code.ends_at <= clock.now()
    holder = holders.get(code.customer_id)
    return {
        "id": code.id, "code": code.code, "state": "used" if counted else "over" if over and code.state == "ready" else code.state,
        "reason": told if times > good_for > 0 else refusal_words.say(code.reason), "given_at": code.given_at, "way": str(WAYS.get(code.given_by, "")), "ends_at": code.ends_at,
        "holder": holder.name if holder else None, "holder_id": holder.id if holder else None,
        "orders": [
            {"id": use.order_id, "number": bought[use.order_id].number or bought[use.order_id].external_id}
            for use in counted if use.order_id in bought
        ],
        "may_stop": code.state in coupon_codes.LIVE and not counted,
    }  # fmt: skip


@pages.post("/coupons/<coupon_id>/stop")
@doors.open_to("member", "campaigns.edit")
def stop(coupon_id: str) -> Any:
    """Give it to nobody any more."""
    coupons.stop(coupon_id)
    frame.toast(_("Stopped. The shop refuses codes that were not used."))
    return frame.go(url_for("coupons.show", coupon_id=coupon_id))


@pages.post("/coupons/<coupon_id>/change")
@doors.open_to("member", "campaigns.edit")
def change(coupon_id: str) -> Any:
    """Change its name and how many codes are kept ready."""
    try:
        coupons.change(coupon_id, name=request.form.get("name", ""), pool=request.form.get("pool") or 0)
    except coupons.BadCoupon as refusal:
        work.forget()
        frame.toast(next(iter(refusal.fields.values()), [refusal.message])[0], kind="warning")
    else:
        frame.toast(_("Saved."))
    return frame.go(url_for("coupons.show", coupon_id=coupon_id))


@pages.post("/coupons/<coupon_id>/try-again")
@doors.open_to("member", "campaigns.edit")
def try_again(coupon_id: str) -> Any:
    """Go on at once with codes that wait."""
    coupon_writing.try_again(coupon_id)
    frame.toast(_("We ask the shop again."))
    return frame.go(url_for("coupons.show", coupon_id=coupon_id))


@pages.post("/coupons/<coupon_id>/codes/<code_id>/stop")
@doors.open_to("member", "campaigns.edit")
def stop_code(coupon_id: str, code_id: str) -> Any:
    """Have the shop refuse one code."""
    code = coupon_codes.one(code_id)
    if code.coupon_id != coupons.one(coupon_id).id:
        raise coupon_codes.NoSuchCode
    coupon_codes.stop_one(code.id)
    frame.toast(_("Stopped."))
    return frame.go(url_for("coupons.show", coupon_id=coupon_id))


@pages.get("/coupons/<coupon_id>/codes.csv")
@doors.open_to("member", "exports.make")
def export(coupon_id: str) -> Response:
    """Answer all codes of a coupon as a file."""
    coupon = coupons.one(coupon_id)
    audit.record(action="coupons.exported", kind="coupon", record_id=coupon.id)
    lines = list(_lines(coupon.id))
    name = f"codes-{coupon.id}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return Response(stream_with_context(iter(lines)), mimetype="text/csv; charset=utf-8", headers=headers)


def _lines(coupon_id: Any) -> Iterator[str]:
    yield "\ufeff" + _csv(["code", "state", "customer", "email", "given_at", "given_by", "ends_at", "orders"])
    cursor, hidden = None, access.hidden("customer")
    while True:
        page = paging.page(coupon_codes.listed(coupon_id), order=coupon_codes.NEWEST, cursor=cursor, limit=200)
        uses = coupon_codes.used_of([one.id for one in page.items])
        bought = orders.many([use.order_id for found in uses.values() for use in found])
        holders = people.many([one.customer_id for one in page.items if one.customer_id])
        rows = []
        for code in page.items:
            shown, holder = _code(code, uses.get(code.id, []), bought, holders), holders.get(code.customer_id)
            email = "" if holder is None or "email" in hidden else holder.email or ""
            rows.append([
                code.code, shown["state"], shown["holder"] or "", email, _moment(code.given_at), code.given_by, _moment(code.ends_at),
                " ".join(one["number"] for one in shown["orders"]),
            ])  # fmt: skip
        yield "".join(map(_csv, rows))
        cursor = page.next
        if cursor is None:
            return


def _moment(moment: Any) -> str:
    return moment.isoformat(timespec="seconds") if moment else ""


def _csv(cells: list[str]) -> str:
    """Return a line; what a sheet would take for a formula is marked as text."""
    made = io.StringIO()
    csv.writer(made, lineterminator="\r\n").writerow(
        [f"'{one}" if one[:1] in ("=", "+", "-", "@", "\t", "\r") else one for one in cells]
    )
    return made.getvalue()


@pages.get("/customers/<customer_id>/coupons")
@doors.open_to("member", "campaigns.read")
def of_customer(customer_id: str) -> Any:
    """The part of a customer's page that tells of their codes, and gives them one."""
    return _of_customer(profiles.one(customer_id).id)


def _of_customer(customer_id: Any) -> str:
    found = coupon_codes.of_customer(customer_id, most=20)
    now = clock.now()
    rows = [
        {
            "code": code.code, "coupon": coupon.name, "coupon_id": coupon.id, "worth": worth(coupon), "given_at": code.given_at, "ends_at": code.ends_at,
            "state": "used" if used else "over" if code.state == "ready" and code.ends_at and code.ends_at <= now else code.state,
        }
        for code, coupon, used in found
    ]  # fmt: skip
    choices = [(str(one.id), f"{one.name} · {worth(one)}") for one in coupons.open_ones()]
    return render_template(
        "coupons/of_customer.html", rows=rows, choices=choices, customer_id=customer_id, states=CODE_STATES
    )


@pages.post("/customers/<customer_id>/coupons")
@doors.open_to("member", "campaigns.edit")
def give(customer_id: str) -> Any:
    """Give a customer a code by hand; who holds one gets no second."""
    customer = profiles.one(customer_id)
    try:
        code = coupon_codes.give(request.form.get("coupon_id", ""), customer_id=customer.id, by="member")
    except (coupons.NoSuchCoupon, coupons.Stopped, coupon_codes.HadAlready) as refusal:
        work.forget()
        frame.toast(refusal.message, kind="warning")
        return frame.go(url_for("customers.show", customer_id=customer.id))
    audit.record(action="coupons.given", kind="customer", record_id=customer.id, after={"coupon": str(code.coupon_id)})
    frame.toast(_("Given: %(code)s", code=code.code))
    return frame.go(url_for("customers.show", customer_id=customer.id))
