"""Discounts with their codes, as the Admin API makes them and the checkout honours them."""

from datetime import UTC, datetime

from graphql import GraphQLError

RIGHT = "write_discounts"
MOST = 250
SHIPPING = 3.9


class Refused(Exception):
    """The checkout does not take a code; the message is what the shopper reads."""


class Discounts:
    """The shop's discounts by id; each code with its own id and uses. `slow` looks at new codes say that they are not done."""

    def __init__(self, shop):
        self.shop, self.held, self.work, self.slow = shop, {}, {}, 0
        self.allowed = True

    def fields(self):
        """This function will return what the API answers about discounts, by field."""
        return {
            "codeDiscountNodeByCode": lambda code: self._by_code(code),
            "discountRedeemCodeBulkCreation": lambda id: self._look(id),
            "collections": lambda query=None, **_: self._collections(query),
            "discountCodeBasicCreate": lambda basicCodeDiscount: self._create(basicCodeDiscount, "DiscountCodeBasic"),
            "discountCodeFreeShippingCreate": lambda freeShippingCodeDiscount: self._create(freeShippingCodeDiscount, "DiscountCodeFreeShipping"),
            "discountRedeemCodeBulkAdd": lambda discountId, codes: self._add(discountId, codes),
            "discountCodeDeactivate": lambda id: self._end(id),
            "discountCodeRedeemCodeBulkDelete": lambda discountId, ids=None, search=None, **_: self._delete(discountId, ids, search),
        }  # fmt: skip

    def _require(self, field):
        if not self.allowed:
            raise GraphQLError(
                f"Access denied for {field} field. Required access: `{RIGHT}` access scope.",
                extensions={"code": "ACCESS_DENIED"},
            )

    def codes(self):
        """This function will return every code in capitals with its discount and its own record."""
        return {code["code"].upper(): (one, code) for one in self.held.values() for code in one["codes"]}

    def _by_code(self, code):
        self._require("codeDiscountNodeByCode")
        found = self.codes().get(code.upper())
        return found and shown(found[0])

    def _collections(self, query):
        known = {one["id"]: one for product in self.shop.things.products.values() for one in product["collections"]}
        return [one for one in known.values() if not query or one["title"] in query]

    def _create(self, given, kind):
        self._require("discountCodeBasicCreate")
        if given["code"].upper() in self.codes():
            return {"codeDiscountNode": None, "userErrors": [{"field": ["code"], "message": "Code must be unique. Please try a different code.", "code": "TAKEN"}]}  # fmt: skip
        key = self.shop.things._id("DiscountCodeNode")
        self.held[key] = {
            "id": key,
            "kind": kind,
            "given": given,
            "status": "ACTIVE",
            "codes": [self._code(given["code"])],
        }
        return {"codeDiscountNode": shown(self.held[key]), "userErrors": []}

    def _code(self, code):
        return {"id": self.shop.things._id("DiscountRedeemCode"), "code": code, "asyncUsageCount": 0}

    def _add(self, key, codes):
        self._require("discountRedeemCodeBulkAdd")
        if key not in self.held or len(codes) > MOST:
            return {
                "bulkCreation": None,
                "userErrors": [{"field": ["codes"], "message": "Codes cannot be added.", "code": "INVALID"}],
            }
        rows = []
        for one in codes:
            taken = one["code"].upper() in self.codes()
            made = None if taken else self._code(one["code"])
            if made:
                self.held[key]["codes"].append(made)
            errors = (
                [{"field": None, "message": "must be unique. Please try a different code.", "code": "TAKEN"}]
                if taken
                else []
            )
            rows.append({"code": one["code"], "errors": errors, "discountRedeemCode": made})
        work = self.shop.things._id("DiscountRedeemCodeBulkCreation")
        self.work[work] = {"id": work, "codes": rows, "looks": self.slow}
        return {"bulkCreation": self._look(work, quietly=True), "userErrors": []}

    def _look(self, key, quietly=False):
        found = self.work.get(key)
        if found is None:
            return None
        done = found["looks"] <= 0
        found["looks"] -= not quietly
        failed = sum(bool(one["errors"]) for one in found["codes"])
        return {"id": key, "done": done, "codesCount": len(found["codes"]), "importedCount": len(found["codes"]) - failed, "failedCount": failed,
                "codes": found["codes"] if done else []}  # fmt: skip

    def _end(self, key):
        self._require("discountCodeDeactivate")
        if key not in self.held:
            return {
                "codeDiscountNode": None,
                "userErrors": [{"field": ["id"], "message": "Code discount does not exist.", "code": "INVALID"}],
            }
        self.held[key]["status"] = "EXPIRED"
        return {"codeDiscountNode": shown(self.held[key]), "userErrors": []}

    def _delete(self, key, ids, search):
        self._require("discountCodeRedeemCodeBulkDelete")
        word = (search or "").removeprefix("code:").upper()
        discount = self.held[key]
        discount["codes"] = [
            one for one in discount["codes"] if one["id"] not in (ids or ()) and one["code"].upper() != word
        ]
        return {"userErrors": []}

    def use(self, code, order):
        """This function will take a code off an order as the checkout does; raises Refused."""
        found = self.codes().get(code.upper())
        if found is None or found[0]["status"] != "ACTIVE":
            raise Refused("Enter a valid discount code or gift card")
        (discount, own), given = found, found[0]["given"]
        ends = given.get("endsAt")
        if ends and datetime.fromisoformat(str(ends)) <= datetime.now(UTC):
            raise Refused("Discount code has expired")
        if given.get("usageLimit") and own["asyncUsageCount"] >= given["usageLimit"]:
            raise Refused("Discount code has reached its usage limit")
        total = float(order["totalPriceSet"]["shopMoney"]["amount"])
        goods = total - SHIPPING
        if goods < float(
            ((given.get("minimumRequirement") or {}).get("subtotal") or {}).get("greaterThanOrEqualToSubtotal") or 0
        ):
            raise Refused("The order is too small for this discount code")
        value = (given.get("customerGets") or {}).get("value") or {}
        off = SHIPPING if discount["kind"] == "DiscountCodeFreeShipping" else (
            goods * value["percentage"] if value.get("percentage") else min(float(value["discountAmount"]["amount"]), goods)
        )  # fmt: skip
        own["asyncUsageCount"] += 1
        side = {"amount": f"{total - off:.2f}", "currencyCode": order["currencyCode"]}
        order |= {
            name: {"shopMoney": side, "presentmentMoney": side} for name in ("totalPriceSet", "currentTotalPriceSet")
        }
        order["discountCodes"] = [*order["discountCodes"], own["code"]]


def shown(discount):
    """This function will return a discount as the API shows it."""
    return {"__typename": "DiscountCodeNode", "id": discount["id"], "codeDiscount": {
        "__typename": discount["kind"], "title": discount["given"]["title"], "status": discount["status"], "codes": discount["codes"],
    }}  # fmt: skip
