"""Single payments: what each card does, saving cards, refunds and disputes."""

import pytest
import stripe


@pytest.fixture
def pay(api):
    def make(card: str = "pm_card_visa", **given) -> stripe.PaymentIntent:
        plain = {"amount": 2000, "currency": "eur", "payment_method": card, "confirm": True}
        return api.v1.payment_intents.create({**plain, **given})

    return make


class TestCards:
    @pytest.mark.parametrize(
        ("card", "code", "decline_code"),
        [
            ("pm_card_chargeDeclined", "card_declined", "generic_decline"),
            ("pm_card_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
            ("pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card"),
            ("pm_card_chargeDeclinedExpiredCard", "expired_card", None),
            ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", None),
            ("pm_card_chargeDeclinedProcessingError", "processing_error", None),
            ("pm_card_chargeCustomerFail", "card_declined", "generic_decline"),
        ],
    )
    def test_a_decline_names_its_reason_and_keeps_the_intent(self, api, pay, card, code, decline_code):
        with pytest.raises(stripe.CardError) as caught:
            pay(card)
        error = caught.value.error
        assert (caught.value.http_status, caught.value.code) == (402, code)
        assert getattr(error, "decline_code", None) == decline_code
        kept = api.v1.payment_intents.retrieve(error.payment_intent.id, {"expand": ["latest_charge"]})
        assert (kept.status, kept.last_payment_error.code, kept.latest_charge.status) == (
            "requires_payment_method",
            code,
            "failed",
        )

    def test_typed_numbers_work_as_the_named_cards_do(self, api):
        card = {"number": "5555555555554444", "exp_month": 12, "exp_year": 2034, "cvc": "123"}
        made = api.v1.payment_methods.create({"type": "card", "card": card})
        assert (made.card.brand, made.card.last4, made.card.funding) == ("mastercard", "4444", "credit")
        with pytest.raises(stripe.CardError) as caught:
            api.v1.payment_methods.create({"type": "card", "card": {**card, "exp_year": 2020}})
        assert caught.value.code == "invalid_expiry_year"

    def test_no_number_is_ever_written_down(self, api, box, tmp_path):
        card = {"number": "4000056655665556", "exp_month": 12, "exp_year": 2034, "cvc": "123"}
        api.v1.payment_methods.create({"type": "card", "card": card}, {"idempotency_key": "k"})
        box.world.store.file.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert b"4000056655665556" not in (tmp_path / "stripe.sqlite").read_bytes()

    def test_off_session_a_card_that_asks_is_declined_for_that(self, pay):
        with pytest.raises(stripe.CardError) as caught:
            pay("pm_card_authenticationRequired", off_session=True)
        assert caught.value.code == "authentication_required"

    @pytest.mark.parametrize(("answer", "status"), [("complete", "succeeded"), ("fail", "requires_payment_method")])
    def test_on_session_it_leads_to_the_challenge_and_back(self, api, pay, person, answer, status):
        made = pay("pm_card_authenticationRequired", return_url="http://example.test/back?order=1")
        assert made.status == "requires_action"
        left = person.open(made.next_action.redirect_to_url.url, {"answer": answer})
        assert left.url.startswith("http://example.test/back?order=1&payment_intent=" + made.id)
        assert api.v1.payment_intents.retrieve(made.id).status == status

    def test_the_challenge_needs_the_secret(self, pay, person):
        made = pay("pm_card_authenticationRequired")
        assert person.open(f"/challenge/{made.id}?client_secret=wrong").status == 404

    def test_reserve_and_capture(self, api, pay):
        made = pay(capture_method="manual")
        assert (made.status, made.amount_capturable) == ("requires_capture", 2000)
        taken = api.v1.payment_intents.capture(made.id, {"amount_to_capture": 1500})
        assert (taken.status, taken.amount_received) == ("succeeded", 1500)


class TestMethods:
    def test_attach_list_and_detach(self, api, shop, receiver):
        customer = shop.customer(card=None)
        method = api.v1.payment_methods.attach("pm_card_amex", {"customer": customer.id})
        assert [one.id for one in api.v1.payment_methods.list({"customer": customer.id}).data] == [method.id]
        api.v1.payment_methods.detach(method.id)
        assert receiver.wait_for("payment_method.detached").data.previous_attributes["customer"] == customer.id
        with pytest.raises(stripe.InvalidRequestError):
            api.v1.payment_methods.attach(method.id, {"customer": customer.id})

    def test_a_declined_card_cannot_be_attached_but_the_one_that_fails_later_can(self, api, shop):
        customer = shop.customer(card=None)
        with pytest.raises(stripe.CardError):
            api.v1.payment_methods.attach("pm_card_chargeDeclined", {"customer": customer.id})
        assert (
            api.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": customer.id}).customer
            == customer.id
        )

    def test_a_default_must_be_the_customers_own(self, api, shop):
        foreign = api.v1.payment_methods.attach("pm_card_visa", {"customer": shop.customer(card=None).id})
        with pytest.raises(stripe.InvalidRequestError):
            api.v1.customers.update(
                shop.customer(card=None).id, {"invoice_settings": {"default_payment_method": foreign.id}}
            )


class TestRefunds:
    def test_in_parts_and_never_too_much(self, api, pay, receiver):
        made = pay()
        api.v1.refunds.create({"payment_intent": made.id, "amount": 500})
        charge = api.v1.charges.retrieve(made.latest_charge, {"expand": ["refunds"]})
        assert (charge.amount_refunded, charge.refunded, len(charge.refunds.data)) == (500, False, 1)
        with pytest.raises(stripe.InvalidRequestError):
            api.v1.refunds.create({"payment_intent": made.id, "amount": 1501})
        api.v1.refunds.create({"charge": charge.id, "reason": "requested_by_customer"})
        assert api.v1.charges.retrieve(charge.id).refunded is True
        with pytest.raises(stripe.InvalidRequestError) as caught:
            api.v1.refunds.create({"payment_intent": made.id})
        assert caught.value.code == "charge_already_refunded"
        assert receiver.wait_for("charge.refunded").data.object.amount_refunded == 500

    def test_a_refund_that_fails_gives_the_money_back_to_us(self, api, pay):
        made = pay("pm_card_refundFail")
        assert api.v1.refunds.create({"payment_intent": made.id}).status == "failed"
        assert api.v1.charges.retrieve(made.latest_charge).amount_refunded == 0


class TestDisputes:
    @pytest.mark.parametrize(("evidence", "status"), [("winning_evidence", "won"), ("losing_evidence", "lost")])
    def test_a_card_that_disputes_is_answered_with_evidence(self, api, pay, receiver, evidence, status):
        made = pay("pm_card_createDispute")
        dispute = receiver.wait_for("charge.dispute.created").data.object
        assert (dispute.payment_intent, dispute.reason, dispute.status) == (made.id, "fraudulent", "needs_response")
        assert api.v1.charges.retrieve(made.latest_charge).disputed is True
        assert api.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": evidence}}).status == status
        assert receiver.wait_for("charge.dispute.closed").data.object.status == status
