"""From what a marketer writes to what each person reads: compiled once when saved, filled in once per recipient.

`compile` turns MJML or HTML with Liquid into a `Compiled` mail (HTML and text with Liquid, numbered links), or into
problems with line and column. A `Letter` holds the parsed result and fills it in; that is all that runs per person.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass, field

from liquid.builtin.expressions import LoopExpression
from liquid.builtin.expressions.primitive import IntegerLiteral
from liquid.exceptions import LiquidError, ResourceLimitError

from saas.marketing import bodies, converting, coupon_block, footers, offer_block, plain_text, templating
from saas.marketing.problems import Problem, problem
from saas.marketing.tracking import Link

NAMES = frozenset(
    ["customer", "company", "offers", "cart", "order", "shop", "campaign", "coupon", "language", "now", "today"]
    + ["unsubscribe_url", "preferences_url", "portal_url", "view_url", "open_url"]
)
_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")


@dataclass(frozen=True)
class Compiled:
    """A mail ready to be filled in. With `problems` it must not be sent; `warnings` only want a second look.

    `offers` is the number of recommendations the mail can show (0: it shows none), `coupon` whether it brings a code.
    """

    subject: str = ""
    html: str = ""
    text: str = ""
    language: str = "en"
    links: tuple[Link, ...] = ()
    offers: int = 0
    coupon: bool = False
    problems: tuple[Problem, ...] = field(default=())
    warnings: tuple[Problem, ...] = field(default=())

    def dump(self) -> dict:
        """This function will return the mail as plain JSON, for a jsonb column."""
        return asdict(self)

    @classmethod
    def load(cls, stored: dict) -> Compiled:
        """This function will take back what `dump` returned."""
        lists = {"links": Link, "problems": Problem, "warnings": Problem}
        return cls(
            **{name: value for name, value in stored.items() if name not in lists},
            **{name: tuple(kind(**item) for item in stored.get(name, ())) for name, kind in lists.items()},
        )


@dataclass(frozen=True)
class Parts:
    """One person's mail. `pieces` make up the HTML; `saas.kit.mail` encodes those that recur only once."""

    subject: str
    html: str
    text: str
    pieces: tuple[str, ...] = field(default=(), repr=False)


def compile(
    *,
    subject: str,
    body: str,
    text: str = "",
    language: str = "en",
    sample: dict | None = None,
    names: Collection[str] = NAMES,
) -> Compiled:
    """This function will compile a mail: subject, body (MJML or HTML) and, if given, the text part, all with Liquid.

    `sample` is one person's data for a trial; `names` are the variables that exist. Never raises for a bad template:
    the faults are in `problems`, each with its line and column in the source as it was written.
    """
    body, text = (source.replace("\r\n", "\n") for source in (body, text))  # forms send CR LF, which MJML does not take
    sources = {"subject": subject, "body": body, "text": text}
    problems, warnings, offers, coupon = [], [], 0, False
    for part, source in sources.items():
        if len(source.encode("utf-8", "replace")) > converting.LARGEST:
            problems.append(Problem(part, 1, 1, f"This is larger than {converting.LARGEST // 1024} kB."))
            continue
        found, unknown, shown, brings = _check(source, part=part, sample=sample, names=names)
        problems, warnings, offers = problems + found, warnings + unknown, max(offers, shown)
        coupon = coupon or brings
    for part, sentence in (("subject", "A mail needs a subject."), ("body", "A mail needs a body.")):
        if not sources[part].strip():
            problems.append(Problem(part, 1, 1, sentence))
    if problems:
        return Compiled(problems=tuple(problems), warnings=tuple(warnings), language=language)
    work = bodies.Body(body)
    try:
        work.convert()
    except bodies.Faulty as faulty:
        return Compiled(problems=tuple(faulty.problems), warnings=tuple(warnings), language=language)
    made_html, made_text = work.parts(text, language)
    made_html, made_text = footers.complete(html=made_html, text=made_text, language=language)
    links = tuple(work.links.found.values())
    return Compiled(subject, made_html, made_text, language, links, offers, coupon, (), tuple(warnings))


class Letter:
    """A compiled mail, parsed once per mailing and process, to be filled in for many people."""

    def __init__(self, compiled: Compiled) -> None:
        if compiled.problems:
            raise templating.RenderFailed(compiled.problems[0].sentence)
        self.compiled = compiled
        self.subject = _parsed(compiled.subject, "subject", templating.TEXT_PART)
        self.html = _parsed(compiled.html, "body", templating.HTML)
        self.text = _parsed(compiled.text, "text", templating.TEXT_PART)

    def fill(self, data: dict, *, tracked: Sequence[str], unsubscribe_url: str, open_url: str = "") -> Parts:
        """This function will write one person's mail.

        `data` holds plain dicts, lists, texts and numbers only (TypeError otherwise), and None where something is
        missing (to Liquid an empty text is true); `tracked` the address for each of the mail's links in order.
        Raises RenderFailed when the template asks for too much with this data.
        """
        more = {"tracked": tracked, "unsubscribe_url": unsubscribe_url, "open_url": open_url or None}
        data = {"language": self.compiled.language, **templating.plain(data), **more}
        subject, pieces, text = (self._filled(part, data) for part in ("subject", "html", "text"))
        subject = " ".join(_CONTROLS.sub(" ", "".join(subject)).split())[:250]
        if not subject:
            raise templating.RenderFailed("The subject is empty for this person.")
        language = self.compiled.language
        filled = {"html": "".join(pieces), "text": "".join(text)}
        html, text = footers.insist(**filled, unsubscribe_url=unsubscribe_url, language=language)
        # Where the mail had to be mended at its end, the pieces no longer make it up.
        pieces = tuple(pieces) if html == filled["html"] else (html,)
        return Parts(subject, html, plain_text.tidy(text), pieces)

    def _filled(self, part: str, data: dict) -> list[str]:
        try:
            return getattr(self, part).pieces(data)
        except (LiquidError, ArithmeticError, ValueError, TypeError, RecursionError) as error:
            source = getattr(self.compiled, part)
            raise templating.RenderFailed(templating.fault(error, part=part, source=source).sentence) from error


def _check(source: str, *, part: str, sample: dict | None, names: Collection[str]):
    """Parse one source, try it, and look for names that nothing has; also counts the offers that it can show, and
    tells whether it brings a code."""
    template, faults = templating.read(source, part=part)
    if faults:
        return faults, [], 0, False
    try:
        template.fill(templating.plain(sample or {}))
    except ResourceLimitError as error:
        return [templating.fault(error, part=part, source=source)], [], 0, False
    except (LiquidError, ArithmeticError, ValueError, TypeError, RecursionError) as error:
        if sample is not None:
            return [templating.fault(error, part=part, source=source)], [], 0, False
    blocks = [thing.limit for thing in templating.walk(template.nodes) if isinstance(thing, offer_block.OffersNode)]
    used = template.analyze(include_partials=False).globals
    shown = max([*map(_looped, templating.walk(template.nodes)), *blocks, 0]) or (4 if "offers" in used else 0)
    unknown = [
        problem(
            part=part, source=source, at=place.span.index, sentence=f"Nothing here is called {name}; it stays empty."
        )
        for name, places in used.items()
        if name not in names
        for place in places[:1]
    ]
    brings = "coupon" in used or any(
        isinstance(thing, coupon_block.CouponNode) for thing in templating.walk(template.nodes)
    )
    return [], unknown, shown, brings


def _looped(thing: object) -> int:
    """How many offers `{% for offer in offers limit: 3 %}` asks for."""
    if (
        isinstance(thing, LoopExpression)
        and str(thing.iterable) == "offers"
        and isinstance(thing.limit, IntegerLiteral)
    ):
        return min(max(thing.limit.value, 0), offer_block.MOST)
    return 0


def _parsed(source: str, part: str, language: templating.Language) -> templating.Template:
    template, faults = templating.read(source, part=part, language=language)
    if faults:
        raise templating.RenderFailed(faults[0].sentence)
    return template
