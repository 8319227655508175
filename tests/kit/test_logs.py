"""Log lines: what is ours is said, what is anybody's is not, and nobody can write a line of their own."""

from __future__ import annotations

import io
import json
import logging

import pytest

from saas.kit import errand, logs, scope

NAME = "Wilhelmina Achterberg"
MARKERS = {
    "an address": "wilhelmina.achterberg@shop.example",
    "an address with a tag": "w+news@müller.example",
    "a name": NAME,
    "a phone": "+31 20 555 0199",
    "a phone in one piece": "0031205550199",
    "a query": "https://crm.example/customers?search=wilhelmina",
    "an API key": "rg_a1B2c3D4_4f9K2mQ7xW1zT8vB6nJ3pL5rY0sD2gH4kC9",
    "a session": "hV9xJ2kQ7mZ4wT1yB8nL5cR3",
    "a body": '{"first_name": "Wilhelmina", "note": "likes tea"}',
    "an IPv4 address": "203.0.113.77",
    "an IPv6 address": "2001:db8:85a3:0:0:8a2e:370:7334",
    "Chinese": "王小明 的地址",
}


@pytest.fixture
def lines():
    """A logger that writes JSON lines, and what it wrote."""
    written = io.StringIO()
    handler = logging.StreamHandler(written)
    handler.setFormatter(logs.Lines())
    log = logging.getLogger("regulars.tested")
    log.addHandler(handler)
    log.propagate, before = False, log.propagate
    log.setLevel(logging.DEBUG)
    yield log, written
    log.removeHandler(handler)
    log.propagate = before


@pytest.mark.parametrize("kind", MARKERS)
class TestWhatIsAnybodys:
    def test_filled_in(self, lines, kind):
        log, written = lines
        log.warning("no letter to %s can be written", MARKERS[kind])
        assert MARKERS[kind] not in json.loads(written.getvalue())["message"]
        assert "no letter to " in written.getvalue()

    def test_in_an_exception(self, lines, kind):
        log, written = lines
        try:
            try:
                raise ValueError(f"Key (email_norm)=({MARKERS[kind]}) already exists")
            except ValueError as error:
                raise RuntimeError(MARKERS[kind]) from error
        except RuntimeError as error:
            log.exception("failed: %s", error)
        line = json.loads(written.getvalue())
        assert MARKERS[kind] not in json.dumps(line, ensure_ascii=False)
        assert line["message"] == "failed: RuntimeError"
        assert "ValueError" in line["trace"] and any("test_logs.py:" in place for place in line["trace"])

    def test_as_a_field(self, lines, kind):
        log, written = lines
        log.info("answered", extra={"asked": MARKERS[kind], "given": {"email": MARKERS[kind]}, "all": [MARKERS[kind]]})
        assert MARKERS[kind] not in json.dumps(json.loads(written.getvalue()), ensure_ascii=False)


def test_what_other_libraries_say_is_searched(lines):
    log, written = lines
    log.warning("RCPT TO:<w@shop.example> refused; token hV9xJ2kQ7mZ4wT1yB8nL5cR3; call +31 20 555 0199; /x?a=b")
    assert json.loads(written.getvalue())["message"] == "RCPT TO:<…> refused; token …; call …; /x…"


def test_what_helps_is_kept(lines):
    log, written = lines
    log.warning("%s failed for event %s of tenant %s after %.1f s", "workers.jobs.tenancy.write_reset",
                "01920000-0000-7000-8000-000000000000", 17, 2.5)  # fmt: skip
    assert json.loads(written.getvalue())["message"] == (
        "workers.jobs.tenancy.write_reset failed for event 01920000-0000-7000-8000-000000000000 of tenant 17 after 2.5 s"
    )


def test_a_line_says_for_whom_and_why(lines):
    log, written = lines
    with errand.about("GET /api/v1/customers", given="proxy-0123456789"), scope.tenant(17):
        log.info("answered", extra={"status": 200, "ms": 3.5})
    line = json.loads(written.getvalue())
    assert {"tenant_id": 17, "request_id": "proxy-0123456789", "errand": "GET /api/v1/customers", "status": 200,
            "ms": 3.5, "level": "info"}.items() <= line.items()  # fmt: skip


@pytest.mark.parametrize("forged", ['x\r\n{"level":"error"}', "x\n\nHTTP/1.1", "x\u2028y", "x\x1b[2Jy", "x\x85y"])
@pytest.mark.parametrize("formatter", [logs.Lines, logs.Sentences])
def test_nobody_can_begin_a_line(lines, forged, formatter):
    log, written = lines
    log.handlers[-1].setFormatter(formatter())
    log.warning("refused: " + forged)
    log.warning("refused: %s", forged)
    assert len(written.getvalue().splitlines()) == 2
    assert "\x1b" not in written.getvalue()


def test_a_request_id_from_outside_is_taken_only_when_it_is_plain():
    with errand.about("x", given="0192-abcdef") as taken:
        assert taken.id == "0192-abcdef"
    for odd in ("short", "x" * 41, "a'; SET ROLE x; --", "with space 123", "línea-12345", None):
        with errand.about("x", given=odd) as made:
            assert made.id != odd and len(made.id) == 36
