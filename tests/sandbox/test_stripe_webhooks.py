"""Events told to the outside: signed, tried again, kept over a restart, and readable afterwards."""

import json

import pytest
import stripe

from sandbox.stripe import API_VERSION
from sandbox.stripe.server import Box
from sandbox.stripe.world import Rules
from tests.sandbox.conftest import SECRET, Receiver, client_of


class TestDelivery:
    def test_the_library_accepts_the_signature_and_the_event_says_what_changed(self, api, receiver):
        customer = api.v1.customers.create({"email": "a@example.com"})
        api.v1.customers.update(customer.id, {"email": "b@example.com"})
        created = receiver.wait_for("customer.created")
        updated = receiver.wait_for("customer.updated")
        assert created.data.object.id == customer.id
        assert (created.api_version, created.livemode) == (API_VERSION, False)
        assert updated.data.previous_attributes.to_dict() == {"email": "a@example.com"}
        assert updated.request.id.startswith("req_")

    def test_another_secret_does_not_verify(self, api, receiver):
        api.v1.customers.create({"email": "a@example.com"})
        _, headers, body = receiver.deliveries.get(timeout=60)
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.Webhook.construct_event(body, headers["Stripe-Signature"], "whsec_other")

    def test_a_failed_delivery_is_tried_again_with_the_same_event(self, api, receiver):
        receiver.answers = [500, 503]
        api.v1.customers.create({"email": "a@example.com"})
        tries = [receiver.deliveries.get(timeout=60) for _ in range(3)]
        assert [status for status, _, _ in tries] == [500, 503, 200]
        assert len({json.loads(body)["id"] for _, _, body in tries}) == 1

    def test_an_event_counts_down_its_pending_deliveries(self, api, receiver, box):
        api.v1.customers.create({"email": "a@example.com"})
        event = receiver.wait_for("customer.created")
        for _ in range(3000):
            left = api.v1.events.retrieve(event.id).pending_webhooks
            if not left:
                break
            box.courier.join(timeout=0.02)
        assert left == 0

    def test_what_was_not_delivered_goes_out_after_a_restart(self, box, api, receiver, tmp_path):
        quiet = Box(state=tmp_path / "other.sqlite", webhook_url="http://127.0.0.1:9/", webhook_secret=SECRET,
                    rules=Rules(webhook_delays=(3600.0,))).start()  # fmt: skip
        client_of(quiet.url).v1.customers.create({"email": "late@example.com"})
        quiet.stop()
        again = Box(state=tmp_path / "other.sqlite", webhook_url=receiver.url, webhook_secret=SECRET).start()
        try:
            with again.world.turn():
                for delivery in again.world.store.find("_delivery"):
                    delivery["due"] = 0.0
            assert receiver.wait_for("customer.created").data.object.email == "late@example.com"
        finally:
            again.stop()

    def test_a_receiver_may_ask_us_things_while_it_is_told(self, api, receiver):
        customer = api.v1.customers.create({"email": "a@example.com"})
        receiver.wait_for("customer.created")
        assert api.v1.customers.retrieve(customer.id).email == "a@example.com"


class TestForgetting:
    def test_events_are_kept_thirty_days(self, box, api, tmp_path):
        customer = api.v1.customers.create({"email": "a@example.com"})
        api.v1.customers.create({"email": "b@example.com"})
        with box.world.turn():
            for event in box.world.store.find("event"):
                if event["data"]["object"]["id"] == customer.id:
                    event["_kept_at"] -= 31 * 86_400
        again = Box(state=tmp_path / "stripe.sqlite").start()
        try:
            kept = client_of(again.url).v1.events.list().data
            assert [one.data.object.email for one in kept] == ["b@example.com"]
        finally:
            again.stop()


class TestEndpoints:
    def test_an_endpoint_hears_only_what_it_asked_for_under_its_own_secret(self, api):
        other = Receiver()
        try:
            made = api.v1.webhook_endpoints.create({"url": other.url, "enabled_events": ["product.created"]})
            api.v1.customers.create({"email": "a@example.com"})
            api.v1.products.create({"name": "A"})
            _, headers, body = other.deliveries.get(timeout=60)
            event = stripe.Webhook.construct_event(body, headers["Stripe-Signature"], made.secret)
            assert event.type == "product.created"
            assert "secret" not in api.v1.webhook_endpoints.retrieve(made.id)
            api.v1.webhook_endpoints.delete(made.id)
            assert made.id not in {one.id for one in api.v1.webhook_endpoints.list().data}
        finally:
            other.close()


class TestEvents:
    def test_events_are_listed_newest_first_and_by_type(self, api):
        first = api.v1.products.create({"name": "A"})
        second = api.v1.products.create({"name": "B"})
        api.v1.customers.create({"email": "a@example.com"})
        found = api.v1.events.list({"types": ["product.created"]})
        assert [one.data.object.id for one in found.data] == [second.id, first.id]
        assert {one.type for one in api.v1.events.list({"type": "customer.*"}).data} == {"customer.created"}

    def test_an_event_keeps_what_the_object_was_then(self, api):
        customer = api.v1.customers.create({"email": "a@example.com"})
        api.v1.customers.update(customer.id, {"email": "b@example.com"})
        created = api.v1.events.list({"type": "customer.created"}).data[0]
        assert created.data.object.email == "a@example.com"
