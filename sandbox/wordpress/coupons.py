"""Coupons of the store, as its REST API takes and its checkout honours them."""

import itertools
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from sandbox.wordpress import keys

MOST = 100
STAMP = "%Y-%m-%dT%H:%M:%S"
EXISTS = {
    "code": "woocommerce_rest_coupon_code_already_exists",
    "message": "The coupon code already exists",
    "data": {"status": 400},
}
INVALID = {"code": "woocommerce_rest_shop_coupon_invalid_id", "message": "Invalid ID.", "data": {"status": 404}}
KINDS = ("percent", "fixed_cart", "fixed_product")


class Refused(Exception):
    """The checkout does not take a code; the message is what the shopper reads."""


class Coupons:
    """The store's coupons by id. `lost` batches are worked off and their answers are not sent; `bad` codes are refused;
    `endless` is a store in which a plugin takes ends away."""

    def __init__(self, store):
        self.store, self.held, self.ids = store, {}, itertools.count(900)
        self.lost, self.bad, self.endless = 0, set(), False

    def answer(self, call, rest):
        """This function will return status and body for a question about coupons; raises keys.Refused."""
        if rest == "batch" and call.method == "POST":
            return self.batch(call.body)
        if not rest and call.method == "GET":
            return 200, self.listed(call.query)
        if not rest:
            made = self.create(call.body)
            return (400, made["error"]) if "error" in made else (201, made)
        found = self.held.get(int(rest) if rest.isdigit() else 0)
        if found is None:
            raise keys.Refused(404, INVALID["code"], INVALID["message"])
        if call.method == "DELETE":
            del self.held[found["id"]]
        return 200, found

    def listed(self, query):
        rows = sorted(self.held.values(), key=lambda row: row["id"], reverse=True)
        if query.get("code"):
            rows = [row for row in rows if row["code"] == query["code"].lower()]
        if query.get("include"):
            rows = [row for row in rows if str(row["id"]) in query["include"].split(",")]
        return rows[: int(query.get("per_page", 10))]

    def batch(self, given):
        if sum(len(given.get(name) or ()) for name in ("create", "update", "delete")) > MOST:
            raise keys.Refused(
                413,
                "woocommerce_rest_request_entity_too_large",
                "Unable to accept more than 100 items for this request.",
            )
        done = {}
        if given.get("create"):
            done["create"] = [self.create(one) for one in given["create"]]
        if given.get("delete"):
            done["delete"] = [self.held.pop(one, None) or {"id": one, "error": INVALID} for one in given["delete"]]
        if self.lost:
            self.lost -= 1
            return 504, {"code": "gateway_timeout", "message": "Gateway timeout"}
        return 200, done

    def create(self, given):
        code = str(given.get("code") or "").lower()
        if any(row["code"] == code for row in self.held.values()):
            return {"id": 0, "error": EXISTS}
        if code in self.bad or given.get("discount_type") not in KINDS:
            return {
                "id": 0,
                "error": {
                    "code": "rest_invalid_param",
                    "message": "Invalid parameter(s): code",
                    "data": {"status": 400},
                },
            }
        key = next(self.ids)
        self.held[key] = {
            "id": key, "code": code, "amount": f"{float(given.get('amount') or 0):.2f}", "date_created_gmt": self.store.now(),
            "discount_type": given["discount_type"], "description": given.get("description", ""), **self.end(given),
            "usage_count": 0, "individual_use": bool(given.get("individual_use")), "product_ids": given.get("product_ids") or [],
            "usage_limit": given.get("usage_limit"), "usage_limit_per_user": given.get("usage_limit_per_user"),
            "free_shipping": bool(given.get("free_shipping")), "product_categories": given.get("product_categories") or [],
            "minimum_amount": f"{float(given.get('minimum_amount') or 0):.2f}", "used_by": [],
        }  # fmt: skip
        return self.held[key]

    def end(self, given):
        """This function will return a coupon's end as WooCommerce keeps it: of `date_expires` alone, in the store's zone unless
        it carries one; what stands in `date_expires_gmt` is thrown away without a word."""
        said = given.get("date_expires")
        if not said or self.endless:
            return {"date_expires": None, "date_expires_gmt": None}
        at, zone = datetime.fromisoformat(said), ZoneInfo(self.store.zone)
        at = at if at.tzinfo else at.replace(tzinfo=zone)
        return {
            name: at.astimezone(where).strftime(STAMP)
            for name, where in (("date_expires", zone), ("date_expires_gmt", UTC))
        }

    def use(self, code, order):
        """This function will take a code off an order as the checkout does; raises Refused."""
        found = next((row for row in self.held.values() if row["code"] == code.lower()), None)
        if found is None:
            raise Refused(f'Coupon "{code}" does not exist!')
        if found["usage_limit"] and found["usage_count"] >= found["usage_limit"]:
            raise Refused("Coupon usage limit has been reached.")
        ends = found["date_expires_gmt"]
        if ends and datetime.fromisoformat(ends).replace(tzinfo=UTC) <= datetime.now(UTC):
            raise Refused("This coupon has expired.")
        total = float(order["total"])
        if total < float(found["minimum_amount"]):
            raise Refused(f"The minimum spend for this coupon is {found['minimum_amount']}.")
        off = (
            total * float(found["amount"]) / 100
            if found["discount_type"] == "percent"
            else min(float(found["amount"]), total)
        )
        found["usage_count"] += 1
        found["used_by"].append(order["billing"]["email"])
        order |= {
            "total": f"{total - off:.2f}", "discount_total": f"{off:.2f}",
            "coupon_lines": [{"id": 1, "code": found["code"], "discount": f"{off:.2f}", "discount_tax": "0.00", "meta_data": []}],
        }  # fmt: skip
        # What was taken off stands with the lines, as WooCommerce writes it: their totals are after it.
        rest = off
        for line in order["line_items"]:
            share = min(rest, float(line["total"]))
            line["total"], rest = f"{float(line['total']) - share:.2f}", rest - share
