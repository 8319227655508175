"""Asking Shopify's Admin API politely: within what its bucket holds, and with words for every way it refuses.

Shopify counts points, not requests: each answer says what is left in the bucket and how fast it fills. What does not fit is
answered THROTTLED with status 200. A short wait is waited here, a longer one is handed to who asked.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import orjson

from saas.commerce.connectors.past import KeysRefused, StoreBusy, StoreRefused
from saas.commerce.connectors.shopify_documents import VERSION
from saas.commerce.refusal_words import Reason
from saas.kit import http_out
from saas.kit.http_out import Answer, Unreachable

PATIENCE = 5.0  # seconds one question may wait for the bucket to fill
AFTER_TROUBLE = 60.0
SECONDS = 30.0
WORDS = {
    401: "Shopify does not accept the app's keys any more. Connect the shop again.",
    402: "Shopify has frozen this shop because a bill is open there.",
    403: "Shopify refuses the app. Is it still installed, with the rights to read products, customers and orders?",
    404: "Shopify knows no shop at this address.",
    423: "Shopify has locked this shop.",
}


def base(domain: str) -> str:
    """Return the address of a shop's API. A loopback address, which only development takes, speaks plain HTTP."""
    return f"http://{domain}" if domain.startswith(("127.0.0.1", "localhost")) else f"https://{domain}"


class Api:
    """A Shopify shop with a token that opens its Admin API."""

    def __init__(self, domain: str, token: str, *, wait: Callable[[float], None] = time.sleep) -> None:
        self.domain, self.token, self._wait = domain, token, wait
        self._left, self._rate, self._seen = float("inf"), 50.0, time.monotonic()
        self._cost = 10.0

    def ask(self, document: str, **variables: Any) -> dict[str, Any]:
        """Return the data of an answer; raises StoreRefused, StoreBusy or Unreachable."""
        waited = 0.0
        while True:
            waited += self._pause(max(0.0, (self._cost - self._now_left()) / self._rate), waited)
            body = self._call(document, variables)
            self._note(body)
            problems = body.get("errors") or []
            if not problems:
                return body.get("data") or {}
            if not any(_code(one) == "THROTTLED" for one in problems):
                raise StoreRefused(_words(problems))
            waited += self._pause(max(0.1, (self._cost - self._now_left()) / self._rate), waited)

    def _call(self, document: str, variables: dict[str, Any]) -> dict[str, Any]:
        address = f"{base(self.domain)}/admin/api/{VERSION}/graphql.json"
        headers = {"X-Shopify-Access-Token": self.token, "Accept": "application/json"}
        try:
            answer = http_out.call(
                "POST", address, json={"query": document, "variables": variables}, headers=headers, seconds=SECONDS
            )
        except Unreachable as problem:
            raise StoreBusy(problem.message, seconds=AFTER_TROUBLE) from None
        refuse(answer)
        try:
            found = orjson.loads(answer.body)
        except orjson.JSONDecodeError:
            found = None
        if not isinstance(found, dict):
            raise StoreRefused("Shopify does not answer with JSON. Is this the address that ends in .myshopify.com?")
        return found

    def _pause(self, seconds: float, waited: float) -> float:
        if waited + seconds > PATIENCE:
            raise StoreBusy(Reason("shopify_slower"), seconds=seconds, quiet=True)
        if seconds > 0:
            self._wait(seconds)
        return seconds

    def _now_left(self) -> float:
        return self._left + (time.monotonic() - self._seen) * self._rate

    def _note(self, body: dict[str, Any]) -> None:
        """Remember what the bucket holds and what a question like this takes."""
        cost = (body.get("extensions") or {}).get("cost") or {}
        bucket = cost.get("throttleStatus") or {}
        self._cost = float(cost.get("requestedQueryCost") or self._cost)
        if bucket:
            self._left, self._rate = float(bucket["currentlyAvailable"]), max(float(bucket["restoreRate"]), 1.0)
            self._seen = time.monotonic()


def refuse(answer: Answer) -> None:
    """Raise what an answer's status means, if it is no success: StoreBusy for what passes, StoreRefused for what does not."""
    if answer.status == 429:
        said = {name.lower(): value for name, value in answer.headers.items()}.get("retry-after", "")
        seconds = float(said) if said.replace(".", "", 1).isdigit() else 2.0
        raise StoreBusy(Reason("shopify_slower"), seconds=min(seconds, 900.0), quiet=True)
    if answer.status in WORDS:
        raise (KeysRefused if answer.status in (401, 403) else StoreRefused)(WORDS[answer.status])
    if answer.status >= 500:
        raise StoreBusy(Reason("shopify_busy", status=answer.status), seconds=AFTER_TROUBLE)
    if answer.status >= 300:
        raise StoreRefused(Reason("shopify_status", status=answer.status))


def _code(problem: Any) -> str:
    return str((problem.get("extensions") or {}).get("code") or "") if isinstance(problem, dict) else ""


def _words(problems: list[Any]) -> str:
    """Return what a GraphQL error means for who connected the shop; Shopify's own words name the field or the right."""
    said = str(problems[0].get("message") or "")[:200] if isinstance(problems[0], dict) else ""
    if any(_code(one) == "ACCESS_DENIED" for one in problems):
        return Reason("shopify_lacks", said=said)
    if any(_code(one) == "undefinedField" for one in problems):
        return Reason("shopify_changed", said=said)
    return Reason("shopify_said", said=said)


def user_errors(answer: dict[str, Any], field: str) -> list[dict[str, Any]]:
    """Return what Shopify held against the input of a mutation."""
    return (answer.get(field) or {}).get("userErrors") or []
