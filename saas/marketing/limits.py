"""The limits that python-liquid leaves open, so that no template can take long or grow large.

It limits nested loops and the size of the output. Here are: loops one after the other, ranges such as
(1..1000000000) inside a condition, filters that grow a text a thousandfold, numbers, and time.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import wraps

from liquid import BoundTemplate, RenderContext
from liquid.builtin.expressions.primitive import RangeLiteral
from liquid.exceptions import (
    FilterArgumentError,
    LocalNamespaceLimitError,
    LoopIterationLimitError,
    OutputStreamLimitError,
)

OUTPUT, TEXT, ITEMS, ROUNDS, STEPS = 512 * 1024, 64 * 1024, 2_000, 5_000, 300_000
NUMBER, SECONDS = 10**15, 1.0


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


class ShortRange(RangeLiteral):
    """`(a..b)` of at most so many items: a range is looked through one by one by `contains` and by filters."""

    __slots__ = ()

    def _make_range(self, start, stop) -> range:
        made = super()._make_range(start, stop)
        if made.stop - made.start > ITEMS:
            raise LoopIterationLimitError(f"a range may have {ITEMS} items at most", token=self.token)
        return made


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
