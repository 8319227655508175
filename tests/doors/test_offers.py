"""GET /offers, as a widget or a shop's server asks it."""

from __future__ import annotations

from random import Random
from urllib.parse import parse_qsl
from uuid import UUID

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from saas.kit import clock, valkey
from saas.kit.memory import Memory
from saas.recommend import engines, offers, shelf, shown, stock, why
from storefront import offers as door
from tests.rooms.recommend import little_shop

VISITOR = "shopper-0000000000000003"


@pytest.fixture
def shop(company, drain):
    """A company with a little shop, its models fitted."""
    from saas.recommend import fitting

    shelf.forget()
    stock.forget()
    with company.app.app_context():
        little_shop.fill(company)
        drain(company)
        fitting.fit(company.tenant_id)
    return company


def ask(company, **query):
    wishes = {"site_key": company.site_key, "visitor": VISITOR, "slot": "product", "product": "tea-2", **query}
    headers = {
        "Origin": "https://shop.example",
        **({"Accept-Language": query.pop("speaks")} if "speaks" in query else {}),
    }
    wishes.pop("speaks", None)
    return company.app.test_client().get("/offers", query_string=wishes, headers=headers)


class TestAnswer:
    def test_it_has_the_shape_of_the_wire(self, shop):
        answer = ask(shop, limit=2)
        assert answer.status_code == 200
        assert answer.headers["Access-Control-Allow-Origin"] == "*"
        assert answer.headers["Cache-Control"] == "no-store"
        assert "Set-Cookie" not in answer.headers
        assert set(answer.json) == {"slot", "request", "items"}
        [first, _second] = answer.json["items"]
        assert set(first) == {"offer", "product", "name", "url", "image_url", "price", "currency", "reason"}
        assert (first["price"], first["currency"], first["url"]) == (
            "12.50",
            "EUR",
            f"https://shop.example/{first['product']}",
        )
        assert first["reason"]["code"] == "bought_together"
        assert "of" in first["reason"]["text"]

    def test_it_speaks_the_browsers_language(self, shop):
        assert "一起购买" in ask(shop, speaks="zh-CN,zh;q=0.9,en;q=0.8").json["items"][0]["reason"]["text"]
        assert "Oft zusammen mit" in ask(shop, speaks="de-DE,de;q=0.9").json["items"][0]["reason"]["text"]
        assert "Often" in ask(shop, speaks="qqq").json["items"][0]["reason"]["text"]

    @pytest.mark.parametrize(
        ("lang", "said"),
        [
            ("fr-CA", "Souvent acheté"),
            ("ja", "一緒に購入"),
            ("ar", "كثيرًا"),
            ("", "Oft zusammen"),
            ("\x00qqq", "Often"),
        ],
    )
    def test_the_page_s_language_comes_before_the_browser_s(self, shop, lang, said):
        for _way in range(2):  # by Flask and before it
            assert said in ask(shop, lang=lang, speaks="de").json["items"][0]["reason"]["text"]

    def test_what_was_shown_can_be_asked_for(self, shop):
        shown.flush()
        valkey.client().delete(shown.STREAM)
        offer = ask(shop).json["items"][0]["offer"]
        with shop.app.app_context():
            shown.write_pending()
        assert shop.api("GET", f"/recommendations/{offer}").json["visitor"] == VISITOR

    def test_four_are_offered_unless_asked_otherwise(self, shop):
        assert len(ask(shop).json["items"]) == 4
        assert len(ask(shop, limit=12).json["items"]) == 11

    def test_it_is_answered_before_flask_once_the_site_key_is_known(self, shop, monkeypatch):
        first = ask(shop, limit=2)
        monkeypatch.setattr(door, "show", None)
        monkeypatch.setitem(shop.app.view_functions, "offers.show", None)
        again = ask(shop, limit=2)
        assert [item["product"] for item in again.json["items"]] == [item["product"] for item in first.json["items"]]
        for name in ("Content-Type", "Access-Control-Allow-Origin", "Cache-Control", "Vary", "X-Content-Type-Options"):
            assert again.headers[name].split(",")[0] == first.headers[name].split(",")[0], name
        assert again.headers["X-Request-Id"] == again.json["request"]

    def test_a_parameter_given_twice_counts_as_it_did_first(self, shop):
        for _way in range(2):
            address = f"/offers?site_key={shop.site_key}&slot=product&product=tea-2&limit=1&limit=3"
            assert len(shop.app.test_client().get(address).json["items"]) == 1

    def test_no_unit_of_work_is_opened_and_no_database_asked_when_warm(self, shop, monkeypatch):
        from saas.kit import pool, work

        ask(shop)

        def refuse(*_arguments, **_wishes):
            raise AssertionError("a database was asked")

        monkeypatch.setattr(work, "unit", refuse)
        monkeypatch.setattr(pool, "connection", refuse)
        assert len(ask(shop).json["items"]) == 4

    def test_a_cart_from_before_the_session_is_its_own_visitors_alone(self, shop, drain):
        cart = {"id": "c-1", "url": "https://shop.example/cart", "currency": "EUR",
                "items": [{"product": "tea-1", "quantity": 1, "price": "12.50"}, {"product": "tea-3", "quantity": 1, "price": "12.50"}]}  # fmt: skip
        body = {"site_key": shop.site_key, "visitor": VISITOR, "consent": {"analytics": True, "marketing": True},
                "events": [{"id": "e1", "type": "cart_updated", "at": clock.now().isoformat(), "cart": cart}]}  # fmt: skip
        assert shop.app.test_client().post("/collect", json=body).status_code == 202
        drain(shop)
        valkey.client().delete(f"live:{shop.tenant_id}:{VISITOR}")
        found = ask(shop, slot="cart", product="", cart="c-1", limit=20).json["items"]
        assert found[0]["product"] == "tea-2"
        assert not {"tea-1", "tea-3"} & {item["product"] for item in found}
        stranger = ask(shop, slot="cart", product="", cart="c-1", limit=20, visitor="somebody-else-0000000000").json[
            "items"
        ]
        assert {"tea-1", "tea-3"} <= {item["product"] for item in stranger}

    def test_how_a_product_was_judged_stands_beside_it_and_follows_what_is_decided(self, shop, drain):
        from saas.kit import work
        from saas.reviews import judging

        def told(product="tea-1"):
            drain(shop)
            stock.forget()
            [item] = [one for one in ask(shop, limit=12).json["items"] if one["product"] == product]
            return item.get("stars"), item.get("reviews")

        assert told() == (None, None)
        assert shop.api("PATCH", "/reviews/settings", json={"offer_stars_from": 1}).status_code == 200
        given = [{"external_id": f"r{stars}", "product": "tea-1", "stars": stars} for stars in (5, 4)]
        made = [one["id"] for one in shop.api("POST", "/reviews/bulk", json={"items": given}).json["items"]]
        for ids, state, shown_ in (
            (made, "published", (4.5, 2)),
            (made[1:], "declined", (5.0, 1)),
            (made[:1], "declined", (None, None)),
        ):
            with shop.app.app_context(), work.unit(tenant_id=shop.tenant_id):
                judging.decide(ids, state=state, reason="spam" if state == "declined" else "")
            assert told() == shown_
        assert told("tea-3") == (None, None)

    def test_stars_wait_for_three_reviews_and_go_at_once_where_nobody_wants_them_or_who_wrote_is_erased(
        self, shop, drain
    ):
        from saas.integrations import erasures
        from saas.kit import work
        from saas.reviews import judging

        def told():
            drain(shop)
            stock.forget()
            [item] = [one for one in ask(shop, limit=12).json["items"] if one["product"] == "tea-1"]
            return item.get("stars"), item.get("reviews")

        def change(**wanted):
            answer = shop.api("PATCH", "/reviews/settings", json=wanted)
            assert answer.status_code == 200, answer.json
            return {name: answer.json[name] for name in wanted}

        ada = shop.api("POST", "/customers", json={"email": "ada-writes@shop.example"}).json["id"]
        given = [
            {"external_id": f"s{number}", "product": "tea-1", "stars": stars, "email": email}
            for number, (stars, email) in enumerate(((5, ""), (4, ""), (3, "ada-writes@shop.example")))
        ]
        made = [one["id"] for one in shop.api("POST", "/reviews/bulk", json={"items": given}).json["items"]]
        with shop.app.app_context(), work.unit(tenant_id=shop.tenant_id):
            judging.decide(made, state="published")
        assert told() == (4.0, 3)
        assert change(offer_stars=False) == {"offer_stars": False}
        assert told() == (None, None)
        assert change(offer_stars=True, offer_stars_from=2) == {"offer_stars": True, "offer_stars_from": 2}
        assert told() == (4.0, 3)
        with shop.app.app_context(), work.unit(tenant_id=shop.tenant_id):
            erasures.erase_now(ada)
        assert told() == (4.5, 2)
        change(offer_stars_from=3)
        assert told() == (None, None)

    def test_it_says_what_a_program_is_told(self, shop):
        with shop.app.app_context():
            asked = {
                "tenant_id": shop.tenant_id,
                "slot": "product",
                "visitor": VISITOR,
                "product": "tea-2",
                "limit": 12,
            }
            chosen, (request, body) = offers.choose(record=False, **asked), offers.write(**asked)
            told = orjson.loads(body)
            assert (told["slot"], told["request"]) == ("product", request)
            assert len({UUID(item["offer"]) for item in told["items"]}) == 11
            assert [{**item, "offer": ""} for item in told["items"]] == [
                {**one.plain(), "offer": ""} for one in chosen.items
            ]

    @given(st.text("ab=&;%+2 \xff", max_size=30))
    def test_parameters_are_read_as_flask_reads_them(self, query):
        assert door._read(query) == dict(reversed(parse_qsl(query)))

    def test_ever_new_visitors_leave_what_is_remembered_within_its_bounds(self, shop, monkeypatch):
        memories = {
            (engines, "_known"): Memory(300), (offers, "_answers"): Memory(100), (why, "_reasons"): Memory(60),
        }  # fmt: skip
        for (module, name), memory in memories.items():
            monkeypatch.setattr(module, name, memory)
        chance, now = Random(4), int(clock.now().timestamp() * 1000)
        for number in range(150):
            visitor = f"ever-new-{chance.getrandbits(60)}"
            looked = [
                [f"{chance.choice(['tea', 'cup', 'jam'])}-{chance.randint(1, 4)}", now]
                for _look in range(1 + number % 9)
            ]
            valkey.client().set(f"live:{shop.tenant_id}:{visitor}", orjson.dumps({"items": looked}), ex=60)
            assert (
                ask(
                    shop, visitor=visitor, slot=("home", "product", "cart")[number % 3], limit=1 + number % 20
                ).status_code
                == 200
            )
            assert memories[engines, "_known"].weight <= 300
            assert memories[offers, "_answers"].weight <= 100
            assert memories[why, "_reasons"].weight <= 60
        assert all(len(memory) for memory in memories.values())
        assert len(door.meter._open) + len(door.meter._shut) < 100, "counted by site key, not by visitor"


class TestRefused:
    def test_an_unknown_site_key(self, shop):
        for wrong in ("pk_" + "x" * 24, "nonsense", ""):
            answer = ask(shop, site_key=wrong)
            assert (answer.status_code, list(answer.json["error"])) == (401, ["code", "message"])
            assert answer.headers["Access-Control-Allow-Origin"] == "*"

    @pytest.mark.parametrize(
        ("query", "field"),
        [({"slot": "attic"}, "slot"), ({"limit": "0"}, "limit"), ({"limit": "21"}, "limit"), ({"limit": "many"}, "limit"),
         ({"limit": "-1"}, "limit"), ({"visitor": "x" * 65}, "visitor")],
    )  # fmt: skip
    def test_a_parameter_out_of_range_is_named(self, shop, query, field):
        answer = ask(shop, **query)
        assert (answer.status_code, list(answer.json["error"]["fields"])) == (422, [field])

    def test_odd_texts_are_answered_calmly(self, shop):
        for odd in ("\x00", "🫖" * 300, "' OR 1=1", "../../etc"):
            assert ask(shop, product=odd, cart=odd).status_code == 200

    def test_too_many_a_minute(self, shop, monkeypatch):
        from saas.kit import rates

        counted = []
        monkeypatch.setattr(rates, "allow", lambda key, rate, cost=1: not counted.append(cost))
        monkeypatch.setattr(door, "meter", door.Meter())
        for _request in range(120):
            ask(shop, limit=1)
        assert sum(counted) >= 101
        monkeypatch.setattr(rates, "allow", lambda key, rate, cost=1: False)
        monkeypatch.setattr(door, "meter", door.Meter())
        assert ask(shop).status_code == 429

    def test_another_companys_site_key_shows_their_products(self, shop, other_company):
        assert ask(shop, site_key=other_company.site_key).json["items"] == []

    def test_the_limit_of_the_room_is_the_limit_of_the_door(self):
        assert offers.MOST == 20


class TestPlacesOfTheShopsOwn:
    def make(self, shop, **fields):
        made = shop.api("POST", "/recommendations/slots", json={"name": "Attic", "place": "product", **fields})
        assert made.status_code == 201
        shelf.forget()

    def test_one_is_asked_by_its_key_and_says_how_many(self, shop):
        self.make(shop, count=3)
        answer = ask(shop, slot="attic").json
        assert (answer["slot"], len(answer["items"])) == ("attic", 3)
        assert len(ask(shop, slot="attic", limit=2).json["items"]) == 2
        assert len(ask(shop, slot="attic", limit=20).json["items"]) == 3

    def test_another_companys_is_as_unknown_as_any(self, shop, other_company):
        self.make(other_company)
        answers = [ask(shop, slot=key) for key in ("attic", "no-such-key", "x" * 5000, "🫖")]
        assert {answer.status_code for answer in answers} == {422}
        assert len({answer.data for answer in answers}) == 1

    def test_a_bundle_is_there_where_the_place_asks_for_it(self, shop):
        assert "bundle" not in ask(shop).json
        self.make(shop, bundle=True)
        answer = ask(shop, slot="attic").json
        assert answer["bundle"]["sum"] == "37.50"
        assert answer["bundle"]["text"].startswith("Buy these together: Tea 2, ")
        assert "bundle" not in ask(shop, slot="attic", product="").json

    def test_what_was_shown_there_is_told_with_its_key(self, shop):
        shown.flush()
        valkey.client().delete(shown.STREAM)
        self.make(shop)
        offer = ask(shop, slot="attic").json["items"][0]["offer"]
        with shop.app.app_context():
            shown.write_pending()
        assert shop.api("GET", f"/recommendations/{offer}").json["slot"] == "attic"
        assert "Attic" in shop.page.get("/recommendations").text
