"""The guides of docs/ that are followed while a shop is connected, as pages beside the steps they tell of."""

from __future__ import annotations

import html
import re
from functools import lru_cache
from pathlib import Path

from flask import Blueprint, abort, render_template
from flask.typing import ResponseReturnValue
from markupsafe import Markup

from saas import config
from saas.kit import doors

pages = Blueprint("guides", __name__)
FOLDER = Path(__file__).parents[1] / "docs"
SHOWN = ("connect-woocommerce", "connect-shopify", "connect-generic", "shops")
EXAMPLE = "https://crm.example.com"


@pages.get("/docs/<name>")
@doors.open_to("anyone", unit=False)
def show(name: str) -> ResponseReturnValue:
    """Show a guide, with the address of this Regulars where the text has the example's."""
    if name not in SHOWN:
        abort(404)
    title, body = rendered(name)
    body = body.replace(EXAMPLE, html.escape(config.get().public_url))
    return render_template("guides/show.html", title=title, body=Markup(body))  # noqa: S704  (made from our own file, escaped there)


@lru_cache
def rendered(name: str) -> tuple[str, str]:
    """Return the title and the HTML of a guide: of Markdown what our guides use, everything else is text."""
    text = (FOLDER / f"{name}.md").read_text(encoding="utf-8")
    title, _line, rest = text.removeprefix("# ").partition("\n")
    return title, "\n".join(_block(block) for block in _blocks(rest))


def _blocks(text: str) -> list[str]:
    """Return what is separated by empty lines; what stands in a fence stays one, and an indented list item with it."""
    found: list[str] = []
    for part in re.split(r"(^```.*?^```$)", text, flags=re.DOTALL | re.MULTILINE):
        found += (
            [part]
            if part.startswith("```")
            else [one for one in re.split(r"\n\s*\n|(?=^#{2,} )", part, flags=re.MULTILINE) if one.strip()]
        )
    return found


def _block(block: str) -> str:
    if block.startswith("```"):
        code = block.split("\n", 1)[1].rsplit("\n", 1)[0]
        return f'<pre tabindex="0"><code>{html.escape(code)}</code></pre>'
    block = block.strip("\n")
    head = re.match(r"(#{2,4}) (.*)", block)
    if head:
        rest = block[head.end() :].strip("\n")
        level, words = len(head[1]), head[2]
        return f'<h{level} id="{_anchor(words)}">{_inline(words)}</h{level}>{_block(rest) if rest else ""}'
    lines = block.split("\n")
    if lines[0].startswith("|"):
        return _table(lines)
    if re.match(r"(\d+\.|-) ", lines[0]):
        return _list(lines)
    return f"<p>{_inline(' '.join(lines))}</p>"


def _table(lines: list[str]) -> str:
    rows = [[_inline(cell.strip()) for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))] for line in lines]
    head = "".join(f"<th>{cell}</th>" for cell in rows[0])
    body = "".join(f"<tr>{''.join(f'<td>{cell}</td>' for cell in row)}</tr>" for row in rows[2:])
    return f'<div class="table-responsive"><table class="table r-table"><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def _list(lines: list[str]) -> str:
    """A list; an item goes on over the indented lines below it, which may be a list in turn."""
    items: list[list[str]] = []
    for line in lines:
        new = re.match(r"(\d+\.|-) (.*)", line)
        if new:
            items.append([new[2]])
        else:
            items[-1].append(line.strip())
    tag, start = ("ol", re.match(r"\d+", lines[0])) if lines[0][0].isdigit() else ("ul", None)
    begins = f' start="{start[0]}"' if start and start[0] != "1" else ""
    return f"<{tag}{begins}>{''.join(f'<li>{_item(item)}</li>' for item in items)}</{tag}>"


def _item(lines: list[str]) -> str:
    at = next((place for place, line in enumerate(lines) if place and re.match(r"(\d+\.|-) ", line)), len(lines))
    return _inline(" ".join(lines[:at])) + (_list(lines[at:]) if at < len(lines) else "")


def _anchor(words: str) -> str:
    return re.sub(r"[^\w-]", "", words.lower().replace(" ", "-").replace("`", ""))


def _inline(text: str) -> str:
    parts = re.split(r"(`[^`]+`)", text)
    return "".join(
        f"<code>{html.escape(one[1:-1])}</code>"
        if one.startswith("`") and one.endswith("`") and len(one) > 2
        else _words(one)
        for one in parts
    )


def _words(text: str) -> str:
    text = html.escape(text, quote=False)
    text = re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", text)
    text = re.sub(r"&lt;(https://[^&\s]+)&gt;", r'<a href="\1" rel="noopener noreferrer">\1</a>', text)
    return re.sub(r"\[([^\]]+)\]\(([^)\s]+)\)", _link, text)


def _link(found: re.Match[str]) -> str:
    words, where = found[1], found[2]
    name, _dot, anchor = where.partition("#")
    if where.startswith(("#", "https://")):
        return f'<a href="{html.escape(where)}">{words}</a>'
    stem = name.removesuffix(".md")
    if stem in SHOWN:
        return f'<a href="/docs/{stem}{"#" + anchor if anchor else ""}">{words}</a>'
    return words
