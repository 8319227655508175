"""Mailings: who is in one and why not, what the mail server's answers mean, and that a mail is sent once."""

from __future__ import annotations

import threading
from datetime import timedelta
from uuid import UUID

import dkim
import pytest

from saas.audiences import suppression
from saas.kit import clock, pool, scope
from saas.kit.db import db
from saas.marketing import freezing, launching, ledger, mailings, pushing
from saas.tenancy import bin, limits
from tests.mailboxes import part


def sql(shop, statement: str, **values) -> list:
    with pool.connection(tenant_id=shop.tenant_id) as connection:
        done = connection.execute(statement, values)
        return done.fetchall() if done.description else []


class TestFreezing:
    def test_everybody_of_the_segment_gets_a_row_with_its_reason(self, shop):
        shop.people(4)
        shop.people(2, consent="unknown", prefix="silent")
        shop.people(1, consent="withdrawn", prefix="left")
        with shop.unit():
            suppression.suppress("person1@mail.example", "complaint")
            suppression.suppress("person1@mail.example", "manual")
            suppression.suppress("person2@mail.example", "bounce")
        shop.people(1, prefix="none")
        sql(shop, "UPDATE customers SET email = NULL, email_norm = NULL WHERE email LIKE 'none%%'")
        mailing_id = shop.launch()
        with shop.unit():
            forecast = mailings.one(mailing_id).forecast
            assert not freezing.freeze_some(mailing_id)
            found = mailings.skipped(mailing_id)
        assert found == {
            "no_consent": 2,
            "withdrawn": 1,
            "suppressed:complaint": 1,
            "suppressed:bounce": 1,
            "no_address": 1,
        }
        assert forecast == {"audience": 8, "queued": 2, "held_out": 0, "skipped": found}
        assert shop.states(mailing_id) == {"queued": 2, "skipped": 6}

    def test_batches_come_to_the_same_as_one_and_to_the_forecast(self, shop):
        shop.people(53)
        mailing_id = shop.launch(holdout_percent=30)
        more = True
        while more:
            with shop.unit():
                more = freezing.freeze_some(mailing_id, most=10)
        with shop.unit():
            forecast = mailings.one(mailing_id).forecast
        states = shop.states(mailing_id)
        assert states == {"queued": forecast["queued"], "held_out": forecast["held_out"]} and sum(states.values()) == 53
        assert 3 <= states["held_out"] <= 30

    def test_who_came_after_the_launch_is_not_in_it_when_the_plan_is_full(self, shop):
        shop.people(5)
        with shop.unit():
            limits.set_all(limits={"mails_month": 6})
        mailing_id = shop.launch()
        shop.people(4, prefix="late")
        with shop.unit():
            freezing.freeze_some(mailing_id)
            assert mailings.skipped(mailing_id) == {"over_limit": 3}
            assert limits.used("mails_month") == 6

    def test_over_the_plan_nothing_is_sent_and_nothing_counted(self, shop):
        shop.people(3)
        with shop.unit():
            limits.set_all(limits={"mails_month": 2})
        campaign_id = shop.campaign()
        with pytest.raises(limits.OverLimit, match="sends 2 mails a month; 0 are used and this needs 3"):
            shop.launch(campaign_id)
        with shop.unit():
            assert limits.used("mails_month") == 0 and mailings.of_campaign(campaign_id) is None

    def test_chance_decides_anew_for_each_mailing(self, shop):
        shop.people(120)
        held = []
        for _again in range(2):
            mailing_id = shop.launch(holdout_percent=50)
            with shop.unit():
                freezing.freeze_some(mailing_id)
            held.append({row.customer_id for row in shop.rows(mailing_id) if row.state == "held_out"})
        assert 30 < len(held[0]) < 90 and held[0] != held[1]


class TestSending:
    def test_each_gets_their_own_mail_signed_and_with_a_way_out(self, shop, mailbox):
        shop.people(23)
        mailing_id = shop.send()
        assert shop.states(mailing_id) == {"sent": 23}
        items = mailbox.items()
        assert sorted(item["recipients"][0] for item in items) == sorted(f"person{n}@mail.example" for n in range(23))
        mail = mailbox.mail("person7@")
        assert (
            mail["Subject"] == "Hello Ann7"
            and "Hello Ann7" in part(mail, "html")
            and "Hello Ann7" in part(mail, "plain")
        )
        assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click" and "/m/u/" in mail["List-Unsubscribe"]
        assert "https://shop.example" not in part(mail, "html") and part(mail, "html").count("/m/c/") == 2
        with shop.unit():
            assert mailings.one(mailing_id).state == "done"

    def test_the_signature_is_good_and_covers_the_way_out(self, shop, mailbox):
        from saas.tenancy import tenants

        shop.people(1)
        shop.send()
        with shop.unit():
            record = tenants.settings().dkim_public
        raw = mailbox._get(f"/api/messages/{mailbox.items()[0]['id']}/raw")
        assert dkim.verify(raw, dnsfunc=lambda name, timeout=5: record.encode())
        assert b"list-unsubscribe-post" in raw.split(b"bh=")[0]

    def test_the_mail_servers_answers_are_understood(self, shop, mailbox):
        from saas.customers import arriving

        words = ("bounce", "reject", "soft", "defer", "fine")
        with shop.unit():
            arriving.upsert_many(
                [{"email": f"ada+{word}@mail.example", "consent": {"email": "granted"}} for word in words],
                UUID(int=0),
                source="t",
            )
        mailing_id = shop.send()
        found = {row.email.split("+")[1].split("@")[0]: row for row in shop.rows(mailing_id)}
        assert {word: row.state for word, row in found.items()} == {
            "bounce": "failed",
            "reject": "failed",
            "soft": "queued",
            "defer": "queued",
            "fine": "sent",
        }
        assert found["bounce"].bounced_at and found["soft"].due_at > clock.now() + timedelta(seconds=30)
        with shop.unit():
            assert suppression.reasons_for([row.email for row in found.values()]) == {
                "ada+bounce@mail.example": "bounce"
            }
            assert mailings.one(mailing_id).state == "sending"

    def test_what_was_put_off_is_tried_again_and_at_last_given_up(self, shop, mailbox):
        from saas.customers import arriving

        with shop.unit():
            arriving.upsert_many(
                [{"email": f"{name}@mail.example", "consent": {"email": "granted"}} for name in ("a+soft1", "b+soft")],
                UUID(int=0),
                source="t",
            )
        mailing_id = shop.send()
        assert shop.states(mailing_id) == {"queued": 2}
        sql(shop, "UPDATE mailing_recipients SET due_at = now(), first_try_at = now() - interval '73 hours'")
        shop.work(mailing_id)
        assert {row.email: row.state for row in shop.rows(mailing_id)} == {
            "a+soft1@mail.example": "sent",
            "b+soft@mail.example": "failed",
        }
        with shop.unit():
            assert mailings.one(mailing_id).state == "done"

    def test_a_mail_server_that_is_away_costs_no_try(self, shop, mailbox, monkeypatch):
        from saas import config

        shop.people(3)
        mailing_id = shop.launch()
        monkeypatch.setenv("SMTP_URL", "smtp://127.0.0.1:1")
        config.get.cache_clear()
        shop.work(mailing_id)
        rows = shop.rows(mailing_id)
        assert {(row.state, row.attempts) for row in rows} == {("queued", 0)} and mailbox.items() == []

    def test_a_template_that_fails_for_somebody_reaches_nobody_else_wrongly(self, shop, mailbox):
        shop.people(2)
        sql(shop, "UPDATE customers SET first_name = '' WHERE email = 'person0@mail.example'")
        mailing_id = shop.send(subject="{{ customer.first_name }}")
        found = {row.email: (row.state, row.reason) for row in shop.rows(mailing_id)}
        assert found["person0@mail.example"] == ("failed", "not_written: The subject is empty for this person.")
        assert found["person1@mail.example"] == ("sent", "")

    def test_profiles_hear_of_it(self, shop, mailbox):
        from saas.customers import facts, timeline

        [customer_id] = shop.people(1)
        shop.send()
        with shop.unit():
            assert pushing.note_sent() == 1 and pushing.note_sent() == 0
        with shop.unit():
            assert facts.of([customer_id])[customer_id].mails_sent == 1
            entries = list(db.session.scalars(timeline.of(customer_id, kinds=["mail_sent"])))
            assert [entry.title for entry in entries] == ["Got the mail “Spring”"]


class TestTurns:
    def test_paused_nothing_leaves_and_going_on_sends_the_rest(self, shop, mailbox):
        shop.people(30)
        campaign_id = shop.campaign()
        mailing_id = shop.launch(campaign_id)
        with shop.unit():
            launching.pause(campaign_id)
        shop.work(mailing_id)
        assert mailbox.items() == [] and shop.states(mailing_id) == {"queued": 30}
        with shop.unit():
            launching.resume(campaign_id)
        shop.work(mailing_id)
        assert shop.states(mailing_id) == {"sent": 30} and len(mailbox.items()) == 30

    def test_who_changes_their_mind_after_the_launch_gets_no_mail(self, shop, mailbox):
        from saas.audiences import suppression
        from saas.customers import consent

        ids = shop.people(12)
        campaign_id = shop.campaign()
        mailing_id = shop.launch(campaign_id)
        with shop.unit():
            launching.pause(campaign_id)
        shop.work(mailing_id)
        with shop.unit():
            consent.withdraw(customer_id=ids[3], source="staff")
            suppression.suppress("person7@mail.example", "complaint")
            launching.resume(campaign_id)
        shop.work(mailing_id)
        assert shop.states(mailing_id) == {"sent": 10, "skipped": 2}
        reasons = {row.email: row.reason for row in shop.rows(mailing_id) if row.state == "skipped"}
        assert reasons == {"person3@mail.example": "withdrawn", "person7@mail.example": "suppressed:complaint"}
        assert len(mailbox.items()) == 10

    def test_a_pause_takes_effect_within_one_handful(self, shop, mailbox, monkeypatch):
        from saas.marketing import sending

        shop.people(60)
        campaign_id = shop.campaign()
        mailing_id = shop.launch(campaign_id)
        real, calls = ledger.Hand.advance, []

        def advance(hand, **more):
            calls.append(1)
            if len(calls) == 3:
                sql(shop, "UPDATE mailings SET state = 'paused'")
            return real(hand, **more)

        monkeypatch.setattr(sending.ledger.Hand, "advance", advance)
        shop.work(mailing_id)
        assert shop.states(mailing_id) == {"sent": 20, "queued": 40} and len(mailbox.items()) == 20

    def test_stopped_the_rest_is_skipped_and_given_back_to_the_plan(self, shop, mailbox):
        shop.people(12)
        campaign_id = shop.campaign()
        mailing_id = shop.launch(campaign_id)
        with shop.unit():
            freezing.freeze_some(mailing_id)
            launching.cancel(campaign_id)
        shop.work(mailing_id)
        with shop.unit():
            assert mailings.skipped(mailing_id) == {"cancelled": 12} and limits.used("mails_month") == 0
            assert mailings.one(mailing_id).finished_at

    def test_what_is_over_cannot_be_paused(self, shop, mailbox):
        shop.people(1)
        campaign_id = shop.campaign()
        shop.work(shop.launch(campaign_id))
        for turn in (launching.pause, launching.resume, launching.cancel):
            with pytest.raises(launching.WrongState), shop.unit():
                turn(campaign_id)


class TestOnceOnly:
    def claimed(self, shop, mailing_id, *, worker=1, most=10):
        with scope.tenant(shop.tenant_id):
            hand = ledger.Hand(mailing_id, UUID(int=worker))
            return hand, hand.claim(most=most)

    def test_many_workers_send_each_mail_once(self, shop, mailbox, app):
        shop.people(150)
        mailing_id = shop.launch()
        with shop.unit():
            freezing.freeze_some(mailing_id)

        def work():
            with app.app_context():
                shop.work(mailing_id)

        threads = [threading.Thread(target=work) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        ids = [item["message_id"] for item in mailbox.items()]
        assert shop.states(mailing_id) == {"sent": 150} and len(ids) == len(set(ids)) == 150

    def test_what_a_dead_worker_had_claimed_is_sent_and_what_it_may_have_sent_is_shown(self, shop, mailbox):
        shop.people(30)
        mailing_id = shop.launch()
        with shop.unit():
            freezing.freeze_some(mailing_id)
        with scope.tenant(shop.tenant_id):
            hand, rows = self.claimed(shop, mailing_id, most=20)
            assert len(hand.advance(taken=[(row.id, None, None) for row in rows[:10]])) == 10
        sql(
            shop,
            "UPDATE mailing_recipients SET lease_until = now() - interval '1 second' WHERE lease_until IS NOT NULL",
        )
        shop.work(mailing_id)
        assert shop.states(mailing_id) == {"sent": 20, "unknown": 10} and len(mailbox.items()) == 20

    def test_a_slow_worker_that_comes_back_tells_what_it_knows_and_sends_nothing_more(self, shop, mailbox):
        shop.people(4)
        mailing_id = shop.launch()
        with shop.unit():
            freezing.freeze_some(mailing_id)
        with scope.tenant(shop.tenant_id):
            hand, rows = self.claimed(shop, mailing_id, most=4)
            hand.advance(taken=[(row.id, None, None) for row in rows[:2]])
            sql(shop, "UPDATE mailing_recipients SET lease_until = now() - interval '1 second'")
            ledger.expire(mailing_id)
            assert (
                hand.advance(
                    settled=[ledger.Outcome(rows[0].id, "sent")], taken=[(row.id, None, None) for row in rows[2:]]
                )
                == set()
            )
        assert shop.states(mailing_id) == {"sent": 1, "unknown": 1, "queued": 2}

    def test_the_unknown_wait_for_a_person_to_decide(self, shop, mailbox):
        shop.people(2)
        campaign_id = shop.campaign()
        mailing_id = shop.launch(campaign_id)
        shop.work(mailing_id)
        sql(shop, "UPDATE mailing_recipients SET state = 'unknown' WHERE email = 'person0@mail.example'")
        shop.work(mailing_id)
        assert shop.states(mailing_id) == {"sent": 1, "unknown": 1}
        with shop.unit():
            assert launching.send_unknown_again(campaign_id) == 1
        shop.work(mailing_id)
        first, second = (item["message_id"] for item in mailbox.items() if "person0@mail.example" in item["recipients"])
        assert shop.states(mailing_id) == {"sent": 2} and first == second

    def test_a_mailing_that_nobody_works_on_is_found(self, shop):
        from saas.kit import work

        shop.people(3)
        mailing_id = shop.launch()

        def found():
            with work.platform_unit(reason="test"):
                return [row for row in mailings.stalled() if row[0] == shop.tenant_id]

        assert [row[1] for row in found()] == [mailing_id]
        with shop.unit():
            freezing.freeze_some(mailing_id)
        assert found() == []
        sql(shop, "UPDATE mailings SET progress_at = now() - interval '16 seconds'")
        assert found() == [(shop.tenant_id, mailing_id, 3)]
        with scope.tenant(shop.tenant_id):
            self.claimed(shop, mailing_id)
        sql(shop, "UPDATE mailings SET progress_at = now() - interval '16 seconds'")
        assert found() == []
        sql(shop, "UPDATE mailing_recipients SET lease_until = now() - interval '1 second'")
        assert len(found()) == 1


def test_the_deleted_are_not_written_to_and_forgotten(shop, mailbox, drain):
    from saas.customers import profiles

    first, _second = shop.people(2)
    mailing_id = shop.launch()
    with shop.unit():
        freezing.freeze_some(mailing_id)
        profiles.delete(first)
    shop.work(mailing_id)
    with shop.unit():
        bin.delete_for_good(bin.find("customer", first))
    assert {(row.email, row.state, row.reason) for row in shop.rows(mailing_id)} == {
        ("", "skipped", "customer_deleted"),
        ("person1@mail.example", "sent", ""),
    }
