"""The steps in which a WooCommerce store is connected, each tried on the store itself.

What a store answers to keys it does not take differs by how they were shown: an unknown key in the header is nobody (cannot
view; or a user that WordPress does not know, where application passwords are in use), a wrong secret is named, and by OAuth
both are. A key that may only read is refused with 401 at the first writing. All this under one code, and told apart by
sentences alone, which a store writes in its own language; so what does not need them is found out otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace
from email.utils import parsedate_to_datetime
from typing import Any

import orjson

from saas.commerce.connectors import woocommerce_ways
from saas.commerce.connectors.found import Bad, Found, Waiting
from saas.commerce.connectors.woocommerce_address import unreachable
from saas.commerce.connectors.woocommerce_rest import RESTORED, TOPICS, Store
from saas.kit import clock, http_out

SECONDS, MOST = 20.0, 8 * 1024 * 1024
NAME = "Regulars"
REFUSED = "woocommerce_rest_authentication_error"
NO_USER = ("invalid_username", "invalid_email", "incorrect_password", "application_passwords_disabled")
SKEW = 870.0
"""A few seconds less than the fifteen minutes that a store lets its clock and ours differ by."""


def ask(store: Store, method: str, path: str, *, json: Any = None, **params: Any) -> tuple[int, Any]:
    """Return the status and the body of an answer, None where it is no JSON; raises Bad where nothing answers."""
    try:
        answer = store.ask(method, path, params=params or None, json=json, seconds=SECONDS, most=MOST)
    except http_out.Unreachable as refusal:
        raise unreachable(store.url, refusal) from None
    way = store.way or woocommerce_ways.usual(store.root or store.url)
    if answer.status == 401 and way == woocommerce_ways.OAUTH:
        _require_same_time(answer)
    try:
        return answer.status, orjson.loads(answer.body.lstrip(b"\xef\xbb\xbf"))
    except orjson.JSONDecodeError:
        return answer.status, None


def _require_same_time(answer: http_out.Answer) -> None:
    """A signature is only good for a while; raises Bad where the store's server tells a time that is too far from ours."""
    said = next((value for name, value in answer.headers.items() if name.lower() == "date"), "")
    try:
        away = abs((parsedate_to_datetime(said) - clock.now()).total_seconds())
    except (TypeError, ValueError):
        return
    if away > SKEW:
        raise Bad("clock")


def keys(store: Store) -> tuple[Store, Found]:
    """Return the store with the way in which it takes its keys, its currency and its version. Raises Bad."""
    refused: Bad | None = None
    ways = woocommerce_ways.to_try(store.root or store.url)
    for way in ways:
        tried = replace(store, way=way)
        status, body = ask(tried, "GET", "/orders", per_page=1)
        if status == 200 and isinstance(body, list):
            order = body[0] if body else {}
            return tried, Found(
                "keys_good_stripped" if way == woocommerce_ways.QUERY else "keys_good", way=way, currency=_currency(tried, order),
                version=str(order.get("version") or ""),
            )  # fmt: skip
        reason = _why(status, body)
        if (
            reason.code == "wrong_keys"
            and _code(body) == REFUSED
            and ask(tried, "POST", "/webhooks/batch", json={})[0] == 200
        ):
            raise Bad("write_only")
        # the first answer that names a reason counts: the other ways only make it vaguer
        if refused is None or refused.code == "wrong_keys":
            refused = reason
        if reason.code not in ("wrong_keys", "wrong_secret", "wrong_key"):
            break
    raise refused or Bad("wrong_keys")


def _currency(store: Store, order: dict[str, Any]) -> str:
    status, body = ask(store, "GET", "/data/currencies/current")
    found = body.get("code") if status == 200 and isinstance(body, dict) else order.get("currency")
    return str(found or "")[:3].upper()


def _code(body: Any) -> str:
    return str(body.get("code") or "") if isinstance(body, dict) else ""


def _why(status: int, body: Any) -> Bad:
    """Return what a refusal of the store means."""
    code = _code(body)
    said = str(body.get("message") or "").lower() if isinstance(body, dict) else ""
    if code in NO_USER:
        return Bad("wrong_keys")
    if code == REFUSED:
        for part, meaning in (("write permission", "read_only"), ("read permission", "write_only"), ("timestamp", "clock"),
                              ("key is invalid", "wrong_key"), ("secret", "wrong_secret"), ("signature", "wrong_secret")):  # fmt: skip
            if part in said:
                return Bad(meaning)
        return Bad("wrong_keys")
    if code.startswith("woocommerce_rest_cannot_"):
        return Bad("wrong_keys" if status == 401 else "role")
    if status in (401, 403):
        return Bad("api_closed" if code else "firewall", host="", status=status)
    if status == 404:
        return Bad("no_woocommerce", host="")
    return Bad("busy" if status == 429 else "api_broken", host="", status=status)


def permissions(store: Store) -> Found:
    """Try that the key may read products, customers and orders, and write: an empty batch changes nothing. Raises Bad."""
    for kind in ("products", "customers", "orders"):
        status, body = ask(store, "GET", f"/{kind}", per_page=1)
        if status != 200:
            raise _why(status, body)
    status, body = ask(store, "POST", "/webhooks/batch", json={})
    if status in (401, 403):
        reason = _why(status, body)
        raise reason if reason.code != "wrong_keys" else Bad("read_only")
    if status >= 400:
        raise _why(status, body)
    return Found("permissions_good")


def webhooks(
    store: Store, *, address: str, secret: str, former: Iterable[str], go_on: Callable[[], bool]
) -> Found | None:
    """Have every topic delivered to our address, signed with our secret, once: what is missing is made, ours from before is
    taken up again, and doubled ones are deleted. Returns None when there was no time for all. Raises Bad."""
    status, held = ask(store, "GET", "/webhooks", per_page=100)
    if status != 200 or not isinstance(held, list):
        raise _why(status, held)
    addresses = {address, *former}
    ours: dict[str, list[dict[str, Any]]] = {}
    for hook in held:
        if hook.get("delivery_url") in addresses:
            ours.setdefault(str(hook.get("topic")), []).append(hook)
    counts = {"made": 0, "taken_up": 0, "deleted": 0}
    wanted = {"delivery_url": address, "secret": secret, "status": "active"}
    for topic in (*TOPICS, *RESTORED):
        if not go_on():
            return None
        known = sorted(
            ours.get(topic, []), key=lambda hook: (hook.get("delivery_url") != address, hook.get("status") != "active")
        )
        if known:
            _must(ask(store, "PUT", f"/webhooks/{known[0]['id']}", json=wanted))
            counts["taken_up"] += 1
        else:
            answer = ask(store, "POST", "/webhooks", json={"name": f"{NAME} {topic}", "topic": topic, **wanted})
            if topic in RESTORED and answer[0] == 400:
                continue
            _must(answer)
            counts["made"] += 1
        for hook in known[1:]:
            _must(ask(store, "DELETE", f"/webhooks/{hook['id']}", force="true"))
            counts["deleted"] += 1
    return Found("webhooks_good", count=counts["made"] + counts["taken_up"], **counts)


def _must(answer: tuple[int, Any]) -> None:
    if answer[0] >= 400:
        raise _why(*answer)


def touch(store: Store, *, site: str) -> Waiting:
    """Have the store tell of something: a product is saved as it is, which changes nothing but when it was saved last."""
    status, found = ask(store, "GET", "/products", per_page=1, orderby="id", order="desc")
    if status != 200 or not isinstance(found, list):
        raise _why(status, found)
    if not found:
        return Waiting("delivery_first", product="")
    product = found[0]
    status, body = ask(
        store, "PUT", f"/products/{product['id']}", json={"menu_order": int(product.get("menu_order") or 0)}
    )
    if status >= 400:
        raise _why(status, body)
    ring(site)
    return Waiting("delivery_touched", product=str(product.get("name") or product["id"])[:120])


def ring(site: str) -> None:
    """Call the address that has WordPress do what waits, as a visitor of the store would; whether it answers is its business.

    It lies where WordPress itself does, which may be another folder than the store's pages.
    """
    try:
        http_out.call("GET", f"{site}/wp-cron.php", params={"doing_wp_cron": ""}, seconds=5.0, most=100_000)
    except http_out.Unreachable:
        return
