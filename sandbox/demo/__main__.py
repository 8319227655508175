"""Loads the simulated shop into a running Regulars, through the same doors as any shop: its API and /collect.

Founds the demo company, connects the shop, sends its products and customers, its orders and the browsing of the last weeks,
makes segments and the forms on the shop's pages, has the past campaigns taken over, and hands back what the demo shop needs to go on from there. Begun again
after an interruption it goes on with the same company; everything is recorded once.
"""

import argparse
import http.client
import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from sandbox import demo
from sandbox.demo import forms, greetings, groups, judgements, letters

COMPANY, EMAIL, PASSWORD = "Fern & Kettle", "demo@regulars.example", "fern-and-kettle"
OLDEST = timedelta(days=29)  # /collect takes nothing that is older than a month
BULK, SENDERS, MOST_EVENTS = 500, 3, 100
QUIET = 5  # seconds; the web closes a connection on which nothing is asked for 30, and the browsing takes others
SEGMENTS = {"tea-week": "Tea lovers", "missed-you": "Gone quiet", "warm-light": "Light and warmth"}
DRAFT = "New glazes"


class Refused(Exception):
    """A door did not take what it was sent; its answer says why."""


class Door:
    """One kept connection to Regulars, made anew when it was quiet for so long that the server may just be closing it."""

    def __init__(self, url, *, key=""):
        place = urlsplit(url)
        self.line = http.client.HTTPConnection(place.hostname, place.port, timeout=120)
        self.spoken = time.monotonic()
        self.headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})

    def post(self, path, body):
        """This function will send `body` and return the answer; raises Refused."""
        return self.ask("POST", path, json.dumps(body))

    def get(self, path):
        """This function will return what is at `path`; raises Refused."""
        return self.ask("GET", path)

    def ask(self, method, path, body=None):
        if time.monotonic() - self.spoken > QUIET:
            self.line.close()
        self.line.request(method, path, body, self.headers)
        answer = self.line.getresponse()
        text = answer.read().decode()
        self.spoken = time.monotonic()
        if answer.status >= 300:
            raise Refused(f"{path} answered {answer.status}: {text[:500]}")
        return json.loads(text)


def main():
    options = arguments()
    begun = options.output.with_suffix(".begun")
    known = json.loads(begun.read_text()) if begun.exists() else found(options)
    begun.touch(mode=0o600)
    begun.write_text(json.dumps(known))
    world = demo.simulate(
        seed=options.seed, until=datetime.fromisoformat(known["until"]), scale=options.scale, shop_url=options.shop_url
    )
    api = Door(options.crm_url, key=known["api_key"])
    for name, items in (("products", world.products()), ("customers", world.customers()), ("orders", world.orders())):
        print(f"{name}: {send_all(api, name, list(items), shop=known['shop'])}", flush=True)
    print(f"browsing: {browse(options.crm_url, world, known)}", flush=True)
    print(f"reviews: {send_all(api, 'reviews', list(judgements.judgements(world)), shop=known['shop'])}", flush=True)
    api.ask("PATCH", "/api/v1/reviews/settings", json.dumps({"sources": {known["shop"]: {"on": True}}, "page": True}))
    known["form"] = greet(api, known)
    made = segments(api)
    print(f"segments: {len(made)}", flush=True)
    mail(api, world, known, made, aside=options.output.with_suffix(".mailings"))
    saas("learn", "--later", "--tenant", str(known["tenant"]))
    options.output.touch(mode=0o600)
    options.output.write_text(json.dumps(known))
    begun.unlink()


def arguments():
    parser = argparse.ArgumentParser(prog="python -m sandbox.demo", description=__doc__)
    parser.add_argument("--crm-url", default=os.environ.get("PUBLIC_URL"), help="where Regulars is")
    parser.add_argument("--shop-url", default=os.environ.get("SHOP_URL"), help="where the demo shop will be")
    parser.add_argument(
        "--output", type=Path, required=True, help="file for who signs in and how the shop is connected"
    )
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--scale", type=float, default=1.0, help="share of the simulated past, for tests")
    return parser.parse_args()


def saas(*words):
    """This function will run a command of Regulars and return what it printed."""
    return subprocess.run([sys.executable, "-m", "saas", *words], check=True, stdout=subprocess.PIPE, text=True).stdout


def found(options):
    """This function will found the demo company by Regulars' own command and connect the demo shop to it."""
    made = json.loads(saas(
        "tenants", "create", "--json", "--simulated", "--plan", "scale", "--company", COMPANY, "--email", EMAIL, "--password", PASSWORD
    ))  # fmt: skip
    api = Door(options.crm_url, key=made["api_key"])
    wanted = {
        "kind": "generic",
        "name": COMPANY,
        "url": options.shop_url,
        "currency": "EUR",
        "coupons_url": f"{options.shop_url}/hooks/coupons",
    }
    shop = api.post("/api/v1/shops", wanted)
    until = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    return {
        "tenant": made["tenant_id"], "email": EMAIL, "password": PASSWORD, "api_key": made["api_key"], "shop": shop["id"],
        "site_key": shop["site_key"], "hook_url": shop["webhook_url"],
        "hook_secret": shop["webhook_secret"], "until": until.isoformat(),
    }  # fmt: skip


def send_all(api, name, items, *, shop):
    """This function will send items in bulk and return how many; raises Refused naming the first not taken."""
    for start in range(0, len(items), BULK):
        answer = api.post(f"/api/v1/{name}/bulk", {"shop_id": shop, "items": items[start : start + BULK]})
        failed = [item for item in answer["items"] if item["status"] == "failed"]
        if failed:
            raise Refused(f"{name}: {failed[0]}")
    return len(items)


def browse(url, world, known):
    """This function will tell the sessions of the last weeks as the tracker would have, and return how many events.

    What one browser did goes in bodies of up to a hundred events, in its order.
    """
    since = (datetime.fromisoformat(known["until"]) - OLDEST).isoformat()
    told = {}
    for visit in world.visits(secret=known["hook_secret"]):
        if visit["events"][0]["at"] >= since:
            whole = told.setdefault(visit["visitor"], {"site_key": known["site_key"], **visit, "events": []})
            whole["consent"] = visit["consent"]
            whole["events"] += visit["events"]
    lanes = [list(told.values())[lane::SENDERS] for lane in range(SENDERS)]

    def tell(lane):
        door = Door(url)
        return sum(
            door.post("/collect", {**visit, "events": visit["events"][start : start + MOST_EVENTS]})["accepted"]
            for visit in lane for start in range(0, len(visit["events"]), MOST_EVENTS)
        )  # fmt: skip

    with ThreadPoolExecutor(SENDERS) as senders:
        return sum(senders.map(tell, lanes))


def segments(api):
    """This function will make the shop's segments that are not there yet and return all ids by name."""
    known = {one["name"]: one["id"] for one in api.get("/api/v1/segments?limit=200")["items"]}
    wanted = groups.groups({key: name for key, (name, _) in forms.CATEGORIES.items()})
    missing = {name: definition for name, definition in wanted.items() if name not in known}
    return known | {
        name: api.post("/api/v1/segments", {"name": name, "definition": definition})["id"]
        for name, definition in missing.items()
    }


def greet(api, known):
    """This function will make the shop's forms and the coupon that one of them gives, and return the id of the one in the page."""
    held = {one["name"]: one for one in api.get("/api/v1/forms?limit=200")["items"]}
    coupons = {one["name"]: one["id"] for one in api.get("/api/v1/coupons?limit=200")["items"]}
    coupon = coupons.get(greetings.WELCOME["name"]) or api.post(
        "/api/v1/coupons", greetings.WELCOME | {"shop_id": known["shop"]}
    )["id"]  # fmt: skip
    wanted = {
        greetings.IN_PAGE: ("embed", greetings.letter()),
        greetings.POP_UP: ("popup", greetings.greeting(coupon)),
    }
    for name, (kind, content) in wanted.items():
        held[name] = held.get(name) or api.post("/api/v1/forms", {"name": name, "kind": kind, "content": content})
        api.post(f"/api/v1/forms/{held[name]['id']}/show", {})
    return held[greetings.IN_PAGE]["id"]


def mail(api, world, known, made, *, aside):
    """This function will have the past campaigns taken over, and write one more that waits to be sent."""
    past = [
        {"name": one["name"], "subject": one["subject"], "source": letters.letter(one["key"]), "segment": made[SEGMENTS[one["key"]]],
         "sent_at": one["sent_at"], "holdout_percent": 10, "recipients": list(map(recipient, one["responses"]))}
        for one in world.campaigns()
    ]  # fmt: skip
    aside.write_text(json.dumps({"shop": known["shop"], "mailings": past}))
    print(saas("mailings", str(aside), "--tenant", str(known["tenant"])), end="", flush=True)
    aside.unlink()
    if not any(one["name"] == DRAFT for one in api.get("/api/v1/campaigns?limit=200")["items"]):
        api.post("/api/v1/campaigns", {
            "name": DRAFT, "subject": "Two new glazes, {{ customer.first_name | default: 'fresh from the kiln' }}",
            "source": letters.letter("tea-again"), "segment_id": made["Tea lovers"], "holdout_percent": 10,
        })  # fmt: skip


def recipient(answer):
    """This function will say of one recipient what a mail system would know.

    A privacy proxy fetches the picture whoever reads, so its fetching is no opening; a click is one.
    """
    if answer["arm"] == "held_out":
        return {"customer": answer["customer"], "held_out": True}
    proxy, opened, clicked = answer["by_proxy"], answer["opened_at"], answer["clicked_at"]
    return {
        "customer": answer["customer"], "sent_at": answer["sent_at"], "opened_at": clicked if proxy else opened,
        "proxy_opened_at": opened if proxy else None, "clicked_at": clicked, "unsubscribed_at": answer["unsubscribed_at"],
        "bounced_at": answer["sent_at"] if answer["bounced"] else None, "complained_at": answer["complained_at"],
    }  # fmt: skip


if __name__ == "__main__":
    main()
