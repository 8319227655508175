"""Accounts: an address is enough to sign in, because nothing in a demo is worth a password."""

import json
import re
import secrets

from sandbox.shop import shelf

ADDRESS = re.compile(r"[^@\s<>]+@[^@\s<>]+\.[^@\s<>.]+")


def by_email(book, email):
    """This function will return the customer item of an address, or None."""
    found = book.row("SELECT item FROM customers WHERE email = ?", email.strip().lower())
    return json.loads(found["item"]) if found else None


def by_id(book, external_id):
    found = book.row("SELECT item FROM customers WHERE external_id = ?", external_id or "")
    return json.loads(found["item"]) if found else None


def save(book, email, *, newsletter=None, **details):
    """This function will open an account for the address or bring it up to date, and return the customer item.

    `newsletter` True grants and False withdraws the consent to mails; None leaves it.
    """
    email = email.strip().lower()
    with book.change():
        item = by_email(book, email) or blank(email)
        before = json.dumps(item)
        item |= {name: value for name, value in details.items() if value}
        if newsletter is not None:
            item["consent"] = {"email": "granted" if newsletter else "withdrawn"}
        changed = json.dumps(item) != before or not item["updated_at"]
        if changed:
            item["updated_at"] = shelf.now()
            book.rows(
                "INSERT INTO customers VALUES (?, ?, ?, 1)"
                " ON CONFLICT (external_id) DO UPDATE SET item = excluded.item, live = 1",
                item["external_id"], email, json.dumps(item),
            )  # fmt: skip
    return item, changed


def blank(email):
    first, _, last = email.partition("@")[0].partition(".")
    return {
        "external_id": f"shop-{secrets.token_hex(6)}",
        "email": email,
        "phone": None,
        "first_name": re.sub(r"\W|\d", "", first).title(),
        "last_name": re.sub(r"\W|\d", "", last).title(),
        "company": None,
        "language": "en",
        "country": None,
        "city": None,
        "postcode": None,
        "tags": ["simulated"],
        "consent": {"email": "unknown"},
        "created_at": shelf.now(),
        "updated_at": None,
    }
