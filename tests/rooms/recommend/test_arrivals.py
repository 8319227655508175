"""What newcomers want by the campaign, the site and the page they came by, beside what everybody wants."""

from __future__ import annotations

import numpy as np
import orjson
import pytest

from saas.catalog import products
from saas.commerce.models import Visit
from saas.kit import clock, identifiers, scope, valkey, work
from saas.kit.db import db
from saas.recommend import arrivals, fitting, offers, shelf
from saas.recommend.arrivals import ArrivalsModel
from tests.rooms.recommend import little_shop

SPRING = ("https://news.example/a?x=1", "https://shop.example/?utm_campaign=Cups")


def visits(number: int = 400) -> list[arrivals.Visit]:
    """Who comes by the campaign looks at 1 and 2, others at 3 to 9."""
    random = np.random.default_rng(1)
    return [
        (("campaign:cups", "page:/cups"), [int(random.integers(1, 3))])
        if place % 4 == 0
        else (("site:search.example",), [int(random.integers(3, 10))])
        for place in range(number)
    ]


class TestWays:
    def test_campaign_site_and_page_are_named(self):
        assert arrivals.ways(*SPRING) == ("campaign:cups", "site:news.example")
        assert arrivals.ways("", "https://shop.example/tea/?utm_source=letter") == ("campaign:letter", "page:/tea")

    def test_the_shop_s_own_pages_and_nonsense_are_no_way(self):
        assert arrivals.ways("https://www.shop.example/x", "https://shop.example/") == ()
        assert arrivals.ways("http://[", "") == ()


class TestModel:
    def test_who_came_the_same_way_looked_at_these(self):
        model = ArrivalsModel.fit(visits())
        assert {one.item for one in model.predict(("campaign:cups",), n=2)} == {1, 2}
        assert {one.item for one in model.predict(("site:search.example",), n=7)} == set(range(3, 10))
        assert model.predict(("campaign:unknown",)) == []

    def test_a_way_that_few_took_is_not_kept(self):
        rare = [(("page:/private-letter",), [1])] * (arrivals.FEWEST - 1)
        assert len(ArrivalsModel.fit(rare)) == 0

    def test_a_little_evidence_moves_a_little(self):
        """By hand: 20 visits by the way, all to 2, of 100 in all, the other 80 to 1: (20 + 30 * .2) / (20 + 30) / .2."""
        model = ArrivalsModel.fit([(("site:a",), [2])] * 20 + [(("site:b",), [1])] * 80)
        assert model.lifts["site:a"][2] == pytest.approx((20 + 30 * 0.2) / 50 / 0.2)

    def test_written_and_read_it_answers_the_same(self):
        model = ArrivalsModel.fit(visits())
        again = ArrivalsModel.from_bytes(model.to_bytes())
        assert again.predict(("campaign:cups", "page:/cups")) == model.predict(("campaign:cups", "page:/cups"))

    def test_the_score_asks_visits_that_were_not_learnt_from(self):
        range_of_a_hundred = [((f"site:{place % 4}",), [place % 4 * 25 + place // 4 % 25]) for place in range(4000)]
        told = arrivals.score(range_of_a_hundred)
        assert told["hit_rate"] > 2 * told["popular_hit_rate"] > 0

    def test_without_visits_there_is_no_score(self):
        assert arrivals.score([]) == {}


def test_where_it_finds_no_more_than_what_is_popular_it_is_not_used():
    model, notes = fitting.newcomers([(("site:a",), [1])] * 200)
    assert model is None and notes["quality"]["cases"] > 0
    assert fitting.newcomers([(("site:a",), [1])] * 20)[0] is None


def test_newcomers_are_offered_what_those_liked_who_came_the_same_way(company, context, drain):
    families = {kind: [f"{kind}-{number}" for number in range(30)] for kind in ("cup", "tea")}
    with work.unit(tenant_id=company.tenant_id):
        products.upsert_many([little_shop.product(key) for keys in families.values() for key in keys])
    with work.unit(tenant_id=company.tenant_id):
        for number in range(600):
            at, by_campaign = clock.now().replace(microsecond=number), number % 3 == 0
            referrer, landing = SPRING if by_campaign else ("https://search.example/", "https://shop.example/")
            looked = families["cup" if by_campaign else "tea"][number // 3 % 30]
            db.session.add(
                Visit(id=identifiers.at(at, str(scope.tenant_id()), str(number)), visitor=f"came-{number:020d}", began_at=at, ended_at=at,
                      products=[looked], referrer=referrer, landing=landing)
            )  # fmt: skip
    fitting.fit(company.tenant_id)
    shelf.forget()
    newcomer(company, "v" * 24, **{"from": "news.example", "landing": SPRING[1], "url": "https://shop.example/other"})
    newcomer(company, "w" * 24, **{"from": "search.example", "url": "https://shop.example/"})
    for letter, kind in (("v", "cup"), ("w", "tea")):
        chosen = offers.choose(tenant_id=company.tenant_id, slot="home", limit=4, visitor=letter * 24, record=False)
        assert {(one.product.key[:3], one.algorithm) for one in chosen.items} == {(kind, "arrival")}


def newcomer(company, visitor: str, **seen) -> None:
    """Put somebody into Valkey who has looked at no product yet, as commerce.live does."""
    little_shop.live(company, visitor, [])
    name = f"live:{company.tenant_id}:{visitor}"
    session = orjson.loads(valkey.client().get(name)) | {"seen": seen}
    valkey.client().set(name, orjson.dumps(session), ex=1800)
