"""No address a tenant gives leads us into a private network: every row of the table of known tricks."""

from __future__ import annotations

import datetime
import gc
import http.server
import socket
import ssl
import threading
import time

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from saas import config
from saas.kit import http_out

PRIVATE = (
    "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0177.0.0.1", "①②⑦.⓪.⓪.①", "0", "0.0.0.0", "localhost", "LOCALHOST.", "[::1]", "[::]",
    "10.0.0.1", "172.16.3.4", "172.31.255.255", "192.168.1.1", "169.254.169.254", "169.254.43518", "2852039166", "100.64.0.1", "100.100.100.200",
    "192.0.0.8", "192.0.2.1", "192.88.99.1", "198.18.0.1", "198.51.100.7", "203.0.113.9", "224.0.0.1", "239.255.255.250", "255.255.255.255", "168.63.129.16",
    "[::ffff:127.0.0.1]", "[::ffff:169.254.169.254]", "[::ffff:0:169.254.169.254]", "[::127.0.0.1]", "[64:ff9b::a9fe:a9fe]", "[64:ff9b:1::1]",
    "[2002:a9fe:a9fe::]", "[2002:7f00:1::]", "[2001:0:a9fe:a9fe::1]", "[fc00::1]", "[fd00:ec2::254]", "[fe80::1]", "[fe80::1%25lo]", "[fec0::1]", "[ff02::1]", "[2001:db8::1]",
    "[100::1]", "[3fff::1]", "[5f00::1]",
)  # fmt: skip
NO_ADDRESSES = (
    "ftp://example.com/", "file:///etc/passwd", "gopher://example.com/", "//example.com/", "example.com", "http:///x", "http://", "javascript:alert(1)",
    "http://user:secret@8.8.8.8/", "http://127.0.0.1@8.8.8.8/", "http://8.8.8.8@127.0.0.1/", "http://8.8.8.8\\@127.0.0.1/", "http://8.8.8.8 /", "http://8.8.8.8/\r\nX: 1",
    "http://8.8.8.8:99999/", "http://[::1/", "http://8.8.8.8:22/", "https://8.8.8.8:8443/", "http://8.8.8.8:6379/", "dict://8.8.8.8:80/",
)  # fmt: skip


@pytest.fixture
def strict(settings_in_environment, monkeypatch):
    """Settings as in production: nothing private may be called."""
    monkeypatch.setenv("OUTGOING_PRIVATE_HOSTS", "0")
    config.get.cache_clear()
    yield
    monkeypatch.undo()
    config.get.cache_clear()


@pytest.mark.parametrize("host", PRIVATE)
def test_a_private_address_is_never_called(strict, host, monkeypatch):
    monkeypatch.setattr(http_out.urllib3.HTTPConnectionPool, "urlopen", lambda *_a, **_k: pytest.fail("it was called"))
    for scheme in ("http", "https"):
        with pytest.raises(http_out.Unreachable):
            http_out.call("GET", f"{scheme}://{host}/")


@pytest.mark.parametrize("url", NO_ADDRESSES)
def test_what_is_no_plain_web_address_is_refused(strict, url):
    with pytest.raises(http_out.Unreachable):
        http_out.call("GET", url)


@pytest.mark.parametrize("host", ["8.8.8.8", "1.1.1.1", "[2606:4700:4700::1111]", "[2a00:1450:4001:80b::200e]"])
def test_a_public_address_may_be_called(strict, host):
    assert http_out.judge(f"https://{host}/hook?x=1")


def test_every_address_of_a_name_is_judged(strict, monkeypatch):
    """One public and one private address behind a name: the private one might be the one that is connected to."""
    mixed = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (text, 80)) for text in ("8.8.8.8", "10.0.0.1")]
    monkeypatch.setattr(http_out.socket, "getaddrinfo", lambda *_a, **_k: mixed)
    with pytest.raises(http_out.Unreachable):
        http_out.judge("http://two-faced.example/")


def test_the_name_is_asked_for_once_so_that_it_cannot_change_its_mind(server, monkeypatch):
    """DNS rebinding: public when judged, private when connected to. The second answer is never asked for."""
    asked, real = [], socket.getaddrinfo

    def answer(host, *rest, **named):
        if host == "rebinding.example":
            asked.append(host)
            return real("127.0.0.1" if len(asked) == 1 else "127.0.0.2", *rest, **named)
        return real(host, *rest, **named)

    monkeypatch.setattr(http_out.socket, "getaddrinfo", answer)
    assert (
        http_out.call("GET", f"http://rebinding.example:{server.server_port}/name").body
        == b"rebinding.example:%d" % server.server_port
    )
    assert asked == ["rebinding.example"]


class _Answers(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/redirect":
            self.send_response(302)
            self.send_header("Location", "http://169.254.169.254/latest/meta-data/")
            self.send_header("Content-Length", "0")
            self.end_headers()
        elif self.path == "/huge":
            self.send_response(200)
            self.end_headers()
            try:
                for _chunk in range(64):
                    self.wfile.write(b"x" * 65_536)
            except OSError:
                pass
        elif self.path == "/dripping-head":
            try:
                self.wfile.write(b"HTTP/1.0 200 OK\r\nX-Slow: ")
                while True:
                    self.wfile.write(b"x")
                    self.wfile.flush()
                    time.sleep(0.02)
            except OSError:
                self.close_connection = True
        elif self.path == "/drip":
            self.send_response(200)
            self.end_headers()
            try:
                for _drop in range(20_000):
                    self.wfile.write(b"x" * 70_000)
                    self.wfile.flush()
                    time.sleep(0.05)
            except OSError:
                pass
        else:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(self.headers["Host"].encode() if self.path == "/name" else b"fine")

    def log_message(self, *_args):
        pass


@pytest.fixture
def server():
    listening = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Answers)
    thread = threading.Thread(target=listening.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield listening
    listening.shutdown()
    listening.server_close()
    thread.join()


def certificate(folder, name: str):
    """Return a file with a key and a certificate for a name that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    whose = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder().subject_name(whose).issuer_name(whose).public_key(key.public_key()).serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1)).not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False).sign(key, hashes.SHA256())
    )  # fmt: skip
    path = folder / f"{name}.pem"
    path.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return path


@pytest.mark.usefixtures("settings_in_environment")
class TestCertificates:
    """https://hook.example, which leads to a server on this machine."""

    @pytest.fixture
    def call(self, server, tmp_path, monkeypatch):
        real = socket.getaddrinfo
        monkeypatch.setattr(
            http_out.socket, "getaddrinfo", lambda host, *rest, **named: real("127.0.0.1" if host == "hook.example" else host, *rest, **named)
        )  # fmt: skip
        asked: list[str | None] = []

        def of(name: str, *, believed: bool) -> tuple[bytes, list[str | None]]:
            pem = certificate(tmp_path, name)
            wrapping = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            wrapping.load_cert_chain(pem)
            wrapping.sni_callback = lambda _line, wanted, _context: asked.append(wanted)
            server.socket = wrapping.wrap_socket(server.socket, server_side=True)
            if believed:
                monkeypatch.setattr(http_out.certifi, "where", lambda: str(pem))
            return http_out.call("GET", f"https://hook.example:{server.server_port}/name").body, asked

        return of

    def test_the_name_is_asked_for_and_must_be_in_the_certificate(self, call, server):
        assert call("hook.example", believed=True) == (b"hook.example:%d" % server.server_port, ["hook.example"])

    @pytest.mark.parametrize(("name", "believed"), [("hook.example", False), ("other.example", True)])
    def test_a_certificate_of_nobodys_or_of_another_name_is_refused(self, call, name, believed):
        with pytest.raises(http_out.Unreachable):
            call(name, believed=believed)


@pytest.mark.usefixtures("settings_in_environment")
class TestCall:
    def test_a_redirect_is_an_answer_and_is_not_followed(self, server):
        answer = http_out.call("GET", f"http://127.0.0.1:{server.server_port}/redirect")
        assert (answer.status, answer.body) == (302, b"")

    def test_a_huge_answer_is_cut_off(self, server):
        with pytest.raises(http_out.Unreachable, match="too large"):
            http_out.call("GET", f"http://127.0.0.1:{server.server_port}/huge", most=100_000)

    def test_an_answer_that_drips_is_cut_off(self, server):
        begun = time.monotonic()
        with pytest.raises(http_out.Unreachable, match="too long"):
            http_out.call("GET", f"http://127.0.0.1:{server.server_port}/drip", seconds=0.3)
        assert time.monotonic() - begun < 60  # alone it would take quarters of an hour

    def test_a_head_that_drips_is_cut_off(self, server):
        """Each byte comes in time, so that no timeout of a single read ends it."""
        begun = time.monotonic()
        with pytest.raises(http_out.Unreachable):
            http_out.call("GET", f"http://127.0.0.1:{server.server_port}/dripping-head", seconds=0.3)
        assert time.monotonic() - begun < 60  # it would never end

    def test_nothing_is_left_open_after_a_call(self, server):
        """Neither the second handle of the connection nor the clock that would end it."""
        http_out.call("GET", f"http://127.0.0.1:{server.server_port}/")
        with pytest.raises(http_out.Unreachable):
            http_out.call("GET", f"http://127.0.0.1:{server.server_port}/dripping-head", seconds=0.1)
        gc.collect()
        assert [one for one in threading.enumerate() if isinstance(one, threading.Timer)] == []
        assert [one for one in gc.get_objects() if type(one) is http_out.Line and one.held is not None] == []

    def test_nobody_at_the_other_end_is_said_without_details_of_our_network(self, server):
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        with pytest.raises(http_out.Unreachable) as refused:
            http_out.call("GET", f"http://127.0.0.1:{port}/")
        assert "127.0.0.1" not in refused.value.message

    def test_a_proxy_from_the_environment_is_not_used(self, server, monkeypatch):
        monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
        monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
        assert http_out.call("GET", f"http://127.0.0.1:{server.server_port}/").body == b"fine"
