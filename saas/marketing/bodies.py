"""The way of one body from the marketer's source to HTML and text that still hold their Liquid.

Shield the Liquid, check and prepare the layout, convert it, track the links, derive the text, put the Liquid back.
"""

from __future__ import annotations

import re
import secrets

from saas.marketing import converting, layout, markup, plain_text, tracking
from saas.marketing.problems import Problem, Rewriting, problem


class Faulty(Exception):
    """The body cannot be converted; `problems` say why and where."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__()
        self.problems = problems


class Body:
    """One body on its way; `links` holds the links found."""

    def __init__(self, source: str) -> None:
        self.source, self.nonce = source, secrets.token_hex(4)
        self.pieces = markup.liquid_pieces(source)
        self.words = [piece.source for piece in self.pieces]
        self.links = tracking.Links(nonce=self.nonce, restore=self.restore)
        self.html = ""

    def convert(self) -> None:
        """This function will check and convert the layout; raises Faulty."""
        shielded = markup.shield(self.source, self.pieces, nonce=self.nonce)
        placed = Rewriting()
        mjml = layout.is_mjml(self.source)
        kinds = [piece.word for piece in self.pieces]
        try:
            prepared = layout.prepare(str(shielded), words=kinds, nonce=self.nonce, mjml=mjml)
            placed, faults = prepared.rewritten, prepared.faults
        except markup.Unreadable as error:
            faults = [error]
        if not faults:
            try:
                self.html = converting.convert(str(placed), kind="mjml" if mjml else "html")
                return
            except markup.Unreadable as error:
                faults = [markup.Unreadable(placed.origin(error.at), error.sentence)]
        raise Faulty(
            [
                problem(part="body", source=self.source, at=shielded.origin(fault.at), sentence=fault.sentence)
                for fault in sorted(faults, key=lambda fault: fault.at)
            ]
        )

    def parts(self, text: str, language: str) -> tuple[str, str]:
        """This function will return HTML and text with their links tracked and their Liquid back in place."""
        html = self.html.replace('lang="und"', f'lang="{language}"')
        if not html[:15].lower().startswith("<!doctype"):
            html = "<!doctype html>" + html
        html = self.links.rewrite_html(markup.slim(html), place=self._link)
        derived = plain_text.derive(html, nonce=self.nonce)
        if text.strip():
            derived = self._given(text)
        return self.restore(html), self.restore(derived)

    def _given(self, text: str) -> str:
        first, pieces = len(self.words), markup.liquid_pieces(text)
        self.words += [piece.source for piece in pieces]
        shielded, at = [], 0
        for number, piece in enumerate(pieces):
            shielded += [text[at : piece.start], markup.token(self.nonce, first + number)]
            at = piece.end
        return self.links.rewrite_text("".join(shielded) + text[at:], place=self._link)

    def _link(self, number: int) -> str:
        self.words.append(f"{{% link {number} %}}")
        return markup.token(self.nonce, len(self.words) - 1)

    def restore(self, text: str) -> str:
        pattern = markup.tokens(self.nonce)
        text = re.sub(rf"<!--({pattern.pattern})-->", r"\1", text)
        return pattern.sub(lambda found: self.words[int(found.group(1))], text)
