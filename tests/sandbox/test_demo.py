"""The simulated shop: the same every time, true to its own books, and with signal worth finding."""

import collections
import hashlib
import hmac
import re
import zlib
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import numpy as np
import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox import demo
from sandbox.demo import forms
from sandbox.demo.pictures import pen, raster, scene

UNTIL = datetime(2026, 11, 21, 15, tzinfo=UTC)


def written(world):
    return orjson.dumps(
        [
            list(world.products()),
            list(world.customers()),
            list(world.orders()),
            list(world.visits()),
            list(world.campaigns()),
        ]
    )


@pytest.fixture(scope="module")
def world():
    return demo.simulate(until=UNTIL, scale=0.15)


@pytest.fixture(scope="module")
def whole():
    return demo.simulate(until=UNTIL)


class TestSimulate:
    def test_the_same_seed_gives_the_same_world_and_another_seed_another(self):
        first, again, other = (demo.simulate(seed=seed, until=UNTIL, scale=0.02) for seed in (1, 1, 2))

        assert written(first) == written(again)
        assert written(first) != written(other)

    def test_people_stay_who_they_are_when_the_world_ends_later(self):
        now, later = (demo.simulate(until=UNTIL + timedelta(hours=h), scale=0.02) for h in (0, 30))

        assert [(c["external_id"], c["email"]) for c in now.customers()] == [
            (c["external_id"], c["email"]) for c in later.customers()
        ]

    def test_the_whole_is_as_large_as_promised(self, whole):
        assert len(list(whole.products())) == 200
        assert len(list(whole.customers())) == 3000
        assert 9_000 <= len(list(whole.orders())) <= 10_500
        assert 60_000 <= sum(len(visit["events"]) for visit in whole.visits()) <= 80_000

    @settings(max_examples=12, deadline=None)
    @given(
        seed=st.integers(0, 2**32),
        until=st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1), timezones=st.just(UTC)),
    )
    def test_the_books_balance_for_any_seed_and_time(self, seed, until):
        world = demo.simulate(seed=seed, until=until, scale=0.01)
        products = {product["external_id"] for product in world.products()}
        customers = {customer["external_id"]: customer for customer in world.customers()}

        for order in world.orders():
            goods = sum(Decimal(line["unit_price"]) * line["quantity"] for line in order["lines"])
            total = goods + Decimal(order["shipping"]) - Decimal(order["discount"])
            placed, updated = (datetime.fromisoformat(order[name]) for name in ("placed_at", "updated_at"))
            assert Decimal(order["total"]) == total > 0
            assert sum(Decimal(refund["amount"]) for refund in order["refunds"]) <= total
            assert world.start - timedelta(seconds=1) <= placed <= updated <= until
            assert {line["product"] for line in order["lines"]} <= products
            assert [line["position"] for line in order["lines"]] == list(range(1, len(order["lines"]) + 1))
            if order["customer"] and "external_id" in order["customer"]:
                assert order["customer"] == customers[order["customer"]["external_id"]]
                assert order["customer"]["created_at"] <= order["placed_at"]

        for visit in world.visits():
            times = [event["at"] for event in visit["events"]]
            assert times == sorted(times)
            assert len(times) <= 100
            assert datetime.fromisoformat(times[-1]) <= until


class TestItems:
    def test_ids_and_addresses_are_unique(self, world):
        for items, key in (
            (world.products(), "sku"), (world.products(), "url"), (world.customers(), "email"),
            (world.customers(), "external_id"), (world.orders(), "external_id"), (world.events(), "id"),
        ):  # fmt: skip
            seen = [item[key] for item in items]
            assert len(seen) == len(set(seen)), key

    def test_everything_says_that_it_is_simulated(self, world):
        assert "imulated" in world.label
        assert all("simulated" in item["tags"] for item in [*world.products(), *world.customers()])
        assert all(order["external_id"].startswith("sim-") for order in world.orders())
        assert all(event["properties"]["simulated"] for event in world.events())
        assert all(re.search(r"@example\.(com|org|net)$", customer["email"]) for customer in world.customers())

    def test_customers_come_from_several_countries_and_some_write_chinese(self, world):
        assert len({customer["country"] for customer in world.customers()}) >= 6
        assert any(re.search("[一-鿿]", customer["first_name"]) for customer in world.customers())
        assert {customer["consent"]["email"] for customer in world.customers()} == {"granted", "withdrawn", "unknown"}

    def test_events_have_only_the_types_and_fields_that_the_tracker_knows(self, world):
        types = {"page_viewed", "product_viewed", "search_submitted", "cart_updated", "checkout_started", "identified"}
        events = list(world.events())

        assert {event["type"] for event in events} == types
        assert all(re.fullmatch(r"[A-Za-z0-9_-]{16,64}", event["visitor"]) for event in events)
        assert all(len(event["id"]) <= 64 and event["url"].startswith("http://127.0.0.1:8100/") for event in events)

    def test_identities_are_signed_with_the_secret_when_it_is_given(self, world):
        identity = next(event["identity"] for event in world.events(secret="s3cret") if event["type"] == "identified")

        whom = identity.get("external_id") or identity["email"]
        assert identity["signature"] == hmac.new(b"s3cret", f"identify:{whom}".encode(), hashlib.sha256).hexdigest()
        assert all("signature" not in event.get("identity", {}) for event in world.events())


class TestBelievability:
    def test_recent_orders_come_out_of_a_session_with_their_cart(self, world):
        last_cart = {
            event["cart"]["id"]: event
            for event in world.events()
            if event["type"] in ("cart_updated", "checkout_started")
        }
        recent = [order for order in world.orders() if "cart_id" in order]

        assert len(recent) > 100
        for order in recent:
            event = last_cart[order["cart_id"]]
            assert event["visitor"] == order["visitor"]
            assert event["at"] < order["placed_at"]
            bought = [(line["product"], line["quantity"]) for line in order["lines"]]
            assert [(item["product"], item["quantity"]) for item in event["cart"]["items"]] == bought

    def test_there_are_forgotten_carts_anonymous_visitors_guests_and_refunds(self, world):
        carts = {event["cart"]["id"] for event in world.events() if "cart" in event}
        paid = {order.get("cart_id") for order in world.orders()}
        known = {event["visitor"] for event in world.events() if event["type"] == "identified"}
        orders = list(world.orders())

        assert len(carts - paid) > len(carts & paid)
        assert len({event["visitor"] for event in world.events()} - known) > len(known)
        assert any(order["customer"] is None for order in orders)
        assert any(order["customer"] and "external_id" not in order["customer"] for order in orders)
        assert {"fulfilled", "paid", "cancelled", "refunded", "failed"} <= {order["status"] for order in orders}

    def test_december_sells_more_than_july(self, whole):
        months = collections.Counter(order["placed_at"][:7] for order in whole.orders())

        assert months["2025-12"] > 1.3 * months["2026-07"]

    def test_what_goes_together_can_be_found_in_the_baskets(self, whole):
        """Popularity alone would name a product's true companions in a few per cent of the cases."""
        pairs = collections.defaultdict(collections.Counter)
        for order in whole.orders():
            bought = {line["product"] for line in order["lines"]}
            for one in bought:
                pairs[one].update(bought - {one})
        truth = whole.goes_with()
        found = [pairs[one].most_common(1)[0][0] in truth[one] for one in truth if pairs[one]]

        assert np.mean(found) > 0.6

    def test_what_is_looked_at_next_can_be_found_in_the_sessions(self, whole):
        truth, hits = whole.goes_with(), []
        for visit in whole.visits():
            seen = [event["product"] for event in visit["events"] if event["type"] == "product_viewed"]
            hits += [after in truth[before] for before, after in zip(seen, seen[1:], strict=False)]

        assert np.mean(hits) > 0.25

    def test_the_campaigns_have_a_holdout_and_lift_what_they_say(self, whole):
        campaigns = list(whole.campaigns())

        assert len(campaigns) == 3
        for campaign in campaigns:
            arms = collections.Counter(answer["arm"] for answer in campaign["responses"])
            caused = sum(answer["order"] is not None for answer in campaign["responses"])
            assert 0.06 < arms["held_out"] / sum(arms.values()) < 0.14
            assert abs(caused / arms["mailed"] - campaign["true_lift"]) < 0.03
            assert not any(answer["sent_at"] for answer in campaign["responses"] if answer["arm"] == "held_out")


class TestPictures:
    def test_every_product_has_its_own_svg(self):
        drawn = {scene.svg(article) for article in demo.products()}

        assert len(drawn) == 200
        assert all(svg.startswith("<svg ") and "nan" not in svg for svg in drawn)

    @pytest.mark.parametrize("place", range(0, len(forms.FORMS) * 5, 5))
    def test_every_form_can_be_had_as_png(self, place):
        png = scene.png(demo.products()[place], side=48)

        assert png.startswith(b"\x89PNG\r\n\x1a\n")
        pixels = zlib.decompress(png[png.index(b"IDAT") + 4 : -16])
        assert len(pixels) == 48 * (48 * 3 + 1)
        assert len(set(pixels)) > 20

    @given(x=st.floats(0, 300), y=st.floats(0, 300), width=st.floats(1, 150), height=st.floats(1, 150))
    @settings(max_examples=60, deadline=None)
    def test_a_box_covers_as_much_as_it_measures(self, x, y, width, height):
        sheet = pen.Sheet()
        sheet.box(x, y, width, height, "#000000")

        image = np.full((pen.SIDE, pen.SIDE, 3), 255.0)
        raster.lay(image, sheet.shapes[0].points, colour="#000000", alpha=1.0)

        covered = (255 - image[:, :, 0]).sum() / 255
        assert covered == pytest.approx(width * height, abs=width / raster.ROWS + 0.01)
