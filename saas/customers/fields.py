"""The fields of a customer, for forms, lists, filters, imports, exports and the API alike."""

from __future__ import annotations

from typing import Any

from saas.customers import finding, profiles
from saas.customers.models import Customer, CustomerValue, Facts
from saas.kit import records
from saas.kit.records import Choice, Field
from saas.kit.text import later as _l

WHO, PLACE, MORE = _l("Who"), _l("Address"), _l("More")
ORDERS, VISITS, MAILS = _l("Orders"), _l("Visits"), _l("Mails")
CONSENT = (Choice("granted", _l("Agreed")), Choice("withdrawn", _l("Withdrawn")), Choice("unknown", _l("Not known")))


def _own(name: str, label: Any, group: Any, type: str = "text", most: int = 0, **more: Any) -> Field:
    return Field(name, type, label, getattr(Customer, name), group=group, most=most, **more)


def _fact(name: str, label: Any, group: Any, type: str = "number", column: str = "", **more: Any) -> Field:
    return Field(name, type, label, getattr(Facts, column or name), group=group, editable=False, **more)


def _money(name: str, label: Any, group: Any, **more: Any) -> Field:
    return _fact(name, label, group, "money", currency=Facts.currency, **more)


def _name(record: Any) -> str:
    return (record[0] if isinstance(record, tuple) or hasattr(record, "_fields") else record).name


FIELDS = (
    Field("name", "text", _l("Name"), editable=False, filterable=False, personal=True, group=WHO, show=_name, sort="name"),
    _own("first_name", _l("First name"), WHO, most=120, personal=True),
    _own("last_name", _l("Last name"), WHO, most=120, personal=True),
    _own("email", _l("E-mail"), WHO, "email", most=320, personal=True),
    _own("phone", _l("Phone"), WHO, "phone", most=40, personal=True),
    _own("company", _l("Company"), WHO, most=200, personal=True),
    _own("address", _l("Address"), PLACE, most=500, personal=True),
    _own("postcode", _l("Postcode"), PLACE, most=30, personal=True),
    _own("city", _l("City"), PLACE, most=120, personal=True),
    _own("country", _l("Country"), PLACE, most=60, personal=True),
    _own("language", _l("Language"), MORE, most=20),
    _own("tags", _l("Tags"), MORE, "tags"),
    _own("external_id", _l("Number in the shop"), MORE, most=200, personal=True),
    _own("note", _l("Note"), MORE, "long_text", most=10_000, personal=True, filterable=False),
    _own("email_consent", _l("Consent to mails"), MAILS, "choice", editable=False, choices=CONSENT),
    _own("created_at", _l("Customer since"), MORE, "moment", editable=False, sort="created"),
    _own("updated_at", _l("Last changed"), MORE, "moment", editable=False),
    _fact("orders_count", _l("Orders"), ORDERS, sort="orders"),
    _money("spent_amount", _l("Spent"), ORDERS, sort="spent"),
    _money("refunded_amount", _l("Refunded"), ORDERS),
    _fact("first_order_at", _l("First order"), ORDERS, "moment"),
    _fact("last_order_at", _l("Last order"), ORDERS, "moment", sort="last_order"),
    _fact("visits_count", _l("Visits"), VISITS),
    _fact("views_count", _l("Products looked at"), VISITS),
    _fact("last_visit_at", _l("Last visit"), VISITS, "moment", sort="last_visit"),
    _money("cart_amount", _l("Worth of the cart"), VISITS),
    _fact("cart_at", _l("Cart left"), VISITS, "moment"),
    _fact("mails_sent", _l("Mails received"), MAILS),
    _fact("mails_opened", _l("Mails opened"), MAILS),
    _fact("mails_clicked", _l("Mails clicked"), MAILS),
    _fact("last_mail_at", _l("Last mail"), MAILS, "moment"),
    _fact("last_open_at", _l("Last mail opened"), MAILS, "moment"),
    _fact("last_click_at", _l("Last click in a mail"), MAILS, "moment"),
)  # fmt: skip

KIND = records.register(
    records.Kind(
        "customer",
        _l("Customer"),
        _l("Customers"),
        "customers",
        Customer,
        FIELDS,
        one=profiles.one,
        query=lambda: finding.with_facts(Customer, Facts),
        create=profiles.create,
        change=profiles.change,
        delete=profiles.delete,
        values=CustomerValue,
        title=lambda customer: customer.name,
    )  # fmt: skip
)
