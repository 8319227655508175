"""Codes of coupons: taken from the CRM at a signed address, and honoured at the checkout, each as often as it may be."""

import base64
import hmac
import json
import time
from datetime import UTC, datetime

from flask import Blueprint, g, request

from sandbox.shop import hooks

bp = Blueprint("coupons", __name__)
FRESH = 300


class Refused(Exception):
    """The checkout does not take a code; the message is what the shopper reads."""


@bp.post("/hooks/coupons")
def take():
    """This function will take codes, or stop them, when the message is signed with the shop's secret; twice is once."""
    raw, secret = request.get_data(), g.book.setting("hook_secret")
    if not secret or not signed(raw, secret):
        return {"error": {"code": "bad_signature", "message": "This is not signed with our secret."}}, 401
    told = json.loads(raw)
    codes = [str(code).upper() for code in told["data"]["codes"]]
    with g.book.change():
        if told["type"] == "coupons.create":
            terms = json.dumps(told["data"]["coupon"])
            g.book.many("INSERT OR IGNORE INTO coupons (code, terms) VALUES (?, ?)", [(code, terms) for code in codes])
        elif told["type"] == "coupons.stop":
            g.book.many("UPDATE coupons SET stopped = 1 WHERE code = ?", [(code,) for code in codes])
    return {"refused": []}


def signed(raw, secret):
    """This function will tell whether the three headers of Standard Webhooks belong to this body, and are new."""
    message, stamp = request.headers.get("webhook-id", ""), request.headers.get("webhook-timestamp", "")
    if not message or not stamp.isdigit() or abs(time.time() - int(stamp)) > FRESH:
        return False
    good = hooks.signed_headers(message, raw, secret=secret, at=int(stamp))["webhook-signature"]
    given = request.headers.get("webhook-signature", "").split()
    return any(hmac.compare_digest(base64.b64encode(one.encode()), base64.b64encode(good.encode())) for one in given)


def worth(book, code, content, sums):
    """This function will return how many cents a code takes off and whether shipping is free; raises Refused."""
    code = code.strip().upper()
    row = book.row("SELECT * FROM coupons WHERE code = ?", code)
    terms = json.loads(row["terms"]) if row else {}
    if row is None or row["stopped"]:
        raise Refused("We do not know this code.")
    now = datetime.now(UTC)
    if terms.get("starts_at") and datetime.fromisoformat(terms["starts_at"]) > now:
        raise Refused("This code is not good yet.")
    if terms.get("ends_at") and datetime.fromisoformat(terms["ends_at"]) <= now:
        raise Refused("This code has run out.")
    if row["used"] >= terms.get("uses", 1):
        raise Refused("This code was used already.")
    if terms.get("least") and sums["goods"] < round(float(terms["least"]) * 100):
        raise Refused(f"This code is for orders from €{float(terms['least']):.2f}.")
    mine = [line for line in content if fits(line, terms)]
    if not mine:
        raise Refused("This code is for other things than those in your cart.")
    if terms["kind"] == "shipping":
        return 0, True
    goods = sum(line["sum_cents"] for line in mine)
    off = (
        round(goods * float(terms["percent"]) / 100)
        if terms["kind"] == "percent"
        else round(float(terms["amount"]) * 100)
    )
    return min(off, goods), False


def fits(line, terms):
    only, kinds = terms.get("products") or [], terms.get("categories") or []
    return not (only or kinds) or line["external_id"] in only or line["category"] in kinds


def use(book, code):
    book.rows("UPDATE coupons SET used = used + 1 WHERE code = ?", code.strip().upper())
