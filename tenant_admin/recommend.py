"""Recommendations: what offers bring, how much the models have learnt, trying them out, and the rules they obey."""

from __future__ import annotations

import datetime
from typing import Any
from uuid import UUID

from flask import Blueprint, render_template, request, url_for
from flask_babel import get_timezone
from flask_babel import gettext as _

from saas.kit import access, doors, money, scope
from saas.kit import pages as paging
from saas.kit.errors import Invalid
from saas.recommend import backtest, fitting, offers, reasons, results, rules, stock
from saas.tenancy import audit, tenants
from tenant_admin import formats, frame, learnt, offer_pickers, offer_words

pages = Blueprint("recommend", __name__, url_prefix="/recommendations")

DAYS = 30
SLOTS = offer_words.PLACES


@pages.get("")
@doors.open_to("member", "offers.read")
def index():
    """What offers brought in the last thirty days, and the state of the models."""
    currency = tenants.settings().currency
    found = results.of_last(DAYS, currency=currency)
    return render_template(
        "recommend/index.html", results=found, currency=currency, slots=offer_words.place_names(), days=DAYS, chart=_chart(found, currency),
        models=learnt.described(results.models(), fitting.FEWEST, learning=results.learning()), tab="index",
    )  # fmt: skip


def _chart(found: results.Results, currency: str) -> dict[str, Any]:
    """Draw money where there is some, else clicks."""
    sold = found.total.revenue > 0
    by_day = found.revenue if sold else found.clicked
    names = offer_words.place_names()
    series = [{"name": str(names.get(slot, slot)), "values": values} for slot, values in by_day.items() if any(values)]
    amount = formats.money(found.total.revenue, currency)
    title = (
        _("Offers led to sales of %(amount)s in %(days)s days", amount=amount, days=DAYS) if sold
        else _("Offers were clicked %(count)s times in %(days)s days", count=formats.number(found.total.clicked), days=DAYS)
    )  # fmt: skip
    return {
        "title": title, "unit": f"money:{currency}" if sold else "count",
        "note": _("By the day the offer was shown") if sold else _("No offer led to a sale yet; here are the clicks"),
        "data": {"x": [day.isoformat() for day in found.days], "x_name": _("Day"), "series": series},
    }  # fmt: skip


@pages.get("/quality")
@doors.open_to("member", "offers.read")
def quality():
    """What the offers would have hit in the newest part of the shop's own past, beside what is popular alone."""
    tried = results.tried()
    places = tried["places"] if tried else []
    return render_template(
        "recommend/quality.html", at=datetime.datetime.fromisoformat(tried["at"]) if tried else None, tried=tried, places=[learnt.judged(place, backtest.FEWEST) for place in places], slots=SLOTS,
        most=backtest.N, fewest=backtest.FEWEST, chart=_hits(places) if places else None, tab="quality",
    )  # fmt: skip


def _hits(places: list[dict[str, Any]]) -> dict[str, Any]:
    """Draw how often something wanted was among the offers, ours beside popular products alone."""
    better = sum(place["better"] == "yes" for place in places)
    sides = [
        (_("Offers"), "hits", "interval", "accent"),
        (_("What is popular alone"), "popular_hits", "popular_interval", "grey"),
    ]
    return {
        "title": _("The offers beat what is popular in %(num)s of %(places)s places", num=better, places=len(places)),
        "data": {
            "x": [str(SLOTS[place["slot"]]) for place in places], "x_name": _("Place"), "y_name": _("Share of questions answered right"),
            "series": [
                {"name": name, "values": [place[hits] / place["asked"] for place in places], "interval": [place[interval] for place in places], "tone": tone}
                for name, hits, interval, tone in sides
            ],
        },
    }  # fmt: skip


@pages.get("/try")
@doors.open_to("member", "offers.read")
def try_out():
    """Show what somebody would be offered somewhere, and why; nothing is counted."""
    slot = request.args.get("slot") if request.args.get("slot") in SLOTS else "product"
    wished, who = request.args.get("product", "").strip(), request.args.get("customer", "").strip()
    product, people = offer_pickers.product(wished), offer_pickers.people(who)
    customer = people[0] if people else None
    chosen = None
    if request.args:
        chosen = offers.choose(
            tenant_id=scope.tenant_id(), slot=slot, product=product.key if product else "", customer_id=UUID(customer["id"]) if customer else None,
            cart=[product.key] if product and slot == "cart" else [], limit=8, record=False, language=reasons.language_of(frame.language()),
        )  # fmt: skip
    return render_template(
        "recommend/try.html", slot=slot, slots=SLOTS, wished=wished, who=who, product=product, customer=customer,
        others=people[1:], chosen=[_shown(offer) for offer in chosen.items] if chosen else None, listed=offer_pickers.listed(), tab="try",
    )  # fmt: skip


def _shown(offer: offers.Offer) -> dict[str, Any]:
    return offer.plain() | {
        "id": offer.product.id, "algorithm": learnt.ALGORITHMS.get(offer.algorithm, offer.algorithm),
        "link": url_for("products.show", product_id=offer.product.id), "price_micros": money.parse_micros(offer.product.price),
    }  # fmt: skip


@pages.get("/rules")
@doors.open_to("member", "offers.read")
def rule_list():
    """The rules that offers obey, newest first."""
    page = paging.page(rules.query(), order=rules.ORDER, cursor=request.args.get("cursor"))
    shown = [rule_shown(rule) for rule in page.items]
    return render_template("recommend/rules.html", rules=shown, next=page.next, tab="rules", may_edit=_may_edit())


def _may_edit() -> bool:
    return access.may("offers.edit")


def rule_shown(rule: Any) -> dict[str, Any]:
    product = (
        stock.catalogue(scope.tenant_id()).by_number.get(stock.number_of(rule.product_id)) if rule.product_id else None
    )
    return {
        "id": str(rule.id), "kind": rule.kind, "sentence": _sentence(rule, product), "picture": product.image_url if product else None,
        "note": rule.note, "state": _state(rule), "with_picture": rule.kind != "boost",
    }  # fmt: skip


def _sentence(rule: Any, product: stock.Product | None) -> str:
    where = SLOTS[rule.slot] if rule.slot else _("everywhere")
    name = product.name if product else "–"
    if rule.kind == "pin":
        return _("Put “%(name)s” at place %(position)s: %(where)s", name=name, position=rule.position, where=where)
    if rule.kind == "hide":
        return _("Never offer “%(name)s”: %(where)s", name=name, where=where)
    share = formats.percent(rule.percent / 100, 0)
    return _("Let “%(category)s” count %(share)s: %(where)s", category=rule.category, share=share, where=where)


def _state(rule: Any) -> str:
    now = datetime.datetime.now(datetime.UTC)
    if rule.ends_at and rule.ends_at <= now:
        return "expired"
    if rule.active and rule.starts_at and rule.starts_at > now:
        return "scheduled"
    return "active" if rule.active else "inactive"


@pages.get("/rules/new")
@doors.open_to("member", "offers.edit")
def rule_new():
    """An empty rule, or one that begins with a product."""
    values = {
        "kind": request.args.get("kind", "pin"),
        "product": request.args.get("product", ""),
        "active": True,
        "position": 1,
        "percent": 200,
    }
    return _form(values)


@pages.post("/rules/new")
@doors.open_to("member", "offers.edit")
def rule_create():
    """Make a rule."""
    try:
        rules.create(**_fields())
    except Invalid as error:
        return _form(request.form.to_dict(), errors=error.fields), 422
    frame.toast(_("The rule holds from now on."))
    return frame.go(url_for("recommend.rule_list"))


@pages.get("/rules/<rule_id>")
@doors.open_to("member", "offers.read")
def rule_edit(rule_id: str):
    """One rule, to change it."""
    rule = rules.one(rule_id)
    product = (
        stock.catalogue(scope.tenant_id()).by_number.get(stock.number_of(rule.product_id)) if rule.product_id else None
    )
    values = rules.plain(rule) | {
        "product": offer_pickers.label(product) if product else "",
        "starts_on": _day(rule.starts_at),
        "ends_on": _day(rule.ends_at, last=True),
    }
    return _form(values, rule_id=str(rule.id))


@pages.post("/rules/<rule_id>")
@doors.open_to("member", "offers.edit")
def rule_change(rule_id: str):
    """Change a rule."""
    try:
        rules.change(rule_id, **_fields())
    except Invalid as error:
        return _form(request.form.to_dict(), errors=error.fields, rule_id=rule_id), 422
    frame.toast(_("Saved"))
    return frame.go(url_for("recommend.rule_list"))


@pages.post("/rules/<rule_id>/delete")
@doors.open_to("member", "offers.edit")
def rule_delete(rule_id: str):
    """Put a rule into the bin."""
    rules.delete(rule_id)
    frame.toast(_("The rule is deleted."), undo=frame.undo_url(audit.latest()))
    return frame.go(url_for("recommend.rule_list"))


def _form(values: dict[str, Any], *, errors: dict[str, list[str]] | None = None, rule_id: str | None = None):
    told = dict(errors or {})
    if "product_id" in told:
        told["product"] = told.pop("product_id")
    categories = sorted(
        {name for one in stock.catalogue(scope.tenant_id()).by_number.values() for name in one.categories}
    )[: offer_pickers.MOST_LISTED]
    return render_template(
        "recommend/rule.html", values=values, errors=told, rule_id=rule_id, slots=SLOTS, listed=offer_pickers.listed(), categories=categories,
        may_edit=_may_edit(),
    )  # fmt: skip


def _fields() -> dict[str, Any]:
    """Read the form; a product that is not found is left to the room to refuse."""
    form = request.form
    product = offer_pickers.product(form.get("product", "").strip())
    return {
        "kind": form.get("kind", ""), "slot": form.get("slot", ""), "category": form.get("category", ""),
        "product_id": UUID(product.id) if product else None, "position": _number(form.get("position"), 1),
        "percent": _number(form.get("percent"), 200), "active": "active" in form, "note": form.get("note", ""),
        "starts_at": _moment("starts_on"), "ends_at": _moment("ends_on", last=True),
    }  # fmt: skip


def _number(text: str | None, otherwise: int) -> int:
    text = (text or "").strip()
    return (int(text) if text.isdecimal() and len(text) < 7 else 0) if text else otherwise


def _zone() -> datetime.tzinfo:
    return get_timezone()


def _moment(name: str, *, last: bool = False) -> datetime.datetime | None:
    """Read a day of the form as its first moment in the member's zone; the last day is meant to its end."""
    text = request.form.get(name, "")
    if not text:
        return None
    try:
        day = datetime.date.fromisoformat(text) + datetime.timedelta(days=last)
    except (ValueError, OverflowError):
        raise Invalid(fields={name: [_("Give a date.")]}) from None
    return datetime.datetime.combine(day, datetime.time(), _zone())


def _day(moment: datetime.datetime | None, *, last: bool = False) -> str:
    return "" if moment is None else (moment.astimezone(_zone()).date() - datetime.timedelta(days=last)).isoformat()
