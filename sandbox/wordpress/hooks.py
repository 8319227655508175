"""Webhooks as WooCommerce sends them: queued, carried by a cron, tried once, signed over the body, switched off after failures."""

import base64
import hashlib
import hmac
import itertools
import json
import time
from urllib.parse import urlsplit

import urllib3

MOST_FAILURES = 5
RESOURCES, EVENTS = ("coupon", "customer", "order", "product"), ("created", "updated", "deleted", "restored")
SAFE_PORTS = (80, 443, 8080)
SHOWN = ("id", "name", "status", "topic", "resource", "event", "delivery_url", "date_created_gmt", "date_modified_gmt")


class Hooks:
    """The webhooks of a store and what waits for the cron; `sent` is what left, with the answers."""

    def __init__(self, store):
        self.store, self.held, self.waiting, self.sent, self.runs = store, {}, [], [], 0
        self.ids = itertools.count(1)
        self.web = urllib3.PoolManager(timeout=10, retries=False)
        self.lets_out = True  # the file of docs/connect-woocommerce.md is there, without which WordPress calls no address of its own machine
        self.forged = None  # a secret to sign with instead, as after somebody changed it in WordPress

    def create(self, given):
        topic = str(given.get("topic", "")).lower()
        resource, _dot, event = topic.partition(".")
        if resource not in RESOURCES or event not in EVENTS or (event == "restored" and self.store.before(3, 6)):
            return 400, {"code": "woocommerce_rest_shop_webhook_invalid_topic", "message": "Webhook topic is required and must be valid.",
                         "data": {"status": 400}}  # fmt: skip
        if not str(given.get("delivery_url", "")).startswith(("http://", "https://")):
            return 400, {"code": "woocommerce_rest_shop_webhook_invalid_delivery_url",
                         "message": "Webhook delivery URL must be a valid URL starting with http:// or https://.", "data": {"status": 400}}  # fmt: skip
        hook = {
            "id": next(self.ids), "name": given.get("name") or "Webhook", "status": given.get("status", "active"), "topic": topic,
            "resource": resource, "event": event, "delivery_url": given["delivery_url"], "secret": given.get("secret") or "unknown",
            "failures": 0, "pending": True, "date_created_gmt": self.store.now(), "date_modified_gmt": self.store.now(),
        }  # fmt: skip
        self.held[hook["id"]] = hook
        self.ping(hook)
        return 201, shown(hook)

    def change(self, hook, given):
        """Neither waking a webhook nor anything else here forgets how often it failed: the next failure switches it off again."""
        led = hook["delivery_url"]
        hook |= {name: given[name] for name in ("name", "status", "delivery_url", "secret", "topic") if given.get(name)}
        hook["date_modified_gmt"] = self.store.now()
        if hook["status"] == "active" and (hook["pending"] or hook["delivery_url"] != led):
            self.ping(hook)
        return 200, shown(hook)

    def ping(self, hook):
        """A form post without a signature, in the very request that made the webhook."""
        headers = {"User-Agent": self.agent(), "Content-Type": "application/x-www-form-urlencoded"}
        if self.post(hook, f"webhook_id={hook['id']}".encode(), headers) == 200:
            hook["pending"] = False

    def tell(self, topic, resource_id):
        """This function will queue a delivery for each active webhook of a topic."""
        self.waiting += [(one, resource_id) for one in self.held.values() if one["topic"] == topic]

    def carry(self):
        """This function will do what the cron does: deliver what waits, each once, as the things are now.

        WordPress' cron comes once a minute at most, so a delivery's ID, which holds the second, is never that of another run.
        """
        self.runs += 60
        waiting, self.waiting = self.waiting, []
        for hook, resource_id in waiting:
            if hook["status"] == "active":
                self.deliver(hook, resource_id)
        return len(waiting)

    def deliver(self, hook, resource_id):
        thing = self.store.things(f"{hook['resource']}s").get(resource_id)
        if hook["event"] == "deleted":
            thing = {"id": resource_id}
        elif thing is None:
            thing = [] if self.store.before(3, 6) else {
                "code": f"woocommerce_rest_{hook['resource']}_invalid_id", "message": "Invalid ID.", "data": {"status": 404},
            }  # fmt: skip
        raw = json.dumps(thing).encode()
        secret = self.forged or hook["secret"]
        headers = {
            "User-Agent": self.agent(), "Content-Type": "application/json", "X-WC-Webhook-Source": f"{self.store.home}/",
            "X-WC-Webhook-Topic": hook["topic"], "X-WC-Webhook-Resource": hook["resource"], "X-WC-Webhook-Event": hook["event"],
            "X-WC-Webhook-Signature": base64.b64encode(hmac.new(secret.encode(), raw, hashlib.sha256).digest()).decode(),
            "X-WC-Webhook-ID": str(hook["id"]),
            "X-WC-Webhook-Delivery-ID": hashlib.md5(f"{hook['id']}{int(time.time()) + self.runs}".encode(), usedforsecurity=False).hexdigest(),
        }  # fmt: skip
        if 200 <= self.post(hook, raw, headers) < 303:
            hook["failures"] = 0
        elif hook["failures"] > MOST_FAILURES:
            hook["status"] = "disabled"
        else:
            hook["failures"] += 1

    def post(self, hook, raw, headers):
        """This function will post, and return the status; 0 where nobody answered, or where WordPress does not let it out."""
        parts = urlsplit(hook["delivery_url"])
        own = urlsplit(self.store.home)
        inside = parts.hostname in ("127.0.0.1", "localhost") and (parts.hostname, parts.port) != (
            own.hostname,
            own.port,
        )
        if not self.lets_out and (inside or (parts.port or 80) not in SAFE_PORTS):
            self.sent.append({"topic": hook["topic"], "raw": raw, "headers": headers, "status": 0})
            return 0
        try:
            status = self.web.request("POST", hook["delivery_url"], body=raw, headers=headers, redirect=False).status
        except urllib3.exceptions.HTTPError:
            status = 0
        self.sent.append({"topic": hook["topic"], "raw": raw, "headers": headers, "status": status})
        return status

    def agent(self):
        return f"WooCommerce/{self.store.version} Hookshot (WordPress/6.9.7)"


def shown(hook):
    """This function will return a webhook as the API shows it: never its secret."""
    return {name: hook[name] for name in SHOWN}
