"""Every signature is checked by dkimpy, which shares no code with ours."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import dkim as dkimpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saas.kit import dkim, mail

MOMENT = datetime.now(UTC)
SIGNERS = {
    kind: dkim.Signer(domain="shop.example", selector=kind, pem=dkim.create_key(kind))
    for kind in ("rsa2048", "ed25519")
}
FRAME = mail.Frame(
    sender_email="news@shop.example",
    sender_name="老客户商店",
    reply_to="shop@shop.example",
    list_id="news.shop.example",
    feedback_id="1:2:3:4",
    unsubscribe_mailbox="leave@shop.example",
)


def message(text="Hi\n", html="<p>Hi</p>\n", subject="Hello", **more):
    return FRAME.fill(
        to_email="ann@mail.example",
        subject=subject,
        text=text,
        html=html,
        message_id="1.2@shop.example",
        at=MOMENT,
        unsubscribe_url="https://go.example/m/u/abc",
        **more,
    )


def verified(raw, *, index=0):
    records = {dkim.record_name(signer): dkim.record(signer) for signer in SIGNERS.values()}

    def lookup(name, timeout=5):
        return records[name.decode().rstrip(".")].encode()

    try:
        return dkimpy.DKIM(raw).verify(idx=index, dnsfunc=lookup)
    except dkimpy.DKIMException:
        return False


@pytest.mark.parametrize("kind", ["rsa2048", "ed25519"])
class TestSignature:
    def test_a_signed_mail_verifies(self, kind):
        assert verified(message().as_bytes(signers=[SIGNERS[kind]], at=MOMENT))

    @settings(deadline=None, max_examples=60)
    @given(
        text=st.text(st.sampled_from("a \t.=\r\n好é"), max_size=200),
        subject=st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=120),
    )
    def test_whatever_the_text_it_verifies(self, kind, text, subject):
        made = message(text=text, html=text or "x", subject=subject)
        assert verified(made.as_bytes(signers=[SIGNERS[kind]], at=MOMENT))

    @settings(deadline=None, max_examples=60)
    @given(body=st.text(st.sampled_from("a \t\n"), max_size=60))
    def test_bodies_with_odd_white_space_are_canonicalised_right(self, kind, body):
        raw_body = (body + "\n").replace("\n", "\r\n").encode()
        (line,) = dkim.sign(headers=[(b"From", b"a@shop.example")], body=raw_body, signers=[SIGNERS[kind]], at=MOMENT)
        assert verified(line + b"\r\nFrom: a@shop.example\r\n\r\n" + raw_body)

    @settings(deadline=None, max_examples=60)
    @given(value=st.text(st.sampled_from("ab \t"), min_size=1, max_size=40))
    def test_headers_with_odd_white_space_are_canonicalised_right(self, kind, value):
        headers = [(b"From", b"a@shop.example"), (b"Subject", value.encode() + b"\r\n\t folded")]
        (line,) = dkim.sign(headers=headers, body=b"x\r\n", signers=[SIGNERS[kind]], at=MOMENT)
        raw = b"\r\n".join([line, *(name + b": " + text for name, text in headers)]) + b"\r\n\r\nx\r\n"
        assert verified(raw)

    def test_a_changed_body_fails(self, kind):
        raw = message().as_bytes(signers=[SIGNERS[kind]], at=MOMENT)
        assert not verified(raw.replace(b"<p>Hi", b"<p>Ho"))

    @pytest.mark.parametrize(
        "header",
        ["From", "To", "Subject", "Date", "Message-ID", "Reply-To", "List-Unsubscribe",
         "List-Unsubscribe-Post", "List-Id",
         "Feedback-ID", "MIME-Version", "Content-Type"],
    )  # fmt: skip
    def test_every_header_is_covered(self, kind, header):
        raw = message().as_bytes(signers=[SIGNERS[kind]], at=MOMENT)
        changed = re.sub(rf"\r\n{header}: ".encode(), f"\r\n{header}: x".encode(), raw, count=1)
        assert changed != raw
        assert not verified(changed)

    @pytest.mark.parametrize("header", ["From", "Subject", "Reply-To", "List-Unsubscribe"])
    def test_a_second_header_of_the_same_name_fails(self, kind, header):
        raw = message().as_bytes(signers=[SIGNERS[kind]], at=MOMENT)
        assert not verified(f"{header}: evil@other.example\r\n".encode() + raw)
        head, _, body = raw.partition(b"\r\n\r\n")
        assert not verified(head + f"\r\n{header}: evil@other.example\r\n\r\n".encode() + body)


class TestTwoKeys:
    def test_both_signatures_verify(self):
        raw = message().as_bytes(signers=SIGNERS.values(), at=MOMENT)
        assert raw.count(b"DKIM-Signature: ") == 2
        assert verified(raw, index=0) and verified(raw, index=1)

    def test_no_signer_means_no_signature(self):
        assert b"DKIM-Signature" not in message().as_bytes()


class TestKeys:
    def test_the_record_is_what_dns_should_hold(self):
        signer = SIGNERS["rsa2048"]
        assert dkim.record_name(signer) == "rsa2048._domainkey.shop.example"
        assert dkim.record(signer).startswith("v=DKIM1; k=rsa; p=MII")
        assert dkim.record(SIGNERS["ed25519"]).startswith("v=DKIM1; k=ed25519; p=")

    def test_a_long_record_is_cut_into_strings(self):
        strings = re.findall(r'"([^"]*)"', dkim.record_strings(SIGNERS["rsa2048"]))
        assert len(strings) == 2 and max(map(len, strings)) <= 255
        assert "".join(strings) == dkim.record(SIGNERS["rsa2048"])

    @pytest.mark.parametrize(
        ("domain", "selector", "pem"),
        [
            ("shop.example\r\nX: y", "s", None),
            ("shop.example", "s;d=evil", None),
            ("", "s", None),
            ("shop.example", "s", "not a key"),
        ],
    )
    def test_what_cannot_sign_is_refused(self, domain, selector, pem):
        with pytest.raises(dkim.KeyRefused):
            dkim.Signer(domain=domain, selector=selector, pem=pem or SIGNERS["ed25519"].pem)

    def test_an_unknown_kind_of_key_is_refused(self):
        with pytest.raises(dkim.KeyRefused):
            dkim.create_key("dsa")

    def test_the_private_key_does_not_show(self):
        assert "PRIVATE" not in repr(SIGNERS["rsa2048"])
