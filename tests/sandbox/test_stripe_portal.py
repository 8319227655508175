"""The Billing Portal as a customer meets it: plans, cards, details, invoices, and only what it is configured for."""

import pytest
import stripe

CARD = {"number": "5555555555554444", "expiry": "12 / 34", "cvc": "123", "name": "Ada Owner", "country": "DE"}


@pytest.fixture
def subscription(api, shop) -> stripe.Subscription:
    return api.v1.subscriptions.create({"customer": shop.customer().id, "items": [{"price": shop.growth.id}]})


@pytest.fixture
def portal(api, subscription):
    def make(**given) -> str:
        plain = {"customer": subscription.customer, "return_url": "http://example.test/settings"}
        return api.v1.billing_portal.sessions.create({**plain, **given}).url

    return make


@pytest.fixture
def configuration(api, shop):
    def make(**features) -> str:
        return api.v1.billing_portal.configurations.create(
            {"features": features, "business_profile": {"headline": "Your plan"}}
        ).id

    return make


class TestHome:
    def test_it_shows_plan_card_details_and_invoices(self, portal, person):
        page = person.open(portal())
        for words in (
            "Growth",
            "€49.00",
            "Visa •••• 4242",
            "owner@example.com",
            "Invoice history",
            "Return to Regulars",
        ):
            assert words in page.text
        assert 'href="http://example.test/settings"' in page.html

    def test_a_guessed_address_shows_nothing(self, portal, person):
        portal()
        assert person.open("/p/session/test_guess").status == 404

    def test_what_is_switched_off_is_neither_shown_nor_done(self, api, portal, configuration, person, subscription):
        url = portal(configuration=configuration(invoice_history={"enabled": True}))
        page = person.open(url)
        assert "Your plan" in page.text
        assert "Cancel plan" not in page.text
        assert person.open(f"{url}/subscriptions/{subscription.id}/cancel", {}).status == 404
        assert person.open(f"{url}/card", CARD).status == 404
        assert api.v1.subscriptions.retrieve(subscription.id).cancel_at is None


class TestPlan:
    def test_an_upgrade_says_what_it_costs_and_charges_it(self, api, shop, portal, person, subscription):
        url = portal() + f"/subscriptions/{subscription.id}/update"
        assert "Scale" in person.open(url).text
        asked = person.open(f"{url}?price={shop.scale.id}")
        assert "Amount due today" in asked.text
        assert api.v1.subscriptions.retrieve(subscription.id)["items"].data[0].price.id == shop.growth.id
        assert "Scale" in person.open(url, {"price": shop.scale.id, "quantity": "1"}).text
        changed = api.v1.subscriptions.retrieve(subscription.id, {"expand": ["latest_invoice"]})
        assert changed["items"].data[0].price.id == shop.scale.id
        assert (changed.latest_invoice.status, changed.latest_invoice.amount_paid) == ("paid", 5000)

    def test_only_configured_plans_are_offered(self, shop, portal, configuration, person, subscription):
        products = [{"product": shop.growth.product, "prices": [shop.growth.id, shop.growth_yearly.id]}]
        feature = {
            "enabled": True,
            "default_allowed_updates": ["price"],
            "products": products,
            "proration_behavior": "always_invoice",
        }
        url = (
            portal(configuration=configuration(subscription_update=feature))
            + f"/subscriptions/{subscription.id}/update"
        )
        assert "Scale" not in person.open(url).text
        assert person.open(url, {"price": shop.scale.id}).status == 404

    def test_cancel_and_take_it_back(self, api, portal, person, subscription, receiver):
        url = portal()
        page = person.open(f"{url}/subscriptions/{subscription.id}/cancel", {"feedback": "too_expensive"})
        assert "Your plan ends on" in page.text
        planned = api.v1.subscriptions.retrieve(subscription.id)
        assert (planned.cancel_at_period_end, planned.cancellation_details.feedback) == (True, "too_expensive")
        assert "Your plan renews on" in person.open(f"{url}/subscriptions/{subscription.id}/renew", {}).text
        assert api.v1.subscriptions.retrieve(subscription.id).cancel_at_period_end is False

    def test_another_customers_plan_is_not_there(self, api, shop, portal, person):
        other = api.v1.subscriptions.create({"customer": shop.customer().id, "items": [{"price": shop.growth.id}]})
        assert person.open(portal() + f"/subscriptions/{other.id}/cancel", {}).status == 404


class TestCards:
    def test_a_new_card_becomes_the_default(self, api, portal, person, subscription):
        assert "Mastercard •••• 4444" in person.open(portal() + "/card", CARD).text
        customer = api.v1.customers.retrieve(
            subscription.customer, {"expand": ["invoice_settings.default_payment_method"]}
        )
        assert customer.invoice_settings.default_payment_method.card.last4 == "4444"

    def test_a_subscription_with_a_card_of_its_own_follows(self, api, shop, person):
        customer = shop.customer(card=None)
        own = api.v1.payment_methods.attach("pm_card_visa", {"customer": customer.id})
        made = api.v1.subscriptions.create(
            {"customer": customer.id, "items": [{"price": shop.growth.id}], "default_payment_method": own.id}
        )
        person.open(api.v1.billing_portal.sessions.create({"customer": customer.id}).url + "/card", CARD)
        after = api.v1.subscriptions.retrieve(made.id, {"expand": ["default_payment_method"]})
        assert after.default_payment_method.card.last4 == "4444"

    def test_a_declined_card_is_not_kept(self, api, portal, person, subscription):
        page = person.open(portal() + "/card", {**CARD, "number": "4000000000000002"})
        assert (page.status, "Your card was declined." in page.text) == (402, True)
        assert len(api.v1.payment_methods.list({"customer": subscription.customer}).data) == 1

    @pytest.mark.parametrize(("answer", "kept"), [("complete", 2), ("fail", 1)])
    def test_a_bank_that_asks_is_answered_first(self, api, portal, person, subscription, answer, kept):
        challenge = person.open(portal() + "/card", {**CARD, "number": "4000002500003155"})
        page = person.open(challenge.url, {"answer": answer})
        assert "Manage your billing" in page.text
        assert len(api.v1.payment_methods.list({"customer": subscription.customer}).data) == kept

    def test_the_old_card_can_be_removed(self, api, portal, person, subscription):
        old = api.v1.payment_methods.list({"customer": subscription.customer}).data[0].id
        url = portal()
        person.open(url + "/card", CARD)
        assert "4242" not in person.open(f"{url}/cards/{old}/remove", {}).text

    def test_after_a_failed_renewal_the_open_invoice_can_be_paid(self, api, shop, person):
        customer = shop.customer("pm_card_chargeCustomerFail")
        invoice = api.v1.invoices.create({"customer": customer.id})
        api.v1.invoice_items.create({"customer": customer.id, "invoice": invoice.id, "currency": "eur", "amount": 700})
        page = api.v1.invoices.finalize_invoice(invoice.id).hosted_invoice_url
        url = api.v1.billing_portal.sessions.create({"customer": customer.id}).url
        person.open(url + "/card", CARD)
        assert page in person.open(url).html
        assert "Invoice paid" in person.open(page, {"with": "saved"}).text


class TestFlows:
    @pytest.mark.parametrize(
        ("kind", "words"),
        [
            ("payment_method_update", "Add payment method"),
            ("subscription_cancel", "Cancel your plan"),
            ("subscription_update", "Change your plan"),
        ],
    )
    def test_a_link_leads_straight_to_one_task(self, portal, person, subscription, kind, words):
        flow = (
            {"type": kind}
            if kind == "payment_method_update"
            else {"type": kind, kind: {"subscription": subscription.id}}
        )
        assert words in person.open(portal(flow_data=flow)).text

    def test_a_change_can_be_prepared_and_leads_back(self, shop, portal, person, subscription):
        item = subscription["items"].data[0].id
        confirm = {"subscription": subscription.id, "items": [{"id": item, "price": shop.scale.id}]}
        done = {"type": "redirect", "redirect": {"return_url": "http://example.test/done"}}
        flow = {"type": "subscription_update_confirm", "subscription_update_confirm": confirm, "after_completion": done}
        asked = person.open(portal(flow_data=flow))
        assert "Confirm your change" in asked.text
        left = person.open(asked.url.split("?")[0], {"price": shop.scale.id, "quantity": "1"})
        assert left.url == "http://example.test/done"


class TestDetails:
    def test_name_and_email_are_changed_and_told(self, api, portal, person, subscription, receiver):
        person.open(portal() + "/details", {"name": "Ada Lovelace", "email": "new@example.com"})
        assert api.v1.customers.retrieve(subscription.customer).name == "Ada Lovelace"
        while (event := receiver.wait_for("customer.updated")).data.object.email != "new@example.com":
            continue
        assert event.data.previous_attributes["email"] == "owner@example.com"


class TestHomePage:
    def test_it_shows_what_happened_and_can_refund_dispute_and_send_again(self, api, person, subscription, receiver):
        assert "invoice.paid" in person.open("/").text
        charge = api.v1.charges.list({"customer": subscription.customer}).data[0]
        person.open(f"/home/charges/{charge.id}/dispute", {})
        person.open(f"/home/charges/{charge.id}/refund", {})
        assert receiver.wait_for("charge.refunded").data.object.disputed is True
        event = api.v1.events.list({"type": "charge.refunded"}).data[0]
        person.open(f"/home/events/{event.id}/resend", {})
        assert receiver.wait_for("charge.refunded").id == event.id
