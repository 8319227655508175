"""Codes in a shop of any kind: told to an address of the shop's, signed as what it tells us is, or fetched by it.

A shop that gave no address fetches its codes from the API, so they count as taken as soon as they are there. What is told may
be told again after an answer that was lost: a shop takes a code that it has as done.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import orjson

from saas.commerce.connectors.past import KeysRefused, StoreBusy, StoreRefused
from saas.commerce.connectors.till import Taken, Terms
from saas.commerce.refusal_words import Reason
from saas.kit import http_out, identifiers

SECONDS = 30.0


class Till:
    """A shop that is told codes at its address, or fetches them where it has none."""

    most = 250

    def __init__(self, url: str, secret: str, sign: Callable[[str, str, str, bytes], str]) -> None:
        self.url, self.secret, self._sign = url, secret, sign

    def renewed(self) -> None:
        """The secret is renewed by hand."""

    def write(self, terms: Terms, codes: Sequence[str], at_shop: Mapping[str, Any]) -> Taken:
        """Tell codes; the shop may refuse some by name."""
        if not self.url:
            return Taken(ready=dict.fromkeys(codes, ""))
        said = self._tell("coupons.create", {"coupon": told(terms), "codes": list(codes)})
        refused = {
            str(one["code"]): Reason("shop_said", said=str(one.get("reason") or "")[:200])
            for one in said.get("refused") or ()
            if isinstance(one, dict) and one.get("code") in codes
        }
        return Taken(ready={code: "" for code in codes if code not in refused}, refused=refused)

    def stop(self, terms: Terms, codes: Mapping[str, str], at_shop: Mapping[str, Any], *, whole: bool) -> set[str]:
        """Tell codes that are over."""
        if self.url:
            self._tell("coupons.stop", {"coupon": {"id": terms.coupon_id}, "codes": list(codes)})
        return set(codes)

    def absent(self, codes: Mapping[str, str], at_shop: Mapping[str, Any]) -> set[str]:
        """Such a shop cannot be asked."""
        return set()

    def _tell(self, kind: str, data: dict[str, Any]) -> dict[str, Any]:
        body = orjson.dumps({"type": kind, "data": data})
        message, stamp = f"msg_{identifiers.new().hex}", str(int(time.time()))
        headers = {
            "Content-Type": "application/json", "webhook-id": message, "webhook-timestamp": stamp,
            "webhook-signature": self._sign(self.secret, message, stamp, body),
        }  # fmt: skip
        try:
            answer = http_out.call("POST", self.url, body=body, headers=headers, seconds=SECONDS, most=1_000_000)
        except http_out.Unreachable as problem:
            raise StoreBusy(Reason("address_silent", problem=problem.message), seconds=0) from None
        if answer.status in (401, 403):
            raise KeysRefused(Reason("address_signature"))
        if answer.status in (408, 425, 429) or answer.status >= 500:
            said = {name.lower(): value for name, value in answer.headers.items()}.get("retry-after", "")
            seconds = min(float(said), 3600.0) if said.isdigit() else 0.0
            words = Reason("address_status", status=answer.status)
            raise StoreBusy(words, seconds=seconds, quiet=answer.status == 429)
        if answer.status >= 300:
            raise StoreRefused(Reason("address_status", status=answer.status))
        try:
            found = orjson.loads(answer.body)
        except orjson.JSONDecodeError:
            found = None
        return found if isinstance(found, dict) else {}


def told(terms: Terms) -> dict[str, Any]:
    """Return the terms of codes as such a shop is told and as the API shows them."""
    return {
        "id": terms.coupon_id, "name": terms.name, "kind": terms.kind, "percent": terms.percent or None, "amount": terms.amount or None,
        "currency": terms.currency, "least": terms.least or None, "products": list(terms.products), "categories": list(terms.categories),
        "alone": terms.alone, "starts_at": terms.starts_at and terms.starts_at.isoformat(),
        "ends_at": terms.ends_at and terms.ends_at.isoformat(), "uses": terms.uses, "per_customer": terms.per_customer,
    }  # fmt: skip
