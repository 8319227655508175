"""The pages' sentences in other languages: merged, compiled and checked.

Every room keeps its own `translations/<locale>/LC_MESSAGES/<room>.po`, so that two people never edit one file; they
are merged into the one `messages.mo` that Flask-Babel reads. `python -m tenant_admin.words` lists what has no
translation yet, file by file.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

HERE = Path(__file__).parent
ROOT = HERE.parent
TRANSLATIONS = HERE / "translations"
METHODS = [("**.py", "python"), ("**/templates/**.html", "jinja2"), ("**.html", "jinja2")]
SOURCES = ("saas", "storefront", "tenant_admin", "workers")
KEYWORDS = {
    "_": None, "gettext": None, "lazy_gettext": None, "_l": None,
    "ngettext": (1, 2), "lazy_ngettext": (1, 2), "pgettext": ((1, "c"), 2), "N_": None,
}  # fmt: skip
PLACEHOLDER = re.compile(r"%\(\w+\)[sd]|\{\w+\}")


class WrongTranslation(Exception):
    """A translation lost or invented a placeholder."""


def _files(locale: str, translations: Path) -> list[Path]:
    """The shared words come first, so that all rooms use the same ones."""
    return sorted(
        (translations / locale / "LC_MESSAGES").glob("*.po"), key=lambda path: (path.stem != "messages", path.stem)
    )


def merged(locale: str, *, translations: Path = TRANSLATIONS) -> Catalog:
    """Return all .po files of a locale as one catalogue; where they disagree messages.po wins."""
    whole = Catalog(locale=locale, charset="utf-8")
    for path in _files(locale, translations):
        with path.open("rb") as file:
            for message in read_po(file, locale=locale):
                if not message.id or not message.string or not any(message.string):
                    continue
                if whole.get(message.id, message.context) is None:
                    whole.add(message.id, message.string, flags=message.flags, context=message.context)
    return whole


def compile_all(*, translations: Path = TRANSLATIONS) -> int:
    """Write messages.mo for every locale and return how many sentences they hold."""
    count = 0
    for folder in sorted(translations.glob("*/LC_MESSAGES")):
        catalog = merged(folder.parent.name, translations=translations)
        for message in catalog:
            _check_placeholders(message)
        with (folder / "messages.mo").open("wb") as file:
            write_mo(file, catalog)
        count += len(catalog)
    return count


def _check_placeholders(message: Message) -> None:
    sentence = message.id[-1] if isinstance(message.id, tuple) else message.id
    for text in message.string if isinstance(message.string, tuple) else (message.string,):
        if sentence and set(PLACEHOLDER.findall(sentence)) != set(PLACEHOLDER.findall(text)):
            raise WrongTranslation(f"{sentence!r} and {text!r} have different placeholders.")


def used(sources: tuple[str, ...] = SOURCES) -> Iterator[tuple[str, int, object]]:
    """Yield (file, line, sentence) for everything that is marked for translation."""
    for source in sources:
        for name, line, message, _comments, _context in extract_from_dir(
            ROOT / source,
            method_map=METHODS,
            keywords=KEYWORDS,
            options_map={"**.html": {"silent": "false", "extensions": "jinja2.ext.do,jinja2.ext.loopcontrols"}},
        ):
            yield f"{source}/{name}", line, message


def missing(locale: str, sources: tuple[str, ...] = SOURCES) -> list[tuple[str, int, str]]:
    """Return where a sentence is used that has no translation in this locale."""
    catalog = merged(locale)
    gaps = []
    for name, line, message in used(sources):
        sentence = message[0] if isinstance(message, tuple) else message
        entry = catalog.get(sentence)
        if entry is None or not entry.string:
            gaps.append((name, line, sentence))
    return gaps


def main() -> int:
    gaps = [gap for folder in TRANSLATIONS.glob("*/LC_MESSAGES") for gap in missing(folder.parent.name)]
    for name, line, sentence in gaps:
        print(f"{name}:{line}: {sentence}")
    return 1 if gaps else 0


if __name__ == "__main__":
    sys.exit(main())
