"""What a company says of itself, and its sending domain against a real DNS server."""

from __future__ import annotations

import contextlib
import socket
import threading

import dns.flags
import dns.message
import dns.rcode
import dns.resolver
import dns.rrset
import pytest

from saas import config
from saas.kit import dkim
from saas.kit.db import db
from saas.tenancy import audit, sending_domain, settings, tenants


class TestChangeCompany:
    def test_what_is_given_changes_and_is_traced(self, tenant):
        settings.change_company(name="Lamps", country="DE", zone="Europe/Berlin", languages=["de", "zh_Hans"])
        db.session.flush()
        held = settings.shown()
        assert (held["name"], held["country"], held["zone"], held["languages"]) == (
            "Lamps",
            "DE",
            "Europe/Berlin",
            ["de", "zh_Hans"],
        )
        entry = audit.of_record(kind="tenant", record_id=tenant.tenant_id)[0]
        assert (entry.before["name"], entry.after["name"]) == ("Test Company", "Lamps")

    @pytest.mark.parametrize(("field", "value"), [
        ("name", " "), ("country", "XX"), ("country", "Germany"), ("currency", "EURO"), ("zone", "Mars/Base"),
        ("languages", []), ("languages", ["klingon"]), ("languages", ["en/../x"]), ("site_key", "pk_mine"),
    ])  # fmt: skip
    def test_a_value_out_of_range_is_named(self, tenant, field, value):
        with pytest.raises(settings.BadSettings) as refused:
            settings.change_company(**{field: value})
        assert list(refused.value.fields) == [field]


class TestChangeSender:
    @pytest.mark.parametrize(
        "address", ["nobody", "a@b.example\r\nBcc: x@y.example", "ä@shop.example", "a b@shop.example"]
    )
    def test_an_address_that_cannot_stand_in_a_header_is_refused(self, tenant, address):
        with pytest.raises(settings.BadSettings):
            settings.change_sender(sender_email=address)

    def test_without_an_own_address_mails_come_from_ours(self, tenant):
        found = sending_domain.sender()
        assert found.email == f"shop-{tenant.tenant_id}@{config.get().mail_domain}" and found.signers == ()

    def test_another_domain_needs_a_key_of_its_own(self, tenant):
        settings.change_sender(sender_email="hello@one.example")
        sending_domain.make_key()
        settings.change_sender(sender_email="hi@one.example")
        assert sending_domain.entries()
        settings.change_sender(sender_email="hello@two.example")
        assert sending_domain.entries() == [] and sending_domain.sender().signers == ()


class TestKey:
    def test_it_is_sealed_and_signs_what_its_entry_verifies(self, tenant):
        settings.change_sender(sender_email="hello@one.example")
        sending_domain.make_key()
        held = tenants.settings()
        assert b"PRIVATE KEY" not in held.dkim_key_sealed
        signer = sending_domain.sender().signers[0]
        assert dkim.record(signer) == sending_domain.entries()[0].value

    def test_another_company_cannot_open_it(self, tenant):
        from saas.kit import crypto

        settings.change_sender(sender_email="hello@one.example")
        sending_domain.make_key()
        with pytest.raises(crypto.Unsealable):
            crypto.unseal(tenants.settings().dkim_key_sealed, place="1|tenant_settings|dkim_key_sealed|other")

    def test_not_before_the_address_is_chosen(self, tenant):
        with pytest.raises(sending_domain.NoSenderAddress):
            sending_domain.make_key()


@contextlib.contextmanager
def dns_server(texts: dict[str, list[str]], *, silent: bool = False):
    """A DNS server on loopback that knows these TXT entries; yields a resolver that asks it."""
    listening = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listening.bind(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                wire, asker = listening.recvfrom(4096)
            except OSError:
                return
            if not wire:
                return
            if not silent:
                listening.sendto(reply(dns.message.from_wire(wire)), asker)

    def reply(query) -> bytes:
        answer = dns.message.make_response(query)
        answer.flags |= dns.flags.RA
        name = query.question[0].name
        found = texts.get(name.to_text(omit_final_dot=True))
        if found:
            quoted = [" ".join(f'"{text[at : at + 200]}"' for at in range(0, len(text), 200)) for text in found]
            answer.answer.append(dns.rrset.from_text(name, 60, "IN", "TXT", *quoted))
        else:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        return answer.to_wire()

    thread = threading.Thread(target=serve)
    thread.start()
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = ["127.0.0.1"], listening.getsockname()[1]
    try:
        yield resolver
    finally:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
            last.sendto(b"", listening.getsockname())
        thread.join()
        listening.close()


@pytest.fixture
def wanted(tenant):
    settings.change_sender(sender_email="hello@one.example")
    sending_domain.make_key()
    return sending_domain.entries()


class TestLookUp:
    def test_all_there_vouches_for_the_mails(self, wanted):
        with dns_server({entry.name: [entry.value] for entry in wanted}) as resolver:
            found = sending_domain.look_up(wanted, resolver=resolver)
        assert set(found.values()) == {"found"}
        assert sending_domain.note_checked(found) and tenants.settings().dkim_verified_at

    def test_their_own_policy_and_servers_beside_ours_are_as_good(self, wanted):
        texts = {wanted[0].name: [wanted[0].value.replace("; ", ";")], "_dmarc.one.example": ["v=DMARC1; p=reject"],
                 "one.example": ["google-site-verification=x", f"v=spf1 include:_spf.x.example include:{config.get().mail_domain} -all"]}  # fmt: skip
        with dns_server(texts) as resolver:
            assert set(sending_domain.look_up(wanted, resolver=resolver).values()) == {"found"}

    def test_another_key_and_other_servers_are_told_apart_from_nothing(self, wanted):
        texts = {wanted[0].name: ["v=DKIM1; k=rsa; p=AAAA"], "one.example": ["v=spf1 include:elsewhere.example ~all"]}
        with dns_server(texts) as resolver:
            found = sending_domain.look_up(wanted, resolver=resolver)
        assert found == {"dkim": "different", "spf": "different", "dmarc": "missing"}
        assert not sending_domain.note_checked(found)

    def test_silence_is_no_answer_and_changes_nothing(self, wanted, monkeypatch):
        monkeypatch.setattr(sending_domain, "SECONDS", 0.2)
        sending_domain.note_checked({"dkim": "found", "spf": "missing", "dmarc": "found"})
        with dns_server({}, silent=True) as resolver:
            found = sending_domain.look_up(wanted, resolver=resolver)
        assert set(found.values()) == {"unanswered"}
        assert sending_domain.note_checked(found)


class TestRequireReady:
    def test_test_mode_is_said_and_holds_nothing_up(self, wanted):
        assert sending_domain.test_mode()
        assert sending_domain.require_ready().email == "hello@one.example"

    def test_elsewhere_the_domain_has_to_vouch_first(self, wanted, monkeypatch):
        monkeypatch.setattr(sending_domain, "test_mode", lambda: False)
        with pytest.raises(sending_domain.NotVouchedFor):
            sending_domain.require_ready()
        sending_domain.note_checked({"dkim": "found", "dmarc": "found"})
        assert sending_domain.require_ready().signers
