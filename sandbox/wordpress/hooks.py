"""Webhooks as WooCommerce sends them: queued, carried by a cron, tried once, signed over the body, switched off after failures."""

import base64
import hashlib
import hmac
import itertools
import json
import time

import urllib3

MOST_FAILURES = 5
SHOWN = ("id", "name", "status", "topic", "resource", "event", "delivery_url", "date_created_gmt", "date_modified_gmt")


class Hooks:
    """The webhooks of a store and what waits for the cron; `sent` is what left, with the answers."""

    def __init__(self, store):
        self.store, self.held, self.waiting, self.sent = store, {}, [], []
        self.ids = itertools.count(1)
        self.web = urllib3.PoolManager(timeout=10, retries=False)
        self.forged = None  # a secret to sign with instead, as after somebody changed it in WordPress

    def create(self, given):
        topic = str(given.get("topic", "")).lower()
        if topic.count(".") != 1:
            return 400, {"code": "woocommerce_rest_shop_webhook_invalid_topic", "message": "Webhook topic is required and must be valid.",
                         "data": {"status": 400}}  # fmt: skip
        if not str(given.get("delivery_url", "")).startswith(("http://", "https://")):
            return 400, {"code": "woocommerce_rest_shop_webhook_invalid_delivery_url",
                         "message": "Webhook delivery URL must be a valid URL starting with http:// or https://.", "data": {"status": 400}}  # fmt: skip
        resource, _dot, event = topic.partition(".")
        hook = {
            "id": next(self.ids), "name": given.get("name") or "Webhook", "status": given.get("status", "active"), "topic": topic,
            "resource": resource, "event": event, "delivery_url": given["delivery_url"], "secret": given.get("secret") or "unknown",
            "failures": 0, "date_created_gmt": self.store.now(), "date_modified_gmt": self.store.now(),
        }  # fmt: skip
        self.held[hook["id"]] = hook
        self.ping(hook)
        return 201, shown(hook)

    def change(self, hook, given):
        hook |= {name: given[name] for name in ("name", "status", "delivery_url", "secret", "topic") if given.get(name)}
        hook["date_modified_gmt"] = self.store.now()
        if given.get("status") == "active":
            hook["failures"] = 0
        return 200, shown(hook)

    def ping(self, hook):
        """A form post without a signature, in the very request that made the webhook."""
        headers = {"User-Agent": self.agent(), "Content-Type": "application/x-www-form-urlencoded"}
        self.post(hook, f"webhook_id={hook['id']}".encode(), headers)

    def tell(self, topic, resource_id):
        """This function will queue a delivery for each active webhook of a topic."""
        self.waiting += [(one, resource_id) for one in self.held.values() if one["topic"] == topic]

    def carry(self):
        """This function will do what the cron does: deliver what waits, each once, as the things are now."""
        waiting, self.waiting = self.waiting, []
        for hook, resource_id in waiting:
            if hook["status"] == "active":
                self.deliver(hook, resource_id)
        return len(waiting)

    def deliver(self, hook, resource_id):
        thing = self.store.things(f"{hook['resource']}s").get(resource_id)
        body = {"id": resource_id} if hook["event"] == "deleted" or thing is None else thing
        raw = json.dumps(body).encode()
        secret = self.forged or hook["secret"]
        headers = {
            "User-Agent": self.agent(), "Content-Type": "application/json", "X-WC-Webhook-Source": f"{self.store.home}/",
            "X-WC-Webhook-Topic": hook["topic"], "X-WC-Webhook-Resource": hook["resource"], "X-WC-Webhook-Event": hook["event"],
            "X-WC-Webhook-Signature": base64.b64encode(hmac.new(secret.encode(), raw, hashlib.sha256).digest()).decode(),
            "X-WC-Webhook-ID": str(hook["id"]),
            "X-WC-Webhook-Delivery-ID": hashlib.md5(f"{hook['id']}{int(time.time())}".encode(), usedforsecurity=False).hexdigest(),
        }  # fmt: skip
        if self.post(hook, raw, headers):
            hook["failures"] = 0
        elif hook["failures"] > MOST_FAILURES:
            hook["status"] = "disabled"
        else:
            hook["failures"] += 1

    def post(self, hook, raw, headers):
        try:
            status = self.web.request("POST", hook["delivery_url"], body=raw, headers=headers, redirect=False).status
        except urllib3.exceptions.HTTPError:
            status = 0
        self.sent.append({"topic": hook["topic"], "raw": raw, "headers": headers, "status": status})
        return 200 <= status < 300 or status in (301, 302)

    def agent(self):
        return f"WooCommerce/{self.store.version} Hookshot (WordPress/6.9.7)"


def shown(hook):
    """This function will return a webhook as the API shows it: never its secret."""
    return {name: hook[name] for name in SHOWN}
