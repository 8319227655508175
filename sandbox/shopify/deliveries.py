"""Telling subscribers what happened: signed over the body, in either generation of headers, and again until they answer 200."""

import base64
import hashlib
import hmac
import itertools
import json

import urllib3

TRIES = 8


class Deliveries:
    """What is told to whom. A subscription whose address failed eight times in a row is deleted, as Shopify does."""

    def __init__(self, *, domain, secret):
        self.domain, self.secret = domain, secret
        self.subscriptions, self.sent, self.waiting = [], [], []
        self.generation = "X-Shopify-"
        self._ids = itertools.count(1)
        self.web = urllib3.PoolManager(timeout=5, retries=False)

    def subscribe(self, topic, uri):
        """This function will keep a subscription, or say that it is there already."""
        if any(one["topic"] == topic and one["uri"] == uri for one in self.subscriptions):
            return {
                "webhookSubscription": None,
                "userErrors": [
                    {
                        "field": ["webhookSubscription", "uri"],
                        "message": "Address for this topic has already been taken",
                    }
                ],
            }
        made = {"id": f"gid://shopify/WebhookSubscription/{next(self._ids)}", "topic": topic, "uri": uri, "failures": 0}
        self.subscriptions.append(made)
        return {"webhookSubscription": made, "userErrors": []}

    def tell(self, topic, body, *, to=None):
        """This function will tell everybody who subscribed to a topic such as orders/create; returns their answers."""
        raw, event = json.dumps(body).encode(), f"event-{next(self._ids)}"
        name = topic.upper().replace("/", "_")
        wanted = [{"uri": to, "failures": 0}] if to else [one for one in self.subscriptions if one["topic"] == name]
        return [self.post(one, topic, raw, event, f"webhook-{next(self._ids)}") for one in wanted]

    def post(self, subscription, topic, raw, event, webhook):
        headers = self.headers(topic, raw, event=event, webhook=webhook)
        try:
            status = self.web.request("POST", subscription["uri"], body=raw, headers=headers, redirect=False).status
        except urllib3.exceptions.HTTPError:
            status = 0
        self.sent.append({"topic": topic, "uri": subscription["uri"], "raw": raw, "headers": headers, "status": status})
        if 200 <= status < 300:
            subscription["failures"] = 0
        else:
            subscription["failures"] += 1
            self.waiting.append((subscription, topic, raw, event, webhook))
            if subscription["failures"] >= TRIES and subscription in self.subscriptions:
                self.subscriptions.remove(subscription)
        return status

    def again(self):
        """This function will try once more what was not taken, with the same body and the same ids."""
        waiting, self.waiting = self.waiting, []
        return [self.post(*one) for one in waiting]

    def headers(self, topic, raw, *, event="event-0", webhook="webhook-0", secret=None):
        signature = base64.b64encode(hmac.new((secret or self.secret).encode(), raw, hashlib.sha256).digest()).decode()
        told = {
            "Topic": topic,
            "Hmac-Sha256": signature,
            "Shop-Domain": self.domain,
            "API-Version": "2026-10",
            "Webhook-Id": webhook,
            "Event-Id": event,
        }
        return {"Content-Type": "application/json"} | {
            f"{self.generation}{name}": value for name, value in told.items()
        }
