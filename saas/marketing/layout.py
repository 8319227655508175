"""Checks a marketer's MJML or HTML and prepares it for the converters: what may stand where, and how deep.

mrml drops unknown tags and stray text without a word and crashes on deep nesting; here each of these is a sentence
with a place. Liquid tags that stand between elements become comments, which neither mrml nor an HTML parser moves.
"""

from __future__ import annotations

import html
import re
from dataclasses import dataclass

from saas.marketing import markup
from saas.marketing.markup import Tag, Unreadable
from saas.marketing.problems import Rewriting

MJML_DEPTH, HTML_DEPTH = 32, 100
_CONTENT = frozenset(
    [
        "mj-text",
        "mj-button",
        "mj-image",
        "mj-divider",
        "mj-spacer",
        "mj-table",
        "mj-raw",
        "mj-social",
        "mj-navbar",
        "mj-accordion",
        "mj-carousel",
    ]
)
_HEAD = frozenset(["mj-title", "mj-preview", "mj-style", "mj-attributes", "mj-font", "mj-breakpoint", "mj-raw"])
# Elements that hold only these elements, and no text of their own.
_HOLDS = {
    "mjml": frozenset(["mj-head", "mj-body"]),
    "mj-head": _HEAD,
    "mj-body": frozenset(["mj-section", "mj-wrapper", "mj-hero", "mj-raw"]),
    "mj-wrapper": frozenset(["mj-section", "mj-hero", "mj-raw"]),
    "mj-section": frozenset(["mj-column", "mj-group", "mj-raw"]),
    "mj-group": frozenset(["mj-column", "mj-raw"]),
    "mj-column": _CONTENT,
    "mj-hero": _CONTENT,
    "mj-social": frozenset(["mj-social-element", "mj-raw"]),
    "mj-navbar": frozenset(["mj-navbar-link", "mj-raw"]),
    "mj-accordion": frozenset(["mj-accordion-element", "mj-raw"]),
    "mj-accordion-element": frozenset(["mj-accordion-title", "mj-accordion-text", "mj-raw"]),
    "mj-carousel": frozenset(["mj-carousel-image"]),
}
_FREE = frozenset(["mj-attributes", "mj-all", "mj-class", "mj-include"])
_KNOWN = _FREE.union(_HOLDS, *_HOLDS.values())
_FORBIDDEN = frozenset(["script", "iframe", "frame", "frameset", "object", "embed", "applet", "form", "base"])
_ADDRESSES = frozenset(["href", "src", "action", "background", "poster", "xlink:href", "data", "formaction"])
_DANGEROUS = re.compile(r"[\x00-\x20]*(?:javascript|vbscript|data\s*:\s*text|file)\s*:?", re.IGNORECASE)
_IN_COLUMN = "<mj-text padding='0'>{}</mj-text>"
_WRAPPERS = {
    "mj-body": "<mj-section><mj-column><mj-text padding='0'>{}</mj-text></mj-column></mj-section>",
    "mj-wrapper": "<mj-section><mj-column><mj-text padding='0'>{}</mj-text></mj-column></mj-section>",
    "mj-section": "<mj-column><mj-text padding='0'>{}</mj-text></mj-column>",
    "mj-column": _IN_COLUMN,
    "mj-hero": _IN_COLUMN,
}


@dataclass
class Layout:
    """The text to convert, and where each of its characters came from in the shielded source."""

    rewritten: Rewriting
    faults: list[Unreadable]


def is_mjml(source: str) -> bool:
    """This function will tell MJML from HTML by its first element."""
    return bool(re.match(r"\s*(?:<!--.*?-->\s*)*<mjml[\s>]", source[:10_000], re.DOTALL | re.IGNORECASE))


def prepare(shielded: str, *, words: list[str], nonce: str, mjml: bool) -> Layout:
    """This function will check the shielded source and rewrite it for mrml or css-inline.

    `words` are the Liquid words by number (empty for outputs). Raises Unreadable when the text cannot be read on;
    lesser faults are collected, so that a marketer sees all of them at once.
    """
    work = _Work(words=words, pattern=markup.tokens(nonce), mjml=mjml)
    for tag in markup.tags(shielded):
        work.take(tag, shielded)
    work.finish()
    return Layout(work.out, work.faults)


class _Work:
    def __init__(self, *, words: list[str], pattern: re.Pattern[str], mjml: bool) -> None:
        self.words, self.pattern, self.mjml = words, pattern, mjml
        self.out, self.faults, self.open = Rewriting(), [], []
        self.deepest = MJML_DEPTH if mjml else HTML_DEPTH

    @property
    def parent(self) -> str:
        return self.open[-1].name if self.open else ""

    def fault(self, at: int, sentence: str) -> None:
        self.faults.append(Unreadable(at, sentence))

    def take(self, tag: Tag, text: str) -> None:
        if tag.kind == "text":
            self._text(tag, text)
        elif tag.kind == "open":
            self._check(tag)
            self._write_open(tag, text)
            if not tag.closed and tag.name not in markup.VOID:
                self.open.append(tag)
                if len(self.open) > self.deepest:
                    raise Unreadable(tag.start, f"Tags are nested more than {self.deepest} deep here.")
        elif tag.kind == "close":
            self._close(tag, text)
        else:
            self.out.add(text[tag.start : tag.end], tag.start)

    def finish(self) -> None:
        if self.mjml and self.open:
            left = self.open[-1]
            raise Unreadable(left.start, f"<{left.name}> is opened here and never closed.")

    def _text(self, tag: Tag, text: str) -> None:
        content = text[tag.start : tag.end]
        if tag.name:  # the inside of <style>, <title> and their like, where a comment would be text
            self.out.add(content, tag.start)
            return
        at = 0
        for found in self.pattern.finditer(content):
            self._plain(content[at : found.start()], tag.start + at)
            word = self.words[int(found.group(1))]
            if not word and self.mjml and self.parent in _HOLDS:
                self._stray(tag.start + found.start())
            self.out.add(self._placed(found.group(), word), tag.start + found.start(), copied=False)
            at = found.end()
        self._plain(content[at:], tag.start + at)

    def _placed(self, token: str, word: str) -> str:
        if not word:
            return token
        comment = f"<!--{token}-->"
        if word == "offers" and self.mjml:
            return _WRAPPERS.get(self.parent, "{}").format(comment)
        return comment

    def _plain(self, content: str, at: int) -> None:
        if self.mjml and self.parent in _HOLDS and content.strip():
            self._stray(at + len(content) - len(content.lstrip()))
            return
        if self.mjml:
            for piece in re.finditer(r"<|[^<]+", content):
                self.out.add("&lt;" if piece.group() == "<" else piece.group(), at + piece.start())
        else:
            self.out.add(content, at)

    def _stray(self, at: int) -> None:
        self.fault(at, f"Text in <{self.parent}> would not be shown; put it into <mj-text>.")

    def _check(self, tag: Tag) -> None:
        name = tag.name
        if name in _FORBIDDEN or (name == "meta" and tag.attributes.get("http-equiv", "").lower() == "refresh"):
            self.fault(tag.start, f"<{name}> has no place in a mail; take it out.")
        for key, value in tag.attributes.items():
            if self.pattern.search(key):
                self.fault(tag.start, "Liquid may stand in an attribute's value, not between the attributes of a tag.")
            elif key.startswith("on"):
                self.fault(tag.start, f"{key} would run a script, which no mail program does; take it out.")
            elif key in _ADDRESSES and _DANGEROUS.match(html.unescape(value)):
                self.fault(tag.start, f"The address in {key} is not one that a mail may use.")
        if self.mjml:
            self._check_mjml(tag)
        elif name.startswith("mj-") or name == "mjml":
            self.fault(tag.start, f"<{name}> works only inside <mjml>.")

    def _check_mjml(self, tag: Tag) -> None:
        name, parent = tag.name, self.parent
        if name == "mj-include":
            self.fault(tag.start, "<mj-include> is not available here; put the content in its place.")
        elif name.startswith("mj-") and name not in _KNOWN:
            self.fault(tag.start, f"There is no MJML tag <{name}>.")
        elif parent in _HOLDS and name not in _HOLDS[parent]:
            if name.startswith("mj"):
                fit = ", ".join(sorted(f"<{fitting}>" for fitting in _HOLDS[parent]))
                self.fault(tag.start, f"<{name}> cannot stand in <{parent}>, which takes {fit}.")
            else:
                self.fault(tag.start, f"<{name}> cannot stand in <{parent}>; put it into <mj-text> or <mj-raw>.")
        elif name.startswith("mj-") and parent and parent not in _HOLDS and parent != "mj-attributes":
            self.fault(tag.start, f"<{name}> cannot stand in <{parent}>.")

    def _write_open(self, tag: Tag, text: str) -> None:
        if not self.mjml:
            self.out.add(text[tag.start : tag.end], tag.start)
            return
        # mrml writes the attributes of HTML inside <mj-text> with a programmer's escapes: give it nothing to escape.
        clean = _quoted if tag.name.startswith("mj") else _harmless
        pairs = "".join(f' {key}="{clean(value)}"' for key, value in tag.attributes.items())
        ending = " />" if tag.closed or tag.name in markup.VOID else ">"
        self.out.add(f"<{tag.name}{pairs}{ending}", tag.start, copied=False)

    def _close(self, tag: Tag, text: str) -> None:
        if tag.name in markup.VOID:
            return
        if self.open and self.parent == tag.name:
            self.open.pop()
            self.out.add(f"</{tag.name}>", tag.start, copied=False)
            return
        known = [opened.name for opened in self.open]
        if self.mjml:
            if tag.name in known:
                raise Unreadable(
                    self.open[-1].start, f"<{self.parent}> is opened here and not closed before </{tag.name}>."
                )
            raise Unreadable(tag.start, f"</{tag.name}> closes a tag that is not open here.")
        if tag.name in known:  # HTML leaves <p>, <li> and <td> open as it likes
            del self.open[len(known) - 1 - known[::-1].index(tag.name) :]
        self.out.add(text[tag.start : tag.end], tag.start)


def _quoted(value: str) -> str:
    return re.sub(r"\s+", " ", value).replace('"', "&quot;")


def _harmless(value: str) -> str:
    value = _quoted(value).replace("\\", "&#92;")
    return "".join(sign if " " <= sign <= "~" else f"&#{ord(sign)};" for sign in value)
