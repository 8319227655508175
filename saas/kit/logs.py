"""Log lines: JSON for machines in production, sentences for people in development, and never anybody's data.

A line's words are ours, so its template is kept as it is. Of what is filled in only numbers, ids and single plain words pass;
free text becomes "…" and an exception its class and SQLSTATE, for both may quote an address, a name or a whole row. What
other libraries say is searched for what looks like an address, a number or a token. A traceback is the places it passed.
"""

from __future__ import annotations

import logging
import re
import sys
import threading
import traceback
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import orjson

from saas import config
from saas.kit import errand, scope

HIDDEN = "…"
WORD = re.compile(r"[A-Za-z0-9_.:/<>=-]{1,80}")
IDENTIFIER = re.compile(r"[0-9a-f]{8}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{4}-?[0-9a-f]{12}")
ADDRESS = re.compile(r"[^\s@<>\"'=(]+@[^\s@<>\"',;)]+")
QUERY = re.compile(r"\?[^\s\"']+")
HOST = re.compile(
    r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?![\w.])|(?<![\w:])[0-9a-fA-F]{0,4}(?::[0-9a-fA-F]{0,4}){3,7}(?![\w:])"
)
NUMBER = re.compile(r"\+?\d(?:[\s().-]?\d){7,}")
TOKEN = re.compile(r"(?=[A-Za-z0-9_-]*[0-9])(?=[A-Za-z0-9_-]*[A-Za-z])[A-Za-z0-9_-]{20,}")
CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
STANDARD = set(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}
NOISY = ("rq.worker", "rq.scheduler")  # they print a job's arguments; the worker says itself how its jobs ended


def begin(program: str) -> None:
    """Have this process write its log; `program` is its name in each line."""
    settings = config.get()
    errand.be(program)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(Lines() if as_json(settings) else Sentences())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(settings.log_level)
    for name in NOISY:
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)
    logging.captureWarnings(True)
    sys.excepthook = _uncaught
    threading.excepthook = lambda hooked: _uncaught(hooked.exc_type, hooked.exc_value, hooked.exc_traceback)


def as_json(settings: config.Settings) -> bool:
    return settings.log_format == "json" or (settings.log_format == "auto" and settings.production)


def _uncaught(kind, error, trace) -> None:
    if kind is not None and issubclass(kind, KeyboardInterrupt):
        return
    logging.getLogger("regulars").critical("ended by an exception", exc_info=(kind, error, trace))


def scrubbed(text: str) -> str:
    """Return a text without what looks like an address, a number, a token or a query, and on one line."""
    kept: list[str] = []

    def keep(found: re.Match) -> str:
        kept.append(found.group())
        return f"\ue000{len(kept) - 1}\ue001"

    text = IDENTIFIER.sub(keep, text.replace("\ue000", "").replace("\ue001", ""))
    for pattern in (ADDRESS, QUERY, HOST, NUMBER, TOKEN):
        text = pattern.sub(HIDDEN, text)
    text = CONTROL.sub(" ", text)
    return re.sub("\ue000(\\d+)\ue001", lambda found: kept[int(found[1])], text)


def safe(value: Any) -> Any:
    """Return what of a value may stand in a line."""
    if value is None or isinstance(value, (bool, int, float, UUID)):
        return value
    if isinstance(value, BaseException):
        return named(value)
    if isinstance(value, str):
        if not value or IDENTIFIER.fullmatch(value):
            return value
        return scrubbed(value) if WORD.fullmatch(value) else HIDDEN
    if isinstance(value, (list, tuple, set, frozenset)):
        return f"{len(value)} of them"
    return scrubbed(value.__name__) if isinstance(value, type) else f"<{type(value).__name__}>"


def named(error: BaseException) -> str:
    """Return an exception's class, with the SQLSTATE and the constraint of what PostgreSQL refused; never its words."""
    parts = [type(error).__name__]
    inner = getattr(error, "orig", None) or error
    if inner is not error:
        parts.append(type(inner).__name__)
    parts += [word for word in (getattr(inner, "sqlstate", None),) if word]
    diagnosis = getattr(inner, "diag", None)
    parts += [
        word for word in (getattr(diagnosis, "table_name", None), getattr(diagnosis, "constraint_name", None)) if word
    ]
    if isinstance(inner, OSError) and inner.errno:
        parts.append(f"errno {inner.errno}")
    return " ".join(map(str, parts))


def message(record: logging.LogRecord) -> str:
    """Return a record's sentence with only what is safe filled in."""
    template = (
        record.msg
        if isinstance(record.msg, str)
        else named(record.msg)
        if isinstance(record.msg, BaseException)
        else HIDDEN
    )
    arguments = record.args
    if not arguments:
        return scrubbed(template)
    try:
        filled = (
            template % {key: safe(value) for key, value in arguments.items()}
            if isinstance(arguments, dict)
            else template % tuple(safe(value) for value in arguments)
        )
    except (TypeError, ValueError):  # a %d was given a word that had to be hidden
        return scrubbed(template)
    return scrubbed(filled)


def places(error: BaseException) -> list[str]:
    """Return where an exception passed, oldest first, as "file:line function"; of its causes too."""
    found, seen = [], set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        frames = [
            f"{frame.filename.rpartition('site-packages/')[2]}:{frame.lineno} {frame.name}"
            for frame in traceback.extract_tb(error.__traceback__)
        ]
        found = [*frames[-25:], named(error), *found]
        error = error.__cause__ or (None if error.__suppress_context__ else error.__context__)
    return found


class Lines(logging.Formatter):
    """One JSON object a line."""

    def format(self, record: logging.LogRecord) -> str:
        errand_now = errand.current()
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(), "program": errand.program(), "pid": record.process, "logger": record.name,
            "message": message(record),
        }  # fmt: skip
        if errand_now:
            line |= {"request_id": errand_now.id, "errand": errand_now.what}
        if (tenant_id := scope.tenant_or_none()) is not None:
            line["tenant_id"] = tenant_id
        line |= {key: safe(value) for key, value in vars(record).items() if key not in STANDARD}
        if record.exc_info and record.exc_info[1] is not None:
            line |= {"error": named(record.exc_info[1]), "trace": places(record.exc_info[1])}
        return orjson.dumps(line, default=str).decode()


class Sentences(logging.Formatter):
    """For a developer's own terminal: all words, a traceback in full."""

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created).strftime("%H:%M:%S")
        more = " ".join(f"{key}={value}" for key, value in vars(record).items() if key not in STANDARD)
        errand_now = errand.current()
        about = f" [{errand_now.what} {errand_now.id[-12:]}]" if errand_now else ""
        said = CONTROL.sub(" ", f"{record.getMessage()} {more}".rstrip())
        text = f"{at} {record.levelname.lower():<7} {record.name}: {said}{about}"
        return f"{text}\n{self.formatException(record.exc_info)}" if record.exc_info and record.exc_info[1] else text
