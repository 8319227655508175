"""A sale in a shop's own account, without the shop: for people who want something to look at."""

from sandbox.stripe import errors
from sandbox.stripe.lifecycle import methods, paying
from sandbox.stripe.store import Document
from sandbox.stripe.world import World


def sell(world: World, *, card: str, amount: int, email: str, currency: str = "eur") -> Document:
    """This function will have somebody pay with a named test card; a declined payment stays as declined."""
    intent = paying.open_intent(world, amount=amount, currency=currency)
    intent["receipt_email"] = email
    method = methods.resolve(world, f"pm_card_{card}", owner=None)
    try:
        paying.confirm(world, intent=intent, method=method)
    except errors.CardRefused:
        pass
    return intent
