"""The stand-in's answers held against Stripe's own: the fixtures of its API description, and the library's types."""

import json
import types
import typing
from decimal import Decimal
from pathlib import Path

import pytest
import stripe
from stripe._stripe_object import UntypedStripeObject

from tests.sandbox.conftest import KEY, Shop, raw

FIXTURES = Path(__file__).parents[3] / "shared" / "payloads" / "stripe" / "fixtures3.json"

# What the fixtures still carry and the API version leaves out, or shows only when it is expanded.
NOT_SHOWN = {"invoice": {"subscription"}}
# What the types call required and Stripe itself leaves out: shown only when expanded, or one kind of many.
MAY_LACK = {"deleted"}

NAMES = {
    "coupon": stripe.Coupon,
    "customer": stripe.Customer,
    "product": stripe.Product,
    "price": stripe.Price,
    "payment_method": stripe.PaymentMethod,
    "payment_intent": stripe.PaymentIntent,
    "setup_intent": stripe.SetupIntent,
    "charge": stripe.Charge,
    "refund": stripe.Refund,
    "dispute": stripe.Dispute,
    "discount": stripe.Discount,
    "promotion_code": stripe.PromotionCode,
    "subscription": stripe.Subscription,
    "subscription_item": stripe.SubscriptionItem,
    "plan": stripe.Plan,
    "invoice": stripe.Invoice,
    "line_item": stripe.InvoiceLineItem,
    "invoiceitem": stripe.InvoiceItem,
    "invoice_payment": stripe.InvoicePayment,
    "checkout.session": stripe.checkout.Session,
    "item": stripe.LineItem,
    "billing_portal.session": stripe.billing_portal.Session,
    "billing_portal.configuration": stripe.billing_portal.Configuration,
    "event": stripe.Event,
    "webhook_endpoint": stripe.WebhookEndpoint,
    "test_helpers.test_clock": stripe.test_helpers.TestClock,
}


def ask(box, path: str, *, method: str = "GET", body: str | None = None) -> dict:
    status, _, answer = raw(box.url, path="/v1" + path, method=method, body=body, Authorization=f"Bearer {KEY}")
    assert status == 200, answer
    return answer


@pytest.fixture
def samples(box, api, shop: Shop, person) -> dict[str, dict]:
    """One object of each kind, as it goes over the wire."""
    coupon = api.v1.coupons.create({"percent_off": 10, "duration": "forever"})
    code = api.v1.promotion_codes.create({"promotion": {"type": "coupon", "coupon": coupon.id}, "code": "HELLO"})
    customer = shop.customer()
    subscription = api.v1.subscriptions.create(
        {"customer": customer.id, "items": [{"price": shop.growth.id}], "discounts": [{"promotion_code": code.id}]}
    )
    item = api.v1.invoice_items.create(
        {"customer": customer.id, "amount": 500, "currency": "eur", "description": "Help"}
    )
    disputed = api.v1.payment_intents.create(
        {"amount": 900, "currency": "eur", "payment_method": "pm_card_createDispute", "confirm": True,
         "return_url": "http://example.test"}
    )  # fmt: skip
    intent = api.v1.payment_intents.create(
        {
            "amount": 900,
            "currency": "eur",
            "payment_method": "pm_card_visa",
            "confirm": True,
            "return_url": "http://example.test",
        }
    )
    refund = api.v1.refunds.create({"payment_intent": intent.id, "amount": 100})
    session = api.v1.checkout.sessions.create(
        {
            "mode": "subscription",
            "line_items": [{"price": shop.growth.id, "quantity": 1}],
            "success_url": "http://example.test/ok",
        }
    )
    setup = api.v1.setup_intents.create({"customer": customer.id, "payment_method": "pm_card_visa", "confirm": True})
    portal = api.v1.billing_portal.sessions.create({"customer": customer.id})
    clock = api.v1.test_helpers.test_clocks.create({"frozen_time": 1_700_000_000})
    endpoint = api.v1.webhook_endpoints.create({"url": "http://127.0.0.1:9/x", "enabled_events": ["coupon.deleted"]})
    subscribed = ask(box, f"/subscriptions/{subscription.id}")
    invoice = ask(
        box,
        f"/invoices/{subscription.latest_invoice}?expand[]=payments&expand[]=discounts&expand[]=confirmation_secret",
    )
    dispute = api.v1.disputes.list({"payment_intent": disputed.id}).data[0]
    return {
        "coupon": ask(box, f"/coupons/{coupon.id}"),
        "promotion_code": ask(box, f"/promotion_codes/{code.id}"),
        "customer": ask(box, f"/customers/{customer.id}"),
        "product": ask(box, f"/products/{shop.growth.product}"),
        "price": ask(box, f"/prices/{shop.growth.id}"),
        "plan": subscribed["items"]["data"][0]["plan"],
        "payment_method": ask(box, f"/payment_methods/{intent.payment_method}"),
        "payment_intent": ask(box, f"/payment_intents/{intent.id}"),
        "setup_intent": ask(box, f"/setup_intents/{setup.id}"),
        "charge": ask(box, f"/charges/{intent.latest_charge}?expand[]=refunds"),
        "refund": ask(box, f"/refunds/{refund.id}"),
        "dispute": ask(box, f"/disputes/{dispute.id}"),
        "subscription": subscribed,
        "subscription_item": subscribed["items"]["data"][0],
        "invoice": invoice,
        "line_item": invoice["lines"]["data"][0],
        "discount": invoice["discounts"][0],
        "invoice_payment": invoice["payments"]["data"][0],
        "invoiceitem": ask(box, f"/invoiceitems/{item.id}"),
        "checkout.session": ask(box, f"/checkout/sessions/{session.id}"),
        "item": ask(box, f"/checkout/sessions/{session.id}/line_items")["data"][0],
        "billing_portal.session": ask(
            box,
            "/billing_portal/sessions",
            method="POST",
            body=f"customer={customer.id}&configuration={portal.configuration}",
        ),
        "billing_portal.configuration": ask(box, f"/billing_portal/configurations/{portal.configuration}"),
        "event": ask(box, "/events?limit=1")["data"][0],
        "webhook_endpoint": ask(box, f"/webhook_endpoints/{endpoint.id}"),
        "test_helpers.test_clock": ask(box, f"/test_helpers/test_clocks/{clock.id}"),
    }


def hints_of(cls: type) -> dict[str, object]:
    """The annotations of one of the library's classes, resolved where they name classes of other modules."""
    names = {**vars(stripe), **{name: getattr(stripe, name) for name in dir(stripe) if name[0].isupper()}}
    names |= {"BillingPortal": stripe.billing_portal}
    found = {}
    for name, hint in cls.__annotations__.items():
        try:
            found[name] = (
                eval(hint, vars(__import__(cls.__module__, fromlist=["x"])) | names) if isinstance(hint, str) else hint
            )
        except NameError:
            found[name] = object
    return found


def faults(value: object, hint: object, path: str) -> list[str]:
    """Where a value is not what a type says."""
    origin, inner = typing.get_origin(hint), typing.get_args(hint)
    if hint in (object, typing.Any) or isinstance(hint, (typing.TypeVar, typing.ForwardRef)):
        return []
    if origin in (typing.Union, types.UnionType):
        found = [faults(value, one, path) for one in inner]
        return [] if any(not one for one in found) else min(found, key=len)
    if hint is type(None):
        return [] if value is None else [f"{path}: {value!r} is not null"]
    if origin is typing.Literal:
        return [] if value in inner else [f"{path}: {value!r} is not one of {inner}"]
    if origin is list:
        if not isinstance(value, list):
            return [f"{path}: not a list"]
        return [fault for place, one in enumerate(value) for fault in faults(one, inner[0], f"{path}[{place}]")]
    if origin is dict or (isinstance(origin, type) and issubclass(origin, UntypedStripeObject)):
        return [] if isinstance(value, dict) else [f"{path}: not a mapping"]
    if origin is stripe.ListObject:
        good = isinstance(value, dict) and {"object", "data", "has_more", "url"} <= value.keys()
        return [] if good else [f"{path}: not a list object"]
    if hint is Decimal:
        return (
            []
            if isinstance(value, str) and Decimal(value) is not None
            else [f"{path}: {value!r} is not a decimal text"]
        )
    if isinstance(hint, type) and issubclass(hint, stripe.StripeObject):
        return faults_of_object(value, hint, path)
    if hint is float:
        return [] if isinstance(value, (int, float)) else [f"{path}: {value!r} is not a number"]
    if isinstance(hint, type):
        good = isinstance(value, hint) and not (hint is int and isinstance(value, bool))
        return [] if good else [f"{path}: {value!r} is not {hint.__name__}"]
    return []


def faults_of_object(value: object, cls: type, path: str) -> list[str]:
    """What an object lacks, has too much, or has wrong."""
    if not isinstance(value, dict):
        return [f"{path}: {value!r} is not an object"]
    if issubclass(cls, UntypedStripeObject):
        return []
    hints = {name: hint for name, hint in hints_of(cls).items() if name != "OBJECT_NAME"}
    found = [f"{path}.{name}: Stripe has no such field" for name in value if name not in hints]
    for name, hint in hints.items():
        optional = type(None) in typing.get_args(hint)
        if name in value:
            found += faults(value[name], hint, f"{path}.{name}")
        elif not optional and name not in MAY_LACK:
            found.append(f"{path}.{name}: missing")
    return found


class TestShapes:
    def test_every_object_is_what_the_librarys_types_say(self, samples):
        found = [fault for name, cls in NAMES.items() for fault in faults_of_object(samples[name], cls, name)]
        assert not found, "\n".join(found)

    @pytest.mark.skipif(not FIXTURES.exists(), reason="../shared/payloads/stripe is not here")
    def test_every_field_of_stripes_fixtures_is_there(self, samples):
        fixtures = json.loads(FIXTURES.read_text())["resources"]
        lacking = {
            name: fixtures[name].keys() - samples[name].keys() - NOT_SHOWN.get(name, set())
            for name in NAMES
            if fixtures[name].keys() - samples[name].keys() - NOT_SHOWN.get(name, set())
        }
        assert lacking == {}

    @pytest.mark.skipif(not FIXTURES.exists(), reason="../shared/payloads/stripe is not here")
    def test_deleted_objects_have_the_fixtures_shape(self, api, shop):
        fixtures = json.loads(FIXTURES.read_text())["resources"]
        gone = api.v1.customers.delete(shop.customer().id)
        assert gone.to_dict().keys() == fixtures["deleted_customer"].keys()
        again = api.v1.customers.retrieve(gone.id)
        assert again.deleted is True


class TestParameters:
    def test_the_sandbox_takes_no_parameter_that_stripe_does_not(self):
        """Each route's names against the library's own parameter types."""
        from sandbox.stripe import api as entered
        from sandbox.stripe.routes import TABLE

        assert entered
        known = known_parameters()
        unknown = []
        for rule in TABLE.iter_rules():
            method = next(iter(rule.methods - {"HEAD", "OPTIONS"}))
            names = known.get((method, rule.rule))
            if names is not None:
                unknown += [f"{method} {rule.rule}: {name}" for name in set(rule.endpoint.takes) - names]
        assert not unknown, "\n".join(unknown)


def known_parameters() -> dict[tuple[str, str], set[str]]:
    """What the library lets one send, for the routes whose parameter types can be named from their path."""
    from stripe import params

    def names(place: object, *types: str) -> set[str]:
        return {field for name in types for field in getattr(place, name).__annotations__}

    checkout, portal = params.checkout, params.billing_portal
    tables = {
        "/v1/customers": ("Customer", "Update"),
        "/v1/products": ("Product", "Update"),
        "/v1/prices": ("Price", "Update"),
        "/v1/subscriptions": ("Subscription", "Update"),
        "/v1/subscription_items": ("SubscriptionItem", "Update"),
        "/v1/invoices": ("Invoice", "Update"),
        "/v1/invoiceitems": ("InvoiceItem", "Update"),
        "/v1/payment_methods": ("PaymentMethod", "Update"),
        "/v1/payment_intents": ("PaymentIntent", "Update"),
        "/v1/setup_intents": ("SetupIntent", "Update"),
        "/v1/coupons": ("Coupon", "Update"),
        "/v1/promotion_codes": ("PromotionCode", "Update"),
        "/v1/webhook_endpoints": ("WebhookEndpoint", "Update"),
        "/v1/refunds": ("Refund", "Update"),
    }
    known = {}
    for path, (name, change) in tables.items():
        known["POST", path] = names(params, f"{name}CreateParams")
        known["GET", path] = names(params, f"{name}ListParams")
        known["POST", f"{path}/<identifier>"] = names(params, f"{name}{change}Params")
    known["POST", "/v1/checkout/sessions"] = names(checkout, "SessionCreateParams")
    known["GET", "/v1/checkout/sessions"] = names(checkout, "SessionListParams")
    known["POST", "/v1/billing_portal/sessions"] = names(portal, "SessionCreateParams")
    known["POST", "/v1/billing_portal/configurations"] = names(portal, "ConfigurationCreateParams")
    known["POST", "/v1/invoices/create_preview"] = names(params, "InvoiceCreatePreviewParams")
    known["POST", "/v1/invoices/<identifier>/pay"] = names(params, "InvoicePayParams")
    known["POST", "/v1/payment_intents/<identifier>/confirm"] = names(params, "PaymentIntentConfirmParams")
    known["POST", "/v1/setup_intents/<identifier>/confirm"] = names(params, "SetupIntentConfirmParams")
    known["DELETE", "/v1/subscriptions/<identifier>"] = names(params, "SubscriptionCancelParams")
    return known


class TestTheCheckItself:
    def test_planted_faults_are_found(self, samples):
        broken = {**samples["invoice"], "subscription": "sub_1", "amount_due": "12"}
        del broken["lines"]
        found = "\n".join(faults_of_object(broken, stripe.Invoice, "invoice"))
        assert "invoice.subscription: Stripe has no such field" in found
        assert "invoice.amount_due: '12' is not int" in found
        assert "invoice.lines: missing" in found
