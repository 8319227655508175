"""The mailbox as the product meets it: a real process, real SMTP, real HTTP."""

import json
import os
import pathlib
import re
import smtplib
import socket
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest


class Mailbox:
    """A running mailbox and the two ways to talk to it."""

    def __init__(self, state, *options):
        command = [sys.executable, "-m", "sandbox.mailbox", "--smtp-port=0", "--http-port=0", f"--state={state}"]
        self.process = subprocess.Popen([*command, *options], stdout=subprocess.PIPE, text=True)
        found = re.search(r"127\.0\.0\.1:(\d+), page on (http\S+)/", self.process.stdout.readline())
        self.smtp_port, self.url = int(found.group(1)), found.group(2)

    def get(self, path, method="GET"):
        request = urllib.request.Request(self.url + path, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read(), answer.headers

    def json(self, path):
        return json.loads(self.get(path)[0])

    def send(self, *, to, subject="Hello", html=None, **headers):
        mail = EmailMessage()
        mail["From"], mail["To"], mail["Subject"] = "Fern & Kettle <shop@example.com>", to, subject
        mail["Message-ID"] = "<m1@example.com>"
        for name, value in headers.items():
            mail[name.replace("_", "-")] = value
        mail.set_content("Plain words.\n.A line that begins with a dot.\n")
        if html:
            mail.add_alternative(html, subtype="html")
        with smtplib.SMTP("127.0.0.1", self.smtp_port, timeout=60) as client:
            client.send_message(mail, from_addr="bounces@example.com", to_addrs=to)

    def newest(self):
        return f"/messages/{self.json('/api/messages')['items'][0]['id']}"

    def processor(self):
        """This function will return the seconds of a processor that it has used."""
        used = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rpartition(")")[2].split()[11:13]
        return sum(map(int, used)) / os.sysconf("SC_CLK_TCK")

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=60)
        self.process.stdout.close()


@pytest.fixture(scope="module")
def running(tmp_path_factory):
    box = Mailbox(tmp_path_factory.mktemp("mail"))
    yield box
    box.stop()


@pytest.fixture
def mailbox(running):
    running.get("/api/messages", method="DELETE")
    return running


@pytest.fixture
def receiver():
    """A tiny local web server that remembers what was posted to it."""
    posted = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            posted.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", posted
    server.shutdown()
    server.server_close()


class TestReceiving:
    def test_a_mail_comes_out_with_all_its_parts(self, mailbox):
        mailbox.send(to="ada@example.org", subject="茶壶 and kettles", html="<p>Hello <b>Ada</b></p>")

        [item] = mailbox.json("/api/messages?to=ada@&subject=%E8%8C%B6%E5%A3%B6")["items"]
        mail = mailbox.json(f"/api/messages/{item['id']}")

        assert item["subject"] == mail["headers"]["Subject"] == "茶壶 and kettles"
        assert item["recipients"] == ["ada@example.org"]
        assert item["sender"] == "bounces@example.com"
        assert "<b>Ada</b>" in mail["html"]
        assert "\n.A line that begins with a dot." in mail["text"]
        assert mail["raw"].encode() == mailbox.get(f"/api/messages/{item['id']}/raw")[0]

    def test_a_pipelined_envelope_and_two_letters_in_one_packet_are_taken(self, mailbox):
        to = b"RCPT TO:<b\xc3\xb6@example.com>\r\n"
        letter = b"MAIL FROM:<> BODY=8BITMIME\r\n" + to + b"DATA\r\nSubject: x\r\n\r\n..\r\n.\r\n"
        with socket.create_connection(("127.0.0.1", mailbox.smtp_port), timeout=60) as wire:
            wire.sendall(b"EHLO me\r\n" + letter + letter + b"QUIT\r\n")
            with wire.makefile("rb") as answers:
                codes = [line[:4] for line in answers]

        assert codes.count(b"250 ") == 7
        assert codes[-1] == b"221 "
        items = mailbox.json("/api/messages")["items"]
        assert [item["recipients"] for item in items] == [["bö@example.com"]] * 2
        assert mailbox.json(f"/api/messages/{items[0]['id']}")["raw"] == "Subject: x\r\n\r\n.\r\n"

    def test_commands_out_of_order_and_nonsense_are_refused_and_the_talk_goes_on(self, mailbox):
        with smtplib.SMTP("127.0.0.1", mailbox.smtp_port, timeout=60) as client:
            assert client.docmd("DATA")[0] == 503
            assert client.docmd("RCPT TO:<a@example.com>")[0] == 503
            assert client.docmd("GARBAGE")[0] == 500
            assert client.docmd("forget_envelope")[0] == 500
            assert client.docmd("MAIL TO:<a@example.com>")[0] == 501
            assert client.docmd("MAIL FROM:<a@example.com> SIZE=99999999")[0] == 552
            assert client.docmd("MAIL FROM:<a@example.com>")[0] == 250
            assert client.docmd("RCPT TO:<nobody>")[0] == 501

    def test_the_newest_are_kept_and_survive_a_restart(self, tmp_path):
        first = Mailbox(tmp_path, "--keep=3")
        for number in range(5):
            first.send(to="ada@example.com", subject=f"Mail {number}")
            first.json("/api/messages")
        first.stop()

        second = Mailbox(tmp_path, "--keep=3")
        try:
            found = second.json("/api/messages?limit=2")
            rest = second.json(f"/api/messages?limit=2&before={found['next']}")
        finally:
            second.stop()

        assert [item["subject"] for item in found["items"] + rest["items"]] == ["Mail 4", "Mail 3", "Mail 2"]
        assert rest["next"] is None

    def test_over_two_thousand_mails_a_second_of_20_kb(self, mailbox):
        envelope = b"MAIL FROM:<a@example.com>\r\nRCPT TO:<b@example.com>\r\nDATA\r\n"
        letter = envelope + b"Subject: bulk\r\n\r\n" + (b"x" * 78 + b"\r\n") * 250 + b".\r\n"
        count = 3000
        with socket.create_connection(("127.0.0.1", mailbox.smtp_port), timeout=60) as wire:
            before = mailbox.processor()  # a second on the clock is shared with whoever else is busy
            threading.Thread(target=wire.sendall, args=(letter * count + b"QUIT\r\n",), daemon=True).start()
            with wire.makefile("rb") as answers:
                taken = sum(line.startswith(b"250 2.0.0") for line in answers)
            seconds = mailbox.processor() - before

        assert taken == count
        assert mailbox.json("/healthz")["letters"] == count
        assert count / seconds > 2000


class TestFaults:
    @pytest.mark.parametrize(
        ("address", "code"),
        [("bounce@example.com", 550), ("ada+bounce@example.com", 550), ("ada+FULL@example.com", 552),
         ("ada+soft@example.com", 451), ("defer@example.com", 421)],
    )  # fmt: skip
    def test_the_address_says_how_it_is_refused(self, mailbox, address, code):
        with pytest.raises(smtplib.SMTPRecipientsRefused) as refused:
            mailbox.send(to=address)

        assert refused.value.recipients[address][0] == code
        assert mailbox.json("/api/messages")["items"] == []

    def test_defer_hangs_up(self, mailbox):
        with socket.create_connection(("127.0.0.1", mailbox.smtp_port), timeout=60) as wire:
            wire.sendall(b"MAIL FROM:<>\r\nRCPT TO:<defer@example.com>\r\n")
            assert wire.makefile("rb").read().endswith(b"421 4.7.0 Too many mails from you, closing the connection\r\n")

    def test_reject_comes_after_the_text(self, mailbox):
        with pytest.raises(smtplib.SMTPDataError) as refused:
            mailbox.send(to="ada+reject@example.com")

        assert refused.value.smtp_code == 554

    def test_a_number_makes_it_pass_after_so_many_tries(self, mailbox):
        for _ in range(2):
            with pytest.raises(smtplib.SMTPRecipientsRefused):
                mailbox.send(to="ada+soft2@example.com")
        mailbox.send(to="ada+soft2@example.com")

        assert len(mailbox.json("/api/messages?to=soft2")["items"]) == 1

    def test_words_inside_a_name_are_no_fault(self, mailbox):
        mailbox.send(to="softie.bounceback@example.com")

        assert len(mailbox.json("/api/messages")["items"]) == 1


class TestPage:
    def test_list_search_and_every_tab_load(self, mailbox):
        mailbox.send(to="bob@example.com", subject="100%")
        mailbox.send(to="ada@example.com", subject="Your <order>", html="<p>Thank you</p>")

        page = mailbox.get("/?q=ada")[0].decode()
        assert "Your &lt;order&gt;" in page
        assert "bob@example.com" not in page
        assert "bob@example.com" in mailbox.get("/?q=100%25")[0].decode()
        tabs = {"html": "<iframe", "text": "Plain words.", "headers": "Message-ID", "source": "MIME"}
        for tab, shown in tabs.items():
            assert shown in mailbox.get(f"{mailbox.newest()}?tab={tab}")[0].decode()

    def test_the_html_is_shut_in(self, mailbox):
        mailbox.send(to="ada@example.com", html="<script>alert(1)</script><p>Hi</p>")

        body, headers = mailbox.get(mailbox.newest() + "/html")

        assert b"<p>Hi</p>" in body
        assert "default-src 'none'" in headers["Content-Security-Policy"]
        assert "sandbox allow-popups" in headers["Content-Security-Policy"]
        assert "allow-scripts" not in headers["Content-Security-Policy"]

    def test_delete_all_empties_it(self, mailbox):
        mailbox.send(to="ada@example.com")
        was = mailbox.newest()
        mailbox.get("/clear", method="POST")

        assert mailbox.json("/api/messages")["items"] == []
        with pytest.raises(urllib.error.HTTPError) as missing:
            mailbox.get(was)
        missing.value.close()

    def test_mark_as_spam_tells_the_sender(self, tmp_path, receiver):
        url, posted = receiver
        box = Mailbox(tmp_path, f"--complaint-url={url}/complaints")
        try:
            box.send(to="ada@example.com")
            assert b"answered 204" not in box.get("/messages/1")[0]
            box.get("/messages/1/spam", method="POST")
            assert box.json("/api/messages/1")["spam"] is True
        finally:
            box.stop()

        [(path, body)] = posted
        assert path == "/complaints"
        assert json.loads(body) == {"message_id": "<m1@example.com>", "recipient": "ada@example.com"}

    def test_one_click_unsubscribe_posts_what_rfc_8058_says(self, mailbox, receiver):
        url, posted = receiver
        mailbox.send(
            to="ada@example.com",
            List_Unsubscribe=f"<{url}/m/u/token>",
            List_Unsubscribe_Post="List-Unsubscribe=One-Click",
        )

        mailbox.get(mailbox.newest() + "/unsubscribe", method="POST")

        assert posted == [("/m/u/token", b"List-Unsubscribe=One-Click")]
