"""A shop that falls silent is noticed, a small one does not cry wolf, and what its webhooks lost is found and repaired."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from sqlalchemy import func, select

from saas.commerce import backfill, browsing, hearing, reconciling, shops, silence, silence_letters
from saas.commerce.batches import Batch
from saas.commerce.health_models import ShopAlarm, ShopComparison, ShopHour
from saas.commerce.models import Order
from saas.integrations import hooks
from saas.integrations.models import DeliveryOut
from saas.kit import clock, identifiers, outbox, scope, work
from saas.kit.db import db
from saas.tenancy.letter_words import LETTERS
from tests.faulty_store import connected, fetch, small_pages, state_of, stock_up, store  # noqa: F401

pytestmark = pytest.mark.usefixtures("context")
DAYLIGHT = [0.1] * 7 + [0.6, 1.0, 1.4, 1.6, 1.6, 1.5, 1.5, 1.5, 1.5, 1.5, 1.6, 1.8, 2.0, 1.9, 1.4, 0.8, 0.3]


def poisson(rng, mean):
    """Draw a number of events; large means in parts."""
    found = 0
    while mean > 0:
        part, mean = min(mean, 20.0), mean - 20.0
        total, product = 0, rng.random()
        limit = 2.718281828459045**-part
        while product > limit:
            total += 1
            product *= rng.random()
        found += total
    return found


def year(rng, a_week, *, burst=1, unrest=0.25, weeks=60):
    """Return hourly counts of a shop with its days, weekends, good and bad weeks, a slow season, and changes in bursts."""
    counts = []
    for week in range(weeks):
        swing = 2.718281828459045 ** rng.gauss(0, unrest) * (0.6 if week % 52 in range(24, 30) else 1.0)
        for hour in range(168):
            weekend = 0.7 if hour // 24 > 4 else 1.1
            mean = a_week / 168 * swing * weekend * DAYLIGHT[hour % 24] / (sum(DAYLIGHT) / 24) / burst
            counts.append(sum(1 + poisson(rng, burst - 1) for _turn in range(poisson(rng, mean))))
    return counts


def false_alarms(counts):
    """Return in how many of its silences a shop that works would have raised an alarm; only the longest can."""
    gaps, begin = [], None
    for place, number in enumerate(counts):
        if number and begin is not None:
            gaps.append((place - begin, begin))
        begin = place + 1 if number else begin
    found = 0
    for length, start in sorted(gaps, reverse=True)[:12]:
        end = start + length
        found += silence.judge(counts[max(end - silence.WEEKS * 168 - 28 * 24, 0) : end]).alarming
    return found


class TestJudging:
    @pytest.mark.parametrize(
        ("a_week", "burst"),
        [(2, 1), (12, 1), (60, 1), (400, 1), (40, 8)],
        ids=["two orders a week", "a few", "some", "many", "bursts"],
    )
    def test_a_shop_that_works_raises_at_most_one_alarm_in_two_years(self, a_week, burst):
        rng = random.Random(a_week * 100 + burst)
        shops_tried = 8
        alarms = sum(false_alarms(year(rng, a_week, burst=burst)) for _shop in range(shops_tried))
        assert alarms <= shops_tried / 2

    @pytest.mark.parametrize(("a_week", "within"), [(2, 24 * 7 * 7), (12, 24 * 9), (60, 24 * 4), (400, 30), (5000, 24)])
    def test_a_shop_that_stops_is_noticed_the_sooner_the_more_it_sells(self, a_week, within):
        rng = random.Random(a_week)
        counts = year(rng, a_week, unrest=0.15, weeks=10)
        assert silence.judge(counts + [0] * within).alarming
        assert not silence.judge([*counts, 1, 0, 0]).alarming

    def test_what_is_too_little_known_is_not_judged(self):
        assert silence.judge([]) == silence.UNKNOWN
        assert silence.judge([0] * 5000) == silence.UNKNOWN
        assert silence.judge([1] + [0] * 1000) == silence.UNKNOWN
        assert silence.judge([5] * 100 + [0] * 1000) == silence.UNKNOWN

    def test_the_longer_the_silence_the_less_probable_it_is(self):
        counts = year(random.Random(7), 60, weeks=8)
        chances = [silence.judge([*counts, 1, *[0] * hours]).chance for hours in range(3, 200, 7)]
        assert chances == sorted(chances, reverse=True)
        assert all(0 <= chance <= 1 for chance in chances)


def connect(company):
    with work.unit(tenant_id=company.tenant_id):
        return shops.connect(kind="generic", name="Fern")[0].id


def told(company, shop_id, topic, *, each, until, weeks=6):
    """Write that a shop was heard about a topic every so many hours until a moment."""
    at = until.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    with work.unit(tenant_id=company.tenant_id):
        for back in range(0, weeks * 168, each):
            hour = at - timedelta(hours=back)
            db.session.add(ShopHour(id=identifiers.new(), shop_id=shop_id, topic=topic, at=hour, seen=2))


def alarms_of(company, shop_id):
    with work.unit(tenant_id=company.tenant_id):
        return [(one.kind, one.topic, one.ended_at is None) for one in silence.history(shop_id)]


def watch(company, shop_id):
    with work.unit(tenant_id=company.tenant_id):
        return silence.watch(shops.one(shop_id))


class TestWatching:
    def test_a_silence_raises_one_alarm_one_letter_and_ends_by_itself(self, company, drain, monkeypatch):
        shop_id = connect(company)
        told(company, shop_id, "order.created", each=1, until=clock.now() - timedelta(hours=30))
        letters = []
        monkeypatch.setattr(
            silence_letters.letters, "write_to_staff", lambda kind, **given: letters.append((kind, given["path"]))
        )
        assert (watch(company, shop_id), watch(company, shop_id)) == (1, 1)
        drain(company)
        assert letters == [("shop_silent_order", f"/shops/{shop_id}/health")]
        assert b"Silent: no orders came" in company.page.get(f"/shops/{shop_id}/health").data
        with work.unit(tenant_id=company.tenant_id):
            hearing.note_deliveries([(shop_id, "order.created", clock.now(), None)])
        assert watch(company, shop_id) == 0
        assert alarms_of(company, shop_id) == [("silent", "order", False)]
        drain(company)
        assert len(letters) == 1

    def test_a_busy_shop_and_one_nobody_knows_yet_raise_nothing(self, company):
        shop_id = connect(company)
        assert watch(company, shop_id) == 0
        told(company, shop_id, "order.created", each=1, until=clock.now())
        told(company, shop_id, "product.updated", each=40, until=clock.now() - timedelta(hours=60))
        assert watch(company, shop_id) == 0

    def test_pages_that_fall_silent_are_told_apart_from_the_server(self, company):
        shop_id = connect(company)
        told(company, shop_id, "order.updated", each=1, until=clock.now())
        told(company, shop_id, "event.page_viewed", each=1, until=clock.now() - timedelta(days=2))
        watch(company, shop_id)
        assert alarms_of(company, shop_id) == [("silent", "event", True)]

    def test_each_letter_has_both_languages_and_the_same_names(self):
        for kind, words in silence_letters.SILENCE_LETTERS.items():
            assert set(words) == {"en", "zh_Hans"}
            assert LETTERS[kind] is words


class TestHearing:
    @pytest.mark.parametrize(("topic", "name"), [("order.created", "order.created"), ("orders/create", "order.created"), ("products/update", "product.updated"), ("app/uninstalled", "app.uninstalled"), ("ping", "ping"), ("orders/updated", "order.updated")])  # fmt: skip
    def test_topics_of_all_kinds_of_shop_are_called_alike(self, topic, name):
        assert hearing.topic_name(topic) == name

    def test_what_pages_tell_is_counted_by_hour_and_carried_over_once(self, company):
        shop_id = connect(company)
        at = clock.now().isoformat()
        events = [{"id": "a", "type": "page_viewed", "at": at}, {"id": "b", "type": "page_viewed", "at": at}, {"id": "c", "type": "made_up", "at": at}, {"id": "d", "type": "page_viewed", "at": "never"}]  # fmt: skip
        browsing.take(Batch("pk", "v1", True, False, events, None, "1.0"), tenant_id=company.tenant_id, shop_id=shop_id)
        browsing.take(Batch("pk", "v2", False, False, events[:1]), tenant_id=company.tenant_id, shop_id=shop_id)
        for _turn in range(2):
            with work.unit(tenant_id=company.tenant_id):
                hearing.carry_over()
        with work.unit(tenant_id=company.tenant_id):
            rows = dict(
                db.session.execute(select(ShopHour.topic, func.sum(ShopHour.seen)).group_by(ShopHour.topic)).all()
            )
        reasons = {topic: seen for topic, seen in rows.items() if topic.startswith("refused.")}
        assert {topic: seen for topic, seen in rows.items() if topic not in reasons} == {
            "event.page_viewed": 2,
            "event.own": 1,
            "tracker.1.0": 3,
        }
        assert sorted(reasons.values()) == [1, 1]
        page = company.page.get(f"/shops/{shop_id}/health").data
        assert b"1.0 (3)" in page

    def test_hours_that_nobody_looks_at_any_more_go(self, company):
        shop_id = connect(company)
        told(company, shop_id, "order.created", each=168, until=clock.now() - timedelta(days=119), weeks=3)
        with work.platform_unit(reason="a test"):
            hearing.tidy()
        with work.unit(tenant_id=company.tenant_id):
            assert db.session.scalar(select(func.count()).select_from(ShopHour)) == 1


@pytest.mark.usefixtures("small_pages")
class TestComparing:
    @pytest.fixture
    def shop_id(self, company, store):  # noqa: F811
        stock_up(store, orders=20, old=5, customers=6)
        shop_id = connected(company, store)
        fetch(company, shop_id)
        return shop_id

    def changed(self, store, count, *, ago=timedelta(minutes=40)):  # noqa: F811
        """Change so many orders in the store, without telling anybody."""
        store.things.now = datetime.now(UTC) - ago
        for order in list(store.things.orders.values())[-count:]:
            store.things.change(order, status="completed")

    def compare(self, company, shop_id):
        """Compare as though the last comparison had been an hour ago."""
        with work.unit(tenant_id=company.tenant_id):
            shop = shops.one(shop_id, lock=True)
            shop.reconciled = {**shop.reconciled, "until": (clock.now() - timedelta(hours=1)).isoformat()}
        return fetch(company, shop_id)

    def newest(self, company, shop_id):
        with work.unit(tenant_id=company.tenant_id):
            return reconciling.newest(shop_id)[0]

    @pytest.mark.parametrize("version", ["10.0.2", "7.9.0", "3.8.1"])
    def test_what_was_never_told_is_found_repaired_and_written_down(self, company, store, shop_id, version):  # noqa: F811
        store.version = version
        self.changed(store, 4)
        store.things.now = datetime.now(UTC) - timedelta(minutes=30)
        store.things.add_order(None, [(next(iter(store.things.products.values())), 1)])
        state, troubles = self.compare(company, shop_id)
        assert (state["state"], troubles) == ("done", [])
        found = self.newest(company, shop_id).found
        assert (found["order.updated"]["missed"], found["order.created"]["missed"]) == (4, 1)
        assert found["order.updated"]["late"] >= 30 * 60
        with work.unit(tenant_id=company.tenant_id):
            assert db.session.scalar(select(func.count()).select_from(Order)) == 26
        assert ("undelivered", "order.updated", True) in alarms_of(company, shop_id)

    def test_what_was_repaired_is_announced_once_and_goes_out_as_a_webhook(self, company, store, shop_id, drain):  # noqa: F811
        with work.unit(tenant_id=company.tenant_id):
            hook_id = hooks.make(name="Books", url="http://127.0.0.1:9/hook", topics=["shop.repaired"])[0].id
        self.changed(store, 4)
        self.compare(company, shop_id)
        self.compare(company, shop_id)  # where there is nothing to repair nothing is told
        drain(company)
        with work.unit(tenant_id=company.tenant_id):
            [told] = db.session.scalars(select(DeliveryOut).where(DeliveryOut.hook_id == hook_id))
            data = orjson.loads(told.body)["data"]
        assert told.topic == "shop.repaired" and data["shop_id"] == str(shop_id)
        assert data["repaired"] == {"order.updated": 4} and data["gone"] == {}

    def test_what_did_come_is_not_missed_and_ends_the_alarm(self, company, store, shop_id):  # noqa: F811
        self.changed(store, 4)
        self.compare(company, shop_id)
        self.compare(company, shop_id)
        row = self.newest(company, shop_id).found["order.updated"]
        assert (row["expected"], row["came"], row["missed"]) == (4, 4, 0)
        assert alarms_of(company, shop_id) == [("undelivered", "order.updated", False)]

    def test_changes_of_the_last_minutes_are_repaired_and_held_against_nobody(self, company, store, shop_id):  # noqa: F811
        self.changed(store, 4, ago=timedelta(minutes=8))
        self.compare(company, shop_id)
        row = self.newest(company, shop_id).found["order.updated"]
        assert (row["expected"], row["missed"], row["repaired"]) == (0, 0, 4)
        assert alarms_of(company, shop_id) == []

    @pytest.mark.parametrize("how", ["disabled", "deleted", "elsewhere"])
    def test_webhooks_that_are_off_gone_or_lead_elsewhere_are_put_right(self, company, store, shop_id, how):  # noqa: F811
        hook = next(one for one in store.hooks.values() if one["topic"] == "order.updated")
        before = hook["delivery_url"]
        if how == "disabled":
            hook["status"] = "disabled"
        elif how == "deleted":
            store.hooks.pop(hook["id"])
        else:
            hook["delivery_url"] = "https://old.example/" + before.split("/", 3)[3]
        self.changed(store, 2)
        self.compare(company, shop_id)
        mended = [
            one
            for one in store.hooks.values()
            if one["topic"] == "order.updated" and one["status"] == "active" and one["delivery_url"] == before
        ]
        assert len(mended) == 1
        assert self.newest(company, shop_id).found["order.updated"]["repaired"] == 2
        assert ("webhooks", "", False) in alarms_of(company, shop_id)

    def test_a_webhook_with_another_secret_is_given_ours_again(self, company, store, shop_id):  # noqa: F811
        for hook in store.hooks.values():
            hook["secret"] = "somebody's own"
        hook = next(one for one in store.hooks.values() if one["topic"] == "order.updated")
        path = "/" + hook["delivery_url"].split("/", 3)[3]
        refused = company.app.test_client().post(
            path, data=b'{"id": 1}', headers={"X-WC-Webhook-Topic": "order.updated", "X-WC-Webhook-Signature": "bad"}
        )
        assert refused.status_code == 401
        self.compare(company, shop_id)
        with work.unit(tenant_id=company.tenant_id):
            assert {one["secret"] for one in store.hooks.values()} == {shops.secret_of(shops.one(shop_id))}
        assert state_of(company, shop_id)[2]["webhooks"]["renewed"] == 11

    def test_orders_and_products_that_the_store_has_no_more_are_found(self, company, store, shop_id):  # noqa: F811
        order, product = max(store.things.orders), max(store.things.products)
        store.things.orders.pop(order)
        store.things.change(store.things.products[product], status="trash")
        with work.unit(tenant_id=company.tenant_id):
            backfill.compare(shop_id)
        state, _troubles = fetch(company, shop_id)
        assert {kind: state["done"][kind]["changed"] for kind in ("gone_orders", "gone_products")} == {
            "gone_orders": 1,
            "gone_products": 1,
        }
        with work.unit(tenant_id=company.tenant_id):
            assert db.session.scalar(select(Order.status).where(Order.external_id == str(order))) == "cancelled"

    def test_a_store_that_suddenly_shows_nothing_takes_nothing_away(self, company, store, shop_id):  # noqa: F811
        store.ignores = {"include"}
        real = store.listed
        store.listed = lambda kind, query: (200, [], 0) if "include" in query else real(kind, query)
        with work.unit(tenant_id=company.tenant_id):
            backfill.compare(shop_id)
        state, _troubles = fetch(company, shop_id)
        assert {kind: state["done"][kind]["changed"] for kind in ("gone_orders", "gone_products")} == {
            "gone_orders": 0,
            "gone_products": 0,
        }

    def test_keys_that_end_are_said_once_and_end_when_they_work_again(self, company, store, shop_id):  # noqa: F811
        store.key = "ck_another"
        for _turn in range(3):
            with work.unit(tenant_id=company.tenant_id):
                backfill.compare(shop_id)
            backfill.advance(company.tenant_id, shop_id)
        assert alarms_of(company, shop_id) == [("keys", "", True)]
        with work.unit(tenant_id=None):
            names = db.session.scalars(
                select(outbox.Doorbell.name).where(
                    outbox.Doorbell.tenant_id == company.tenant_id, outbox.Doorbell.name == "ShopWentSilent"
                )
            )
            assert len(list(names)) == 1
        store.key = "ck_box"
        self.compare(company, shop_id)
        assert alarms_of(company, shop_id) == [("keys", "", False)]

    def test_only_so_many_comparisons_are_kept(self, company, shop_id, monkeypatch):
        monkeypatch.setattr(reconciling, "KEPT", 2)
        for _turn in range(4):
            self.compare(company, shop_id)
        with work.unit(tenant_id=company.tenant_id):
            assert db.session.scalar(select(func.count()).select_from(ShopComparison)) == 2
            assert db.session.scalar(select(func.count()).select_from(ShopAlarm)) == 0
            assert scope.tenant_id() == company.tenant_id
