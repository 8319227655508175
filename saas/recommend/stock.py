"""What may be offered right now, in the memory of every web worker, and never more than a moment old.

PostgreSQL is the truth. `refresh` (after each change of a product) writes the new state into Valkey and moves a counter;
a web worker that sees the counter moved fetches just what moved. When Valkey was emptied the next reader builds it anew,
and while Valkey is away an answer is checked against PostgreSQL before it leaves (`still_offerable`).

The models know a product by its number, the low 63 bits of its id, so that they are free of shops' own ids.
"""

from __future__ import annotations

import heapq
import itertools
import threading
import time
from collections import OrderedDict, defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple
from uuid import UUID

import orjson
import psycopg
from redis.exceptions import RedisError

from saas.catalog import picture_addresses
from saas.kit import crypto, money, pool, valkey
from saas.recommend.words import Words

LOOK_EVERY = 0.25  # seconds between two looks at the counter
DOUBTFUL_FOR = 2.0  # seconds a catalogue read from PostgreSQL is believed while Valkey is away
MOST_PRODUCTS = 400_000  # over all companies in one process's memory, some 400 MB
NO_SOURCE = UUID(int=0).hex
NUMBER = (1 << 63) - 1
NEWEST = 200

FORM = b"4"  # of what is written into Valkey; what another release wrote is built anew

COLUMNS = """
    SELECT p.id, p.external_id, p.source_id, p.name, p.url, p.image_url, p.tenant_id, p.picture_digest, p.price_micros, p.categories,
           coalesce(nullif(p.currency, ''), (SELECT s.currency FROM tenant_settings s LIMIT 1), ''),
           p.tags, p.stock, p.cost_micros, p.regular_price_micros, p.up_sell_keys,
           (SELECT jsonb_agg(jsonb_build_array(
                       v.external_id, coalesce(nullif(v.name, ''),
                           (SELECT string_agg(o ->> 'value', ', ') FROM jsonb_array_elements(v.options) o), ''),
                       v.price_micros, v.cost_micros, v.regular_price_micros, v.stock, v.image_url) ORDER BY v.position, v.id)
            FROM product_variants v WHERE v.tenant_id = p.tenant_id AND v.product_id = p.id AND v.active AND NOT v.gone
                AND v.price_micros IS NOT NULL AND v.stock_state <> 'out_of_stock'
                AND (v.stock IS NULL OR v.stock > 0 OR v.stock_state = 'on_backorder')),
           (SELECT array[round(avg(r.stars), 1), count(*)]::float8[] FROM reviews r
            WHERE r.tenant_id = p.tenant_id AND r.product_id = p.id AND r.state = 'published'
            HAVING count(*) >= coalesce((SELECT CASE WHEN s.content ->> 'offer_stars' = 'false' THEN 1000000000
                                                ELSE (s.content ->> 'offer_stars_from')::int END FROM review_settings s LIMIT 1), 3)),
           p.active AND (p.stock IS NULL OR p.stock > 0) AND p.name <> '' AND p.url <> '' AND p.price_micros IS NOT NULL
    FROM products p
"""
LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('recommend.stock', %s))"


def number_of(product_id: UUID) -> int:
    """Return what the models call a product."""
    return product_id.int & NUMBER


class Variant(NamedTuple):
    """A size or colour that may be bought now; money in millionths."""

    key: str
    name: str
    micros: int
    cost: int | None
    regular: int | None
    stock: int | None
    image_url: str


@dataclass(frozen=True, slots=True)
class Product:
    """A product as an offer shows it; `offerable` says whether it may be offered now.

    The rest is for the rules of places: tags, what is in stock (None: not counted), and in millionths what it costs the shopper
    (`micros`), cost the shop (`cost`) and cost before it was reduced (`regular`). `up_sells` are the shop's ids of what it
    would rather sell. `stars` is the average of its published `reviews`, both 0 where the company has no stars shown or too few wrote. `variant` is the shop's id of the variant where it stands for one (see `as_variant`).
    """

    number: int
    id: str
    key: str
    source: str
    name: str
    url: str
    image_url: str
    price: str
    currency: str
    categories: tuple[str, ...]
    offerable: bool
    tags: tuple[str, ...] = ()
    stock: int | None = None
    micros: int | None = None
    cost: int | None = None
    regular: int | None = None
    up_sells: tuple[str, ...] = ()
    variants: tuple[Variant, ...] = ()
    variant: str = ""
    stars: float = 0.0
    reviews: int = 0

    @property
    def margin(self) -> float | None:
        """What of the price is left over for the shop, in percent; None where its cost or price is not known."""
        return None if self.cost is None or not self.micros else 100.0 * (self.micros - self.cost) / self.micros

    @property
    def earned(self) -> int | None:
        """What is left over for the shop, in millionths; None where its cost or price is not known."""
        return None if self.cost is None or self.micros is None else self.micros - self.cost

    @property
    def reduced(self) -> bool:
        return self.regular is not None and self.micros is not None and self.micros < self.regular

    def as_variant(self, variant: Variant) -> Product:
        """Return the product as it is offered in one size or colour, with the price, cost and stock of that one."""
        name = f"{self.name} – {variant.name}" if variant.name and variant.name != self.name else self.name
        return replace(
            self, name=name, price=money.micros_text(variant.micros), micros=variant.micros, stock=variant.stock, variants=(),
            cost=variant.cost, regular=variant.regular, variant=variant.key, image_url=variant.image_url or self.image_url,
        )  # fmt: skip

    def packed(self) -> bytes:
        return orjson.dumps([
            self.id, self.key, self.source, self.name, self.url, self.image_url, self.price, self.currency, self.categories, self.offerable,
            self.tags, self.stock, self.micros, self.cost, self.regular, self.up_sells, [tuple(one) for one in self.variants],
            self.stars, self.reviews,
        ])  # fmt: skip


def _unpacked(data: bytes) -> Product:
    (product_id, key, source, name, url, image_url, price, currency, categories, offerable, tags, stock, micros, cost, regular, up_sells,
     variants, stars, reviews) = orjson.loads(data)  # fmt: skip
    number = int(product_id.replace("-", ""), 16) & NUMBER
    return Product(number, product_id, key, source, name, url, image_url, price, currency, tuple(categories), offerable, tuple(tags), stock,
                   micros, cost, regular, tuple(up_sells), tuple(Variant(*one) for one in variants), stars=stars, reviews=reviews)  # fmt: skip


def _from_row(row: Sequence) -> Product:
    (product_id, key, source, name, url, image_url, tenant_id, picture, micros, categories, currency, tags, stock, cost, regular, up_sells,
     variants, judged, offerable) = row  # fmt: skip
    stars, reviews = judged or (0.0, 0)
    image_url = picture_addresses.made(tenant_id, picture) if picture else image_url
    price = "" if micros is None else money.micros_text(micros)
    return Product(number_of(product_id), str(product_id), key, source.hex, name, url, image_url, price, currency, tuple(categories),
                   bool(offerable), tuple(tags), stock, micros, cost, regular, tuple(up_sells),
                   tuple(Variant(*one) for one in variants or ()), stars=stars, reviews=int(reviews))  # fmt: skip


_stamps = itertools.count(1)


class Catalogue:
    """One company's products, by number and by the shops' own ids."""

    def __init__(self, products: Iterable[Product], mark: tuple[bytes, int] | None) -> None:
        self.mark = mark  # generation and counter in Valkey; None when it was read past Valkey
        self.looked_at = time.monotonic()
        self.by_number: dict[int, Product] = {}
        self.by_key: dict[str, dict[str, int]] = defaultdict(dict)
        self.sources: set[str] = set()
        self.stamp = 0  # changes with every change, for answers that are kept a moment
        self.kept: dict[Hashable, list[int]] = {}  # what others work out of the whole range, until the next change
        self._newest: list[int] | None = None
        self._members: dict[str, set[int]] | None = None
        self._words: Words | None = None
        self._guard = threading.Lock()
        self.take(products)

    def take(self, products: Iterable[Product]) -> None:
        """Put in products as they are now."""
        with self._guard:
            for product in products:
                before = self.by_number.get(product.number)
                self.by_number[product.number] = product
                if self._members is not None:
                    self._file(product, before)
                self.by_key[product.key][product.source] = product.number
                self.sources.add(product.source)
                if self._words is not None:
                    self._words.take(product.number, product.name, product.categories)
            self._newest = None
            self.kept = {}
            self.stamp = next(_stamps)

    def _file(self, product: Product, before: Product | None) -> None:
        for category in before.categories if before is not None else ():
            self._members[category].discard(product.number)
        for category in product.categories:
            self._members[category].add(product.number)

    def members(self, category: str) -> list[int]:
        """The products of a category, in no order; who is where is written down when it is asked for the first time."""
        with self._guard:
            if self._members is None:
                self._members = defaultdict(set)
                for product in self.by_number.values():
                    self._file(product, None)
            return list(self._members.get(category, ()))

    @property
    def words(self) -> Words:
        """The words of the products' names and categories; made when somebody searches for the first time."""
        with self._guard:
            if self._words is None:
                made = Words()
                for product in self.by_number.values():
                    made.take(product.number, product.name, product.categories)
                self._words = made
            return self._words

    @property
    def newest(self) -> list[int]:
        """The products that came last, for a shop of which nothing else is known."""
        if self._newest is None:
            by_age = heapq.nlargest(NEWEST, (product.id for product in self.by_number.values() if product.offerable))
            self._newest = [number_of(UUID(product_id)) for product_id in by_age]
        return self._newest

    def every(self) -> list[Product]:
        """All products, as they are at this moment."""
        with self._guard:
            return list(self.by_number.values())

    def find(self, key: str, source: str = NO_SOURCE) -> Product | None:
        """Return the product a shop knows by this id: its own first, then one without a shop, then any."""
        known = self.by_key.get(key)
        if not known:
            return None
        number = known.get(source) or known.get(NO_SOURCE) or min(known.values())
        return self.by_number[number]

    def offerable_in(self, product: Product | None, source: str) -> bool:
        """Tell whether a shop may offer a product: its own and those without a shop, or any when it has none of its own."""
        if product is None or not product.offerable:
            return False
        return source not in self.sources or source == NO_SOURCE or product.source in (source, NO_SOURCE)


_held: OrderedDict[int, Catalogue] = OrderedDict()
_guard = threading.Lock()
_building: dict[int, threading.Lock] = defaultdict(threading.Lock)


def catalogue(tenant_id: int) -> Catalogue:
    """Return a company's products from memory, brought up to date when Valkey says that something moved."""
    held = _held.get(tenant_id)
    now = time.monotonic()
    if held is not None and now - held.looked_at < LOOK_EVERY:
        return held
    with _building[tenant_id]:
        held = _held.get(tenant_id)
        if held is None or time.monotonic() - held.looked_at >= LOOK_EVERY:
            held = _looked_at(tenant_id, held)
            _keep(tenant_id, held)
    return held


def _keep(tenant_id: int, held: Catalogue) -> None:
    with _guard:
        _held[tenant_id] = held
        _held.move_to_end(tenant_id)
        while len(_held) > 1 and sum(len(one.by_number) for one in _held.values()) > MOST_PRODUCTS:
            _held.popitem(last=False)


def _looked_at(tenant_id: int, held: Catalogue | None) -> Catalogue:
    try:
        mark = _mark(tenant_id)
        if mark is None:
            return publish(tenant_id)
        if held is not None and held.mark == mark:
            held.looked_at = time.monotonic()
            return held
        if held is not None and held.mark is not None and held.mark[0] == mark[0]:
            return _caught_up(tenant_id, held, mark)
        return Catalogue(map(_unpacked, valkey.client().hvals(f"stock:{tenant_id}")), mark)
    except (RedisError, OSError):
        return _without_valkey(tenant_id, held)


def _without_valkey(tenant_id: int, held: Catalogue | None) -> Catalogue:
    """Read PostgreSQL every few seconds; what was known stays when it is away too."""
    if held is not None and held.mark is None and time.monotonic() - held.looked_at < DOUBTFUL_FOR:
        return held
    try:
        with pool.connection(tenant_id=tenant_id) as opened:
            return Catalogue(map(_from_row, opened.execute(COLUMNS)), None)
    except psycopg.Error:
        if held is None:
            raise
        held.looked_at = time.monotonic()
        return held


def _mark(tenant_id: int) -> tuple[bytes, int] | None:
    form, generation, counter = valkey.client().hmget(f"stock:{tenant_id}:mark", "form", "generation", "counter")
    return (generation, int(counter)) if generation and counter and form == FORM else None


def _caught_up(tenant_id: int, held: Catalogue, mark: tuple[bytes, int]) -> Catalogue:
    """Fetch what moved since the counter that is held."""
    client = valkey.client()
    moved = client.zrangebyscore(f"stock:{tenant_id}:moved", f"({held.mark[1]}", "+inf")
    values = client.hmget(f"stock:{tenant_id}", moved) if moved else []
    held.take(_unpacked(value) for value in values if value)
    held.mark, held.looked_at = mark, time.monotonic()
    return held


def publish(tenant_id: int) -> Catalogue:
    """Write a company's whole catalogue into Valkey as PostgreSQL has it now, and return it."""
    with pool.connection(tenant_id=tenant_id) as opened:
        opened.execute(LOCK, [tenant_id])
        products = [_from_row(row) for row in opened.execute(COLUMNS)]
        mark = (crypto.new_token(12).encode(), 1)
        client, name, fresh = valkey.client(), f"stock:{tenant_id}", f"stock:{tenant_id}:new"
        client.delete(fresh)
        for start in range(0, len(products), 1000):
            client.hset(fresh, mapping={str(p.number): p.packed() for p in products[start : start + 1000]})
        with client.pipeline(transaction=True) as together:
            together.delete(name, f"{name}:moved")
            if products:
                together.rename(fresh, name)
            together.hset(f"{name}:mark", mapping={"form": FORM, "generation": mark[0], "counter": mark[1]})
            together.execute()
    return Catalogue(products, mark)


def refresh(*, tenant_id: int, product_ids: Sequence[str]) -> None:
    """Write the present state of changed products into Valkey; raises Valkey's errors, so that it is tried again.

    The lock keeps two writers of one company apart, so that an older state never overwrites a newer one.
    """
    with pool.connection(tenant_id=tenant_id) as opened:
        opened.execute(LOCK, [tenant_id])
        products = [
            _from_row(row) for row in opened.execute(f"{COLUMNS} WHERE p.id = ANY(%s)", [list(map(UUID, product_ids))])
        ]
        mark = _mark(tenant_id)
        products += _gone(tenant_id, {number_of(UUID(one)) for one in product_ids} - {one.number for one in products})
        if mark is None or not products:  # nothing to bring up to date: the next reader builds it
            return
        name, counter = f"stock:{tenant_id}", mark[1] + 1
        with valkey.client().pipeline(transaction=True) as together:
            together.hset(name, mapping={str(p.number): p.packed() for p in products})
            together.zadd(f"{name}:moved", {str(p.number): counter for p in products})
            together.hset(f"{name}:mark", "counter", counter)
            together.execute()


def _gone(tenant_id: int, numbers: set[int]) -> list[Product]:
    """Return what lies in the bin, or is gone for good, as something that cannot be offered."""
    held = valkey.client().hmget(f"stock:{tenant_id}", [str(number) for number in numbers]) if numbers else []
    return [replace(_unpacked(value), offerable=False) for value in held if value]


def still_offerable(*, tenant_id: int, product_ids: Sequence[str]) -> set[str]:
    """Ask PostgreSQL which of these may be offered; for answers made while Valkey was away."""
    with pool.connection(tenant_id=tenant_id) as opened:
        rows = opened.execute(f"{COLUMNS} WHERE p.id = ANY(%s)", [list(map(UUID, product_ids))])
        return {str(row[0]) for row in rows if row[-1]}


def forget() -> None:
    """Empty this process's memory; for tests."""
    with _guard:
        _held.clear()
