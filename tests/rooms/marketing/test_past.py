"""Mailings of another mail system are taken over: profiles, segments and the lift know them, and nothing is sent."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from saas.audiences import segments, suppression
from saas.commerce import orders
from saas.customers import arriving, facts, timeline
from saas.kit.db import db
from saas.marketing import campaigns, mailings, past, reports
from saas.marketing.past import Recipient
from saas.tenancy import limits

SOURCE = UUID(int=7)
SENT = datetime(2026, 3, 4, 10, tzinfo=UTC)
BODY = '<mjml><mj-body><mj-section><mj-column><mj-text><a href="https://shop.example/tea">Tea</a></mj-text></mj-column></mj-section></mj-body></mjml>'


def at(**after):
    return SENT + timedelta(**after)


@pytest.fixture
def people(tenant):
    """Ten customers of a shop by their ids there."""
    rows = [{"external_id": f"c{n}", "email": f"c{n}@shop.example", "consent": {"email": "granted"}} for n in range(10)]
    return [result.id for result in arriving.upsert_many(rows, SOURCE)]


def take(recipients, **more):
    segment = db.session.scalars(segments.listed()).first() or segments.create(
        name="Everybody", definition=segments.EVERYBODY
    )
    wanted = {
        "name": "Tea week",
        "subject": "Tea",
        "source": BODY,
        "segment_id": segment.id,
        "sent_at": SENT,
        "holdout_percent": 10,
    }
    return past.take_over(**wanted | more, source_id=SOURCE, recipients=recipients)


def order(number, who, **after):
    made = orders.record({
        "external_id": f"o{number}", "placed_at": at(**after), "currency": "EUR", "status": "paid", "customer": {"external_id": who},
        "lines": [{"product": "p", "quantity": 1, "unit_price": "20.00"}],
    }, SOURCE)  # fmt: skip
    assert made.status == "created"


class TestTakeOver:
    def test_what_became_of_it_is_known_here(self, people):
        order(1, "c1", hours=5)
        order(2, "c9", hours=6)
        mailing = take([
            Recipient("c0", sent_at=SENT, proxy_opened_at=at(minutes=1)),
            Recipient("c1", sent_at=SENT, opened_at=at(hours=1), clicked_at=at(hours=2)),
            Recipient("c2", sent_at=SENT, bounced_at=at(minutes=2)),
            Recipient("c3", sent_at=SENT, opened_at=at(hours=1), complained_at=at(hours=3)),
            Recipient("c9", held_out=True), Recipient("gone", sent_at=SENT),
        ])  # fmt: skip
        report = reports.of(mailing)
        names = (
            "audience",
            "sent",
            "opened",
            "proxy_opened",
            "clicked",
            "bounced",
            "complained",
            "state_held_out",
            "orders",
            "revenue_amount",
        )
        assert [report[name] for name in names] == [5, 4, 2, 1, 1, 1, 1, 1, 1, 2000]
        assert (report["lift"]["mailed"]["buyers"], report["lift"]["held_out"]["buyers"]) == (1, 1)
        assert report["links"][0] == {"label": "Tea", "target": "https://shop.example/tea", "people": 1}

    def test_it_stands_where_it_was_in_time(self, people):
        mailing = take([Recipient("c1", sent_at=at(minutes=3))])
        campaign = campaigns.one(mailing.campaign_id)
        assert campaign.state == "done" and abs(campaign.updated_at - SENT) < timedelta(minutes=1)
        assert (mailing.launched_at, mailing.finished_at) == (SENT, at(minutes=3))

    def test_profiles_are_told(self, people):
        take([Recipient("c1", sent_at=SENT, opened_at=at(hours=1), clicked_at=at(hours=2))])
        known = facts.of([people[1]])[people[1]]
        assert (known.mails_sent, known.mails_opened, known.mails_clicked, known.last_mail_at) == (1, 1, 1, SENT)
        entries = db.session.scalars(timeline.of(people[1], kinds=("mail_sent", "mail_opened", "mail_clicked"))).all()
        assert {(entry.kind, entry.at) for entry in entries} == {
            ("mail_sent", SENT),
            ("mail_opened", at(hours=1)),
            ("mail_clicked", at(hours=2)),
        }

    def test_who_bounced_or_complained_is_not_written_to(self, people):
        take([Recipient("c2", sent_at=SENT, bounced_at=SENT), Recipient("c3", sent_at=SENT, complained_at=SENT)])
        assert suppression.reasons_for(["c1@shop.example", "c2@shop.example", "c3@shop.example"]) == {
            "c2@shop.example": "bounce", "c3@shop.example": "complaint",
        }  # fmt: skip

    def test_taken_twice_it_is_there_once(self, people):
        assert take([Recipient("c1", sent_at=SENT)]) is not None
        assert take([Recipient("c1", sent_at=SENT)]) is None
        assert len(db.session.scalars(campaigns.listed()).all()) == 1

    def test_nothing_is_sent_or_counted_against_the_plan(self, people):
        mailing = take([Recipient("c1", sent_at=SENT)])
        assert limits.used("mails_month") == 0
        assert mailings.counts([mailing.id])[mailing.id] == {"sent": 1}
        assert mailing.finished_at is not None

    def test_a_mailing_to_nobody_we_know_is_kept_empty(self, people):
        assert reports.of(take([Recipient("stranger", sent_at=SENT)]))["audience"] == 0
