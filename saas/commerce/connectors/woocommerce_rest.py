"""WooCommerce's REST API: one call, what each way it can fail means, and its webhooks looked after.

A store that failed to deliver several times in a row disables the webhook by itself and never tells.
"""

from __future__ import annotations

from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from saas.commerce.connectors import woocommerce_ways
from saas.commerce.connectors.past import KeysRefused, StoreBusy, StoreRefused
from saas.kit import clock, http_out

ROOT, NAMESPACE = "/wp-json", "/wc/v3"
LONGEST = 3600.0
MOST_HOOK_PAGES = 20
TOPICS = tuple(
    f"{kind}.{act}" for kind in ("order", "product", "customer") for act in ("created", "updated", "deleted")
)
RESTORED = ("order.restored", "product.restored")
"""Told of what is fetched out of the trash; a store that does not know these topics goes without."""


@dataclass(frozen=True)
class Store:
    """A store with the keys of its REST API; `root` is where that is, `way` how the store takes its keys, if they were found out."""

    url: str
    key: str
    secret: str
    root: str = ""
    way: str = ""
    patience: float = 45.0

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
        """Return an answer and how many pages there are; raises StoreRefused or StoreBusy."""
        found, told = self.told(method, path, params=params, json=json)
        pages = told.get("x-wp-totalpages", "1")
        return found, int(pages) if pages.isdigit() else 1

    def told(
        self, method: str, path: str, *, params: dict[str, Any] | None = None, json: Any = None
    ) -> tuple[Any, dict[str, str]]:
        """Return an answer and its headers, by their name in small letters; raises StoreRefused or StoreBusy."""
        try:
            answer = self.ask(method, path, params=params, json=json, seconds=self.patience)
        except http_out.Unreachable as problem:
            raise StoreBusy(problem.message, seconds=0) from None
        headers = {name.lower(): value for name, value in answer.headers.items()}
        _refuse(answer.status, headers, path)
        try:
            return orjson.loads(answer.body), headers
        except orjson.JSONDecodeError:
            raise _unreadable(answer.body) from None

    def tend_webhooks(self, *, address: str, secret: str, renew: bool = False) -> dict[str, int]:
        """Have every topic delivered to our address: make missing webhooks, wake the disabled, bring back those that lead to
        this shop's door under another name of ours, and with `renew` give all of them the secret again; returns the counts."""
        door = "/" + address.split("//", 1)[-1].partition("/")[2]
        ours: dict[str, dict[str, Any]] = {}
        for hook in self._webhooks():
            led = str(hook.get("delivery_url") or "")
            if led == address or (led.endswith(door) and hook.get("topic") not in ours):
                ours[str(hook.get("topic"))] = hook
        counts = {"made": 0, "woken": 0, "moved": 0, "renewed": 0}
        for topic in (*TOPICS, *RESTORED):
            hook = ours.get(topic)
            if hook is None:
                body = {"name": f"Regulars {topic}", "topic": topic, "delivery_url": address, "secret": secret, "status": "active"}  # fmt: skip
                try:
                    self.call("POST", "/webhooks", json=body)
                except (KeysRefused, StoreBusy):
                    raise
                except StoreRefused:
                    if topic in TOPICS:
                        raise
                    continue
                counts["made"] += 1
                continue
            mended: dict[str, Any] = {}
            if hook.get("status") != "active":
                mended["status"], counts["woken"] = "active", counts["woken"] + 1
            if hook.get("delivery_url") != address:
                mended["delivery_url"], counts["moved"] = address, counts["moved"] + 1
            if renew:
                mended["secret"], counts["renewed"] = secret, counts["renewed"] + 1
            if mended:
                self.call("PUT", f"/webhooks/{hook['id']}", json=mended)
        return counts

    def _webhooks(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        for number in range(1, MOST_HOOK_PAGES + 1):
            page, pages = self.call("GET", "/webhooks", params={"per_page": 100, "page": number})
            if not isinstance(page, list):
                raise StoreRefused("The store answered with something else than a list.")
            found += [hook for hook in page if isinstance(hook, dict)]
            if number >= pages:
                break
        return found


def _refuse(status: int, headers: dict[str, str], path: str) -> None:
    """Raise what a status means, if it is no success: StoreBusy for what passes by itself, StoreRefused for what does not."""
    if status in (401, 403):
        raise KeysRefused(
            "The store does not accept these keys. Make a key with read and write rights and enter it again."
        )
    if status == 429:
        raise StoreBusy("The store asks us to go slower.", seconds=after(headers.get("retry-after", "")), quiet=True)
    if status == 503:
        raise StoreBusy(
            "The store says that it is being worked on (503).", seconds=after(headers.get("retry-after", ""))
        )
    if status >= 500 or status in (408, 425):
        raise StoreBusy(f"The store answered {status} to {path}.", seconds=0)
    if status >= 300:
        raise StoreRefused(f"The store answered {status} to {path}.")


def after(said: str) -> float:
    """Return the seconds of a Retry-After header, a number or a date; 0 when it says nothing, an hour at most."""
    if said.strip().isdigit():
        return min(float(said), LONGEST)
    try:
        return min(max((parsedate_to_datetime(said) - clock.now()).total_seconds(), 0.0), LONGEST)
    except (TypeError, ValueError):
        return 0.0


def _unreadable(body: bytes) -> StoreRefused:
    """Return what an answer that is no JSON means: it was cut off, or a page for people stands before the API."""
    start = body.lstrip()[:200].lower()
    if start.startswith((b"[", b"{")):
        return StoreBusy("The store sent only a part of its answer.", seconds=0)
    if start.startswith(b"<"):
        return StoreBusy(
            "The store answers with a page for people instead of data, as it does while it is being worked on. "
            "If that stays: is its address right, and are pretty permalinks on?",
            seconds=0,
        )
    return StoreRefused("The store does not answer with JSON. Is its address right, and are pretty permalinks on?")
