"""A mail shown to staff in a browser: no script, no form, nothing that reaches out of its frame.

Show what `sandboxed` returns in `<iframe sandbox srcdoc=...>` or on an address of its own with CONTENT_POLICY: two
walls, since either alone has had holes.
"""

from __future__ import annotations

import re
from html import escape

import nh3

from saas.marketing import markup

CONTENT_POLICY = "sandbox; default-src 'none'; img-src https: http: data:; style-src 'unsafe-inline'"
DRAWN = "data:image/jpeg;base64,"
"""How the address of a picture begins that a preview brings with it; no other address of this kind is let through."""
_TAGS = nh3.ALLOWED_TAGS | {"center", "font", "section", "article", "header", "footer", "main", "figure", "figcaption"}
_EVERYWHERE = {
    "style", "class", "id", "align", "valign", "width", "height", "bgcolor", "border", "cellpadding", "cellspacing",
    "background", "dir", "lang", "role", "title", "aria-label", "aria-hidden", "color", "face", "size",
}  # fmt: skip
_ATTRIBUTES = {
    **{tag: set(names) for tag, names in nh3.ALLOWED_ATTRIBUTES.items()},
    "*": _EVERYWHERE,
    "a": {"href", "name", "target"},
    "img": {"src", "alt", "width", "height"},
    "td": {"colspan", "rowspan", "width", "height"},
    "th": {"colspan", "rowspan", "width", "height"},
}
_SILENT = {"script", "style", "title", "noscript", "template", "iframe", "object", "svg", "math"}
_BAD_CSS = re.compile(
    r"expression\s*\(|javascript:|vbscript:|behaviou?r\s*:|-moz-binding|@import[^;]*;?|[<>]", re.IGNORECASE
)


def sandboxed(html: str) -> str:
    """This function will return a whole, harmless document that looks like the mail."""
    body = nh3.clean(
        html,
        tags=_TAGS - _SILENT,
        attributes=_ATTRIBUTES,
        clean_content_tags=_SILENT,
        strip_comments=True,
        url_schemes={"http", "https", "mailto", "tel", "data"},
        link_rel="noopener noreferrer nofollow",
        set_tag_attribute_values={"a": {"target": "_blank"}},
        attribute_filter=_clean_style,
    )
    css, style = _own_styles(html)
    head = '<meta charset="utf-8"><meta name="referrer" content="no-referrer">'
    return f'<!doctype html><html><head>{head}<style>{css}</style></head><body style="{style}">{body}</body></html>'


def _clean_style(tag: str, attribute: str, value: str) -> str | None:
    if attribute in ("href", "src") and value.strip().lower().startswith("data:"):
        return value if tag == "img" and attribute == "src" and value.startswith(DRAWN) else None
    return _harmless(value) if attribute == "style" else value


def _harmless(css: str) -> str:
    # An escape such as \65xpression would slip past the pattern, and no mail needs one.
    return _BAD_CSS.sub("", re.sub(r"/\*.*?\*/", "", css, flags=re.DOTALL).replace("\\", ""))


def _own_styles(html: str) -> tuple[str, str]:
    """The style sheets of the mail and the style of its body, which a sanitiser of fragments drops."""
    css, style = [], ""
    try:
        for tag in markup.tags(html):
            if tag.kind == "text" and tag.name == "style":
                css.append(_harmless(html[tag.start : tag.end]).replace(">", " "))
            elif tag.kind == "open" and tag.name == "body":
                style = escape(_harmless(tag.attributes.get("style", "")))
    except markup.Unreadable:
        pass
    return "\n".join(css), style
