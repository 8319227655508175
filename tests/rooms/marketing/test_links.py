"""Tokens in mail addresses: what we wrote comes back, nothing else is taken."""

from __future__ import annotations

import base64
import hmac
import inspect
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saas.marketing import links

KEY, OLD, FOREIGN = b"k" * 32, b"o" * 32, b"f" * 32
NUMBERS = st.integers(0, 2**63 - 1)
IDS = st.one_of(NUMBERS, st.uuids())
WHAT = {"tenant_id": 7, "mailing_id": UUID(int=1 << 100), "recipient_id": UUID(int=2 << 100)}


def token(**more):
    return links.make(**{"key": KEY, "kind": links.CLICK, "link": 3} | WHAT | more)


def read(text, *, keys=(KEY,), kind=links.CLICK):
    return links.read(text, keys=keys, kind=kind)


class TestTokens:
    @settings(deadline=None)
    @given(tenant=NUMBERS, mailing=IDS, recipient=IDS, link=st.integers(0, 5000), kind=st.sampled_from(range(6)))
    def test_what_went_in_comes_out(self, tenant, mailing, recipient, link, kind):
        made = links.make(key=KEY, kind=kind, tenant_id=tenant, mailing_id=mailing, recipient_id=recipient, link=link)
        assert read(made, kind=kind) == links.Opened(kind, tenant, mailing, recipient, link)

    def test_a_token_is_short(self):
        assert len(token()) <= 66
        assert len(token(mailing_id=12, recipient_id=345_678)) <= 28

    def test_a_token_needs_no_escaping_in_an_address(self):
        assert all(sign.isalnum() or sign in "-_" for sign in token())

    def test_a_past_key_is_still_good(self):
        assert read(token(key=OLD), keys=(KEY, OLD)).link == 3


class TestForgery:
    def test_every_changed_bit_is_refused(self):
        raw = base64.urlsafe_b64decode(token() + "==")
        for bit in range(len(raw) * 8):
            changed = bytearray(raw)
            changed[bit // 8] ^= 1 << bit % 8
            with pytest.raises(links.LinkRefused):
                read(base64.urlsafe_b64encode(bytes(changed)).rstrip(b"=").decode())

    @settings(deadline=None)
    @given(text=st.text(max_size=80))
    def test_text_of_any_kind_is_refused(self, text):
        with pytest.raises(links.LinkRefused):
            read(text)

    @settings(deadline=None)
    @given(raw=st.binary(max_size=90))
    def test_bytes_of_any_kind_are_refused(self, raw):
        with pytest.raises(links.LinkRefused):
            read(base64.urlsafe_b64encode(raw).rstrip(b"=").decode())

    @pytest.mark.parametrize(
        "change", [lambda t: t + "=", lambda t: t[:-1], lambda t: t + "A", lambda t: " " + t, lambda t: t + "\n"]
    )
    def test_other_spellings_are_refused(self, change):
        with pytest.raises(links.LinkRefused):
            read(change(token()))

    def test_spare_bits_of_the_last_character_do_not_make_a_second_token(self):
        made = token(mailing_id=1, recipient_id=1)
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
        good = 0
        for last in alphabet:
            try:
                read(made[:-1] + last)
                good += 1
            except links.LinkRefused:
                pass
        assert good == 1

    def test_another_key_is_refused(self):
        with pytest.raises(links.LinkRefused):
            read(token(key=FOREIGN), keys=(KEY, OLD))

    def test_a_click_cannot_unsubscribe(self):
        with pytest.raises(links.LinkRefused):
            read(token(), kind=links.UNSUBSCRIBE)

    def test_without_a_key_nothing_is_read(self):
        with pytest.raises(ValueError):
            read(token(), keys=())

    def test_the_signature_has_at_least_96_bits_and_is_compared_in_constant_time(self):
        assert links.SIGNATURE * 8 >= 96
        assert "compare_digest" in inspect.getsource(links.read)

    def test_the_signature_is_bound_to_its_use(self):
        raw = base64.urlsafe_b64decode(token() + "==")
        plain = hmac.digest(KEY, raw[: -links.SIGNATURE], "sha256")[: links.SIGNATURE]
        assert raw[-links.SIGNATURE :] != plain


class TestAddresses:
    made = links.Addresses(base_url="https://go.example/", key=KEY, tenant_id=7, mailing_id=WHAT["mailing_id"])

    @pytest.mark.parametrize("recipient", [WHAT["recipient_id"], 17])
    def test_they_hold_the_same_tokens(self, recipient):
        tracked = self.made.tracked(recipient, 3)
        assert [address.rpartition("/")[0] for address in tracked] == ["https://go.example/m/c"] * 3
        assert [read(address.rpartition("/")[2]).link for address in tracked] == [0, 1, 2]
        assert read(tracked[0].rpartition("/")[2]).recipient_id == recipient
        assert tracked[1].endswith(token(recipient_id=recipient, link=1))

    def test_offers_count_from_their_own_first_number(self):
        addresses = self.made.offers(5, 2)
        assert [read(address.rpartition("/")[2]).link - links.OFFERS for address in addresses] == [0, 1]

    def test_other_kinds_have_their_own_paths(self):
        address = self.made.address(links.UNSUBSCRIBE, 5)
        assert address.startswith("https://go.example/m/u/")
        assert read(address.rpartition("/")[2], kind=links.UNSUBSCRIBE).recipient_id == 5
