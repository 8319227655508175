"""What every marketing mail must say: how to leave, and who writes from where (CAN-SPAM, section 5; UWG, section 7)."""

from __future__ import annotations

import re
from html import escape

PIXEL = (
    '{% if open_url %}<img src="{{ open_url }}" width="1" height="1" alt="" style="display:block;border:0;">{% endif %}'
)
_LEAVE = {
    "en": ("You get this mail because you agreed to hear from us.", "Unsubscribe"),
    "zh": ("您收到这封邮件，是因为您同意接收我们的消息。", "退订"),
}
_ADDRESS = "{{ company.name }}{% if company.address.size > 0 %}, {{ company.address }}{% endif %}"
_BOX = (
    '<div style="padding:24px 16px;font-family:Arial,sans-serif;font-size:12px;line-height:1.6;'
    'text-align:center;color:#6b7280;">{}</div>'
)


def complete(*, html: str, text: str, language: str) -> tuple[str, str]:
    """This function will add to both parts what they lack of the company's address and the way to unsubscribe."""
    return _end(html, _html(html, language) + PIXEL), text.rstrip("\n") + _text(text, language) + "\n"


def insist(*, html: str, text: str, unsubscribe_url: str, language: str) -> tuple[str, str]:
    """This function will see to it that one person's filled-in mail can be left, whatever its conditions did."""
    why, leave = _LEAVE.get(language[:2], _LEAVE["en"])
    address = escape(unsubscribe_url)
    if address not in html:
        html = _end(html, _BOX.format(f'{why} <a href="{address}" style="color:inherit;">{leave}</a>'))
    if unsubscribe_url not in text:
        text = f"{text.rstrip()}\n\n{why}\n{leave}: {unsubscribe_url}\n"
    return html, text


def _html(html: str, language: str) -> str:
    why, leave = _LEAVE.get(language[:2], _LEAVE["en"])
    lines = []
    if not _names(html, "company.address"):
        lines.append(_ADDRESS)
    if not _names(html, "unsubscribe_url"):
        lines.append(f'{why} <a href="{{{{ unsubscribe_url }}}}" style="color:inherit;">{leave}</a>')
    return _BOX.format("<br>".join(lines)) if lines else ""


def _text(text: str, language: str) -> str:
    why, leave = _LEAVE.get(language[:2], _LEAVE["en"])
    lines = []
    if not _names(text, "company.address"):
        lines.append(_ADDRESS)
    if not _names(text, "unsubscribe_url"):
        lines.append(f"{why}\n{leave}: {{{{ unsubscribe_url }}}}")
    return "\n\n--\n" + "\n".join(lines) if lines else ""


def _names(source: str, variable: str) -> bool:
    return bool(re.search(r"\{\{-?\s*" + re.escape(variable) + r"\b", source))


def _end(html: str, addition: str) -> str:
    at = html.lower().rfind("</body>")
    return html[:at] + addition + html[at:] if at >= 0 else html + addition
