"""The text part of a mail, derived from its HTML when the marketer gave none.

Works on HTML in which words stand for Liquid (see `markup.shield`), so that the text comes out personal too.
"""

from __future__ import annotations

import html as entities
import re

from saas.marketing import markup

_BREAKS = {
    name: breaks
    for breaks, names in {
        "\n\n": ["p", "h1", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "blockquote", "hr", "pre", "table"],
        "\n": ["div", "tr", "br", "li", "section", "article", "header", "footer", "center"],
        " ": ["td", "th"],
    }.items()
    for name in names
}
_UNSEEN = frozenset(["style", "script", "title", "head", "noscript", "template"])
_HIDDEN = re.compile(r"display\s*:\s*none|mso-hide\s*:\s*all", re.IGNORECASE)


def derive(html: str, *, nonce: str) -> str:
    """This function will return the readable text: paragraphs, list items, `label (address)` for links."""
    writer, token = _Writer(), re.compile(rf"<!--({markup.tokens(nonce).pattern})-->")
    for tag in markup.tags(html):
        if tag.kind == "open":
            writer.open(tag)
        elif tag.kind == "close":
            writer.close(tag.name)
        elif tag.kind == "text" and tag.name not in _UNSEEN:
            writer.say(html[tag.start : tag.end])
        elif tag.kind == "comment" and (found := token.fullmatch(html, tag.start, tag.end)):
            writer.say(found.group(1))
    return tidy(re.sub(r"[ \t\xa0]*\n[ \t\xa0]*", "\n", "".join(writer.pieces)))


def tidy(text: str) -> str:
    """This function will take out trailing spaces and more than one empty line in a row (it runs for every mail)."""
    text = "\n".join([line.rstrip() for line in text.strip().split("\n")])
    while "\n\n\n" in text:
        text = text.replace("\n\n\n", "\n\n")
    return text + "\n"


class _Writer:
    def __init__(self) -> None:
        self.pieces: list[str] = []
        self.open_tags: list[tuple[str, bool]] = []
        self.links: list[tuple[str, int]] = []
        self.unseen = 0

    def open(self, tag: markup.Tag) -> None:
        hidden = tag.name in _UNSEEN or bool(_HIDDEN.search(tag.attributes.get("style", "")))
        if tag.name not in markup.VOID and not tag.closed:
            self.open_tags.append((tag.name, hidden))
            self.unseen += hidden
        if self.unseen or hidden:
            return
        self.pieces.append(_BREAKS.get(tag.name, ""))
        if tag.name == "li":
            self.pieces.append("- ")
        elif tag.name == "img":
            self.say(tag.attributes.get("alt", ""))
        elif tag.name == "a":
            self.links.append((tag.attributes.get("href", ""), len(self.pieces)))

    def close(self, name: str) -> None:
        known = [opened for opened, _ in self.open_tags]
        if name not in known:
            return
        first = len(known) - 1 - known[::-1].index(name)
        self.unseen -= sum(hidden for _, hidden in self.open_tags[first:])
        del self.open_tags[first:]
        if self.unseen:
            return
        if name == "a" and self.links:
            address, begun = self.links.pop()
            self._address(entities.unescape(address), "".join(self.pieces[begun:]).strip())
        self.pieces.append(_BREAKS.get(name, "") if name != "li" else "")

    def _address(self, address: str, label: str) -> None:
        # A link without words is a picture beside its title, which links to the same place.
        if label and address and address != label and not address.startswith(("#", "mailto:", "tel:")):
            self.pieces.append(f" ({address})")

    def say(self, text: str) -> None:
        if not self.unseen:
            self.pieces.append(entities.unescape(re.sub(r"[ \t\r\n]+", " ", text)))
