"""Time passing on test clocks: renewals, trials, cards that stop working, and the end of patience."""

import pytest
import stripe

from sandbox.stripe.world import Rules

DAY, HOUR = 86_400, 3600
START = 1_769_817_600  # 31 January 2026, 00:00 UTC: a day that most months lack


@pytest.fixture
def clock(api) -> stripe.test_helpers.TestClock:
    return api.v1.test_helpers.test_clocks.create({"frozen_time": START})


@pytest.fixture
def subscribe(api, shop, clock):
    def make(card: str | None = "pm_card_visa", **given) -> stripe.Subscription:
        customer = shop.customer(card, clock=clock.id)
        return api.v1.subscriptions.create({"customer": customer.id, "items": [{"price": shop.growth.id}], **given})

    return make


@pytest.fixture
def pass_to(api, clock):
    def move(moment: int) -> None:
        now = api.v1.test_helpers.test_clocks.retrieve(clock.id).frozen_time
        while now < moment:
            now = min(moment, now + 50 * DAY)
            api.v1.test_helpers.test_clocks.advance(clock.id, {"frozen_time": now})

    return move


def told(api, type: str) -> int:
    return len(api.v1.events.list({"type": type, "limit": 100}).data)


def broken_card(api, customer: str) -> None:
    bad = api.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer})
    api.v1.customers.update(customer, {"invoice_settings": {"default_payment_method": bad.id}})


class TestRenewal:
    def test_the_months_last_day_is_kept_in_mind(self, api, subscribe, pass_to):
        made = subscribe()
        ends = []
        for _ in range(3):
            end = api.v1.subscriptions.retrieve(made.id)["items"].data[0].current_period_end
            ends.append((end - START) // DAY)
            pass_to(end)
        assert ends == [28, 59, 89]

    def test_the_new_invoice_is_a_draft_for_an_hour_and_then_paid(self, api, subscribe, pass_to):
        made = subscribe()
        end = made["items"].data[0].current_period_end
        pass_to(end)
        draft = api.v1.invoices.retrieve(api.v1.subscriptions.retrieve(made.id).latest_invoice)
        assert (draft.status, draft.billing_reason) == ("draft", "subscription_cycle")
        assert draft.automatically_finalizes_at == end + HOUR
        pass_to(end + HOUR)
        assert api.v1.invoices.retrieve(draft.id).status == "paid"
        assert told(api, "invoice.upcoming") == 1

    def test_a_planned_end_comes(self, api, subscribe, pass_to, receiver):
        made = subscribe(cancel_at_period_end=True)
        pass_to(made["items"].data[0].current_period_end)
        ended = receiver.wait_for("customer.subscription.deleted").data.object
        assert (ended.id, ended.status) == (made.id, "canceled")
        assert len(api.v1.invoices.list({"subscription": made.id}).data) == 1

    def test_a_paused_collection_voids_what_comes(self, api, subscribe, pass_to):
        made = subscribe()
        api.v1.subscriptions.update(made.id, {"pause_collection": {"behavior": "void"}})
        pass_to(made["items"].data[0].current_period_end + 2 * HOUR)
        assert api.v1.invoices.list({"subscription": made.id}).data[0].status == "void"
        assert api.v1.subscriptions.retrieve(made.id).status == "active"


class TestTrial:
    def test_it_warns_three_days_before_and_then_charges(self, api, subscribe, pass_to, receiver):
        made = subscribe(trial_period_days=14)
        assert (made.status, made.trial_end) == ("trialing", START + 14 * DAY)
        pass_to(START + 11 * DAY)
        assert receiver.wait_for("customer.subscription.trial_will_end").data.object.id == made.id
        pass_to(START + 14 * DAY + HOUR)
        after = api.v1.subscriptions.retrieve(made.id, {"expand": ["latest_invoice"]})
        assert (after.status, after.latest_invoice.amount_paid) == ("active", 4900)

    @pytest.mark.parametrize(
        ("wish", "status"), [("cancel", "canceled"), ("pause", "paused"), ("create_invoice", "past_due")]
    )
    def test_without_a_card_the_settings_decide(self, api, subscribe, pass_to, wish, status):
        made = subscribe(None, trial_period_days=14, trial_settings={"end_behavior": {"missing_payment_method": wish}})
        pass_to(START + 14 * DAY + 2 * HOUR)
        assert api.v1.subscriptions.retrieve(made.id).status == status

    def test_a_paused_one_is_resumed_with_a_card(self, api, subscribe, pass_to):
        made = subscribe(
            None, trial_period_days=14, trial_settings={"end_behavior": {"missing_payment_method": "pause"}}
        )
        pass_to(START + 15 * DAY)
        card = api.v1.payment_methods.attach("pm_card_visa", {"customer": made.customer})
        api.v1.customers.update(made.customer, {"invoice_settings": {"default_payment_method": card.id}})
        resumed = api.v1.subscriptions.resume(made.id)
        assert resumed.status == "active"
        assert api.v1.invoices.retrieve(resumed.latest_invoice).amount_paid == 4900

    def test_it_can_be_ended_now(self, api, subscribe):
        made = subscribe(trial_period_days=14)
        ended = api.v1.subscriptions.update(made.id, {"trial_end": "now"})
        assert ended.status == "active"
        assert api.v1.invoices.retrieve(ended.latest_invoice).amount_paid == 4900


class TestDunning:
    def test_a_failed_renewal_is_tried_again_and_a_new_card_saves_it(self, api, subscribe, pass_to):
        made = subscribe()
        broken_card(api, made.customer)
        end = made["items"].data[0].current_period_end
        pass_to(end + HOUR)
        owing = api.v1.subscriptions.retrieve(made.id, {"expand": ["latest_invoice", "customer"]})
        assert (owing.status, owing.customer.delinquent) == ("past_due", True)
        assert owing.latest_invoice.next_payment_attempt == end + HOUR + DAY
        card = api.v1.payment_methods.attach("pm_card_visa", {"customer": made.customer})
        api.v1.customers.update(made.customer, {"invoice_settings": {"default_payment_method": card.id}})
        pass_to(end + HOUR + DAY)
        saved = api.v1.subscriptions.retrieve(made.id, {"expand": ["latest_invoice", "customer"]})
        assert (saved.status, saved.latest_invoice.status, saved.customer.delinquent) == ("active", "paid", False)
        assert saved.latest_invoice.attempt_count == 1

    def test_after_the_last_try_the_subscription_ends(self, api, subscribe, pass_to, box):
        made = subscribe()
        broken_card(api, made.customer)
        end = made["items"].data[0].current_period_end
        pass_to(end + HOUR + sum(box.world.rules.retry_days) * DAY)
        ended = api.v1.subscriptions.retrieve(made.id, {"expand": ["latest_invoice"]})
        assert (ended.status, ended.cancellation_details.reason) == ("canceled", "payment_failed")
        assert ended.latest_invoice.attempt_count == 1 + len(box.world.rules.retry_days)
        assert told(api, "invoice.payment_failed") == ended.latest_invoice.attempt_count

    @pytest.mark.parametrize("rule", ["unpaid", "past_due"])
    def test_or_becomes_what_the_rules_say(self, api, subscribe, pass_to, box, rule):
        box.world.rules = Rules(retry_days=(3,), after_dunning=rule)
        made = subscribe()
        broken_card(api, made.customer)
        pass_to(made["items"].data[0].current_period_end + 4 * DAY)
        assert api.v1.subscriptions.retrieve(made.id).status == rule

    def test_a_card_that_always_asks_waits_for_its_holder_on_the_invoices_page(
        self, api, subscribe, pass_to, person, receiver
    ):
        made = subscribe()
        asking = api.v1.payment_methods.attach("pm_card_authenticationRequired", {"customer": made.customer})
        api.v1.customers.update(made.customer, {"invoice_settings": {"default_payment_method": asking.id}})
        pass_to(made["items"].data[0].current_period_end + HOUR)
        page = receiver.wait_for("invoice.payment_action_required").data.object.hosted_invoice_url
        assert api.v1.subscriptions.retrieve(made.id).status == "past_due"
        assert "asks you to confirm" in person.open(page).text
        challenge = person.open(page, {"with": "saved"})
        assert "Invoice paid" in person.open(challenge.url, {"answer": "complete"}).text
        assert api.v1.subscriptions.retrieve(made.id).status == "active"

    def test_a_card_set_up_once_is_not_asked_again(self, api, shop, clock, pass_to, person):
        customer = shop.customer(card=None, clock=clock.id)
        setup = api.v1.setup_intents.create(
            {"customer": customer.id, "payment_method": "pm_card_authenticationRequiredOnSetup", "confirm": True,
             "return_url": "http://example.test/back"}
        )  # fmt: skip
        assert setup.next_action.redirect_to_url.return_url == "http://example.test/back"
        left = person.open(setup.next_action.redirect_to_url.url, {"answer": "complete"})
        assert "redirect_status=succeeded" in left.url
        api.v1.customers.update(customer.id, {"invoice_settings": {"default_payment_method": setup.payment_method}})
        made = api.v1.subscriptions.create({"customer": customer.id, "items": [{"price": shop.growth.id}]})
        pass_to(made["items"].data[0].current_period_end + HOUR)
        assert [one.status for one in api.v1.invoices.list({"subscription": made.id}).data] == ["paid", "paid"]

    def test_an_incomplete_one_expires_after_23_hours(self, api, subscribe, pass_to):
        made = subscribe("pm_card_chargeCustomerFail")
        pass_to(START + 23 * HOUR)
        expired = api.v1.subscriptions.retrieve(made.id, {"expand": ["latest_invoice"]})
        assert (expired.status, expired.latest_invoice.status) == ("incomplete_expired", "void")


class TestClock:
    def test_it_goes_forward_only_and_two_periods_at_most(self, api, subscribe, clock):
        subscribe()
        for moment in (START, START - 1, START + 70 * DAY):
            with pytest.raises(stripe.InvalidRequestError):
                api.v1.test_helpers.test_clocks.advance(clock.id, {"frozen_time": moment})

    def test_it_tells_when_it_is_ready(self, api, clock, receiver):
        answer = api.v1.test_helpers.test_clocks.advance(clock.id, {"frozen_time": START + DAY})
        assert answer.status == "advancing"
        assert receiver.wait_for("test_helpers.test_clock.ready").data.object.frozen_time == START + DAY

    def test_deleting_it_takes_its_customers_along(self, api, subscribe, clock):
        made = subscribe()
        assert api.v1.test_helpers.test_clocks.delete(clock.id).deleted is True
        for gone in (api.v1.customers.retrieve, api.v1.subscriptions.retrieve):
            with pytest.raises(stripe.InvalidRequestError):
                gone(made.customer if gone == api.v1.customers.retrieve else made.id)

    def test_customers_on_a_clock_are_listed_by_it_only(self, api, shop, clock):
        shop.customer(clock=clock.id)
        assert api.v1.customers.list().data == []
        assert len(api.v1.customers.list({"test_clock": clock.id}).data) == 1


class TestRealTime:
    def test_what_falls_due_without_a_clock_happens_by_itself(self, api, shop, box, receiver):
        made = api.v1.subscriptions.create({"customer": shop.customer().id, "items": [{"price": shop.growth.id}]})
        with box.world.turn():
            kept = box.world.one("subscription", made.id)
            kept["cancel_at"] = kept["created"] - 1
        assert receiver.wait_for("customer.subscription.deleted").data.object.id == made.id
