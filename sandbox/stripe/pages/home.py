"""The home page: what is in here, what was told to whom, and the test cards; for people, not for programs."""

from flask import redirect, render_template, request
from werkzeug.wrappers import Response

from sandbox.stripe import shops
from sandbox.stripe.lifecycle import balance, returning, trade
from sandbox.stripe.pages import blueprint, gone, the_world

TRADE = (
    ("visa", 4900),
    ("mastercard", 12900),
    ("createDispute", 8900),
    ("chargeDeclinedInsufficientFunds", 3900),
    ("visa", 700),
)
TEST_CARDS = (
    ("4242 4242 4242 4242", "works"),
    ("4000 0025 0000 3155", "asks for confirmation once"),
    ("4000 0027 6000 3184", "asks for confirmation each time"),
    ("4000 0000 0000 0002", "is declined"),
    ("4000 0000 0000 9995", "has insufficient funds"),
    ("4000 0000 0000 0069", "has expired"),
    ("4000 0000 0000 0127", "has a wrong security code"),
    ("4000 0000 0000 0341", "can be saved, later charges fail"),
    ("4000 0000 0000 0259", "pays, then disputes"),
)


@blueprint.app_context_processor
def cards_to_try() -> dict[str, object]:
    """This function will give every page the cards one may type."""
    return {"test_cards": TEST_CARDS}


@blueprint.get("/")
def show_home() -> str:
    """This function will show the newest of everything."""
    world = the_world()
    with world.turn(reading=True):
        store = world.store
        deliveries: dict[str, list] = {}
        for delivery in store.find("_delivery"):
            deliveries.setdefault(delivery["event"], []).append(delivery)
        return render_template(
            "home.html",
            events=list(store.find("event"))[:-41:-1],
            deliveries=deliveries,
            customers=[one for one in store.find("customer") if not one.get("deleted")][:-21:-1],
            subscriptions=list(store.find("subscription"))[:-21:-1],
            charges=list(store.find("charge"))[:-21:-1],
            endpoints=list(store.find("webhook_endpoint")),
        )


@blueprint.post("/home/events/<identifier>/resend")
def resend(identifier: str) -> Response | tuple[str, int]:
    """This function will deliver an event once more to everybody who was told."""
    world = the_world()
    with world.turn():
        event = world.store.get("event", identifier)
        if event is None:
            return gone()
        for delivery in world.store.find("_delivery", event=identifier):
            if delivery["state"] != "pending":
                event["pending_webhooks"] += delivery["state"] == "delivered"
            delivery |= {"state": "pending", "due": 0.0, "tries": 0}
    return redirect("/", code=303)


@blueprint.post("/home/shops")
def open_a_shop() -> dict[str, str]:
    """This function will open a shop's own account after a few days of trade, and tell the key that opens it."""
    world = the_world()
    with world.lock:
        shop = shops.open_shop(world)
    with shop.world.turn():
        for number, (card, amount) in enumerate(TRADE):
            trade.sell(shop.world, card=card, amount=amount, email=f"shopper-{number}@walk.example")
        balance.pay_out(shop.world)
    return {"account": shop.account, "key": shop.key()}


@blueprint.post("/home/charges/<identifier>/<act>")
def act_on_charge(identifier: str, act: str) -> Response | tuple[str, int]:
    """This function will refund or dispute a charge, as a merchant or a card holder would."""
    world = the_world()
    with world.turn():
        charge = world.store.get("charge", identifier)
        if charge is None or charge["status"] != "succeeded":
            return gone()
        if act == "refund" and not charge["refunded"]:
            returning.refund(world, charge=charge, reason="requested_by_customer")
        elif act == "dispute" and not charge["disputed"]:
            returning.complain(world, charge=charge, detail=request.form.get("reason") or "fraudulent")
    return redirect("/", code=303)
