"""The letters Regulars writes: both languages say the same, and nothing breaks out of them."""

from __future__ import annotations

import email
import re
from email.policy import default

import pytest

from saas import config
from saas.kit import servers, work
from saas.tenancy import letter_words, letters, logins


def compose(kind="invite", **more):
    values = {"to": "ada@shop.example", "name": "Ada", "language": "en", "path": "/x",
              "values": {"invited_by": "Grace", "company": "Lamps"}} | more  # fmt: skip
    return email.message_from_bytes(letters.compose(kind, **values).as_bytes(), policy=default)


@pytest.mark.parametrize("kind", letter_words.LETTERS)
def test_both_languages_fill_in_the_same_names(kind):
    english, chinese = letter_words.LETTERS[kind]["en"], letter_words.LETTERS[kind]["zh_Hans"]
    for part in letter_words.Words.__dataclass_fields__:
        names = [set(re.findall(r"{(\w+)}", getattr(words, part))) for words in (english, chinese)]
        assert names[0] == names[1], part


@pytest.mark.usefixtures("settings_in_environment")
class TestCompose:
    @pytest.mark.parametrize("language", ["en", "zh_Hans", "fr", ""])
    def test_text_and_html_both_bring_the_link(self, language):
        letter = compose(language=language)
        for part in ("plain", "html"):
            assert f"{config.get().public_url}/x" in letter.get_body((part,)).get_content()
        assert letter["Auto-Submitted"] == "auto-generated"

    def test_a_name_cannot_become_markup_or_a_header(self):
        letter = compose(
            name="<b>Ada\r\nBcc: x@y.example",
            values={"invited_by": "<i>Eve</i>\r\nBcc: x@y.example", "company": "{0.__class__}"},
        )
        page = letter.get_body(("html",)).get_content()
        assert letter["Bcc"] is None and "<b>" not in page and "<i>" not in page
        assert "{0.__class__}" in letter["Subject"]


class TestSending:
    def test_a_mail_server_that_is_away_leaves_the_event_for_later(self, company, context, monkeypatch):
        monkeypatch.setenv("SMTP_URL", f"smtp://127.0.0.1:{servers.free_port()}")
        config.get.cache_clear()
        try:
            with work.unit(tenant_id=company.tenant_id), pytest.raises(letters.LetterDelayed):
                letters.write_reset(str(logins.by_email(company.email).id))
        finally:
            monkeypatch.undo()
            config.get.cache_clear()

    def test_nobody_is_written_to_who_is_no_longer_there(self, company, context, mailbox):
        with work.unit(tenant_id=company.tenant_id):
            letters.write_reset("01900000-0000-7000-8000-000000000000")
            letters.write_verification(str(logins.by_email(company.email).id))  # verified already
        assert mailbox.letters == []
