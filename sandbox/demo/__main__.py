"""Loads the simulated shop into a running Regulars, through the same doors as any shop: its API and /collect.

Founds the demo company, connects the shop, sends its products, customers and orders, then the browsing of the last
weeks, and hands back what the demo shop needs to go on from there. Begun again after an interruption it goes on with
the same company; everything is recorded once.
"""

import argparse
import http.client
import json
import os
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit
from zlib import crc32

from sandbox import demo

COMPANY, EMAIL, PASSWORD = "Fern & Kettle", "demo@regulars.example", "fern-and-kettle"
OLDEST = timedelta(days=29)  # /collect takes nothing that is older than a month
BULK, SENDERS = 500, 3


class Refused(Exception):
    """A door did not take what it was sent; its answer says why."""


class Door:
    """One kept connection to Regulars."""

    def __init__(self, url, *, key=""):
        place = urlsplit(url)
        self.line = http.client.HTTPConnection(place.hostname, place.port, timeout=120)
        self.headers = {"Content-Type": "application/json"} | ({"Authorization": f"Bearer {key}"} if key else {})

    def post(self, path, body):
        """This function will send `body` and return the answer; raises Refused."""
        self.line.request("POST", path, json.dumps(body), self.headers)
        answer = self.line.getresponse()
        text = answer.read().decode()
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


def found(options):
    """This function will found the demo company by Regulars' own command and connect the demo shop to it."""
    command = [sys.executable, "-m", "saas", "tenants", "create", "--json", "--simulated", "--plan", "scale"]
    command += ["--company", COMPANY, "--email", EMAIL, "--password", PASSWORD]
    made = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout)
    api = Door(options.crm_url, key=made["api_key"])
    wanted = {"kind": "generic", "name": COMPANY, "url": options.shop_url, "currency": "EUR"}
    shop = api.post("/api/v1/shops", wanted)
    until = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
    return {
        "email": EMAIL, "password": PASSWORD, "api_key": made["api_key"], "shop": shop["id"],
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
    """This function will tell the sessions of the last weeks as the tracker would have, and return how many events."""
    since = (datetime.fromisoformat(known["until"]) - OLDEST).isoformat()
    lanes = [[] for _ in range(SENDERS)]
    for visit in world.visits(secret=known["hook_secret"]):
        if visit["events"][0]["at"] >= since:
            # One visitor's sessions stay in one lane, so that they arrive in their order.
            lanes[crc32(visit["visitor"].encode()) % SENDERS].append({"site_key": known["site_key"], **visit})

    def tell(lane):
        door = Door(url)
        return sum(door.post("/collect", visit)["accepted"] for visit in lane)

    with ThreadPoolExecutor(SENDERS) as senders:
        return sum(senders.map(tell, lanes))


if __name__ == "__main__":
    main()
