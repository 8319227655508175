"""The SMTP client against a server that behaves, and one that does not."""

from __future__ import annotations

import ipaddress
import ssl
import time
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from saas.kit import smtp, smtp_server
from tests.kit.faulty_smtp import FaultySmtp

QUICK = smtp_server.Timeouts(connect=5, reply=0.8, data=0.8, send=5, final=0.8)
PATIENT = smtp_server.Timeouts(connect=5, reply=5, data=5, send=5, final=5)


def mail(number=1, body=b"Hello\r\n"):
    data = b"Subject: x\r\n\r\n" + body
    return smtp.Envelope(sender="bounce@shop.example", recipient=f"ann{number}@mail.example", data=data)


def client(sink, *, timeouts=PATIENT, tls="none", **more):
    return smtp.Client(smtp_server.Server(host="127.0.0.1", port=sink.port, tls=tls, timeouts=timeouts, **more))


def outcomes(sink, mails, **more):
    with client(sink, **more) as sender:
        return [outcome for _, outcome in sender.send_many(mails)]


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for 127.0.0.1: the server's context and one for the client that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "sink")])
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(datetime.now(UTC) - timedelta(days=1))
        .not_valid_after(datetime.now(UTC) + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "both.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    trusting = ssl.create_default_context(cafile=path)
    return server, trusting


class TestDelivery:
    def test_many_mails_go_over_one_connection(self):
        with FaultySmtp() as sink:
            assert [o.kind for o in outcomes(sink, [mail(n) for n in range(20)])] == ["accepted"] * 20
        assert sink.connections == 1
        assert [envelope[1] for envelope, _ in sink.taken] == [f"RCPT TO:<ann{n}@mail.example>" for n in range(20)]

    def test_without_pipelining_each_command_waits_for_its_answer(self):
        with FaultySmtp(extensions=()) as sink:
            assert [o.kind for o in outcomes(sink, [mail(1), mail(2)])] == ["accepted"] * 2

    def test_dots_at_line_starts_arrive_doubled_on_the_wire(self):
        with FaultySmtp() as sink:
            outcomes(sink, [mail(1, b".one\r\n..two\r\n.\r\nend\r\n")])
        assert sink.taken[0][1].endswith(b"\r\n\r\n..one\r\n...two\r\n..\r\nend\r\n.\r\n")

    def test_a_mail_without_a_last_line_end_gets_one(self):
        with FaultySmtp() as sink:
            outcomes(sink, [mail(1, b"end")])
        assert sink.taken[0][1].endswith(b"\r\nend\r\n.\r\n")

    def test_the_size_is_said_when_the_server_asks_for_it(self):
        with FaultySmtp(extensions=("PIPELINING", "SIZE 1000000")) as sink:
            outcomes(sink, [mail()])
        assert any(command.endswith(f"SIZE={len(mail().data)}") for command in sink.commands)

    def test_the_server_text_is_kept_with_the_outcome(self):
        with FaultySmtp(final=["250-first\r\n250 2.0.0 queued as 4711"]) as sink:
            (outcome,) = outcomes(sink, [mail()])
        assert (outcome.kind, outcome.code, outcome.text) == ("accepted", 250, "first 2.0.0 queued as 4711")

    def test_after_the_agreed_number_of_mails_a_new_connection_is_opened(self):
        with FaultySmtp() as sink:
            found = outcomes(sink, [mail(n) for n in range(5)], most_per_connection=2)
        assert [o.kind for o in found] == ["accepted"] * 5
        assert sink.connections == 3

    def test_a_generator_that_fails_does_not_lose_the_mail_on_the_wire(self):
        def broken():
            yield mail(1)
            raise RuntimeError("template")

        seen = []
        with FaultySmtp() as sink, client(sink) as sender, pytest.raises(RuntimeError):
            for _, outcome in sender.send_many(broken()):
                seen.append(outcome.kind)
        assert seen == ["accepted"] and len(sink.taken) == 1

    def test_a_caller_that_stops_early_sends_nothing_more(self):
        with FaultySmtp() as sink, client(sink) as sender:
            next(sender.send_many([mail(1), mail(2)]))
            assert sender.send(mail(3)).kind == "accepted"
        assert [envelope[1][9:13] for envelope, _ in sink.taken] == ["ann1", "ann3"]


class TestRefusals:
    @pytest.mark.parametrize("extensions", [("PIPELINING",), ()])
    @pytest.mark.parametrize(
        ("stage", "answer", "kind"),
        [
            ("mail", "451 4.3.0 later", "temporary"),
            ("mail", "550 5.7.1 not you", "permanent"),
            ("rcpt", "450 4.2.1 busy", "temporary"),
            ("rcpt", "550 5.1.1 no such user", "permanent"),
            ("rcpt", "552 too many", "temporary"),
            ("data", "451 4.7.1 greylisted", "temporary"),
            ("final", "451 4.3.2 try again", "temporary"),
            ("final", "554 5.7.1 spam", "permanent"),
        ],
    )
    def test_a_refusal_is_told_and_the_next_mail_still_goes(self, extensions, stage, answer, kind):
        with FaultySmtp(extensions=extensions, **{stage: [answer]}) as sink:
            first, second = outcomes(sink, [mail(1), mail(2)])
        assert (first.kind, first.stage, first.code) == (kind, stage, int(answer[:3]))
        assert answer[4:] == first.text
        assert second.kind == "accepted"
        assert sink.connections == 1
        assert len(sink.taken) == 1

    def test_a_data_refused_after_a_refused_recipient_is_one_refusal(self):
        with FaultySmtp(rcpt=["550 5.1.1 no"], data=["554 no valid recipients"]) as sink:
            first, second = outcomes(sink, [mail(1), mail(2)])
        assert (first.stage, first.recipient_is_bad, second.kind) == ("rcpt", True, "accepted")
        assert "RSET" in sink.commands

    @pytest.mark.parametrize(
        ("stage", "answer", "bad"),
        [
            ("rcpt", "550 no such user", True),
            ("rcpt", "550 5.7.1 blocked by policy", False),
            ("rcpt", "450 4.1.1 perhaps later", False),
            ("final", "550 5.1.1 user unknown", True),
            ("final", "550 spam", False),
            ("mail", "550 sender refused", False),
        ],
    )
    def test_only_a_missing_mailbox_makes_the_recipient_bad(self, stage, answer, bad):
        with FaultySmtp(**{stage: [answer]}) as sink:
            (outcome,) = outcomes(sink, [mail()])
        assert outcome.recipient_is_bad is bad

    def test_a_greeting_that_refuses_is_temporary_for_all_and_asked_once(self):
        with FaultySmtp(greeting=["554 go away"] * 5) as sink:
            found = outcomes(sink, [mail(n) for n in range(3)])
        assert {(o.kind, o.stage, o.code) for o in found} == {("temporary", "greeting", 554)}
        assert sink.connections == 1

    def test_nobody_listening_is_temporary(self):
        with FaultySmtp() as sink:
            pass
        (outcome,) = outcomes(sink, [mail()])
        assert (outcome.kind, outcome.stage) == ("temporary", "connect")


class TestBrokenConnections:
    def test_a_drop_after_the_final_dot_is_unknown_and_the_next_mail_goes_anew(self):
        with FaultySmtp(final=["drop"]) as sink:
            first, second = outcomes(sink, [mail(1), mail(2)])
        assert (first.kind, first.stage) == ("unknown", "final")
        assert second.kind == "accepted"
        assert [envelope[1][9:13] for envelope, _ in sink.taken] == ["ann1", "ann2"]

    def test_silence_after_the_final_dot_is_unknown(self):
        with FaultySmtp(final=["silence"]) as sink:
            (outcome,) = outcomes(sink, [mail()], timeouts=QUICK)
        assert (outcome.kind, outcome.stage) == ("unknown", "final")
        assert "in time" in outcome.text

    def test_an_answer_that_drips_for_ever_ends_at_the_limit(self):
        started = time.monotonic()
        with FaultySmtp(final=["drip"]) as sink:
            (outcome,) = outcomes(sink, [mail()], timeouts=QUICK)
        assert outcome.kind == "unknown"
        assert time.monotonic() - started < 60  # it would never end

    def test_nonsense_after_the_final_dot_is_unknown(self):
        with FaultySmtp(final=["HTTP/1.1 200 OK"]) as sink:
            (outcome,) = outcomes(sink, [mail()])
        assert outcome.kind == "unknown"

    @pytest.mark.parametrize("stage", ["greeting", "mail", "rcpt", "data"])
    @pytest.mark.parametrize("fault", ["drop", "silence"])
    def test_a_fault_before_the_content_is_temporary(self, stage, fault):
        with FaultySmtp(**{stage: [fault]}) as sink:
            (outcome,) = outcomes(sink, [mail()], timeouts=QUICK if fault == "silence" else PATIENT)
        assert (outcome.kind, outcome.stage) == ("temporary", stage)
        assert sink.taken == []

    def test_a_421_on_a_used_connection_is_tried_once_more_on_a_fresh_one(self):
        with FaultySmtp(mail=["250 ok", "drop:421 4.3.2 closing"]) as sink:
            assert [o.kind for o in outcomes(sink, [mail(1), mail(2)])] == ["accepted"] * 2
        assert sink.connections == 2

    def test_a_421_on_a_fresh_connection_is_temporary(self):
        with FaultySmtp(mail=["drop:421 4.3.2 busy"]) as sink:
            (outcome,) = outcomes(sink, [mail()])
        assert (outcome.kind, outcome.code, outcome.text) == ("temporary", 421, "4.3.2 busy")

    def test_a_421_after_the_final_dot_is_temporary_and_the_next_mail_goes_anew(self):
        with FaultySmtp(final=["drop:421 4.3.2 not taken"]) as sink:
            first, second = outcomes(sink, [mail(1), mail(2)])
        assert (first.kind, first.code, second.kind) == ("temporary", 421, "accepted")

    def test_an_idle_connection_that_was_closed_is_replaced_unseen(self):
        with FaultySmtp(final=["drop:250 ok"]) as sink, client(sink) as sender:
            assert sender.send(mail(1)).kind == "accepted"
            assert sender.send(mail(2)).kind == "accepted"
        assert len(sink.taken) == 2


class TestTls:
    def test_starttls_is_used_when_offered(self, certificate):
        server, trusting = certificate
        with FaultySmtp(extensions=("STARTTLS", "PIPELINING"), tls=server) as sink:
            (outcome,) = outcomes(sink, [mail()], tls="required", context=trusting)
        assert outcome.kind == "accepted"
        assert "STARTTLS" in sink.commands

    def test_implicit_tls(self, certificate):
        server, trusting = certificate
        with FaultySmtp(tls=server, implicit=True) as sink:
            (outcome,) = outcomes(sink, [mail(1, b"x" * 100_000 + b"\r\n")], tls="implicit", context=trusting)
        assert outcome.kind == "accepted"

    def test_a_certificate_nobody_vouches_for_is_refused(self, certificate):
        with FaultySmtp(tls=certificate[0], implicit=True) as sink:
            (outcome,) = outcomes(sink, [mail()], tls="implicit")
        assert (outcome.kind, outcome.stage) == ("temporary", "starttls")
        assert sink.taken == []

    def test_required_tls_that_is_not_offered_sends_nothing(self):
        with FaultySmtp() as sink:
            (outcome,) = outcomes(sink, [mail()], tls="required")
        assert (outcome.kind, outcome.stage) == ("temporary", "starttls")
        assert sink.taken == []


class TestSignIn:
    @pytest.mark.parametrize(
        ("ways", "said"),
        [("AUTH PLAIN LOGIN", ["AUTH PLAIN AHVzZXIAcMOkc3M="]), ("AUTH LOGIN", ["dXNlcg==", "cMOkc3M="])],
    )
    def test_plain_and_login(self, ways, said):
        with FaultySmtp(extensions=(ways, "PIPELINING")) as sink:
            (outcome,) = outcomes(sink, [mail()], username="user", password="päss")
        assert outcome.kind == "accepted"
        assert set(said) <= set(sink.commands)

    def test_a_refused_password_is_temporary_with_the_reason(self):
        with FaultySmtp(extensions=("AUTH PLAIN",), auth=["535 5.7.8 bad credentials"]) as sink:
            (outcome,) = outcomes(sink, [mail()], username="user", password="x")
        assert (outcome.kind, outcome.stage, outcome.code) == ("temporary", "auth", 535)


class TestInput:
    @pytest.mark.parametrize("address", ["a@b.example>\r\nRSET", "a b@c.example", "<a@b.example>", "no-at", "ä@b.ex"])
    def test_an_address_that_breaks_the_envelope_is_refused(self, address):
        with pytest.raises(ValueError):
            smtp.Envelope(sender="a@b.example", recipient=address, data=b"x\r\n")

    @pytest.mark.parametrize("data", [b"a\n.\r\nMAIL FROM:<x@y>\r\n", b"a\r.\r\n", b"a\n.\n"])
    def test_a_bare_line_end_that_could_smuggle_a_mail_is_refused(self, data):
        with pytest.raises(ValueError):
            smtp.Envelope(sender="a@b.example", recipient="c@d.example", data=data)

    def test_a_server_is_read_from_its_url(self):
        found = smtp_server.server("smtps://me%40x:p%2Fw@mail.example")
        assert (found.host, found.port, found.tls, found.username, found.password) == (
            "mail.example",
            465,
            "implicit",
            "me@x",
            "p/w",
        )

    @pytest.mark.parametrize("url", ["http://x", "smtp://", "smtp://x?tls=maybe"])
    def test_a_wrong_url_is_refused(self, url):
        with pytest.raises(ValueError):
            smtp_server.server(url)
