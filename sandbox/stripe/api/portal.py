"""The Billing Portal: what customers may do for themselves, and their way in."""

from typing import Any

from sandbox.stripe import answers, errors, events, params
from sandbox.stripe.routes import route
from sandbox.stripe.shapes import pages
from sandbox.stripe.store import Document
from sandbox.stripe.world import World

SWITCH = {"enabled": params.boolean}
PRODUCT = params.shape(
    {"product": params.text, "prices": params.listing(params.text), "adjustable_quantity": params.free},
    required=("product", "prices"),
)
FEATURES = params.shape(
    {
        "customer_update": params.shape({**SWITCH, "allowed_updates": params.listing(params.text)}),
        "invoice_history": params.shape(SWITCH),
        "payment_method_update": params.shape({**SWITCH, "payment_method_configuration": params.text}),
        "subscription_cancel": params.shape(
            {
                **SWITCH,
                "cancellation_reason": params.free,
                "mode": params.choice("at_period_end", "immediately"),
                "proration_behavior": params.choice("always_invoice", "create_prorations", "none"),
            }
        ),
        "subscription_update": params.shape(
            {
                **SWITCH,
                "billing_cycle_anchor": params.choice("now", "unchanged"),
                "products": params.listing(PRODUCT),
                "default_allowed_updates": params.listing(params.choice("price", "promotion_code", "quantity")),
                "proration_behavior": params.choice("always_invoice", "create_prorations", "none"),
                "schedule_at_period_end": params.free,
                "trial_update_behavior": params.choice("continue_trial", "end_trial"),
            }
        ),
    }
)
FIELDS = {
    "business_profile": params.free,
    "default_return_url": params.text,
    "features": FEATURES,
    "login_page": params.free,
    "metadata": params.mapping,
    "name": params.text,
}


def apply(world: World, configuration: Document, given: dict[str, Any]) -> None:
    """This function will take over what a request says of the portal."""
    params.merge_metadata(configuration, given.get("metadata"))
    for name in ("default_return_url", "name", "active"):
        if name in given:
            configuration[name] = given[name]
    configuration["business_profile"] |= given.get("business_profile") or {}
    for name, change in (given.get("features") or {}).items():
        for product in (change or {}).get("products") or []:
            for price in product["prices"]:
                if (
                    world.one("price", price, param="features[subscription_update][products]")["product"]
                    != product["product"]
                ):
                    raise errors.Refused(
                        f"The price {price} is not of the product {product['product']}.", param="features"
                    )
        configuration["features"][name] |= change or {}
    configuration["updated"] = world.now()


@route("POST", "/billing_portal/configurations", takes=FIELDS, required=("features",))
def create_configuration(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """This function will set up a portal."""
    configuration = world.store.add(pages.portal_configuration(created=world.now()))
    apply(world, configuration, given)
    events.emit(world, "billing_portal.configuration.created", configuration)
    return answers.present(world, configuration)


@route("GET", "/billing_portal/configurations/<identifier>")
def retrieve_configuration(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will show a portal's settings."""
    return answers.present(world, world.one("billing_portal.configuration", identifier))


@route("POST", "/billing_portal/configurations/<identifier>", takes={**FIELDS, "active": params.boolean})
def update_configuration(world: World, given: dict[str, Any], identifier: str) -> dict[str, Any]:
    """This function will change a portal's settings."""
    configuration = world.one("billing_portal.configuration", identifier)
    with events.changing(world, configuration, "billing_portal.configuration.updated"):
        apply(world, configuration, given)
    return answers.present(world, configuration)


@route(
    "GET", "/billing_portal/configurations", paged=True, takes={"active": params.boolean, "is_default": params.boolean}
)
def list_configurations(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """This function will list portals."""
    found = [
        one
        for one in world.store.find("billing_portal.configuration")
        if all(given.get(name) in (None, one[name]) for name in ("active", "is_default"))
    ]
    return answers.page(world, found, given, "/billing_portal/configurations")


def default_configuration(world: World) -> Document:
    """This function will give the portal that was saved in the dashboard: here one with every feature on."""
    saved = world.store.first("billing_portal.configuration", is_default=True)
    if saved:
        return saved
    made = world.store.add(pages.portal_configuration(created=world.now()))
    made["is_default"] = True
    features = made["features"]
    for name, feature in features.items():
        feature["enabled"] = name != "subscription_pause"
    features["customer_update"]["allowed_updates"] = ["name", "email"]
    features["subscription_update"] |= {
        "default_allowed_updates": ["price", "quantity"],
        "proration_behavior": "always_invoice",
    }
    return made


FLOW = params.shape(
    {
        "type": params.choice(
            "payment_method_update", "subscription_cancel", "subscription_update", "subscription_update_confirm"
        ),
        "after_completion": params.free,
        "subscription_cancel": params.free,
        "subscription_update": params.free,
        "subscription_update_confirm": params.free,
    },
    required=("type",),
)


@route(
    "POST",
    "/billing_portal/sessions",
    required=("customer",),
    takes={
        "configuration": params.text,
        "customer": params.text,
        "flow_data": FLOW,
        "locale": params.text,
        "return_url": params.text,
    },
)
def create_session(world: World, given: dict[str, Any]) -> dict[str, Any]:
    """This function will give a customer a way into the portal, straight to one task when ``flow_data`` names it."""
    customer = world.one("customer", given["customer"], param="customer")
    if given.get("configuration"):
        configuration = world.one("billing_portal.configuration", given["configuration"], param="configuration")
    else:
        configuration = default_configuration(world)
    session = pages.portal_session(
        customer=customer,
        configuration=configuration,
        return_url=given.get("return_url") or configuration["default_return_url"],
        created=world.now(customer),
        base_url=world.base_url,
    )
    if given.get("flow_data"):
        flow = given["flow_data"]
        named = flow.get(flow["type"]) or {}
        if flow["type"] != "payment_method_update":
            owner = world.one(
                "subscription", named.get("subscription"), param=f"flow_data[{flow['type']}][subscription]"
            )
            if owner["customer"] != customer["id"]:
                raise errors.missing("subscription", owner["id"], param="flow_data", status=400)
        session["flow"] = {
            "after_completion": flow.get("after_completion")
            or {"hosted_confirmation": None, "redirect": None, "type": "portal_homepage"},
            "subscription_cancel": None,
            "subscription_update": None,
            "subscription_update_confirm": None,
            **{name: flow[name] for name in flow if name.startswith("subscription")},
            "type": flow["type"],
        }
        session["url"] += "/flow"
    world.store.add(session)
    events.emit(world, "billing_portal.session.created", session)
    return answers.present(world, session, given.get("expand") or [])
