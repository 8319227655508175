"""Campaigns that leave out customers with an open dispute: nobody by default, said before sending, and why in the ledger."""

from __future__ import annotations

import pytest

from saas.commerce.payment_models import Dispute, PaymentAccount
from saas.kit import clock
from saas.kit.db import db
from saas.marketing import freezing


def disputed(shop, customer, state="needs_answer"):
    with shop.unit():
        account = PaymentAccount(way="key", account="acct_1")
        db.session.add(account)
        db.session.flush()
        dispute = Dispute(
            account_id=account.id, key=f"dp_{customer}", customer_id=customer, opened_at=clock.now(), state=state,
            currency="EUR", amount=100, asked_at=clock.now(),
        )  # fmt: skip
        db.session.add(dispute)
        db.session.flush()
        return dispute.id


def settle(shop, dispute):
    with shop.unit():
        db.session.get_one(Dispute, (shop.tenant_id, dispute)).state = "won"


def reasons(shop, mailing):
    return {one.customer_id: (one.state, one.reason) for one in shop.rows(mailing)}


def test_they_get_the_mail_unless_the_campaign_says_otherwise(shop, mailbox):
    ann, _ben = shop.people(2)
    disputed(shop, ann)
    campaign = shop.campaign()
    assert shop.company.api("GET", f"/campaigns/{campaign}").json["without_disputed"] is False
    assert set(reasons(shop, shop.launch(campaign)).values()) <= {("queued", "")}


@pytest.mark.parametrize(("state", "out"), [("needs_answer", 1), ("under_review", 1), ("won", 0), ("lost", 0)])
def test_only_an_open_dispute_leaves_somebody_out(shop, state, out):
    ann, _ben = shop.people(2)
    disputed(shop, ann, state)
    campaign = shop.campaign(without_disputed=True)
    page = shop.company.page.get(f"/campaigns/{campaign}").get_data(as_text=True)
    assert ("Has an open dispute" in page) is bool(out)
    with shop.unit():
        from saas.audiences import segments

        told = freezing.forecast(segments.EVERYBODY, mailing_id=campaign, holdout_percent=0, without_disputed=True)
    assert (told["queued"], told["skipped"]) == (2 - out, {"disputed": 1} if out else {})


def test_the_ledger_says_why_on_the_page_in_both_languages_and_by_the_api(shop, mailbox):
    ann, ben = shop.people(2)
    disputed(shop, ann)
    campaign = shop.campaign(without_disputed=True)
    mailing = shop.launch(campaign)
    shop.work(mailing)
    assert reasons(shop, mailing) == {ann: ("skipped", "disputed"), ben: ("sent", "")}
    [left_out] = shop.company.api("GET", f"/campaigns/{campaign}/recipients?state=skipped").json["items"]
    assert (left_out["customer_id"], left_out["reason"]) == (str(ann), "disputed")
    page = shop.company.page.get(f"/campaigns/{campaign}/recipients?state=skipped")
    assert "Has an open dispute" in page.get_data(as_text=True)


def test_it_says_so_in_chinese(shop):
    ann, _ben = shop.people(2)
    disputed(shop, ann)
    campaign = shop.campaign(without_disputed=True)
    shop.company.page.set_cookie("lang", "zh_Hans")
    assert "有未决争议" in shop.company.page.get(f"/campaigns/{campaign}").get_data(as_text=True)


def test_a_dispute_opened_while_it_is_being_sent_counts_too(shop, mailbox):
    ann, ben = shop.people(2)
    mailing = shop.launch(without_disputed=True)
    with shop.unit():
        freezing.freeze_some(mailing)
    held = disputed(shop, ann)
    with shop.unit():
        assert freezing.changed_their_minds(mailing, [ann, ben]) == {ann: "disputed"}
    settle(shop, held)
    with shop.unit():
        assert freezing.changed_their_minds(mailing, [ann, ben]) == {}


def test_the_editor_keeps_the_wish_and_a_copy_has_it(shop):
    campaign = shop.campaign()
    form = {"name": "Spring", "subject": "Hi", "source": "<p>x</p>", "language": "en", "holdout_percent": "0"}
    for given, kept in (({"without_disputed": "1"}, True), ({}, False), ({"without_disputed": "1"}, True)):
        assert shop.company.post(f"/campaigns/{campaign}/edit", form | given).status_code == 303
        assert shop.company.api("GET", f"/campaigns/{campaign}").json["without_disputed"] is kept
        page = shop.company.page.get(f"/campaigns/{campaign}/edit").get_data(as_text=True)
        assert ('name="without_disputed" value="1" checked' in page) is kept
    copied = shop.company.api("POST", f"/campaigns/{campaign}/copy").json
    assert copied["without_disputed"] is True
    answer = shop.company.api("PATCH", f"/campaigns/{campaign}", json={"without_disputed": False})
    assert answer.json["without_disputed"] is False
