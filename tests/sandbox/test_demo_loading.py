"""How the simulated past is sent: through the doors, in bodies they take, with segments and mails they understand."""

from __future__ import annotations

import socket
import threading
from datetime import UTC, datetime

import pytest

from saas.audiences import conditions
from saas.marketing import people, rendering
from sandbox import demo
from sandbox.demo import __main__ as loading
from sandbox.demo import forms, greetings, groups, letters

UNTIL = datetime(2026, 11, 21, 15, tzinfo=UTC)
KNOWN = {"site_key": "pk_x", "hook_secret": "secret", "until": UNTIL.isoformat(), "shop": "shop", "tenant": 1}


@pytest.fixture(scope="module")
def world():
    return demo.simulate(until=UNTIL, scale=0.1)


class Recorder:
    """A door that takes everything and remembers it."""

    def __init__(self, url="", *, key=""):
        self.taken = []
        doors.append(self)

    def post(self, path, body):
        self.taken.append((path, body))
        return {
            "accepted": len(body.get("events", ())),
            "items": [{"status": "created"}] * len(body.get("items", ())),
            "id": body.get("name", ""),
        }

    def get(self, path):
        return {"items": [], "next": None}


doors: list[Recorder] = []


@pytest.fixture
def door(monkeypatch):
    doors.clear()
    monkeypatch.setattr(loading, "Door", Recorder)
    return Recorder()


class TestDoor:
    def test_a_connection_that_the_server_closed_in_a_quiet_time_is_made_anew(self, monkeypatch):
        """As the web does after 30 s; the browsing takes longer on a slow machine."""
        monkeypatch.setattr(loading, "QUIET", 0)
        with socket.create_server(("127.0.0.1", 0)) as server:

            def answer_once_each():
                for _ in range(2):
                    line, _address = server.accept()
                    with line:
                        line.recv(65_536)
                        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")

            thread = threading.Thread(target=answer_once_each, daemon=True)
            thread.start()
            door = loading.Door(f"http://127.0.0.1:{server.getsockname()[1]}")
            assert [door.get("/segments"), door.get("/segments")] == [{}, {}]
            thread.join()
            door.line.close()


class TestBrowsing:
    def test_all_of_the_last_weeks_is_told_once_and_each_browser_in_its_order(self, world, door):
        told = loading.browse("http://crm.example", world, KNOWN)
        bodies = [body for one in doors for _path, body in one.taken]
        events = [(body["visitor"], event["at"], event["id"]) for body in bodies for event in body["events"]]
        since = (UNTIL - loading.OLDEST).isoformat()
        wanted = [
            (visit["visitor"], event["at"], event["id"])
            for visit in world.visits()
            if visit["events"][0]["at"] >= since
            for event in visit["events"]
        ]
        assert told == len(events) == len(wanted)
        assert sorted(events) == sorted(wanted)
        for one in doors:
            by_browser: dict[str, list[str]] = {}
            for _path, body in one.taken:
                by_browser.setdefault(body["visitor"], []).extend(event["at"] for event in body["events"])
            assert all(moments == sorted(moments) for moments in by_browser.values())

    def test_no_body_is_larger_than_the_door_takes(self, world, door):
        loading.browse("http://crm.example", world, KNOWN)
        assert max(len(body["events"]) for one in doors for _path, body in one.taken) <= 100


class TestMails:
    @pytest.mark.parametrize("key", list(letters.LETTERS))
    def test_every_letter_can_be_sent(self, key):
        made = rendering.compile(subject="x", body=letters.letter(key), language="en", sample=people.SAMPLE)
        assert (made.problems, made.offers > 0, len(made.links) > 0) == ((), True, True)

    def test_past_campaigns_are_told_with_their_holdout(self, world, door, monkeypatch, tmp_path):
        commands, told = [], []
        monkeypatch.setattr(
            loading, "saas", lambda *words: commands.append(words) or told.append((tmp_path / "x").read_text()) or ""
        )
        made = loading.segments(door)
        loading.mail(door, world, KNOWN, made, aside=tmp_path / "x")
        assert commands == [("mailings", str(tmp_path / "x"), "--tenant", "1")]
        assert told[0].count('"held_out": true') > 0 and not (tmp_path / "x").exists()
        assert door.taken[-1][1]["name"] == loading.DRAFT

    def test_a_proxy_opens_nothing_and_a_click_opens(self):
        answer = {"customer": "c", "arm": "mailed", "bounced": False, "by_proxy": True, "sent_at": "1", "opened_at": "2", "clicked_at": None,
                  "unsubscribed_at": None, "complained_at": None}  # fmt: skip
        assert loading.recipient(answer)["opened_at"] is None
        assert loading.recipient(answer | {"clicked_at": "3"})["opened_at"] == "3"
        assert loading.recipient(answer | {"by_proxy": False})["opened_at"] == "2"
        assert loading.recipient({"customer": "c", "arm": "held_out"}) == {"customer": "c", "held_out": True}


class TestSegments:
    def test_every_segment_can_be_asked(self):
        for definition in groups.groups({key: name for key, (name, _) in forms.CATEGORIES.items()}).values():
            assert conditions.check(definition)

    def test_each_campaign_has_its_segment(self, door):
        assert set(loading.SEGMENTS.values()) <= set(loading.segments(door))


class TestForms:
    def test_they_can_be_shown_as_they_are(self, company):
        for number, content in enumerate((greetings.letter(), greetings.greeting(""))):
            made = company.api("POST", "/forms", json={"name": f"Form {number}", "kind": "popup", "content": content})
            assert made.status_code == 201, made.json
            shown = company.api("POST", f"/forms/{made.json['id']}/show")
            assert shown.status_code == 200, shown.json

    def test_the_one_in_the_page_is_handed_to_the_shop_and_both_are_shown(self, door):
        assert loading.greet(door, KNOWN) == greetings.IN_PAGE
        told = [path for path, _body in door.taken]
        assert told[0] == "/api/v1/coupons" and sum(path.endswith("/show") for path in told) == 2
