"""Liquid as marketers may use it: over plain data, escaped, and within limits that hold for any template.

python-liquid limits nested loops and the size of the output. What it leaves open is closed here: loops one after
the other, ranges such as (1..1000000000) inside a condition, filters that grow a text a thousandfold, and time.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import wraps

import orjson
from liquid import BoundTemplate, Environment, Mode, RenderContext
from liquid.ast import Node
from liquid.builtin.expressions.filtered import Filter
from liquid.builtin.expressions.primitive import RangeLiteral
from liquid.exceptions import (
    FilterArgumentError,
    LiquidError,
    LiquidInterrupt,
    LocalNamespaceLimitError,
    LoopIterationLimitError,
    OutputStreamLimitError,
)
from liquid.expression import Expression

from saas.kit import errors
from saas.marketing import markup, money_filter, offer_block
from saas.marketing.problems import Problem, problem

OUTPUT, TEXT, ITEMS, NUMBER, SECONDS = 512 * 1024, 64 * 1024, 2_000, 10**15, 1.0
_UNWANTED = ("include", "render", "tablerow")
_BLOCKS = frozenset(["if", "unless", "case", "for", "capture", "ifchanged"])
_PLAIN = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_SUBCLASS | orjson.OPT_PASSTHROUGH_DATETIME


class RenderFailed(errors.Invalid):
    """A template that can be read asked for too much, or for something that cannot be done, with this data."""

    code, message = "template_failed", "This template cannot be filled in."


class Output:
    """What a template writes into: a list with a limit, four times as fast as python-liquid's own."""

    __slots__ = ("limit", "parts", "size")

    def __init__(self, limit: int) -> None:
        self.limit, self.parts, self.size = limit, [], 0

    def write(self, text: str) -> int:
        self.size += len(text)
        if self.size > self.limit:
            raise OutputStreamLimitError(f"more than {OUTPUT // 1024} kB come out of this", token=None)
        self.parts.append(text)
        return len(text)

    def getvalue(self) -> str:
        return "".join(self.parts)


class Context(RenderContext):
    """One run of a template, with a budget of loop rounds and of time."""

    __slots__ = ("deadline", "rounds")

    def __init__(self, template: BoundTemplate, **more) -> None:
        super().__init__(template, **more)
        self.rounds = template.rounds
        self.deadline = time.monotonic() + SECONDS

    def loop(self, namespace, forloop):
        self.rounds -= forloop.length
        if self.rounds < 0:
            raise LoopIterationLimitError("the loops in this template go round too often", token=None)
        self._in_time()
        return super().loop(namespace, forloop)

    def filter(self, name, token):
        self._in_time()
        return super().filter(name, token)

    def get_buffer(self, buf=None) -> Output:
        return Output(self.env.output_stream_limit - getattr(buf, "size", 0))

    def _in_time(self) -> None:
        if time.monotonic() > self.deadline:
            raise LoopIterationLimitError("this template takes too long", token=None)


class Template(BoundTemplate):
    """A parsed template that is filled with plain data."""

    context_class = Context

    def __init__(self, *args, **more) -> None:
        super().__init__(*args, **more)
        steps = 0
        for thing in walk(self.nodes):
            steps += isinstance(thing, Node)
            if type(thing) is RangeLiteral:
                thing.__class__ = ShortRange
        self.rounds = max(1, min(5_000, 300_000 // max(steps, 1)))

    def fill(self, data: dict) -> str:
        """This function will render the template; `data` holds only dicts, lists, texts, numbers and None.

        Raises LiquidError, whose token tells `fault` the place.
        """
        return "".join(self.pieces(data))

    def pieces(self, data: dict) -> list[str]:
        """This function will do the same and return the pieces: those that are equal for everybody are one object."""
        context, output = Context(self, globals=data), Output(OUTPUT)
        try:
            for node in self.nodes:
                node.render_to_output(context, output)
        except LiquidInterrupt:  # {% break %} outside a loop ends the mail there
            pass
        return output.parts


class ShortRange(RangeLiteral):
    """`(a..b)` of at most so many items: a range is looked through one by one by `contains` and by filters."""

    __slots__ = ()

    def _make_range(self, start, stop) -> range:
        made = super()._make_range(start, stop)
        if made.stop - made.start > ITEMS:
            raise LoopIterationLimitError(f"a range may have {ITEMS} items at most", token=self.token)
        return made


class Language(Environment):
    """Liquid with our limits, filters and tags. `tags` are added; `autoescape` for HTML."""

    context_depth_limit = 20
    block_nesting_limit = 20
    loop_iteration_limit = 5_000
    output_stream_limit = OUTPUT
    local_namespace_limit = 200_000
    template_class = Template

    def __init__(self, *, autoescape: bool, tags: tuple = ()) -> None:
        super().__init__(autoescape=autoescape, tolerance=Mode.STRICT, strict_filters=True)
        for name in _UNWANTED:
            del self.tags[name]
        del self.filters["safe"]
        for tag in tags:
            self.add_tag(tag)
        self.add_filter("money", money_filter.money)
        self.filters = {name: bounded(name, function) for name, function in self.filters.items()}

    def error(self, exc, msg=None, token=None) -> None:
        """This function will raise, with the place of the tag where the parser only knew "the end of it"."""
        if isinstance(exc, LiquidError) and (exc.token is None or exc.token.start_index < 0) and token is not None:
            exc.token = token
        super().error(exc, msg, token)


def bounded(name: str, function: Callable) -> Callable:
    """This function will wrap a filter so that neither what goes in nor what comes out can grow without end."""

    @wraps(function)
    def within(value, *args, **keywords):
        for given in (value, *args):
            _measure(given)
        _foresee(name, value, args)
        try:
            return _measure(function(value, *args, **keywords))
        except (ArithmeticError, ValueError, AttributeError, LookupError) as error:
            raise FilterArgumentError(f"{name} can do nothing with this", token=None) from error

    return within


def _measure(value):
    if isinstance(value, str):
        if len(value) > TEXT:
            raise LocalNamespaceLimitError("a text grows too long here", token=None)
    elif isinstance(value, (list, tuple)):
        if len(value) > ITEMS:
            raise LocalNamespaceLimitError("a list grows too long here", token=None)
    elif isinstance(value, (int, float)) and not -NUMBER <= value <= NUMBER:
        raise FilterArgumentError("a number grows too large here", token=None)
    return value


def _foresee(name: str, value, args: tuple) -> None:
    """Reckon what `replace` and `join` would make before they make it."""
    if name == "replace" and len(args) == 2:
        text, old, new = str(value), str(args[0]), str(args[1])
        times = text.count(old) if old else len(text) + 1
        grown = len(text) + times * max(len(new) - len(old), 0)
    elif name == "join" and isinstance(value, (list, tuple, range)):
        grown = len(value) * len(str(args[0] if args else " ")) + sum(len(str(item)) for item in value)
    else:
        return
    if grown > TEXT:
        raise LocalNamespaceLimitError("a text grows too long here", token=None)


def walk(thing) -> Iterator[object]:
    """This function will visit every node, expression and filter of a parsed template."""
    waiting = [thing]
    while waiting:
        thing = waiting.pop()
        if isinstance(thing, (list, tuple)) and not hasattr(thing, "_fields"):
            waiting.extend(thing)
        elif isinstance(thing, dict):
            waiting.extend(thing.values())
        elif isinstance(thing, (Node, Expression, Filter)) or hasattr(type(thing), "evaluate"):
            yield thing
            slots = {slot for kind in type(thing).__mro__ for slot in getattr(kind, "__slots__", ())}
            waiting.extend(getattr(thing, slot, None) for slot in slots | set(getattr(thing, "__dict__", ())))


# One for what marketers write (the link tag is ours alone), two for what we make of it.
SOURCE = Language(autoescape=True, tags=(offer_block.OffersTag,))
HTML = Language(autoescape=True, tags=(offer_block.OffersTag, offer_block.LinkTag))
TEXT_PART = Language(autoescape=False, tags=(offer_block.PlainOffersTag, offer_block.LinkTag))


def read(source: str, *, part: str, language: Language = SOURCE) -> tuple[Template | None, list[Problem]]:
    """This function will parse a source and tell every fault that can be found without data."""
    try:
        _check_blocks(markup.liquid_pieces(source))
        template = language.from_string(source)
    except markup.Unreadable as error:
        return None, [problem(part=part, source=source, at=error.at, sentence=error.sentence)]
    except LiquidError as error:
        return None, [fault(error, part=part, source=source)]
    faults = [
        problem(part=part, source=source, at=thing.token.start_index, sentence=f"Liquid has no filter {thing.name}.")
        for thing in walk(template.nodes)
        if isinstance(thing, Filter) and thing.name not in language.filters
    ]
    return (None if faults else template), faults


def _check_blocks(pieces: list[markup.Liquid]) -> None:
    opened: list[markup.Liquid] = []
    for piece in pieces:
        if piece.word in _BLOCKS:
            opened.append(piece)
        elif piece.word.startswith("end") and piece.word[3:] in _BLOCKS:
            if not opened:
                raise markup.Unreadable(piece.start, f"{{% {piece.word} %}} closes nothing that is open here.")
            if opened[-1].word != piece.word[3:]:
                found = f"{{% {piece.word} %}} stands where {{% end{opened[-1].word} %}} is needed."
                raise markup.Unreadable(piece.start, found)
            opened.pop()
    if opened:
        left = opened[-1]
        raise markup.Unreadable(left.start, f"{{% {left.word} %}} is opened here and never closed.")


def fault(error: Exception, *, part: str, source: str) -> Problem:
    """This function will turn what python-liquid (or Python) raised into a sentence with its place."""
    token = getattr(error, "token", None)
    at = token.start_index if token is not None and token.start_index >= 0 else 0
    if isinstance(error, RecursionError) or isinstance(error.__cause__, RecursionError):
        said = "this is nested too deeply"
    elif isinstance(error, LiquidError):
        said = str(error.message or "this cannot be read").rstrip(".")
    else:
        said = "this cannot be worked out"
    return problem(part=part, source=source, at=at, sentence=f"Liquid: {said}.")


def plain(data: dict) -> dict:
    """This function will refuse, with TypeError, data that holds anything but dicts, lists, texts, numbers and None.

    An object with methods would let a template call them; a marked-up text would pass unescaped.
    """
    orjson.dumps(data, option=_PLAIN)
    return data
