"""Finds the links of a mail and puts tracked addresses in their place.

A link is tracked when its scheme and host are written out, or are the tenant's own: `https://shop.example/{{ city }}`
and `{{ shop.url }}/new` are, and their targets are worked out at the click (a cart's address, which the shopper's
browser told us, only when it lies in the shop). Other Liquid (`{{ offer.url }}`,
`{{ unsubscribe_url }}`, `{{ customer.website }}`) is left alone: those addresses come with the data, and redirecting
to an address that a customer typed in would lend them our name.
"""

from __future__ import annotations

import html as entities
import re
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote

from saas.kit import addresses
from saas.marketing import markup, templating

_WEB = re.compile(r"https?://[A-Za-z0-9.-]+(?::\d{1,5})?(?:[/?#]|$)", re.IGNORECASE)
_OWN = re.compile(r"\{\{-?\s*(?:shop|company|cart)\.url\b[^{}]*\}\}(?:[/?#]|$)")
_IN_TEXT = re.compile(r"https?://[^\s<>\"'()\[\]]+", re.IGNORECASE)
_HREF = re.compile(r"""(\shref\s*=\s*)("[^"]*"|'[^']*'|[^\s>]+)""", re.IGNORECASE)


@dataclass(frozen=True)
class Link:
    """One address of a mail. `target` may hold Liquid (`personal`); `label` is what the first place says."""

    target: str
    label: str = ""
    personal: bool = False


class Links:
    """The links of one mail, each address once; `number` hands out their numbers."""

    def __init__(self, *, nonce: str, restore: Callable[[str], str]) -> None:
        self.pattern, self.restore = markup.tokens(nonce), restore
        self.found: dict[str, Link] = {}

    def number(self, address: str, *, label: str = "") -> int | None:
        """This function will return the number of an address, or None for one that is not tracked."""
        plain, target = self.pattern.sub("\0", address), self.restore(address)
        if not _WEB.match(plain) and not _OWN.match(target):
            return None
        self.found.setdefault(target, Link(target, label, "\0" in plain))
        return list(self.found).index(target)

    def rewrite_html(self, html: str, *, place: Callable[[int], str]) -> str:
        """This function will replace the href of every link by what `place` returns for its number."""
        pieces, at = [], 0
        for tag in markup.tags(html):
            if tag.kind != "open" or tag.name not in ("a", "area") or "href" not in tag.attributes:
                continue
            number = self.number(entities.unescape(tag.attributes["href"]).strip(), label=_label(html, tag.end))
            if number is None:
                continue
            changed = _HREF.sub(
                lambda found, n=number: f'{found.group(1)}"{place(n)}"', html[tag.start : tag.end], count=1
            )
            pieces += [html[at : tag.start], changed]
            at = tag.end
        return "".join(pieces) + html[at:]

    def rewrite_text(self, text: str, *, place: Callable[[int], str]) -> str:
        """This function will do the same for the addresses written out in a text part."""

        def replaced(found: re.Match) -> str:
            address = found.group().rstrip(".,;:!?")
            number = self.number(address)
            return found.group() if number is None else place(number) + found.group()[len(address) :]

        return _IN_TEXT.sub(replaced, text)


def target(link: Link, data: dict) -> str:
    """This function will work out where a click leads; `data` is what the mail was filled with.

    The scheme and host are those that the marketer wrote, or the shop's, whatever else the data holds. Raises
    RenderFailed when the template fails with this data or there is no such address.
    """
    if not link.personal:
        return link.target
    template, faults = templating.read(link.target, part="link", language=templating.TEXT_PART)
    if faults:
        raise templating.RenderFailed(faults[0].sentence)
    filled = quote(template.fill(templating.plain(data)).strip(), safe="/:?#[]@!$&'()*+,;=%~-._")
    if _WEB.match(link.target):
        return filled
    homes = [home for home in (_address(data, "shop"), _address(data, "company")) if _WEB.match(home)]
    if any(addresses.host(filled) == addresses.host(home) for home in homes) and _WEB.match(filled):
        return filled
    if not homes:
        raise templating.RenderFailed("This link leads nowhere for this person.")
    return homes[0]


def _address(data: dict, owner: str) -> str:
    return str((data.get(owner) or {}).get("url") or "")


def _label(html: str, at: int) -> str:
    inside = html[at : html.find("</a", at)][:500]
    return entities.unescape(re.sub(r"<[^>]*>|\s+", " ", inside)).strip()[:80]
