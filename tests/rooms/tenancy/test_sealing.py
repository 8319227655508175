"""The chain over the trace: whatever writers do, each row is in one seal; whatever is tampered with is found and named."""

from __future__ import annotations

import random
import threading

import psycopg
import pytest

from saas.kit import pages, pool, scope, work
from saas.tenancy import audit, sealing, verifying
from tests.failures.copies import until


def seal_all(tenant_id: int, **more) -> int:
    """Seal until nothing is left and return how many rows: what is younger than any transaction that still writes waits for
    its end, and other tests write to the same servers."""
    rows = 0

    def whole() -> bool:
        nonlocal rows
        rows += sealing.seal(tenant_id, **more)
        return verifying.verify(tenant_id).unsealed == 0

    until(whole, seconds=120)
    return rows


@pytest.fixture
def sealed(company, context):
    """A company with three seals of five entries or more each."""
    for number in range(15):
        with work.unit(tenant_id=company.tenant_id):
            audit.record(
                action="lamps.made",
                kind="lamp",
                record_id=number,
                before={"n": None},
                after={"n": number, "who": "Ada"},
            )
    assert seal_all(company.tenant_id, most=5) >= 15
    return company


@pytest.fixture
def tampering(database_urls):
    """Run statements as a superuser would who owns the database and has no key; the company goes with its broken chain,
    for others look at all chains of this database.
    """
    broken = []

    def run(company, *statements):
        broken.append(company.tenant_id)
        with psycopg.connect(database_urls.owner) as connection:
            connection.execute(f"SET app.tenant_id = '{company.tenant_id}'")
            for statement in statements:
                assert connection.execute(statement).rowcount > 0, statement

    yield run
    with psycopg.connect(database_urls.owner) as connection:
        connection.execute("DELETE FROM tenants WHERE id = ANY(%s)", [broken])


def broken(company, **more) -> str:
    return verifying.verify(company.tenant_id, **more).broken


SECOND = "(SELECT id FROM audit_entries ORDER BY xid, id OFFSET 7 LIMIT 1)"


class TestVerify:
    def test_an_untouched_trace_is_whole(self, sealed):
        report = verifying.verify(sealed.tenant_id)
        assert report.broken == "" and report.seals >= 3 and report.rows >= 15 and report.unsealed == 0

    def test_what_came_after_the_last_seal_is_counted(self, sealed):
        with work.unit(tenant_id=sealed.tenant_id):
            audit.record(action="lamps.made")
        assert verifying.verify(sealed.tenant_id).unsealed == 1

    @pytest.mark.parametrize(("statements", "words"), [
        ([f"UPDATE audit_entries SET action = 'x' WHERE id = {SECOND}"], "was changed"),
        ([f"UPDATE audit_entries SET actor_id = 'x' WHERE id = {SECOND}"], "was changed"),
        ([f"UPDATE audit_entries SET acted_at = acted_at + interval '1 second' WHERE id = {SECOND}"], "was changed"),
        ([f"UPDATE audit_values SET after = '{{\"n\": 99}}' WHERE id = {SECOND}"], "values of entry .* were changed"),
        ([f"UPDATE audit_values SET who = '{{}}' WHERE id = {SECOND}"], "name and address of entry .* were changed"),
        ([f"DELETE FROM audit_values WHERE id = {SECOND}"], "values of entry .* are missing"),
        ([f"UPDATE audit_values SET salt = NULL, before = NULL, after = NULL, erased_in = gen_random_uuid() WHERE id = {SECOND}"], "no erasure on record"),
        ([f"DELETE FROM audit_entries WHERE id = {SECOND}"], "is missing"),
        ([f"UPDATE audit_entries SET xid = xid + 1000000 WHERE id = {SECOND}"], "is missing"),
        ([f"""INSERT INTO audit_entries SELECT tenant_id, gen_random_uuid(), era, xid, acted_at, actor_kind, actor_id, action, record_kind,
              record_id, batch, undoes, detail, door, request_id, values_digest, who_digest FROM audit_entries WHERE id = {SECOND}"""], "slipped in"),
        (["DELETE FROM audit_seals WHERE position = 2"], "seal 2 is missing"),
        (["DELETE FROM audit_seals WHERE position = (SELECT max(position) FROM audit_seals)"], "the end is cut off"),
        (["DELETE FROM audit_seals", "DELETE FROM audit_entries"], "the end is cut off"),
        (["DELETE FROM audit_seals WHERE position = (SELECT max(position) FROM audit_seals)", "DELETE FROM audit_heads"], "its end was taken away"),
        (["UPDATE audit_seals SET rows = rows + 1 WHERE position = 1"], "seal 1 itself was changed"),
        (["UPDATE audit_seals SET hash = sha256(hash) WHERE position = 1"], "seal 1 itself was changed"),
        (["UPDATE audit_seals SET mac = sha256(mac) WHERE position = 2"], "not made with this installation"),
        (["UPDATE audit_seals SET to_xid = to_xid + 1 WHERE position = 1"], "was changed|slipped in"),
    ])  # fmt: skip
    def test_tampering_is_found_and_the_place_is_named(self, sealed, tampering, statements, words):
        import re

        tampering(sealed, *statements)
        assert re.search(words, broken(sealed)), broken(sealed)

    def test_who_makes_the_whole_chain_anew_lacks_the_key(self, sealed, tampering, monkeypatch):
        tampering(
            sealed,
            f"UPDATE audit_entries SET action = 'x' WHERE id = {SECOND}",
            "DELETE FROM audit_seals",
            "DELETE FROM audit_heads",
        )
        monkeypatch.setattr(sealing, "mac", lambda *given: bytes(32))
        sealing.seal(sealed.tenant_id)
        monkeypatch.undo()
        assert "SECRET_KEY" in broken(sealed)

    def test_an_anchor_kept_elsewhere_finds_a_chain_made_anew_with_the_key(self, sealed, tampering):
        kept = sealing.anchor(sealed.tenant_id)
        assert broken(sealed, expected=kept) == ""
        tampering(
            sealed,
            "DELETE FROM audit_seals",
            "DELETE FROM audit_heads",
            f"DELETE FROM audit_entries WHERE id = {SECOND}",
        )
        sealing.seal(sealed.tenant_id, most=5)
        assert broken(sealed) == ""
        assert "made anew" in broken(sealed, expected=kept) or "cut off" in broken(sealed, expected=kept)

    def test_another_company_is_not_touched(self, sealed, other_company, tampering):
        sealing.seal(other_company.tenant_id)
        tampering(sealed, f"DELETE FROM audit_entries WHERE id = {SECOND}")
        assert broken(other_company) == "" and broken(sealed)


class TestErasing:
    def test_an_erasure_leaves_the_chain_whole_and_is_counted(self, sealed):
        with work.unit(tenant_id=sealed.tenant_id):
            assert audit.erase_person(kind="lamp", record_ids=[3, 4]) == 2
        report = verifying.verify(sealed.tenant_id)
        assert report.broken == "" and report.erased == 2
        sealing.seal(sealed.tenant_id)
        assert broken(sealed) == ""

    def test_nothing_of_the_person_is_left_in_what_is_hashed(self, sealed, database_urls):
        with work.unit(tenant_id=sealed.tenant_id):
            audit.erase_person(kind="lamp", record_ids=range(15))
        with psycopg.connect(database_urls.owner) as connection:
            connection.execute(f"SET app.tenant_id = '{sealed.tenant_id}'")
            left = connection.execute(
                "SELECT e::text, v::text FROM audit_entries e JOIN audit_values v USING (tenant_id, id) WHERE e.record_kind = 'lamp'"
            )
            assert not [row for row in left if "Ada" in row[0] + row[1]]


class TestSeal:
    def test_writers_at_work_and_late_commits_leave_each_row_in_one_seal(self, company, app):
        """Writers hold their transactions open for random times, so that they commit in another order than they began."""
        writers, each, stop, sealed = 4, 25, threading.Event(), []
        dice = random.Random(7)
        pauses = [[dice.random() / 40 for _ in range(each)] for _ in range(writers)]

        def write(number):
            with app.app_context():
                for at, pause in enumerate(pauses[number]):
                    try:
                        with work.unit(tenant_id=company.tenant_id):
                            audit.record(action="lamps.made", kind="lamp", record_id=f"{number}-{at}", after={"n": at})
                            threading.Event().wait(pause)
                            audit.record(action="lamps.lit", kind="lamp", record_id=f"{number}-{at}")
                            if at % 10 == 9:
                                raise ZeroDivisionError
                    except ZeroDivisionError:
                        pass

        def keep_sealing():
            with app.app_context():
                while not stop.is_set():
                    sealed.append(sealing.seal(company.tenant_id, most=7))

        threads = [threading.Thread(target=write, args=(number,)) for number in range(writers)]
        sealers = [threading.Thread(target=keep_sealing) for _ in range(2)]
        for thread in (*sealers, *threads):
            thread.start()
        for thread in threads:
            thread.join()
        stop.set()
        for thread in sealers:
            thread.join()
        seal_all(company.tenant_id)
        report = verifying.verify(company.tenant_id)
        assert report.broken == "" and report.unsealed == 0 and report.seals > 5
        with pool.connection(tenant_id=company.tenant_id) as connection:
            ids = {row[0] for row in connection.execute("SELECT id FROM audit_entries")}
            witnesses = [bytes(row[0]) for row in connection.execute("SELECT witnesses FROM audit_seals")]
        covered = [part[at : at + 16] for part in witnesses for at in range(0, len(part), 24)]
        assert len(covered) == len(set(covered)) == len(ids) == report.rows
        assert {one.bytes for one in ids} == set(covered)

    def test_what_may_still_be_added_to_is_left_alone(self, company, context):
        seal_all(company.tenant_id)
        with work.unit(tenant_id=company.tenant_id):
            audit.record(action="lamps.slow", record_id="open")
            with scope.tenant(company.tenant_id):
                quick = threading.Thread(target=_record_elsewhere, args=(context, company))
                quick.start()
                quick.join()
            assert sealing.seal(company.tenant_id) == 0
        assert seal_all(company.tenant_id) == 2
        assert broken(company) == ""

    def test_a_restored_dump_goes_on_in_an_era_of_its_own(self, sealed, tampering):
        """A dump restored elsewhere brings rows of another database, some unsealed; there transactions are counted anew."""
        with work.unit(tenant_id=sealed.tenant_id):
            audit.record(action="lamps.late")
        tampering(sealed, "UPDATE audit_entries SET era = 42 WHERE action = 'lamps.late'")
        with work.unit(tenant_id=sealed.tenant_id):
            audit.record(action="lamps.after")
        assert seal_all(sealed.tenant_id) == 2
        with pool.connection(tenant_id=sealed.tenant_id) as connection:
            last = connection.execute("SELECT era FROM audit_seals ORDER BY position DESC LIMIT 2").fetchall()
        assert broken(sealed) == "" and last[1] == (42,) and last[0] != (42,)

    def test_nothing_new_makes_no_seal(self, sealed):
        assert sealing.seal(sealed.tenant_id) == 0


def _record_elsewhere(app, company):
    with app.app_context(), work.unit(tenant_id=company.tenant_id):
        audit.record(action="lamps.quick", record_id="quick")


class TestJob:
    def test_it_seals_for_whoever_has_something_to_seal(self, company, context):
        from workers.jobs import trace

        with work.unit(tenant_id=company.tenant_id):
            audit.record(action="lamps.made")

        def sealed_whole() -> bool:
            trace.seal(run_at="2026-11-21T00:00:00+00:00")
            return verifying.verify(company.tenant_id).unsealed == 0

        until(sealed_whole, seconds=120)
        with work.platform_unit(reason="a test looks for what waits"):
            assert company.tenant_id not in sealing.waiting()


class TestCommand:
    def test_it_answers_for_scripts(self, sealed, tampering, capsys, context, monkeypatch):
        import argparse

        from saas.cli import audit as command

        monkeypatch.setattr("saas.app.create_app", lambda **_: context)

        def run(*given):
            parser = argparse.ArgumentParser()
            command.arguments(parser)
            return command.run(parser.parse_args([*given, "--tenant", str(sealed.tenant_id)]))

        assert run("verify") == 0 and "whole" in capsys.readouterr().out
        assert run("anchors") == 0
        anchor = capsys.readouterr().out.split()[1]
        assert run("verify", "--expect", anchor) == 0
        tampering(sealed, f"DELETE FROM audit_entries WHERE id = {SECOND}")
        assert run("verify") == 1 and "BROKEN" in capsys.readouterr().out


def test_a_page_of_a_long_history_is_read_from_an_index(sealed):
    with work.unit(tenant_id=sealed.tenant_id):
        page = pages.page(audit.listed(), order=audit.NEWEST, limit=4)
        after = pages.page(audit.listed(), order=audit.NEWEST, limit=4, cursor=page.next)
    ids = [row[0].id for row in (*page.items, *after.items)]
    assert ids == sorted(ids, reverse=True) and len(set(ids)) == 8
