"""The guides to connecting a shop: their examples run as they are, and what they name is there."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from saas.commerce import connecting_words
from saas.commerce.connectors import generic
from saas.config import Settings
from tenant_admin import guides
from tests.doors.test_hooks import connect
from tests.wordpress_box import reachable  # noqa: F401

DOCS = Path(__file__).parents[2] / "docs"
EXAMPLES = {"tell_regulars.py": sys.executable, "tell_regulars.mjs": shutil.which("node") or "node"}


class TestExamples:
    @pytest.mark.parametrize("name", EXAMPLES)
    def test_an_example_tells_of_a_product_a_customer_and_an_order(self, company, drain, reachable, name):  # noqa: F811
        shop = connect(company)
        surroundings = {
            **os.environ,
            "REGULARS_ADDRESS": shop["webhook_url"],
            "REGULARS_SECRET": shop["webhook_secret"],
        }
        done = subprocess.run(
            [EXAMPLES[name], str(DOCS / "examples" / name)],
            env=surroundings,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        assert done.stdout.count("stored") == 3, done
        drain(company)
        order = company.api("GET", "/orders").json["items"][0]
        assert (order["number"], order["total"]) == ("2026-0009", "28.90")
        assert [one["name"] for one in company.api("GET", "/products").json["items"]] == ["Green tea"]
        assert [one["email"] for one in company.api("GET", "/customers").json["items"]] == ["ann@example.com"]

    @pytest.mark.parametrize("name", EXAMPLES)
    def test_an_example_has_about_forty_lines(self, name):
        assert len((DOCS / "examples" / name).read_text().splitlines()) <= 46


class TestGuides:
    @pytest.mark.parametrize("name", guides.SHOWN)
    def test_a_guide_is_shown_with_the_address_of_this_place(self, app, name):
        page = app.test_client().get(f"/docs/{name}")
        assert page.status_code == 200
        assert guides.EXAMPLE not in page.text
        assert "```" not in page.text
        assert not re.search(r"<p>\||<p>#", page.text)

    def test_only_guides_are_shown(self, app):
        assert app.test_client().get("/docs/operators").status_code == 404

    @pytest.mark.parametrize("kind", ["woocommerce", "shopify", "generic"])
    def test_settings_and_addresses_that_a_guide_names_are_there(self, app, kind):
        text = (DOCS / f"connect-{kind}.md").read_text(encoding="utf-8")
        known = {name.upper() for name in Settings.__dataclass_fields__}
        named = set(re.findall(r"`([A-Z]+_[A-Z_]+)(?:=\S*)?`", text)) - {"REGULARS_ADDRESS", "REGULARS_SECRET"}
        assert named <= known
        rules = {re.sub(r"<[^>]*>", "*", rule.rule) for rule in app.url_map.iter_rules()}
        for path in re.findall(r"/api/v1/[a-z_<>/-]+", text):
            assert re.sub(r"<[^>]*>", "*", path).rstrip("/") in rules, path

    @pytest.mark.parametrize("name", guides.SHOWN)
    def test_links_between_guides_lead_somewhere(self, name):
        text = (DOCS / f"{name}.md").read_text(encoding="utf-8")
        for words, where in re.findall(r"\[([^\]]+)\]\(([^)\s]+)\)", text):
            file, _sharp, anchor = where.partition("#")
            if where.startswith("https://"):
                continue
            there = DOCS / (file or f"{name}.md")
            assert there.exists(), words
            if anchor:
                heads = re.findall(r"^#{1,4} (.*)$", there.read_text(encoding="utf-8"), flags=re.MULTILINE)
                assert anchor in {guides._anchor(head) for head in heads}, where

    def test_the_types_that_the_generic_guide_names_are_taken(self):
        text = (DOCS / "connect-generic.md").read_text(encoding="utf-8")
        assert set(re.findall(r"`((?:product|customer|order|refund)\.[a-z]+)`", text)) <= set(generic.TOPICS)

    def test_the_signature_to_compare_with_is_right(self):
        text = (DOCS / "connect-generic.md").read_text(encoding="utf-8")
        assert generic.signature("s3cret", "msg_1", "1700000000", b'{"type":"ping"}') in text

    def test_what_the_guide_says_to_press_is_on_the_page(self):
        text = (DOCS / "connect-woocommerce.md").read_text(encoding="utf-8")
        pages = "".join(
            path.read_text() for path in (Path(guides.__file__).parent / "templates" / "shops").glob("*.html")
        )
        ours = {
            "Begin",
            "Check again",
            "Get the keys from the shop",
            "Check the keys",
            "Set them up again",
            "Other keys",
        }
        assert ours <= set(re.findall(r"\*\*([^*]+)\*\*", text))
        assert all(f'_("{words}")' in pages for words in ours)

    def test_every_sentence_of_a_step_says_its_values_and_no_others(self):
        filled = dict.fromkeys(("host", "status", "count", "topic", "product"), "x")
        for code in connecting_words.SENTENCES:
            assert "%(" not in connecting_words.say(code, filled)
