"""Mails from a marketer's source to what a person reads: compiling, places of faults, abuse, filling in."""

# ruff: noqa: E501 - templates and attacks read better on one line
from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from saas.marketing import converting, limits, markup, previews, rendering, starter_letters, templating, tracking

PERSON = {
    "customer": {"first_name": "Ann", "city": "Köln", "points": 7, "tags": ["b", "a"]},
    "company": {"name": "North & Pine", "address": "12 Mill Lane, Leeds"},
    "shop": {"url": "https://shop.example"},
    "offers": [
        {
            "name": f"Bowl <{number}>",
            "url": f"https://go.example/m/c/offer{number}",
            "image_url": "https://shop.example/bowl.png",
            "price": "12.50",
            "currency": "EUR",
            "reason": {"code": "together", "text": "because you looked at spoons"},
        }
        for number in range(4)
    ],
}
LEAVE = "https://go.example/m/u/token"


def mjml(inside, *, head=""):
    start = f"<mjml><mj-head>{head}</mj-head><mj-body><mj-section><mj-column>"
    return f"{start}{inside}</mj-column></mj-section></mj-body></mjml>"


def compiled(body, *, subject="Hello", **more):
    made = rendering.compile(subject=subject, body=body, **more)
    assert made.problems == (), made.problems
    return made


def filled(body, *, data=None, subject="Hello", open_url="", **more):
    made = compiled(body, subject=subject, **more)
    tracked = [f"https://go.example/m/c/{number}" for number in range(len(made.links))]
    person = PERSON if data is None else data
    return rendering.Letter(made).fill(person, tracked=tracked, unsubscribe_url=LEAVE, open_url=open_url)


def problems(body, **more):
    return [
        (found.part, found.line, found.column, found.sentence)
        for found in rendering.compile(**{"subject": "Hello", "body": body} | more).problems
    ]


class TestMjml:
    def test_a_person_gets_both_parts(self):
        parts = filled(mjml("<mj-text>Hello <b>{{ customer.first_name }}</b>,<br>from {{ customer.city }}</mj-text>"))
        assert "Hello <b>Ann</b>" in parts.html and parts.html[:15].lower() == "<!doctype html>"
        assert "Hello Ann,\nfrom Köln" in parts.text and "<" not in parts.text.replace("<1>", "")

    def test_data_is_escaped_in_html_and_plain_in_text(self):
        person = PERSON | {"customer": {"first_name": "<b>A & B</b>"}}
        parts = filled(mjml("<mj-text>Hello {{ customer.first_name }}</mj-text>"), data=person)
        assert "Hello &lt;b&gt;A &amp; B&lt;/b&gt;" in parts.html
        assert "Hello <b>A & B</b>" in parts.text

    def test_liquid_between_sections_chooses_and_repeats_them(self):
        body = (
            "<mjml><mj-body>{% for offer in offers limit: 2 %}<mj-section><mj-column><mj-text>{{ offer.name }}</mj-text>"
            "</mj-column></mj-section>{% endfor %}{% if customer.points > 100 %}<mj-section><mj-column><mj-text>VIP"
            "</mj-text></mj-column></mj-section>{% endif %}</mj-body></mjml>"
        )
        parts = filled(body)
        assert parts.html.count("Bowl &lt;") == 2 and "VIP" not in parts.html + parts.text
        assert "VIP" in filled(body, data=PERSON | {"customer": {"points": 101}}).html

    def test_comparison_signs_in_liquid_survive(self):
        body = mjml("<mj-text>{% if customer.points < 10 and customer.city != '' %}few{% endif %}</mj-text>")
        assert ">few<" in filled(body).html

    def test_liquid_in_attributes_titles_and_quotation_marks(self):
        body = mjml(
            """<mj-button background-color="{{ company.color | default: '#123456' }}" href="{{ shop.url }}">Go</mj-button>""",
            head="<mj-title>For {{ customer.first_name }}</mj-title><mj-preview>{{ customer.city }}</mj-preview>",
        )
        parts = filled(body)
        assert "#123456" in parts.html and "<title>For Ann</title>" in parts.html and ">Köln</div>" in parts.html

    def test_attributes_of_html_inside_text_come_through_unchanged(self):
        body = mjml(
            """<mj-text><a href='https://shop.example/"q"\\x' title="é&#10;好">x</a><img src=https://shop.example/a.png></mj-text>"""
        )
        html = filled(body).html
        assert re.search(r'title="(é|&#233;)[ ]?&#10;(好|&#22909;)"', html), html[-900:]
        assert 'src="https://shop.example/a.png"' in html and "\\u{" not in html and '\\"' not in html

    def test_no_font_is_fetched_from_elsewhere(self):
        assert "googleapis" not in filled(mjml("<mj-text>x</mj-text>")).html

    def test_a_raw_block_stays_as_written(self):
        parts = filled(mjml("<mj-text>{% raw %}{{ not.liquid }}{% endraw %}</mj-text>"))
        assert "{{ not.liquid }}" in parts.html and "{{ not.liquid }}" in parts.text

    @pytest.mark.parametrize("key", starter_letters.KEYS)
    def test_the_line_ends_that_a_form_sends_will_do(self, key):
        source = starter_letters.one(key=key).body.replace("\n", "\r\n")
        assert rendering.compile(subject="Tea", body=source).problems == ()


class TestHtml:
    def test_styles_move_into_the_elements_and_liquid_survives(self):
        body = (
            "<html><head><style>.a{color:red} @media (max-width:400px){.a{color:blue}}</style></head><body>"
            "<table class='a'>{% for tag in customer.tags %}<tr><td class=a>{{ tag }}{% if 1 < 2 %}!{% endif %}</td></tr>{% endfor %}"
            "</table></body></html>"
        )
        html = filled(body).html
        assert html.count('<tr><td class="a" style="color: red;">') == 2
        assert "b!</td>" in html and "a!</td>" in html and "@media" in html

    def test_html_without_a_frame_becomes_a_document(self):
        assert filled("<p>Hello {{ customer.first_name }}").html.startswith("<!doctype html><html>")


class TestTextPart:
    def test_it_reads_well(self):
        body = mjml(
            "<mj-text><h1>News &amp; more</h1><p>One <a href='https://shop.example/a'>link</a>.</p><ul><li>first</li>"
            "<li>second</li></ul></mj-text><mj-image src='https://shop.example/x.png' alt='A bowl'/>"
            "<mj-text><div style='display:none'>hidden</div><style>p{}</style>End</mj-text>"
        )
        text = filled(body).text
        assert text.startswith(
            "News & more\n\nOne link (https://go.example/m/c/0).\n\n- first\n- second\n\nA bowl\n\nEnd\n"
        )

    def test_a_given_text_is_taken_and_its_links_are_tracked(self):
        parts = filled(mjml("<mj-text>x</mj-text>"), text="Hi {{ customer.first_name }}, see https://shop.example/b.")
        assert parts.text.startswith("Hi Ann, see https://go.example/m/c/0.\n")


class TestLinks:
    def test_each_address_is_one_link_in_both_parts(self):
        body = mjml(
            "<mj-text><a href='https://shop.example/a?x=1&amp;y=2'>A</a> <a href='https://shop.example/a?x=1&amp;y=2'>again</a>"
            "<a href='http://shop.example/b'>B</a><a href='mailto:x@shop.example'>mail</a><a href='#top'>up</a></mj-text>"
        )
        made = compiled(body)
        assert [link.target for link in made.links] == ["https://shop.example/a?x=1&y=2", "http://shop.example/b"]
        assert made.links[0].label == "A" and not made.links[0].personal
        parts = filled(body)
        assert parts.html.count('"https://go.example/m/c/0"') == 2
        assert "A (https://go.example/m/c/0)" in parts.text and "shop.example/a" not in parts.text + parts.html
        assert "mailto:x@shop.example" in parts.html and '"#top"' in parts.html

    def test_a_personal_target_is_worked_out_at_the_click(self):
        (link,) = compiled(mjml("<mj-text><a href='https://shop.example/{{ customer.city }}'>x</a></mj-text>")).links
        assert link.personal
        assert tracking.target(link, PERSON) == "https://shop.example/K%C3%B6ln"

    @pytest.mark.parametrize(
        "city", ["@evil.example/", "//evil.example", "\r\nX: y", "?u=https://evil.example", "..\\x"]
    )
    def test_data_cannot_move_a_target_to_another_host(self, city):
        (link,) = compiled(mjml("<mj-text><a href='https://shop.example/{{ customer.city }}'>x</a></mj-text>")).links
        assert tracking.target(link, {"customer": {"city": city}}).startswith("https://shop.example/")

    @pytest.mark.parametrize(
        ("address", "tracked"),
        [
            ("{{ shop.url }}", True),
            ("{{ shop.url }}/new", True),
            ("{{ cart.url | default: shop.url }}", True),
            ("{{ customer.website }}", False),
            ("{{ unsubscribe_url }}", False),
            ("https://shop.example{{ customer.city }}", False),
            ("{{ shop.url }}.evil.example", False),
        ],
    )
    def test_only_addresses_of_our_own_are_tracked(self, address, tracked):
        made = compiled(mjml(f"<mj-text><a href='{address}'>x</a></mj-text>"))
        assert [link.target for link in made.links] == ([address] if tracked else [])

    def test_a_cart_outside_the_shop_leads_to_the_shop(self):
        (link,) = compiled(mjml("<mj-button href='{{ cart.url }}'>x</mj-button>")).links
        assert (
            tracking.target(link, PERSON | {"cart": {"url": "https://shop.example/cart?a=1"}})
            == "https://shop.example/cart?a=1"
        )
        assert tracking.target(link, PERSON | {"cart": {"url": "https://evil.example/cart"}}) == "https://shop.example"
        with pytest.raises(templating.RenderFailed):
            tracking.target(link, {"cart": {"url": "https://evil.example"}})


class TestObligations:
    def test_the_way_out_and_the_address_are_added_to_both_parts(self):
        parts = filled(mjml("<mj-text>x</mj-text>"))
        for part in (parts.html, parts.text):
            assert part.count(LEAVE) == 1 and "12 Mill Lane, Leeds" in part
        assert "Unsubscribe</a>" in parts.html

    def test_they_are_not_added_twice(self):
        parts = filled(mjml("<mj-text>{{ company.address }} <a href='{{ unsubscribe_url }}'>leave</a></mj-text>"))
        assert parts.html.count(LEAVE) == parts.html.count("12 Mill Lane") == 1
        assert parts.text.count(LEAVE) == parts.text.count("12 Mill Lane") == 1

    @pytest.mark.parametrize(
        "trick",
        [
            "{% if false %}<a href='{{ unsubscribe_url }}'>x</a>{% endif %}",
            "{% assign unsubscribe_url = 'https://evil.example' %}<a href='{{ unsubscribe_url }}'>x</a>",
            "{% comment %}{{ unsubscribe_url }}{% endcomment %}",
            "{{ unsubscribe_url | remove: 'token' }}",
        ],
    )
    def test_no_trick_takes_the_way_out_away(self, trick):
        parts = filled(mjml(f"<mj-text>{trick}</mj-text>"))
        assert f'href="{LEAVE}"' in parts.html and LEAVE in parts.text

    def test_chinese_mails_have_a_chinese_footer(self):
        parts = filled(mjml("<mj-text>你好</mj-text>"), language="zh")
        assert ">退订</a>" in parts.html and f"退订: {LEAVE}" in parts.text

    def test_the_open_pixel_is_there_only_when_opens_are_tracked(self):
        assert (
            'src="https://go.example/m/o/x"'
            in filled(mjml("<mj-text>x</mj-text>"), open_url="https://go.example/m/o/x").html
        )
        assert 'width="1"' not in filled(mjml("<mj-text>x</mj-text>")).html


class TestOffers:
    @pytest.mark.parametrize("place", [mjml("<mj-text>{% offers limit: 2 %}</mj-text>"), mjml("{% offers limit: 2 %}"),
                                       "<mjml><mj-body>{% offers limit: 2 %}</mj-body></mjml>", "<p>{% offers limit: 2 %}</p>"])  # fmt: skip
    def test_the_block_may_stand_anywhere(self, place):
        made, parts = compiled(place), filled(place)
        assert made.offers == 2
        assert parts.html.count("Bowl &lt;") == 2 and parts.html.count("€12.50") == 2
        assert "Bowl <1> - €12.50\nbecause you looked at spoons\nhttps://go.example/m/c/offer1" in parts.text

    def test_prices_are_written_in_the_language_of_the_mail(self):
        assert "12,50\xa0€" in filled(mjml("{% offers %}"), language="de").html

    def test_without_offers_the_block_leaves_no_trace(self):
        parts = filled(mjml("<mj-text>x{% offers %}y</mj-text>"), data=PERSON | {"offers": []})
        assert ">xy<" in parts.html.replace("\n", "")

    @pytest.mark.parametrize(
        ("body", "count"),
        [
            ("{{ customer.city }}", 0),
            ("{% for offer in offers %}{{ offer.name }}{% endfor %}", 4),
            ("{% for offer in offers limit: 6 %}{{ offer.name }}{% endfor %}", 6),
            ("{% if offers.size > 0 %}{% offers limit: 5, columns: 2, button: 'Look' %}{% endif %}", 5),
        ],
    )
    def test_the_mail_says_how_many_it_can_show(self, body, count):
        assert compiled(f"<p>{body}</p>").offers == count

    def test_an_offer_with_evil_data_stays_text(self):
        evil = '"><script>alert(1)</script>'
        offer = dict.fromkeys(["name", "image_url", "price", "currency", "url"], evil) | {"reason": {"text": evil}}
        html = filled(mjml("{% offers button: 'x' %}"), data=PERSON | {"offers": [offer]}).html
        assert "<script" not in html


class TestPlaces:
    @pytest.mark.parametrize(
        ("body", "line", "column", "word"),
        [
            ("<p>\n {{ customer. }}</p>", 2, 5, "Liquid"),
            ("<p>\n  {{ a b }}</p>", 2, 8, "Liquid"),
            ("<p>\n\n  {{ }}</p>", 3, 5, "Liquid"),
            ("<p>{% if a %}</p>\n", 1, 4, "never closed"),
            ("<p>\n{% endfor %}</p>", 2, 1, "closes nothing"),
            ("<p>\n{% if a %}{% for b in c %}{% endif %}", 2, 27, "needed"),
            ("<p>{{ a | shout }}</p>", 1, 11, "no filter shout"),
            ("<p>\n {% frobnicate %}</p>", 2, 5, "frobnicate"),
            ("<p>{% include 'x' %}</p>", 1, 7, "include"),
            ("<p>\n{{ a ", 2, 1, "never closed"),
            ("<p>{% raw %}</p>", 1, 4, "never closed"),
            ("<p>{% offers limit: 99 %}</p>", 1, 14, "1 to 12"),
            ("<mjml>\n<mj-body>\n {{ x }}<mj-foo></mj-foo></mj-body></mjml>", 3, 2, "mj-text"),
            ("<mjml>\n<mj-body>\n<mj-section>\n <mj-foo></mj-foo></mj-section></mj-body></mjml>", 4, 2, "no MJML tag"),
            ("<mjml><mj-body>\n  <mj-column></mj-column></mj-body></mjml>", 2, 3, "cannot stand"),
            ("<mjml><mj-body>\n{{ a }}\n  <mj-section></mj-body></mjml>", 3, 3, "not closed before"),
            ("<mjml><mj-body></mj-section></mj-body></mjml>", 1, 16, "not open"),
            ("<mjml><mj-body>", 1, 7, "never closed"),
            ("<mjml><mj-body><!-- x </mj-body></mjml>", 1, 16, "never closed"),
            ("<mjml><mj-body><mj-include path='/etc/passwd'/></mj-body></mjml>", 1, 16, "not available"),
            (mjml("<mj-text>\n<a {% if x %}href='y'{% endif %}>z</a></mj-text>"), 2, 1, "attribute's value"),
            ("<p>\n <script>alert(1)</script></p>", 2, 2, "no place"),
            ("<p>\n <img src=x onerror=alert(1)></p>", 2, 2, "onerror"),
            ("<a href='java&#115;cript:alert(1)'>x</a>", 1, 1, "address"),
            ("<a href=' javascript:alert(1)'>x</a>", 1, 1, "address"),
            ("<iframe src='https://x.example'></iframe>", 1, 1, "no place"),
            ("<p a=1 a=2>x</p>", 1, 8, "twice"),
        ],
    )  # fmt: skip
    def test_a_fault_is_told_with_its_place(self, body, line, column, word):
        found = problems(body)
        assert found, "no problem was found"
        places = {(at_line, at_column) for part, at_line, at_column, sentence in found if word in sentence}
        assert (line, column) in places, found

    def test_a_fault_after_liquid_and_chinese_is_placed_in_the_source_not_in_what_we_made_of_it(self):
        body = mjml(
            "<mj-text>好{{ customer.first_name | default: '好' }}{% if a %}</mj-text>\n{% endif %}<mj-blink></mj-blink>"
        )
        assert problems(body)[0][1:3] == (2, 12)

    def test_all_faults_of_a_layout_are_told_at_once(self):
        assert len(problems("<mjml><mj-body><mj-foo></mj-foo><mj-bar></mj-bar><script></script></mj-body></mjml>")) >= 3

    def test_the_part_is_named(self):
        assert problems("<p>x</p>", subject="{{ a")[0][0] == "subject"
        assert problems("<p>x</p>", text="\n{{ a |")[0][:2] == ("text", 2)
        assert {found[0] for found in problems("", subject=" ")} == {"subject", "body"}

    def test_a_fault_that_only_data_shows_is_found_with_a_sample(self):
        found = problems("<p>\n{{ customer.points | divided_by: 0 }}</p>", sample=PERSON)
        assert found[0][:2] == ("body", 2)

    def test_a_misspelt_name_is_a_warning(self):
        made = rendering.compile(subject="x", body="<p>\n{{ custmer.name }}</p>")
        assert made.problems == ()
        assert [(found.line, "custmer" in found.sentence) for found in made.warnings] == [(2, True)]

    def test_a_mail_with_problems_is_never_filled_in(self):
        with pytest.raises(templating.RenderFailed):
            rendering.Letter(rendering.compile(subject="x", body="<p>{{ a"))

    def test_a_compiled_mail_survives_being_stored(self):
        made = compiled(mjml("<mj-text><a href='https://shop.example'>x</a>{{ nobody }}</mj-text>"))
        assert rendering.Compiled.load(made.dump()) == made


class Danger:
    """What a template must never reach: attributes, methods, text forms."""

    secret = "s3cret"

    def __str__(self):
        return self.secret

    def __getitem__(self, key):
        return self.secret

    def delete(self):
        raise AssertionError("called")


def bombs():
    big = "{% assign s = 'aaaaaaaaaaaaaaaa' %}" + "{% assign s = s | append: s %}" * 10
    yield (
        "nested loops",
        "{% for a in (1..1000) %}{% for b in (1..1000) %}{% for c in (1..1000) %}x{% endfor %}{% endfor %}{% endfor %}",
    )
    yield "loops in a row", "{% for a in (1..1000) %}{% endfor %}" * 2000
    yield "loops in a row with work", "{% for a in (1..1000) %}{{ 'abc' | upcase }}{% endfor %}" * 200
    yield "a long range", "{% for a in (1..1000000000) %}x{% endfor %}"
    yield "a range looked through", "{% if (1..1000000000) contains 'x' %}y{% endif %}"
    yield "a range kept and looked through", "{% assign r = (1..1000000000) %}{% if r contains 'x' %}y{% endif %}"
    yield "a range from data", "{% if (1..customer.many) contains 'x' %}y{% endif %}"
    yield "a range joined", "{{ (1..100000000) | join: 'xxxxxxxxxx' }}"
    yield "a range sorted", "{{ (1..100000000) | sort | size }}"
    yield "doubling", "{% assign s = 'aaaaaaaa' %}" + "{% assign s = s | append: s %}" * 40
    yield (
        "captured doubling",
        "{% capture s %}aaaaaaaa{% endcapture %}" + "{% capture s %}{{ s }}{{ s }}{% endcapture %}" * 40,
    )
    yield "replace in replace", big + "{{ s | replace: 'a', s | replace: 'a', s | replace: 'a', s }}"
    yield "join", big + "{{ s | split: '' | join: s }}"
    yield "output", big + "{{ s }}" * 200
    yield "numbers", "{% assign n = 9999999999 %}" + "{% assign n = n | times: n %}" * 40 + "{{ n }}"
    yield "exponents", "{{ '1e999999999' | plus: 1 }}"
    yield "long digits", "{{ '" + "9" * 1900 + "' | times: 1 }}"
    yield "padding", "{{ 'now' | date: '%99999999d' }}{{ 'now' | date: '%0999999999Y' }}"
    yield "deep blocks", "{% if a %}" * 500 + "{% endif %}" * 500
    yield "deep conditions", "{% if " + " or ".join(["a"] * 600) + " %}x{% endif %}"
    yield "deep brackets", "{{ a" + "[a" * 600 + "]" * 600 + " }}"
    yield "unclosed outputs", "{{" * 60_000
    yield "unclosed tags", "{%" * 60_000
    yield "white space", "{{" + " " * 200_000 + "}}"
    yield "many raw blocks", "{% raw %}" * 20_000
    yield "many comments", "{% comment %}" * 15_000
    yield "angle brackets stripped", big + "{{ s | replace: 'a', '<' | strip_html | size }}"
    yield "recursion by itself", "{% include 'self' %}{% render 'self' %}"


class TestAbuse:
    @pytest.mark.parametrize(("name", "source"), list(bombs()), ids=[name for name, _ in bombs()])
    def test_no_template_takes_long_or_grows_large(self, name, source):
        started = time.process_time()
        made = rendering.compile(subject="x", body=f"<p>{source}</p>")
        if not made.problems:
            try:
                data = PERSON | {"customer": {"many": 10**9}}
                parts = rendering.Letter(made).fill(data, tracked=[], unsubscribe_url=LEAVE)
                assert len(parts.html) < 600_000
            except templating.RenderFailed as refusal:
                assert refusal.message
        assert time.process_time() - started < 5

    @pytest.mark.parametrize(
        "expression",
        [
            "x.__class__", "x.__class__.__mro__", "x['__class__']", "x._private", "x.secret", "x.delete", "x.items", "x.keys",
            "customer.__class__", "customer.items", "customer.keys", "customer.get", "customer.tags.append", "'a'.__class__",
            "customer.first_name.upper", "customer.first_name.format", "forloop.__class__", "self", "template", "env", "globals",
        ],
    )  # fmt: skip
    def test_nothing_of_python_is_reached(self, expression):
        template, faults = templating.read("{{ " + expression + " }}", part="body")
        out = "" if faults else template.fill({"x": {"y": 1}, "customer": PERSON["customer"]})
        assert out == ""

    @pytest.mark.parametrize("value", [Danger(), Danger, len, {"a": Danger()}, [Danger()], limits.Output(1)])
    def test_objects_are_refused_as_data(self, value):
        with pytest.raises(TypeError):
            filled("<p>x</p>", data={"x": value})

    def test_marked_up_text_is_refused_as_data(self):
        with pytest.raises(TypeError):
            filled("<p>{{ x }}</p>", data={"x": __import__("markupsafe").Markup("<b>")})

    def test_there_is_no_filter_that_stops_escaping(self):
        assert "safe" not in templating.HTML.filters

    @pytest.mark.parametrize("name", sorted(templating.HTML.filters))
    def test_no_filter_lets_markup_in_data_through(self, name):
        evil = "<script>alert(1)</script>"
        encoded = ["%3Cscript%3E", "PHNjcmlwdD4=", "&lt;script&gt;"]
        for value in [evil, [evil, evil], [{"a": evil}], *encoded]:
            for source in [
                "{{ x | %s }}", "{{ x | %s: x }}", "{{ x | %s: x, x }}", "{{ '<b>a</b>' | %s: x }}", "{{ 'a' | %s: 'a', x }}",
                "{{ x | %s: 'a' }}", "{{ x | %s | append: '' }}", "{{ 'a' | append: x | %s }}", "{{ x | escape | %s }}",
            ]:  # fmt: skip
                template, faults = templating.read(source % name, part="body", language=templating.HTML)
                assert not faults
                try:
                    out = template.fill({"x": value})
                except templating.LiquidError:
                    continue
                assert "<script" not in out.lower(), (source % name, out)

    @pytest.mark.parametrize("name", sorted(templating.SOURCE.filters))
    def test_no_filter_is_slow_on_a_long_text(self, name):
        for text in [
            "<" * 60_000,
            "&" * 60_000,
            "a " * 30_000,
            "<a" * 30_000,
            "<!--" * 15_000,
            "9" * 60_000,
            "1e9999999",
        ]:
            for source in ["{{ x | %s }}", "{{ x | %s: '<' }}", "{{ x | %s: ' ', 'y' }}"]:
                template, _ = templating.read(source % name, part="body")
                started = time.process_time()
                try:
                    template.fill({"x": text})
                except (templating.LiquidError, ValueError, ArithmeticError, TypeError):
                    pass
                assert time.process_time() - started < 0.5, (source % name, text[:5])

    @pytest.mark.parametrize("opening", ["<mj-text>", "<mj-section>", "<mj-wrapper>", "<div>", "<b>", "<!--", "<a b='"])
    def test_deep_layouts_are_refused_before_they_reach_the_converter(self, opening):
        for body in (f"<mjml><mj-body>{opening * 5000}", opening * 5000):
            assert problems(body) or opening == "<b>"

    def test_a_source_that_is_too_large_is_refused(self):
        assert "larger than 256 kB" in problems("<p>" + "好" * 100_000 + "</p>")[0][3]

    def test_a_converter_that_dies_is_a_fault_and_not_a_crash(self):
        deep = "<mjml><mj-body>" + "<mj-wrapper>" * 20_000 + "</mj-wrapper>" * 20_000 + "</mj-body></mjml>"
        with pytest.raises(markup.Unreadable, match="more than the converter can take"):
            converting.convert(deep, kind="mjml")

    @settings(deadline=None, max_examples=60)
    @given(
        st.lists(st.sampled_from([*"<>/=%\"' \nab!-&;", "mj-text", "<p>", "{{", "}}", "{% if a %}", "</p>", "<mjml>"]))
    )
    def test_any_nonsense_ends_in_problems_or_a_mail(self, pieces):
        made = rendering.compile(subject="x", body="".join(pieces))
        if not made.problems:
            parts = rendering.Letter(made).fill(PERSON, tracked=["x"] * len(made.links), unsubscribe_url=LEAVE)
            assert parts.subject == "x" and LEAVE in parts.html and LEAVE in parts.text


class TestSubject:
    def test_line_breaks_and_control_signs_become_spaces(self):
        person = PERSON | {"customer": {"first_name": "Ann\r\nBcc: x\0\u2028y"}}
        assert filled("<p>x</p>", subject="Hi {{ customer.first_name }}\n!", data=person).subject == "Hi Ann Bcc: x y !"

    def test_it_is_not_escaped(self):
        assert filled("<p>x</p>", subject="{{ company.name }}").subject == "North & Pine"

    def test_an_empty_one_is_refused(self):
        with pytest.raises(templating.RenderFailed):
            filled("<p>x</p>", subject="{{ nobody }}")


class TestPreview:
    @pytest.mark.parametrize(
        "evil",
        [
            "<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "<a href='javascript:alert(1)'>x</a>", "<svg onload=alert(1)>",
            "<iframe src='https://x.example'></iframe>", "<form action='/x'><input name=a></form>", "<base href='https://x.example'>",
            "<meta http-equiv=refresh content='0;url=https://x.example'>", "<object data='x'></object>", "<!--><script>alert(1)</script>-->",
            "<math><mtext></p><style><img src=x onerror=alert(1)></style>", "<p style='width:expression(alert(1))'>x</p>",
            "<style>p{background:url(javascript:alert(1))}</style>", "<style></style><script>alert(1)</script><style></style>",
            "<body onload=alert(1) style='x:expression(alert(1))'>", "<title><script>alert(1)</script></title>",
            "<style>@import url(https://x.example/a.css);</style>", "<p style='x:exp/**/ression(alert(1))'>x</p>",
            "<p style='x:\\65xpression(alert(1))'>x</p>", "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
        ],
    )  # fmt: skip
    def test_nothing_that_acts_is_left(self, evil):
        shown = previews.sandboxed(f"<html><body><p>before</p>{evil}</body></html>")
        assert not re.search(
            r"<script|<iframe|<form|<input|<base|<object|<svg|http-equiv|<[^>]*\son\w+\s*=|href=\"?javascript|expression\s*\(|@import|url\(javascript",
            shown.lower(),
        ), shown
        assert "before" in shown

    def test_it_looks_like_the_mail(self):
        shown = previews.sandboxed(filled(starter_letters.one(key="welcome").body).html)
        assert (
            'style="word-spacing' in shown and "@media" in shown and 'bgcolor="#0f766e"' in shown and "<table" in shown
        )

    def test_links_open_outside_the_frame_and_tell_nothing(self):
        shown = previews.sandboxed("<a href='https://x.example'>x</a>")
        assert 'rel="noopener noreferrer nofollow"' in shown and 'target="_blank"' in shown


class TestStarters:
    @pytest.mark.parametrize("language", starter_letters.LANGUAGES)
    @pytest.mark.parametrize("key", starter_letters.KEYS)
    def test_each_compiles_without_a_word_of_complaint(self, key, language):
        starter = starter_letters.one(key=key, language=language)
        made = rendering.compile(subject=starter.subject, body=starter.body, language=language, sample=PERSON)
        assert (made.problems, made.warnings) == ((), ())
        tracked = ["https://go.example/m/c/0"] * len(made.links)
        parts = rendering.Letter(made).fill(PERSON, tracked=tracked, unsubscribe_url=LEAVE)
        assert "[[" not in parts.html + parts.subject and parts.html.count(LEAVE) == 1
        assert ("退订" in parts.text) is (language == "zh")
        assert len(parts.html) < 100_000  # Gmail cuts mails off at 102 kB

    def test_each_reads_well_for_someone_without_a_name_or_offers(self):
        for starter in starter_letters.every():
            parts = filled(
                starter.body, subject=starter.subject, data={"company": {"name": "Pine"}, "shop": PERSON["shop"]}
            )
            assert " ," not in parts.text and "  " not in parts.subject and not parts.subject.endswith(", ")

    def test_an_unknown_one_is_not_found(self):
        with pytest.raises(starter_letters.StarterNotFound):
            starter_letters.one(key="../../etc/passwd")
