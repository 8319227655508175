"""Documents in memory, written through to one SQLite file.

A turn reads and changes plain dictionaries; ``commit`` compares each one handed out with what is on disk and writes the
difference, ``rollback`` puts them back. That is all a stand-in needs, and a restart finds everything again.
"""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

Document = dict[str, Any]


class Store:
    def __init__(self, path: str | Path):
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        self.file = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self.file.execute("PRAGMA journal_mode=WAL")
        self.file.execute("PRAGMA synchronous=NORMAL")
        self.file.execute(
            "CREATE TABLE IF NOT EXISTS documents (id TEXT PRIMARY KEY, kind TEXT, seq INTEGER, body TEXT)"
        )
        self.kinds: dict[str, dict[str, Document]] = {}
        self.kind_of: dict[str, str] = {}
        self.written: dict[str, str] = {}
        self.touched: set[str] = set()
        self.dropped: dict[str, Document] = {}
        self.seq = 0
        for identifier, kind, seq, body in self.file.execute("SELECT id, kind, seq, body FROM documents ORDER BY seq"):
            self.kinds.setdefault(kind, {})[identifier] = json.loads(body)
            self.kind_of[identifier], self.written[identifier] = kind, body
            self.seq = max(self.seq, seq)

    def add(self, document: Document, *, kind: str | None = None) -> Document:
        """This function will keep a new document under its ``id``; the kind is its ``object`` unless given."""
        kind = kind or document["object"]
        self.seq += 1
        document["_seq"] = self.seq
        self.kinds.setdefault(kind, {})[document["id"]] = document
        self.kind_of[document["id"]] = kind
        self.touched.add(document["id"])
        return document

    def get(self, kind: str, identifier: str | None) -> Document | None:
        """This function will give the live document, or None."""
        document = self.kinds.get(kind, {}).get(identifier or "")
        if document is not None:
            self.touched.add(document["id"])
        return document

    def any(self, identifier: str) -> Document | None:
        """This function will give the document with this id, whatever its kind."""
        kind = self.kind_of.get(identifier)
        return self.get(kind, identifier) if kind and not kind.startswith("_") else None

    def find(self, kind: str, **equals: Any) -> Iterator[Document]:
        """This function will yield the documents of a kind whose top-level fields equal these, oldest first."""
        for document in list(self.kinds.get(kind, {}).values()):
            if all(document.get(name) == value for name, value in equals.items()):
                self.touched.add(document["id"])
                yield document

    def first(self, kind: str, **equals: Any) -> Document | None:
        """This function will give the oldest match, or None."""
        return next(self.find(kind, **equals), None)

    def drop(self, document: Document) -> None:
        """This function will forget a document."""
        kind = self.kind_of.pop(document["id"])
        self.dropped[document["id"]] = self.kinds[kind].pop(document["id"])
        self.dropped[document["id"]]["_kind"] = kind
        self.touched.discard(document["id"])

    def commit(self, *, reading: bool = False) -> None:
        """This function will write what changed since the last commit, all of it or nothing.

        After ``reading`` only what is new is looked at: a list of a thousand events need not be compared with the disk.
        """
        changed = []
        for identifier in self.touched - self.written.keys() if reading else self.touched:
            kind = self.kind_of[identifier]
            document = self.kinds[kind][identifier]
            body = json.dumps(document, separators=(",", ":"))
            if body != self.written.get(identifier):
                changed.append((identifier, kind, document["_seq"], body))
        if changed or self.dropped:
            self.file.execute("BEGIN")
            self.file.executemany("INSERT OR REPLACE INTO documents VALUES (?, ?, ?, ?)", changed)
            self.file.executemany("DELETE FROM documents WHERE id = ?", [(key,) for key in self.dropped])
            self.file.execute("COMMIT")
        for identifier, _, _, body in changed:
            self.written[identifier] = body
        for identifier in self.dropped:
            self.written.pop(identifier, None)
        self.touched.clear()
        self.dropped.clear()

    def rollback(self) -> None:
        """This function will put every document handed out since the last commit back as it was."""
        for identifier, document in self.dropped.items():
            kind = document.pop("_kind")
            self.kinds[kind][identifier], self.kind_of[identifier] = document, kind
            self.touched.add(identifier)
        for identifier in self.touched:
            document = self.kinds[self.kind_of[identifier]][identifier]
            if identifier in self.written:
                document.clear()
                document.update(json.loads(self.written[identifier]))
            else:
                del self.kinds[self.kind_of.pop(identifier)][identifier]
        self.touched.clear()
        self.dropped.clear()

    def close(self) -> None:
        """This function will let go of the file."""
        self.file.close()
