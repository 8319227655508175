import datetime
import re
from types import SimpleNamespace

import flask
import pytest
from flask import g, render_template_string
from flask_babel import force_locale

from tenant_admin import formats, frame, gallery, happenings, markup, navigation, vendor, words


@pytest.fixture(scope="module", autouse=True)
def compiled():
    words.compile_all()


@pytest.fixture
def app():
    app = flask.Flask("page", static_folder=None)
    app.config.update(SECRET_KEY="test", TESTING=True)
    frame.init(app, image_sources=["http://127.0.0.1:*"], form_targets=["https://checkout.stripe.com"])
    app.register_blueprint(gallery.make_pages())
    return app


@pytest.fixture
def page(app):
    return app.test_client()


def policy(response):
    return dict(part.strip().split(" ", 1) for part in response.headers["Content-Security-Policy"].split(";"))


class TestHeaders:
    def test_the_policy_lets_only_scripts_with_the_nonce_of_this_answer_run(self, page):
        first, second = page.get("/_gallery"), page.get("/_gallery")
        nonces = [re.search(r"'nonce-([^']+)'", policy(answer)["script-src"]).group(1) for answer in (first, second)]
        assert nonces[0] != nonces[1]
        assert policy(first)["script-src"] == f"'nonce-{nonces[0]}' 'strict-dynamic'"
        for script in re.findall(r"<script(?![^>]*application/json)[^>]*>", first.text):
            assert f'nonce="{nonces[0]}"' in script

    def test_pictures_and_forms_may_go_where_the_settings_say(self, page):
        rules = policy(page.get("/_gallery"))
        assert "http://127.0.0.1:*" in rules["img-src"]
        assert rules["form-action"] == "'self' https://checkout.stripe.com"
        assert (
            rules["frame-ancestors"] == "'none'" and rules["base-uri"] == "'none'" and rules["default-src"] == "'self'"
        )

    def test_what_a_view_set_itself_stays(self, app):
        app.add_url_rule(
            "/own",
            "own",
            lambda: flask.Response("x", mimetype="text/html", headers={"Content-Security-Policy": "sandbox"}),
        )
        assert app.test_client().get("/own").headers["Content-Security-Policy"] == "sandbox"

    def test_json_gets_no_policy_but_nosniff(self, app):
        app.add_url_rule("/json", "json", lambda: {"a": 1})
        headers = app.test_client().get("/json").headers
        assert "Content-Security-Policy" not in headers and headers["X-Content-Type-Options"] == "nosniff"

    def test_error_pages_hold_no_nonce(self, page):
        answer = page.get("/_gallery/error")
        assert answer.status_code == 404 and "nonce" not in answer.text and "<script" not in answer.text


class TestLanguage:
    def test_the_browser_is_asked_first_time(self, page):
        assert 'lang="zh-Hans"' in page.get("/_gallery", headers={"Accept-Language": "zh-CN,zh;q=0.9"}).text
        assert 'lang="en"' in page.get("/_gallery", headers={"Accept-Language": "fr"}).text

    def test_the_cookie_beats_the_browser(self, page):
        page.set_cookie("lang", "zh_Hans")
        assert 'lang="zh-Hans"' in page.get("/_gallery", headers={"Accept-Language": "en"}).text

    def test_the_member_beats_the_cookie(self, app, page):
        @app.before_request
        def sign_in():
            g.viewer = frame.Viewer("Ada", locale="en")

        page.set_cookie("lang", "zh_Hans")
        assert 'lang="en"' in page.get("/_gallery").text

    def test_choosing_a_language_keeps_it_and_the_rest_of_the_address(self, page):
        answer = page.get("/_gallery/list?lang=zh_Hans&sort=name")
        assert answer.status_code == 303 and answer.location == "/_gallery/list?sort=name"
        assert page.get_cookie("lang").value == "zh_Hans"

    def test_the_choice_is_handed_on_to_be_remembered(self):
        app, kept = flask.Flask("page"), []
        frame.init(app, remember_locale=kept.append)
        app.register_blueprint(gallery.make_pages())
        app.test_client().get("/_gallery?lang=en")
        assert kept == ["en"]

    def test_every_sentence_of_the_frame_is_translated(self):
        gaps = [gap for gap in words.missing("zh_Hans", ("tenant_admin",)) if FRAME.match(gap[0])]
        assert gaps == []


FRAME = re.compile(
    r"tenant_admin/(frame|phrases|gallery|navigation|formats|markup|templates/(components|gallery)/.*|templates/[^/]+)\.(py|html)$"
)


class TestToasts:
    @pytest.fixture
    def page(self, app):
        def tag():
            frame.toast("12 tagged", undo="/undo")
            return frame.go("/_gallery") if flask.request.args.get("go") else "<p>done</p>"

        app.add_url_rule("/tag", "tag", tag, methods=["POST"])
        return app.test_client()

    def test_a_fragment_carries_them_in_a_header(self, page):
        answer = page.post("/tag", headers={"HX-Request": "true"})
        assert flask.json.loads(answer.headers["HX-Trigger"])["regulars:toasts"]["items"][0]["undo"] == "/undo"

    def test_they_wait_for_the_next_page_when_the_browser_is_sent_on(self, page):
        answer = page.post("/tag?go=1", headers={"HX-Request": "true"})
        assert answer.headers["HX-Redirect"] == "/_gallery" and "HX-Trigger" not in answer.headers
        assert "12 tagged" in page.get("/_gallery").text
        assert "12 tagged" not in page.get("/_gallery").text

    def test_a_plain_form_is_sent_on_with_303(self, page):
        assert page.post("/tag?go=1").status_code == 303

    def test_a_plain_flash_is_shown_too(self, app):
        app.add_url_rule("/flash", "flash", lambda: flask.flash("Old style", "success") or "ok")
        page = app.test_client()
        page.get("/flash")
        assert "Old style" in page.get("/_gallery").text


class TestStamp:
    @pytest.mark.parametrize("tag", [
        '<a href="x" hx-get="/y">', "<form\n  hx-post='/y'>", '<b class="{{ "a" if 1 > 0 }}" data-hx-get="/y">',
        '<i title="a > b" hx-get="/y">', '<a {% if 2 > 1 %}x{% endif %} hx-boost:inherited="true">',
    ])  # fmt: skip
    def test_every_tag_with_an_htmx_attribute_gets_the_nonce(self, app, tag):
        stamped = markup.Stamp(app.jinja_env).preprocess(f"<p>{tag}</p>", "page.html")
        assert stamped.count('hx-nonce="{{ nonce() }}"') == 1
        assert stamped.replace(' hx-nonce="{{ nonce() }}"', "") == f"<p>{tag}</p>"

    def test_tags_without_one_and_tags_that_have_it_stay(self, app):
        source = '<p title="hx-get">hx-post</p><a hx-get="/" hx-nonce="1">'
        assert markup.Stamp(app.jinja_env).preprocess('<p class="a">', "x.html") == '<p class="a">'
        assert markup.Stamp(app.jinja_env).preprocess(source, "x.html").count('hx-nonce="{{') == 0

    def test_data_is_never_stamped(self, app):
        with app.test_request_context():
            shown = render_template_string("{{ text | safe }}", text='<a hx-get="/steal">')
        assert "hx-nonce" not in shown


class TestFormats:
    @pytest.mark.parametrize(("amount", "currency", "text"), [
        (1250, "EUR", "€12.50"), (1250, "JPY", "¥1,250"), (-5, "USD", "-$0.05"), (None, "EUR", "–"),
    ])  # fmt: skip
    def test_money_has_the_digits_of_its_currency(self, app, amount, currency, text):
        with app.test_request_context():
            assert formats.money(amount, currency) == text

    @pytest.mark.parametrize(("micros", "text"), [(2_550_000, "€2.55"), (1_000, "€0.001"), (2_500_000, "€2.50")])
    def test_unit_prices_show_as_many_digits_as_they_have(self, app, micros, text):
        with app.test_request_context():
            assert formats.money_micros(micros, "EUR") == text

    def test_numbers_and_shares(self, app):
        with app.test_request_context():
            assert formats.number(3120) == "3,120" and formats.number(2.5, 1) == "2.5"
            assert formats.percent(0.123) == "12.3%" and formats.compact(12500) == "12.5K"
            assert formats.money(421835, "EUR", whole=True) == "€4,218"

    def test_times_are_written_in_the_members_zone(self, app):
        at = datetime.datetime(2026, 11, 21, 20, 31, tzinfo=datetime.UTC)
        with app.test_request_context():
            g.viewer = frame.Viewer("Li", zone="Asia/Shanghai")
            assert "22, 2026" in formats.when(at)

    @pytest.mark.parametrize(("back", "text"), [(10, "just now"), (3600 * 3, "3 hours ago")])
    def test_ago_speaks_and_keeps_the_exact_time(self, app, back, text):
        at = datetime.datetime.now(datetime.UTC) - datetime.timedelta(seconds=back)
        with app.test_request_context():
            shown = formats.ago(at)
        assert text in shown and at.isoformat() in shown

    @pytest.mark.parametrize(
        ("name", "letters"),
        [("Ada Lovelace", "AL"), ("王小明", "王"), ("ada@example.com", "A"), ("", "?"), (None, "?")],
    )
    def test_initials(self, name, letters):
        assert formats.initials(name) == letters

    @pytest.mark.parametrize(
        ("code", "name"),
        [("NO", "Norway"), ("no", "Norway"), ("XQ", "XQ"), ("Atlantis", "Atlantis"), ("", ""), (None, "")],
    )
    def test_countries_are_called_by_name(self, app, code, name):
        with app.test_request_context():
            assert formats.country(code) == name

    def test_attributes_are_escaped(self):
        assert formats.attributes({"title": '"<', "hidden": True, "x": None}) == ' title="&#34;&lt;" hidden'


def test_a_mail_in_a_timeline_is_told_in_the_readers_language(app):
    row = SimpleNamespace(kind="mail_opened", title="Opened “Tea “for” two”", details={}, link="", at=None)
    with app.test_request_context(), force_locale("zh_Hans"):
        assert happenings.entry(row)["title"] == "打开了“Tea “for” two”"


class TestNavigation:
    PLACES = (
        navigation.Place("home", "Home", "home.index"),
        navigation.Place("customers", "Customers", "customers.index", right="customers.read"),
        navigation.Place(
            "marketing",
            "Marketing",
            "nowhere",
            children=(navigation.Place("campaigns", "Campaigns", "campaigns.index"),),
        ),
    )

    @pytest.fixture
    def shown(self, app):
        for name in ("customers.index", "campaigns.index"):
            app.add_url_rule(f"/{name}", name, lambda: "")

        def show(**options):
            with app.test_request_context():
                return navigation.shown(app=app, places=self.PLACES, **options)

        return show

    def test_only_rooms_that_exist_are_shown(self, shown):
        assert [place.key for place in shown()] == ["customers", "marketing"]

    def test_a_room_without_a_page_of_its_own_leads_to_its_first_child(self, shown):
        assert shown()[1].url == "/campaigns.index"

    def test_rooms_without_the_right_are_hidden(self, shown):
        assert [place.key for place in shown(rights=["x"])] == ["marketing"]

    def test_the_active_child_marks_its_room(self, shown):
        room = shown(active="campaigns")[1]
        assert room.active and room.children[0].active


class TestHere:
    def test_it_changes_takes_away_and_begins_anew(self, app):
        with app.test_request_context("/_gallery/list?sort=name&q=a&cursor=c"):
            assert markup.here(sort="-name", q=None) == "/_gallery/list?sort=-name"

    def test_where_nothing_can_be_shown_it_leads_back(self, app):
        app.add_url_rule("/send", "send", lambda: "", methods=["POST"])
        came_from = {"Referer": "http://localhost/_gallery/list?x=1"}
        with app.test_request_context("/send", method="POST", headers=came_from):
            assert markup.here(lang="en") == "/_gallery/list"
        with app.test_request_context("/nothing", headers={"Referer": "http://elsewhere.example/x"}):
            assert markup.here(lang="en") == "/"

    def test_several_values_stay(self, app):
        with app.test_request_context("/_gallery/list?tag=a&tag=b"):
            assert markup.here(sort="x") == "/_gallery/list?tag=a&tag=b&sort=x"


class TestStatic:
    def test_a_file_with_its_hash_may_be_kept_for_ever(self, app, page):
        with app.test_request_context():
            url = markup.asset("css/regulars.css")
        with page.get(url) as kept, page.get(url.split("?")[0]) as other:
            assert "immutable" in kept.headers["Cache-Control"]
            assert "immutable" not in other.headers.get("Cache-Control", "")

    def test_a_component_that_does_not_exist_is_named(self, app):
        with app.test_request_context(), pytest.raises(markup.NoComponent, match="nonsense"):
            render_template_string("{{ ui.nonsense() }}")


class TestVendor:
    def test_every_icon_used_exists(self):
        if not vendor.MODULES.exists():
            pytest.skip("npm ci has not been run")
        assert '<symbol id="home"' in vendor.draw_sprite(vendor.used_icons())

    def test_an_unknown_icon_is_named(self):
        with pytest.raises(vendor.VendorMissing, match="no-such-icon"):
            vendor.draw_sprite({"no-such-icon"})

    def test_it_says_what_is_missing_before_it_writes(self, tmp_path):
        with pytest.raises(vendor.VendorMissing, match="npm ci"):
            vendor.copy_all(modules=tmp_path, target=tmp_path / "vendor")
        assert not (tmp_path / "vendor").exists()


class TestWords:
    def po(self, folder, name, text):
        path = folder / "zh_Hans" / "LC_MESSAGES" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f'msgid ""\nmsgstr "Content-Type: text/plain; charset=utf-8\\n"\n\n{text}', encoding="utf-8")

    def test_the_files_of_all_rooms_become_one(self, tmp_path):
        self.po(tmp_path, "a.po", 'msgid "One"\nmsgstr "一"\n')
        self.po(tmp_path, "b.po", 'msgid "Two"\nmsgstr "二"\n\nmsgid "One"\nmsgstr "一"\n')
        assert words.compile_all(translations=tmp_path) == 2

    def test_the_shared_words_win(self, tmp_path):
        self.po(tmp_path, "a.po", 'msgid "One"\nmsgstr "壹"\n')
        self.po(tmp_path, "messages.po", 'msgid "One"\nmsgstr "一"\n')
        assert words.merged("zh_Hans", translations=tmp_path).get("One").string == "一"

    def test_a_lost_placeholder_is_refused(self, tmp_path):
        self.po(tmp_path, "a.po", '#, python-format\nmsgid "%(count)s rows"\nmsgstr "行"\n')
        with pytest.raises(words.WrongTranslation):
            words.compile_all(translations=tmp_path)
