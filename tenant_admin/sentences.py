"""Conditions as people say them: the names of the fields, the ways to ask, and whole sentences for chips and lists."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any
from uuid import UUID

from flask import g
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from saas.audiences import fields as questions
from saas.audiences import standing
from saas.customers import purposes
from saas.kit import records
from saas.tenancy import members
from tenant_admin import choices, fields_shown

GROUPS = (
    (_l("Orders"), ("orders_count", "spent_amount", "last_order_at", "first_order_at", "bought", "refunded_amount")),
    (_l("Payments"), ("payment_failed", "open_dispute")),
    (_l("Coupons"), ("has_coupon", "used_coupon")),
    (_l("Reviews"), ("praised", "complained")),
    (_l("Visits"), ("viewed", "did", "searched", "came_from", "visits_count", "views_count", "last_visit_at", "cart_amount", "cart_at")),
    (_l("Mails"), ("email_consent", "agreed", "mails_sent", "mails_opened", "mails_clicked", "last_mail_at", "last_open_at", "last_click_at", "suppressed")),
    (_l("Who"), ("tags", "country", "city", "language", "company", "email", "first_name", "last_name", "owner_id", "created_at")),
)  # fmt: skip
NAMES = {
    "orders_count": _l("Orders"), "spent_amount": _l("Spent"), "last_order_at": _l("Last order"), "first_order_at": _l("First order"),
    "bought": _l("Bought"), "refunded_amount": _l("Refunded"), "viewed": _l("Looked at"), "did": _l("Did in the shop"), "searched": _l("Searched"), "came_from": _l("Came from"), "visits_count": _l("Visits"),
    "views_count": _l("Products looked at"), "last_visit_at": _l("Last visit"), "cart_amount": _l("Worth of the cart"),
    "cart_at": _l("Cart left"), "email_consent": _l("Consent to mails"), "mails_sent": _l("Mails received"),
    "mails_opened": _l("Mails opened"), "mails_clicked": _l("Mails clicked"), "last_mail_at": _l("Last mail"),
    "last_open_at": _l("Last mail opened"), "last_click_at": _l("Last click in a mail"), "suppressed": _l("Must not be written to"),
    "tags": _l("Tags"), "country": _l("Country"), "city": _l("City"), "language": _l("Language"), "company": _l("Company"),
    "email": _l("Email"), "first_name": _l("First name"), "last_name": _l("Last name"), "created_at": _l("Customer since"),
    "owner_id": _l("Owner"), "agreed": _l("Agreed to"), "payment_failed": _l("Failed payment"), "open_dispute": _l("Open dispute"),
    "has_coupon": _l("Unused coupon"), "used_coupon": _l("Used a coupon"),
    "praised": _l("Gave 4 or 5 stars"), "complained": _l("Gave 1 or 2 stars"),
}  # fmt: skip
WAYS = {
    "at_least": _l("at least"), "at_most": _l("at most"), "is": _l("is"), "is_not": _l("is not"), "in_last_days": _l("in the last … days"),
    "not_in_last_days": _l("not in the last … days"), "in_last_minutes": _l("in the last … minutes"), "before": _l("before"), "after": _l("on or after"), "never": _l("never"),
    "ever": _l("at any time"), "contains": _l("contains"), "begins_with": _l("begins with"), "is_empty": _l("is empty"),
    "is_not_empty": _l("is not empty"), "has": _l("include"), "has_not": _l("do not include"),
}  # fmt: skip
MATTERS = {
    "product": _l("a product"), "category": _l("a category"), "event": _l("an event of the shop"), "term": _l("a word"), "origin": _l("an address with …"),
}  # fmt: skip
CHOICES = {"granted": _l("Agreed"), "withdrawn": _l("Withdrawn"), "unknown": _l("Not known")}
# Sentences that say it better than "<field> <way> <value>".
SPECIAL = {
    ("orders_count", "at_least"): _l("ordered at least %(value)s times"),
    ("orders_count", "at_most"): _l("ordered at most %(value)s times"),
    ("orders_count", "is"): _l("ordered exactly %(value)s times"),
    ("spent_amount", "at_least"): _l("spent at least %(value)s"),
    ("spent_amount", "at_most"): _l("spent at most %(value)s"),
    ("last_order_at", "in_last_days"): _l("bought in the last %(value)s days"),
    ("last_order_at", "not_in_last_days"): _l("has not bought in the last %(value)s days"),
    ("last_order_at", "never"): _l("never bought"),
    ("first_order_at", "in_last_days"): _l("bought for the first time in the last %(value)s days"),
    ("last_visit_at", "in_last_days"): _l("visited in the last %(value)s days"),
    ("last_visit_at", "not_in_last_days"): _l("has not visited in the last %(value)s days"),
    ("last_visit_at", "never"): _l("never visited"),
    ("cart_at", "in_last_days"): _l("left a cart in the last %(value)s days"),
    ("email_consent", "granted"): _l("agreed to mails"),
    ("email_consent", "withdrawn"): _l("no longer wants mails"),
    ("email_consent", "unknown"): _l("never said whether mails are welcome"),
    ("created_at", "in_last_days"): _l("became a customer in the last %(value)s days"),
    ("last_mail_at", "in_last_days"): _l("got a mail in the last %(value)s days"),
    ("last_mail_at", "not_in_last_days"): _l("got no mail in the last %(value)s days"),
    ("last_open_at", "in_last_days"): _l("opened a mail in the last %(value)s days"),
    ("last_click_at", "in_last_days"): _l("clicked in a mail in the last %(value)s days"),
    ("tags", "has"): _l("tagged “%(value)s”"),
    ("tags", "has_not"): _l("not tagged “%(value)s”"),
    ("bought", "in_last_days"): _l("bought %(matter)s in the last %(value)s days"),
    ("bought", "not_in_last_days"): _l("has not bought %(matter)s in the last %(value)s days"),
    ("bought", "ever"): _l("bought %(matter)s"),
    ("bought", "never"): _l("never bought %(matter)s"),
    ("viewed", "in_last_days"): _l("looked at %(matter)s in the last %(value)s days"),
    ("viewed", "not_in_last_days"): _l("has not looked at %(matter)s in the last %(value)s days"),
    ("viewed", "ever"): _l("looked at %(matter)s"),
    ("viewed", "never"): _l("never looked at %(matter)s"),
    ("viewed", "in_last_minutes"): _l("looked at %(matter)s in the last %(value)s minutes"),
    ("did", "in_last_days"): _l("did %(matter)s in the last %(value)s days"),
    ("did", "not_in_last_days"): _l("has not done %(matter)s in the last %(value)s days"),
    ("did", "in_last_minutes"): _l("did %(matter)s in the last %(value)s minutes"),
    ("did", "ever"): _l("did %(matter)s"),
    ("did", "never"): _l("never did %(matter)s"),
    ("searched", "in_last_days"): _l("searched for %(matter)s in the last %(value)s days"),
    ("searched", "not_in_last_days"): _l("has not searched for %(matter)s in the last %(value)s days"),
    ("searched", "in_last_minutes"): _l("searched for %(matter)s in the last %(value)s minutes"),
    ("searched", "ever"): _l("searched for %(matter)s"),
    ("searched", "never"): _l("never searched for %(matter)s"),
    ("came_from", "in_last_days"): _l("came from %(matter)s in the last %(value)s days"),
    ("came_from", "not_in_last_days"): _l("has not come from %(matter)s in the last %(value)s days"),
    ("came_from", "ever"): _l("came from %(matter)s"),
    ("came_from", "never"): _l("never came from %(matter)s"),
    ("suppressed", "yes"): _l("must not be written to"),
    ("suppressed", "no"): _l("may be written to"),
    ("open_dispute", "yes"): _l("has an open dispute"),
    ("open_dispute", "no"): _l("has no open dispute"),
    ("has_coupon", "yes"): _l("has a coupon code that was not used"),
    ("has_coupon", "no"): _l("has no coupon code to use"),
    ("used_coupon", "in_last_days"): _l("used a coupon in the last %(value)s days"),
    ("used_coupon", "not_in_last_days"): _l("used no coupon in the last %(value)s days"),
    ("used_coupon", "ever"): _l("used a coupon"),
    ("used_coupon", "never"): _l("never used a coupon"),
    ("praised", "in_last_days"): _l("gave 4 or 5 stars in the last %(value)s days"),
    ("praised", "not_in_last_days"): _l("has not given 4 or 5 stars in the last %(value)s days"),
    ("praised", "ever"): _l("gave 4 or 5 stars"),
    ("praised", "never"): _l("never gave 4 or 5 stars"),
    ("complained", "in_last_days"): _l("gave 1 or 2 stars in the last %(value)s days"),
    ("complained", "not_in_last_days"): _l("has not given 1 or 2 stars in the last %(value)s days"),
    ("complained", "ever"): _l("gave 1 or 2 stars"),
    ("complained", "never"): _l("never gave 1 or 2 stars"),
    ("payment_failed", "in_last_days"): _l("had a payment fail in the last %(value)s days"),
    ("payment_failed", "not_in_last_days"): _l("had no payment fail in the last %(value)s days"),
    ("payment_failed", "ever"): _l("had a payment fail"),
    ("payment_failed", "never"): _l("never had a payment fail"),
}  # fmt: skip


ONCE = {
    ("orders_count", "at_least"): _l("ordered at least once"),
    ("orders_count", "at_most"): _l("ordered at most once"),
    ("orders_count", "is"): _l("ordered exactly once"),
}


def name_of(field: str) -> str:
    """Return what a field is called, a company's own among them."""
    if field in NAMES:
        return str(NAMES[field])
    own = records.kind("customer").every().get(field)
    return str(own.label) if own is not None else _("a field that is gone")


def own_value(own: records.Field, value: Any) -> str:
    """Return what a company's own field is compared with, as people write it."""
    if own.shape in ("choice", "choices"):
        return next((str(one.label) for one in own.choices if one.key == value), str(value))
    if own.shape == "yes_no":
        return _("yes") if str(value).lower() in ("true", "yes", "1") else _("no")
    try:
        return fields_shown.shown(own, own.read(value) if own.formula is None else value)
    except ValueError:
        return str(value)


def sentence(condition: Mapping[str, Any], names: Mapping[str, str] | None = None) -> str:
    """Return one condition in words; `names` gives products' names by their shop's id."""
    field, operator, value = condition["field"], condition["operator"], condition.get("value", "")
    key = (field, operator)
    if field == "email_consent":
        key = (field, str(value)) if operator == "is" else ("", "")
    elif field == "agreed":
        return _agreement(operator, str(value))
    elif field in ("suppressed", "open_dispute", "has_coupon"):
        key = (field, "yes" if str(value).lower() in ("true", "yes", "1") else "no")
    if key in ONCE and str(value) == "1":
        return str(ONCE[key])
    if key in SPECIAL:
        return str(SPECIAL[key]) % {"value": value, "matter": matter(condition, names)}
    if operator in ("in_last_days", "not_in_last_days"):
        way = (
            _("in the last %(value)s days", value=value)
            if operator == "in_last_days"
            else _("not in the last %(value)s days", value=value)
        )
        return _("%(field)s %(way)s", field=name_of(field), way=way)
    if operator in ("never", "ever", "is_empty", "is_not_empty"):
        return _("%(field)s %(way)s", field=name_of(field), way=WAYS.get(operator, operator))
    known = questions.any_field(field)
    if known is not None and known.own is not None:
        return _(
            "%(field)s %(way)s %(value)s",
            field=name_of(field),
            way=WAYS.get(operator, operator),
            value=own_value(known.own, value),
        )
    if known is not None and known.kind == "owner":
        return _(
            "%(field)s %(way)s %(value)s", field=name_of(field), way=WAYS.get(operator, operator), value=_person(value)
        )
    shown = CHOICES.get(value, value) if known is not None and known.choices else value
    return _("%(field)s %(way)s %(value)s", field=name_of(field), way=WAYS.get(operator, operator), value=shown)


def agreements() -> list[tuple[str, str]]:
    """Return what customers may have agreed to, as (`purpose.channel`, name)."""
    ways = choices.channels()
    return [(f"{one.key}.{way}", f"{one.name} · {ways[way]}") for one in _purposes() for way in one.channels]


def _purposes() -> list[purposes.Purpose]:
    """Asked for once a page, however many conditions it shows."""
    if "purposes" not in g:
        g.purposes = purposes.listed(archived=True)
    return g.purposes


def _agreement(operator: str, value: str) -> str:
    key, _dot, channel = value.rpartition(".")
    name = next((one.name for one in _purposes() if one.key == key), key)
    what = f"{name} · {choices.channels().get(channel, channel)}"
    return _("agreed to %(what)s", what=what) if operator == "is" else _("has not agreed to %(what)s", what=what)


def _person(value: Any) -> str:
    """Return what one of the company's people is called; "me" is the reader."""
    if value == standing.ME:
        return _("me")
    try:
        return members.names([UUID(str(value))]).get(UUID(str(value)), _("somebody who is not here any more"))
    except ValueError:
        return "—"


def matter(condition: Mapping[str, Any], names: Mapping[str, str] | None = None) -> str:
    """Return what was bought or looked at, in words."""
    if condition.get("product"):
        return _("“%(name)s”", name=(names or {}).get(str(condition["product"])) or condition["product"])
    if condition.get("category"):
        return _("something of “%(name)s”", name=condition["category"])
    said = next((str(condition[one]) for one in ("event", "term", "origin") if condition.get(one)), "")
    if said:
        return _("“%(name)s”", name=said) + _property(condition)
    return _("something")


def _property(condition: Mapping[str, Any]) -> str:
    """Return what is asked of an event's property and how often, in words."""
    told = ""
    for way, word in (("equals", "="), ("contains", "∋"), ("at_least", "≥")):
        if condition.get("property") and condition.get(way) not in (None, ""):
            told = f" ({condition['property']} {word} {condition[way]})"
    times = int(condition.get("times") or 1)
    return told + (_(", at least %(times)s times,", times=times) if times > 1 else "")


def whole(definition: Mapping[str, Any], names: Mapping[str, str] | None = None) -> str:
    """Return a whole definition as one sentence."""
    parts = [
        _("(%(group)s)", group=whole(node, names)) if "conditions" in node else sentence(node, names)
        for node in definition["conditions"]
    ]
    if not parts:
        return _("everybody")
    return (_(" or ") if definition.get("match") == "any" else _(" and ")).join(parts)


def products_in(definition: Mapping[str, Any]) -> Iterable[str]:
    """Yield the products a definition names, to look up what they are called."""
    for node in definition.get("conditions", ()):
        if "conditions" in node:
            yield from products_in(node)
        elif node.get("product"):
            yield str(node["product"])


def fields() -> list[tuple[str, list[tuple[str, str]]]]:
    """Return all fields the reader may see for a menu: (heading, [(field, name)])."""
    built_in = [
        (str(heading), [(name, str(NAMES[name])) for name in names if questions.known(name)])
        for heading, names in GROUPS
    ]
    own = [(one.name, str(one.label)) for one in records.kind("customer").fields().values() if one.custom]
    return [*built_in, *([(_("Our own fields"), own)] if own else [])]


def ways(field: str) -> list[tuple[str, str]]:
    """Return how a field can be asked."""
    known = questions.OPERATORS[_kind(field)]
    if field in ("bought", "came_from"):
        known = tuple(one for one in known if one != "in_last_minutes")
    return [(operator, str(WAYS[operator])) for operator in known]


def _kind(field: str) -> str:
    return getattr(questions.any_field(field), "kind", "text")
