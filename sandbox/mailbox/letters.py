"""What was received, kept in one SQLite file: the newest letters only, and still there after a restart.

Letters are gathered and written in batches, because one commit per mail would be the bottleneck of a campaign.
A reader always writes the batch first, so whoever was told "250 taken" finds the mail at once.
"""

import json
import re
import sqlite3
import threading
from datetime import UTC, datetime
from email.errors import HeaderParseError
from email.header import decode_header, make_header

BATCH = 400
HEADER = re.compile(rb"^(subject|from|message-id):[ \t]*((?:[^\r\n]|\r\n[ \t])*)", re.IGNORECASE | re.MULTILINE)
TABLES = """
CREATE TABLE IF NOT EXISTS letters (
    id INTEGER PRIMARY KEY AUTOINCREMENT, received_at TEXT, sender TEXT, recipients TEXT, author TEXT,
    subject TEXT, message_id TEXT, size INTEGER, spam INTEGER DEFAULT 0);
CREATE TABLE IF NOT EXISTS bodies (id INTEGER PRIMARY KEY, raw BLOB);
"""
COLUMNS = "id, received_at, sender, recipients, author, subject, message_id, size, spam"


class Letters:
    """A bounded, durable pile of mails that may be used from several threads."""

    def __init__(self, *, path, keep=20_000):
        self.keep = keep
        self.pending = []
        self.lock = threading.RLock()
        self.file = sqlite3.connect(path, check_same_thread=False)
        # A sandbox may lose the last moment in a power cut; it may not slow down what is measured against it.
        self.file.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF;" + TABLES)

    def put(self, *, sender, recipients, raw):
        """This function will keep one mail as it came over the wire, at the latest with the next `flush`."""
        with self.lock:
            self.pending.append((datetime.now(UTC), sender, recipients, raw))
            if len(self.pending) >= BATCH:
                self.flush()

    def flush(self):
        """This function will write what is pending and let go of what is beyond the bound."""
        with self.lock:
            if not self.pending:
                return
            batch, self.pending = self.pending, []
            newest = self.file.execute("SELECT max(seq) FROM sqlite_sequence WHERE name='letters'").fetchone()[0] or 0
            numbered = list(enumerate(batch, newest + 1))
            self.file.executemany(
                f"INSERT INTO letters ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?, 0)",
                [(number, *describe(*letter)) for number, letter in numbered],
            )
            self.file.executemany("INSERT INTO bodies VALUES (?, ?)", [(n, letter[3]) for n, letter in numbered])
            oldest = newest + len(batch) - self.keep
            self.file.execute("DELETE FROM letters WHERE id <= ?", (oldest,))
            self.file.execute("DELETE FROM bodies WHERE id <= ?", (oldest,))
            self.file.commit()

    def find(self, *, to="", subject="", text="", before=None, limit=50):
        """This function will return the newest letters whose recipient and subject contain what is asked.

        `text` may be in either of the two; `before` is the id of the last letter of the page before.
        """
        conditions, values = ["id < ?"], [before if before is not None else 2**62]
        for column, wanted in (("recipients", to), ("subject", subject), ("recipients || ' ' || subject", text)):
            if wanted:
                conditions.append(rf"{column} LIKE ? ESCAPE '\'")
                values.append("%" + re.sub(r"([\\%_])", r"\\\1", wanted.strip()) + "%")
        rows = self.rows(
            f"SELECT {COLUMNS} FROM letters WHERE {' AND '.join(conditions)} ORDER BY id DESC LIMIT ?",
            (*values, limit),
        )
        return [as_dict(row) for row in rows]

    def one(self, letter_id):
        """This function will return one letter with its `raw` bytes, or None."""
        columns = "letters." + COLUMNS.replace(", ", ", letters.")
        rows = self.rows(f"SELECT {columns}, raw FROM letters JOIN bodies USING (id) WHERE id = ?", (letter_id,))
        return {**as_dict(rows[0][:-1]), "raw": rows[0][-1]} if rows else None

    def count(self):
        """This function will return how many letters are kept."""
        return self.rows("SELECT count(*) FROM letters")[0][0]

    def mark_spam(self, letter_id):
        """This function will remember that the reader complained about this letter."""
        with self.lock:
            self.file.execute("UPDATE letters SET spam = 1 WHERE id = ?", (letter_id,))
            self.file.commit()

    def clear(self):
        """This function will throw all letters away."""
        with self.lock:
            self.pending = []
            self.file.executescript("DELETE FROM letters; DELETE FROM bodies; PRAGMA incremental_vacuum;")

    def close(self):
        """This function will write what is pending and close the file."""
        with self.lock:
            self.flush()
            self.file.close()

    def rows(self, statement, values=()):
        with self.lock:
            self.flush()
            return self.file.execute(statement, values).fetchall()


def describe(received_at, sender, recipients, raw):
    """This function will return the searchable columns of a letter from its envelope and the top of its header."""
    top = raw[: raw.find(b"\r\n\r\n") + 2] if b"\r\n\r\n" in raw else raw
    headers = {}
    for name, value in HEADER.findall(top):
        headers.setdefault(name.lower(), readable(value))
    return (
        received_at.isoformat(timespec="milliseconds"), sender, json.dumps(recipients, ensure_ascii=False),
        headers.get(b"from", ""), headers.get(b"subject", ""), headers.get(b"message-id", ""), len(raw),
    )  # fmt: skip


def readable(value):
    """This function will unfold a header's value and decode its encoded words; what cannot be decoded stays."""
    text = value.replace(b"\r\n", b"").decode("utf-8", "replace").strip()
    if "=?" not in text:
        return text
    try:
        return str(make_header(decode_header(text)))
    except (HeaderParseError, LookupError, UnicodeDecodeError, ValueError):
        return text


def as_dict(row):
    letter = dict(zip(COLUMNS.split(", "), row, strict=True))
    return {**letter, "recipients": json.loads(letter["recipients"]), "spam": bool(letter["spam"])}
