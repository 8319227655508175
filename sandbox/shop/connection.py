"""How the shop is connected to Regulars: the keys that its owner pastes, and what is told when they change."""

import json
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

from sandbox.demo import items
from sandbox.shop import hooks, shelf

KEYS = ("crm_url", "site_key", "hook_url", "hook_secret", "form")
RECENT = timedelta(days=90)


def read(book):
    """This function will return the settings, with the CRM's address taken from the hook's where it is missing."""
    found = {key: book.setting(key) for key in KEYS}
    if not found["crm_url"] and found["hook_url"]:
        parts = urlsplit(found["hook_url"])
        found["crm_url"] = f"{parts.scheme}://{parts.netloc}"
    return found


def save(book, given):
    """This function will keep the settings in `given`; what waits is due at once, or dropped with the connection."""
    with book.change():
        for key in KEYS:
            if given.get(key) is not None:
                value = str(given[key]).strip()
                book.keep(key, value.rstrip("/") if key.endswith("_url") else value)
        if book.setting("hook_url"):
            hooks.try_again(book)
        else:
            hooks.forget_waiting(book)


def check(given):
    """This function will return what is wrong with the settings, by field."""
    wrong = {}
    for key in ("crm_url", "hook_url"):
        parts = urlsplit(given.get(key) or "")
        if given.get(key) and (parts.scheme not in ("http", "https") or not parts.netloc):
            wrong[key] = "This must be a web address that begins with http:// or https://."
    if given.get("site_key") and not given["site_key"].strip().startswith("pk_"):
        wrong["site_key"] = "A site key begins with pk_."
    if given.get("hook_url") and not given.get("hook_secret"):
        wrong["hook_secret"] = "The secret is needed to sign what is sent."
    return wrong


def tell(book, kind, data):
    """This function will queue one change for the CRM; without a connection there is nobody to tell."""
    if book.setting("hook_url"):
        hooks.queue(book, kind, data)


def tell_all(book, *, shop_url, past):
    """This function will queue all products, what happened live in the shop, and as much of the past as is wished.

    `past` is "none", "recent" (orders of 90 days and their customers) or "all".
    """
    since = {"none": "9999", "recent": (datetime.now(UTC) - RECENT).isoformat(), "all": ""}[past]
    with book.change():
        for row in book.rows("SELECT * FROM products ORDER BY place"):
            tell(book, "product.updated", shelf.item(row, shop_url=shop_url))
        orders = book.rows("SELECT email, item FROM orders WHERE live OR placed_at >= ? ORDER BY placed_at", since)
        buyers = {row["email"] for row in orders}
        for row in book.rows("SELECT * FROM customers ORDER BY rowid"):
            if row["live"] or past == "all" or row["email"] in buyers:
                tell(book, "customer.updated", json.loads(row["item"]))
        for row in orders:
            tell(book, "order.updated", json.loads(row["item"]))


def identity(book, customer, *, proven):
    """This function will return who is browsing, signed by this server when they have signed in here."""
    known = {"email": customer["email"], "external_id": customer["external_id"]}
    secret = book.setting("hook_secret")
    return {**known, "signature": items.signature(known, secret=secret)} if proven and secret else known


def health(book):
    """This function will say in a sentence whether the CRM gets what it should."""
    if not book.setting("hook_url"):
        return "quiet", "Not connected: nothing is sent yet."
    counts = hooks.counts(book)
    if counts["failing"]:
        last = book.row("SELECT answer FROM deliveries WHERE done_at IS NULL AND attempts ORDER BY id DESC LIMIT 1")
        return "bad", f"{counts['waiting']} messages wait; the last try was answered: {last['answer'] or 'nothing'}"
    if counts["waiting"]:
        return "busy", f"{counts['waiting']} messages are on their way."
    done = book.row("SELECT max(done_at) AS at FROM deliveries")["at"]
    return "good", f"All told; the last message was taken {ago(done)}." if done else "Connected; nothing to tell yet."


def ago(moment):
    seconds = time.time() - moment
    return (
        "just now"
        if seconds < 60
        else f"{seconds // 60:.0f} min ago"
        if seconds < 3600
        else f"{seconds // 3600:.0f} h ago"
    )
