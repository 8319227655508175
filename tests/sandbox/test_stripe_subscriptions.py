"""Subscriptions by the API: the first payment, other plans with proration, cancelling, and invoices by hand."""

import pytest
import stripe


@pytest.fixture
def subscribe(api, shop):
    def make(card: str | None = "pm_card_visa", *, clock: str | None = None, **given) -> stripe.Subscription:
        customer = shop.customer(card, clock=clock)
        return api.v1.subscriptions.create({"customer": customer.id, "items": [{"price": shop.growth.id}], **given})

    return make


@pytest.fixture
def clock(api) -> stripe.test_helpers.TestClock:
    """A clock that stands at 1 January 2026, so that halves of periods can be named."""
    return api.v1.test_helpers.test_clocks.create({"frozen_time": 1_767_225_600})


def change(api, subscription: stripe.Subscription, price: str, **given) -> stripe.Subscription:
    items = [{"id": subscription["items"].data[0].id, "price": price}]
    return api.v1.subscriptions.update(subscription.id, {"items": items, **given})


def latest(api, subscription: stripe.Subscription) -> stripe.Invoice:
    return api.v1.invoices.retrieve(api.v1.subscriptions.retrieve(subscription.id).latest_invoice)


class TestStart:
    def test_a_good_card_makes_it_active_and_tells_in_order(self, api, subscribe):
        made = subscribe()
        assert made.status == "active"
        types = [one.type for one in api.v1.events.list({"limit": 100}).data][::-1]
        wanted = ["customer.subscription.created", "invoice.created", "invoice.finalized", "charge.succeeded",
                  "payment_intent.succeeded", "invoice.paid", "customer.subscription.updated"]  # fmt: skip
        assert [one for one in types if one in wanted] == wanted

    def test_the_period_lies_on_the_item(self, subscribe, clock):
        made = subscribe(clock=clock.id)
        item = made["items"].data[0]
        assert (item.current_period_start, item.current_period_end) == (1_767_225_600, 1_767_225_600 + 31 * 86_400)
        assert "current_period_end" not in made

    @pytest.mark.parametrize(
        ("card", "status"),
        [
            ("pm_card_chargeCustomerFail", "requires_payment_method"),
            ("pm_card_authenticationRequired", "requires_action"),
        ],
    )
    def test_a_first_payment_that_fails_leaves_it_incomplete(self, api, subscribe, card, status):
        made = subscribe(card)
        assert made.status == "incomplete"
        invoice = api.v1.invoices.retrieve(made.latest_invoice, {"expand": ["payments.data.payment.payment_intent"]})
        assert invoice.payments.data[0].payment.payment_intent.status == status

    def test_error_if_incomplete_makes_nothing(self, api, subscribe):
        with pytest.raises(stripe.CardError) as caught:
            subscribe("pm_card_chargeCustomerFail", payment_behavior="error_if_incomplete")
        assert caught.value.http_status == 402
        assert api.v1.subscriptions.list({"status": "all"}).data == []

    def test_default_incomplete_waits_for_the_confirmation_of_its_intent(self, api, shop):
        customer = shop.customer(card=None)
        made = api.v1.subscriptions.create(
            {"customer": customer.id, "items": [{"price": shop.growth.id}], "payment_behavior": "default_incomplete",
             "expand": ["latest_invoice.confirmation_secret"]}
        )  # fmt: skip
        intent = made.latest_invoice.confirmation_secret.client_secret.split("_secret")[0]
        api.v1.payment_intents.confirm(intent, {"payment_method": "pm_card_visa"})
        assert api.v1.subscriptions.retrieve(made.id).status == "active"

    def test_without_any_card_it_is_refused(self, shop, api):
        with pytest.raises(stripe.InvalidRequestError) as caught:
            api.v1.subscriptions.create({"customer": shop.customer(card=None).id, "items": [{"price": shop.growth.id}]})
        assert "no attached payment source" in caught.value.user_message

    def test_a_bill_by_mail_is_open_with_a_due_date(self, api, subscribe):
        made = subscribe(None, collection_method="send_invoice", days_until_due=14)
        invoice = latest(api, made)
        assert (made.status, invoice.status, invoice.due_date - invoice.created) == ("active", "open", 14 * 86_400)

    def test_a_once_only_price_cannot_be_subscribed_to(self, api, shop):
        with pytest.raises(stripe.InvalidRequestError):
            api.v1.subscriptions.create({"customer": shop.customer().id, "items": [{"price": shop.setup.id}]})


class TestChangePlan:
    def middle(self, api, clock) -> None:
        """Half of January has passed: fifteen and a half days of thirty-one."""
        api.v1.test_helpers.test_clocks.advance(clock.id, {"frozen_time": 1_767_225_600 + 31 * 43_200})

    def test_always_invoice_charges_the_difference_of_the_time_left(self, api, shop, subscribe, clock):
        made = subscribe(clock=clock.id)
        self.middle(api, clock)
        changed = change(api, made, shop.scale.id, proration_behavior="always_invoice")
        invoice = latest(api, made)
        assert [line.amount for line in invoice.lines.data] == [-2450, 4950]
        assert (invoice.amount_paid, invoice.billing_reason, changed.status) == (2500, "subscription_update", "active")
        assert all(line.parent.invoice_item_details.proration for line in invoice.lines.data)

    def test_create_prorations_waits_for_the_next_invoice(self, api, shop, subscribe, clock):
        made = subscribe(clock=clock.id)
        self.middle(api, clock)
        changed = change(api, made, shop.scale.id)
        assert changed.latest_invoice == made.latest_invoice
        assert [one.amount for one in api.v1.invoice_items.list({"pending": True}).data] == [4950, -2450]
        api.v1.test_helpers.test_clocks.advance(clock.id, {"frozen_time": 1_767_225_600 + 31 * 86_400 + 7200})
        assert latest(api, made).amount_paid == 9900 + 2500

    def test_none_changes_without_money(self, api, shop, subscribe, clock):
        made = subscribe(clock=clock.id)
        self.middle(api, clock)
        change(api, made, shop.scale.id, proration_behavior="none")
        assert api.v1.invoice_items.list({"pending": True}).data == []

    def test_a_cheaper_plan_leaves_a_credit_that_the_next_invoice_uses(self, api, shop, subscribe, clock):
        made = subscribe(clock=clock.id, items=[{"price": shop.scale.id}])
        self.middle(api, clock)
        change(api, made, shop.growth.id, proration_behavior="always_invoice")
        assert api.v1.customers.retrieve(made.customer).balance == -2500
        api.v1.test_helpers.test_clocks.advance(clock.id, {"frozen_time": 1_767_225_600 + 31 * 86_400 + 7200})
        invoice = latest(api, made)
        assert (invoice.total, invoice.amount_due, invoice.starting_balance) == (4900, 2400, -2500)

    def test_from_month_to_year_begins_a_new_period_and_credits_the_old(self, api, shop, subscribe, clock):
        made = subscribe(clock=clock.id)
        self.middle(api, clock)
        changed = change(api, made, shop.growth_yearly.id)
        assert latest(api, made).amount_paid == 49000 - 2450
        assert changed["items"].data[0].current_period_start == 1_767_225_600 + 31 * 43_200

    def test_seats_are_set_not_counted_up(self, api, subscribe):
        made = subscribe()
        item = made["items"].data[0].id
        for _ in range(2):
            api.v1.subscription_items.update(item, {"quantity": 3, "proration_behavior": "always_invoice"})
        assert [one.total for one in api.v1.invoices.list().data] == [9800, 4900]

    def test_a_preview_shows_and_changes_nothing(self, api, shop, subscribe, clock):
        made = subscribe(clock=clock.id)
        self.middle(api, clock)
        item = made["items"].data[0].id
        wanted = {"items": [{"id": item, "price": shop.scale.id}], "proration_behavior": "always_invoice"}
        seen = api.v1.invoices.create_preview({"subscription": made.id, "subscription_details": wanted})
        assert (seen.total, seen.status) == (2500, "draft")
        assert seen.id.startswith("upcoming_in_")
        assert api.v1.subscriptions.retrieve(made.id)["items"].data[0].price.id == shop.growth.id
        assert len(api.v1.invoices.list({"customer": made.customer}).data) == 1

    def test_a_preview_of_the_next_invoice(self, api, subscribe):
        made = subscribe()
        assert api.v1.invoices.create_preview({"customer": made.customer, "subscription": made.id}).total == 4900

    def test_a_declined_change_can_be_undone_at_once(self, api, shop, subscribe):
        made = subscribe()
        bad = api.v1.payment_methods.attach("pm_card_chargeCustomerFail", {"customer": made.customer})
        api.v1.customers.update(made.customer, {"invoice_settings": {"default_payment_method": bad.id}})
        with pytest.raises(stripe.CardError):
            change(
                api, made, shop.scale.id, proration_behavior="always_invoice", payment_behavior="error_if_incomplete"
            )
        assert api.v1.subscriptions.retrieve(made.id)["items"].data[0].price.id == shop.growth.id


class TestEnd:
    def test_at_the_periods_end_and_back(self, api, subscribe):
        made = subscribe()
        planned = api.v1.subscriptions.update(made.id, {"cancel_at_period_end": True})
        assert planned.cancel_at == made["items"].data[0].current_period_end
        assert planned.cancellation_details.reason == "cancellation_requested"
        back = api.v1.subscriptions.update(made.id, {"cancel_at_period_end": False})
        assert (back.cancel_at, back.canceled_at, back.status) == (None, None, "active")

    def test_at_once_with_credit(self, api, subscribe, receiver):
        made = subscribe()
        ended = api.v1.subscriptions.cancel(made.id, {"prorate": True, "invoice_now": True})
        assert ended.status == "canceled"
        assert receiver.wait_for("customer.subscription.deleted").data.object.id == made.id
        assert api.v1.customers.retrieve(made.customer).balance < -4800
        assert api.v1.subscriptions.list().data == []
        assert [one.id for one in api.v1.subscriptions.list({"status": "canceled"}).data] == [made.id]

    def test_what_is_cancelled_cannot_be_changed(self, api, shop, subscribe):
        made = subscribe()
        api.v1.subscriptions.cancel(made.id)
        with pytest.raises(stripe.InvalidRequestError):
            change(api, made, shop.scale.id)


class TestInvoices:
    def test_by_hand_from_items_to_paid(self, api, shop):
        customer = shop.customer()
        invoice = api.v1.invoices.create({"customer": customer.id})
        item = {"customer": customer.id, "invoice": invoice.id, "currency": "eur", "amount": 700, "description": "Help"}
        api.v1.invoice_items.create(item)
        api.v1.invoice_items.create({**item, "amount": 300})
        assert api.v1.invoices.finalize_invoice(invoice.id).amount_due == 1000
        paid = api.v1.invoices.pay(invoice.id)
        assert (paid.status, paid.number.endswith("-0001"), len(api.v1.invoices.line_items.list(invoice.id).data)) == (
            "paid",
            True,
            2,
        )
        with pytest.raises(stripe.InvalidRequestError) as caught:
            api.v1.invoices.pay(invoice.id)
        assert caught.value.code == "invoice_already_paid"

    def test_a_declined_invoice_says_so_and_stays_open(self, api, shop):
        customer = shop.customer("pm_card_chargeCustomerFail")
        invoice = api.v1.invoices.create({"customer": customer.id})
        api.v1.invoice_items.create({"customer": customer.id, "invoice": invoice.id, "currency": "eur", "amount": 700})
        with pytest.raises(stripe.CardError) as caught:
            api.v1.invoices.pay(invoice.id)
        assert caught.value.code == "card_declined"
        assert api.v1.invoices.retrieve(invoice.id).status == "open"
        assert api.v1.invoices.pay(invoice.id, {"paid_out_of_band": True}).status == "paid"

    def test_voided_written_off_and_thrown_away(self, api, shop):
        customer = shop.customer()

        def made() -> str:
            invoice = api.v1.invoices.create({"customer": customer.id})
            api.v1.invoice_items.create(
                {"customer": customer.id, "invoice": invoice.id, "currency": "eur", "amount": 700}
            )
            return invoice.id

        open_one, lost, draft = made(), made(), made()
        for one in (open_one, lost):
            api.v1.invoices.finalize_invoice(one)
        assert api.v1.invoices.void_invoice(open_one).status == "void"
        assert api.v1.invoices.mark_uncollectible(lost).status == "uncollectible"
        assert api.v1.invoices.delete(draft).deleted is True
        with pytest.raises(stripe.InvalidRequestError):
            api.v1.invoices.delete(open_one)

    def test_the_page_can_be_paid_and_printed(self, api, shop, person):
        customer = shop.customer(card=None)
        invoice = api.v1.invoices.create({"customer": customer.id})
        api.v1.invoice_items.create({"customer": customer.id, "invoice": invoice.id, "currency": "eur", "amount": 700})
        page = api.v1.invoices.finalize_invoice(invoice.id).hosted_invoice_url
        assert "€7.00" in person.open(page).text
        typed = {"number": "4000000000000002", "expiry": "12/34", "cvc": "123", "with": "new"}
        assert "Your card was declined." in person.open(page, typed).text
        assert "Invoice paid" in person.open(page, {**typed, "number": "4242424242424242"}).text
        printed = person.open(page + "/pdf").html
        assert printed.startswith("%PDF-1.4")
        assert "7.00) Tj" in printed
        assert person.open(page.replace(invoice.id, "in_other")).status == 404

    def test_a_coupon_for_some_months_ends(self, api, subscribe, clock):
        coupon = api.v1.coupons.create(
            {"amount_off": 1000, "currency": "eur", "duration": "repeating", "duration_in_months": 2}
        )
        made = subscribe(clock=clock.id, discounts=[{"coupon": coupon.id}])
        for month in (31, 59, 90):
            api.v1.test_helpers.test_clocks.advance(clock.id, {"frozen_time": 1_767_225_600 + month * 86_400 + 7200})
        totals = [one.total for one in api.v1.invoices.list({"subscription": made.id}).data]
        assert totals == [4900, 4900, 3900, 3900]
