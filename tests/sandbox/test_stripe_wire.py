"""What every request meets: keys, errors, replays, expansion, paging, metadata, and a state that survives a restart."""

import pytest
import stripe

from sandbox.stripe import API_VERSION
from sandbox.stripe.server import Box
from tests.sandbox.conftest import KEY, client_of, raw

AUTHORIZED = {"Authorization": f"Bearer {KEY}"}


class TestKeys:
    def test_without_a_key_the_answer_is_401(self, box):
        status, headers, body = raw(box.url, path="/v1/customers")
        assert (status, body["error"]["type"]) == (401, "invalid_request_error")
        assert headers["Request-Id"].startswith("req_")

    def test_a_live_key_is_refused_and_not_repeated_in_full(self, box):
        status, _, body = raw(box.url, path="/v1/customers", Authorization="Bearer sk_live_abcdefghijklmnop")
        assert status == 401
        assert "abcdefghijkl" not in body["error"]["message"]

    def test_the_library_raises_its_authentication_error(self, box):
        with pytest.raises(stripe.AuthenticationError):
            stripe.StripeClient("pk_test_x", base_addresses={"api": box.url}).v1.customers.list()

    def test_another_version_is_refused_instead_of_half_spoken(self, box):
        status, _, body = raw(box.url, path="/v1/customers", Stripe_Version="2020-08-27", **AUTHORIZED)
        assert status == 400
        assert API_VERSION in body["error"]["message"]

    def test_only_loopback_is_bound(self, box):
        assert box.server.server_address[0] == "127.0.0.1"


class TestErrors:
    @pytest.mark.parametrize("path", ["/v1/unknown", "/v1/customers/cus_1/nothing", "/nowhere"])
    def test_an_unknown_route_is_404_in_stripes_shape(self, box, path):
        status, _, body = raw(box.url, path=path, **AUTHORIZED)
        assert status == 404
        assert body["error"]["type"] == "invalid_request_error"
        assert body["error"]["message"].startswith("Unrecognized request URL (GET:")

    def test_an_unknown_parameter_is_named(self, api):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            api.v1.customers.create({"emial": "a@example.com"})
        assert (caught.value.code, caught.value.param) == ("parameter_unknown", "emial")

    def test_a_missing_parameter_is_named(self, api):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            api.v1.products.create({})
        assert (caught.value.code, caught.value.param) == ("parameter_missing", "name")

    def test_a_nested_number_that_is_none_is_named_with_its_path(self, api, shop):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            api.v1.subscriptions.create(
                {"customer": shop.customer().id, "items": [{"price": shop.growth.id, "quantity": "many"}]}
            )
        assert (caught.value.code, caught.value.param) == ("parameter_invalid_integer", "items[0][quantity]")

    def test_an_id_nobody_has_is_404_in_the_path_and_400_in_a_parameter(self, api, shop):
        with pytest.raises(stripe.InvalidRequestError) as in_path:
            api.v1.customers.retrieve("cus_missing")
        with pytest.raises(stripe.InvalidRequestError) as in_parameter:
            api.v1.subscriptions.create({"customer": shop.customer().id, "items": [{"price": "price_missing"}]})
        assert (in_path.value.http_status, in_path.value.code) == (404, "resource_missing")
        assert (in_parameter.value.http_status, in_parameter.value.param) == (400, "items[0][price]")

    def test_a_refused_request_leaves_nothing_behind(self, api, shop):
        before = len(api.v1.customers.list().data)
        with pytest.raises(stripe.CardError):
            api.v1.customers.create({"email": "x@example.com", "payment_method": "pm_card_chargeDeclined"})
        assert len(api.v1.customers.list().data) == before


class TestIdempotency:
    def test_the_same_key_and_parameters_give_the_first_answer(self, api):
        options = {"idempotency_key": "checkout:7:1"}
        first = api.v1.customers.create({"email": "a@example.com"}, options)
        again = api.v1.customers.create({"email": "a@example.com"}, options)
        assert first.id == again.id
        assert again.last_response.headers["Idempotent-Replayed"] == "true"
        assert again.last_response.headers["Original-Request"] == first.last_response.request_id
        assert len(api.v1.customers.list().data) == 1

    def test_the_same_key_with_other_parameters_is_an_idempotency_error(self, api):
        options = {"idempotency_key": "checkout:7:2"}
        api.v1.customers.create({"email": "a@example.com"}, options)
        with pytest.raises(stripe.IdempotencyError) as caught:
            api.v1.customers.create({"email": "b@example.com"}, options)
        assert caught.value.http_status == 400

    def test_the_same_key_on_another_path_is_an_idempotency_error(self, api):
        options = {"idempotency_key": "checkout:7:3"}
        api.v1.customers.create({"name": "A"}, options)
        with pytest.raises(stripe.IdempotencyError):
            api.v1.products.create({"name": "A"}, options)

    def test_what_failed_validation_may_be_sent_again_corrected(self, api):
        options = {"idempotency_key": "checkout:7:4"}
        with pytest.raises(stripe.InvalidRequestError):
            api.v1.products.create({"nam": "A"}, options)
        assert api.v1.products.create({"name": "A"}, options).name == "A"

    def test_a_declined_card_is_replayed_as_declined(self, api):
        given = {"amount": 500, "currency": "eur", "payment_method": "pm_card_chargeDeclined", "confirm": True}
        options = {"idempotency_key": "checkout:7:5"}
        intents = []
        for _ in range(2):
            with pytest.raises(stripe.CardError) as caught:
                api.v1.payment_intents.create(given, options)
            intents.append(caught.value.error.payment_intent.id)
        assert intents[0] == intents[1]

    def test_a_replay_survives_a_restart(self, box, api, tmp_path):
        first = api.v1.customers.create({"name": "A"}, {"idempotency_key": "k"})
        box.world.store.commit()
        other = Box(state=tmp_path / "stripe.sqlite").start()
        try:
            assert client_of(other.url).v1.customers.create({"name": "A"}, {"idempotency_key": "k"}).id == first.id
        finally:
            other.stop()


class TestReading:
    def test_expansion_goes_through_lists_and_objects(self, api, shop):
        made = api.v1.subscriptions.create(
            {
                "customer": shop.customer().id,
                "items": [{"price": shop.growth.id}],
                "expand": ["customer", "latest_invoice.payments"],
            }
        )
        assert made.customer.email == "owner@example.com"
        assert made.latest_invoice.payments.data[0].status == "paid"
        invoice = api.v1.invoices.retrieve(made.latest_invoice.id, {"expand": ["payments.data.payment.payment_intent"]})
        assert invoice.payments.data[0].payment.payment_intent.status == "succeeded"

    def test_prices_inside_items_and_lines_expand_to_their_product(self, api, shop):
        made = api.v1.subscriptions.create(
            {
                "customer": shop.customer().id,
                "items": [{"price": shop.growth.id}],
                "expand": ["items.data.price.product"],
            }
        )
        assert made["items"].data[0].price.product.name == "Growth"
        session = api.v1.checkout.sessions.create(
            {
                "mode": "subscription",
                "line_items": [{"price": shop.growth.id, "quantity": 1}],
                "success_url": "http://example.test/ok",
                "expand": ["line_items.data.price.product"],
            }
        )
        assert session.line_items.data[0].price.product.name == "Growth"

    def test_a_path_has_at_most_four_steps(self, api, shop):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            api.v1.invoices.list({"expand": ["data.payments.data.payment.payment_intent"]}) or shop
        assert "more than 4 levels" in caught.value.user_message

    def test_a_list_expands_its_data(self, api, shop):
        found = api.v1.prices.list({"lookup_keys": ["growth_monthly"], "expand": ["data.product"]})
        assert found.data[0].product.name == "Growth"

    def test_payments_and_lines_of_checkout_are_shown_only_when_expanded(self, api, shop):
        made = api.v1.subscriptions.create({"customer": shop.customer().id, "items": [{"price": shop.growth.id}]})
        invoice = api.v1.invoices.retrieve(made.latest_invoice)
        assert "payments" not in invoice
        expanded = api.v1.invoices.retrieve(invoice.id, {"expand": ["payments", "confirmation_secret"]})
        assert expanded.payments.data[0].payment.type == "payment_intent"
        assert expanded.confirmation_secret.client_secret.startswith("pi_")

    def test_what_is_no_object_cannot_be_expanded(self, api, shop):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            api.v1.customers.retrieve(shop.customer().id, {"expand": ["email"]})
        assert "cannot be expanded" in caught.value.user_message

    def test_pages_go_both_ways_and_end(self, api):
        ids = [api.v1.customers.create({"name": str(number)}).id for number in range(5)][::-1]
        first = api.v1.customers.list({"limit": 2})
        second = api.v1.customers.list({"limit": 2, "starting_after": first.data[-1].id})
        last = api.v1.customers.list({"limit": 2, "starting_after": second.data[-1].id})
        back = api.v1.customers.list({"limit": 2, "ending_before": last.data[0].id})
        assert [one.id for page in (first, second, last) for one in page.data] == ids
        assert [page.has_more for page in (first, second, last)] == [True, True, False]
        assert [one.id for one in back.data] == [one.id for one in second.data]
        assert [one.id for one in api.v1.customers.list({"limit": 2}).auto_paging_iter()] == ids

    @pytest.mark.parametrize("limit", [0, 101])
    def test_a_limit_out_of_range_is_refused(self, api, limit):
        with pytest.raises(stripe.InvalidRequestError):
            api.v1.customers.list({"limit": limit})

    def test_search_finds_by_metadata(self, api):
        wanted = api.v1.customers.create({"email": "a@example.com", "metadata": {"tenant_id": "7"}})
        api.v1.customers.create({"email": "b@example.com", "metadata": {"tenant_id": "8"}})
        found = api.v1.customers.search({"query": "metadata['tenant_id']:'7' AND email:'a@example.com'"})
        assert [one.id for one in found.data] == [wanted.id]


class TestWriting:
    def test_metadata_is_merged_removed_and_cleared(self, api):
        customer = api.v1.customers.create({"metadata": {"a": "1", "b": "2"}})
        merged = api.v1.customers.update(customer.id, {"metadata": {"b": "", "c": "3"}})
        assert merged.metadata.to_dict() == {"a": "1", "c": "3"}
        assert api.v1.customers.update(customer.id, {"metadata": ""}).metadata.to_dict() == {}

    def test_a_deleted_customer_is_shown_as_deleted_and_left_out_of_lists(self, api, shop):
        customer = shop.customer()
        subscription = api.v1.subscriptions.create({"customer": customer.id, "items": [{"price": shop.growth.id}]})
        assert api.v1.customers.delete(customer.id).deleted is True
        assert api.v1.customers.retrieve(customer.id).deleted is True
        assert api.v1.customers.list().data == []
        assert api.v1.subscriptions.retrieve(subscription.id).status == "canceled"

    def test_a_lookup_key_moves_only_when_asked(self, api, shop):
        given = {"product": shop.growth.product, "currency": "eur", "unit_amount": 5900,
                 "recurring": {"interval": "month"}, "lookup_key": "growth_monthly"}  # fmt: skip
        with pytest.raises(stripe.InvalidRequestError):
            api.v1.prices.create(given)
        moved = api.v1.prices.create({**given, "transfer_lookup_key": True})
        assert [one.id for one in api.v1.prices.list({"lookup_keys": ["growth_monthly"]}).data] == [moved.id]

    def test_a_restart_finds_everything_again(self, box, api, shop, tmp_path):
        customer = shop.customer()
        made = api.v1.subscriptions.create({"customer": customer.id, "items": [{"price": shop.growth.id}]})
        other = Box(state=tmp_path / "stripe.sqlite").start()
        try:
            again = client_of(other.url)
            assert again.v1.subscriptions.retrieve(made.id).status == "active"
            assert again.v1.customers.retrieve(customer.id).name == "Ada Owner"
        finally:
            other.stop()
