"""The hosted Checkout page as a person meets it: paying, being declined, confirming, codes, and leaving it."""

import pytest
import stripe

SUCCESS = "http://example.test/thanks?session={CHECKOUT_SESSION_ID}"
FORM = {"email": "ada@example.com", "expiry": "12 / 34", "cvc": "123", "name": "Ada Owner", "country": "DE"}


def form(number: str = "4242 4242 4242 4242", **changes: str) -> dict[str, str]:
    return {**FORM, "number": number, **changes}


@pytest.fixture
def session(api, shop):
    def make(**given) -> stripe.checkout.Session:
        plain = {
            "mode": "subscription",
            "line_items": [{"price": shop.growth.id, "quantity": 1}],
            "success_url": SUCCESS,
            "cancel_url": "http://example.test/plans",
            "client_reference_id": "tenant-7",
        }
        return api.v1.checkout.sessions.create({**plain, **given})

    return make


class TestSubscribing:
    def test_a_good_card_starts_the_subscription_and_leads_back_with_the_session(self, api, session, person, receiver):
        made = session(metadata={"tenant_id": "7"}, subscription_data={"metadata": {"tenant_id": "7"}})
        page = person.open(made.url)
        assert (page.status, "€49.00" in page.text, "Growth" in page.text) == (200, True, True)
        left = person.open(made.url, form())
        assert left.url == f"http://example.test/thanks?session={made.id}"
        done = receiver.wait_for("checkout.session.completed").data.object
        assert (done.client_reference_id, done.payment_status, done.status) == ("tenant-7", "paid", "complete")
        subscription = api.v1.subscriptions.retrieve(
            done.subscription, {"expand": ["default_payment_method", "latest_invoice"]}
        )
        assert subscription.status == "active"
        assert subscription.metadata["tenant_id"] == "7"
        assert subscription.default_payment_method.card.last4 == "4242"
        assert subscription.latest_invoice.status == "paid"
        assert subscription.latest_invoice.parent.subscription_details.subscription == subscription.id
        assert api.v1.customers.retrieve(done.customer).email == "ada@example.com"

    def test_an_existing_customer_is_used_and_not_asked_for_the_email(self, api, shop, session, person):
        customer = shop.customer(card=None)
        made = session(customer=customer.id)
        assert "owner@example.com" in person.open(made.url).text
        person.open(made.url, form(email=""))
        assert api.v1.checkout.sessions.retrieve(made.id).customer == customer.id
        assert len(api.v1.customers.list().data) == 1

    def test_a_trial_costs_nothing_today(self, api, session, person):
        made = session(subscription_data={"trial_period_days": 14})
        assert "14 days free" in person.open(made.url).text
        person.open(made.url, form())
        done = api.v1.checkout.sessions.retrieve(made.id, {"expand": ["subscription"]})
        assert (done.payment_status, done.amount_total, done.subscription.status) == (
            "no_payment_required",
            0,
            "trialing",
        )

    def test_things_bought_once_come_on_the_first_invoice(self, api, shop, session, person):
        made = session(line_items=[{"price": shop.growth.id, "quantity": 1}, {"price": shop.setup.id, "quantity": 1}])
        assert made.amount_total == 9900
        person.open(made.url, form())
        done = api.v1.checkout.sessions.retrieve(made.id, {"expand": ["invoice", "line_items"]})
        assert (done.invoice.amount_paid, len(done.line_items.data)) == (9900, 2)

    def test_a_second_visit_to_a_paid_page_does_not_pay_twice(self, api, session, person):
        made = session()
        person.open(made.url, form())
        assert person.open(made.url, form()).url.startswith("http://example.test/thanks")
        assert "already completed" in person.open(made.url).text
        assert len(api.v1.subscriptions.list().data) == 1


class TestCards:
    @pytest.mark.parametrize(
        ("number", "sentence"),
        [
            ("4000000000000002", "Your card was declined."),
            ("4000000000009995", "Your card has insufficient funds."),
            ("4000000000000069", "Your card has expired."),
            ("4000000000000127", "Your card's security code is incorrect."),
            ("4000000000000119", "An error occurred while processing your card."),
            ("4242424242424241", "Your card number is incorrect."),
            ("4012888888881881", "used a non test card"),
        ],
    )
    def test_a_refused_card_keeps_the_page_and_says_why(self, api, session, person, number, sentence):
        made = session()
        page = person.open(made.url, form(number))
        assert page.status == 402
        assert sentence in page.text
        assert 'value="Ada Owner"' in page.html
        assert api.v1.checkout.sessions.retrieve(made.id).status == "open"
        assert api.v1.subscriptions.list({"status": "all"}).data == []
        assert api.v1.customers.list().data == []
        assert person.open(made.url, form()).url.startswith("http://example.test/thanks")

    @pytest.mark.parametrize(
        ("changes", "sentence"),
        [
            ({"expiry": "01 / 20"}, "expiration year is invalid"),
            ({"expiry": "13 / 34"}, "expiration month is invalid"),
            ({"expiry": ""}, "expiration date is incomplete"),
            ({"cvc": "12"}, "security code is invalid"),
            ({"email": "nobody"}, "Enter a valid email address"),
        ],
    )
    def test_a_field_that_is_wrong_is_marked(self, session, person, changes, sentence):
        page = person.open(session().url, form(**changes))
        assert page.status in (402, 422)
        assert sentence in page.text
        assert 'aria-invalid="true"' in page.html

    @pytest.mark.parametrize("number", ["4000002500003155", "4000002760003184"])
    def test_a_bank_that_asks_is_answered_on_its_page(self, api, session, person, number):
        made = session()
        challenge = person.open(made.url, form(number))
        assert "Is this you?" in challenge.text
        left = person.open(challenge.url, {"answer": "complete"})
        assert left.url == f"http://example.test/thanks?session={made.id}"
        done = api.v1.checkout.sessions.retrieve(made.id, {"expand": ["subscription"]})
        assert (done.payment_status, done.subscription.status) == ("paid", "active")

    def test_a_failed_challenge_leads_back_to_the_page(self, api, session, person):
        made = session()
        challenge = person.open(made.url, form("4000002500003155"))
        page = person.open(challenge.url, {"answer": "fail"})
        assert "We are unable to authenticate your payment method" in page.text
        assert api.v1.checkout.sessions.retrieve(made.id).status == "open"
        assert person.open(challenge.url).status == 404

    def test_confirmed_and_then_declined_says_so(self, session, person):
        challenge = person.open(session().url, form("4000008260003178"))
        assert "insufficient funds" in person.open(challenge.url, {"answer": "complete"}).text

    def test_a_card_that_fails_later_is_saved_in_a_trial(self, api, session, person):
        made = session(subscription_data={"trial_period_days": 7})
        assert person.open(made.url, form("4000000000000341")).url.startswith("http://example.test/thanks")
        assert (
            api.v1.checkout.sessions.retrieve(made.id, {"expand": ["subscription"]}).subscription.status == "trialing"
        )


class TestOtherModes:
    def test_a_single_payment_has_an_intent_and_no_customer(self, api, shop, session, person):
        made = session(mode="payment", line_items=[{"price": shop.setup.id, "quantity": 2}])
        person.open(made.url, form())
        done = api.v1.checkout.sessions.retrieve(made.id, {"expand": ["payment_intent"]})
        assert (done.customer, done.payment_intent.amount_received, done.payment_status) == (None, 10000, "paid")

    def test_a_declined_single_payment_stays_on_record(self, api, shop, session, person, receiver):
        made = session(mode="payment", line_items=[{"price": shop.setup.id, "quantity": 1}])
        assert person.open(made.url, form("4000000000000002")).status == 402
        assert (
            receiver.wait_for("payment_intent.payment_failed").data.object.last_payment_error.decline_code
            == "generic_decline"
        )
        person.open(made.url, form())
        assert len(api.v1.payment_intents.list().data) == 1

    def test_a_price_made_on_the_spot(self, api, session, person):
        data = {"currency": "usd", "unit_amount": 1234, "product_data": {"name": "Once"}}
        made = session(mode="payment", line_items=[{"price_data": data, "quantity": 1}])
        assert "$12.34" in person.open(made.url).text

    def test_set_up_saves_a_card(self, api, shop, session, person):
        customer = shop.customer(card=None)
        made = session(mode="setup", customer=customer.id, line_items="")
        assert "Save your card" in person.open(made.url).text
        person.open(made.url, form())
        intent = api.v1.setup_intents.retrieve(api.v1.checkout.sessions.retrieve(made.id).setup_intent)
        assert intent.status == "succeeded"
        assert [one.id for one in api.v1.customers.payment_methods.list(customer.id).data] == [intent.payment_method]


class TestCodes:
    def test_a_promotion_code_takes_off_and_comes_off_again(self, api, session, person):
        coupon = api.v1.coupons.create({"percent_off": 20, "duration": "once", "name": "Spring"})
        api.v1.promotion_codes.create({"promotion": {"type": "coupon", "coupon": coupon.id}, "code": "SPRING"})
        made = session(allow_promotion_codes=True)
        assert "This code is invalid" in person.open(f"/c/pay/{made.id}/promotion", {"promotion": "AUTUMN"}).text
        assert "€39.20" in person.open(f"/c/pay/{made.id}/promotion", {"promotion": "spring"}).text
        person.open(made.url, form())
        done = api.v1.checkout.sessions.retrieve(made.id, {"expand": ["invoice"]})
        assert (done.amount_total, done.invoice.amount_paid, done.total_details.amount_discount) == (3920, 3920, 980)
        assert api.v1.coupons.retrieve(coupon.id).times_redeemed == 1

    def test_everything_off_needs_no_payment(self, api, session, person):
        coupon = api.v1.coupons.create({"percent_off": 100, "duration": "forever"})
        made = session(discounts=[{"coupon": coupon.id}], payment_method_collection="if_required")
        assert "Card number" not in person.open(made.url).text
        person.open(made.url, {"email": "ada@example.com"})
        done = api.v1.checkout.sessions.retrieve(made.id, {"expand": ["subscription"]})
        assert (done.payment_status, done.subscription.status) == ("no_payment_required", "active")


class TestClosing:
    def test_an_expired_page_is_gone_and_told(self, api, session, person, receiver):
        made = session()
        assert api.v1.checkout.sessions.expire(made.id).status == "expired"
        assert person.open(f"/c/pay/{made.id}").status == 404
        assert receiver.wait_for("checkout.session.expired").data.object.id == made.id

    @pytest.mark.parametrize(
        "given",
        [
            {"success_url": ""},
            {"mode": "payment"},
            {"line_items": []},
            {"success_url": "example.test"},
            {"payment_method_types": ["card"]},
        ],
    )
    def test_what_cannot_be_a_page_is_refused(self, session, given):
        with pytest.raises(stripe.InvalidRequestError):
            session(**given)
