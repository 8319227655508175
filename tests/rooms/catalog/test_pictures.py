"""Pictures of products: fetched once and guarded, made small, shown from here."""

from __future__ import annotations

import io
import socket
import struct
import threading
import zlib
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from uuid import UUID

import pytest
from PIL import Image

from saas import config
from saas.catalog import pictures, products, thumbnails
from saas.catalog.models import Picture, ProductPicture
from saas.kit import clock, http_out, work
from saas.kit.db import db
from saas.recommend import stock as offers_stock


def picture(kind="JPEG", size=(900, 600), mode="RGB", colour="teal", **more):
    written = io.BytesIO()
    Image.new(mode, size, colour).save(written, kind, **more)
    return written.getvalue()


def bomb(width=60_000, height=60_000):
    """A PNG of some hundred bytes that says it is huge."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    )


@pytest.fixture
def host():
    """A web server of pictures: what is put under a path is answered, and each question is noted."""

    class Handler(BaseHTTPRequestHandler):
        answers: dict = {}
        asked: list = []

        def do_GET(self) -> None:
            self.asked.append(self.path)
            status, headers, body = self.answers.get(self.path, (404, {}, b""))
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name, value)
            self.end_headers()
            try:
                self.wfile.write(body)
            except OSError:
                pass  # whoever asked has heard enough

        def log_message(self, *_args) -> None:
            """Say nothing."""

    Handler.answers, Handler.asked = {}, []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    Handler.url = f"http://127.0.0.1:{server.server_address[1]}"
    Handler.put = staticmethod(
        lambda path, body, status=200, **headers: Handler.answers.update({path: (status, headers, body)})
    )
    yield Handler
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def strict(settings_in_environment, monkeypatch):
    """Settings as in production: nothing private may be called."""
    monkeypatch.setenv("OUTGOING_PRIVATE_HOSTS", "0")
    config.get.cache_clear()
    yield
    monkeypatch.undo()
    config.get.cache_clear()


def stock(company, *addresses):
    """Put products with these pictures on the shelf and have the pictures wanted; returns the products' ids."""
    with work.unit(tenant_id=company.tenant_id):
        items = [
            {"external_id": f"p{place}", "name": f"Pot {place}", "image_url": one}
            for place, one in enumerate(addresses)
        ]
        ids = [one.id for one in products.upsert_many(items)]
        pictures.want([str(one) for one in ids])
    return ids


def row(company, product_id: UUID):
    with work.unit(tenant_id=company.tenant_id):
        return db.session.query(ProductPicture).filter_by(id=product_id).one()


class TestFetching:
    def test_a_picture_is_fetched_once_and_made_small(self, company, context, host):
        host.put("/a.jpg", picture())
        (product,) = stock(company, f"{host.url}/a.jpg")
        assert pictures.fetch_some(company.tenant_id) == 1
        with work.unit(tenant_id=company.tenant_id):
            pictures.want([str(product)])
        assert pictures.fetch_some(company.tenant_id) == 0
        assert host.asked == ["/a.jpg"]
        with work.unit(tenant_id=company.tenant_id):
            kept = db.session.query(Picture).one()
        assert (
            (kept.width, kept.height) == (480, 320)
            and kept.data.startswith(b"\xff\xd8\xff")
            and len(kept.data) < 20_000
        )

    def test_equal_pictures_are_kept_once(self, company, context, host):
        host.put("/a.jpg", picture())
        host.put("/b.jpg", picture())
        stock(company, f"{host.url}/a.jpg", f"{host.url}/b.jpg")
        assert pictures.fetch_some(company.tenant_id) == 2
        with work.unit(tenant_id=company.tenant_id):
            assert db.session.query(Picture).count() == 1

    def test_a_new_address_is_fetched_and_the_old_picture_shown_until_then(self, company, context, host):
        host.put("/a.jpg", picture())
        host.put("/b.jpg", picture(colour="red"))
        (product,) = stock(company, f"{host.url}/a.jpg")
        pictures.fetch_some(company.tenant_id)
        before = row(company, product).digest
        stock(company, f"{host.url}/b.jpg")
        assert row(company, product).digest == before
        pictures.fetch_some(company.tenant_id)
        assert row(company, product).digest not in ("", before)

    def test_a_redirect_is_followed_and_one_in_circles_is_not(self, company, context, host):
        host.put("/old.jpg", b"", status=302, Location="/a.jpg")
        host.put("/a.jpg", picture())
        host.put("/round", b"", status=302, Location="/round")
        good, bad = stock(company, f"{host.url}/old.jpg", f"{host.url}/round")
        assert pictures.fetch_some(company.tenant_id) == 1
        assert row(company, good).digest and "on and on" in row(company, bad).trouble

    @pytest.mark.parametrize(
        "to", ["http://[", "http://[::1/a.jpg", "//[x]/", "javascript:alert(1)", "file:///etc/hostname"]
    )
    def test_a_redirect_to_no_address_is_a_trouble_with_a_sentence(self, company, context, host, to):
        host.put("/old.jpg", b"", status=302, Location=to)
        [product] = stock(company, f"{host.url}/old.jpg")
        assert pictures.fetch_some(company.tenant_id) == 0
        assert not row(company, product).digest and row(company, product).trouble

    def test_a_server_in_trouble_is_asked_again_later_and_what_is_not_there_is_not(self, company, context, host):
        host.put("/busy.jpg", b"", status=503)
        busy, gone = stock(company, f"{host.url}/busy.jpg", f"{host.url}/gone.jpg")
        pictures.fetch_some(company.tenant_id)
        assert row(company, busy).due_at is not None and row(company, busy).tries == 1
        assert row(company, gone).due_at is None and "404" in row(company, gone).trouble
        assert sorted(host.asked) == ["/busy.jpg", "/gone.jpg"]


class TestWhatIsNoPicture:
    @pytest.mark.parametrize(
        ("body", "sentence"),
        [
            (b"<html><script>alert(1)</script></html>", "does not lead to"), (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "does not lead to"), (b"", "does not lead to"),
            (picture()[:300], "broken"), (b"\x89PNG\r\n\x1a\n" + bytes(50), "broken"), (b"RIFF\x00\x00\x00\x00AVI ", "does not lead to"),
            (bomb(), "too many pixels"), (bomb(100_000_000, 1), "too many pixels"), (picture("BMP"), "does not lead to"), (b"GIF89a" + bytes(9), "broken"),
        ],
    )  # fmt: skip
    def test_it_is_refused_with_a_sentence(self, body, sentence):
        with pytest.raises(thumbnails.NoPicture, match=sentence):
            thumbnails.made(body)

    def test_a_page_for_people_is_not_kept_whatever_its_type_says(self, company, context, host):
        host.put("/a.jpg", b"<html>Not found</html>", **{"Content-Type": "image/jpeg"})
        (product,) = stock(company, f"{host.url}/a.jpg")
        assert pictures.fetch_some(company.tenant_id) == 0
        held = row(company, product)
        assert (held.digest, held.due_at) == ("", None) and "does not lead to" in held.trouble

    def test_ten_megabytes_are_not_read_to_the_end(self, company, context, host):
        host.put("/large.jpg", b"\xff\xd8\xff" + bytes(10 * 1024 * 1024))
        (product,) = stock(company, f"{host.url}/large.jpg")
        assert pictures.fetch_some(company.tenant_id) == 0
        assert "too large" in row(company, product).trouble


class TestKinds:
    @pytest.mark.parametrize(
        "given",
        [
            picture("PNG", mode="RGBA", colour=(200, 0, 0, 90)), picture("PNG", mode="P", colour=3), picture("PNG", mode="LA", colour=(9, 9)), picture("GIF", mode="P", colour=3),
            picture("WEBP"), picture("JPEG", mode="CMYK", colour=(1, 2, 3, 4)), picture("PNG", mode="I;16", colour=900), picture(size=(1, 1)), picture("PNG", mode="1", colour=1),
        ],
    )  # fmt: skip
    def test_each_becomes_a_small_jpeg(self, given):
        data, width, height = thumbnails.made(given)
        with Image.open(io.BytesIO(data)) as opened:
            assert (opened.format, opened.mode, opened.size) == ("JPEG", "RGB", (width, height))
            assert max(opened.size) <= thumbnails.SIDE

    def test_what_the_camera_wrote_is_turned_and_thrown_away(self):
        exif = Image.Exif()
        exif[0x0112], exif[0x010E] = 6, "the maker's secret"
        data, width, height = thumbnails.made(picture(size=(400, 200), exif=exif.tobytes()))
        assert (width, height) == (200, 400) and b"secret" not in data


class TestGuard:
    """A tenant's picture address is a way into our network if it is let."""

    @pytest.mark.parametrize(
        "address",
        [
            "http://127.0.0.1/a.jpg",
            "http://[::1]/a.jpg",
            "http://169.254.169.254/latest",
            "http://10.0.0.1/a.jpg",
            "http://2130706433/",
        ],
    )
    def test_a_private_address_is_not_asked(self, strict, address, monkeypatch):
        monkeypatch.setattr(
            http_out.urllib3.HTTPConnectionPool, "urlopen", lambda *_a, **_k: pytest.fail("it was called")
        )
        with pytest.raises(pictures.Elsewhere, match="private network"):
            pictures.fetched(address)

    def test_a_redirect_into_the_private_network_is_not_followed(self, strict):
        asked = []

        def call(method, url, **_limits):
            asked.append(url)
            if len(asked) > 1:
                return http_out.call(method, url)
            return http_out.Answer(302, {"Location": "http://169.254.169.254/latest/meta-data"}, b"")

        with pytest.raises(pictures.Elsewhere, match="private network"):
            pictures.fetched("https://shop.example/a.jpg", call=call)
        assert len(asked) == 2

    def test_a_name_that_changes_its_mind_is_called_at_the_address_that_was_judged(self, strict, monkeypatch):
        answers = iter([("93.184.215.14", 80), ("127.0.0.1", 80)])
        resolved, connected = [], []

        def getaddrinfo(host, port, *_a, **_k):
            resolved.append(host)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", next(answers))]

        def create_connection(address, *_a, **_k):
            connected.append(address[0])
            raise OSError("nobody is there")

        monkeypatch.setattr(http_out.socket, "getaddrinfo", getaddrinfo)
        monkeypatch.setattr(http_out.urllib3.util.connection, "create_connection", create_connection)
        with pytest.raises(pictures.Elsewhere):
            pictures.fetched("http://rebinds.example/a.jpg")
        assert (resolved, connected) == (["rebinds.example"], ["93.184.215.14"])


class TestShowing:
    @pytest.fixture
    def shown(self, company, context, host):
        host.put("/a.jpg", picture())
        (product,) = stock(company, f"{host.url}/a.jpg")
        pictures.fetch_some(company.tenant_id)
        with work.unit(tenant_id=company.tenant_id):
            return products.one(product).picture.removeprefix(config.get().public_url)

    def test_anybody_with_the_address_sees_it_for_a_year(self, app, shown):
        answer = app.test_client().get(shown)
        assert (answer.status_code, answer.content_type) == (200, "image/jpeg")
        assert "immutable" in answer.headers["Cache-Control"] and "Set-Cookie" not in answer.headers
        with Image.open(io.BytesIO(answer.data)) as opened:
            assert opened.size == (480, 320)

    @pytest.mark.parametrize(
        "name", ["", "1", "1-2-3.jpg", "zz-0-0.jpg", "-1-0-0.jpg", "1_0-0-0.jpg", "é-1-2.jpg", "1-0-0" + "0" * 3000]
    )
    def test_what_was_not_made_here_is_not_there(self, app, name):
        assert app.test_client().get(f"/pictures/{name}").status_code == 404

    def test_an_address_that_was_changed_shows_nothing(self, app, shown, other_company):
        mine = shown.removeprefix("/pictures/").partition("-")
        for name in (
            shown[:-5] + ("0" if shown[-5] != "0" else "1") + ".jpg",
            f"/pictures/{other_company.tenant_id:x}-{mine[2]}",
        ):
            assert app.test_client().get(name).status_code == 404

    def test_offers_show_it_instead_of_the_shops(self, company, context, host):
        host.put("/a.jpg", picture())
        stock(company, f"{host.url}/a.jpg")
        with work.unit(tenant_id=company.tenant_id):
            products.upsert_many([{"external_id": "p0", "url": "https://shop.example/p0", "price": "5"}])
        pictures.fetch_some(company.tenant_id)
        offered = offers_stock.publish(company.tenant_id).find("p0")
        assert offered.offerable and "/pictures/" in offered.image_url

    def test_pictures_that_no_product_has_go_after_a_month(self, company, shown):
        with work.unit(tenant_id=company.tenant_id):
            db.session.query(Picture).update({"made_at": clock.now() - timedelta(days=40)})
            assert pictures.tidy() == 0
            db.session.query(ProductPicture).delete()
            assert pictures.tidy() == 1
