"""Carts: a random id in the shopper's cookie and lines in the book, so that a mail can bring a cart back."""

import secrets

from sandbox.demo import catalogue

MOST = 99
FREE_SHIPPING_FROM = 6000
SHIPPING = 490


def lines(book, cart_id):
    """This function will return what is in the cart, with the products as they are now."""
    return book.rows(
        "SELECT p.*, l.quantity, l.quantity * p.cents AS sum_cents FROM cart_lines l"
        " JOIN products p ON p.external_id = l.product WHERE l.cart_id = ? AND p.active ORDER BY p.place",
        cart_id or "",
    )


def open_cart(book, cart_id):
    """This function will return the id of a cart that may still be filled, a new one if need be."""
    if cart_id and is_open(book, cart_id):
        return cart_id
    cart_id = f"shop-cart-{secrets.token_urlsafe(12)}"
    book.rows("INSERT INTO carts (id) VALUES (?)", cart_id)
    return cart_id


def is_open(book, cart_id):
    return book.row("SELECT 1 FROM carts WHERE id = ? AND NOT ordered", cart_id) is not None


def put(book, cart_id, product, quantity):
    """This function will set how many of a product are in the cart, within what is there; 0 takes it out."""
    most = MOST if product["stock"] is None else min(MOST, product["stock"])
    quantity = max(0, min(quantity, most))
    with book.change():
        book.rows("DELETE FROM cart_lines WHERE cart_id = ? AND product = ?", cart_id, product["external_id"])
        if quantity:
            book.rows("INSERT INTO cart_lines VALUES (?, ?, ?)", cart_id, product["external_id"], quantity)
    return quantity


def quantity_of(book, cart_id, external_id):
    found = book.row("SELECT quantity FROM cart_lines WHERE cart_id = ? AND product = ?", cart_id, external_id)
    return found["quantity"] if found else 0


def sums(content, off=0, free=False):
    """This function will return goods, shipping, what a code takes off, and the total in cents."""
    goods = sum(line["sum_cents"] for line in content)
    shipping = 0 if goods >= FREE_SHIPPING_FROM or not goods or free else SHIPPING
    return {
        "goods": goods,
        "shipping": shipping,
        "off": off,
        "total": goods - off + shipping,
        "count": sum(x["quantity"] for x in content),
    }


def event(cart_id, content, *, shop_url):
    """This function will return the cart as the tracker reports it."""
    return {
        "id": cart_id,
        "url": f"{shop_url}/cart/resume/{cart_id}",
        "currency": "EUR",
        "items": [
            {"product": line["external_id"], "quantity": line["quantity"], "price": catalogue.decimal(line["cents"])}
            for line in content
        ],
    }
