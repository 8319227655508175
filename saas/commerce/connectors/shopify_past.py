"""A Shopify shop's past, by bulk operations: asked for once, looked for now and then, read from a file in windows.

A window is a range of bytes, so a file of any size takes little memory, and a worker that dies loses one window. It is cut
where a thing at the root begins, for its variants or lines stand right below it. The newest orders come first, so that a
profile says something within minutes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

import orjson

from saas.commerce.connectors import shopify_documents as documents
from saas.commerce.connectors import shopify_oauth
from saas.commerce.connectors.delivery import Body
from saas.commerce.connectors.past import Portion, StoreRefused, Tended
from saas.commerce.connectors.shopify_graphql import AFTER_TROUBLE, Api, StoreBusy, refuse, user_errors
from saas.kit import clock, http_out
from saas.kit.http_out import Unreachable

WINDOW, LARGEST = 1024 * 1024, 24 * 1024 * 1024
RECENT = timedelta(days=60)
LOOK_AGAIN = 3.0
ATTEMPTS = 3
STAMP = "%Y-%m-%dT%H:%M:%SZ"
GROUPS = {"products": "products", "customers": "customers", "orders": "orders", "recent_orders": "orders"}
TOTAL = re.compile(r"bytes \d+-\d+/(\d+)")


class Shopify:
    """A shop with the keys it is read by, and the way its past is walked."""

    def __init__(self, keys: dict[str, Any], *, window: int = WINDOW) -> None:
        self.keys, self.window = keys, window
        self.api = Api(keys["domain"], keys.get("token") or "")

    def renewed(self) -> dict[str, Any] | None:
        """Return keys with a new token when the old one is about to end, or None; raises StoreRefused or StoreBusy."""
        keys = shopify_oauth.renewed(self.keys)
        if keys is not None:
            self.keys, self.api = keys, Api(keys["domain"], keys["token"])
        return keys

    def counts(self) -> dict[str, int]:
        """The shop says it when its webhooks are tended."""
        return {}

    def tend(self, *, address: str, secret: str, renew: bool = False) -> Tended:
        """Have every topic delivered to our address, and return what the shop says of itself. Shopify signs with the app's
        secret, which nobody can change from here."""
        about = self.api.ask(documents.SHOP)
        shop, counts = (
            about["shop"],
            {kind: (about.get(f"{kind}Count") or {}).get("count") or 0 for kind in documents.PAST},
        )
        held = self._subscribed(address)
        rights = {one["handle"] for one in (about.get("currentAppInstallation") or {}).get("accessScopes") or []}
        more = [topic for right, topics in documents.BY_RIGHT.items() if right in rights for topic in topics]
        wanted = (*documents.TOPICS, *more)
        missing = [topic for topic in wanted if topic not in held]
        for topic in missing:
            problems = user_errors(
                self.api.ask(documents.SUBSCRIBE, topic=topic, uri=address), "webhookSubscriptionCreate"
            )
            if problems:
                raise StoreRefused(f"Shopify does not deliver {topic} to us: {str(problems[0].get('message'))[:150]}")
        said = {
            "url": (shop.get("primaryDomain") or {}).get("url") or "",
            "currency": shop.get("currencyCode") or "",
            "name": shop.get("name") or "",
            "counts": counts,
            "lacks": [right for right in documents.SCOPES if right not in rights],
        }
        return Tended({"made": len(missing), "woken": 0}, said)

    def _subscribed(self, address: str) -> set[str]:
        found, after = set(), None
        while True:
            page = self.api.ask(documents.WEBHOOKS, after=after)["webhookSubscriptions"]
            found |= {hook["topic"] for hook in page["nodes"] if hook["uri"] == address}
            if not page["pageInfo"]["hasNextPage"]:
                return found
            after = page["pageInfo"]["endCursor"]

    def kinds(self, *, since: datetime | None, deep: bool = False) -> tuple[str, ...]:
        if since is None:
            return "products", "recent_orders", "customers", "orders"
        return ("products", "customers", "orders", *(("gone_orders", "gone_products") if deep else ()))

    def absent(self, kind: str, keys: Sequence[str]) -> list[str]:
        """Return which of these orders or products the shop has no more."""
        name = {"orders": "Order", "products": "Product"}[kind]
        asked = [key for key in keys if key.isdigit()]
        found = (
            self.api.ask(documents.NODES, ids=[f"gid://shopify/{name}/{key}" for key in asked])["nodes"]
            if asked
            else []
        )
        there = {str(one["id"]).rpartition("/")[2] for one in found if one}
        return [key for key in asked if key not in there]

    def portion(self, kind: str, place: dict[str, Any], *, since: datetime | None) -> Portion:
        """Return what comes next of a kind: nothing while Shopify still gathers it, then a window of the file."""
        if not place.get("operation"):
            return self._begin(kind, place, since)
        return self._window(place) if place.get("url") else self._look(place)

    def _begin(self, kind: str, place: dict[str, Any], since: datetime | None) -> Portion:
        search = _search(kind, since)
        answer = self.api.ask(documents.RUN, query=documents.past(GROUPS[kind], search=search))
        problems = user_errors(answer, "bulkOperationRunQuery")
        if any(one.get("code") in ("OPERATION_IN_PROGRESS", "LIMIT_REACHED") for one in problems):
            raise StoreBusy("Shopify is still gathering something else for us.", seconds=AFTER_TROUBLE, quiet=True)
        if problems:
            raise StoreRefused(f"Shopify does not gather the past: {str(problems[0].get('message'))[:200]}")
        operation = answer["bulkOperationRunQuery"]["bulkOperation"]["id"]
        return Portion([], {"operation": operation, "tries": place.get("tries", 0)}, 0.0, wait=LOOK_AGAIN)

    def _look(self, place: dict[str, Any]) -> Portion:
        held = self.api.ask(documents.POLL, id=place["operation"]).get("bulkOperation") or {}
        state = held.get("status")
        if state == "COMPLETED":
            if not held.get("url"):
                return Portion([], None, 1.0)
            return Portion([], {**place, "url": held["url"], "size": int(held.get("fileSize") or 0), "offset": 0}, 0.5)
        if state in ("CREATED", "RUNNING", "CANCELING"):
            gathered = int(held.get("rootObjectCount") or 0)
            return Portion(
                [],
                {**place, "gathered": gathered},
                min(gathered / 20_000, 0.45),
                wait=LOOK_AGAIN if gathered < 1000 else 4 * LOOK_AGAIN,
            )
        tries = place.get("tries", 0) + 1
        if tries > ATTEMPTS:
            raise StoreRefused(
                f"Shopify could not gather the past ({held.get('errorCode') or state or 'it forgot the request'})."
            )
        return Portion([], {"operation": None, "tries": tries}, 0.0, wait=LOOK_AGAIN)

    def _window(self, place: dict[str, Any]) -> Portion:
        """Return the whole things within the next window; a window that holds none is tried larger."""
        offset, window = place["offset"], self.window
        while True:
            raw, total = self._read(place, offset, window)
            if raw is None:
                return Portion([], {"operation": place["operation"], "tries": place.get("tries", 0) + 1}, 0.5)
            last = offset + len(raw) >= total
            bodies, used = grouped(raw, last=last)
            if used or last or window >= LARGEST:
                break
            window *= 4
        if not used and not last:
            raise StoreRefused("Shopify sent a single thing that is larger than 24 MB.")
        after = None if last else {**place, "offset": offset + used}
        return Portion(bodies, after, 0.5 + 0.5 * min((offset + used) / max(total, 1), 1.0))

    def _read(self, place: dict[str, Any], offset: int, window: int) -> tuple[bytes | None, int]:
        """Return bytes from an offset on and how many there are in all; None when the address has expired."""
        ranged = {"Range": f"bytes={offset}-{offset + window - 1}"}
        try:
            answer = http_out.call("GET", place["url"], headers=ranged)
        except Unreachable as problem:
            raise StoreBusy(problem.message, seconds=AFTER_TROUBLE) from None
        if answer.status in (400, 401, 403, 404, 410):
            return None, 0
        if answer.status == 416:
            return b"", offset
        refuse(answer)
        if answer.status == 206:
            total = TOTAL.match(
                {name.lower(): value for name, value in answer.headers.items()}.get("content-range", "")
            )
            return answer.body, int(total[1]) if total else max(place["size"], offset + len(answer.body))
        return answer.body[offset:], len(answer.body)


def _search(kind: str, since: datetime | None) -> str:
    """Return what to ask for. What was recent when it was asked for is older by the time the old orders are, so none is missed."""
    if since is not None:
        return f"updated_at:>='{since.strftime(STAMP)}'"
    edge = (clock.now() - RECENT).strftime(STAMP)
    return {"recent_orders": f"created_at:>='{edge}'", "orders": f"created_at:<'{edge}'"}.get(kind, "")


def grouped(raw: bytes, *, last: bool) -> tuple[list[Body], int]:
    """Return the things in a piece of JSONL, each with what stands below it under `__children`, and how many bytes that was.

    Unless it is the last piece, the last thing is left for the next one, since more of it may follow. A line that is no JSON,
    or belongs to nothing above it, becomes a thing of its own that cannot be understood, so that it is counted.
    """
    found: list[Body] = []
    used, at = 0, 0
    for line in raw.splitlines(keepends=True):
        whole = line.endswith(b"\n") or last
        if not whole:
            break
        body = _parsed(line)
        if body is not None:
            parent = body.get("__parentId")
            if parent is None:
                used = at
                found.append({**body, "__children": []})
            elif found and found[-1].get("id") == parent:
                found[-1]["__children"].append(body)
            else:
                used = at
                found.append({"__stray": True})
        at += len(line)
    if last:
        return found, len(raw)
    return found[:-1], used


def _parsed(line: bytes) -> Body | None:
    if not line.strip():
        return None
    try:
        body = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {"__stray": True}
    return body if isinstance(body, dict) else {"__stray": True}
