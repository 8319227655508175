"""From what a request names (a price, or a price made on the spot) to the price itself."""

from typing import Any

from sandbox.stripe import errors, events
from sandbox.stripe.shapes import catalog
from sandbox.stripe.store import Document
from sandbox.stripe.world import World


def named(world: World, item: dict[str, Any], *, param: str) -> Document:
    """This function will give the price of an item, making it when ``price_data`` was sent."""
    if item.get("price_data"):
        return make(world, item["price_data"], param=f"{param}[price_data]")
    if not item.get("price"):
        raise errors.Refused(
            f"Missing required param: {param}[price].", code="parameter_missing", param=f"{param}[price]"
        )
    price = world.one("price", item["price"], param=f"{param}[price]")
    if not price["active"]:
        raise errors.Refused(
            "The price specified is inactive. This field only accepts active prices.", param=f"{param}[price]"
        )
    return price


def recurring(world: World, item: dict[str, Any], *, param: str) -> tuple[Document, int]:
    """This function will give price and quantity of something to subscribe to."""
    price = named(world, item, param=param)
    if price["type"] != "recurring":
        raise errors.Refused(
            f"The price specified is set to `type=one_time` but this field only accepts prices with `type=recurring`. "
            f"({price['id']})",
            param=f"{param}[price]",
        )
    quantity = item.get("quantity")
    return price, 1 if quantity is None else quantity


def one_time(world: World, item: dict[str, Any], *, param: str) -> tuple[Document, int]:
    """This function will give price and quantity of something to buy once."""
    price = named(world, item, param=param)
    if price["type"] != "one_time":
        raise errors.Refused(
            "The price specified is set to `type=recurring` but this field only accepts prices with `type=one_time`.",
            param=f"{param}[price]",
        )
    return price, item.get("quantity") or 1


def agree(prices: list[Document]) -> tuple[str, dict[str, Any]]:
    """This function will give the one currency and rhythm of several prices, or refuse a mixture."""
    if not prices:
        raise errors.Refused("Missing required param: items.", code="parameter_missing", param="items")
    if len({price["currency"] for price in prices}) > 1:
        raise errors.Refused("All prices on a subscription must have the same `currency`.", param="items")
    rhythms = {(price["recurring"]["interval"], price["recurring"]["interval_count"]) for price in prices}
    if len(rhythms) > 1:
        raise errors.Refused("The sandbox bills all items of a subscription at the same interval.", param="items")
    if len({price["id"] for price in prices}) < len(prices):
        raise errors.Refused("Cannot add multiple subscription items with the same price.", param="items")
    return prices[0]["currency"], prices[0]["recurring"]


def make(world: World, data: dict[str, Any], *, param: str) -> Document:
    """This function will make a price of ``price_data``, and its product when that is new too."""
    amount = data.get("unit_amount_decimal") or data.get("unit_amount")
    if amount is None:
        raise errors.Refused(
            f"Missing required param: {param}[unit_amount].", code="parameter_missing", param=f"{param}[unit_amount]"
        )
    if data.get("product_data"):
        product = catalog.product(name=data["product_data"]["name"], created=world.now())
        product["description"] = data["product_data"].get("description")
        world.store.add(product)
        events.emit(world, "product.created", product)
    else:
        product = world.one("product", data.get("product"), param=f"{param}[product]")
    price = catalog.price(
        product=product["id"],
        currency=data["currency"].lower(),
        unit_amount_decimal=str(amount),
        recurring=data.get("recurring"),
        created=world.now(),
    )
    world.store.add(price)
    events.emit(world, "price.created", price)
    return price
