"""Orders: placed from a cart, shipped by the owner, sent back by the shopper; each change is told to the CRM."""

import json

from sandbox.demo import catalogue
from sandbox.shop import carts, coupons, shelf

FIRST_NUMBER = 50_001  # above the simulated ones


class SoldOut(Exception):
    """Something in the cart is no longer there in that quantity."""


def place(book, *, cart_id, customer, visitor, coupon=""):
    """This function will turn a cart into a paid order and return its item."""
    with book.change():
        content = carts.lines(book, cart_id)
        missing = [line["name"] for line in content if line["stock"] is not None and line["stock"] < line["quantity"]]
        if missing:
            raise SoldOut(f"There is not enough left of: {', '.join(missing)}.")
        for line in content:
            shelf.take(book, line["external_id"], line["quantity"])
        number = int(book.setting("next_number", str(FIRST_NUMBER)))
        book.keep("next_number", str(number + 1))
        book.rows("UPDATE carts SET ordered = 1 WHERE id = ?", cart_id)
        off, free = coupons.worth(book, coupon, content, carts.sums(content)) if coupon else (0, False)
        item = write(
            number, content, cart_id=cart_id, customer=customer, visitor=visitor, coupon=coupon, off=off, free=free
        )
        if coupon:
            coupons.use(book, coupon)
        book.rows(
            "INSERT INTO orders VALUES (?, ?, ?, ?, 1)",
            item["external_id"], customer["email"], item["placed_at"], json.dumps(item),
        )  # fmt: skip
    return item


def write(number, content, *, cart_id, customer, visitor, coupon="", off=0, free=False):
    sums, now = carts.sums(content, off, free), shelf.now()
    return {
        "external_id": f"shop-o-{number}",
        "number": f"FK-{number}",
        "placed_at": now,
        "updated_at": now,
        "status": "paid",
        "currency": "EUR",
        "customer": customer,
        **({"visitor": visitor} if visitor else {}),
        "cart_id": cart_id,
        "lines": [
            {
                "position": position,
                "product": line["external_id"],
                "sku": line["sku"],
                "name": line["name"],
                "quantity": line["quantity"],
                "unit_price": catalogue.decimal(line["cents"]),
            }
            for position, line in enumerate(content, 1)
        ],
        "shipping": catalogue.decimal(sums["shipping"]),
        "tax": "0.00",
        "discount": catalogue.decimal(off),
        **({"discounts": [{"code": coupon.upper(), "amount": catalogue.decimal(off)}]} if coupon else {}),
        "total": catalogue.decimal(sums["total"]),
        "refunds": [],
    }


def one(book, external_id):
    found = book.row("SELECT item FROM orders WHERE external_id = ?", external_id)
    return json.loads(found["item"]) if found else None


def of(book, email):
    """This function will return a customer's orders, newest first."""
    found = book.rows("SELECT item FROM orders WHERE email = ? ORDER BY placed_at DESC LIMIT 100", email)
    return [json.loads(row["item"]) for row in found]


def newest(book, limit):
    found = book.rows("SELECT item FROM orders ORDER BY placed_at DESC LIMIT ?", limit)
    return [json.loads(row["item"]) for row in found]


def ship(book, external_id):
    """This function will mark a paid order as sent, and return it, or None when it cannot be sent."""
    return update(book, external_id, only=("paid",), status="fulfilled")


def give_back(book, external_id, *, reason):
    """This function will refund an order in full, and return it, or None when there is nothing to refund."""
    with book.change():
        item = one(book, external_id)
        given = sum(cents(refund["amount"]) for refund in item["refunds"]) if item else 0
        if not item or cents(item["total"]) <= given:
            return None
        refund = {
            "external_id": f"{external_id}-r{len(item['refunds']) + 1}",
            "amount": catalogue.decimal(cents(item["total"]) - given),
            "at": shelf.now(),
            "reason": reason,
        }
        return update(
            book, external_id, only=("paid", "fulfilled"), status="refunded", refunds=[*item["refunds"], refund]
        )


def update(book, external_id, *, only, **changes):
    with book.change():
        item = one(book, external_id)
        if not item or item["status"] not in only:
            return None
        item |= {**changes, "updated_at": shelf.now()}
        book.rows("UPDATE orders SET item = ?, live = 1 WHERE external_id = ?", json.dumps(item), external_id)
    return item


def cents(amount):
    return round(float(amount) * 100)
