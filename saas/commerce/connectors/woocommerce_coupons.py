"""Codes in a WooCommerce store: each is a coupon of its own there, made a hundred at a time.

Sources: the chapters Coupons and Batch update of WooCommerce's REST API v3, and its controller, which writes a coupon's end
from `date_expires` alone: the twin `date_expires_gmt` is shown and, given, taken without a word and thrown away. So the end is
given as a moment in UTC with its Z, which needs no zone of the store, and read back from the answer before a code is believed
to be ready. A batch answers in the order of what was asked, each thing with its id or with an error of its own. The store
writes codes in small letters and knows no beginning, so codes of a coupon that starts later are written when it starts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any

import orjson

from saas.commerce.connectors.past import KeysRefused, StoreBusy, StoreRefused
from saas.commerce.connectors.till import Taken, Terms
from saas.commerce.connectors.woocommerce_rest import Store, after
from saas.commerce.refusal_words import Reason
from saas.kit import http_out

RIGHTS = "woocommerce_rest_authentication_error"
EXISTS = "woocommerce_rest_coupon_code_already_exists"
MANY, CATEGORY_PAGES = 100, 10
READ_ONLY, REFUSED = Reason("coupon_read_only"), Reason("coupon_key_refused")
ENDLESS, NOT_ALLOWED = Reason("coupon_endless"), Reason("coupon_not_allowed")


class Till:
    """A store that takes codes."""

    most = MANY

    def __init__(self, store: Store) -> None:
        self.store = store

    def renewed(self) -> None:
        """Keys of a store do not end."""

    def write(self, terms: Terms, codes: Sequence[str], at_shop: Mapping[str, Any]) -> Taken:
        """Make a coupon for each code; one that is there already is ours when it carries our mark."""
        taken = Taken()
        body = _body(terms) | {"product_categories": self._categories(terms.categories, at_shop, taken)}
        made = self._batch({"create": [{**body, "code": code} for code in codes]}).get("create")
        if not isinstance(made, list) or len(made) != len(codes):
            raise StoreRefused(Reason("store_other_batch"))
        for code, one in zip(codes, made, strict=True):
            error = one.get("error") if isinstance(one, dict) else None
            if not isinstance(one, dict) or error and error.get("code") != EXISTS:
                taken.refused[code] = Reason("store_said", said=str((error or {}).get("message") or one)[:200])
            elif error:
                held = self._by_code(code)
                if held is not None and terms.mark in str(held.get("description") or ""):
                    taken.ready[code] = str(held["id"])
                else:
                    taken.elsewhere.add(code)
            elif terms.ends_at and not (one.get("date_expires_gmt") or one.get("date_expires")):
                taken.refused[code] = ENDLESS
            else:
                taken.ready[code] = str(one["id"])
        if any(reason is ENDLESS for reason in taken.refused.values()):
            self._batch({"delete": [one["id"] for one in made if isinstance(one, dict) and one.get("id")]})
            taken.refused |= dict.fromkeys(taken.ready, ENDLESS)
            taken.ready.clear()
        return taken

    def stop(self, terms: Terms, codes: Mapping[str, str], at_shop: Mapping[str, Any], *, whole: bool) -> set[str]:
        """Delete coupons that nobody used; one that was used stays in the store's books and is used up anyway."""
        keys = {code: key or self._key_of(code, terms) for code, key in codes.items()}
        wanted = [int(key) for key in keys.values() if key.isdigit()]
        if wanted:
            gone = self._batch({"delete": wanted}).get("delete")
            if not isinstance(gone, list) or len(gone) != len(wanted):
                raise StoreRefused(Reason("store_other_batch"))
            for one in gone:
                error = one.get("error") if isinstance(one, dict) else None
                if error and "invalid_id" not in str(error.get("code")):
                    raise StoreRefused(Reason("store_said", said=str(error.get("message"))[:200]))
        return set(codes)

    def absent(self, codes: Mapping[str, str], at_shop: Mapping[str, Any]) -> set[str]:
        """Ask for a hundred coupons by their ids; what is not listed was deleted."""
        ids = {key: code for code, key in codes.items() if key.isdigit()}
        if not ids:
            return set()
        found = self._ask("GET", "/coupons", params={"include": ",".join(ids), "per_page": MANY})
        if not isinstance(found, list):
            raise StoreRefused(Reason("store_no_list"))
        held = {str(one.get("id")) for one in found if isinstance(one, dict)}
        return {code for key, code in ids.items() if key not in held}

    def _key_of(self, code: str, terms: Terms) -> str:
        held = self._by_code(code)
        return str(held["id"]) if held is not None and terms.mark in str(held.get("description") or "") else ""

    def _by_code(self, code: str) -> dict[str, Any] | None:
        found = self._ask("GET", "/coupons", params={"code": code})
        return next((one for one in found if isinstance(one, dict)), None) if isinstance(found, list) else None

    def _categories(self, names: Sequence[str], at_shop: Mapping[str, Any], taken: Taken) -> list[int]:
        """Return the store's ids of categories; they are looked up once."""
        if not names:
            return []
        known = dict(at_shop.get("categories") or {})
        if any(name not in known for name in names):
            for page in range(1, CATEGORY_PAGES + 1):
                found = self._ask("GET", "/products/categories", params={"per_page": MANY, "page": page})
                if not isinstance(found, list):
                    raise StoreRefused(Reason("store_no_list"))
                known |= {str(one["name"]): int(one["id"]) for one in found if one.get("name") and one.get("id")}
                if len(found) < MANY:
                    break
        missing = [name for name in names if name not in known]
        if missing:
            raise StoreRefused(Reason("store_no_category", name=missing[0][:80]))
        taken.at_shop["categories"] = {name: known[name] for name in names}
        return [known[name] for name in names]

    def _batch(self, body: dict[str, Any]) -> dict[str, Any]:
        found = self._ask("POST", "/coupons/batch", json=body)
        if not isinstance(found, dict):
            raise StoreRefused(Reason("store_other_batch"))
        return found

    def _ask(self, method: str, path: str, *, params: dict[str, Any] | None = None, json: Any = None) -> Any:
        try:
            answer = self.store.ask(method, path, params=params, json=json, seconds=self.store.patience)
        except http_out.Unreachable as problem:
            raise StoreBusy(problem.message, seconds=0) from None
        try:
            body = orjson.loads(answer.body)
        except orjson.JSONDecodeError:
            body = None
        if answer.status in (401, 403):
            said = str(body.get("message") or "").lower() if isinstance(body, dict) else ""
            code = str(body.get("code") or "") if isinstance(body, dict) else ""
            if "write permission" in said or (method != "GET" and code == RIGHTS and self._reads()):
                raise KeysRefused(READ_ONLY)
            raise KeysRefused(NOT_ALLOWED if answer.status == 403 and "cannot" in code else REFUSED)
        headers = {name.lower(): value for name, value in answer.headers.items()}
        if answer.status in (408, 425, 429) or answer.status >= 500:
            quiet = answer.status == 429
            words = Reason("store_slower") if quiet else Reason("store_status", status=answer.status, path=path)
            raise StoreBusy(words, seconds=after(headers.get("retry-after", "")), quiet=quiet)
        if answer.status >= 300:
            why = str(body.get("message") or "")[:200] if isinstance(body, dict) else ""
            said = {"status": answer.status, "path": path}
            raise StoreRefused(Reason("store_status_said", **said, said=why) if why else Reason("store_status", **said))
        if body is None:
            raise StoreBusy(Reason("store_no_data"), seconds=0)
        return body

    def _reads(self) -> bool:
        """Tell whether the key may read: then what it was refused for was the writing, in whatever language that was said."""
        try:
            return (
                self.store.ask(
                    "GET", "/orders", params={"per_page": 1, "_fields": "id"}, seconds=self.store.patience
                ).status
                == 200
            )
        except http_out.Unreachable:
            return False


def _body(terms: Terms) -> dict[str, Any]:
    """Return a coupon as the store takes it, without its code."""
    wrong = [key for key in terms.products if not key.isdigit()]
    if wrong:
        raise StoreRefused(Reason("store_no_product", key=wrong[0][:80]))
    kind, amount = {"percent": ("percent", terms.percent), "amount": ("fixed_cart", terms.amount)}.get(
        terms.kind, ("fixed_cart", "0")
    )
    if kind == "fixed_cart" and terms.kind == "amount" and (terms.products or terms.categories):
        kind = "fixed_product"
    return {
        "discount_type": kind, "amount": amount, "free_shipping": terms.kind == "shipping", "individual_use": terms.alone,
        "usage_limit": terms.uses, "usage_limit_per_user": min(terms.per_customer, terms.uses), "minimum_amount": terms.least or "0",
        "product_ids": [int(key) for key in terms.products],
        "date_expires": terms.ends_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if terms.ends_at else None,
        "description": f"{terms.name} ({terms.mark})",
    }  # fmt: skip
