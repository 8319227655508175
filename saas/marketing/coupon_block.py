"""The tag `{% coupon %}`: somebody's own code in a box that can be copied, with what it gives and until when.

The code comes with each person's data (`coupon.code`, `coupon.ends_on` and more for a layout of one's own); where there is
none the block leaves no trace.
"""

from __future__ import annotations

import re

from liquid.ast import Node
from liquid.exceptions import LiquidSyntaxError
from liquid.tag import Tag
from liquid.token import TOKEN_EXPRESSION
from markupsafe import escape

_USAGE = 'coupon takes text: "Your code"'
_ARGUMENT = re.compile(r"text\s*:\s*(\"[^\"]*\"|'[^']*')\s*")
UNTIL = {"en": "until", "zh": "有效期至", "de": "bis", "fr": "jusqu’au", "es": "hasta", "it": "fino al", "nl": "tot"}


class CouponNode(Node):
    """A code as HTML."""

    __slots__ = ("words",)

    def __init__(self, token, words: str) -> None:
        super().__init__(token)
        self.words, self.blank = words, False

    def parts(self, context) -> tuple[str, str] | None:
        """This function will return the code and until when it is good, or None where there is no code."""
        coupon = context.resolve("coupon", default=None)
        if not isinstance(coupon, dict) or not coupon.get("code"):
            return None
        language = str(context.resolve("language", default="en") or "en")[:2]
        ends = coupon.get("ends_on")
        return str(coupon["code"]), f"{UNTIL.get(language, UNTIL['en'])} {ends}" if ends else ""

    def render_to_output(self, context, buffer) -> int:
        found = self.parts(context)
        if found is None:
            return 0
        words = f'<div style="font-size:14px;">{escape(self.words)}</div>' if self.words else ""
        until = f'<div style="font-size:12px;opacity:.7;">{escape(found[1])}</div>' if found[1] else ""
        return buffer.write(
            '<div style="margin:16px auto;max-width:360px;padding:16px;border:2px dashed;border-radius:8px;text-align:center;">'
            f'{words}<div style="padding:6px 0;font-family:monospace;font-size:22px;font-weight:bold;letter-spacing:1px;">'
            f"{escape(found[0])}</div>{until}</div>"
        )


class PlainCouponNode(CouponNode):
    """The same for the text part."""

    __slots__ = ()

    def render_to_output(self, context, buffer) -> int:
        found = self.parts(context)
        return 0 if found is None else buffer.write("\n" + "\n".join(filter(None, [self.words, *found])) + "\n")


class CouponTag(Tag):
    """Reads `{% coupon %}` and `{% coupon text: "Your code" %}`."""

    name, block, node_class = "coupon", False, CouponNode

    def parse(self, stream) -> Node:
        token, words = stream.current, ""
        if stream.peek.kind == TOKEN_EXPRESSION:
            next(stream)
            found = _ARGUMENT.fullmatch(stream.current.value.strip())
            if not found:
                raise LiquidSyntaxError(_USAGE, token=stream.current)
            words = found.group(1)[1:-1]
        return self.node_class(token, words)


class PlainCouponTag(CouponTag):
    """The same for the text part."""

    node_class = PlainCouponNode
