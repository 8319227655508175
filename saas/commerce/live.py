"""What a browser is doing right now, in Valkey: the first thing the next offer looks at.

`live:<tenant>:<visitor>` holds JSON {"items": [[product, epoch ms], ...], "cart": [product, ...], "cart_id": text or null,
"seen": {what they look at now, since when, from where, what the cart is worth}, "customer": id or null, "proven": bool} for 30 minutes
after the last event. `now:<tenant>` ranks the browsers by their last event, for whoever wants to see who is there. It is
never the only copy: what it is made of is in PostgreSQL, so a lost Valkey costs a shopper nothing but offers that know a little less for a while.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import orjson
from redis.exceptions import RedisError

from saas.commerce import meter
from saas.kit import clock, events, valkey

log = logging.getLogger(__name__)
TTL = timedelta(minutes=30)
MOST_ITEMS = 50
SECONDS = int(TTL.total_seconds())
PRESENT = timedelta(minutes=5)
"""Whoever did something so recently is on the site now."""
MOST_HERE = 100
AWAY = (RedisError, OSError)

# Lua writes an empty table as {}, hence the two joins by hand. Merging by time makes late and doubled batches harmless.
NOTE = """
local key, ttl, most, fresh = KEYS[1], ARGV[1], tonumber(ARGV[2]), cjson.decode(ARGV[3])
local held = redis.call('GET', key)
local session = held and cjson.decode(held) or {items = {}, cart = {}, cart_at = 0, proven = false}
local items, seen = session.items, {}
for _, item in ipairs(items) do seen[item[1] .. '\\0' .. item[2]] = true end
for _, item in ipairs(fresh.items) do
  if not seen[item[1] .. '\\0' .. item[2]] then
    seen[item[1] .. '\\0' .. item[2]] = true
    items[#items + 1] = item
  end
end
table.sort(items, function(a, b) if a[2] == b[2] then return a[1] < b[1] end return a[2] < b[2] end)
local cart, cart_id, cart_at = session.cart, session.cart_id, session.cart_at or 0
if fresh.cart_at and fresh.cart_at >= cart_at then cart, cart_id, cart_at = fresh.cart, fresh.cart_id, fresh.cart_at end
local seen_now = session.seen or {}
if fresh.seen then
  local since, from = math.min(seen_now.since or fresh.seen.since, fresh.seen.since), seen_now.from or fresh.seen.from
  local landing = seen_now.landing or fresh.seen.landing
  local total, currency = seen_now.total, seen_now.currency
  if fresh.seen.at >= (seen_now.at or 0) then seen_now = fresh.seen end
  if fresh.cart_at and fresh.cart_at >= cart_at then total, currency = fresh.seen.total, fresh.seen.currency end
  seen_now.since, seen_now.from, seen_now.landing, seen_now.total, seen_now.currency = since, from, landing, total, currency
end
local function list(values, first)
  local parts = {}
  for place = first, #values do parts[#parts + 1] = cjson.encode(values[place]) end
  return '[' .. table.concat(parts, ',') .. ']'
end
redis.call('SET', key, '{"items":' .. list(items, math.max(1, #items - most + 1)) .. ',"cart":' .. list(cart, 1)
  .. ',"cart_id":' .. cjson.encode(cart_id or cjson.null) .. ',"cart_at":' .. string.format('%.0f', cart_at)
  .. (next(seen_now) and ',"seen":' .. cjson.encode(seen_now) or '')
  .. ',"customer":' .. cjson.encode(session.customer or cjson.null)
  .. ',"proven":' .. tostring(session.proven == true) .. '}', 'EX', ttl)
"""


def _key(tenant_id: int, visitor: str) -> str:
    return f"live:{tenant_id}:{visitor}"


def read(tenant_id: int, visitor: str) -> dict[str, Any]:
    """Return a browser's live session, the newest item last; an empty one when there is none or Valkey is away."""
    try:
        held = valkey.quick().get(_key(tenant_id, visitor))
    except AWAY:
        held = None
    return orjson.loads(held) if held else empty()


def empty() -> dict[str, Any]:
    return {"items": [], "cart": [], "cart_id": None, "cart_at": 0, "customer": None, "proven": False}


def _now(tenant_id: int) -> str:
    return f"now:{tenant_id}"


def here(tenant_id: int, *, most: int = MOST_HERE) -> tuple[list[tuple[str, dict[str, Any]]], int]:
    """Return the browsers that are on the site at this moment with their sessions, the last active first, and how many
    there are in all. It asks Valkey twice and nothing else, however many look."""
    since = _milliseconds(clock.now() - PRESENT)
    try:
        with valkey.quick().pipeline(transaction=False) as pipe:
            pipe.zrevrangebyscore(_now(tenant_id), "+inf", since, start=0, num=most)
            pipe.zcount(_now(tenant_id), since, "+inf")
            found, count = pipe.execute()
        return _sessions(tenant_id, [one.decode() for one in found]), count
    except AWAY as error:
        log.warning("nobody can be seen on the site: %s", error)
        return [], 0


def of_browsers(tenant_id: int, visitors: Sequence[str]) -> list[tuple[str, dict[str, Any]]]:
    """Return the sessions that some browsers have now, the last active first."""
    try:
        found = _sessions(tenant_id, visitors)
    except AWAY:
        return []
    return sorted(found, key=lambda one: one[1].get("seen", {}).get("at", 0), reverse=True)


def _sessions(tenant_id: int, visitors: Sequence[str]) -> list[tuple[str, dict[str, Any]]]:
    if not visitors:
        return []
    held = valkey.quick().mget([_key(tenant_id, one) for one in visitors])
    return [(visitor, orjson.loads(told)) for visitor, told in zip(visitors, held, strict=True) if told]


def note(
    tenant_id: int, visitor: str, *, items: Sequence[tuple[str, datetime]] = (),
    cart: tuple[datetime, str, Sequence[str]] | None = None, ring: bool = False, count: int = 0,
    also: Callable[[Any], None] | None = None, seen: dict[str, Any] | None = None,
) -> None:  # fmt: skip
    """Add what a browser just looked at, and its cart (moment, id, products); `seen` says what it shows now, with the moments
    `at` and `since`; with `ring` wake the relay by the way, and with `count` so many events are added to the company's meter; `also` adds to what is on its way.

    What is older than a session lasts is left out. Valkey being away is no error: the shopper must not notice.
    """
    since = clock.now() - TTL
    told: dict[str, Any] = {
        "items": [[product, _milliseconds(at)] for product, at in items if at > since][-MOST_ITEMS:]
    }
    if cart is not None and cart[0] > since:
        told |= {"cart_at": _milliseconds(cart[0]), "cart_id": cart[1], "cart": list(cart[2])[:MOST_ITEMS]}
    if seen is not None and seen["at"] > since:
        told["seen"] = seen | {"at": _milliseconds(seen["at"]), "since": _milliseconds(max(seen["since"], since))}
    try:
        with valkey.quick().pipeline(transaction=False) as pipe:
            if "seen" in told:
                pipe.zadd(_now(tenant_id), {visitor: told["seen"]["at"]}, gt=True)
                pipe.zremrangebyscore(_now(tenant_id), "-inf", _milliseconds(since))
                pipe.expire(_now(tenant_id), SECONDS)
            pipe.eval(NOTE, 1, _key(tenant_id, visitor), SECONDS, MOST_ITEMS, orjson.dumps(told))
            if count:
                meter.add(pipe, tenant_id, count)
            if also is not None:
                also(pipe)
            if ring:
                pipe.lpush(events.NUDGE, b"1")
                pipe.ltrim(events.NUDGE, 0, 9)  # one bell is as good as many, also while nobody listens
            pipe.execute()
    except AWAY as error:
        log.warning("a live session was not noted: %s", error)


BIND = """
local held = redis.call('GET', KEYS[1])
if not held then return 0 end
local before, after = held:match('^(.*)"customer":'), '"customer":' .. ARGV[1] .. ',"proven":' .. ARGV[2] .. '}'
redis.call('SET', KEYS[1], before .. after, 'KEEPTTL')
return 1
"""


def bind(tenant_id: int, visitor: str, customer_id: UUID | None, *, proven: bool) -> None:
    """Say whose browser it is, or that it is nobody's; a browser that is not there right now stays away."""
    whose = orjson.dumps(str(customer_id) if customer_id else None)
    try:
        valkey.quick().eval(BIND, 1, _key(tenant_id, visitor), whose, orjson.dumps(proven and customer_id is not None))
    except AWAY as error:
        log.warning("a live session was not bound: %s", error)


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
