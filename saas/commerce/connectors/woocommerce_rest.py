"""WooCommerce's REST API, read politely: its past a page at a time, and its webhooks looked after.

Facts behind it: per_page is at most 100; older stores (3.8) refuse `orderby=modified`, so pages go by id; a store that
failed to deliver several times in a row disables the webhook by itself and never tells.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson

from saas.commerce.connectors import woocommerce_ways
from saas.commerce.connectors.past import Portion, StoreRefused, Tended
from saas.kit import http_out

ROOT, NAMESPACE = "/wp-json", "/wc/v3"
PER_PAGE = 50
TOPICS = tuple(
    f"{kind}.{act}" for kind in ("order", "product", "customer") for act in ("created", "updated", "deleted")
)


@dataclass(frozen=True)
class Store:
    """A store with the keys of its REST API; `root` is where that is, `way` how the store takes its keys, if they were found out."""

    url: str
    key: str
    secret: str
    root: str = ""
    way: str = ""

    def ask(
        self, method: str, path: str, *, params: dict[str, Any] | None = None, json: Any = None, **limits: Any
    ) -> http_out.Answer:
        """Return what the store answers to a call with its keys, whatever it is; raises Unreachable."""
        address = f"{self.root or f'{self.url}{ROOT}'}{NAMESPACE}{path}"
        way = self.way or woocommerce_ways.usual(address)
        params, auth = woocommerce_ways.shown(
            way, method=method, url=address, params=params, key=self.key, secret=self.secret
        )
        return http_out.call(method, address, params=params, auth=auth, json=json, **limits)

    def call(
        self, method: str, path: str, *, params: dict[str, Any] | None = None, json: Any = None
    ) -> tuple[Any, int]:
        """Return an answer and how many pages there are; raises StoreRefused or Unreachable."""
        answer = self.ask(method, path, params=params, json=json)
        if answer.status in (401, 403):
            raise StoreRefused(
                "The store does not accept these keys. Make a key with read and write rights and enter it again."
            )
        if answer.status >= 400:
            raise StoreRefused(f"The store answered {answer.status} to {path}.")
        try:
            found = orjson.loads(answer.body)
        except orjson.JSONDecodeError:
            raise StoreRefused(
                "The store does not answer with JSON. Is its address right, and are pretty permalinks on?"
            ) from None
        pages = {name.lower(): value for name, value in answer.headers.items()}.get("x-wp-totalpages", "1")
        return found, int(pages) if pages.isdigit() else 1

    def page(self, kind: str, number: int, *, since: datetime | None = None) -> tuple[list[dict[str, Any]], int]:
        """Return one page (from 1) of products, customers or orders, oldest id first, and how many pages there are."""
        params: dict[str, Any] = {"per_page": PER_PAGE, "page": number, "orderby": "id", "order": "asc"}
        if kind == "orders":
            params["status"] = "any"
        if kind == "customers":
            params["role"] = "all"
        if since is not None:
            params |= {"modified_after": since.strftime("%Y-%m-%dT%H:%M:%S"), "dates_are_gmt": "true"}
        found, pages = self.call("GET", f"/{kind}", params=params)
        if not isinstance(found, list):
            raise StoreRefused("The store answered with something else than a list.")
        return found, pages

    def renewed(self) -> None:
        """The keys hold until the store takes them back."""

    def kinds(self, *, since: datetime | None) -> tuple[str, ...]:
        return "products", "customers", "orders"

    def portion(self, kind: str, place: dict[str, Any], *, since: datetime | None) -> Portion:
        """Return the next page of products, customers or orders."""
        number = place.get("page", 1)
        items, pages = self.page(kind, number, since=since)
        more = bool(items) and number < pages
        return Portion(items, {"page": number + 1} if more else None, min(number / pages, 1.0) if pages else 1.0)

    def tend(self, *, address: str, secret: str) -> Tended:
        """Have every topic delivered to our address: make the missing webhooks, wake the disabled."""
        return Tended(self.tend_webhooks(address=address, secret=secret))

    def tend_webhooks(self, *, address: str, secret: str) -> dict[str, int]:
        """Have every topic delivered to our address: make the missing webhooks, wake the disabled; returns both counts."""
        held, _pages = self.call("GET", "/webhooks", params={"per_page": 100})
        ours = {hook.get("topic"): hook for hook in held if hook.get("delivery_url") == address}
        made = woken = 0
        for topic in TOPICS:
            hook = ours.get(topic)
            if hook is None:
                body = {
                    "name": f"Regulars {topic}",
                    "topic": topic,
                    "delivery_url": address,
                    "secret": secret,
                    "status": "active",
                }
                self.call("POST", "/webhooks", json=body)
                made += 1
            elif hook.get("status") != "active":
                self.call("PUT", f"/webhooks/{hook['id']}", json={"status": "active"})
                woken += 1
        return {"made": made, "woken": woken}
