"""Reads the tags of MJML and HTML in one straight pass, with positions, and keeps Liquid out of their way.

Not a browser's parser: it never guesses what an author meant. What it cannot read it reports, before mrml (which
crashes on deep nesting) or css-inline (which escapes `{% if a < b %}`) sees the text. Every scan is linear: at the
first tag or quotation that is never closed it stops.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from saas.marketing.problems import Rewriting

VOID = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "param", "source", "track", "wbr"]
)
RAW_TEXT = frozenset(["style", "script", "title", "textarea", "mj-style", "mj-title", "mj-preview"])
LONGEST_LIQUID = 2_000
_LIQUID_WORD = re.compile(r"\{%-?\s{0,40}(\w+)")
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9:._-]{0,60}")
_ATTRIBUTE = re.compile(r"""\s*([^\s=>/"'<]{1,200})(?:\s*=\s*(?:"([^"]*)"|'([^']*)'|([^\s>"'<]+)))?""")
_SKIPPED = {"raw": "endraw", "comment": "endcomment", "doc": "enddoc"}


class Unreadable(Exception):
    """The text stops making sense at a character offset."""

    def __init__(self, at: int, sentence: str) -> None:
        super().__init__(sentence)
        self.at, self.sentence = at, sentence


@dataclass(frozen=True)
class Liquid:
    """A piece of Liquid: `{{ output }}` (no word) or `{% word ... %}`; a raw block is one piece."""

    start: int
    end: int
    source: str
    word: str = ""


@dataclass(frozen=True)
class Tag:
    """One tag, comment or run of text between two offsets. Kinds: open, close, text, comment, other."""

    kind: str
    start: int
    end: int
    name: str = ""
    attributes: dict[str, str] = field(default_factory=dict)
    closed: bool = False


def liquid_pieces(source: str) -> list[Liquid]:
    """This function will find every piece of Liquid; raises Unreadable for one that is never closed or too long."""
    pieces, at = [], 0
    while (start := _earliest(source, at)) >= 0:
        output = source.startswith("{{", start)
        end = source.find("}}" if output else "%}", start + 2)
        if end < 0:
            closing = "}}" if output else "%}"
            raise Unreadable(start, f"This Liquid tag is never closed with {closing}.")
        end += 2
        if end - start > LONGEST_LIQUID or re.search(r"\s{100}", source[start:end]):
            raise Unreadable(start, f"This Liquid tag is longer than {LONGEST_LIQUID} characters.")
        found = None if output else _LIQUID_WORD.match(source, start)
        word = found.group(1) if found else ""
        if word in _SKIPPED:
            closing = re.compile(r"\{%-?\s{0,40}" + _SKIPPED[word] + r"\s{0,40}-?%\}").search(source, end)
            if not closing:
                raise Unreadable(start, f"This {{% {word} %}} is never closed with {{% {_SKIPPED[word]} %}}.")
            end = closing.end()
        pieces.append(Liquid(start, end, source[start:end], word))
        at = end
    return pieces


def _earliest(source: str, at: int) -> int:
    output, tag = source.find("{{", at), source.find("{%", at)
    return min(output, tag) if output >= 0 and tag >= 0 else max(output, tag)


def shield(source: str, pieces: list[Liquid], *, nonce: str) -> Rewriting:
    """This function will put a plain word in the place of each piece of Liquid; `token` names the words."""
    shielded, at = Rewriting(), 0
    for number, piece in enumerate(pieces):
        shielded.add(source[at : piece.start], at)
        shielded.add(token(nonce, number), piece.start, copied=False)
        at = piece.end
    shielded.add(source[at:], at)
    return shielded


def token(nonce: str, number: int) -> str:
    """This function will name the word that stands for a piece of Liquid while others work on the text around it."""
    return f"lq{nonce}x{number}x"


def tokens(nonce: str) -> re.Pattern[str]:
    """This function will return the pattern that finds those words; group 1 is the number."""
    return re.compile(f"lq{nonce}x([0-9]+)x")


def tags(text: str) -> Iterator[Tag]:
    """This function will walk through a text tag by tag; raises Unreadable where a tag is never closed."""
    at, length, raw = 0, len(text), ""
    while at < length:
        if raw:
            closing = re.compile(rf"</{re.escape(raw)}\s*>", re.IGNORECASE).search(text, at)
            if not closing:
                raise Unreadable(at, f"<{raw}> is opened here and never closed.")
            if closing.start() > at:
                yield Tag("text", at, closing.start(), raw)
            at, raw = closing.start(), ""
        start = _next_tag(text, at)
        if start > at:
            yield Tag("text", at, start)
        if start >= length:
            return
        tag = _tag(text, start)
        if tag.kind == "open" and tag.name in RAW_TEXT and not tag.closed:
            raw = tag.name
        yield tag
        at = tag.end


def _next_tag(text: str, at: int) -> int:
    while (start := text.find("<", at)) >= 0:
        following = text[start + 1 : start + 2]
        if following in ("!", "?", "/") or following.isalpha():
            return start
        at = start + 1
    return len(text)


def _tag(text: str, start: int) -> Tag:
    for opening, closing, kind in (("<!--", "-->", "comment"), ("<!", ">", "other"), ("<?", ">", "other")):
        if text.startswith(opening, start):
            end = text.find(closing, start + len(opening))
            if end < 0:
                raise Unreadable(start, f"This {opening} is never closed with {closing}.")
            return Tag(kind, start, end + len(closing))
    closing_tag = text.startswith("</", start)
    name = _NAME.match(text, start + (2 if closing_tag else 1))
    if not name:
        raise Unreadable(start, "This tag has no readable name.")
    at, attributes = name.end(), {}
    while found := _ATTRIBUTE.match(text, at):
        key = found.group(1).lower()
        if key in attributes:
            raise Unreadable(found.start(1), f"The attribute {key} stands twice in this tag.")
        attributes[key] = next((value for value in found.groups()[1:] if value is not None), "")
        at = found.end()
    rest = re.compile(r"\s*(/?)\s*>").match(text, at)
    if not rest:
        raise Unreadable(start, f"The tag <{name.group()[:40]} cannot be read to its end.")
    if closing_tag:
        return Tag("close", start, rest.end(), name.group().lower())
    return Tag("open", start, rest.end(), name.group().lower(), attributes, closed=bool(rest.group(1)))


def slim(html: str) -> str:
    """This function will draw white space between words and tags together: it costs room, and time when DKIM hashes it.

    What stands in <pre> and <textarea> is left alone.
    """
    pieces, kept = [], 0
    for tag in tags(html):
        piece = html[tag.start : tag.end]
        if tag.name in ("pre", "textarea"):
            kept += (tag.kind == "open") - (tag.kind == "close")
        if tag.kind in ("text", "comment") and not kept and tag.name != "textarea":
            piece = re.sub(r"[ \t]*[\r\n]\s*", "\n", re.sub(r"[ \t]{2,}", " ", piece))
        pieces.append(piece)
    return "".join(pieces)
