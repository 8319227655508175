"""The portal's cards: a new one, another default, one less."""

from flask import redirect, request

from sandbox.stripe import errors, events
from sandbox.stripe.lifecycle import methods, paying
from sandbox.stripe.pages import blueprint, gone, the_world, typed
from sandbox.stripe.pages.portal import Answer, after, enter
from sandbox.stripe.shapes import payments


@blueprint.get("/p/session/<secret>/card")
def show_card_form(secret: str) -> Answer:
    """This function will ask for a new card."""
    with the_world().turn():
        visit = enter(secret)
        if visit is None or not visit.may("payment_method_update"):
            return gone()
        return visit.draw("portal_card.html", form={}, wrong={}, countries=typed.COUNTRIES)


@blueprint.post("/p/session/<secret>/card")
def save_card(secret: str) -> Answer:
    """This function will keep a new card and charge it from now on; the bank may ask first."""
    try:
        with the_world().turn():
            visit = enter(secret)
            if visit is None or not visit.may("payment_method_update"):
                return gone()
            world, customer = visit.world, visit.customer
            method = typed.card(world, request.form, owner=customer, email=customer["email"])
            intent = payments.setup_intent(customer=customer["id"], created=world.now(customer))
            intent |= {"_make_default": True, "_clock": customer["test_clock"]}
            world.store.add(intent)
            events.emit(world, "setup_intent.created", intent)
            paying.set_up(world, intent=intent, method=method, return_url=world.base_url + visit.home)
            if intent["status"] == "requires_action":
                return redirect(intent["next_action"]["redirect_to_url"]["url"], code=303)
            methods.set_default(world, method=method, customer=customer)
            return after(visit)
    except errors.Refused as problem:
        wrong = typed.blame(problem)
    with the_world().turn():
        return enter(secret).draw(
            "portal_card.html", form=request.form, wrong=wrong, countries=typed.COUNTRIES, status=402
        )


@blueprint.post("/p/session/<secret>/cards/<method>/<act>")
def change_card(secret: str, method: str, act: str) -> Answer:
    """This function will make a card the default, or take it away."""
    with the_world().turn():
        visit = enter(secret)
        found = visit and visit.world.store.get("payment_method", method)
        if not found or found["customer"] != visit.customer["id"] or not visit.may("payment_method_update"):
            return gone()
        if act == "default":
            methods.set_default(visit.world, method=found, customer=visit.customer)
        elif act == "remove":
            methods.detach(visit.world, method=found)
        return redirect(visit.home, code=303)
