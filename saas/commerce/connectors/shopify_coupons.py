"""Codes in a Shopify shop: a discount for each end that codes have, and up to 250 codes a call into it.

Sources: discountCodeBasicCreate, discountCodeFreeShippingCreate, discountRedeemCodeBulkAdd and their objects in the Admin
API. All codes of a discount end together, so each day on which codes end has one of its own; the first code is made with it.
Adding codes is worked off by Shopify after it answered, so it is asked until that is done. A code that Shopify calls taken
is looked up: it is ours when it belongs to our discount, which an answer that was lost had made.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from saas.commerce.connectors import shopify_discount_documents as documents
from saas.commerce.connectors import shopify_oauth
from saas.commerce.connectors.past import KeysRefused, StoreBusy, StoreRefused
from saas.commerce.connectors.shopify_graphql import Api, user_errors
from saas.commerce.connectors.till import Taken, Terms
from saas.commerce.refusal_words import Reason
from saas.kit import clock

RIGHT = "write_discounts"
NO_RIGHT = Reason("coupon_no_right")
LOOKS, PAUSE, LOOKED_UP = 20, 0.5, 50


class Till:
    """A shop that takes codes."""

    most = 250

    def __init__(self, keys: dict[str, Any], *, wait: Callable[[float], None] = time.sleep) -> None:
        self.keys, self._wait = keys, wait
        self.api = Api(keys["domain"], keys.get("token") or "")

    def renewed(self) -> dict[str, Any] | None:
        """Return keys with a new token when the old one is about to end, or None."""
        keys = shopify_oauth.renewed(self.keys)
        if keys is not None:
            self.keys, self.api = keys, Api(keys["domain"], keys["token"])
        return keys

    def write(self, terms: Terms, codes: Sequence[str], at_shop: Mapping[str, Any]) -> Taken:
        """Put codes into the discount that ends with them."""
        series, taken = dict(at_shop.get("series") or {}), Taken()
        end = terms.ends_at.isoformat() if terms.ends_at else ""
        rest = list(codes)
        if end not in series:
            first, key = self._discount(terms, rest[0])
            if first is None:
                taken.elsewhere.add(rest[0])
                return taken
            series[end], taken.ready[rest[0]] = first, key
            rest = rest[1:]
        taken.at_shop["series"] = series
        if rest:
            self._add(series[end], rest, taken)
        return taken

    def stop(self, terms: Terms, codes: Mapping[str, str], at_shop: Mapping[str, Any], *, whole: bool) -> set[str]:
        """Switch the discounts off when the coupon is over, else delete these codes."""
        series = (at_shop.get("series") or {}).values()
        if whole:
            for discount in series:
                self._done("discountCodeDeactivate", self._ask(documents.DEACTIVATE, id=discount))
            return set(codes)
        owners = self._owners(list(codes))
        for discount in set(owners.values()) & set(series):
            mine = [code for code, owner in owners.items() if owner == discount]
            ids = [codes[code] for code in mine if codes[code]]
            if ids:
                self._done("discountCodeRedeemCodeBulkDelete", self._ask(documents.DELETE, id=discount, ids=ids))
            for code in mine:
                if not codes[code]:
                    self._done(
                        "discountCodeRedeemCodeBulkDelete",
                        self._ask(documents.DELETE_FOUND, id=discount, search=f"code:{code}"),
                    )
        return set(codes)

    def absent(self, codes: Mapping[str, str], at_shop: Mapping[str, Any]) -> set[str]:
        """Look codes up; what belongs to no discount of ours was deleted."""
        owners, series = self._owners(list(codes)), set((at_shop.get("series") or {}).values())
        return {code for code in codes if owners.get(code) not in series}

    def _discount(self, terms: Terms, code: str) -> tuple[str | None, str]:
        """Make a discount with its first code and return both ids, or find the one that an answer that was lost had made."""
        field, document = (
            ("discountCodeFreeShippingCreate", documents.CREATE_SHIPPING)
            if terms.kind == "shipping"
            else ("discountCodeBasicCreate", documents.CREATE)
        )
        answer = self._ask(document, given=self._input(terms, code))
        problems = user_errors(answer, field)
        if any(str(one.get("code")) == "TAKEN" for one in problems):
            held = (self._ask(documents.BY_CODE, code=code) or {}).get("codeDiscountNodeByCode") or {}
            mine = terms.mark in str((held.get("codeDiscount") or {}).get("title") or "")
            return (held.get("id") if mine else None), ""
        _refuse(problems)
        node = (answer.get(field) or {}).get("codeDiscountNode") or {}
        made = ((node.get("codeDiscount") or {}).get("codes") or {}).get("nodes") or []
        if not node.get("id"):
            raise StoreRefused(Reason("shopify_no_discount"))
        return node["id"], str(made[0]["id"]) if made else ""

    def _input(self, terms: Terms, code: str) -> dict[str, Any]:
        given: dict[str, Any] = {
            "title": f"{terms.name} ({terms.mark})"[:255], "code": code, "startsAt": _stamp(terms.starts_at or clock.now()),
            "endsAt": _stamp(terms.ends_at) if terms.ends_at else None, "usageLimit": terms.uses, "context": {"all": "ALL"},
            "appliesOncePerCustomer": terms.per_customer == 1,
            "combinesWith": {"orderDiscounts": not terms.alone, "productDiscounts": not terms.alone, "shippingDiscounts": not terms.alone},
        }  # fmt: skip
        if terms.least:
            given["minimumRequirement"] = {"subtotal": {"greaterThanOrEqualToSubtotal": terms.least}}
        if terms.kind == "shipping":
            if not terms.alone:  # one that frees from the cost of shipping cannot be combined with its like
                given["combinesWith"] = {"orderDiscounts": True, "productDiscounts": True}
            return given | {"destination": {"all": True}}
        worth: dict[str, Any] = {"percentage": float(terms.percent) / 100} if terms.kind == "percent" else {
            "discountAmount": {"amount": terms.amount, "appliesOnEachItem": False}
        }  # fmt: skip
        items: dict[str, Any] = {"all": True}
        if terms.products:
            items = {"products": {"productsToAdd": [_gid(key) for key in terms.products]}}
        elif terms.categories:
            items = {"collections": {"add": [self._collection(name) for name in terms.categories]}}
        return given | {"customerGets": {"value": worth, "items": items}}

    def _collection(self, name: str) -> str:
        said = name.replace("\\", "").replace("'", "\\'")
        found = (self._ask(documents.COLLECTION, query=f"title:'{said}'").get("collections") or {}).get("nodes") or []
        mine = [one["id"] for one in found if one.get("title") == name]
        if not mine:
            raise StoreRefused(Reason("shopify_no_collection", name=name[:80]))
        return mine[0]

    def _add(self, discount: str, codes: Sequence[str], taken: Taken) -> None:
        """Add codes to a discount, and wait until Shopify has worked them off."""
        answer = self._ask(documents.ADD, id=discount, codes=[{"code": code} for code in codes])
        _refuse(user_errors(answer, "discountRedeemCodeBulkAdd"))
        work = ((answer.get("discountRedeemCodeBulkAdd") or {}).get("bulkCreation") or {}).get("id")
        for _look in range(LOOKS):
            found = self._ask(documents.ADDED, id=work).get("discountRedeemCodeBulkCreation") or {}
            if found.get("done"):
                break
            self._wait(PAUSE)
        else:
            raise StoreBusy(Reason("shopify_still_taking"), seconds=5, quiet=True)
        unsure = []
        for one in (found.get("codes") or {}).get("nodes") or []:
            if one.get("discountRedeemCode"):
                taken.ready[one["code"]] = str(one["discountRedeemCode"]["id"])
            elif any(str(problem.get("code")) == "TAKEN" for problem in one.get("errors") or ()):
                unsure.append(one["code"])
            else:
                why = next((str(problem.get("message")) for problem in one.get("errors") or ()), "no reason given")
                taken.refused[one["code"]] = Reason("shopify_said", said=why[:200])
        if unsure:
            owners = self._owners(unsure)
            for code in unsure:
                if owners.get(code) == discount:
                    taken.ready[code] = ""
                else:
                    taken.elsewhere.add(code)

    def _owners(self, codes: Sequence[str]) -> dict[str, str]:
        """Return the discounts that codes belong to, fifty looked up a question."""
        found: dict[str, str] = {}
        for start in range(0, len(codes), LOOKED_UP):
            part = codes[start : start + LOOKED_UP]
            answer = self._ask(documents.owners(len(part)), **{f"c{place}": code for place, code in enumerate(part)})
            for place, code in enumerate(part):
                if (node := answer.get(f"r{place}")) is not None:
                    found[code] = node["id"]
        return found

    def _ask(self, document: str, **variables: Any) -> dict[str, Any]:
        try:
            return self.api.ask(document, **variables)
        except StoreRefused as refusal:
            if RIGHT in refusal.message or "discounts" in refusal.message and "lacks a right" in refusal.message:
                raise KeysRefused(NO_RIGHT) from None
            raise

    def _done(self, field: str, answer: dict[str, Any]) -> None:
        problems = [one for one in user_errors(answer, field) if "not exist" not in str(one.get("message"))]
        _refuse(problems)


def _refuse(problems: Sequence[Mapping[str, Any]]) -> None:
    if problems:
        raise StoreRefused(Reason("shopify_said", said=str(problems[0].get("message"))[:200]))


def _gid(key: str) -> str:
    if key.startswith("gid://shopify/Product/"):
        return key
    if not key.isdigit():
        raise StoreRefused(Reason("shopify_no_product", key=key[:80]))
    return f"gid://shopify/Product/{key}"


def _stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
