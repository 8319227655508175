"""Delivering events: signed, in order of happening, tried again with growing pauses until somebody answers 2xx."""

import hashlib
import hmac
import http.client
import json
import threading
import time
from urllib.parse import urlsplit

from sandbox.stripe import answers
from sandbox.stripe.store import Document
from sandbox.stripe.world import World

TIMEOUT = 20.0


def signature(payload: bytes, *, secret: str, at: int) -> str:
    """This function will give ``Stripe-Signature``: hex HMAC-SHA256 over ``t.payload`` (docs.stripe.com/webhooks)."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + payload, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def post(url: str, payload: bytes, *, headers: dict[str, str]) -> str:
    """This function will send one delivery and give the answer's status, or what went wrong, as text."""
    parts = urlsplit(url)
    make = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = make(parts.hostname or "", parts.port, timeout=TIMEOUT)
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, body=payload, headers=headers)
        return str(connection.getresponse().status)
    except (OSError, http.client.HTTPException) as problem:
        return f"{type(problem).__name__}: {problem}"
    finally:
        connection.close()


class Courier(threading.Thread):
    """One thread that sleeps until a delivery is due; what is pending survives a restart, being in the store."""

    def __init__(self, world: World):
        super().__init__(name="stripe-courier", daemon=True)
        self.world, self.wake, self.stopped = world, threading.Event(), False

    def run(self) -> None:
        while not self.stopped:
            self.wake.clear()
            due = self.next_due()
            if due is None or due > time.time():
                self.wake.wait(None if due is None else max(0.0, due - time.time()))
                continue
            self.deliver_due()

    def stop(self) -> None:
        """This function will end the thread after the delivery it may be in."""
        self.stopped = True
        self.wake.set()

    def next_due(self) -> float | None:
        """This function will give the time of the earliest pending delivery."""
        with self.world.lock:
            waiting = self.world.store.kinds.get("_delivery", {}).values()
            return min((delivery["due"] for delivery in waiting if delivery["state"] == "pending"), default=None)

    def deliver_due(self) -> None:
        """This function will try every delivery whose time has come, once."""
        with self.world.lock:
            pending = self.world.store.kinds.get("_delivery", {}).values()
            due = [one["id"] for one in pending if one["state"] == "pending" and one["due"] <= time.time()]
        for identifier in due:
            if not self.stopped:
                self.deliver(identifier)

    def deliver(self, identifier: str) -> None:
        """This function will make one try, outside the lock, so that the receiver may ask us things meanwhile."""
        store = self.world.store
        with self.world.turn():
            delivery = store.get("_delivery", identifier)
            endpoint = delivery and store.get("webhook_endpoint", delivery["endpoint"])
            event = delivery and store.get("event", delivery["event"])
            if not (delivery and endpoint and event) or endpoint["status"] != "enabled":
                if delivery:
                    delivery["state"] = "dropped"
                return
            payload = json.dumps(answers.present(self.world, event), indent=2).encode()
            url, secret = endpoint["url"], endpoint["_secret"]
        at = int(time.time())
        headers = {
            "Content-Type": "application/json; charset=utf-8",
            "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
            "Stripe-Signature": signature(payload, secret=secret, at=at),
        }
        answer = post(url, payload, headers=headers)
        with self.world.turn():
            delivery = store.get("_delivery", identifier)
            if delivery:
                self.settle(delivery, answer)

    def settle(self, delivery: Document, answer: str) -> None:
        """This function will note the answer and, unless it was 2xx, when to try again."""
        delays = self.world.rules.webhook_delays
        delivery["tries"] += 1
        delivery["answer"] = answer
        if len(answer) == 3 and answer.startswith("2"):
            delivery["state"] = "delivered"
            event = self.world.store.get("event", delivery["event"])
            if event:
                event["pending_webhooks"] -= 1
        elif delivery["tries"] > len(delays):
            delivery["state"] = "given up"
        else:
            delivery["due"] = time.time() + delays[delivery["tries"] - 1]
