"""The tags of our own in a mail: `{% offers limit: 3 %}` and, made by us only, `{% link 3 %}`.

The offers come with each person's data as plain dicts (name, url, image_url, price, currency, reason.text); where
there are none the block leaves no trace. In a mail that is sent they have a `live_image_url` too: a picture that is drawn when
the mail is opened, with name, price and reason in it, and what was chosen at sending is what stands there without pictures. Marketers who want their own layout loop over `offers` instead.
"""

from __future__ import annotations

import re

from liquid.ast import Node
from liquid.exceptions import LiquidSyntaxError
from liquid.tag import Tag
from liquid.token import TOKEN_EXPRESSION, TOKEN_TAG
from markupsafe import escape

from saas.marketing import money_filter

MOST = 12
_USAGE = 'offers takes limit: 3, columns: 3, button: "Look"'
_ARGUMENT = re.compile(r"(\w+)\s*:\s*(?:([0-9]{1,4})|(\"[^\"]*\"|'[^']*'))\s*(?:,\s*|$)")
_OPENING = (
    '<div style="font-size:0;text-align:center;"><!--[if mso]><table role="presentation" width="100%"><tr><![endif]-->'
)
_OPEN = (
    '<!--[if mso]><td width="{percent}%" valign="top"><![endif]-->'
    '<div style="display:inline-block;width:100%;max-width:{width}px;vertical-align:top;text-align:center;">'
    '<div style="padding:8px;font-size:14px;line-height:1.4;">'
)
_SHUT = "</div></div><!--[if mso]></td><![endif]-->"
_CLOSING = "<!--[if mso]></tr></table><![endif]--></div>"


class OffersNode(Node):
    """A block of offers as HTML."""

    __slots__ = ("button", "columns", "limit")

    def __init__(self, token, *, limit: int, columns: int, button: str) -> None:
        super().__init__(token)
        self.limit, self.columns, self.button, self.blank = limit, columns, button, False

    def chosen(self, context) -> list[dict]:
        """This function will return the offers to show: dicts with a name and an address."""
        offers = context.resolve("offers", default=None)
        if not isinstance(offers, list):
            return []
        return [offer for offer in offers if isinstance(offer, dict) and offer.get("url")][: self.limit]

    def render_to_output(self, context, buffer) -> int:
        offers = self.chosen(context)
        if not offers:
            return 0
        return buffer.write(_OPENING + "".join(self._cell(offer, context) for offer in offers) + _CLOSING)

    def _cell(self, offer: dict, context) -> str:
        width, url, name = 552 // self.columns, escape(offer["url"]), escape(offer.get("name", ""))
        price = escape(money_filter.money(offer.get("price", ""), offer.get("currency", ""), context=context))
        picture, reason = escape(offer.get("image_url") or ""), escape(_reason(offer))
        if offer.get("live_image_url"):
            return (
                _OPEN.format(percent=100 // self.columns, width=width)
                + self._live(offer, context)
                + self._button(url)
                + _SHUT
            )
        if picture:
            picture = (
                f'<img src="{picture}" alt="" width="{width - 16}" '
                'style="display:block;width:100%;height:auto;border:0;border-radius:8px;margin-bottom:8px;">'
            )
        if reason:
            reason = f'<div style="padding-top:4px;font-size:12px;opacity:.7;">{reason}</div>'
        return (
            _OPEN.format(percent=100 // self.columns, width=width)
            + f'<a href="{url}" style="color:inherit;text-decoration:none;">{picture}'
            f'<span style="font-weight:bold;">{name}</span></a>'
            f'<div style="padding-top:4px;">{price}</div>{reason}' + self._button(url) + _SHUT
        )

    def _live(self, offer: dict, context) -> str:
        """The picture of the opening; a mail program that shows no pictures shows its words instead."""
        width, url, source = 552 // self.columns - 16, escape(offer["url"]), escape(offer["live_image_url"])
        words = [
            offer.get("name", ""),
            money_filter.money(offer.get("price", ""), offer.get("currency", ""), context=context),
        ]
        columns = "" if source.startswith("data:") else f"?columns={self.columns}"
        words = escape(" \u2013 ".join(filter(None, [" ".join(map(str, filter(None, words))), _reason(offer)])))
        return (
            f'<a href="{url}" style="color:inherit;text-decoration:none;">'
            f'<img src="{source}{columns}" alt="{words}" width="{width}" '
            'style="display:block;width:100%;height:auto;border:0;border-radius:8px;font-size:14px;line-height:1.4;"></a>'
        )

    def _button(self, url: str) -> str:
        if not self.button:
            return ""
        return (
            f'<div style="padding-top:8px;"><a href="{url}" style="display:inline-block;padding:8px 16px;'
            f'border:1px solid;border-radius:6px;color:inherit;text-decoration:none;">{escape(self.button)}</a></div>'
        )


class PlainOffersNode(OffersNode):
    """The same block for the text part."""

    __slots__ = ()

    def render_to_output(self, context, buffer) -> int:
        lines = []
        for offer in self.chosen(context):
            price = money_filter.money(offer.get("price", ""), offer.get("currency", ""), context=context)
            lines += [f"{offer.get('name', '')} - {price}", *filter(None, [_reason(offer)]), offer["url"], ""]
        return buffer.write("\n" + "\n".join(lines)) if lines else 0


class OffersTag(Tag):
    """Reads `{% offers limit: 3, columns: 3, button: "Look" %}`; all arguments may be missing."""

    name, block, node_class = "offers", False, OffersNode

    def parse(self, stream) -> Node:
        token, given = stream.current, {}
        if stream.peek.kind == TOKEN_EXPRESSION:
            next(stream)
            given = self._arguments(stream.current)
        limit = given.get("limit", 3)
        columns = given.get("columns", min(limit, 3))
        return self.node_class(token, limit=limit, columns=columns, button=given.get("button", ""))

    def _arguments(self, token) -> dict:
        given, at = {}, 0
        while at < len(token.value):
            found = _ARGUMENT.match(token.value, at)
            if not found:
                raise LiquidSyntaxError(_USAGE, token=token)
            name, number, text = found.group(1), found.group(2), found.group(3)
            highest = {"limit": MOST, "columns": 4}.get(name)
            if highest and (number is None or not 1 <= int(number) <= highest):
                raise LiquidSyntaxError(f"{name} of offers is a number from 1 to {highest}", token=token)
            if not highest and (name != "button" or text is None):
                raise LiquidSyntaxError(_USAGE, token=token)
            given[name] = int(number) if highest else text[1:-1]
            at = found.end()
        return given


class PlainOffersTag(OffersTag):
    """The same for the text part."""

    node_class = PlainOffersNode


class LinkNode(Node):
    """Writes the tracked address of link number so-and-so; far cheaper than an expression, and a mail has many."""

    __slots__ = ("number",)

    def __init__(self, token, number: int) -> None:
        super().__init__(token)
        self.number, self.blank = number, False

    def render_to_output(self, context, buffer) -> int:
        return buffer.write(context.globals["tracked"][self.number])


class LinkTag(Tag):
    """Reads `{% link 3 %}`, which only our own rewriting of links writes."""

    name, block = "link", False

    def parse(self, stream) -> Node:
        token = stream.eat(TOKEN_TAG)
        return LinkNode(token, int(stream.current.value))


def _reason(offer: dict) -> str:
    reason = offer.get("reason")
    return str(reason.get("text") or "") if isinstance(reason, dict) else ""
