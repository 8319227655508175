"""A formula's text made into a tree, once, within limits; what is wrong is said with its place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from saas.kit.text import gettext as _

LONGEST, DEEPEST, MOST_NODES = 2_000, 30, 300
TOKEN = re.compile(
    r"\s*(?:(?P<number>\d+(?:\.\d*)?|\.\d+)"
    r"|(?P<words>\"[^\"]*\"|'[^']*'|“[^”]*”|‘[^’]*’)"
    r"|(?P<name>[^\W\d]\w*(?:\.\w+)*)"
    r"|(?P<sign><=|>=|==|!=|<>|≤|≥|≠|[-+*/×÷=<>&(),;（），；])"
    r"|(?P<bad>\S))"
)
SAME = {
    "（": "(",
    "）": ")",
    "，": ",",
    "；": ",",
    ";": ",",
    "≤": "<=",
    "≥": ">=",
    "≠": "!=",
    "<>": "!=",
    "==": "=",
    "×": "*",
    "÷": "/",
}
WORDS = {"true": True, "yes": True, "false": False, "no": False}


class BadFormula(ValueError):
    """A formula cannot be read or worked out; the sentence names the place."""

    def __init__(self, sentence: str, at: int = 0) -> None:
        super().__init__(_("At character %(at)s: %(what)s", at=at + 1, what=sentence))
        self.at = at


@dataclass(frozen=True)
class Node:
    """One part of a formula: a literal (`value`), a field (`name`) or a call of a function or sign with its parts."""

    what: str
    at: int
    value: Any = None
    name: str = ""
    parts: tuple[Node, ...] = field(default=())
    depth: int = 1

    def walk(self) -> Iterator[Node]:
        """Yield this part and all below it."""
        yield self
        for part in self.parts:
            yield from part.walk()


@dataclass(frozen=True)
class Token:
    kind: str
    text: str
    at: int


def tokens(source: str) -> list[Token]:
    """Return the signs, names and literals of a text; raises BadFormula."""
    if len(source) > LONGEST:
        raise BadFormula(_("A formula has at most %(most)s characters.", most=LONGEST), LONGEST)
    found, at = [], 0
    while at < len(source):
        match = TOKEN.match(source, at)
        if match is None:
            break  # only blanks are left
        kind = match.lastgroup or ""
        text, at = match[kind], match.end()
        if kind == "bad" or "\x00" in text:
            raise BadFormula(_("“%(sign)s” means nothing here.", sign=text), match.start(kind))
        found.append(Token(kind, SAME.get(text, text) if kind == "sign" else text, match.start(kind)))
    return [*found, Token("end", "", len(source.rstrip()))]


def read(source: str) -> Node:
    """Return a formula as a tree; raises BadFormula."""
    reader = _Reader(tokens(source))
    if reader.next.kind == "end":
        raise BadFormula(_("Write a formula, such as orders_count * 2."))
    tree = reader.either(0)
    if reader.next.kind != "end":
        raise BadFormula(_("“%(sign)s” is not expected here.", sign=reader.next.text[:40]), reader.next.at)
    return tree


class _Reader:
    """Reads by falling through the precedence of the signs: or, and, not, comparing, adding, multiplying, minus."""

    def __init__(self, found: list[Token]) -> None:
        self.left = iter(found)
        self.next = next(self.left)
        self.count = 0

    def take(self) -> Token:
        taken, self.next = self.next, next(self.left, self.next)
        return taken

    def sees(self, *texts: str) -> bool:
        return self.next.kind in ("sign", "name") and self.next.text.lower() in texts

    def made(self, what: str, at: int, *parts: Node, **more: Any) -> Node:
        self.count += 1
        depth = 1 + max((part.depth for part in parts), default=0)
        if self.count > MOST_NODES or depth > DEEPEST:
            raise BadFormula(_("This formula is too deep or too long. Split it into two fields."), at)
        return Node(what, at, parts=parts, depth=depth, **more)

    def down(self, depth: int) -> int:
        if depth > DEEPEST:
            raise BadFormula(_("This formula is too deep or too long. Split it into two fields."), self.next.at)
        return depth + 1

    def chain(self, below: Any, depth: int, *signs: str) -> Node:
        found = below(depth)
        while self.sees(*signs):
            sign = self.take()
            found = self.made(sign.text.lower(), sign.at, found, below(depth))
        return found

    def either(self, depth: int) -> Node:
        return self.chain(self.both, self.down(depth), "or")

    def both(self, depth: int) -> Node:
        return self.chain(self.negated, depth, "and")

    def negated(self, depth: int) -> Node:
        if self.sees("not"):
            sign = self.take()
            return self.made("not", sign.at, self.negated(self.down(depth)))
        return self.compared(depth)

    def compared(self, depth: int) -> Node:
        found = self.joined(depth)
        if self.sees("=", "!=", "<", "<=", ">", ">="):
            sign = self.take()
            other = self.joined(depth)
            if sign.text in ("=", "!=") and "empty" in (found.what, other.what):
                asked = self.made("is_empty", sign.at, other if found.what == "empty" else found)
                return asked if sign.text == "=" else self.made("not", sign.at, asked)
            return self.made(sign.text, sign.at, found, other)
        return found

    def joined(self, depth: int) -> Node:
        return self.chain(self.added, depth, "&")

    def added(self, depth: int) -> Node:
        return self.chain(self.multiplied, depth, "+", "-")

    def multiplied(self, depth: int) -> Node:
        return self.chain(self.signed, depth, "*", "/")

    def signed(self, depth: int) -> Node:
        if self.sees("-"):
            sign = self.take()
            return self.made("negative", sign.at, self.signed(self.down(depth)))
        return self.single(depth)

    def single(self, depth: int) -> Node:
        token = self.take()
        if token.kind == "number":
            return self.number(token)
        if token.kind == "words":
            return self.made("words", token.at, value=token.text[1:-1] or None)
        if token.kind == "name":
            return self.named(token, depth)
        if token.kind == "sign" and token.text == "(":
            inside = self.either(depth)
            self.close()
            return inside
        if token.kind == "end":
            raise BadFormula(_("Something is missing at the end."), token.at)
        raise BadFormula(_("“%(sign)s” is not expected here.", sign=token.text), token.at)

    def number(self, token: Token) -> Node:
        try:
            value = Decimal(token.text)
        except InvalidOperation:
            value = Decimal("NaN")
        if not value.is_finite() or len(token.text) > 18:
            raise BadFormula(_("This number is too large."), token.at)
        return self.made("number", token.at, value=value)

    def named(self, token: Token, depth: int) -> Node:
        word = token.text.lower()
        if self.sees("("):
            self.take()
            parts = []
            while not self.sees(")"):
                parts.append(self.either(depth))
                if not self.sees(")"):
                    self.comma()
            self.close()
            return self.made(word, token.at, *parts, name=token.text)
        if word in WORDS:
            return self.made("truth", token.at, value=WORDS[word])
        if word == "empty":
            return self.made("empty", token.at)
        return self.made("field", token.at, name=token.text)

    def comma(self) -> None:
        if not self.sees(","):
            raise BadFormula(_("A comma or a closing bracket is missing here."), self.next.at)
        self.take()

    def close(self) -> None:
        if not self.sees(")"):
            raise BadFormula(_("A closing bracket is missing here."), self.next.at)
        self.take()
