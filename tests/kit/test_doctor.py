"""The doctor says in words what is wrong with the programs, with what waits, with what fails and with the backups."""

from __future__ import annotations

import os
import time

import pytest

from saas import config
from saas.cli import doctor
from saas.kit import beats, errand, standing, valkey


@pytest.fixture
def signs(app, monkeypatch):
    """Nobody has been heard; `beat(program)` leaves a sign."""
    for key in valkey.client().scan_iter(f"{beats.PREFIX}*"):
        valkey.client().delete(key)
    before = errand.program()

    def beat(program):
        errand.be(program)
        monkeypatch.setattr(beats, "_last", [0.0])
        beats.beat()

    yield beat
    errand.be(before)
    beats.doing(None)


class TestPrograms:
    def test_all_are_heard(self, signs):
        for program in beats.PROGRAMS:
            signs(program)
        assert doctor.programs().startswith("5 run")

    def test_one_is_missing(self, signs):
        for program in beats.PROGRAMS[:-1]:
            signs(program)
        with pytest.raises(doctor.Unfit, match="Nothing is heard of timetable"):
            doctor.programs()

    def test_one_hangs(self, signs, monkeypatch):
        monkeypatch.setattr(beats, "_doing", [("workers.jobs.search.write", time.time() - 7200)])
        for program in beats.PROGRAMS:
            signs(program)
        with pytest.raises(doctor.Unfit, match=r"is in workers\.jobs\.search\.write for 7200 s"):
            doctor.programs()

    def test_one_that_leaves_takes_its_sign_with_it(self, signs):
        for program in beats.PROGRAMS:
            signs(program)
        beats.leave()
        with pytest.raises(doctor.Unfit, match="timetable"):
            doctor.programs()


class TestWork:
    def test_nothing_is_late(self, app, monkeypatch):
        monkeypatch.setattr(standing, "outbox", lambda: {"waiting": 3, "oldest": 1.0, "failed": 0})
        assert doctor.waiting().startswith("3 events") and doctor.failing() == "nothing"

    def test_work_is_behind(self, app, monkeypatch):
        monkeypatch.setattr(standing, "outbox", lambda: {"waiting": 3, "oldest": 4000.0, "failed": 2})
        with pytest.raises(doctor.Unfit, match="behind: events by 4000 s"):
            doctor.waiting()
        with pytest.raises(doctor.Unfit, match="2 events"):
            doctor.failing()


class TestBackups:
    @pytest.fixture
    def production(self, app, tmp_path, monkeypatch):
        settings = config.get()
        changed = type(settings)(
            **{**vars(settings), "environment": "production", "backup_dir": str(tmp_path), "backup_key": "k"}
        )
        monkeypatch.setattr(config, "get", lambda: changed)
        return tmp_path

    def test_there_is_none(self, production):
        with pytest.raises(doctor.Unfit, match="There is none"):
            doctor.backups()

    def test_the_newest_is_old(self, production):
        file = production / "regulars-20260101T000000Z.backup"
        file.write_bytes(b"x")
        assert "0 hours old" in doctor.backups()
        os.utime(file, (time.time() - 100_000,) * 2)
        with pytest.raises(doctor.Unfit, match="28 hours old"):
            doctor.backups()
