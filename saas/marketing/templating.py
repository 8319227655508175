"""Liquid as marketers may use it: over plain data, escaped, within `limits`, every fault with its place."""

from __future__ import annotations

from collections.abc import Iterator

import orjson
from liquid import BoundTemplate, Environment, Mode
from liquid.ast import Node
from liquid.builtin.expressions.filtered import Filter
from liquid.builtin.expressions.primitive import RangeLiteral
from liquid.exceptions import LiquidError, LiquidInterrupt
from liquid.expression import Expression

from saas.kit import errors
from saas.marketing import coupon_block, limits, markup, money_filter, offer_block
from saas.marketing.problems import Problem, problem

_UNWANTED = ("include", "render", "tablerow")
_BLOCKS = frozenset(["if", "unless", "case", "for", "capture", "ifchanged"])
_PLAIN = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_SUBCLASS | orjson.OPT_PASSTHROUGH_DATETIME


class RenderFailed(errors.Invalid):
    """A template that can be read asked for too much, or for something that cannot be done, with this data."""

    code, message = "template_failed", "This template cannot be filled in."


class Template(BoundTemplate):
    """A parsed template that is filled with plain data."""

    context_class = limits.Context

    def __init__(self, *args, **more) -> None:
        super().__init__(*args, **more)
        steps = 0
        for thing in walk(self.nodes):
            steps += isinstance(thing, Node)
            if type(thing) is RangeLiteral:
                thing.__class__ = limits.ShortRange
        self.rounds = max(1, min(limits.ROUNDS, limits.STEPS // max(steps, 1)))

    def fill(self, data: dict) -> str:
        """This function will render the template; `data` holds only dicts, lists, texts, numbers and None.

        Raises LiquidError, whose token tells `fault` the place.
        """
        return "".join(self.pieces(data))

    def pieces(self, data: dict) -> list[str]:
        """This function will do the same and return the pieces: those that are equal for everybody are one object."""
        context, output = limits.Context(self, globals=data), limits.Output(limits.OUTPUT)
        try:
            for node in self.nodes:
                node.render_to_output(context, output)
        except LiquidInterrupt:  # {% break %} outside a loop ends the mail there
            pass
        return output.parts


class Language(Environment):
    """Liquid with our limits, filters and tags. `tags` are added; `autoescape` for HTML."""

    context_depth_limit = 20
    block_nesting_limit = 20
    loop_iteration_limit = limits.ROUNDS
    output_stream_limit = limits.OUTPUT
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
        self.filters = {name: limits.bounded(name, function) for name, function in self.filters.items()}

    def error(self, exc, msg=None, token=None) -> None:
        """This function will raise, with the place of the tag where the parser only knew "the end of it"."""
        if isinstance(exc, LiquidError) and (exc.token is None or exc.token.start_index < 0) and token is not None:
            exc.token = token
        super().error(exc, msg, token)


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
SOURCE = Language(autoescape=True, tags=(offer_block.OffersTag, coupon_block.CouponTag))
HTML = Language(autoescape=True, tags=(offer_block.OffersTag, offer_block.LinkTag, coupon_block.CouponTag))
TEXT_PART = Language(
    autoescape=False, tags=(offer_block.PlainOffersTag, offer_block.LinkTag, coupon_block.PlainCouponTag)
)


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
